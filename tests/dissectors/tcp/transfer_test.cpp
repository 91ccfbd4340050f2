// Judging segments of open connections. The initiator sends data, the responder acknowledges; times
// are those at the capture point.
#include "dissectors/tcp/transfer.h"

#include <vector>

#include "tests/support/catch.h"
#include "tests/support/segments.h"

namespace wirefault::test {
namespace {

using tcp::LossSide;
using tcp::RepeatKind;

struct Heard final : FactListener {
  std::vector<tcp::Retransmission> repeats;
  std::vector<tcp::SpuriousRetransmission> spurious;
  std::vector<tcp::OutOfOrder> late;
  std::vector<tcp::SizeStall> stalls;
  std::vector<tcp::ConnectionEnded> ended;

  void on_tcp_retransmission(const tcp::Retransmission& fact) override { repeats.push_back(fact); }
  void on_tcp_spurious_retransmission(const tcp::SpuriousRetransmission& fact) override {
    spurious.push_back(fact);
  }
  void on_tcp_out_of_order(const tcp::OutOfOrder& fact) override { late.push_back(fact); }
  void on_tcp_size_stall(const tcp::SizeStall& fact) override { stalls.push_back(fact); }
  void on_tcp_connection_ended(const tcp::ConnectionEnded& fact) override { ended.push_back(fact); }
};

constexpr std::uint32_t full = 1448;

tcp::Options with_mss(bool sack = true) {
  tcp::Options options;
  options.has_mss = true;
  options.mss = 1460;
  options.sack_permitted = sack;
  options.has_timestamps = true;
  return options;
}

tcp::Options stamped(std::uint32_t value, std::uint32_t echo = 0) {
  tcp::Options options;
  options.has_timestamps = true;
  options.timestamp = value;
  options.timestamp_echo = echo;
  return options;
}

tcp::Options sacked(std::uint32_t begin, std::uint32_t end) {
  tcp::Options options;
  options.sack_count = 1;
  options.sack[0] = {begin, end};
  return options;
}

// A connection of which the capture has seen nothing yet.
struct Midway {
  Settings settings;
  Heard heard;
  tcp::Tracker tracker{settings, {1 << 20, 1 << 20, 1 << 20}, {}, heard};
  TcpWire wire{tracker};
  TcpPair pair{wire};

  const tcp::Retransmission& only_repeat() const {
    REQUIRE(heard.repeats.size() == 1);
    return heard.repeats[0];
  }
};

// An open connection. The handshake gives a round trip of 20 ms: 10 to either side.
struct Open : Midway {
  Open() { pair.handshake(0, with_mss()); }

