#include "tests/support/catch.h"
#include "tests/support/tcp_facts.h"

namespace wirefault::test {
namespace {

using tcp::SizeStallState;

class Bench {
 public:
  Bench() : detector_{make(entry_of("pmtu-blackhole"))} {}

  // Three repetitions of the segment at offset 200, then what the tracker makes of them.
  tcp::SizeStall stall(SizeStallState state, bool alive = true, std::uint16_t port = 8080) {
    for (std::uint8_t i = 1; i <= 3; ++i) {
      tcp::Retransmission again = repetition(frames_, tcp::RepeatKind::rto, 5, i, port);
      again.offset = 200;
      again.repetition.time = at(1 + i);
      detector_->on_tcp_retransmission(again);
    }
    tcp::SizeStall fact;
    fact.flow = download(port);
    fact.state = state;
    fact.offset = 200;
    fact.lost_size = 1500;
    fact.delivered_size = 252;
    fact.cured_size = state == SizeStallState::cured ? 1076 : 0;
    fact.repeats = 3;
    fact.original = frames_.at(1);
    if (alive) fact.sign_of_life = frames_.at(2);
    return fact;
  }
  void hear(const tcp::SizeStall& fact) { detector_->on_tcp_size_stall(fact); }
  void end(Timestamp began, std::uint16_t delivered) {
    tcp::ConnectionEnded ended;
    ended.from_initiator = upload_of(download(9999));
    ended.responder.delivered_size = delivered;
    ended.first = began;
    detector_->on_tcp_connection_ended(ended);
  }
  void opened(double seconds) {
    tcp::Opened fact;
    fact.initiator = {download().receiver.address, 40009};
    fact.responder = {download().sender.address, 80};
    fact.asked = fact.answered = fact.opened = at(seconds);
    detector_->on_tcp_opened(fact);
  }
  void end(const tcp::ConnectionEnded& ended) { detector_->on_tcp_connection_ended(ended); }
  void again(double seconds) {
    tcp::Retransmission fact = repetition(frames_, tcp::RepeatKind::rto, 5);
    fact.offset = 200;
    fact.repetition.time = at(seconds);
    detector_->on_tcp_retransmission(fact);
  }
  void echo(double seconds, bool by_sender = true) {
    icmp::EchoAnswered fact;
    fact.asker = by_sender ? download().sender.address : download().receiver.address;
    fact.answerer = by_sender ? download().receiver.address : download().sender.address;
    fact.reply = {PacketRef{0, 999}, at(seconds)};
    detector_->on_icmp_echo_answered(fact);
  }
  // A connection the other way that opened at `began` and carried little.
  void small_connection(double began, std::uint16_t port = 9998) {
    tcp::ConnectionEnded ended;
    ended.from_initiator = upload_of(download(port));
    ended.initiator.was_seen = ended.responder.was_seen = true;
    ended.first = at(began);
    detector_->on_tcp_connection_ended(ended);
  }
  std::vector<Finding> findings() { return judged(*detector_, 1000); }

 private:
  Frames frames_;
  std::unique_ptr<Detector> detector_;
};

TEST_CASE("a stall with a sign of life is a black hole", "[detectors][pmtu-blackhole]") {
  Bench bench;
  bench.hear(bench.stall(SizeStallState::stuck));
  const auto found = bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].confidence == Confidence::probable);
  CHECK(found[0].title == "packets of 1500 bytes from 198.51.100.53 vanish");
  CHECK(found[0].frames.size() == 3);
  CHECK(found[0].causes.at(0).id == "icmp-filtered");
}

TEST_CASE("where nothing smaller was acknowledged no size is named for it",
          "[detectors][pmtu-blackhole]") {
  Bench bench;
  tcp::SizeStall fact = bench.stall(SizeStallState::stuck);
  fact.delivered_size = 0;
  bench.hear(fact);
  const auto found = bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].causes.at(0).why.starts_with("1500 bytes never arrive;"));
  CHECK(found[0].causes.at(1).why.starts_with("the limit is below 1500 bytes"));
}

TEST_CASE("without a sign of life the path may be down", "[detectors][pmtu-blackhole]") {
  Bench bench;
  bench.hear(bench.stall(SizeStallState::stuck, false));
  CHECK(bench.findings().empty());
}

