#include "tests/support/catch.h"
#include "tests/support/tcp_bench.h"

namespace wirefault::test {
namespace {

struct Case {
  TcpBench bench{"tcp-refused"};
  TcpPair pair{bench.wire};

  void refuse(double when) {
    ++pair.initiator.port;
    pair.out(when, {.flags = tcp::syn});
    pair.back(when + 0.01, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  }
};

TEST_CASE("an RST in answer to a SYN proves a refusal", "[detectors][tcp-refused]") {
  Case c;
  c.refuse(0);
  c.refuse(1);
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].confidence == Confidence::certain);
  CHECK(found[0].count == 2);
  CHECK(found[0].of == 2);
  CHECK(found[0].display_filter == "frame.number in {2, 4}");
}

TEST_CASE("refusals are over when the service has accepted since", "[detectors][tcp-refused]") {
  Case c;
  c.pair.initiator.port = 1000;
  const auto refuse_twice = [&](double when) {
    c.refuse(when);
    ++c.pair.initiator.port;
    c.refuse(when + 4);
  };
  if (GENERATE(true, false)) {
    refuse_twice(0.5);
    c.pair.initiator.port = 2000;
    c.pair.handshake(6);
    CHECK(c.bench.findings(7).at(0).state == FindingState::ended);
  } else {
    c.pair.handshake(0.5);
    c.pair.initiator.port = 2000;
    refuse_twice(2);
    CHECK(c.bench.findings(7).at(0).state == FindingState::ongoing);
  }
}

TEST_CASE("clients that ask once where nobody gets in may be strangers",
          "[detectors][tcp-refused]") {
  Case c;
  const std::int64_t lone = GENERATE(0, 1, 2);
  if (lone == 0) c.pair.handshake(0);
  c.refuse(2);
  c.pair.initiator.address = *IpAddress::parse("203.0.113.9");
  c.refuse(3);
  if (lone == 1) c.refuse(4);
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].measures.at(0).key == "lone_attempts");
  CHECK(found[0].measures.at(0).value == lone);
}

TEST_CASE("a single refusal is over", "[detectors][tcp-refused]") {
  Case c;
  c.refuse(2);
  CHECK(c.bench.findings(3).at(0).state == FindingState::ended);
}

TEST_CASE("a client that gets through elsewhere makes it a note", "[detectors][tcp-refused]") {
  Case c;
  c.pair.initiator = endpoint("2001:db8::1", 40000);
  c.pair.responder = endpoint("2001:db8::80", 80);
  c.refuse(0);
  c.pair.initiator = endpoint("192.0.2.1", 40000);
  c.pair.responder = endpoint("198.51.100.1", 80);
  c.pair.handshake(0.02);
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::note);
}

// Who talks to several hosts has not given one up for another.
TEST_CASE("only the one address that a client turned to saves it", "[detectors][tcp-refused]") {
  Case c;
  c.pair.initiator = endpoint("192.0.2.1", 40000);
  const auto open_at = [&](double when, std::string_view address) {
    c.pair.responder = endpoint(address, 80);
    ++c.pair.initiator.port;
    c.pair.handshake(when);
  };
  const auto severity = [&] {
    c.pair.responder = endpoint("198.51.100.1", 80);
    c.refuse(10);
    return [&] { return c.bench.findings(60).at(0).severity; };
  };
  SECTION("one, new to it") {
    const auto judged = severity();
    open_at(10.5, "198.51.100.2");
    CHECK(judged() == Severity::note);
  }
  SECTION("two") {
    const auto judged = severity();
    open_at(10.5, "198.51.100.2");
    open_at(10.6, "198.51.100.3");
    CHECK(judged() == Severity::error);
  }
  SECTION("one that it had used before") {
    open_at(5, "198.51.100.2");
    const auto judged = severity();
    open_at(10.5, "198.51.100.2");
    CHECK(judged() == Severity::error);
  }
  SECTION("one, but long after") {
    const auto judged = severity();
    open_at(13, "198.51.100.2");
    CHECK(judged() == Severity::error);
  }
  SECTION("hosts of the other family open such connections all the time") {
    const auto judged = severity();
    c.pair.initiator = endpoint("2001:db8::1", 40000);
    open_at(10.5, "2001:db8::80");
    c.pair.initiator = endpoint("2001:db8::2", 40000);
    open_at(10.6, "2001:db8::80");
    CHECK(judged() == Severity::error);
  }
}

TEST_CASE("resets of open connections refuse nothing", "[detectors][tcp-refused]") {
  Case c;
  c.pair.handshake(0);
  c.pair.back(1, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  c.pair.initiator.port = 1;
  c.pair.back(2, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});  // its SYN is not here
  CHECK(c.bench.findings(60).empty());
}

