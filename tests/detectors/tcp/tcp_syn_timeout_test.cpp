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

// Two clients ask for what nobody gets; another opens a connection to port 80 of the same host,
// which tells where the capture was taken.
TEST_CASE("whether a server drops what strangers ask for on purpose cannot be told",
          "[detectors][tcp-syn-timeout]") {
  TcpBench bench{"tcp-syn-timeout"};
  const bool at_server = GENERATE(true, false);
  const bool is_known = GENERATE(true, false);      // one of the two opened port 80 before
  const bool has_answered = GENERATE(true, false);  // the service did, to the other client
  const std::uint8_t passed = at_server ? 60 : 64;
  const std::uint8_t answer = at_server ? 64 : 60;
  const double to_answer = at_server ? 0.0001 : 0.02;
  const double to_acknowledgment = at_server ? 0.02 : 0.0001;
  const auto open = [&](double when, const char* client, std::uint16_t port) {
    const Endpoint from = endpoint(client, 50000);
    const Endpoint to = endpoint("198.51.100.1", port);
    bench.wire.send(when, from, to, {.flags = tcp::syn, .hop_limit = passed});
    when += to_answer;
    bench.wire.send(when, to, from,
                    {.flags = tcp::syn | tcp::ack, .acknowledgment = 1, .hop_limit = answer});
    when += to_acknowledgment;
    bench.wire.send(when, from, to, {.sequence = 1, .acknowledgment = 1, .hop_limit = passed});
  };
  open(0, "203.0.113.9", 80);
  if (is_known) open(1, "192.0.2.1", 80);
  if (has_answered) open(2, "203.0.113.9", 6379);
  for (const double when : {10, 11, 13}) {
    for (const char* client : {"192.0.2.1", "192.0.2.2"}) {
      bench.wire.send(when, endpoint(client, 40000), endpoint("198.51.100.1", 6379),
                      {.flags = tcp::syn, .hop_limit = passed});
    }
  }
  const auto found = bench.findings(60);
  REQUIRE(found.size() == 1);
  const bool is_unclear = at_server && !is_known && !has_answered;
  CHECK(found[0].severity == (is_unclear ? Severity::warning : Severity::critical));
  CHECK(found[0].confidence == (is_unclear ? Confidence::possible : Confidence::probable));
  CHECK(std::ranges::any_of(found[0].caveats, [](const auto& caveat) {
          return caveat.kind == "never-answered";
        }) == is_unclear);
}

// The SYNs lasted seven seconds.
TEST_CASE("timeouts go on until it has been quiet for longer than they lasted",
          "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1, 3, 7});
  const bool is_over = GENERATE(false, true);
  CHECK(c.only(is_over ? 14.1 : 13.9).state ==
        (is_over ? FindingState::ended : FindingState::ongoing));
}

// More attempts than are kept: the last of them is 36 s after the first.
TEST_CASE("the last attempt counts, kept or not", "[detectors][tcp-syn-timeout]") {
  Case c;
  for (int attempt = 0; attempt < 37; ++attempt) {
    ++c.pair.initiator.port;
    const double when = attempt;
    c.ask({when, when + 1, when + 3});
  }
  const Finding finding = c.only(70);
  CHECK(finding.last == TcpWire::at(39));
  CHECK(finding.state == FindingState::ongoing);
}

TEST_CASE("one SYN is given up, not timed out", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0});
  CHECK(c.bench.findings(60).empty());
}

// A service opens a connection each second for ten seconds. From then on each of `attempts` sends
// one SYN, `gap` after the one before, from another port.
struct GivesUp {
  TcpBench bench{"tcp-syn-timeout"};
  TcpPair pair{bench.wire};

  explicit GivesUp(double end = 10) {
    for (double when = 0; when < end; ++when) open(when);
  }
  void open(double when) {
    ++pair.initiator.port;
    pair.handshake(when);
  }
  void ask(double begin, int attempts, double gap) {
    for (int i = 0; i < attempts; ++i) {
      ++pair.initiator.port;
      pair.out(begin + gap * i, {.flags = tcp::syn});
    }
  }
};

