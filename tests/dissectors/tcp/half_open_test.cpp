#include <algorithm>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/segments.h"

namespace wirefault::test {
namespace {

using Outcome = tcp::HandshakeOutcome;

struct Heard final : FactListener {
  std::vector<tcp::Handshake> handshakes;
  std::vector<tcp::Handshake> overdue;
  std::vector<tcp::ServiceSecond> seconds;
  std::vector<tcp::SourceSecond> sources;
  std::uint64_t opened = 0;
  tcp::ServiceSecond total;

  void on_tcp_handshake(const tcp::Handshake& handshake) override {
    handshakes.push_back(handshake);
  }
  void on_tcp_overdue(const tcp::Handshake& handshake) override { overdue.push_back(handshake); }
  void on_tcp_opened(const tcp::Opened&) override { ++opened; }
  void on_tcp_service_second(const tcp::ServiceSecond& second) override {
    seconds.push_back(second);
    if (second.service.port == 0) return;
    total.new_syns += second.new_syns;
    total.repeated_syns += second.repeated_syns;
    total.completed += second.completed;
    total.refused += second.refused;
    total.aged_3s += second.aged_3s;
    total.half_open_change += second.half_open_change;
    total.stray_syn_acks += second.stray_syn_acks;
    total.sampled = total.sampled || second.sampled;
  }
  void on_tcp_source_second(const tcp::SourceSecond& second) override { sources.push_back(second); }
};

struct Case {
  Settings settings;
  Heard heard;
  tcp::Tracker tracker;
  TcpWire wire{tracker};
  TcpPair pair{wire};

  explicit Case(std::size_t budget = std::size_t{8} << 20)
      : tracker{settings, {budget, budget}, HashKey{1, 2}, heard} {}