TEST_CASE("an echo is a sign of life, if the repetitions go on in vain",
          "[detectors][pmtu-blackhole]") {
  Bench bench;
  const bool by_sender = GENERATE(true, false);
  SECTION("between the repetitions") {
    bench.echo(2.5, by_sender);
    bench.hear(bench.stall(SizeStallState::stuck, false));
    CHECK(bench.findings().size() == 1);
  }
  SECTION("after them, when the next would not have been due yet") {
    bench.hear(bench.stall(SizeStallState::stuck, false));
    bench.echo(5, by_sender);
    CHECK(bench.findings().size() == 1);
  }
  SECTION("long after them, and another follows") {
    bench.hear(bench.stall(SizeStallState::stuck, false));
    bench.echo(30, by_sender);
    CHECK(bench.findings().empty());
    bench.again(40);
    CHECK(bench.findings().size() == 1);
  }
  SECTION("before the stall: the path may have died since") {
    bench.echo(0.5, by_sender);
    bench.hear(bench.stall(SizeStallState::stuck, false));
    bench.again(6);
    CHECK(bench.findings().empty());
  }
}

TEST_CASE("so is another connection that opens meanwhile", "[detectors][pmtu-blackhole]") {
  Bench bench;
  bench.hear(bench.stall(SizeStallState::stuck, false));
  const bool has_ended = GENERATE(true, false);
  has_ended ? bench.small_connection(30) : bench.opened(30);
  CHECK(bench.findings().empty());
  bench.again(40);
  CHECK(bench.findings().size() == 1);
}

TEST_CASE("its own beginning is none, though a clock that was set back puts it later",
          "[detectors][pmtu-blackhole]") {
  Bench bench;
  bench.hear(bench.stall(SizeStallState::stuck, false));
  const bool is_own = GENERATE(true, false);
  bench.small_connection(4.5, is_own ? 8080 : 9998);
  bench.again(5);
  CHECK(bench.findings().size() == (is_own ? 0 : 1));
}

TEST_CASE("the same bytes in smaller segments prove it", "[detectors][pmtu-blackhole]") {
  Bench bench;
  bench.hear(bench.stall(SizeStallState::cured, false));
  const auto found = bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "cured");
  CHECK(found[0].confidence == Confidence::certain);
}

TEST_CASE("several flows of a path are one finding, and sure", "[detectors][pmtu-blackhole]") {
  Bench bench;
  bench.hear(bench.stall(SizeStallState::stuck, true, 8080));
  bench.hear(bench.stall(SizeStallState::stuck, true, 8081));
  const auto found = bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 2);
  CHECK(found[0].confidence == Confidence::certain);
}

TEST_CASE("a stall lasts until the connection ends, if nothing got through",
          "[detectors][pmtu-blackhole]") {
  Bench bench;
  tcp::SizeStall stall = bench.stall(SizeStallState::stuck);
  stall.lasted = std::chrono::milliseconds{800};
  bench.hear(stall);
  tcp::ConnectionEnded ended;
  ended.from_initiator = upload_of(download());
  ended.responder.outstanding = GENERATE(true, false);
  const bool outlives_capture = GENERATE(true, false);
  ended.ending = outlives_capture ? tcp::Ending::capture_ended : tcp::Ending::reset;
  ended.first = stall.original.time - std::chrono::seconds{1};
  ended.last = stall.original.time + std::chrono::seconds{9};
  bench.end(ended);
  const auto found = bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].measures[0].key == "lost_from_bytes");
  // The capture ends at 1,000 s, the stall began at 1 s.
  const int open = outlives_capture ? 999000 : 9000;
  CHECK(found[0].measures[2].value == (ended.responder.outstanding ? open : 800));
}

TEST_CASE("a segment as large that gets through disproves it", "[detectors][pmtu-blackhole]") {
  Bench bench;
  bench.hear(bench.stall(SizeStallState::stuck));
  SECTION("in the same flow") {
    tcp::SizeStall amends;
    amends.flow = download();
    amends.state = SizeStallState::disproved;
    bench.hear(amends);
    CHECK(bench.findings().empty());
  }
  SECTION("in a later connection of the path") {
    bench.end(at(30), 1500);
    CHECK(bench.findings().empty());
  }
  SECTION("not in an earlier one, when the path may have been another") {
    bench.end(at(0), 1500);
    CHECK(bench.findings().size() == 1);
  }
  SECTION("not in one of smaller segments") {
    bench.end(at(30), 1400);
    CHECK(bench.findings().size() == 1);
  }
}

}  // namespace
}  // namespace wirefault::test