TEST_CASE("a service is missed by clients that ask it once, and anew",
          "[detectors][tcp-syn-timeout]") {
  GivesUp c;
  c.ask(10, 12, 2);
  SECTION("when the capture is over") {
    const auto found = c.bench.findings(60);
    REQUIRE(found.size() == 1);
    CHECK(found[0].variant == "silent");
    CHECK(found[0].severity == Severity::error);
    CHECK(found[0].confidence == Confidence::probable);
    CHECK(found[0].count == 12);
    CHECK(found[0].of == 22);
    CHECK(found[0].frames.size() == 12);
    CHECK(std::ranges::any_of(found[0].caveats,
                              [](const Caveat& each) { return each.kind == "asked-once"; }));
  }
  SECTION("while it goes on") {
    const auto found = c.bench.findings_so_far(36);
    REQUIRE(found.size() == 1);
    CHECK(found[0].count == 12);
    CHECK(found[0].state == FindingState::ongoing);
  }
  SECTION("and it has come back since") {
    c.open(40);
    const auto found = c.bench.findings(60);
    REQUIRE(found.size() == 1);
    CHECK(found[0].state == FindingState::ended);
    CHECK(found[0].confidence == Confidence::probable);
  }
}

TEST_CASE("who asks once while others are answered is only possible",
          "[detectors][tcp-syn-timeout]") {
  GivesUp c;
  for (int i = 0; i < 12; ++i) {
    c.ask(10 + 2 * i, 1, 1);
    c.open(11 + 2 * i);
  }
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::warning);
  CHECK(found[0].confidence == Confidence::possible);
}

TEST_CASE("what was asked once counts with what was asked again", "[detectors][tcp-syn-timeout]") {
  GivesUp c;
  c.ask(10, 12, 2);
  ++c.pair.initiator.port;
  for (const double when : {20.0, 21.0, 23.0, 27.0}) c.pair.out(when, {.flags = tcp::syn});
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 13);
  CHECK(found[0].of == 23);
}

TEST_CASE("SYNs that come once are no failure of the service", "[detectors][tcp-syn-timeout]") {
  SECTION("nine of them") {
    GivesUp c;
    c.ask(10, 9, 2);
    CHECK(c.bench.findings(60).empty());
  }
  SECTION("all within ten seconds") {
    GivesUp c;
    c.ask(10, 19, 0.5);
    CHECK(c.bench.findings(60).empty());
  }
  SECTION("less than one of a hundred") {
    GivesUp c{1300};
    c.ask(100.5, 12, 60);
    CHECK(c.bench.findings(1400).empty());
  }
  SECTION("of a client that it never answered") {
    GivesUp c;
    c.pair.responder.port = 81;
    c.open(9);
    c.pair.responder.port = 80;
    c.pair.initiator = endpoint("192.0.2.99", 50000);
    c.ask(10, 12, 2);
    CHECK(c.bench.findings(60).empty());
  }
  SECTION("of a client whose answers the capture never held") {
    GivesUp c{0};
    for (double when = 0; when < 10; ++when) {
      ++c.pair.initiator.port;
      c.pair.out(when, {.flags = tcp::syn});
      c.pair.out(when + 0.1, {.sequence = 1, .acknowledgment = 1});
    }
    c.ask(10, 12, 2);
    CHECK(c.bench.findings(60).empty());
  }
  SECTION("answered in a way that a stack does not take") {
    GivesUp c;
    for (int i = 0; i < 12; ++i) {
      c.ask(10 + 2 * i, 1, 1);
      c.pair.back(10.1 + 2 * i, {.flags = tcp::rst, .sequence = 5});
    }
    CHECK(c.bench.findings(60).empty());
  }
  SECTION("of a client that turned to another address each time") {
    GivesUp c;
    for (int i = 0; i < 12; ++i) {
      c.pair.responder = endpoint("198.51.100.1", 80);
      c.ask(10 + 2 * i, 1, 1);
      c.pair.responder = endpoint(("198.51.100." + std::to_string(20 + i)).c_str(), 80);
      c.open(10.3 + 2 * i);
    }
    CHECK(c.bench.findings(60).empty());
  }
}