  const tcp::HandshakeTotals& end(double seconds) {
    tracker.finish(TcpWire::at(seconds));
    const TableCounters& counters = tracker.half_open_counters();
    CHECK(counters.inserted == counters.evicted + counters.expired + counters.closed);
    return tracker.handshakes();
  }
  const tcp::Handshake& only() const {
    REQUIRE(heard.handshakes.size() == 1);
    return heard.handshakes[0];
  }
};

TEST_CASE("a handshake opens a connection and is nothing to tell", "[dissectors][tcp]") {
  Case c;
  c.pair.handshake(0);
  const auto totals = c.end(1);
  CHECK(totals.begun == 1);
  CHECK(totals.opened == 1);
  CHECK(totals.half_open == 0);
  CHECK(c.heard.handshakes.empty());
  CHECK(c.heard.opened == 1);
  CHECK(c.heard.total.new_syns == 1);
  CHECK(c.heard.total.completed == 1);
}

TEST_CASE("an RST that answers a SYN which is not there is counted", "[dissectors][tcp]") {
  Case c;
  c.pair.initiator.port = 40001;
  c.pair.back(0, {.flags = tcp::rst | tcp::ack, .sequence = 0, .acknowledgment = 1});
  CHECK(c.end(1).refused_unseen == 1);
}

TEST_CASE("other RSTs are no refusals of what is not there", "[dissectors][tcp]") {
  Case c;
  SECTION("of a connection, or to a segment with an ACK") {
    c.pair.back(0, {.flags = tcp::rst | tcp::ack, .sequence = 17, .acknowledgment = 1});
    ++c.pair.initiator.port;
    c.pair.back(0, {.flags = tcp::rst, .sequence = 0});
  }
  SECTION("whose SYN is there") {
    c.pair.out(0, {.flags = tcp::syn});
    c.pair.back(0.1, {.flags = tcp::rst | tcp::ack, .sequence = 0, .acknowledgment = 1});
    c.pair.back(0.2, {.flags = tcp::rst | tcp::ack, .sequence = 0, .acknowledgment = 1});
  }
  CHECK(c.end(1).refused_unseen == 0);
}

TEST_CASE("a SYN without an answer is silent once it is repeated", "[dissectors][tcp]") {
  Case c;
  for (const double when : {0.0, 1.0, 3.0, 7.0}) c.pair.out(when, {.flags = tcp::syn});
  const auto totals = c.end(20);
  CHECK(totals.begun == 1);
  CHECK(totals.half_open == 1);
  CHECK(c.only().outcome == Outcome::silent);
  CHECK(c.only().syns.count() == 4);
  CHECK(c.only().syns.last().packet.number() == 4);
  CHECK(c.heard.total.new_syns == 1);
  CHECK(c.heard.total.repeated_syns == 3);
  CHECK(c.heard.total.aged_3s.repeated == 1);
}

// Told when three seconds have passed, and the initiator has given up or asked three times again.
TEST_CASE("an attempt that looks failed is told of as overdue", "[dissectors][tcp]") {
  Case c;
  SECTION("after three repetitions") {
    for (const double when : {0.2, 1.2, 2.2, 3.3}) c.pair.out(when, {.flags = tcp::syn});
    c.tracker.expire(TcpWire::at(3.9));
    CHECK(c.heard.overdue.empty());
    c.tracker.expire(TcpWire::at(4));
    REQUIRE(c.heard.overdue.size() == 1);
    CHECK(c.heard.overdue[0].syns.count() == 4);
  }
  SECTION("when no repetition came for twice as long as before") {
    for (const double when : {0.2, 1.2}) c.pair.out(when, {.flags = tcp::syn});
    c.tracker.expire(TcpWire::at(3.1));
    CHECK(c.heard.overdue.empty());
    c.tracker.expire(TcpWire::at(4));
    REQUIRE(c.heard.overdue.size() == 1);
    CHECK(c.heard.overdue[0].syns.count() == 2);
  }
  CHECK(c.heard.overdue[0].outcome == Outcome::silent);
  CHECK(c.heard.handshakes.empty());
  c.end(30);
  CHECK(c.only().outcome == Outcome::silent);
}

TEST_CASE("what is overdue is told of again when it is repeated again", "[dissectors][tcp]") {
  Case c;
  for (const double when : {0.0, 1.0, 2.0, 3.0}) c.pair.out(when, {.flags = tcp::syn});
  c.tracker.expire(TcpWire::at(6));
  REQUIRE(c.heard.overdue.size() == 1);
  c.pair.out(6.5, {.flags = tcp::syn});
  c.tracker.expire(TcpWire::at(8));
  REQUIRE(c.heard.overdue.size() == 2);
  CHECK(c.heard.overdue[1].syns.count() == 5);
}

TEST_CASE("an attempt is not overdue", "[dissectors][tcp]") {
  Case c;
  SECTION("with one SYN") {
    c.pair.out(0, {.flags = tcp::syn});
  }
  SECTION("with two repetitions, of which the second was answered late") {
    for (const double when : {0.0, 1.0, 3.0}) c.pair.out(when, {.flags = tcp::syn});
    c.pair.back(6.9, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    c.pair.out(6.9, {.sequence = 1, .acknowledgment = 1});
  }
  SECTION("that was refused in the end") {
    for (const double when : {0.0, 1.0}) c.pair.out(when, {.flags = tcp::syn});
    c.pair.back(1.1, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  }
  c.tracker.expire(TcpWire::at(20));
  CHECK(c.heard.overdue.empty());
}

TEST_CASE("a single SYN is overdue after three seconds where its initiator opened others before",
          "[dissectors][tcp]") {
  Case c;
  c.pair.handshake(0);
  ++c.pair.initiator.port;
  c.pair.out(1, {.flags = tcp::syn});
  SECTION("ignored") {
    c.tracker.expire(TcpWire::at(3.9));
    CHECK(c.heard.overdue.empty());
    c.tracker.expire(TcpWire::at(4));
    REQUIRE(c.heard.overdue.size() == 1);
    CHECK(c.heard.overdue[0].outcome == Outcome::abandoned);
    c.end(30);
    CHECK(c.only().outcome == Outcome::abandoned);
  }
  SECTION("reset by who does not acknowledge it") {
    c.pair.back(1.1, {.flags = tcp::rst, .sequence = 5});
    c.end(30);
    CHECK(c.heard.overdue.empty());
    CHECK(c.heard.handshakes.empty());
  }
}

// Whoever was told that it is must hear what became of it.
TEST_CASE("what is overdue is settled, whatever becomes of it", "[dissectors][tcp]") {
  Case c{200000};
  for (const double when : {0.0, 1.0, 2.0, 3.0}) c.pair.out(when, {.flags = tcp::syn});
  c.tracker.expire(TcpWire::at(5));
  REQUIRE(c.heard.overdue.size() == 1);
  SECTION("it opens after all") {
    c.pair.back(6, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    c.pair.out(6, {.sequence = 1, .acknowledgment = 1});
    CHECK(c.only().outcome == Outcome::completed);
  }
  SECTION("the initiator takes it back") {
    c.pair.out(6, {.flags = tcp::rst, .sequence = 1});
    CHECK(c.only().outcome == Outcome::silent);
  }
  SECTION("its port is used again") {
    c.pair.out(6, {.flags = tcp::syn, .sequence = 77});
    CHECK(c.only().outcome == Outcome::silent);
  }
  SECTION("there is no room for it") {
    const Endpoint overdue = c.pair.responder;
    // Each at a port of its own: none is a target of many, which would be sampled. Each asks
    // again: else it would give way before the one that is overdue.
    for (int batch = 0; batch < 40; ++batch) {
      const std::uint16_t port = c.pair.responder.port;
      for (const double when : {8 + batch * 1.2, 9 + batch * 1.2}) {
        c.pair.responder.port = port;
        for (int i = 0; i < 50; ++i) {
          ++c.pair.responder.port;
          c.pair.out(when + i * 0.001, {.flags = tcp::syn});
        }
      }
    }
    CHECK(c.tracker.half_open_counters().evicted > 0);
    CHECK(std::ranges::any_of(c.heard.handshakes, [&](const tcp::Handshake& told) {
      return told.responder() == overdue && told.outcome == Outcome::silent;
    }));
  }
}

TEST_CASE("a lone SYN, and one too young at the end, are only counted", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn});
  c.pair.initiator.port = 40001;
  c.pair.out(9, {.flags = tcp::syn});
  c.pair.out(10, {.flags = tcp::syn});
  CHECK(c.end(11).half_open == 2);
  CHECK(c.heard.handshakes.empty());
  CHECK(c.heard.total.aged_3s.lone == 1);
}

TEST_CASE("a silent attempt expires 63 s after its last SYN", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn});
  c.pair.out(31, {.flags = tcp::syn});
  c.tracker.expire(TcpWire::at(93.9));
  CHECK(c.heard.handshakes.empty());
  c.tracker.expire(TcpWire::at(200));
  CHECK(c.only().settled == TcpWire::at(94));
  c.pair.out(201, {.flags = tcp::syn});
  CHECK(c.end(202).begun == 2);
}

// SYN, 10 ms later an ICMP error that quotes it, and half a second later the capture ends
TEST_CASE("what an ICMP error rejects need not wait for the end", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn, .sequence = 7});
  tcp::Rejected rejected;
  rejected.seen = {PacketRef{0, 2}, TcpWire::at(0.01)};
  rejected.error = icmp::ErrorKind::port_unreachable;
  rejected.source = c.pair.initiator;
  rejected.destination = c.pair.responder;
  rejected.sequence = 7;
  SECTION("a final one") {
    c.tracker.reject(rejected);
    c.end(0.5);
    CHECK(c.only().outcome == Outcome::rejected);
    CHECK(c.only().ended_by.packet.number() == 2);
  }
  SECTION("one that it survives") {
    c.tracker.reject(rejected);
    c.pair.back(0.1, {.flags = tcp::syn | tcp::ack, .acknowledgment = 8});
    c.pair.out(0.11, {.sequence = 8, .acknowledgment = 1});
    c.end(0.5);
    CHECK(c.heard.handshakes.empty());
    CHECK(c.heard.opened == 1);
  }
}

