#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

constexpr Header from_router{
    .source = "192.0.2.254", .destination = "192.0.2.1", .protocol = ip::protocol::icmp};
constexpr Header from_server{
    .source = "198.51.100.1", .destination = "192.0.2.1", .protocol = ip::protocol::icmp};

struct Case {
  WireBench bench{"icmp-unreachable"};
  std::uint32_t id = 1;

  // A datagram out, and 1 ms later an error that quotes `quoted` bytes of it.
  void rejected(double seconds, std::uint8_t protocol, const Octets& payload, std::uint8_t code,
                Header reporter, std::size_t quoted = 68, std::uint8_t ttl = 63) {
    const Header header{.protocol = protocol, .identification = ++id, .ttl = 64};
    bench.wire.send(seconds, ethernet(ip_datagram(header, payload)));
    Header as_quoted = header;
    as_quoted.ttl = ttl;
    reporter.identification = ++id;
    bench.wire.send(
        seconds + 0.001,
        ethernet(ip_datagram(reporter,
                             icmp_error(3, code, ip_datagram(as_quoted, payload), 0, quoted))));
  }
};

}  // namespace

// client --SYN--> router, which says 3/1
TEST_CASE("a rejected connection attempt is an error", "[detectors][icmp-unreachable]") {
  const auto [code, title] = GENERATE(
      std::pair<std::uint8_t, std::string>{0, "192.0.2.254 has no route to 198.51.100.1"},
      std::pair<std::uint8_t, std::string>{1, "192.0.2.254 cannot reach 198.51.100.1"},
      std::pair<std::uint8_t, std::string>{2, "198.51.100.1 refuses protocol 6 (TCP)"},
      std::pair<std::uint8_t, std::string>{3, "198.51.100.1:80 is closed: port unreachable"});
  // Eight bytes behind the IP header are what RFC 792 asks for.
  const std::size_t quoted = GENERATE(std::size_t{28}, std::size_t{68});
  Case c;
  c.rejected(0, ip::protocol::tcp, tcp_syn(40000, 80), code, from_router, quoted);
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].confidence == Confidence::certain);
  CHECK(found[0].title == title);
  CHECK(found[0].display_filter == "frame.number in {2}");
}

TEST_CASE("a DNS server that is not there rejects queries", "[detectors][icmp-unreachable]") {
  // Old routers quote no DNS id.
  const std::size_t quoted = GENERATE(std::size_t{28}, std::size_t{68});
  Case c;
  c.rejected(0, ip::protocol::udp, dns_query(40000, 5), 3, from_server, quoted);
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  REQUIRE(!found[0].causes.empty());
  CHECK(found[0].causes[0].id == "service-down");
}

// client --A?--> port unreachable, for each of several names
struct RejectedNames {
  Frames frames;
  DetectorBench bench{entry_of("icmp-unreachable")};

  void ask(int number, double seconds) {
    const Asked asked{.name = fmt::format("host{}.example.com.", number)};
    dns::Transaction rejected = test::asked(frames, asked, {seconds});
    rejected.outcome = dns::Outcome::rejected;
    rejected.settled = seconds_later(rejected);
    icmp::Error error;
    error.kind = icmp::ErrorKind::port_unreachable;
    error.match = icmp::Match::dns_transaction;
    error.protocol = ip::protocol::udp;
    error.reporter = error.destination = rejected.server.address;
    error.destination_port = 53;
    error.source = rejected.client.address;
    error.quoted_hop_limit = 60;
    error.seen = frames.at(seconds + 0.001);
    bench.detector().on_icmp_error(error);
    bench.hear(rejected);
  }
  static Timestamp seconds_later(const dns::Transaction& asked) {
    return asked.asked() + std::chrono::milliseconds{1};
  }
};

TEST_CASE("a DNS server that rejects everything is critical, unless another one answers",
          "[detectors][icmp-unreachable]") {
  RejectedNames c;
  const int names = GENERATE(2, 3);
  const bool is_saved = GENERATE(true, false);
  for (int i = 0; i < names; ++i) {
    c.ask(i, 20 * i);
    if (!is_saved) continue;
    const Asked elsewhere{.server = "198.51.100.54", .name = fmt::format("host{}.example.com.", i)};
    c.bench.hear(answered(c.frames, elsewhere, 20 * i + 0.1, 20 * i + 0.11));
  }
  const auto found = c.bench.findings(100);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == (names == 3 && !is_saved ? Severity::critical : Severity::error));
}

