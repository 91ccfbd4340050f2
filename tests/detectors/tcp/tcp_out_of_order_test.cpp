#include "tests/support/catch.h"
#include "tests/support/tcp_facts.h"

namespace wirefault::test {
namespace {

using std::chrono::microseconds;

class Bench {
 public:
  Bench() : detector_{make(entry_of("tcp-out-of-order"))} {}

  tcp::OutOfOrder late(double seconds, std::uint32_t data) {
    tcp::OutOfOrder fact;
    fact.flow = download();
    fact.early = frames_.at(seconds);
    fact.late = frames_.at(seconds + 0.0005);
    fact.lateness = microseconds{500};
    fact.overtaken_by = 3;
    fact.offset = std::uint64_t{data} * 1448;
    fact.length = 1448;
    fact.proven = true;
    fact.totals.data_segments = data;
    return fact;
  }
  // A connection from `port` that had one late segment, or none.
  void flow(std::uint16_t port, std::uint32_t data, bool is_late) {
    tcp::OutOfOrder fact = late(port, data / 2);
    fact.flow = download(port);
    if (is_late) hear(fact);
    tcp::ConnectionEnded ended;
    ended.from_initiator = upload_of(fact.flow);
    ended.responder.data_segments = data;
    detector_->on_tcp_connection_ended(ended);
  }
  void hear(const tcp::OutOfOrder& fact) { detector_->on_tcp_out_of_order(fact); }
  Detector& detector() { return *detector_; }
  std::vector<Finding> findings(std::uint32_t data, bool outstanding = false, double now = 1000) {
    tcp::ConnectionEnded ended;
    ended.responder.was_acknowledged = true;
    ended.responder.outstanding = outstanding;
    ended.from_initiator = upload_of(download());
    ended.responder.data_segments = data;
    detector_->on_tcp_connection_ended(ended);
    return judged(*detector_, now);
  }

 private:
  Frames frames_;
  std::unique_ptr<Detector> detector_;
};

TEST_CASE("late segments are worth a note from one percent on", "[detectors][tcp-out-of-order]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 4; ++i) bench.hear(bench.late(i * 100, 50 + i));
  SECTION("one percent") {
    const auto found = bench.findings(400);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::note);
    CHECK(found[0].count == 4);
    CHECK(found[0].of == 400);
  }
  SECTION("less") {
    CHECK(bench.findings(401).empty());
  }
  SECTION("of too few segments") {
    CHECK(bench.findings(199).empty());
  }
}

TEST_CASE("reordering is over when all has arrived", "[detectors][tcp-out-of-order]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 4; ++i) bench.hear(bench.late(i, 196 + i));
  const bool outstanding = GENERATE(false, true);
  CHECK(bench.findings(210, outstanding, 10).at(0).state ==
        (outstanding ? FindingState::ongoing : FindingState::ended));
}

TEST_CASE("fifty within a minute suffice", "[detectors][tcp-out-of-order]") {
  Bench bench;
  SECTION("within a minute") {
    for (std::uint32_t i = 0; i < 50; ++i) bench.hear(bench.late(i, 9000 + i));
    CHECK(bench.findings(100000).size() == 1);
  }
  SECTION("over two") {
    for (std::uint32_t i = 0; i < 50; ++i) bench.hear(bench.late(i * 2.5, 9000 + i));
    CHECK(bench.findings(100000).empty());
  }
}

TEST_CASE("sent again although only late is a warning", "[detectors][tcp-out-of-order]") {
  Bench bench;
  Frames frames;
  for (std::uint32_t i = 0; i < 10; ++i) {
    const tcp::OutOfOrder fact = bench.late(i, 50 + i);
    bench.hear(fact);
    if (i != 5) continue;
    tcp::Retransmission again = repetition(frames, tcp::RepeatKind::needless, 60);
    again.offset = fact.offset;
    bench.detector().on_tcp_retransmission(again);
  }
  CHECK(bench.findings(400).at(0).severity == Severity::warning);
}

TEST_CASE("a file whose order is wrong says nothing of the network",
          "[detectors][tcp-out-of-order]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 60; ++i) {
    tcp::OutOfOrder fact = bench.late(i, 50 + i);
    fact.lateness = microseconds{-20};
    bench.hear(fact);
  }
  CHECK(bench.findings(400).empty());
}

TEST_CASE("what is late on many short flows is told of the path", "[detectors][tcp-out-of-order]") {
  Bench bench;
  bench.flow(1, 100, true);
  bench.flow(2, 100, true);
  SECTION("of two flows it is not") {
    CHECK(judged(bench.detector(), 1000).empty());
  }
  bench.flow(3, 100, true);
  SECTION("three of three hundred") {
    const auto found = judged(bench.detector(), 1000);
    REQUIRE(found.size() == 1);
    CHECK(found[0].title == "data from 198.51.100.53 to 192.0.2.10 comes out of order");
    CHECK(found[0].count == 3);
    CHECK(found[0].of == 300);
    CHECK(std::count_if(found[0].evidence.begin(), found[0].evidence.end(),
                        [](const EvidenceItem& each) { return !each.note.empty(); }) == 3);
  }
  SECTION("with a flow in order it is less than one percent") {
    bench.flow(4, 1, false);
    CHECK(judged(bench.detector(), 1000).empty());
  }
}

}  // namespace
}  // namespace wirefault::test
