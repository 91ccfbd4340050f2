#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"

namespace wirefault::test {
namespace {

constexpr auto servfail = dns::Rcode::servfail;

struct Case {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail-storm")};

  // One failed action: two attempts, both SERVFAIL.
  void fail(const std::string& client, const std::string& name, double at) {
    bench.hear(answered(frames, {.client = client, .name = name}, at, at + 0.01, servfail));
    bench.hear(answered(frames, {.client = client, .name = name}, at + 0.02, at + 0.03, servfail));
  }
  void resolve(const std::string& name, double at) {
    bench.hear(answered(frames, {.client = "192.0.2.99", .name = name}, at, at + 0.01));
  }
};

std::string host(int number, const std::string& zone) {
  return "h" + std::to_string(number) + "." + zone;
}

TEST_CASE("one zone failing for many clients is a storm of the zone",
          "[detectors][dns-servfail-storm]") {
  Case c;
  for (int i = 0; i < 12; ++i) {
    c.fail("192.0.2." + std::to_string(10 + i % 4), host(i, "example.com."), i);
    c.resolve(host(i, "example.net."), i + 0.5);
  }
  const auto found = c.bench.findings(100);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "zone");
  CHECK(found[0].severity == Severity::critical);  // nothing of it resolves, four clients
  CHECK(found[0].who[0].top[0].text == "example.com.");
  CHECK(found[0].count == 24);
  REQUIRE(found[0].caveats.size() == 1);
  CHECK(found[0].caveats[0].text == "failures in each second: 2 2 2 2 2 2 2 2 2 2 2 2");
}

// Nobody has waited for silent servers who says SERVFAIL at once, every time.
TEST_CASE("how long failures take tells what a zone fails for", "[detectors][dns-servfail-storm]") {
  Case c;
  const bool waits = GENERATE(false, true);
  for (int i = 0; i < 12; ++i) {
    c.fail("192.0.2." + std::to_string(10 + i % 4), host(i, "example.com."), i);
  }
  if (waits) {
    c.bench.hear(answered(c.frames, {.name = "slow.example.com."}, 20, 20.5, servfail));
  }
  CHECK(c.bench.findings(100).at(0).causes.at(0).id == (waits ? "zone-unreachable" : "dnssec"));
}

TEST_CASE("all zones failing is a storm of the responder", "[detectors][dns-servfail-storm]") {
  Case c;
  for (int i = 0; i < 12; ++i) {
    c.fail("192.0.2.10",
           host(i, i % 3 == 0   ? "example.com."
                   : i % 3 == 1 ? "example.net."
                                : "example.org."),
           i * 3);
  }
  const auto found = c.bench.findings(100);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "responder");
  CHECK(found[0].severity == Severity::critical);
}

TEST_CASE("one name asked 300 times is no storm", "[detectors][dns-servfail-storm]") {
  Case c;
  for (int i = 0; i < 300; ++i) c.fail("192.0.2.10", "www.example.com.", i * 20);
  CHECK(c.bench.findings(7000).empty());
}

// getaddrinfo() with two servers and a search suffix: 16 responses, one failure
TEST_CASE("sixteen responses of one action are one failure", "[detectors][dns-servfail-storm]") {
  Case c;
  for (int repeat = 0; repeat < 10; ++repeat) {
    for (const char* name : {"www.example.com.", "www.example.com.example.net."}) {
      c.fail("192.0.2.10", name, 0.01 * repeat);
    }
  }
  CHECK(c.bench.findings(100).empty());
}

// Applications do so; each time the call fails and the user sees it, whatever comes of it later.
TEST_CASE("a storm is seen that is asked about every few seconds",
          "[detectors][dns-servfail-storm]") {
  Case c;
  const bool recovers = GENERATE(false, true);
  const int seconds = GENERATE(10, 14, 45, 300);
  for (int at = 0; at < seconds + 5; at += 5) {
    for (int i = 0; i < 12; ++i) {
      const Asked asked{.client = "192.0.2.10",
                        .name = host(i, i % 2 == 0   ? "example.com."
                                        : i % 3 == 0 ? "example.net."
                                                     : "example.org.")};
      if (at < seconds) {
        c.bench.hear(answered(c.frames, asked, at, at + 0.01, servfail));
      } else if (recovers) {
        c.bench.hear(answered(c.frames, asked, at, at + 0.01));
      }
    }
  }
  const auto found = c.bench.findings(seconds + 100);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "responder");
  CHECK(found[0].severity == Severity::critical);
  CHECK(found[0].measures[0].value == 12 * ((seconds + 4) / 5));
}

