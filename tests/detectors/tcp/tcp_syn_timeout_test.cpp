#include "tests/support/catch.h"
#include "tests/support/tcp_bench.h"

namespace wirefault::test {
namespace {

struct Case {
  TcpBench bench{"tcp-syn-timeout"};
  TcpPair pair{bench.wire};

  void ask(std::initializer_list<double> when) {
    for (const double second : when) pair.out(second, {.flags = tcp::syn});
  }
  Finding only(double end) {
    const auto found = bench.findings(end);
    REQUIRE(found.size() == 1);
    return found[0];
  }
};

// SYN, +1 s SYN, +2 s SYN, +4 s SYN, silence
TEST_CASE("SYNs repeated into silence time out", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1, 3, 7});
  const Finding finding = c.only(60);
  CHECK(finding.variant == "silent");
  CHECK(finding.severity == Severity::error);
  CHECK(finding.confidence == Confidence::probable);
  CHECK(finding.count == 1);
  CHECK(finding.of == 1);
  CHECK(finding.display_filter == "frame.number in {1, 2, 3, 4}");
  CHECK(finding.title.size() <= 60);
  REQUIRE_FALSE(finding.caveats.empty());
  CHECK(finding.caveats[0].text ==
        "client: Linux before 6.5 and most others repeat SYNs like this");
}

TEST_CASE("one SYN is given up, not timed out", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0});
  CHECK(c.bench.findings(60).empty());
}

TEST_CASE("what is younger than three seconds is left alone", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1});
  CHECK(c.bench.findings(2.9).empty());
}

TEST_CASE("what was refused or acknowledged did not time out", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1});
  SECTION("refused") {
    c.pair.back(1.1, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  }
  SECTION("its answer is not in the capture") {
    c.pair.out(1.1, {.sequence = 1, .acknowledgment = 9});
  }
  CHECK(c.bench.findings(60).empty());
}

TEST_CASE("late connections make a finding from the third on", "[detectors][tcp-syn-timeout]") {
  Case c;
  const auto open_late = [&](double when) {
    ++c.pair.initiator.port;
    c.ask({when});
    c.pair.handshake(when + 1);
  };
  open_late(0);
  open_late(10);
  SECTION("two") {
    CHECK(c.bench.findings(60).empty());
  }
  SECTION("three") {
    open_late(20);
    const Finding finding = c.only(60);
    CHECK(finding.variant == "delayed");
    CHECK(finding.severity == Severity::warning);
    CHECK(finding.count == 3);
  }
}

TEST_CASE("where the SYN-ACK is lost, hop limits tell", "[detectors][tcp-syn-timeout]") {
  Case c;
  const bool at_client = GENERATE(true, false);
  for (const double when : {0.0, 1.0, 3.0}) {
    c.pair.out(when,
               {.flags = tcp::syn, .hop_limit = static_cast<std::uint8_t>(at_client ? 64 : 60)});
    c.pair.back(when + 0.2, {.flags = tcp::syn | tcp::ack,
                             .acknowledgment = 1,
                             .hop_limit = static_cast<std::uint8_t>(at_client ? 60 : 64)});
  }
  const Finding finding = c.only(60);
  CHECK(finding.variant == (at_client ? "synack-ignored" : "synack-lost"));
  CHECK(finding.frames.size() == 6);
}

TEST_CASE("another address that works makes it a warning", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1, 2, 3});
  c.pair.responder = endpoint("198.51.100.2", 80);
  c.pair.handshake(4);
  CHECK(c.only(60).severity == Severity::warning);
}

TEST_CASE("the loser of a race is no failure", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1});
  c.pair.initiator = endpoint("2001:db8::1", 40000);
  c.pair.responder = endpoint("2001:db8::80", 80);
  c.pair.handshake(0.25);
  CHECK(c.bench.findings(60).empty());
}

}  // namespace
}  // namespace wirefault::test
