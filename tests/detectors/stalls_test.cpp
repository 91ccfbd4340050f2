#include "detectors/knowledge/stalls.h"

#include "tests/support/catch.h"
#include "tests/support/tcp_facts.h"

namespace wirefault::test {
namespace {

const PathKey down{0, *IpAddress::parse("198.51.100.53"), *IpAddress::parse("192.0.2.10")};

// Large segments that are lost, and what else goes the same way.
class Bench {
 public:
  // The segment of that connection's stall, sent again by a timeout after 1, 3, 7, 15 and 31 s:
  // all but the last are in vain.
  void stall(int timeouts = 5, std::uint16_t port = 8080, std::uint16_t size = 1500) {
    double before = 0;
    for (int i = 1; i <= timeouts; ++i) {
      tcp::Retransmission fact =
          repetition(frames_, tcp::RepeatKind::rto, 5, static_cast<std::uint8_t>(i), port);
      const double now = (1 << i) - 1;
      fact.ip_length = size;
      fact.original.time = at(0);
      fact.repetition.time = at(now);
      fact.gap = at(now) - at(before);
      before = now;
      stalls.add(fact);
      for (const auto& [when, delivered] : visits_) {
        if (when > before && when < 2 * before + 1) end(when, delivered);
      }
      for (const auto& [when, lost] : losses_) {
        if (when > before && when < 2 * before + 1) repair(when, lost);
      }
    }
  }
  // A connection of a moment, by which so large a packet arrived.
  void visit(double when, std::uint16_t delivered = 300) { visits_.emplace_back(when, delivered); }
  // One of another connection is lost, and three behind it arrive.
  void lose(double when, std::uint16_t size) { losses_.emplace_back(when, size); }
  // The receiver answers, or not.
  void stuck(bool answers, std::uint16_t port = 8080) {
    tcp::SizeStall fact;
    fact.flow = download(port);
    fact.offset = 25000;
    if (answers) fact.sign_of_life = frames_.at(2);
    stalls.add(fact);
  }
  SizeHole hole() const { return stalls.find(down)->hole(); }

  Stalls stalls;

 private:
  void end(double when, std::uint16_t delivered) {
    tcp::ConnectionEnded fact;
    fact.from_initiator = upload_of(download(80));
    fact.initiator.was_seen = fact.responder.was_seen = true;
    fact.responder.delivered_size = delivered;
    fact.first = at(when);
    fact.last = at(when + 0.1);
    stalls.add(fact);
  }

  void repair(double when, std::uint16_t size) {
    tcp::Retransmission fact = repetition(frames_, tcp::RepeatKind::fast, 50, 0, 9000);
    fact.ip_length = size;
    fact.duplicate_acks = 3;
    fact.original.time = at(when);
    fact.repetition.time = at(when + 0.1);
    stalls.add(fact);
  }

  Frames frames_;
  std::vector<std::pair<double, std::uint16_t>> visits_;
  std::vector<std::pair<double, std::uint16_t>> losses_;
};

TEST_CASE("large segments that are lost while small ones arrive show a limit of size",
          "[detectors][stalls]") {
  Bench bench;
  for (const double when : {4.0, 6.0, 8.0}) bench.visit(when);
  SECTION("five times in vain, six that arrived") {
    bench.stall();
    bench.stuck(true);
    REQUIRE(bench.hole().exists());
    CHECK(bench.hole().lost_size == 1500);
    CHECK(bench.hole().in_vain == 5);
    CHECK(bench.hole().meanwhile.smaller == 6);
    CHECK(bench.hole().meanwhile.smaller_size == 300);
    CHECK(bench.hole().covers(at(15)));
    CHECK_FALSE(bench.hole().covers(at(16)));
  }
  SECTION("four times may be chance") {
    bench.stall(4);
    bench.stuck(true);
    CHECK_FALSE(bench.hole().exists());
  }
  SECTION("what is lost is small itself") {
    bench.stall(5, 8080, 900);
    bench.stuck(true);
    CHECK_FALSE(bench.hole().exists());
  }
  SECTION("one as large arrives meanwhile") {
    bench.visit(9, 1500);
    bench.stall();
    bench.stuck(true);
    CHECK_FALSE(bench.hole().exists());
  }
  SECTION("it arrives after the last that was in vain") {
    bench.visit(17, 1500);
    bench.stall();
    bench.stuck(true);
    CHECK(bench.hole().exists());
  }
  SECTION("a connection that does not answer may have been forgotten") {
    bench.stall();
    bench.stuck(false);
    CHECK_FALSE(bench.hole().exists());
    SECTION("but not two at their first large segment") {
      bench.stall(5, 8081);
      bench.stuck(false, 8081);
      CHECK(bench.hole().exists());
    }
  }
}

TEST_CASE("loss of other connections speaks against a limit of size", "[detectors][stalls]") {
  Bench bench;
  for (const double when : {4.0, 6.0, 8.0}) bench.visit(when);
  SECTION("small ones are lost as well") {
    bench.lose(8, 300);
  }
  SECTION("large ones are lost, and others behind them arrive") {
    bench.lose(8, 1500);
  }
  bench.stall(5);
  bench.stuck(true);
  CHECK_FALSE(bench.hole().exists());
}

TEST_CASE("few that arrive tell nothing of size", "[detectors][stalls]") {
  Bench bench;
  bench.visit(4);
  bench.visit(6);
  bench.stall();
  bench.stuck(true);
  CHECK_FALSE(bench.hole().exists());
  CHECK(bench.stalls.find(down)->longest_of(FlowKey::of(download()))->meanwhile.only_smaller());
}

TEST_CASE("what arrived when the stall was over is not meanwhile", "[detectors][stalls]") {
  Bench bench;
  for (const double when : {16.0, 17.0, 18.0}) bench.visit(when);
  bench.stall();
  CHECK_FALSE(bench.stalls.find(down)->longest_of(FlowKey::of(download()))->meanwhile.has_any());
}

}  // namespace
}  // namespace wirefault::test
