#include "tests/support/catch.h"
#include "tests/support/tcp_bench.h"

namespace wirefault::test {
namespace {

struct Case {
  TcpBench bench{"tcp-syn-flood"};
  Endpoint target = endpoint("198.51.100.1", 80);

  std::string only_severity(double end) {
    const auto found = bench.findings(end);
    REQUIRE(found.size() == 1);
    CHECK(found[0].title.size() <= 60);
    return found[0].severity == Severity::critical  ? "critical"
           : found[0].severity == Severity::error   ? "error"
           : found[0].severity == Severity::warning ? "warning"
                                                    : "note";
  }
};

// A flood, and then so many other hosts that do not answer that not all can be kept.
TEST_CASE("a flood is not given up for what may be nothing", "[detectors][tcp-syn-flood]") {
  TcpBench bench{"tcp-syn-flood"};
  bench.flood(0, 4000, 0.001, endpoint("203.0.113.80", 80));
  for (int i = 0; i < 20000; ++i) {
    bench.wire.send(
        8 + 0.0005 * i, endpoint("192.0.2.1", 40000),
        endpoint("198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250), 443),
        {.flags = tcp::syn});
  }
  const auto found = bench.findings(60);
  REQUIRE_FALSE(found.empty());
  CHECK(found[0].title == "203.0.113.80:80 is SYN-flooded");
}

TEST_CASE("a hundred SYNs a second that nobody completes are a flood",
          "[detectors][tcp-syn-flood]") {
  Case c;
  c.bench.flood(0, 600, 0.007, c.target);
  const auto found = c.bench.findings(12);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "spoofed-spread");
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].count == 600);
}

TEST_CASE("two hundred in one second are suspected", "[detectors][tcp-syn-flood]") {
  Case c;
  c.bench.flood(0, 200, 0.005, c.target);
  CHECK(c.only_severity(12) == "warning");
}

TEST_CASE("a slow flood is one when 256 are half-open", "[detectors][tcp-syn-flood]") {
  Case c;
  c.bench.flood(0, 1800, 1.0 / 30, c.target);
  CHECK(c.only_severity(64) == "error");
}

TEST_CASE("before SYNs are old enough there is no more than a note", "[detectors][tcp-syn-flood]") {
  Case c;
  SECTION("two hundred") {
    c.bench.flood(0, 200, 0.005, c.target);
    const auto found = c.bench.findings(1.4);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::note);
    CHECK(found[0].variant == "undecided");
    CHECK(found[0].count == 200);
    CHECK(found[0].title == "198.51.100.1:80 gets many SYNs at the end");
    CHECK_FALSE(found[0].frames.empty());
  }
  SECTION("fewer than would be suspected") {
    c.bench.flood(0, 99, 0.005, c.target);
    CHECK(c.bench.findings(1.4).empty());
  }
  SECTION("a third of them opens") {
    c.bench.flood(0, 100, 0.005, c.target);
    TcpPair pair{c.bench.wire};
    pair.responder = c.target;
    for (int i = 0; i < 45; ++i) {
      ++pair.initiator.port;
      pair.handshake(0.6 + 0.01 * i);
    }
    CHECK(c.bench.findings(1.4).empty());
  }
}

TEST_CASE("clients that ask again are no flood", "[detectors][tcp-syn-flood]") {
  Case c;
  for (const double begin : {0.0, 1.01, 3.02}) c.bench.flood(begin, 300, 0.001, c.target);
  CHECK(c.bench.findings(12).empty());
}

TEST_CASE("a crowd that connects, is refused or hangs up is no flood",
          "[detectors][tcp-syn-flood]") {
  Case c;
  const int kind = GENERATE(0, 1, 2);
  for (int i = 0; i < 1000; ++i) {
    TcpPair pair{c.bench.wire, endpoint("192.0.2.1", static_cast<std::uint16_t>(1024 + i)),
                 c.target};
    const double when = 0.005 * i;
    if (kind == 0) {
      pair.handshake(when);
      continue;
    }
    pair.out(when, {.flags = tcp::syn});
    if (kind == 1) {
      pair.back(when, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
    } else {
      pair.back(when, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
      pair.out(when, {.flags = tcp::rst, .sequence = 1});
    }
  }
  CHECK(c.bench.findings(20).empty());
}

TEST_CASE("visitors who ask in vain make it critical", "[detectors][tcp-syn-flood]") {
  Case c;
  TcpPair visitor{c.bench.wire};
  visitor.responder = c.target;
  visitor.handshake(0);
  c.bench.flood(1, 600, 0.007, c.target);
  ++visitor.initiator.port;
  visitor.out(5.3, {.flags = tcp::syn});
  visitor.out(6.3, {.flags = tcp::syn});
  CHECK(c.only_severity(12) == "critical");
}

TEST_CASE("one client that never acknowledges is named as such", "[detectors][tcp-syn-flood]") {
  Case c;
  for (int i = 0; i < 600; ++i) {
    TcpPair pair{c.bench.wire, endpoint("192.0.2.1", static_cast<std::uint16_t>(1024 + i)),
                 c.target};
    pair.out(0.007 * i, {.flags = tcp::syn});
    pair.back(0.007 * i, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
  }
  const auto found = c.bench.findings(12);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "few-sources");
}

TEST_CASE("a carpet over a network is named once", "[detectors][tcp-syn-flood]") {
  Case c;
  for (int i = 0; i < 640; ++i) {
    c.bench.wire.send(0.006 * i, endpoint("198.18.0." + std::to_string(i % 250), 1024),
                      endpoint("203.0.113." + std::to_string(100 + i % 32), 80),
                      {.flags = tcp::syn, .sequence = static_cast<std::uint32_t>(i)});
  }
  const auto found = c.bench.findings(12);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "carpet");
}

TEST_CASE("one flooded address among many in use is no carpet", "[detectors][tcp-syn-flood]") {
  Case c;
  for (int i = 0; i < 20; ++i) {
    TcpPair pair{c.bench.wire};
    pair.initiator.port = static_cast<std::uint16_t>(40000 + i);
    pair.responder = endpoint("198.51.100." + std::to_string(100 + i), 80);
    pair.handshake(0.1 * i);
  }
  c.bench.flood(3, 600, 0.007, c.target);
  const auto found = c.bench.findings(15);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "spoofed-spread");
}