  // Segment number `i` of full ones, counted from 0.
  std::uint64_t data(double seconds, std::uint32_t i, std::uint32_t stamp = 0) {
    return pair.out(seconds, {.sequence = 1 + i * full,
                              .acknowledgment = 1,
                              .length = full,
                              .options = stamp == 0 ? tcp::Options{} : stamped(stamp)});
  }
  void ack(double seconds, std::uint32_t segments, const tcp::Options& options = {}) {
    pair.back(seconds, {.sequence = 1, .acknowledgment = 1 + segments * full, .options = options});
  }
  // The first segment, at 1 s, and its acknowledgment: nothing is outstanding then.
  void first_segment() {
    data(1, 0);
    ack(1.01, 1);
  }
  const tcp::TransferCounters& counters() const { return tracker.connections().transfers(); }
};

TEST_CASE("what is acknowledged in order makes no fact", "[dissectors][tcp]") {
  Open open;
  for (std::uint32_t i = 0; i < 100; ++i) {
    open.data(1 + i * 0.001, i);
    if (i % 2 == 1) open.ack(1.01 + i * 0.001, i + 1);
  }
  open.tracker.finish(TcpWire::at(2));
  CHECK(open.heard.repeats.empty());
  CHECK(open.heard.late.empty());
  REQUIRE(open.heard.ended.size() == 1);
  const tcp::FlowTotals& sent = open.heard.ended[0].initiator;
  CHECK(sent.data_segments == 100);
  CHECK(sent.bytes == 100 * full);
  CHECK(sent.mss == full);
  CHECK(!sent.outstanding);
}

// 0, 1, 2, 3 ->   <- ACK 1 three times   1 again ->
TEST_CASE("duplicate ACKs make a repetition fast, and loss downstream", "[dissectors][tcp]") {
  Open open;
  std::uint64_t original = 0;
  for (std::uint32_t i = 0; i < 5; ++i) {
    const std::uint64_t number = open.data(1 + i * 0.001, i);
    if (i == 1) original = number;
  }
  open.ack(1.010, 1);
  for (int i = 0; i < 3; ++i) open.ack(1.012 + i * 0.001, 1);
  const std::uint64_t again = open.data(1.015, 1);
  const tcp::Retransmission& fact = open.only_repeat();
  CHECK(fact.kind == RepeatKind::fast);
  CHECK(fact.side == LossSide::downstream);
  CHECK(fact.original.packet.number() == original);
  CHECK(fact.repetition.packet.number() == again);
  CHECK(fact.duplicate_acks == 3);
  CHECK(std::chrono::round<std::chrono::milliseconds>(fact.gap).count() == 14);
  CHECK(fact.offset == full);
}

TEST_CASE("silence, and doubling gaps, make timeouts in a row", "[dissectors][tcp]") {
  Open open;
  open.first_segment();
  open.data(2, 1);
  open.data(2.001, 2);
  for (const double at : {2.3, 2.9, 4.1}) open.data(at, 1);
  REQUIRE(open.heard.repeats.size() == 3);
  for (std::uint8_t i = 0; i < 3; ++i) {
    CHECK(open.heard.repeats[i].kind == RepeatKind::rto);
    CHECK(open.heard.repeats[i].chain == i + 1);
  }
  CHECK(std::chrono::round<std::chrono::milliseconds>(open.heard.repeats[2].stall).count() == 1200);
}

// Only the sender's side was captured.
TEST_CASE("doubling gaps are timeouts, acknowledgments or not", "[dissectors][tcp]") {
  Midway midway;
  if (GENERATE(true, false)) {  // with the handshake, as far as it is of that side
    midway.pair.out(0, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    midway.pair.out(0.1, {.sequence = 1, .acknowledgment = 1, .length = full});
    midway.pair.out(0.2, {.sequence = 1 + full, .acknowledgment = 1, .length = full});
  }
  for (const double at : {1.0, 1.3, 1.9, 3.1}) {
    midway.pair.out(at, {.sequence = 1 + 2 * full, .acknowledgment = 1, .length = full});
  }
  REQUIRE(midway.heard.repeats.size() == 3);
  CHECK(midway.heard.repeats[0].kind == RepeatKind::unknown);
  CHECK(midway.heard.repeats[1].kind == RepeatKind::rto);
  CHECK(midway.heard.repeats[1].chain == 1);
  CHECK(midway.heard.repeats[2].chain == 2);
  CHECK(!midway.heard.repeats[2].sees_acks);
}

TEST_CASE("the end of a burst, sent again after two round trips, is a probe", "[dissectors][tcp]") {
  Open open;
  open.first_segment();
  open.data(2, 1);
  open.data(2.025, 1);
  CHECK(open.only_repeat().kind == RepeatKind::tlp);
}

// 2 s, +0.5 s, and again +0.5 s: the timer would have waited a second
TEST_CASE("a second repetition after an equal wait shows that the first was a probe",
          "[dissectors][tcp]") {
  const double wait = GENERATE(0.5, 1.0);
  Open open;
  open.first_segment();
  open.data(2, 1);
  open.data(2.5, 1);
  open.data(2.5 + wait, 1);
  open.data(2.5 + 3 * wait, 1);
  REQUIRE(open.heard.repeats.size() == 3);
  for (const tcp::Retransmission& each : open.heard.repeats) CHECK(each.kind == RepeatKind::rto);
  CHECK(open.heard.repeats[1].follows_probe == (wait == 0.5));
  CHECK_FALSE(open.heard.repeats[2].follows_probe);
  CHECK(open.heard.repeats[2].chain == (wait == 0.5 ? 2 : 3));
}

TEST_CASE("how long a connection was idle is told with what it repeats", "[dissectors][tcp]") {
  Open open;
  open.first_segment();
  open.data(100, 1);
  open.data(100.5, 1);
  CHECK(std::chrono::round<std::chrono::seconds>(open.only_repeat().idle_before).count() == 99);
}

TEST_CASE("that the receiver closed its window is told with later losses", "[dissectors][tcp]") {
  const std::uint16_t window = GENERATE(std::uint16_t{0}, std::uint16_t{1});
  Open open;
  open.data(1, 0);
  open.pair.back(1.01, {.sequence = 1, .acknowledgment = 1 + full, .window = window});
  open.ack(1.02, 1);
  open.data(2, 1);
  open.data(2.5, 1);
  CHECK(open.only_repeat().was_held == (window == 0));
}

TEST_CASE("a hole that a newer segment fills was lost upstream", "[dissectors][tcp]") {
  Open open;
  open.data(1, 0, 100);
  const std::uint64_t beyond = open.data(1.001, 2, 100);
  open.data(1.0012, 1, 101);
  CHECK(open.only_repeat().side == LossSide::upstream);
  CHECK(open.only_repeat().original.packet.number() == beyond);
  CHECK(open.heard.late.empty());
}

TEST_CASE("a hole that an older segment fills is reordering, however late", "[dissectors][tcp]") {
  Open open;
  open.data(1, 0, 100);
  for (const std::uint32_t i : {2u, 3u, 4u}) open.data(1.001, i, 101);
  for (int i = 0; i < 3; ++i) open.ack(1.002, 1);
  open.data(1.25, 1, 100);
  CHECK(open.heard.repeats.empty());
  REQUIRE(open.heard.late.size() == 1);
  CHECK(open.heard.late[0].proven);
  CHECK(open.heard.late[0].overtaken_by == 3);
}

// A capture that lost packets: the receiver has them all the same.
TEST_CASE("bytes acknowledged but never seen are the capture's loss", "[dissectors][tcp]") {
  Open open;
  open.data(1, 0);
  open.data(1.001, 2);
  open.ack(1.01, 3);
  open.data(1.1, 3);
  open.ack(1.11, 4);
  CHECK(open.heard.repeats.empty());
  CHECK(open.heard.late.empty());
  CHECK(open.counters().unseen == 1);
}

TEST_CASE("data recorded behind its own acknowledgment is no repetition", "[dissectors][tcp]") {
  Open open;
  open.data(1, 0);
  open.ack(1.001, 2);
  SECTION("in order") {
    open.data(1.0011, 1);
  }
  SECTION("out of order") {
    open.data(1.0011, 2);
    open.data(1.0012, 1);
    CHECK(open.counters().late_in_capture == 1);
  }
  open.tracker.finish(TcpWire::at(2));
  CHECK(open.heard.repeats.empty());
  CHECK(open.heard.late.empty());
  CHECK(open.counters().unseen == 0);
}

TEST_CASE("what comes again after its acknowledgment was needless", "[dissectors][tcp]") {
  Open open;
  open.first_segment();
  open.data(1.3, 0);
  CHECK(open.only_repeat().kind == RepeatKind::needless);
  CHECK(open.only_repeat().side == LossSide::none);
}

// A segment each half millisecond, acknowledged at once; the 41st comes again.
TEST_CASE("what was acknowledged a while ago is needless while other data is acknowledged",
          "[dissectors][tcp]") {
  Open open;
  const auto send = [&](double seconds, std::uint32_t i) {
    open.pair.out(seconds, {.sequence = 1 + i * full,
                            .acknowledgment = 1,
                            .length = full,
                            .has_identification = false});
  };
  const auto send_to = [&](std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      send(1.001 + i * 0.0005, i);
      open.ack(1.00101 + i * 0.0005, i + 1);
    }
  };
  SECTION("31 ms ago") {
    send_to(100);
    send(1.0515, 40);
    CHECK(open.only_repeat().kind == RepeatKind::needless);
  }
  SECTION("or half a millisecond ago") {
    send_to(41);
    send(1.0215, 40);
    CHECK(open.heard.repeats.empty());
    CHECK(open.counters().copies == 1);
  }
  SECTION("or just now, at the beginning of another tick") {
    send_to(100);
    send(1.0506, 98);
    CHECK(open.heard.repeats.empty());
  }
}

TEST_CASE("DSACK takes a repetition back", "[dissectors][tcp]") {
  Open open;
  open.first_segment();
  open.data(2, 1);
  open.data(2.3, 1);
  const PacketRef repetition = open.only_repeat().repetition.packet;
  open.ack(2.31, 2);
  CHECK(open.heard.spurious.empty());
  open.ack(2.32, 2, sacked(1 + full, 1 + 2 * full));
  REQUIRE(open.heard.spurious.size() == 1);
  CHECK(open.heard.spurious[0].repetition == repetition);
  CHECK(open.heard.spurious[0].proof == tcp::SpuriousProof::dsack);
}

TEST_CASE("an ACK that echoes the original's timestamp takes the repetition back",
          "[dissectors][tcp]") {
  Open open;
  open.data(1, 0, 1000);
  open.ack(1.01, 1, stamped(1, 1000));
  open.data(2, 1, 2000);
  open.data(2.3, 1, 2300);
  SECTION("the original's") {
    open.ack(2.31, 2, stamped(2, 2000));
    REQUIRE(open.heard.spurious.size() == 1);
    CHECK(open.heard.spurious[0].proof == tcp::SpuriousProof::timestamp);
  }
  SECTION("the repetition's") {
    open.ack(2.31, 2, stamped(2, 2300));
    CHECK(open.heard.spurious.empty());
  }
}

TEST_CASE("keep-alives and probes of a closed window are no repetitions", "[dissectors][tcp]") {
  Open open;
  open.first_segment();
  SECTION("keep-alive") {
    for (const double at : {10.0, 20.0, 30.0}) {
      open.pair.out(at, {.sequence = full, .acknowledgment = 1, .length = 1});
    }
    CHECK(open.counters().keep_alives == 3);
  }
  SECTION("window probe of one byte") {
    open.pair.back(1.02, {.sequence = 1, .acknowledgment = 1 + full, .window = 0});
    for (const double at : {2.0, 3.0, 5.0}) {
      open.pair.out(at, {.sequence = 1 + full, .acknowledgment = 1, .length = 1});
    }
    open.pair.back(5.1, {.sequence = 1, .acknowledgment = 2 + full});
    open.pair.out(5.2, {.sequence = 2 + full, .acknowledgment = 1, .length = full});
    CHECK(open.counters().window_probes == 3);
    CHECK(open.counters().unseen == 0);
  }
  CHECK(open.heard.repeats.empty());
}

TEST_CASE("the same packet recorded twice is a copy", "[dissectors][tcp]") {
  Open open;
  for (std::uint32_t i = 0; i < 2; ++i) {
    tcp::Segment segment;
    segment.source_port = 40000;
    segment.destination_port = 80;
    segment.flags = tcp::ack;
    segment.sequence = 1;
    segment.acknowledgment = 1;
    segment.payload.length = 100;
    tcp::Carriage carriage;
    carriage.seen = {PacketRef{0, 100 + i}, TcpWire::at(1 + i * 0.0005)};
    carriage.source = open.pair.initiator;
    carriage.destination = open.pair.responder;
    carriage.identification = 4711;
    carriage.has_identification = true;
    carriage.total_length = 140;
    open.tracker.add(segment, carriage);
  }
  CHECK(open.heard.repeats.empty());
  CHECK(open.counters().copies == 1);
  CHECK(open.counters().data_segments == 1);
}

// A sender that counts identifications up; a wireless link repeats the last segment.
TEST_CASE("what a link repeats is a copy", "[dissectors][tcp]") {
  Open open;
  for (std::uint32_t i = 0; i < 4; ++i) open.data(1 + i * 0.01, i);
  open.ack(1.05, 4);
  const auto send = [&](double seconds) {
    tcp::Segment segment;
    segment.source_port = open.pair.initiator.port;
    segment.destination_port = open.pair.responder.port;
    segment.flags = tcp::ack;
    segment.sequence = 1 + 4 * full;
    segment.acknowledgment = 1;
    segment.payload.length = full;
    tcp::Carriage carriage;
    carriage.seen = {PacketRef{0, 100}, TcpWire::at(seconds)};
    carriage.source = open.pair.initiator;
    carriage.destination = open.pair.responder;
    carriage.identification = 100;
    carriage.has_identification = true;
    carriage.total_length = 40 + full;
    open.tracker.add(segment, carriage);
  };
  send(1.1);
  SECTION("at once") {
    send(1.164);
    CHECK(open.heard.repeats.empty());
    CHECK(open.counters().copies == 1);
  }
  SECTION("when it is acknowledged already") {
    open.ack(1.12, 5);
    send(1.164);
    CHECK(open.heard.repeats.empty());
    CHECK(open.counters().copies == 1);
  }
  SECTION("not as late as a sender repeats") {
    send(1.4);
    CHECK(open.heard.repeats.size() == 1);
    CHECK(open.counters().data_repeats == 1);
  }
}

TEST_CASE("sequence numbers may pass zero", "[dissectors][tcp]") {
  Midway midway;
  std::uint32_t sequence = 0xffffffff - 2000;
  for (int i = 0; i < 6; ++i) {
    midway.pair.out(1 + i * 0.001, {.sequence = sequence, .acknowledgment = 1, .length = 1000});
    sequence = wrapping_add(sequence, 1000u);
    midway.pair.back(1.0005 + i * 0.001, {.sequence = 1, .acknowledgment = sequence});
  }
  midway.tracker.finish(TcpWire::at(2));
  CHECK(midway.heard.repeats.empty());
  REQUIRE(midway.heard.ended.size() == 1);
  const tcp::ConnectionEnded& end = midway.heard.ended[0];
  CHECK(end.joined_midway);
  CHECK(end.initiator.bytes + end.responder.bytes == 6000);
}

TEST_CASE("of a capture that joins midway nothing earlier is called repeated",
          "[dissectors][tcp]") {
  Midway midway;
  midway.pair.out(1, {.sequence = 5000, .acknowledgment = 1, .length = 1000});
  midway.pair.out(1.2, {.sequence = 3000, .acknowledgment = 1, .length = 1000});
  CHECK(midway.heard.repeats.empty());
  midway.pair.out(1.5, {.sequence = 3000, .acknowledgment = 1, .length = 1000});
  CHECK(midway.heard.repeats.size() == 1);
}

// RFC 1122, section 4.2.3.6: the byte before what comes next, which need not be there.
TEST_CASE("the byte of a keep-alive from before the capture is no loss", "[dissectors][tcp]") {
  Heard heard;
  Settings settings;
  tcp::Tracker tracker{settings, {1 << 20, 1 << 20, 1 << 20}, {}, heard};
  TcpWire wire{tracker};
  TcpPair pair{wire};
  const std::uint32_t first = GENERATE(274u, 174u);
  pair.out(0, {.sequence = first, .acknowledgment = 1});
  pair.back(0.04, {.sequence = 1, .acknowledgment = 275});
  pair.out(1, {.sequence = 275, .acknowledgment = 1, .length = 50});
  pair.back(1.04, {.sequence = 1, .acknowledgment = 325});
  tracker.finish(TcpWire::at(2));
  CHECK(tracker.connections().transfers().unseen == (first == 274 ? 0 : 1));
}

// RFC 7413: the SYN carries 100 bytes; the SYN-ACK takes them, or only the SYN
TEST_CASE("data that comes with the SYN", "[dissectors][tcp]") {
  Heard heard;
  Settings settings;
  tcp::Tracker tracker{settings, {1 << 20, 1 << 20, 1 << 20}, {}, heard};
  TcpWire wire{tracker};
  TcpPair pair{wire};
  const bool taken = GENERATE(true, false);
  pair.out(0, {.flags = tcp::syn, .length = 100});
  pair.back(0.01, {.flags = tcp::syn | tcp::ack, .acknowledgment = taken ? 101u : 1u});
  std::uint32_t next = 101;
  if (!taken) {  // sent again: nothing lost, it was never taken
    pair.out(0.02, {.sequence = 1, .acknowledgment = 1, .length = 100});
  } else {
    pair.out(0.02, {.sequence = next, .acknowledgment = 1});
  }
  pair.out(0.03, {.sequence = next, .acknowledgment = 1, .length = 50});
  pair.back(0.04, {.sequence = 1, .acknowledgment = next + 50});
  tracker.finish(TcpWire::at(2));
  CHECK(heard.repeats.empty());
  CHECK(tracker.connections().transfers().unseen == 0);
  REQUIRE(heard.ended.size() == 1);
  CHECK(heard.ended[0].initiator.bytes == 150);
}

TEST_CASE("an offloaded frame counts as what it is cut into", "[dissectors][tcp]") {
  Open open;
  open.pair.out(1, {.sequence = 1, .acknowledgment = 1, .length = 10 * full + 1});
  open.ack(1.01, 10);
  open.tracker.finish(TcpWire::at(2));
  CHECK(open.heard.ended.at(0).initiator.data_segments == 11);
}

TEST_CASE("wild numbers are ignored, until they are the rule", "[dissectors][tcp]") {
  Open open;
  open.first_segment();
  const auto stray = [&](double at, std::uint32_t i) {
    open.pair.out(at, {.sequence = 0x90000000 + i * 100, .acknowledgment = 1, .length = 100});
  };
  stray(2, 0);
  open.data(2.1, 1);
  CHECK(open.counters().wild == 1);
  CHECK(open.counters().data_segments == 2);
  for (std::uint32_t i = 1; i < 5; ++i) stray(3, i);
  CHECK(open.heard.repeats.empty());
  CHECK(open.counters().data_segments == 4);
}

// Windows of 453, at most scaled by 2^14.
TEST_CASE("what is far beyond the window is of no connection", "[dissectors][tcp]") {
  Midway midway;
  const auto data = [&](double at, std::uint32_t sequence) {
    midway.pair.out(at, {.sequence = sequence, .acknowledgment = 1, .length = 13});
  };
  data(0, 1);
  midway.pair.back(0.01, {.sequence = 1, .acknowledgment = 14, .window = 453});
  data(0.02, 14 + 402653198);
  for (std::uint32_t i = 0; i < 5; ++i) data(30 * (1 + i), 14 + i * 13);
  CHECK(midway.heard.repeats.empty());
  CHECK(midway.tracker.connections().transfers().wild == 1);
}

TEST_CASE("a SYN with another number begins another connection", "[dissectors][tcp]") {
  Open open;
  open.first_segment();
  SECTION("after both sides closed") {
    open.pair.out(2, {.flags = tcp::fin | tcp::ack, .sequence = 1 + full, .acknowledgment = 1});
    open.pair.back(2.01, {.flags = tcp::fin | tcp::ack, .sequence = 1, .acknowledgment = 2 + full});
    open.pair.out(2.02, {.sequence = 2 + full, .acknowledgment = 2});
    open.pair.out(2.5, {.flags = tcp::syn, .sequence = 777});
    REQUIRE(open.heard.ended.size() == 1);
    CHECK(open.heard.ended[0].ending == tcp::Ending::closed);
  }
  SECTION("not with the same") {
    open.pair.out(9, {.flags = tcp::syn, .sequence = 0});
    CHECK(open.heard.ended.empty());
  }
}

TEST_CASE("a FIN sent again is told apart", "[dissectors][tcp]") {
  Open open;
  for (const double at : {1.0, 1.3, 1.9}) {
    open.pair.out(at, {.flags = tcp::fin | tcp::ack, .sequence = 1, .acknowledgment = 1});
  }
  REQUIRE(open.heard.repeats.size() == 2);
  CHECK(open.heard.repeats[0].kind == RepeatKind::fin);
  CHECK(open.counters().data_repeats == 0);
}

TEST_CASE("an RST that acknowledges closes, one that does not knows no connection",
          "[dissectors][tcp]") {
  Open open;
  const bool aborts = GENERATE(true, false);
  const auto ack = static_cast<std::uint8_t>(aborts ? tcp::ack : 0);
  open.pair.back(1, {.flags = static_cast<std::uint8_t>(tcp::rst | ack), .sequence = 1});
  open.tracker.finish(TcpWire::at(2));
  REQUIRE(open.heard.ended.size() == 1);
  CHECK(open.heard.ended[0].responder.sent_rst);
  CHECK(open.heard.ended[0].responder.sent_fin == aborts);
}

TEST_CASE("a side of which only resets were seen was seen", "[dissectors][tcp]") {
  Midway midway;
  const bool is_reset = GENERATE(true, false);
  midway.pair.out(0, {.flags = tcp::fin | tcp::ack, .sequence = 5, .acknowledgment = 7});
  if (is_reset) midway.pair.back(0.1, {.flags = tcp::rst, .sequence = 7});
  midway.tracker.finish(TcpWire::at(200));
  REQUIRE(midway.heard.ended.size() == 1);
  CHECK(midway.heard.ended[0].is_one_sided() != is_reset);
  CHECK(midway.tracker.connections().one_sided() == (is_reset ? 0 : 1));
}

TEST_CASE("who closed and who reset a connection is told", "[dissectors][tcp]") {
  Open open;
  open.pair.back(1, {.flags = tcp::fin | tcp::ack, .sequence = 1, .acknowledgment = 1});
  open.pair.back(2, {.flags = tcp::rst, .sequence = 2});
  open.tracker.finish(TcpWire::at(3));
  REQUIRE(open.heard.ended.size() == 1);
  CHECK(open.heard.ended[0].responder.sent_fin);
  CHECK(open.heard.ended[0].responder.sent_rst);
  CHECK(!open.heard.ended[0].initiator.sent_fin);
  CHECK(!open.heard.ended[0].initiator.sent_rst);
}

// 200 bytes pass, full segments do not; the receiver acknowledges a small one sent behind.
TEST_CASE("full segments that never arrive while small ones do", "[dissectors][tcp]") {
  Open open;
  open.pair.out(1, {.sequence = 1, .acknowledgment = 1, .length = 200});
  open.pair.back(1.01, {.sequence = 1, .acknowledgment = 201});
  open.pair.out(2, {.sequence = 201, .acknowledgment = 1, .length = full});
  open.pair.out(2.001, {.sequence = 201 + full, .acknowledgment = 1, .length = 100});
  open.pair.back(2.012,
                 {.sequence = 1, .acknowledgment = 201, .options = sacked(201 + full, 301 + full)});
  const auto again = [&](double at, std::uint32_t length) {
    open.pair.out(at, {.sequence = 201, .acknowledgment = 1, .length = length});
  };
  again(2.3, full);
  again(2.9, full);
  CHECK(open.heard.stalls.empty());
  SECTION("three times in vain") {
    again(4.1, full);
    REQUIRE(open.heard.stalls.size() == 1);
    CHECK(open.heard.stalls[0].state == tcp::SizeStallState::stuck);
    CHECK(open.heard.stalls[0].small_behind);
    CHECK(open.heard.stalls[0].lost_size == full + 40);
    CHECK(open.heard.stalls[0].delivered_size == 240);
    SECTION("and then it arrives after all") {
      open.pair.back(4.11, {.sequence = 1, .acknowledgment = 301 + full});
      REQUIRE(open.heard.stalls.size() == 2);
      CHECK(open.heard.stalls[1].state == tcp::SizeStallState::disproved);
    }
  }
  SECTION("cut smaller, and acknowledged") {
    again(4.1, 1000);
    open.pair.back(4.112, {.sequence = 1, .acknowledgment = 1201});
    REQUIRE(open.heard.stalls.size() == 1);
    CHECK(open.heard.stalls[0].state == tcp::SizeStallState::cured);
    CHECK(open.heard.stalls[0].cured_size == 1040);
  }
}

TEST_CASE("what is inserted into the table leaves it once", "[dissectors][tcp]") {
  Heard heard;
  Settings settings;
  tcp::Tracker tracker{settings, {1 << 16, 1 << 14, 1 << 12}, {}, heard};
  TcpWire wire{tracker};
  for (std::uint16_t port = 1000; port < 1400; ++port) {
    TcpPair pair{wire, endpoint("192.0.2.1", port)};
    pair.handshake(port * 0.1, with_mss());
    for (std::uint32_t i = 0; i < 3; ++i) {
      pair.out(port * 0.1 + 0.03, {.sequence = 1 + i * full, .acknowledgment = 1, .length = full});
    }
  }
  const tcp::Connections& connections = tracker.connections();
  tracker.finish(TcpWire::at(1000));
  const TableCounters& counters = connections.counters();
  CHECK(counters.inserted == 400);
  CHECK(counters.evicted > 0);
  CHECK(counters.inserted == counters.evicted + counters.expired + counters.closed);
  CHECK(connections.resident() == 0);
  CHECK(connections.lent() == 0);
  CHECK(heard.ended.size() == 400);
  CHECK(heard.repeats.empty());
}

}  // namespace
}  // namespace wirefault::test
