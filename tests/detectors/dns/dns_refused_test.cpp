#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"

namespace wirefault::test {
namespace {

constexpr auto refused = dns::Rcode::refused;

// client --A?--> REFUSED, and once more: REFUSED
TEST_CASE("a lookup that ends with REFUSED is an error of the server", "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  for (const double time : {0.0, 0.1}) bench.hear(answered(frames, {}, time, time + 0.01, refused));
  bench.hear(answered(frames, {.client = "192.0.2.11"}, 1, 1.01));
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].title == "198.51.100.53 refuses DNS queries");
  CHECK(found[0].count == 2);
  CHECK(found[0].of == 3);
  CHECK(found[0].causes[0].id == "access-list");
  CHECK(found[0].causes[0].why == "all that 1 client asked was refused; others had 1 answer");
}

TEST_CASE("where another server helps it is a warning", "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  for (const char* name : {"www.example.com.", "mail.example.com.", "api.example.com."}) {
    bench.hear(answered(frames, {.name = name}, 0, 0.01, refused));
    bench.hear(answered(frames, {.server = "198.51.100.54", .name = name}, 0.02, 0.03));
  }
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::warning);
}

// As others do whose server is silent for as long.
TEST_CASE("being refused for longer than the gap is an error, whatever comes later",
          "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  const int seconds = GENERATE(10, 60);
  for (int at = 0; at < seconds; at += 5) bench.hear(answered(frames, {}, at, at + 0.01, refused));
  for (int at = seconds; at < 70; at += 5) bench.hear(answered(frames, {}, at, at + 0.01));
  const auto found = bench.findings(100);
  if (seconds == 10) {
    CHECK(found.empty());
  } else {
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::error);
  }
}

TEST_CASE("a server asked for foreign zones is told from one that knows its clients",
          "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  for (const double time : {0.0, 0.1}) {
    bench.hear(answered(frames, {.name = "www.example.net."}, time, time + 0.01, refused));
  }
  bench.hear(answered(frames, {.name = "www.example.com."}, 1, 1.01));
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].causes[0].id == "foreign-zone");
}

TEST_CASE("a limit on the rate refuses what it answers at other times",
          "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  for (const double time : {0.0, 0.1}) bench.hear(answered(frames, {}, time, time + 0.01, refused));
  bench.hear(answered(frames, {.name = "mail.example.com."}, 1, 1.01));
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].causes[0].id == "rate-limit");
}

TEST_CASE("a forwarder that answered for others before has lost its upstream",
          "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  const bool is_its_own = GENERATE(false, true);
  for (const double time : {0.0, 0.1}) {
    bench.hear(answered(frames, {.name = "www.example.net."}, time, time + 0.01, refused));
  }
  dns::Transaction forwarded = answered(frames, {.name = "www.example.com."}, 1, 1.01);
  forwarded.response.recursion_available = true;
  forwarded.response.authoritative = is_its_own;
  bench.hear(forwarded);
  CHECK(bench.findings(30).at(0).causes.at(0).id ==
        (is_its_own ? "foreign-zone" : "forwarder-upstream"));
}

TEST_CASE("a stranger's questions, asked once each, are at most a note",
          "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  bench.hear(answered(frames, {.name = "a.example.net."}, 0, 0.01, refused));
  bench.hear(answered(frames, {.name = "b.example.net."}, 1, 1.01, refused));
  SECTION("two are nothing") {
    CHECK(bench.findings(30).empty());
  }
  SECTION("three in a minute are a note") {
    bench.hear(answered(frames, {.name = "c.example.net."}, 59, 59.01, refused));
    const auto found = bench.findings(90);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::note);
  }
  SECTION("three in more than a minute are nothing") {
    bench.hear(answered(frames, {.name = "c.example.net."}, 62, 62.01, refused));
    CHECK(bench.findings(90).empty());
  }
  SECTION("three among many answers are nothing") {
    bench.hear(answered(frames, {.name = "c.example.net."}, 2, 2.01, refused));
    for (int i = 0; i < 13; ++i) {
      bench.hear(answered(frames, {.name = "www.example.com."}, 3 + i, 3.01 + i));
    }
    CHECK(bench.findings(90).empty());
  }
}

TEST_CASE("refused transfers and updates are policy", "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  for (const double time : {0.0, 1.0, 2.0}) {
    bench.hear(answered(frames, {.type = dns::Type::axfr}, time, time + 0.01, refused));
    dns::Transaction update = answered(frames, {}, time, time + 0.01, refused);
    update.opcode = dns::Opcode::update;
    bench.hear(update);
  }
  CHECK(bench.findings(30).empty());
}

TEST_CASE("what a resolver meets on its way is a note", "[detectors][dns-refused]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-refused")};
  for (const double time : {0.0, 1.0, 2.0}) {
    dns::Transaction iterative = answered(frames, {}, time, time + 0.01, refused);
    iterative.recursion_desired = false;
    bench.hear(iterative);
  }
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::note);
}

}  // namespace
}  // namespace wirefault::test
