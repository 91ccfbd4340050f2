// What is said before it is settled, as a live view asks for it.
#include "detectors/judgement.h"

#include "tests/support/catch.h"
#include "tests/support/tcp_bench.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

Octets asked(std::uint16_t port, std::uint16_t id, std::string_view server) {
  return ethernet(ip_datagram({.source = "192.0.2.1", .destination = server}, dns_query(port, id)));
}
Octets answered(std::uint16_t port, std::uint16_t id, std::string_view server) {
  Octets message = slice(dns_query(port, id), 8, 1000);
  message[2] = 0x81;
  message[3] = 0x83;  // NXDOMAIN
  return ethernet(
      ip_datagram({.source = server, .destination = "192.0.2.1"}, udp(53, port, message)));
}

// The answer timeout is 5.5 s.
TEST_CASE("a lookup that failed is told once its queries are settled", "[detectors][judgement]") {
  WireBench bench{"dns-unanswered"};
  bench.wire.send(0, asked(40000, 5, "198.51.100.53"));
  bench.wire.send(2, asked(40000, 5, "198.51.100.53"));
  CHECK(bench.findings_so_far(7.4).empty());
  const auto found = bench.findings_so_far(9.1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].count == 1);
  CHECK(found[0].state == FindingState::ongoing);
}

TEST_CASE("a lookup that goes on at another server has not failed", "[detectors][judgement]") {
  WireBench bench{"dns-unanswered"};
  bench.wire.send(0, asked(40000, 5, "198.51.100.53"));
  const bool goes_on = GENERATE(true, false);
  if (goes_on) bench.wire.send(5.9, asked(40001, 6, "198.51.100.54"));
  CHECK(bench.findings_so_far(7.1).empty() == goes_on);
  CHECK(bench.findings_so_far(8).empty() == goes_on);
}

TEST_CASE("a lookup that another server saved is no failed one", "[detectors][judgement]") {
  WireBench bench{"dns-unanswered"};
  bench.wire.send(0, asked(40000, 5, "198.51.100.53"));
  bench.wire.send(2, asked(40001, 6, "198.51.100.54"));
  bench.wire.send(2.1, answered(40001, 6, "198.51.100.54"));
  const auto found = bench.findings_so_far(8);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::warning);
}

TEST_CASE("a name that fails everywhere is told before its client can have finished",
          "[detectors][judgement]") {
  WireBench bench{"dns-servfail"};
  for (int i = 0; i < 2; ++i) {
    const auto id = static_cast<std::uint16_t>(7 + i);
    bench.wire.send(0.1 * i, asked(40000, id, "198.51.100.53"));
    Octets failure = answered(40000, id, "198.51.100.53");
    failure[14 + 20 + 8 + 3] = 0x82;
    bench.wire.send(0.1 * i + 0.05, failure);
  }
  CHECK(bench.findings_so_far(1).empty());
  const auto found = bench.findings_so_far(2);
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 1);
  CHECK(bench.findings_so_far(60).size() == 1);
}

struct Connecting {
  TcpBench bench;
  TcpPair pair{bench.wire};

  explicit Connecting(const std::string& detector) : bench{detector} {}

  void ask(std::initializer_list<double> when) {
    for (const double second : when) pair.out(second, {.flags = tcp::syn});
  }
};

TEST_CASE("an attempt that is overdue times out until it opens", "[detectors][judgement]") {
  Connecting c{"tcp-syn-timeout"};
  c.ask({0.2, 1.2, 2.2, 3.2});
  CHECK(c.bench.findings_so_far(3.5).empty());
  const auto found = c.bench.findings_so_far(4.1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "silent");
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].count == 1);
  CHECK(found[0].of == 1);
  CHECK(found[0].state == FindingState::ongoing);
  CHECK(found[0].display_filter == "frame.number in {1, 2, 3, 4}");
  SECTION("of which no more is said then") {
    c.ask({5.2});
    c.pair.back(5.3, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    c.pair.out(5.4, {.sequence = 1, .acknowledgment = 1});
    CHECK(c.bench.findings_so_far(6).empty());
    CHECK(c.bench.findings(90).empty());
  }
  SECTION("with all that belongs to it") {
    c.ask({5.2});
    CHECK(c.bench.findings_so_far(6.1).at(0).frames_total == 5);
    CHECK(c.bench.findings_so_far(40).at(0).state == FindingState::ongoing);
    for (double now = 66; now < 75; now += 0.25) CHECK(c.bench.findings_so_far(now).size() == 1);
    const auto settled = c.bench.findings_so_far(80);
    REQUIRE(settled.size() == 1);
    CHECK(settled[0].count == 1);
    CHECK(settled[0].state == FindingState::ended);
  }
}

TEST_CASE("what is overdue is over when the service accepts others", "[detectors][judgement]") {
  Connecting c{"tcp-syn-timeout"};
  c.ask({0.2, 1.2, 2.2, 3.2});
  REQUIRE(c.bench.findings_so_far(5).at(0).state == FindingState::ongoing);
  ++c.pair.initiator.port;
  c.pair.handshake(6);
  const auto found = c.bench.findings_so_far(7.1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == FindingState::ended);
  CHECK(found[0].count == 1);
  CHECK(found[0].of == 2);
}

TEST_CASE("a refusal is told as soon as the client would have gone on", "[detectors][judgement]") {
  Connecting c{"tcp-refused"};
  c.ask({0});
  c.pair.back(0.01, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  const bool goes_on = GENERATE(true, false);
  if (goes_on) {
    c.pair.responder.address = IpAddress::parse("198.51.100.2").value();
    c.pair.handshake(0.3);
  }
  CHECK(c.bench.findings_so_far(0.9).empty());
  const auto found = c.bench.findings_so_far(1.1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 1);
  CHECK(found[0].severity == (goes_on ? Severity::note : Severity::error));
}

TEST_CASE("asking how things stand changes nothing", "[detectors][judgement]") {
  const auto told = [](bool asks) {
    Connecting c{"tcp-syn-timeout"};
    for (const double second : {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 7.0}) {
      c.ask({second});
      if (asks) c.bench.findings_so_far(second + 0.5);
    }
    const auto found = c.bench.findings(9);
    REQUIRE(found.size() == 1);
    return std::pair{found[0].count, found[0].frames_total};
  };
  CHECK(told(true) == told(false));
}

}  // namespace
}  // namespace wirefault::test