TEST_CASE("a DNS server that answers some is not down", "[detectors][icmp-unreachable]") {
  RejectedNames c;
  for (int i = 0; i < 6; ++i) {
    c.ask(i, 20 * i);
    if (i % 3 == 2) c.bench.hear(answered(c.frames, {}, 20 * i + 1, 20 * i + 1.01));
  }
  const auto found = c.bench.findings(200);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
}

// Rejected for three seconds; answered in the fourth, or not yet.
TEST_CASE("a service that answers again is no longer rejected", "[detectors][icmp-unreachable]") {
  Case c;
  const bool is_dns = GENERATE(true, false);
  const bool is_repaired = GENERATE(true, false);
  for (std::uint16_t i = 0; i < 4; ++i) {
    const auto port = static_cast<std::uint16_t>(40000 + i);
    c.rejected(i, is_dns ? ip::protocol::udp : ip::protocol::tcp,
               is_dns ? dns_query(port, i) : tcp_syn(port, 80), 3, from_server);
  }
  if (is_repaired && is_dns) {
    const Octets query = dns_query(40009, 9);
    c.bench.wire.send(4.1, ethernet(ip_datagram({}, query)));
    Octets answer = slice(query, 8, 1000);
    answer[2] = 0x81;
    answer[3] = 0x83;
    c.bench.wire.send(4.2,
                      ethernet(ip_datagram({.source = "198.51.100.1", .destination = "192.0.2.1"},
                                           udp(53, 40009, answer))));
  } else if (is_repaired) {
    const Header back{
        .source = "198.51.100.1", .destination = "192.0.2.1", .protocol = ip::protocol::tcp};
    c.bench.wire.send(4.1,
                      ethernet(ip_datagram({.protocol = ip::protocol::tcp}, tcp_syn(40009, 80))));
    c.bench.wire.send(4.2, ethernet(ip_datagram(back, be(80, 2) + be(40009, 2) + be(1, 4) +
                                                          be(8, 4) + hex("5012ffff00000000"))));
    c.bench.wire.send(4.3, ethernet(ip_datagram({.protocol = ip::protocol::tcp},
                                                be(40009, 2) + be(80, 2) + be(8, 4) + be(2, 4) +
                                                    hex("5010ffff00000000"))));
  }
  const auto found = c.bench.findings_so_far(5.1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].state == (is_repaired ? FindingState::ended : FindingState::ongoing));
}

// One datagram to each of many peers, or more of them: a peer-to-peer client asks whoever it was
// told of.
TEST_CASE("peers that are gone are no tallies to lose", "[detectors][icmp-unreachable]") {
  DetectorBench bench{entry_of("icmp-unreachable")};
  const int times = GENERATE(1, 3);
  for (std::uint32_t peer = 0; peer < 4000; ++peer) {
    icmp::Error error;
    error.kind = icmp::ErrorKind::port_unreachable;
    error.match = icmp::Match::datagram;
    error.protocol = ip::protocol::udp;
    error.source = *IpAddress::parse("192.0.2.1");
    error.source_port = 40000;
    error.destination = error.reporter =
        *IpAddress::parse(fmt::format("198.18.{}.{}", peer / 256, peer % 256));
    error.destination_port = 6881;
    error.quoted_hop_limit = 50;
    for (int i = 0; i < times; ++i) bench.detector().on_icmp_error(error);
  }
  CHECK((bench.detector().evicted() == 0) == (times == 1));
}

TEST_CASE("one datagram that nobody takes is a note, many are a warning",
          "[detectors][icmp-unreachable]") {
  Case c;
  const int times = GENERATE(1, 3);
  for (int i = 0; i < times; ++i) {
    c.rejected(i, ip::protocol::udp, udp(40000, 514, pattern(20)), 3, from_server);
  }
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == (times == 1 ? Severity::note : Severity::warning));
}

TEST_CASE("several services that were tried once each are a note",
          "[detectors][icmp-unreachable]") {
  Case c;
  for (std::uint16_t i = 0; i < 3; ++i) {
    const auto port = static_cast<std::uint16_t>(5060 + i);
    c.rejected(i, ip::protocol::udp, udp(40000, port, pattern(20)), 3, from_server);
  }
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::note);
}

