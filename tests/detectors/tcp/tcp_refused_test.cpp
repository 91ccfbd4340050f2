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

}  // namespace
}  // namespace wirefault::test