TEST_CASE("an RST that acknowledges the SYN refuses it", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn, .sequence = 0xffffffff});
  c.pair.back(0.1, {.flags = tcp::rst | tcp::ack, .acknowledgment = 0x70000000});  // not of it
  CHECK(c.heard.handshakes.empty());
  c.pair.back(0.2, {.flags = tcp::rst | tcp::ack, .acknowledgment = 0, .hop_limit = 60});
  CHECK(c.only().outcome == Outcome::refused);
  CHECK(c.only().ended_by.packet.number() == 3);
  CHECK(c.only().ended_by_hop_limit == 60);
  // Windows asks twice more with the same SYN: still one attempt.
  c.pair.out(0.7, {.flags = tcp::syn, .sequence = 0xffffffff});
  const auto totals = c.end(5);
  CHECK(totals.begun == 1);
  CHECK(totals.refused == 1);
  CHECK(totals.half_open == 0);
}

TEST_CASE("an RST after the SYN-ACK is the initiator's doing", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn});
  c.pair.back(0.1, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
  c.pair.out(0.2, {.flags = tcp::rst, .sequence = 1});
  CHECK(c.end(9).half_open == 0);
  CHECK(c.heard.total.refused == 0);
  CHECK(c.heard.total.half_open_change == 0);
}