TEST_CASE("a busy client is known to have been answered", "[detectors][tcp-syn-timeout]") {
  GivesUp c;
  const Endpoint service = c.pair.responder;
  for (int i = 0; i < 120; ++i) {
    c.pair.responder = endpoint("198.51.100.99", 80);
    c.open(10 + 0.2 * i);
    c.pair.responder = service;
    if (i % 10 == 9) c.ask(10.1 + 0.2 * i, 1, 1);
  }
  const auto found = c.bench.findings(100);
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 12);
}

// Twenty more connections to one that it had used before, and what it opened instead is forgotten.
TEST_CASE("a busy client is known to have turned to another address",
          "[detectors][tcp-syn-timeout]") {
  GivesUp c;
  const Endpoint service = c.pair.responder;
  for (int i = 0; i < 12; ++i) {
    c.pair.responder = service;
    c.ask(10 + 5 * i, 1, 1);
    c.pair.responder = endpoint(("198.51.100." + std::to_string(20 + i)).c_str(), 80);
    c.open(10.3 + 5 * i);
    c.pair.responder = service;
    for (int j = 0; j < 20; ++j) c.open(13.1 + 5 * i + 0.05 * j);
  }
  CHECK(c.bench.findings(100).empty());
}

TEST_CASE("what was given up after one SYN is not among the attempts",
          "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1, 3, 7});
  ++c.pair.initiator.port;
  c.ask({2});
  ++c.pair.initiator.port;
  c.ask({4});
  ++c.pair.initiator.port;
  c.pair.handshake(9);
  const Finding finding = c.only(60);
  CHECK(finding.count == 1);
  CHECK(finding.of == 2);
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

// At the server: SYN and, at once, SYN-ACK or nothing; the same again after a second, and an ACK.
TEST_CASE("a queue that is full answers nothing", "[detectors][tcp-syn-timeout]") {
  Case c;
  const bool is_answered = GENERATE(true, false);
  for (const double when : {0.0, 10.0, 20.0}) {
    ++c.pair.initiator.port;
    const auto syn_ack = [&](double then) {
      c.pair.back(then, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1, .hop_limit = 64});
    };
    c.pair.out(when, {.flags = tcp::syn, .hop_limit = 60});
    if (is_answered) syn_ack(when + 0.0001);
    c.pair.out(when + 1, {.flags = tcp::syn, .hop_limit = 60});
    syn_ack(when + 1.0001);
    c.pair.out(when + 1.02, {.sequence = 1, .acknowledgment = 1, .hop_limit = 60});
  }
  // What tells the place: connections that opened at once.
  for (int i = 0; i < 3; ++i) {
    ++c.pair.initiator.port;
    const double when = 30 + i;
    c.pair.out(when, {.flags = tcp::syn, .hop_limit = 60});
    c.pair.back(when + 0.0001, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    c.pair.out(when + 0.02, {.sequence = 1, .acknowledgment = 1, .hop_limit = 60});
  }
  const Finding finding = c.only(60);
  CHECK(finding.variant == "delayed");
  CHECK(finding.causes.at(0).id == (is_answered ? "path-loss" : "accept-queue"));
}

// RST before, silence since.
TEST_CASE("what refused before is not said to have opened", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0});
  c.pair.back(0.01, {.flags = tcp::rst | tcp::ack, .acknowledgment = 1});
  ++c.pair.initiator.port;
  c.ask({5, 6, 8, 12});
  CHECK(c.only(60).before.starts_with("it refused"));
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

