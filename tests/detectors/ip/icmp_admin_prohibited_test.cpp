#include "tests/support/catch.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

struct Case {
  WireBench bench{"icmp-admin-prohibited"};
  std::uint32_t id = 1;

  void prohibited(double seconds, std::uint16_t port, std::string_view reporter,
                  std::uint8_t code) {
    const Octets syn =
        ip_datagram({.protocol = ip::protocol::tcp, .identification = ++id}, tcp_syn(40000, port));
    bench.wire.send(seconds, ethernet(syn));
    bench.wire.send(seconds + 0.001, ethernet(ip_datagram({.source = reporter,
                                                           .destination = "192.0.2.1",
                                                           .protocol = ip::protocol::icmp,
                                                           .identification = ++id},
                                                          icmp_error(3, code, syn))));
  }
};

}  // namespace

TEST_CASE("a filter that says no is an error, and whose it is shows",
          "[detectors][icmp-admin-prohibited]") {
  const std::uint8_t code = GENERATE(std::uint8_t{9}, std::uint8_t{10}, std::uint8_t{13});
  Case c;
  SECTION("the target's own") {
    c.prohibited(0, 8443, "198.51.100.1", code);
    const auto found = c.bench.findings();
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::error);
    CHECK(found[0].title == "198.51.100.1 prohibits access to port 8443");
    CHECK(found[0].causes.at(0).id == "host-firewall");
  }
  SECTION("on the path") {
    c.prohibited(0, 8443, "192.0.2.254", code);
    const auto found = c.bench.findings();
    REQUIRE(found.size() == 1);
    CHECK(found[0].title == "192.0.2.254 prohibits access to 198.51.100.1 port 8443");
    CHECK(found[0].causes.at(0).id == "path-filter");
  }
}

TEST_CASE("what to try next speaks the protocol that was prohibited",
          "[detectors][icmp-admin-prohibited]") {
  WireBench bench{"icmp-admin-prohibited"};
  const bool dns = GENERATE(true, false);
  const Octets sent =
      ip_datagram({.identification = 1}, dns ? dns_query(40000, 7) : udp(40000, 5060, pattern(40)));
  bench.wire.send(0, ethernet(sent));
  bench.wire.send(0.001, ethernet(ip_datagram({.source = "198.51.100.1",
                                               .destination = "192.0.2.1",
                                               .protocol = ip::protocol::icmp,
                                               .identification = 2},
                                              icmp_error(3, 13, sent))));
  const auto found = bench.findings(1);
  REQUIRE(found.size() == 1);
  CHECK(found[0].next[0] ==
        (dns ? "dig @198.51.100.1 . NS +tries=1" : "nc -uvz -w3 198.51.100.1 5060"));
  // One event is over, however soon the capture ends.
  CHECK(found[0].state == FindingState::ended);
}

TEST_CASE("a scan that meets a filter is a note", "[detectors][icmp-admin-prohibited]") {
  Case c;
  for (std::uint16_t i = 0; i < 12; ++i) {
    c.prohibited(0.1 * i, static_cast<std::uint16_t>(20 + i), "192.0.2.254", 13);
  }
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::note);
}

TEST_CASE("other errors are not this detector's", "[detectors][icmp-admin-prohibited]") {
  Case c;
  c.prohibited(0, 80, "192.0.2.254", 1);
  CHECK(c.bench.findings().empty());
}

}  // namespace wirefault::test