TEST_CASE("a connection that opens at the second SYN is told", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn});
  c.pair.handshake(1);
  CHECK(c.only().outcome == Outcome::completed);
  CHECK(c.only().syns.count() == 2);
  CHECK(c.end(2).opened == 1);
}

TEST_CASE("a SYN-ACK that is never acknowledged", "[dissectors][tcp]") {
  Case c;
  for (const double when : {0.0, 1.0, 3.0}) {
    c.pair.out(when, {.flags = tcp::syn});
    c.pair.back(when + 0.3, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
  }
  CHECK(c.end(9).half_open == 1);
  CHECK(c.only().outcome == Outcome::unacknowledged);
  CHECK(c.only().syn_acks.count() == 3);
}

TEST_CASE("one direction is enough to know that it opened", "[dissectors][tcp]") {
  Case c;
  SECTION("the initiator's") {
    c.pair.out(0, {.flags = tcp::syn});
    c.pair.out(0.1, {.sequence = 1, .acknowledgment = 500});
  }
  SECTION("the responder's") {
    c.pair.back(0, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    c.pair.back(0.1, {.sequence = 1, .acknowledgment = 9, .length = 10});
  }
  const auto totals = c.end(9);
  CHECK(totals.opened == 1);
  CHECK(totals.half_open == 0);
}

TEST_CASE("a challenge ACK opens nothing", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn, .sequence = 5000});
  c.pair.back(0.1, {.sequence = 1, .acknowledgment = 4000});
  CHECK(c.end(1).opened == 0);
}

TEST_CASE("the same ports with another sequence number are another attempt", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn, .sequence = 1});
  c.pair.out(5, {.flags = tcp::syn, .sequence = 2});
  CHECK(c.end(6).begun == 2);
}

TEST_CASE("copies of a SYN are no repetition", "[dissectors][tcp]") {
  Case c;
  c.pair.out(0, {.flags = tcp::syn});
  c.pair.out(0.002, {.flags = tcp::syn});
  c.end(9);
  CHECK(c.heard.handshakes.empty());
  CHECK(c.heard.total.aged_3s.lone == 1);
}

TEST_CASE("segments in midstream are joined", "[dissectors][tcp]") {
  Case c;
  c.pair.back(0, {.sequence = 1, .acknowledgment = 1, .length = 10});
  const auto totals = c.end(9);
  CHECK(totals.joined_midway == 1);
  CHECK(totals.opened == 0);
}