TEST_CASE("a client that talks to several sites has not given one up for another",
          "[detectors][tcp-syn-timeout]") {
  Case c;
  const auto open = [&](double when, const char* address) {
    c.pair.responder = endpoint(address, 80);
    ++c.pair.initiator.port;
    c.pair.handshake(when);
  };
  SECTION("two new ones") {
    c.ask({1, 2, 4});
    open(5, "198.51.100.2");
    open(6, "198.51.100.3");
  }
  SECTION("one that it used before") {
    open(0, "198.51.100.2");
    c.pair.responder = endpoint("198.51.100.1", 80);
    c.ask({1, 2, 4});
    open(5, "198.51.100.2");
  }
  CHECK(c.only(60).severity == Severity::error);
}

TEST_CASE("the loser of a race is no failure", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1});
  c.pair.initiator = endpoint("2001:db8::1", 40000);
  c.pair.responder = endpoint("2001:db8::80", 80);
  c.pair.handshake(0.25);
  CHECK(c.bench.findings(60).empty());
}

// SYN, +1 s SYN, +2 s SYN, and 1.5 s later the capture ends: another SYN may have followed
TEST_CASE("what may still open is only possible", "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1, 3});
  SECTION("within twice the last gap") {
    const Finding finding = c.only(6.9);
    CHECK(finding.confidence == Confidence::possible);
    CHECK(finding.severity == Severity::warning);
  }
  SECTION("the application gave up") {
    CHECK(c.only(7).confidence == Confidence::probable);
  }
  SECTION("three repetitions") {
    c.ask({7});
    CHECK(c.only(7.5).confidence == Confidence::probable);
  }
}

TEST_CASE("who answers nobody is critical from the second client on",
          "[detectors][tcp-syn-timeout]") {
  Case c;
  c.ask({0, 1, 3});
  c.pair.initiator = endpoint("192.0.2.2", 40000);
  SECTION("two clients") {
    c.ask({10, 11, 13});
    CHECK(c.only(60).severity == Severity::critical);
  }
  SECTION("a third one connects") {
    c.ask({10, 11, 13});
    c.pair.initiator = endpoint("192.0.2.3", 40000);
    c.pair.handshake(20);
    CHECK(c.only(60).severity == Severity::error);
  }
  SECTION("the second one has another address that works") {
    c.ask({10, 11, 13});
    c.pair.responder = endpoint("198.51.100.2", 80);
    c.pair.handshake(14);
    CHECK(c.only(60).severity == Severity::error);
  }
}

TEST_CASE("silent services of one host are one finding", "[detectors][tcp-syn-timeout]") {
  Case c;
  for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{443}, std::uint16_t{8080}}) {
    c.pair.responder.port = port;
    c.ask({1.0 * port, port + 1.0, port + 3.0});
  }
  SECTION("if it answers nobody") {
    const Finding finding = c.only(9000);
    CHECK(finding.title == "connections to 198.51.100.1 time out");
    CHECK(finding.count == 3);
    CHECK(finding.of == 3);
    CHECK(finding.frames.size() == 9);
    CHECK(finding.causes.at(0).id == "host-down");
    CHECK(finding.capture_filter == "tcp and host 198.51.100.1");
  }
  SECTION("not if another port is open") {
    c.pair.responder.port = 22;
    c.pair.handshake(8500);
    const auto found = c.bench.findings(9000);
    REQUIRE(found.size() == 3);
    CHECK(found[0].causes.at(0).id == "port-filtered");
  }
}

