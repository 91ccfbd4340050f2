#include "detectors/board.h"

#include "tests/support/catch.h"

namespace wirefault {
namespace {

using std::chrono::seconds;
using Kind = BoardEvent::Kind;

Timestamp at(int second) {
  return Timestamp{seconds{1'714'557'600 + second}};
}

Finding finding(std::uint64_t fp, std::uint64_t count, FindingState state = FindingState::ongoing) {
  Finding made;
  made.fp = fp;
  made.id = "F1";
  made.count = count;
  made.state = state;
  return made;
}

Result result(std::vector<Finding> findings) {
  Result made;
  made.findings = std::move(findings);
  return made;
}

TEST_CASE("findings get their ids in order of opening and keep them", "[detectors][board]") {
  Board board;
  auto events = board.take(result({finding(7, 1)}), at(0));
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == Kind::open);
  // A worse one comes first in the report, not on the board.
  events = board.take(result({finding(9, 5), finding(7, 1)}), at(1));
  REQUIRE(events.size() == 1);
  CHECK(events[0].row == 2);
  CHECK(board.rows().at(1).finding.id == "F1");
  CHECK(board.rows().at(1).finding.fp == 7);
  CHECK(board.rows().at(2).finding.id == "F2");
}

TEST_CASE("a finding that grows is told of every half minute", "[detectors][board]") {
  Board board;
  int updates = 0;
  for (int second = 0; second <= 65; ++second) {
    const auto count = static_cast<std::uint64_t>(10 * (second + 1));
    for (const BoardEvent& event : board.take(result({finding(7, count)}), at(second))) {
      if (event.kind == Kind::update) ++updates;
    }
  }
  CHECK(updates == 2);
  CHECK(board.rows().at(1).per_second == 10);
  CHECK(board.rows().at(1).finding.count == 660);
  // One that stands still is not.
  for (int second = 66; second < 200; ++second) {
    const auto events = board.take(result({finding(7, 660)}), at(second));
    if (second > 96) CHECK(events.empty());
  }
  CHECK(board.rows().at(1).per_second == 0);
}

TEST_CASE("a finding closes when it has ended or is no longer made, and may come back",
          "[detectors][board]") {
  Board board;
  board.take(result({finding(7, 1), finding(8, 1)}), at(0));
  auto events = board.take(result({finding(7, 2, FindingState::ended)}), at(1));
  REQUIRE(events.size() == 2);
  CHECK(events[0].kind == Kind::close);
  CHECK(events[1].kind == Kind::close);
  CHECK(board.take(result({finding(7, 2, FindingState::ended)}), at(2)).empty());
  CHECK(board.rows().size() == 2);
  events = board.take(result({finding(8, 4)}), at(3));
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == Kind::open);
  CHECK(board.rows().at(events[0].row).finding.id == "F2");
}

TEST_CASE("what is over when it is first seen is open until nothing is added for a while",
          "[detectors][board]") {
  Board board;
  std::uint64_t count = 0;
  for (int second = 0; second < 30; ++second) {
    if (second % 5 == 0) ++count;  // the last in second 25
    const auto events = board.take(result({finding(7, count, FindingState::ended)}), at(second));
    REQUIRE(events.size() == (second == 0 ? 1u : 0u));
    CHECK(board.rows().at(1).is_open);
  }
  for (int second = 30; second < 60; ++second) {
    const auto events = board.take(result({finding(7, count, FindingState::ended)}), at(second));
    REQUIRE(events.size() == (second == 30 || second == 35 ? 1u : 0u));
    if (second == 30) CHECK(events[0].kind == Kind::update);
    if (second == 35) CHECK(events[0].kind == Kind::close);
  }
}

TEST_CASE("at the end of a capture all is told: what is over closes, numbers are the last",
          "[detectors][board]") {
  Board board;
  board.take(result({finding(8, 1)}), at(0));
  const auto events =
      board.take(result({finding(7, 1, FindingState::ended), finding(8, 5)}), at(1), true);
  REQUIRE(events.size() == 3);
  CHECK(events[0].kind == Kind::update);  // of what was there before
  CHECK(events[0].grown_by == 4);
  CHECK(events[1].kind == Kind::open);
  CHECK(events[2].kind == Kind::close);
  CHECK_FALSE(board.rows().at(2).is_open);
}

TEST_CASE("a finding that gets worse is told at once", "[detectors][board]") {
  Board board;
  Finding growing = finding(7, 6);
  growing.severity = Severity::error;
  board.take(result({growing}), at(0));
  growing.severity = Severity::critical;
  auto events = board.take(result({growing}), at(1));
  REQUIRE(events.size() == 1);
  CHECK(events[0].kind == Kind::update);
  CHECK(board.take(result({growing}), at(2)).empty());
  growing.severity = Severity::error;
  CHECK(board.take(result({growing}), at(3)).empty());
}

TEST_CASE("what is settled only after the close is told once it stands still",
          "[detectors][board]") {
  Board board;
  board.take(result({finding(7, 558)}), at(0));
  REQUIRE(board.take(result({finding(7, 558, FindingState::ended)}), at(1)).size() == 1);
  int updates = 0;
  for (int second = 2; second < 40; ++second) {
    const std::uint64_t count = second < 6 ? 600 : 630;
    for (const auto& event :
         board.take(result({finding(7, count, FindingState::ended)}), at(second))) {
      CHECK(event.kind == Kind::update);
      CHECK(event.grown_by == 72);
      ++updates;
    }
  }
  CHECK(updates == 1);
}

TEST_CASE("an event tells by how much the count has grown since the one before",
          "[detectors][board]") {
  Board board;
  CHECK(board.take(result({finding(7, 3)}), at(0)).at(0).grown_by == 3);
  board.take(result({finding(7, 5)}), at(1));
  CHECK(board.take(result({finding(7, 9)}), at(30)).at(0).grown_by == 6);
}

TEST_CASE("a capture that goes on for weeks does not fill the memory with what is over",
          "[detectors][board]") {
  Board board;
  const auto lasting = finding(1, 1);
  const auto over = finding(2, 1, FindingState::ended);
  const std::size_t seen = 3 * Board::most_rows;
  for (std::size_t i = 0; i < seen; ++i) {
    board.take(result({lasting, over, finding(100 + i, 1)}), at(static_cast<int>(i)));
  }
  CHECK(board.rows().size() <= Board::most_rows + 1);
  CHECK(board.opened().begin()->second == seen + 2);
  // Not what the analysis still holds, however old.
  CHECK(board.find(1)->finding.fp == 1);
  CHECK(board.find(2)->finding.fp == 2);
  CHECK(board.find(3) == nullptr);
  // What comes back after that is news.
  const auto events = board.take(result({finding(100, 1)}), at(static_cast<int>(seen)));
  CHECK(board.rows().at(events.back().row).finding.id == "F3003");
}

}  // namespace
}  // namespace wirefault