TEST_CASE("unsolicited SYN-ACKs are strays of both ends", "[dissectors][tcp]") {
  Case c;
  c.pair.back(0, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
  c.end(9);
  CHECK(c.heard.total.stray_syn_acks == 1);
  std::uint64_t of_target = 0;
  for (const auto& second : c.heard.seconds) {
    if (second.service == endpoint("192.0.2.1", 0)) of_target += second.stray_syn_acks;
  }
  CHECK(of_target == 1);
}

TEST_CASE("from the fourth target on a source's failures are told, all of them",
          "[dissectors][tcp]") {
  Case c;
  for (std::uint16_t port = 20; port < 30; ++port) {
    c.pair.responder.port = port;
    c.pair.out(0.1 * port, {.flags = tcp::syn});
    c.pair.back(0.1 * port + 0.01, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  }
  c.end(9);
  std::uint64_t attempts = 0;
  for (const auto& second : c.heard.sources) attempts += second.attempts;
  CHECK(attempts == 10);
}

// A flood that fills the table of 64 KiB many times over, and a visitor who knows the place.
TEST_CASE("a flooded target is sampled, and who matters is not", "[dissectors][tcp]") {
  Case c{std::size_t{256} << 10};
  c.pair.handshake(0);
  const Endpoint visitor = c.pair.initiator;
  constexpr std::uint32_t many = 20000;
  for (std::uint32_t i = 0; i < many; ++i) {
    c.pair.initiator = endpoint("198.18.0.1", static_cast<std::uint16_t>(1024 + i % 60000));
    c.pair.out(1 + 0.0001 * i, {.flags = tcp::syn, .sequence = i});
  }
  c.pair.initiator = visitor;
  c.pair.initiator.port = 40001;
  c.pair.handshake(3.5);
  c.pair.initiator = endpoint("192.0.2.77", 40000);  // new here, and patient
  c.pair.out(3.6, {.flags = tcp::syn});
  c.pair.handshake(4.6);
  const auto totals = c.end(10);
  CHECK(c.heard.total.new_syns == many + 3);
  CHECK(c.heard.total.sampled);
  CHECK(totals.begun == many + 3);
  CHECK(totals.opened == 3);
  // 64 for each of the sample: an estimate.
  CHECK(c.heard.total.aged_3s.all() > many / 2);
  CHECK(c.heard.total.aged_3s.all() < 2 * many);
  CHECK(c.heard.total.half_open_change <= 0);
}

// The table of the same size, flooded for 20 s: one who asks in vain and one who is refused.
TEST_CASE("who fails amidst a flood is told", "[dissectors][tcp]") {
  Case c{std::size_t{256} << 10};
  const std::vector<double> attempts{5, 6, 8, 12, 20};
  std::size_t asked = 0;
  for (std::uint32_t i = 0; i < 200000; ++i) {
    const double now = 0.0001 * i;
    c.pair.responder = endpoint("198.51.100.80", 80);
    c.pair.initiator = endpoint("198.18.0.1", static_cast<std::uint16_t>(1024 + i % 60000));
    c.pair.out(now, {.flags = tcp::syn, .sequence = i});
    if (asked == attempts.size() || now < attempts[asked]) continue;
    c.pair.initiator = endpoint("192.0.2.7", 40000);
    c.pair.responder = endpoint("198.51.100.7", 443);
    c.pair.out(now, {.flags = tcp::syn});
    if (++asked != 2) continue;
    c.pair.initiator = endpoint("192.0.2.8", 40000);
    c.pair.out(now, {.flags = tcp::syn});
    c.pair.back(now + 0.001, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  }
  c.end(80);
  const auto told = [&](const std::string& client, Outcome outcome) {
    return std::ranges::any_of(c.heard.handshakes, [&](const tcp::Handshake& handshake) {
      return handshake.initiator().address == *IpAddress::parse(client) &&
             handshake.outcome == outcome;
    });
  };
  CHECK(told("192.0.2.7", Outcome::silent));
  CHECK(told("192.0.2.8", Outcome::refused));
}

TEST_CASE("what is repeated in a handshake spoils its times", "[dissectors][tcp]") {
  struct LastOpened final : FactListener {
    tcp::Opened last;
    void on_tcp_opened(const tcp::Opened& fact) override { last = fact; }
  } heard;
  Settings settings;
  tcp::Tracker tracker{settings, {1 << 20, 1 << 20}, HashKey{1, 2}, heard};
  TcpWire wire{tracker};
  const Endpoint a = endpoint("192.0.2.1", 40000);
  const Endpoint b = endpoint("198.51.100.1", 443);
  const auto answer = [&](double when) {
    wire.send(when, b, a,
              {.flags = tcp::syn | tcp::ack, .sequence = 7, .acknowledgment = 1, .hop_limit = 57});
  };
  wire.send(0, a, b, {.flags = tcp::syn});
  bool once = false;
  SECTION("each once") {
    once = true;
    answer(0.02);
    wire.send(0.03, a, b, {.sequence = 1, .acknowledgment = 8});
    CHECK(heard.last.answered - heard.last.asked == std::chrono::milliseconds{20});
    CHECK(heard.last.initiator_hop_limit == 64);
    CHECK(heard.last.responder_hop_limit == 57);
  }
  SECTION("two SYNs") {
    wire.send(1, a, b, {.flags = tcp::syn});
    answer(1.02);
    wire.send(1.03, a, b, {.sequence = 1, .acknowledgment = 8});
  }
  SECTION("two SYN-ACKs") {
    answer(0.02);
    answer(1.02);
    wire.send(1.03, a, b, {.sequence = 1, .acknowledgment = 8});
  }
  SECTION("the ACK is not in the capture") {
    answer(0.02);
    wire.send(0.05, b, a, {.sequence = 8, .acknowledgment = 1, .length = 10});
  }
  CHECK(heard.last.initiator == a);
  CHECK(heard.last.is_timed == once);
}

}  // namespace
}  // namespace wirefault::test