TEST_CASE("silent hosts of one network are one finding", "[detectors][tcp-syn-timeout]") {
  Case c;
  const auto ask_host = [&](int host) {
    c.pair.responder = endpoint("203.0.113." + std::to_string(host), 443);
    c.ask({10.0 * host, 10.0 * host + 1, 10.0 * host + 3});
  };
  ask_host(1);
  ask_host(2);
  SECTION("two are two") {
    CHECK(c.bench.findings(600).size() == 2);
  }
  SECTION("three are one") {
    ask_host(3);
    const Finding finding = c.only(600);
    CHECK(finding.title == "connections to 203.0.113.0/24 time out");
    CHECK(finding.causes.at(0).id == "no-route");
    CHECK(finding.causes.at(0).why == "3 hosts of the network asked, none answers");
    CHECK(finding.capture_filter == "tcp and net 203.0.113.0/24");
  }
  SECTION("not if a fourth one answers") {
    ask_host(3);
    c.pair.responder = endpoint("203.0.113.4", 443);
    c.pair.handshake(500);
    CHECK(c.bench.findings(600).size() == 3);
  }
}

TEST_CASE("SYNs that open without ECN name what drops ECN", "[detectors][tcp-syn-timeout]") {
  Case c;
  const bool gives_up = GENERATE(true, false);
  constexpr std::uint8_t with_ecn = tcp::syn | tcp::ece | tcp::cwr;
  for (const double when : {0.0, 10.0, 20.0}) {
    ++c.pair.initiator.port;
    c.pair.out(when, {.flags = with_ecn});
    c.pair.out(when + 1, {.flags = gives_up ? std::uint8_t{tcp::syn} : with_ecn});
    c.pair.back(when + 1.1, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1});
    c.pair.out(when + 1.2, {.sequence = 1, .acknowledgment = 1});
  }
  CHECK((c.only(60).causes.at(0).id == "ecn-dropped") == gives_up);
}

// Two hosts behind one address, whose clocks differ: the one that is behind is never answered.
TEST_CASE("timestamps that go back name the translator", "[detectors][tcp-syn-timeout]") {
  Case c;
  const std::uint32_t behind = GENERATE(500u, 5000u);
  tcp::Options stamp;
  stamp.has_timestamps = true;
  stamp.timestamp = 1000;
  c.pair.handshake(0, stamp);
  for (const double when : {10.0, 20.0}) {
    ++c.pair.initiator.port;
    stamp.timestamp = behind;
    for (const double later : {0.0, 1.0, 3.0}) {
      c.pair.out(when + later, {.flags = tcp::syn, .options = stamp});
    }
  }
  const Finding finding = c.only(60);
  CHECK((finding.causes.back().id == "nat-timestamps") == (behind < 1000));
}

TEST_CASE("peers that are gone are worth one note", "[detectors][tcp-syn-timeout]") {
  Case c;
  const auto miss = [&](std::uint8_t peer, double when) {
    c.pair.responder = endpoint("198." + std::to_string(18 + peer) + ".7.7",
                                static_cast<std::uint16_t>(2000 + 100 * peer));
    c.ask({when, when + 1, when + 3});
  };
  for (std::uint8_t peer = 1; peer <= 9; ++peer) miss(peer, 10.0 * peer);
  SECTION("of one client") {
    const Finding finding = c.only(600);
    CHECK(finding.severity == Severity::note);
    CHECK(finding.title == "peers of 192.0.2.1 do not answer");
    CHECK(finding.count == 9);
    CHECK(finding.of == 9);
    CHECK(finding.frames.size() == 27);
    CHECK(finding.causes.size() == 1);
    for (const Who& each : finding.who) {
      if (each.role == "server") CHECK(each.distinct == 9);
    }
  }
  SECTION("one of them is missed by another client as well") {
    c.pair.initiator.address = endpoint("192.0.2.2", 1).address;
    miss(3, 200);
    const auto found = c.bench.findings(600);
    REQUIRE(found.size() == 2);
    CHECK(found[0].title == "connections to 198.21.7.7:2300 time out");
    CHECK(found[0].severity != Severity::note);
    CHECK(found[1].count == 8);
  }
}