// A mail server asks about senders all day, and some of their zones are broken.
TEST_CASE("broken zones, each asked about once, are no tallies to lose",
          "[detectors][dns-servfail-storm]") {
  Case c;
  for (int i = 0; i < 3000; ++i) {
    const std::string zone = "zone" + std::to_string(i) + ".example.";
    for (int attempt = 0; attempt < 2; ++attempt) {
      c.bench.hear(answered(c.frames, {.name = host(0, zone)}, 10 * i, 10 * i + 1, servfail));
      c.bench.hear(answered(c.frames, {.server = "198.51.100.54", .name = host(0, zone)},
                            10 * i + 2, 10 * i + 3, servfail));
    }
  }
  CHECK(c.bench.detector().evicted() == 0);
}

TEST_CASE("what the next attempt of the same call makes good is no storm",
          "[detectors][dns-servfail-storm]") {
  Case c;
  for (int i = 0; i < 60; ++i) {
    const Asked asked{.name = host(i, i % 2 == 0 ? "example.com." : "example.net.")};
    c.bench.hear(answered(c.frames, asked, i, i + 0.01, servfail));
    c.bench.hear(answered(c.frames, asked, i + 0.02, i + 0.03));
  }
  CHECK(c.bench.findings(200).empty());
}

// X with the suffix: SERVFAIL, X: an address; or the other way round.
TEST_CASE("a search suffix that fails loses nothing", "[detectors][dns-servfail-storm]") {
  Case c;
  const bool suffix_first = GENERATE(false, true);
  const bool exists = GENERATE(false, true);
  for (int i = 0; i < 40; ++i) {
    const std::string typed = host(i, "zone" + std::to_string(i % 5) + ".example.");
    const std::string longer = typed + "svc.example.net.";
    c.bench.hear(
        answered(c.frames, {.name = suffix_first ? longer : typed}, i, i + 0.01, servfail));
    c.bench.hear(answered(c.frames, {.name = suffix_first ? typed : longer}, i + 0.02, i + 0.03,
                          exists ? dns::Rcode::noerror : dns::Rcode::nxdomain));
  }
  CHECK(c.bench.findings(200).empty() == exists);
}

TEST_CASE("a resolver that fails what the next one answers is a warning",
          "[detectors][dns-servfail-storm]") {
  Case c;
  for (int i = 0; i < 20; ++i) {
    const std::string name = host(i, "zone" + std::to_string(i % 5) + ".example.");
    c.bench.hear(answered(c.frames, {.name = name}, i, i + 0.01, servfail));
    c.bench.hear(answered(c.frames, {.server = "198.51.100.54", .name = name}, i + 0.02, i + 0.03));
  }
  const auto found = c.bench.findings(200);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "responder");
  CHECK(found[0].severity == Severity::warning);
  CHECK(found[0].who[0].top[0].text == "198.51.100.53:53");
}

TEST_CASE("a few failures among many answers are no storm", "[detectors][dns-servfail-storm]") {
  Case c;
  c.fail("192.0.2.10", host(0, "example.com."), 0);
  for (int i = 0; i < 300; ++i) c.resolve(host(i, "example.com."), 0.1 + i * 0.1);
  for (int i = 1; i < 12; ++i) c.fail("192.0.2.10", host(i, "example.com."), i * 3);
  CHECK(c.bench.findings(100).empty());
}

TEST_CASE("names that do not exist are no storm", "[detectors][dns-servfail-storm]") {
  Case c;
  for (int i = 0; i < 50; ++i) {
    c.bench.hear(
        answered(c.frames, {.name = host(i, "example.com.")}, i, i + 0.01, dns::Rcode::nxdomain));
  }
  CHECK(c.bench.findings(100).empty());
}

}  // namespace
}  // namespace wirefault::test