TEST_CASE("what provoked its error on purpose, or was not seen, is left alone",
          "[detectors][icmp-unreachable]") {
  Case c;
  SECTION("traceroute by port") {
    c.rejected(0, ip::protocol::udp, udp(40000, 33435, pattern(20)), 3, from_server);
  }
  SECTION("traceroute by TTL") {
    c.rejected(0, ip::protocol::udp, udp(40000, 5000, pattern(20)), 3, from_server, 68, 1);
  }
  SECTION("a late answer to a client that has gone") {
    const Header query{.source = "198.51.100.1", .destination = "192.0.2.1", .identification = 3};
    c.bench.wire.send(0, ethernet(ip_datagram(query, udp(5000, 40000, pattern(9)))));
    c.rejected(0.5, ip::protocol::udp, udp(40000, 5000, pattern(20)), 3, from_server);
  }
  SECTION("nothing of the quoted packet in this capture") {
    const Octets never = ip_datagram({.protocol = ip::protocol::tcp}, tcp_syn(40000, 80));
    c.bench.wire.send(0, ethernet(ip_datagram(from_router, icmp_error(3, 1, never))));
  }
  CHECK(c.bench.findings().empty());
}

// server --datagram--> client; what the client sends back from then on meets a closed port
TEST_CASE("who goes on talking to somebody who has left is worth a note",
          "[detectors][icmp-unreachable]") {
  Case c;
  const Header from_peer{
      .source = "198.51.100.1", .destination = "192.0.2.1", .identification = 900};
  c.bench.wire.send(0, ethernet(ip_datagram(from_peer, udp(5000, 40000, pattern(9)))));
  const int times = GENERATE(2, 3);
  const double pause = GENERATE(0.01, 0.5);
  for (int i = 0; i < times; ++i) {
    c.rejected(1 + pause * i, ip::protocol::udp, udp(40000, 5000, pattern(20)), 3, from_server);
  }
  const auto found = c.bench.findings();
  // Less is under way already, or a last repetition.
  REQUIRE(found.size() == (times == 3 && pause == 0.5 ? 1 : 0));
  if (found.empty()) return;
  CHECK(found[0].severity == Severity::note);
  CHECK(found[0].title == "198.51.100.1:5000 is closed by now: port unreachable");
  CHECK(found[0].count == 3);
}

TEST_CASE("what is refused at times only is told so", "[detectors][icmp-unreachable]") {
  Case c;
  constexpr std::uint8_t ospf = 89;
  const bool works_between = GENERATE(true, false);
  const Octets unknown = pattern(30);
  for (int phase = 0; phase < 2; ++phase) {
    for (int i = 0; i < 2; ++i) c.rejected(10 * phase + i, ospf, unknown, 2, from_server);
    if (!works_between) continue;
    const Header back{.source = "198.51.100.1",
                      .destination = "192.0.2.1",
                      .protocol = ospf,
                      .identification = static_cast<std::uint16_t>(800 + phase)};
    c.bench.wire.send(10 * phase + 5, ethernet(ip_datagram(back, unknown)));
  }
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 4);
  CHECK((found[0].causes[0].id == "refused-at-times") == works_between);
  CHECK(found[0].title == (works_between ? "198.51.100.1 refuses protocol 89 (OSPF) at times"
                                         : "198.51.100.1 refuses protocol 89 (OSPF)"));
}

TEST_CASE("errors about what is not in the capture are a note when there are many",
          "[detectors][icmp-unreachable]") {
  Case c;
  const int times = GENERATE(9, 10);
  for (int i = 0; i < times; ++i) {
    const Octets never = ip_datagram({.protocol = ip::protocol::tcp}, tcp_syn(40000, 80));
    Header reporter = from_router;
    reporter.identification = ++c.id;
    c.bench.wire.send(i, ethernet(ip_datagram(reporter, icmp_error(3, 1, never))));
  }
  const auto found = c.bench.findings();
  REQUIRE(found.size() == (times == 10 ? 1 : 0));
  if (found.empty()) return;
  CHECK(found[0].severity == Severity::note);
  CHECK(found[0].count == 10);
  CHECK(found[0].caveats[0].kind == "not-captured");
}

TEST_CASE("a scan that meets closed ports is a note", "[detectors][icmp-unreachable]") {
  Case c;
  for (std::uint16_t port = 0; port < 20; ++port) {
    c.rejected(0.1 * port, ip::protocol::udp,
               udp(40000, static_cast<std::uint16_t>(1000 + port), pattern(4)), 3, from_server);
  }
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::note);
}

}  // namespace wirefault::test
