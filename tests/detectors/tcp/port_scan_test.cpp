#include "tests/support/catch.h"
#include "tests/support/tcp_bench.h"

namespace wirefault::test {
namespace {

struct Case {
  TcpBench bench{"port-scan"};
  TcpPair pair{bench.wire};

  void ask_port(double when, std::uint16_t port) {
    pair.responder.port = port;
    pair.out(when, {.flags = tcp::syn});
    pair.back(when + 0.01, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  }
  // Hosts of different networks.
  void ask_host(double when, int host) {
    pair.responder = endpoint("198.18." + std::to_string(host) + ".1", 443);
    pair.out(when, {.flags = tcp::syn});
  }
};

TEST_CASE("fifteen ports of one host make a scan", "[detectors][port-scan]") {
  Case c;
  for (std::uint16_t port = 1; port <= 14; ++port) c.ask_port(10.0 * port, port);
  SECTION("fourteen do not") {
    CHECK(c.bench.findings(400).empty());
  }
  SECTION("fifteen") {
    c.ask_port(200, 15);
    const auto found = c.bench.findings(400);
    REQUIRE(found.size() == 1);
    CHECK(found[0].variant == "vertical");
    CHECK(found[0].severity == Severity::note);
    CHECK(found[0].count == 15);
  }
}

TEST_CASE("25 hosts asked once for one port make a scan", "[detectors][port-scan]") {
  Case c;
  for (int host = 1; host <= 24; ++host) c.ask_host(host, host);
  SECTION("24 do not") {
    CHECK(c.bench.findings(400).empty());
  }
  SECTION("25") {
    c.ask_host(25, 25);
    const auto found = c.bench.findings(400);
    REQUIRE(found.size() == 1);
    CHECK(found[0].variant == "horizontal");
  }
}

TEST_CASE("a client whose uplink broke asks each host again", "[detectors][port-scan]") {
  Case c;
  for (int host = 1; host <= 40; ++host) {
    c.ask_host(host, host);
    c.ask_host(host + 1.0, host);
    c.ask_host(host + 3.0, host);
  }
  CHECK(c.bench.findings(400).empty());
}

TEST_CASE("a proxy fails now and then and succeeds far more often", "[detectors][port-scan]") {
  Case c;
  for (int host = 1; host <= 40; ++host) {
    c.ask_host(host, host);
    for (int good = 0; good < 3; ++good) {
      ++c.pair.initiator.port;
      c.pair.responder = endpoint("203.0.113.1", 443);
      c.pair.handshake(host + 0.1 * good + 0.1);
    }
  }
  CHECK(c.bench.findings(400).empty());
}

TEST_CASE("a monitor that asks four ports for ever scans nothing", "[detectors][port-scan]") {
  Case c;
  for (int round = 0; round < 20; ++round) {
    for (std::uint16_t port = 1; port <= 4; ++port) {
      ++c.pair.initiator.port;
      c.ask_port(round + 0.1 * port, port);
    }
  }
  CHECK(c.bench.findings(400).empty());
}

TEST_CASE("probes without SYN or ACK are told by their flags", "[detectors][port-scan]") {
  Case c;
  const auto [flags, means] =
      GENERATE(std::pair<std::uint8_t, std::string>{0, "null scan"},
               std::pair<std::uint8_t, std::string>{tcp::fin, "FIN scan"},
               std::pair<std::uint8_t, std::string>{tcp::fin | tcp::psh | tcp::urg, "Xmas scan"});
  for (std::uint16_t port = 1; port <= 15; ++port) {
    c.pair.responder.port = port;
    c.pair.out(0.1 * port, {.flags = flags});
    c.pair.back(0.1 * port + 0.01, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  }
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "vertical");
  CHECK(found[0].causes.at(0).why.find(means) != std::string::npos);
}

// Port unreachable for each of so many ports of a host.
std::vector<Finding> closed_ports(std::uint16_t ports, std::uint16_t source, bool is_reply) {
  Settings settings;
  Judgement judgement{settings, {std::size_t{64} << 20, {"port-scan"}}};
  for (std::uint16_t port = 1; port <= ports; ++port) {
    icmp::Error error;
    error.seen = {PacketRef{0, port}, TcpWire::at(port)};
    error.kind = icmp::ErrorKind::port_unreachable;
    error.source = endpoint("192.0.2.1", 0).address;
    error.destination = endpoint("198.51.100.1", 0).address;
    error.protocol = 17;
    error.quoted_hop_limit = 60;
    error.has_ports = true;
    error.source_port = source;
    error.destination_port = port;
    error.is_reply = is_reply;
    judgement.on_icmp_error(error);
  }
  return judgement.result({}).findings;
}

TEST_CASE("datagrams to port after port are a scan, late answers are none",
          "[detectors][port-scan]") {
  const auto found = closed_ports(15, 40000, false);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "vertical");
  CHECK(found[0].causes.at(0).why == "15 targets tried with UDP, 15 refused, 0 silent");
  CHECK(closed_ports(14, 40000, false).empty());
  CHECK(closed_ports(40, 53, false).empty());
  CHECK(closed_ports(40, 40000, true).empty());
}

}  // namespace
}  // namespace wirefault::test
