// A detector is a source, a catalogue line, a page, a test and a sample folder, all of one name.
#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "detectors/catalogue.h"
#include "detectors/pages.h"
#include "report/layout.h"
#include "tests/support/analysis.h"
#include "tests/support/catch.h"

namespace wirefault::test {
namespace {

namespace fs = std::filesystem;

std::string with_underscores(std::string_view id) {
  std::string name{id};
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::set<std::string> detector_sources() {
  std::set<std::string> found;  // "dns/dns_unanswered"
  for (const char* layer : {"dns", "tcp", "ip", "path", "link"}) {
    const fs::path folder = in_source(std::string{"detectors/"} + layer);
    if (!fs::exists(folder)) continue;
    for (const auto& entry : fs::directory_iterator{folder}) {
      if (entry.path().extension() == ".cpp") {
        found.insert(std::string{layer} + "/" + entry.path().stem().string());
      }
    }
  }
  return found;
}

std::string_view page_of(std::string_view id) {
  for (const DetectorPage& page : detector_pages()) {
    if (page.detector == id) return page.text;
  }
  return {};
}

TEST_CASE("every detector has its source, page, test and samples", "[whole][house]") {
  const auto sources = detector_sources();
  CHECK(sources.size() == catalogue().size());
  for (const DetectorEntry& entry : catalogue()) {
    INFO(entry.id);
    const std::string name = with_underscores(entry.id);
    const auto source = std::find_if(sources.begin(), sources.end(), [&](const std::string& each) {
      return each.substr(each.find('/') + 1) == name;
    });
    REQUIRE(source != sources.end());
    CHECK(fs::exists(in_source("tests/detectors/" + *source + "_test.cpp")));
    const fs::path samples = in_source("samples/" + std::string{entry.id});
    REQUIRE(fs::exists(samples));
    std::set<std::string> kinds;
    for (const auto& each : fs::directory_iterator{samples}) {
      const std::string file = each.path().filename().string();
      for (const char* kind : {"fires", "quiet", "cut"}) {
        if (file.starts_with(kind) && file.ends_with(".expect.toml")) kinds.insert(kind);
      }
    }
    CHECK(kinds == std::set<std::string>{"cut", "fires", "quiet"});
    CHECK(fs::exists(samples / "README.md"));
  }
}

TEST_CASE("every page has the fixed headings, in order", "[whole][house]") {
  for (const DetectorEntry& entry : catalogue()) {
    INFO(entry.id);
    const std::string_view page = page_of(entry.id);
    REQUIRE_FALSE(page.empty());
    CHECK(page.starts_with("# " + std::string{entry.id} + "\n"));
    std::size_t at = 0;
    for (const char* heading :
         {"## What it means", "## What it looks like", "## Common causes", "## What to check next",
          "## False alarms and blind spots", "## Settings", "## References"}) {
      INFO(heading);
      const std::size_t found = page.find(heading, at);
      REQUIRE(found != std::string_view::npos);
      at = found;
    }
  }
}

TEST_CASE("every page fits a terminal of 80 columns", "[whole][house]") {
  for (const DetectorEntry& entry : catalogue()) {
    std::istringstream lines{page_text(page_of(entry.id), 80)};
    for (std::string line; std::getline(lines, line);) {
      INFO(entry.id << ": " << line);
      CHECK(line.size() <= 80);
    }
  }
}

TEST_CASE("every setting of a detector is in its page, with its default", "[whole][house]") {
  for (const DetectorEntry& entry : catalogue()) {
    Settings settings;
    Setup setup{settings, entry.id};
    (void)entry.make(setup);
    for (const Settings::Declared& declared : settings.declared()) {
      INFO(declared.name << " = " << declared.standard);
      CHECK(page_of(entry.id).find("`" + declared.name + "` | " + declared.standard + " |") !=
            std::string_view::npos);
    }
  }
}

TEST_CASE("ids are distinct and every page belongs to a detector", "[whole][house]") {
  std::set<std::string_view> ids;
  for (const DetectorEntry& entry : catalogue()) CHECK(ids.insert(entry.id).second);
  for (const DetectorPage& page : detector_pages()) {
    INFO(page.detector);
    CHECK(ids.contains(page.detector));
  }
}

}  // namespace
}  // namespace wirefault::test