// From segments: client --SYN--> silence, while other connections of it, or to it, open.
TEST_CASE("the vantage says what a silent SYN can mean", "[detectors][tcp-syn-timeout]") {
  TcpBench bench{"tcp-syn-timeout"};
  const Endpoint from = endpoint("192.0.2.1", 40000);
  const Endpoint to = endpoint("198.51.100.1", 443);
  const auto open = [&](const Endpoint& a, const Endpoint& b, double when, double answered,
                        double acknowledged) {
    bench.wire.send(when, a, b, {.flags = tcp::syn, .hop_limit = 60});
    bench.wire.send(
        answered, b, a,
        {.flags = tcp::syn | tcp::ack, .sequence = 7, .acknowledgment = 1, .hop_limit = 60});
    bench.wire.send(acknowledged, a, b, {.sequence = 1, .acknowledgment = 8, .hop_limit = 60});
  };
  const auto ask = [&] {
    for (const double when : {1, 2, 4, 8}) {
      bench.wire.send(when, from, to, {.flags = tcp::syn, .sequence = 5, .hop_limit = 60});
    }
  };
  const auto only = [&](Severity severity = Severity::error) {
    const auto found = bench.findings(60);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == severity);
    CHECK(found[0].confidence ==
          (severity == Severity::error ? Confidence::probable : Confidence::possible));
    return found[0];
  };
  SECTION("near the client: nothing") {
    open(from, endpoint("198.51.100.2", 443), 0, 0.02, 0.0201);
    ask();
    const Finding finding = only();
    CHECK(finding.causes.size() == 3);
    REQUIRE_FALSE(finding.caveats.empty());
    CHECK(finding.caveats.back().text ==
          "captured near the client: whether the SYNs or their answers were lost cannot be told");
  }
  SECTION("near the server: they arrived") {
    const bool is_stranger = GENERATE(true, false);
    const Endpoint other = is_stranger ? endpoint("192.0.2.2", 40000) : from;
    open(other, endpoint("198.51.100.1", 80), 0, 0.0001, 0.02);
    ask();
    const Finding finding = only(is_stranger ? Severity::warning : Severity::error);
    REQUIRE_FALSE(finding.causes.empty());
    CHECK(finding.causes[0].why ==
          "captured near the server: the SYNs came so far and no answer left; other ports of the "
          "host answered before");
  }
  SECTION("unknown: as without it") {
    ask();
    const Finding finding = only();
    CHECK(finding.causes.size() == 3);
    CHECK(finding.causes[0].why == "silence, not a refusal");
    for (const Caveat& caveat : finding.caveats) CHECK(caveat.kind != "vantage");
  }
}

// Two services of a host open connections until 10 s; from then on both are asked in vain.
TEST_CASE("a host that answered until a moment and never since is one finding",
          "[detectors][tcp-syn-timeout]") {
  TcpBench bench{"tcp-syn-timeout"};
  TcpPair pair{bench.wire};
  const auto open = [&](double when, std::uint16_t port) {
    ++pair.initiator.port;
    pair.responder.port = port;
    pair.handshake(when);
  };
  const auto ask = [&](double when, std::uint16_t port) {
    ++pair.initiator.port;
    pair.responder.port = port;
    for (const double later : {0, 1, 3, 7}) pair.out(when + later, {.flags = tcp::syn});
  };
  for (int second = 0; second < 10; ++second) open(second, second % 2 == 0 ? 80 : 443);
  ask(12, 80);
  ask(13, 443);
  SECTION("silent since then") {
    const auto found = bench.findings(90);
    REQUIRE(found.size() == 1);
    CHECK(found[0].title == "connections to 198.51.100.1 time out");
    CHECK(found[0].before == "10 connections opened, the last 2.0 s before");
    CHECK(found[0].causes.at(0).id == "host-down");
  }
  SECTION("one of them answers again: two findings") {
    open(30, 443);
    const auto found = bench.findings(90);
    REQUIRE(found.size() == 2);
    for (const Finding& each : found) {
      CHECK(each.causes.at(0).id != "host-down");
      CHECK(each.before.empty() == (each.title == "connections to 198.51.100.1:443 time out"));
    }
  }
}

