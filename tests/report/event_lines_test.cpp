// What a live capture says in a pipe: a line for each finding that opens, grows or closes, and the
// same as JSON for programs.
#include "report/event_lines.h"

#include <nlohmann/json.hpp>

#include "tests/report/results.h"
#include "tests/report/schema.h"
#include "tests/support/catch.h"

namespace wirefault {
namespace {

using tests::at;

// The resolver's outage as it begins, goes on and is over.
struct Stage {
  std::int64_t second;
  std::uint64_t count;
  std::uint64_t of;
  FindingState state;
};

struct Told {
  std::string text;
  std::string json;
};

Told tell(const std::vector<Stage>& stages, const std::string& title = {}) {
  Board board;
  Told told;
  for (const Stage& stage : stages) {
    Result result = tests::healthy();
    result.findings = {tests::resolver_down()};
    Finding& finding = result.findings[0];
    if (!title.empty()) finding.title = title;
    finding.severity = Severity::error;
    finding.count = stage.count;
    finding.of = stage.of;
    finding.state = stage.state;
    finding.first = at(610);
    finding.last = at(stage.second);
    const Timestamp now = at(stage.second, 204'900'000);
    for (const BoardEvent& event : board.take(result, now)) {
      told.text += event_line(event, board, now);
      told.json += json_line(event, board, now);
    }
  }
  return told;
}

const std::vector<Stage> outage{{614, 3, 3, FindingState::ongoing},
                                {615, 7, 7, FindingState::ongoing},
                                {645, 118, 119, FindingState::ongoing},
                                {1100, 1843, 1851, FindingState::ended}};

std::vector<nlohmann::json> parsed(const std::string& text) {
  std::vector<nlohmann::json> events;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    REQUIRE(end != rest.npos);
    events.push_back(nlohmann::json::parse(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
  }
  return events;
}

}  // namespace

TEST_CASE("a finding opens, grows and closes in a line each", "[report]") {
  CHECK(tell(outage).text ==
        "10:10:14.204Z open   F1 error dns-unanswered DNS server 192.0.2.53 stopped answering"
        " (3 of 3 queries)\n"
        "10:10:45.204Z update F1 error dns-unanswered DNS server 192.0.2.53 stopped answering"
        " (118 of 119 queries)\n"
        "10:18:20.204Z close  F1 error dns-unanswered DNS server 192.0.2.53 stopped answering"
        " (1,843 of 1,851 queries) lasted 8m10s\n");
}

TEST_CASE("whatever a finding is called, its event is one line without control bytes", "[report]") {
  const Told told = tell({{614, 3, 3, FindingState::ongoing}}, "a\nb\x1b[2J\x7f\xc2\x9b|`::error");
  CHECK(told.text.find("a\\010b\\027[2J\\127\\194\\155|`::error") != told.text.npos);
  for (const std::string& line : {told.text, told.json}) {
    CHECK(line.find('\n') == line.size() - 1);
    for (const char character : line.substr(0, line.size() - 1)) {
      REQUIRE((character >= ' ' && character <= '~'));
    }
  }
}

TEST_CASE("colour is of the severity word only", "[report]") {
  Result result;
  result.findings = {tests::resolver_down()};
  Board board;
  const auto events = board.take(result, at(614));
  const std::string line = event_line(events.at(0), board, at(614), {Zone::utc, true});
  CHECK(line.find(" \x1b[1;31mcritical\x1b[0m ") != line.npos);
  CHECK(std::count(line.begin(), line.end(), '\x1b') == 2);
}

TEST_CASE("events for programs say by how much a finding has grown", "[report]") {
  const auto events = parsed(tell(outage).json);
  REQUIRE(events.size() == 3);
  CHECK(events[0]["schema"] == "wirefault-event/1");
  CHECK(events[0]["event"] == "open");
  CHECK(events[1]["event"] == "update");
  CHECK(events[2]["event"] == "close");
  CHECK(events[0]["time"] == "2024-05-01T10:10:14.204900000Z");
  CHECK(events[0]["count_delta"] == 3);
  CHECK(events[1]["count_delta"] == 115);
  CHECK(events[2]["count_delta"] == 1725);
  CHECK(events[2]["finding"]["count"] == 1843);
  CHECK(events[0]["finding"]["id"] == "F1");
  CHECK(events[0]["finding"]["state"] == "ongoing");
  CHECK(events[2]["finding"]["state"] == "ended");
}

TEST_CASE("a finding that is no longer made closes as ended", "[report]") {
  Result result;
  result.findings = {tests::port_refuses_nothing()};
  Board board;
  board.take(result, at(614));
  result.findings.clear();
  const auto closed = board.take(result, at(620));
  REQUIRE(closed.size() == 1);
  const auto event = parsed(json_line(closed[0], board, at(620))).at(0);
  CHECK(event["event"] == "close");
  CHECK(event["count_delta"] == 0);
  CHECK(event["finding"]["state"] == "ended");
}

TEST_CASE("events are as their schema says, and it refuses what it does not know", "[report]") {
  const std::string schema = "wirefault-event-1.schema.json";
  const std::string lines = tell(outage, R"(\255\027"</script>\)").json;
  const std::string found = tests::schema_problems(WIREFAULT_SOURCE_DIR, schema, lines);
  if (found == "skipped") {
    WARN("skipped: python3-jsonschema is not installed");
    return;
  }
  CHECK(found == "");
  for (const std::string key : {"event", "finding", "surprise"}) {
    nlohmann::json event = parsed(lines).at(0);
    event[key] = 1;
    CHECK(tests::schema_problems(WIREFAULT_SOURCE_DIR, schema, event.dump()) != "");
  }
  nlohmann::json event = parsed(lines).at(0);
  event["finding"]["surprise"] = 1;
  CHECK(tests::schema_problems(WIREFAULT_SOURCE_DIR, schema, event.dump()) != "");
}

}  // namespace wirefault
