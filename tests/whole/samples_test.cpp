// Every capture in samples/ gives what the expectation beside it says.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "capture/error.h"
#include "tests/support/analysis.h"
#include "tests/support/catch.h"
#include "tests/support/expectation.h"

namespace wirefault::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_ending(const std::string& ending) {
  std::vector<fs::path> files;
  // WIREFAULT_SAMPLES=dns-unanswered runs those whose path holds the word.
  const char* only = std::getenv("WIREFAULT_SAMPLES");
  for (const auto& entry : fs::recursive_directory_iterator{in_source("samples")}) {
    const std::string path = entry.path().string();
    if (only != nullptr && path.find(only) == std::string::npos) continue;
    if (path.ends_with(ending)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool is_capture(const fs::path& path) {
  return path.extension() == ".pcap" || path.extension() == ".pcapng";
}

TEST_CASE("every sample gives what is expected of it", "[whole][samples]") {
  const auto files = files_ending(".expect.toml");
  REQUIRE_FALSE(files.empty());
  for (const fs::path& file : files) {
    std::vector<std::string> told;
    try {
      told = unmet(file.string());
    } catch (const std::exception& problem) {
      told = {problem.what()};
    }
    INFO(fs::relative(file, in_source("samples")).string()
         << "\n  " << fmt::format("{}", fmt::join(told, "\n  ")));
    CHECK(told.empty());
  }
}

TEST_CASE("every sample has an expectation", "[whole][samples]") {
  for (const auto& entry : fs::recursive_directory_iterator{in_source("samples")}) {
    if (!is_capture(entry.path())) continue;
    fs::path expectation = entry.path();
    expectation.replace_extension(".expect.toml");
    INFO(entry.path().string());
    CHECK(fs::exists(expectation));
  }
}

TEST_CASE("an expectation that does not hold is told", "[whole][samples]") {
  const fs::path folder = fs::temp_directory_path() / "wirefault-expectation";
  fs::create_directories(folder);
  fs::copy_file(in_source("samples/dns-unanswered/fires.pcap"), folder / "fires.pcap",
                fs::copy_options::overwrite_existing);
  const auto lines_for = [&](const std::string& expect) {
    const std::string file = (folder / "fires.expect.toml").string();
    FILE* out = std::fopen(file.c_str(), "w");
    fmt::print(out, "schema = 1\ncapture = \"fires.pcap\"\nlevel = \"warning\"\nexact = true\n{}",
               expect);
    std::fclose(out);
    return unmet(file);
  };
  const std::string head = "[[expect]]\ndetector = \"dns-unanswered\"\n";
  CHECK(lines_for(head).empty());
  CHECK(lines_for(head + "count = \">=2\"\nof = \"1..3\"\n").empty());
  CHECK(lines_for(head + "count = 3\n").size() == 2);  // the difference, and what was got
  CHECK(lines_for(head + "frames = [3, 99]\n").size() == 2);
  CHECK(lines_for(head + "server = \"192.0.2.99:53\"\n").size() == 2);  // and it is not expected
  CHECK(lines_for("").size() == 1);
  CHECK_THROWS_AS(lines_for(head + "servr = \"192.0.2.99:53\"\n"), Error);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace wirefault::test
