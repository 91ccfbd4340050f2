// The JSON report is a promise to programs: its shape is the schema's, and nothing from the wire
// can break out of it.
#include "report/json.h"

#include <nlohmann/json.hpp>

#include "tests/report/results.h"
#include "tests/report/schema.h"
#include "tests/support/catch.h"

namespace wirefault {
namespace {

std::string problems(const std::string& report) {
  return tests::schema_problems(WIREFAULT_SOURCE_DIR, "wirefault-1.schema.json", report);
}

}  // namespace

TEST_CASE("reports are as the schema says", "[report]") {
  Result hostile = tests::outage();
  hostile.sources[0].name = std::string{"\xff\x1b\0\"</script>\\", 13};
  hostile.sources[0].cut_short = CutShort{77, "block length 13 is impossible\x07"};
  hostile.sources[0].interfaces[0].dropped_by_kernel = 7;
  hostile.findings[0].title = "name with \"quotes\" and \\009 in it";
  for (const Result& result : {Result{}, tests::healthy(), tests::outage(), hostile}) {
    const std::string found = problems(json_report(result));
    if (found == "skipped") {
      WARN("skipped: python3-jsonschema is not installed");
      return;
    }
    CHECK(found == "");
  }
}

TEST_CASE("the schema refuses what it does not know", "[report]") {
  nlohmann::json report = nlohmann::json::parse(json_report(tests::outage()));
  report["findings"][0]["surprise"] = 1;
  CHECK(problems(report.dump()) != "");
}

TEST_CASE("numbers, times and fingerprints survive any JSON reader", "[report]") {
  const auto report = nlohmann::json::parse(json_report(tests::outage()));
  CHECK(report["schema"] == "wirefault/1");
  CHECK(report["counts"]["dns_rcodes"]["NXDOMAIN"] == 12);
  const auto& finding = report["findings"][0];
  CHECK(finding["fp"] == "3f9c0a51d2b7e846");
  CHECK(finding["first"] == "2024-05-01T10:10:10.204113000Z");
  CHECK(finding["frames"]["s1"] == nlohmann::json({81204, 81377, 81950, 402113}));
  CHECK(finding["frames_total"] == 5530);
  CHECK(finding["evidence"][0] == nlohmann::json({{"source", "s1"},
                                                  {"frame", 81204},
                                                  {"time", "2024-05-01T10:10:10.204113000Z"},
                                                  {"role", "first"},
                                                  {"note", nullptr}}));
  CHECK(finding["causes"][0]["id"] == "server-down");
  CHECK(finding["measures"]["waited_ns"] == 5'000'000'000);
  CHECK(finding["variant"].is_null());
  CHECK(report["incidents"][0]["root"] == "F1");
}

TEST_CASE("a filter by frame number is told for each file", "[report]") {
  Result result = tests::outage();
  result.sources = {tests::source("a.pcap", 10), tests::source("b.pcap", 10)};
  Finding& finding = result.findings[0];
  finding.frames = {PacketRef{0, 3}, PacketRef{0, 7}, PacketRef{1, 3}};
  finding.display_filter = "frame.number in {3, 7, 3}";
  const std::string text = json_report(result);
  const auto told = nlohmann::json::parse(text)["findings"][0];
  CHECK(told["display_filter"].is_null());
  CHECK(told["display_filters"] ==
        nlohmann::json({{"s1", "frame.number in {3, 7}"}, {"s2", "frame.number in {3}"}}));
  const std::string found = problems(text);
  CHECK((found.empty() || found == "skipped"));
}

TEST_CASE("times before 1970 are told right", "[report]") {
  Result result = tests::healthy();
  result.first = Timestamp{Duration{-1}};
  const auto report = nlohmann::json::parse(json_report(result));
  CHECK(report["first"] == "1969-12-31T23:59:59.999999999Z");
}

TEST_CASE("bytes that are not text do not break the report", "[report]") {
  Result result = tests::outage();
  result.findings[0].title = "\xff\xfe\x1b[2J";
  const std::string text = json_report(result);
  CHECK(nlohmann::json::accept(text));
  for (const char character : text) {
    const bool safe = (character >= ' ' && character <= '~') || character == '\n';
    REQUIRE(safe);
  }
}

TEST_CASE("one finding a line", "[report]") {
  const std::string text = json_report(tests::outage());
  CHECK(text.find("\n  {\"id\":\"F2\",") != text.npos);
}

}  // namespace wirefault