TEST_CASE("one scanner's SYNs to a network are no carpet", "[detectors][tcp-syn-flood]") {
  Case c;
  for (int i = 0; i < 640; ++i) {
    c.bench.wire.send(0.006 * i, endpoint("198.18.0.1", 1024),
                      endpoint("203.0.113." + std::to_string(i % 250), 80),
                      {.flags = tcp::syn, .sequence = static_cast<std::uint32_t>(i)});
  }
  CHECK(c.bench.findings(12).empty());
}

TEST_CASE("SYN-ACKs nobody asked for", "[detectors][tcp-syn-flood]") {
  Case c;
  SECTION("to one host: a reflection") {
    for (int i = 0; i < 300; ++i) {
      c.bench.wire.send(0.01 * i, endpoint("198.18.0." + std::to_string(i % 250), 80),
                        endpoint("192.0.2.1", static_cast<std::uint16_t>(1024 + i)),
                        {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    }
    const auto found = c.bench.findings(12);
    REQUIRE(found.size() == 1);
    CHECK(found[0].variant == "syn-ack-reflection");
    CHECK(found[0].severity == Severity::warning);
  }
  SECTION("from one host: the echo of a flood") {
    for (int i = 0; i < 300; ++i) {
      c.bench.wire.send(0.01 * i, c.target, endpoint("198.18.0." + std::to_string(i % 250), 1024),
                        {.flags = tcp::syn | tcp::ack, .sequence = 1, .acknowledgment = 1});
    }
    const auto found = c.bench.findings(12);
    REQUIRE(found.size() == 1);
    CHECK(found[0].variant == "backscatter");
    CHECK(found[0].severity == Severity::note);
  }
}

// The first hundred SYNs are answered, then the queue is full.
TEST_CASE("a target that falls silent makes it critical", "[detectors][tcp-syn-flood]") {
  Case c;
  const bool answers_first = GENERATE(true, false);
  for (int i = 0; i < 600; ++i) {
    TcpPair pair{
        c.bench.wire,
        endpoint("198.18.0." + std::to_string(i % 250), static_cast<std::uint16_t>(1024 + i)),
        c.target};
    pair.out(0.007 * i, {.flags = tcp::syn});
    if (answers_first && i < 100) {
      pair.back(0.007 * i + 0.001, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    }
  }
  CHECK(c.only_severity(14) == (answers_first ? "critical" : "error"));
}

// 600 SYNs over 4 s from as many sources, every one alike but for its hop limit.
TEST_CASE("a flood tells its rate, and how alike its SYNs are", "[detectors][tcp-syn-flood]") {
  Case c;
  c.bench.flood(0, 600, 0.00666, c.target);
  const auto found = c.bench.findings(12);
  REQUIRE(found.size() == 1);
  const auto rate = std::find_if(found[0].caveats.begin(), found[0].caveats.end(),
                                 [](const Caveat& each) { return each.kind == "rate"; });
  REQUIRE(rate != found[0].caveats.end());
  CHECK(rate->text == "new SYNs in each second: 151 150 150 149");
  REQUIRE(found[0].causes.size() == 1);
  CHECK(found[0].causes[0].why ==
        "nearly every SYN from another source, none asked again; in a sample of 64: one TTL, "
        "one make of window and options");
}

TEST_CASE("SYNs that share a sequence number were forged", "[detectors][tcp-syn-flood]") {
  Case c;
  const std::uint32_t numbers = GENERATE(1u, 4u, 600u);
  for (std::uint32_t i = 0; i < 600; ++i) {
    c.bench.wire.send(0.00666 * i,
                      endpoint("198.18." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                               static_cast<std::uint16_t>(1024 + i)),
                      c.target, {.flags = tcp::syn, .sequence = 0xabc0 + i % numbers});
  }
  const auto found = c.bench.findings(12);
  REQUIRE(found.size() == 1);
  CHECK(
      found[0].causes.at(0).why ==
      std::string{"nearly every SYN from another source, none asked again; in a sample of 64: one "
                  "TTL, one make of window and options"} +
          (numbers == 1   ? ", all with sequence number 0x0000abc0"
           : numbers == 4 ? ", 4 sequence numbers among them"
                          : ""));
}

// SYN from many, SYN-ACK to each, nothing more
TEST_CASE("a flood that is answered and never acknowledged is certain",
          "[detectors][tcp-syn-flood]") {
  Case c;
  const bool is_answered = GENERATE(true, false);
  for (int i = 0; i < 600; ++i) {
    TcpPair pair{
        c.bench.wire,
        endpoint("198.18." + std::to_string(i / 250) + "." + std::to_string(i % 250), 1024),
        c.target};
    pair.out(0.007 * i, {.flags = tcp::syn});
    if (is_answered) {
      pair.back(0.007 * i + 0.001, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    }
  }
  const auto found = c.bench.findings(12);
  REQUIRE(found.size() == 1);
  CHECK(found[0].confidence == (is_answered ? Confidence::certain : Confidence::probable));
}

}  // namespace
}  // namespace wirefault::test
