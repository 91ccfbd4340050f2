#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"

namespace wirefault::test {
namespace {

struct Case {
  Frames frames;
  DetectorBench bench{entry_of("dns-fragmented-response-loss")};

  dns::Transaction large_and_silent(double at, std::uint16_t id) {
    dns::Transaction made = unanswered(frames, {.name = "example.com."}, {at});
    made.id = id;
    made.edns = {true, true, 4096};
    return made;
  }
  ip::FragmentedDatagram first_fragment_of_answer(const dns::Transaction& query, double at) {
    ip::FragmentedDatagram made;
    made.source = query.server.address;
    made.destination = query.client.address;
    made.has_ports = true;
    made.source_port = query.server.port;
    made.destination_port = query.client.port;
    made.has_dns_id = true;
    made.dns_id = query.id;
    made.outcome = ip::FragmentOutcome::incomplete;
    made.missing = ip::Missing::all_but_first;
    made.fragment_count = 1;
    made.fragments[0].seen = made.first = made.last = frames.at(at);
    return made;
  }
};

TEST_CASE("an answer of which one fragment came is lost", "[detectors][dns-fragmented]") {
  Case c;
  const dns::Transaction query = c.large_and_silent(0, 7);
  const auto fragment = c.first_fragment_of_answer(query, 0.01);
  c.bench.hear(query);
  c.bench.detector().on_ip_fragmented_datagram(fragment);
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::error);  // nothing saved the lookup
  CHECK(found[0].confidence == Confidence::certain);
  CHECK(found[0].count == 1);
  CHECK(found[0].title == "a large DNS answer of 198.51.100.53 is lost");
  CHECK(found[0].frames.size() == 2);
}

TEST_CASE("a capture of port 53 alone has no other fragments to show",
          "[detectors][dns-fragmented]") {
  Case c;
  dns::Transaction query = c.large_and_silent(0, 7);
  const bool fragments_hidden = true;
  SECTION("the client asks once: it may have had its answer") {
    c.bench.hear(query);
    c.bench.detector().on_ip_fragmented_datagram(c.first_fragment_of_answer(query, 0.01));
    CHECK(c.bench.findings(60, fragments_hidden).empty());
  }
  SECTION("the client repeats itself: it had none") {
    query.queries.add(c.frames.at(3));
    c.bench.hear(query);
    c.bench.detector().on_ip_fragmented_datagram(c.first_fragment_of_answer(query, 0.01));
    CHECK(c.bench.findings(60, fragments_hidden).size() == 1);
  }
  SECTION("the client turns to TCP") {
    c.bench.hear(query);
    dns::Transaction over_tcp = answered(c.frames, {.name = "example.com."}, 3, 3.01);
    over_tcp.transport = Transport::tcp;
    c.bench.hear(over_tcp);
    c.bench.detector().on_ip_fragmented_datagram(c.first_fragment_of_answer(query, 0.01));
    CHECK(c.bench.findings(60, fragments_hidden).size() == 1);
  }
}

// An outage: a thousand names a second, and no answer to any.
TEST_CASE("queries that are just unanswered are no tallies to lose",
          "[detectors][dns-fragmented]") {
  Case c;
  for (std::uint16_t id = 0; id < 3000; ++id) c.bench.hear(c.large_and_silent(0.001 * id, id));
  CHECK(c.bench.detector().evicted() == 0);
}

TEST_CASE("a lookup that TCP saved is a warning", "[detectors][dns-fragmented]") {
  Case c;
  const dns::Transaction query = c.large_and_silent(0, 7);
  const auto fragment = c.first_fragment_of_answer(query, 0.01);
  c.bench.hear(query);
  dns::Transaction over_tcp = answered(c.frames, {.name = "example.com."}, 3, 3.01);
  over_tcp.transport = Transport::tcp;
  c.bench.hear(over_tcp);
  c.bench.detector().on_ip_fragmented_datagram(fragment);
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::warning);
}

TEST_CASE("what fragments and a smaller answer both show is counted once",
          "[detectors][dns-fragmented]") {
  Case c;
  const dns::Transaction first = c.large_and_silent(0, 7);
  const dns::Transaction second = c.large_and_silent(3, 8);
  const auto of_first = c.first_fragment_of_answer(first, 0.01);
  const auto of_second = c.first_fragment_of_answer(second, 3.01);
  c.bench.hear(first);
  c.bench.hear(second);
  const bool fragments_told_first = GENERATE(false, true);
  const bool both_were_seen = GENERATE(false, true);
  const auto tell_fragments = [&] {
    c.bench.detector().on_ip_fragmented_datagram(of_first);
    if (both_were_seen) c.bench.detector().on_ip_fragmented_datagram(of_second);
  };
  if (fragments_told_first) tell_fragments();
  dns::Transaction over_tcp = answered(c.frames, {.name = "example.com."}, 6, 6.01);
  over_tcp.transport = Transport::tcp;
  c.bench.hear(over_tcp);
  auto found = c.bench.findings(60);
  if (!fragments_told_first) {
    tell_fragments();
    found = judged(c.bench.detector(), 60);
  }
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 2);
  CHECK(found[0].title == "large DNS answers of 198.51.100.53 are lost");
  CHECK(found[0].who[1].top[0].count == 2);  // of that client
  CHECK(found[0].frames_total == found[0].frames.size());
}

TEST_CASE("large queries stay silent and a small one is answered", "[detectors][dns-fragmented]") {
  Case c;
  c.bench.hear(c.large_and_silent(0, 7));
  c.bench.hear(c.large_and_silent(3, 8));
  dns::Transaction small = answered(c.frames, {.name = "example.com."}, 6, 6.01);
  small.edns = {true, true, 1232};
  c.bench.hear(small);
  const auto found = c.bench.findings(60);
  REQUIRE(found.size() == 1);
  CHECK(found[0].confidence == Confidence::probable);
}

TEST_CASE("one large query lost once is nothing", "[detectors][dns-fragmented]") {
  Case c;
  c.bench.hear(c.large_and_silent(0, 7));
  dns::Transaction small = answered(c.frames, {.name = "example.com."}, 3, 3.01);
  small.edns = {true, true, 1232};
  c.bench.hear(small);
  CHECK(c.bench.findings(60).empty());
}

TEST_CASE("fragments of another exchange prove nothing", "[detectors][dns-fragmented]") {
  Case c;
  const dns::Transaction query = c.large_and_silent(0, 7);
  auto fragment = c.first_fragment_of_answer(query, 0.01);
  fragment.dns_id = 8;
  c.bench.hear(query);
  c.bench.detector().on_ip_fragmented_datagram(fragment);
  CHECK(c.bench.findings(60).empty());
}

}  // namespace
}  // namespace wirefault::test
