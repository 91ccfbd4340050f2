#include "detectors/ranking.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/support/catch.h"

namespace wirefault {
namespace {

Finding finding(std::string_view detector, std::string entity, Severity severity,
                std::uint64_t count, std::uint64_t clients) {
  Finding made;
  made.detector = detector;
  made.entity = std::move(entity);
  made.severity = severity;
  made.confidence = Confidence::certain;
  made.count = count;
  made.who.push_back({"client", {}, clients});
  return made;
}

TEST_CASE("of equally bad findings the one that most clients suffer from comes first",
          "[detectors][ranking]") {
  std::vector<Finding> findings{finding("tcp-refused", "a", Severity::error, 900, 1),
                                finding("tcp-syn-flood", "b", Severity::error, 500, 400),
                                finding("dns-unanswered", "c", Severity::critical, 3, 1)};
  rank(findings);
  CHECK(findings[0].entity == "c");
  CHECK(findings[1].entity == "b");
  CHECK(findings[2].entity == "a");
  CHECK(findings[0].id == "F1");
}

TEST_CASE("who asked once for what nobody ever got does not outrank who loses what works",
          "[detectors][ranking]") {
  std::vector<Finding> findings{finding("tcp-refused", "strangers", Severity::error, 3, 3),
                                finding("tcp-retransmission", "loss", Severity::error, 54, 1),
                                finding("tcp-refused", "down", Severity::error, 9, 2)};
  findings[0].measures = {{"lone_attempts", 3}};
  findings[2].measures = {{"lone_attempts", 0}};
  rank(findings);
  CHECK(findings[0].entity == "down");
  CHECK(findings[1].entity == "loss");
  CHECK(findings[2].entity == "strangers");
}

TEST_CASE("what was merged from many stands behind what is told by itself",
          "[detectors][ranking]") {
  std::vector<Finding> findings;
  for (int i = 0; i < 50; ++i) {
    findings.push_back(
        finding("tcp-refused", std::string(1, static_cast<char>('A' + i)), Severity::error, 1, 1));
  }
  findings.push_back(finding("tcp-syn-timeout", "z", Severity::error, 1, 1));
  merge_tails(findings);
  rank(findings);
  REQUIRE(findings.size() == 21);
  CHECK(findings.back().title == "31 more findings of this kind");
  CHECK(findings.back().count == 31);
  CHECK(findings.back().who[0].distinct == 1);
}

TEST_CASE("who is concerned by several merged findings counts once, the most concerned first",
          "[detectors][ranking]") {
  std::vector<Finding> findings;
  for (int i = 0; i < 50; ++i) {
    Finding made =
        finding("tcp-refused", std::string(1, static_cast<char>('A' + i)), Severity::error, 1, 0);
    // The merged ones are the last 31: i from 19 on.
    made.who = {{"client", {{fmt::format("192.0.2.{}", i % 10), 1}}, 1}};
    if (i == 40) made.who[0].top[0] = {"192.0.2.99", 7};
    made.frames = {PacketRef{0, static_cast<std::uint64_t>(100 - i)}, PacketRef{0, 100}};
    findings.push_back(made);
  }
  merge_tails(findings);
  const Finding& tail = findings.back();
  REQUIRE(tail.who.size() == 1);
  CHECK(tail.who[0].distinct == 11);
  CHECK_FALSE(tail.who[0].is_approximate);
  REQUIRE(tail.who[0].top.size() == 5);
  CHECK(tail.who[0].top[0].text == "192.0.2.99");
  CHECK(tail.who[0].top[0].count == 7);
  CHECK(tail.who[0].top[1].text == "192.0.2.9");  // 19, 29, 39, 49: four times
  CHECK(tail.frames.size() == 32);
  CHECK(std::is_sorted(tail.frames.begin(), tail.frames.end()));
}

}  // namespace
}  // namespace wirefault
