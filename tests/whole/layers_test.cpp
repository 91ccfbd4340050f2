// The house holds: includes go one way, and what a folder must not know it does not know.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include "tests/support/analysis.h"
#include "tests/support/catch.h"

namespace wirefault::test {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> folders{"capture", "dissectors", "detectors", "report", "cli"};

std::string text_of(const fs::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::map<std::string, std::string> sources() {
  std::map<std::string, std::string> texts;
  for (const std::string& folder : folders) {
    for (const auto& entry : fs::recursive_directory_iterator{in_source(folder)}) {
      const auto extension = entry.path().extension();
      if (extension != ".h" && extension != ".cpp") continue;
      texts[fs::relative(entry.path(), in_source(".")).string()] = text_of(entry.path());
    }
  }
  return texts;
}

std::vector<std::string> includes_of(const std::string& text) {
  static const std::regex include{R"re(#include "([^"]+)")re"};
  std::vector<std::string> found;
  for (std::sregex_iterator at{text.begin(), text.end(), include}, end; at != end; ++at) {
    found.push_back((*at)[1]);
  }
  return found;
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.find('/'));
}

TEST_CASE("includes go one way", "[whole][house]") {
  const std::map<std::string, std::set<std::string>> may{
      {"capture", {"capture"}},
      {"dissectors", {"capture", "dissectors"}},
      {"detectors", {"capture", "dissectors", "detectors"}},
      {"report", {"capture", "detectors", "report"}},
      {"cli", {"capture", "dissectors", "detectors", "report", "cli"}},
  };
  for (const auto& [path, text] : sources()) {
    for (const std::string& included : includes_of(text)) {
      INFO(path << " includes " << included);
      // What one packet says is a value, as a finding is.
      if (folder_of(path) == "report" && included == "dissectors/packet_words.h") continue;
      CHECK(may.at(folder_of(path)).contains(folder_of(included)));
    }
  }
}

TEST_CASE("detectors hear facts and nothing else", "[whole][house]") {
  for (const auto& [path, text] : sources()) {
    static const std::regex detector_file{"detectors/(dns|tcp|ip|path|link)/.*"};
    if (!std::regex_match(path, detector_file)) continue;
    for (const std::string& included : includes_of(text)) {
      INFO(path << " includes " << included);
      CHECK(folder_of(included) == "detectors");
      CHECK(included.find("judgement") == std::string::npos);
    }
  }
}

TEST_CASE("reports know findings only", "[whole][house]") {
  const std::set<std::string> known{"detectors/board.h", "detectors/finding.h", "detectors/pages.h",
                                    "detectors/result.h", "detectors/wording.h"};
  for (const auto& [path, text] : sources()) {
    if (folder_of(path) != "report") continue;
    for (const std::string& included : includes_of(text)) {
      if (folder_of(included) != "detectors") continue;
      INFO(path << " includes " << included);
      CHECK(known.contains(included));
    }
  }
}

TEST_CASE("time comes from packets", "[whole][house]") {
  static const std::regex clock{
      R"(system_clock|steady_clock|gettimeofday|clock_gettime|\btime\((nullptr|NULL|0|&))"};
  for (const auto& [path, text] : sources()) {
    // Progress on a terminal, and a capture that must know when nothing comes.
    if (folder_of(path) == "cli" || path == "capture/live.cpp") continue;
    INFO(path);
    CHECK_FALSE(std::regex_search(text, clock));
  }
}

// It keeps what the rest of the program gives up, so it must not be there to be taken over.
TEST_CASE("the process that opens files has no code for packets", "[whole][house]") {
  const std::set<std::string> known{"capture/error.h", "capture/file_descriptor.h",
                                    "capture/file_opener.h"};
  for (const auto& [path, text] : sources()) {
    if (!known.contains(path) && path != "capture/file_opener.cpp") continue;
    for (const std::string& included : includes_of(text)) {
      INFO(path << " includes " << included);
      CHECK(known.contains(included));
    }
  }
}

TEST_CASE("libpcap is asked for filters and live packets only", "[whole][house]") {
  for (const auto& [path, text] : sources()) {
    if (path == "capture/filter.cpp" || path == "capture/live.cpp") continue;
    INFO(path);
    CHECK(text.find("#include <pcap") == std::string::npos);
  }
}

}  // namespace
}  // namespace wirefault::test
