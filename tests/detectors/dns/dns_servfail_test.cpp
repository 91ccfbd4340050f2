#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"

namespace wirefault::test {
namespace {

constexpr auto servfail = dns::Rcode::servfail;

// client --A?--> SERVFAIL, again to the next server: SERVFAIL
TEST_CASE("a name that every server fails is an error", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  bench.hear(answered(frames, {}, 0, 0.01, servfail));
  bench.hear(answered(frames, {.server = "198.51.100.54"}, 0.02, 0.03, servfail));
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);
  CHECK(found[0].count == 1);
  CHECK(found[0].title == "www.example.com. fails with SERVFAIL");
  CHECK(found[0].who[0].top[0].text == "www.example.com.");
}

TEST_CASE("of names that failed for good, those given up are counted",
          "[detectors][dns-servfail]") {
  DetectorBench bench{entry_of("dns-servfail")};
  const bool is_saved = GENERATE(true, false);
  for (int i = 0; i < 5000; ++i) {
    dns::Action action;
    action.name = *dns::Name::parse("host" + std::to_string(i) + ".example.com.");
    action.recursion_desired = true;
    action.attempts = action.servfail = 2;
    action.lookups = 1;
    action.failed = is_saved ? 0 : 1;
    bench.detector().on_dns_action(action);
  }
  CHECK((bench.detector().evicted() == 0) == is_saved);
}

TEST_CASE("that addresses have no names is a warning at most", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  const Asked asked{.name = "1.2.0.192.in-addr.arpa.", .type = dns::Type::ptr};
  bench.hear(answered(frames, asked, 0, 0.01, servfail));
  bench.hear(answered(frames, asked, 0.02, 0.03, servfail));
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::warning);
}

TEST_CASE("a SERVFAIL that the next server makes good is nothing", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  bench.hear(answered(frames, {}, 0, 0.01, servfail));
  bench.hear(answered(frames, {}, 0.02, 0.03, servfail));
  bench.hear(answered(frames, {.server = "198.51.100.54"}, 0.04, 0.05));
  CHECK(bench.findings(30).empty());
}

// client --A?--> SERVFAIL, every five seconds, then an address
TEST_CASE("a name that fails for longer than the gap has failed", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  const int seconds = GENERATE(10, 60);
  for (int at = 0; at < seconds; at += 5) bench.hear(answered(frames, {}, at, at + 0.01, servfail));
  bench.hear(answered(frames, {}, seconds, seconds + 0.01));
  const auto found = bench.findings(100);
  REQUIRE(found.size() == (seconds == 10 ? 0 : 1));
  if (seconds == 60) CHECK(found[0].count == 4);
}

TEST_CASE("a resolver that says it blocks the name is worth a note", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  const std::uint16_t code = GENERATE(std::uint16_t{15}, std::uint16_t{18}, std::uint16_t{22});
  for (const double at : {0.0, 1.0}) {
    dns::Transaction blocked = answered(frames, {}, at, at + 0.01, servfail);
    blocked.response.extended_errors[0] = code;
    blocked.response.extended_error_count = 1;
    bench.hear(blocked);
  }
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == (code == 22 ? Severity::error : Severity::note));
  CHECK((found[0].causes.at(0).id == "policy") == (code != 22));
}

// getaddrinfo(): A and AAAA, each tried with and without the search suffix
TEST_CASE("what one call wanted is one finding", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  for (const char* name : {"intranet.example.com.", "intranet.example.com.example.net."}) {
    for (const dns::Type type : {dns::Type::a, dns::Type::aaaa}) {
      bench.hear(answered(frames, {.name = name, .type = type}, 0, 0.01, servfail));
      bench.hear(answered(frames, {.name = name, .type = type}, 0.02, 0.03, servfail));
    }
  }
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 1);
  CHECK(found[0].frames.size() == 8);
}

// asked at 0, 2 and 4 s, one SERVFAIL at 6 s: the user has waited, and failed
TEST_CASE("a SERVFAIL that ends several attempts is a failure", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  dns::Transaction query = asked(frames, {.type = dns::Type::ptr}, {0, 2, 4});
  query.outcome = dns::Outcome::answered;
  query.has_response = true;
  query.response.rcode = servfail;
  query.response.seen = frames.at(6);
  query.settled = query.response.seen.time;
  query.responses = 1;
  bench.hear(query);
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].next.at(0) == "dig @198.51.100.53 www.example.com. PTR +cd");
}

TEST_CASE("one SERVFAIL, never asked again, is chance", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  bench.hear(answered(frames, {}, 0, 0.01, servfail));
  CHECK(bench.findings(30).empty());
}

TEST_CASE("a resolver's own queries are no user's lookup", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  for (const double at : {0.0, 1.0}) {
    dns::Transaction iterative = answered(frames, {}, at, at + 0.01, servfail);
    iterative.recursion_desired = false;
    bench.hear(iterative);
  }
  CHECK(bench.findings(30).empty());
}

TEST_CASE("an extended error is quoted as the first cause", "[detectors][dns-servfail]") {
  Frames frames;
  DetectorBench bench{entry_of("dns-servfail")};
  for (const double at : {0.0, 0.1}) {
    dns::Transaction failed = answered(frames, {}, at, at + 0.01, servfail);
    failed.response.extended_errors[0] = 7;
    failed.response.extended_error_count = 1;
    bench.hear(failed);
  }
  const auto found = bench.findings(30);
  REQUIRE(found.size() == 1);
  CHECK(found[0].causes[0].id == "extended-error");
  CHECK(found[0].causes[0].text.find(dns::extended_error_name(7)) != std::string::npos);
}

}  // namespace
}  // namespace wirefault::test