TEST_CASE("a scanner's refusals are left out", "[detectors][tcp-refused]") {
  Case c;
  for (std::uint16_t port = 20; port < 60; ++port) {
    c.pair.responder.port = port;
    c.refuse(0.1 * port);
  }
  CHECK(c.bench.findings(60).empty());
}

// A scan of all ports touches more tallies than there are, and must not hide what users met.
TEST_CASE("a scan does not push out a service that refused before", "[detectors][tcp-refused]") {
  Case c;
  c.refuse(0);
  c.refuse(1);
  c.pair.initiator = endpoint("203.0.113.9", 1024);
  for (std::uint16_t port = 1000; port < 2200; ++port) {
    c.pair.responder.port = port;
    c.refuse(2 + 0.001 * port);
  }
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 2);
}

// Three ports, four ports, and four ports of which a second client wants one.
TEST_CASE("who is refused at many ports of a host looks around: one note",
          "[detectors][tcp-refused]") {
  Case c;
  const auto refuse = [&](std::uint16_t port) {
    c.pair.responder.port = port;
    c.refuse(port);
  };
  for (std::uint16_t port = 21; port <= 23; ++port) refuse(port);
  SECTION("three: services of which each is missed") {
    const auto found = c.bench.findings(60);
    REQUIRE(found.size() == 3);
    for (const Finding& each : found) CHECK(each.severity == Severity::error);
  }
  refuse(24);
  SECTION("four: one search") {
    const auto found = c.bench.findings(60);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::note);
    CHECK(found[0].variant == "ports");
    CHECK(found[0].title == "198.51.100.1 refuses many ports to 192.0.2.1");
    CHECK(found[0].count == 4);
    CHECK(found[0].of == 4);
    CHECK(found[0].display_filter == "frame.number in {2, 4, 6, 8}");
  }
  SECTION("another client is refused at one of them: that one is missed") {
    c.pair.initiator = endpoint("192.0.2.2", 40000);
    refuse(24);
    const auto found = c.bench.findings(60);
    REQUIRE(found.size() == 2);
    CHECK(found[0].title == "198.51.100.1:24 refuses connections");
    CHECK(found[0].severity == Severity::error);
    CHECK(found[1].count == 3);
  }
}

TEST_CASE("peers that refuse are one note", "[detectors][tcp-refused]") {
  Case c;
  for (std::uint8_t peer = 1; peer <= 9; ++peer) {
    c.pair.responder = endpoint("198." + std::to_string(18 + peer) + ".7.7",
                                static_cast<std::uint16_t>(2000 + 100 * peer));
    c.refuse(peer);
  }
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::note);
  CHECK(found[0].variant == "peers");
  CHECK(found[0].title == "peers of 192.0.2.1 refuse connections");
  CHECK(found[0].count == 9);
}

// The host's port 80 answers with hop limit 60: four hops away.
TEST_CASE("a reset from nearer than the host is a firewall's", "[detectors][tcp-refused]") {
  Case c;
  const std::uint8_t hop_limit = GENERATE(std::uint8_t{60}, std::uint8_t{251}, std::uint8_t{63});
  c.pair.responder.port = 80;
  c.pair.out(0, {.flags = tcp::syn, .hop_limit = 64});
  c.pair.back(0.02, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1, .hop_limit = 60});
  c.pair.out(0.0201, {.sequence = 1, .acknowledgment = 1, .hop_limit = 64});
  c.pair.responder.port = 443;
  c.pair.out(1, {.flags = tcp::syn});
  c.pair.back(1.01, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1, .hop_limit = hop_limit});
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].causes.at(0).id == (hop_limit == 63 ? "firewall-reset" : "no-listener"));
  CHECK(found[0].causes.at(0).why ==
        (hop_limit == 63 ? "the RST comes from 1 hop away, the host's other packets from 4"
                         : "the RST comes from 4 hops away, as the host's other packets do"));
}

TEST_CASE("hosts of a network that all refuse have a firewall before them",
          "[detectors][tcp-refused]") {
  Case c;
  const int hosts = GENERATE(2, 3);
  for (int host = 1; host <= hosts; ++host) {
    c.pair.responder = endpoint("198.51.100." + std::to_string(host), 443);
    c.refuse(host);
  }
  for (const Finding& each : c.bench.findings(60)) {
    CHECK(each.causes.at(0).id == (hosts == 3 ? "firewall-reset" : "no-listener"));
  }
}

}  // namespace
}  // namespace wirefault::test