// It answers at 0 s and in the end; between 10 and 23 s two attempts are in vain.
TEST_CASE("who answers nobody for a while and then does again was down",
          "[detectors][tcp-syn-timeout]") {
  TcpBench bench{"tcp-syn-timeout"};
  TcpPair pair{bench.wire};
  const auto open = [&](double when, std::uint16_t port = 80) {
    ++pair.initiator.port;
    pair.responder.port = port;
    pair.handshake(when);
  };
  const auto ask = [&](double when) {
    ++pair.initiator.port;
    pair.responder.port = 80;
    for (const double later : {0, 1, 3}) pair.out(when + later, {.flags = tcp::syn});
  };
  const auto first_cause = [&](double end = 42) {
    const auto found = bench.findings(end);
    REQUIRE(found.size() == 1);
    return std::string{found[0].causes.at(0).id};
  };
  open(0);
  ask(10);
  SECTION("it was down") {
    ask(20);
    SECTION("and is back") {
      open(24);
      const auto found = bench.findings(26);
      REQUIRE(found.size() == 1);
      CHECK(found[0].state == FindingState::ended);
      CHECK(found[0].causes.at(0).id == "host-down");
      CHECK(found[0].causes.at(0).text == "the host was down or restarted");
    }
    SECTION("and is still") {
      const auto found = bench.findings(26);
      REQUIRE(found.size() == 1);
      CHECK(found[0].state == FindingState::ongoing);
      CHECK(found[0].causes.at(0).text == "the host went down");
    }
  }
  SECTION("another port answers meanwhile: the host was not") {
    open(15, 443);
    ask(20);
    open(40);
    CHECK(first_cause() == "accept-queue");
  }
  SECTION("the port itself answers meanwhile") {
    open(15);
    ask(20);
    open(40);
    CHECK(first_cause() == "filtered");
  }
  SECTION("one attempt in vain is chance") {
    open(40);
    CHECK(first_cause() == "filtered");
  }
  SECTION("the next one in vain is minutes later: what was between is forgotten") {
    open(45);
    ask(900);
    open(1000);
    CHECK(first_cause(1010) == "filtered");
  }
}

// A service that opens a connection each half second, and one attempt that it ignores.
TEST_CASE("a full queue is suspected where others got through in the same second",
          "[detectors][tcp-syn-timeout]") {
  TcpBench bench{"tcp-syn-timeout"};
  TcpPair pair{bench.wire};
  const auto open = [&](double when) {
    ++pair.initiator.port;
    pair.handshake(when);
  };
  const auto ask = [&] {
    pair.initiator.port = 50000;
    for (const double when : {10.0, 11.0, 13.0, 17.0}) pair.out(when, {.flags = tcp::syn});
  };
  const auto suspected = [&] {
    const auto found = bench.findings(90);
    REQUIRE(found.size() == 1);
    const auto& causes = found[0].causes;
    return std::any_of(causes.begin(), causes.end(),
                       [](const Cause& cause) { return cause.id == "accept-queue"; });
  };
  SECTION("in the same second") {
    for (const double when : {9.5, 10.5}) open(when);
    pair.initiator.port = 50000;
    for (const double when : {10.6, 11.6}) pair.out(when, {.flags = tcp::syn});
    pair.initiator.port = 41000;
    open(11.7);
    pair.initiator.port = 50000;
    for (const double when : {13.6, 17.6}) pair.out(when, {.flags = tcp::syn});
    pair.initiator.port = 42000;
    open(20);
    CHECK(suspected());
  }
  SECTION("at other times only") {
    open(8);
    ask();
    open(20);
    CHECK_FALSE(suspected());
  }
}

}  // namespace
}  // namespace wirefault::test
