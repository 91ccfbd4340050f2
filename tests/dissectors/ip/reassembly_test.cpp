#include "dissectors/ip/reassembly.h"

#include "tests/support/catch.h"
#include "tests/support/wire.h"

namespace wirefault::ip {
namespace {

using test::Header;
using test::Octets;
using test::Wire;
using test::operator+;

struct Recorder : FactListener {
  std::vector<FragmentedDatagram> datagrams;
  std::vector<dns::Transaction> transactions;
  CaptureSummary summary;

  void on_ip_fragmented_datagram(const FragmentedDatagram& datagram) override {
    datagrams.push_back(datagram);
  }
  void on_dns_transaction(const dns::Transaction& transaction) override {
    transactions.push_back(transaction);
  }
  void on_capture_ended(const CaptureSummary& ended) override { summary = ended; }
};

// `count` bytes of a UDP datagram, header included.
Octets fragment(const Octets& whole, std::size_t from, std::size_t count, Header header = {}) {
  header.identification = header.identification == 0 ? 77 : header.identification;
  header.offset = static_cast<std::uint32_t>(from);
  header.more = from + count < whole.size();
  return test::ethernet(test::ip_datagram(header, test::slice(whole, from, count)));
}

Octets big(std::size_t payload = 3000) {
  return test::udp(5000, 6000, test::pattern(payload));
}

constexpr Header v6{.source = "2001:db8::1", .destination = "2001:db8::2"};

// Straight into the reassembly, to see what comes out.
struct Bench {
  Settings settings;
  Recorder facts;
  Reassembly reassembly;
  std::uint64_t frames = 0;

  explicit Bench(std::size_t budget = std::size_t{4} << 20)
      : reassembly{settings, budget, {1, 2}, facts} {}

  std::optional<Octets> add(double seconds, const Octets& frame, std::size_t captured = 65536) {
    const Octets kept = test::slice(frame, 0, captured);
    const Payload carried{Bytes{kept}.subspan(14), static_cast<std::uint32_t>(frame.size() - 14)};
    const Parsed<Datagram> parsed = parse(carried);
    REQUIRE(parsed);
    const Timestamp now = Wire::at(seconds);
    reassembly.expire(now);
    const auto whole = reassembly.add(*parsed, {PacketRef{0, ++frames}, now}, 0);
    if (!whole || !whole->has_value()) return std::nullopt;
    const Bytes bytes = (*whole)->payload.bytes;
    return Octets{bytes.begin(), bytes.end()};
  }
};

void check_identity(const Reassembly& reassembly) {
  const TableCounters& counters = reassembly.counters();
  CHECK(counters.inserted ==
        counters.evicted + counters.expired + counters.closed + reassembly.resident());
}

}  // namespace

TEST_CASE("a datagram in fragments is put together in any order, once", "[dissectors]") {
  const Octets whole = big();
  const bool is_v6 = GENERATE(false, true);
  const Header header = is_v6 ? v6 : Header{};
  const auto order = GENERATE(std::vector<std::size_t>{0, 1, 2}, std::vector<std::size_t>{2, 1, 0},
                              std::vector<std::size_t>{1, 2, 0});
  Bench bench;
  std::vector<std::optional<Octets>> out;
  for (const std::size_t i : order) {
    out.push_back(bench.add(0, fragment(whole, 1400 * i, 1400, header)));
  }
  CHECK(!out[0]);
  CHECK(!out[1]);
  CHECK(out[2] == whole);
  REQUIRE(bench.facts.datagrams.size() == 1);
  const FragmentedDatagram& fact = bench.facts.datagrams[0];
  CHECK(fact.outcome == FragmentOutcome::complete);
  CHECK(fact.fragment_count == 3);
  CHECK(fact.source_port == 5000);
  CHECK(fact.destination_port == 6000);
  CHECK(fact.total_length == whole.size());
  CHECK(fact.last.packet.number() == 3);

  SECTION("a late copy of a fragment opens nothing") {
    CHECK(!bench.add(0.5, fragment(whole, 1400, 1400, header)));
    bench.reassembly.finish(Wire::at(100));
    CHECK(bench.facts.datagrams.size() == 1);
  }
  SECTION("the same identification serves another datagram later") {
    const Octets next = test::udp(5000, 6000, test::pattern(3000, 99));
    bench.add(2, fragment(next, 1400, 1400, header));
    bench.add(2, fragment(next, 0, 1400, header));
    CHECK(bench.add(2, fragment(next, 2800, 1400, header)) == next);
  }
  check_identity(bench.reassembly);
}

TEST_CASE("what is missing from a datagram is told apart", "[dissectors]") {
  const Octets whole = big();
  struct Case {
    std::vector<std::size_t> seen;
    Missing missing;
  };
  const auto given = GENERATE(Case{{0}, Missing::all_but_first}, Case{{1, 2}, Missing::first},
                              Case{{0, 2}, Missing::middle}, Case{{0, 1}, Missing::last},
                              Case{{1}, Missing::several}, Case{{2}, Missing::first});
  Bench bench;
  for (const std::size_t i : given.seen) bench.add(0, fragment(whole, 1400 * i, 1400));
  bench.reassembly.expire(Wire::at(29.9));
  CHECK(bench.facts.datagrams.empty());
  bench.reassembly.expire(Wire::at(40));
  REQUIRE(bench.facts.datagrams.size() == 1);
  CHECK(bench.facts.datagrams[0].outcome == FragmentOutcome::incomplete);
  CHECK(bench.facts.datagrams[0].missing == given.missing);
  CHECK(bench.facts.datagrams[0].settled == Wire::at(30));
  CHECK(bench.reassembly.incomplete() == 1);
}

TEST_CASE("the end of a capture accuses only what has waited", "[dissectors]") {
  Bench bench;
  bench.add(0, fragment(big(), 0, 1400, {.identification = 1}));
  bench.add(4, fragment(big(), 0, 1400, {.identification = 2}));
  bench.reassembly.finish(Wire::at(6));
  REQUIRE(bench.facts.datagrams.size() == 2);
  CHECK(bench.facts.datagrams[0].outcome == FragmentOutcome::incomplete);
  CHECK(bench.facts.datagrams[0].waited_briefly);
  CHECK(bench.facts.datagrams[1].outcome == FragmentOutcome::capture_ended);
}

TEST_CASE("a fragment that our capture cut was on the wire", "[dissectors]") {
  Bench bench;
  const Octets whole = big();
  bench.add(0, fragment(whole, 0, 1400), 200);
  bench.add(0, fragment(whole, 1400, 1400), 200);
  const auto out = bench.add(0, fragment(whole, 2800, 1400), 200);
  // Up to the cut: 14 bytes of Ethernet and 20 of IP are not payload.
  CHECK(out == test::slice(whole, 0, 166));
  CHECK(bench.facts.datagrams.at(0).is_complete());
}

TEST_CASE("an identification used again closes the datagram that had it", "[dissectors]") {
  Bench bench;
  const Octets next = test::udp(5001, 6000, test::pattern(3000, 5));
  bench.add(0, fragment(big(), 0, 1400));
  bench.add(1, fragment(next, 0, 1400));
  REQUIRE(bench.facts.datagrams.size() == 1);
  CHECK(bench.facts.datagrams[0].outcome == FragmentOutcome::id_reused);
  bench.add(1, fragment(next, 1400, 1400));
  CHECK(bench.add(1, fragment(next, 2800, 1400)) == next);
}

TEST_CASE("overlap: first come first kept in IPv4, void in IPv6", "[dissectors]") {
  const Octets whole = big();
  Octets forged = whole;
  for (std::size_t i = 1000; i < 2000; ++i) forged[i] ^= 0xffu;
  Bench bench;
  SECTION("IPv4") {
    bench.add(0, fragment(whole, 0, 1400));
    bench.add(0, fragment(forged, 800, 800));
    const auto out = bench.add(0, fragment(whole, 1400, 1800));
    REQUIRE(out);
    CHECK(test::slice(*out, 0, 1400) == test::slice(whole, 0, 1400));
    CHECK(test::slice(*out, 1400, 200) == test::slice(forged, 1400, 200));
    CHECK(test::slice(*out, 1600, 1408) == test::slice(whole, 1600, 1408));
    CHECK(bench.facts.datagrams.at(0).overlapped);
  }
  SECTION("IPv6") {
    bench.add(0, fragment(whole, 0, 1400, v6));
    CHECK(!bench.add(0, fragment(whole, 800, 800, v6)));
    CHECK(!bench.add(0, fragment(whole, 1400, 1800, v6)));
    REQUIRE(bench.facts.datagrams.size() == 1);
    CHECK(bench.facts.datagrams[0].outcome == FragmentOutcome::inconsistent);
  }
  SECTION("an exact copy is none") {
    bench.add(0, fragment(whole, 0, 1400, v6));
    bench.add(0.1, fragment(whole, 0, 1400, v6));
    CHECK(bench.add(0.2, fragment(whole, 1400, 1800, v6)) == whole);
  }
}

TEST_CASE("the receiver's complaint confirms a loss, even of what was whole here", "[dissectors]") {
  Bench bench;
  const Octets whole = big();
  const Octets first = fragment(whole, 0, 1400);
  const Parsed<Datagram> quoted = parse(test::whole(Bytes{first}.subspan(14)));
  const Sighting error{PacketRef{0, 90}, Wire::at(31.4)};
  const IpAddress receiver = *IpAddress::parse("198.51.100.1");
  bench.add(0, first);
  SECTION("after the timeout, as Linux does") {
    bench.reassembly.expire(Wire::at(31.4));
    CHECK(bench.reassembly.confirm_loss(*quoted, 0, error, receiver));
    REQUIRE(bench.facts.datagrams.size() == 2);
    CHECK(bench.facts.datagrams[1].amends);
    CHECK(bench.facts.datagrams[1].amended == FragmentOutcome::incomplete);
    CHECK(bench.facts.datagrams[1].confirmed_by.packet.number() == 90);
  }
  SECTION("captured at the sender") {
    bench.add(0, fragment(whole, 1400, 1400));
    bench.add(0, fragment(whole, 2800, 1400));
    bench.reassembly.expire(Wire::at(31.4));
    CHECK(bench.reassembly.confirm_loss(*quoted, 0, error, receiver));
    REQUIRE(bench.facts.datagrams.size() == 2);
    CHECK(bench.facts.datagrams[1].outcome == FragmentOutcome::incomplete);
    CHECK(bench.facts.datagrams[1].amended == FragmentOutcome::complete);
  }
  SECTION("once only") {
    CHECK(bench.reassembly.confirm_loss(*quoted, 0, error, receiver));
    CHECK(bench.reassembly.confirm_loss(*quoted, 0, error, receiver));
    CHECK(bench.facts.datagrams.size() == 1);
  }
}

TEST_CASE("a flood of fragments is bounded, and its source pays", "[dissectors]") {
  Bench bench{std::size_t{1} << 20};
  const Octets whole = big();
  const Header victim{.source = "203.0.113.9", .identification = 5};
  bench.add(0, fragment(whole, 0, 1400, victim));
  for (std::uint32_t i = 1; i < 20000; ++i) {
    bench.add(0.0001 * i, fragment(whole, 0, 1400, {.identification = i}));
  }
  bench.add(3, fragment(whole, 1400, 1400, victim));
  CHECK(bench.add(3, fragment(whole, 2800, 1400, victim)) == whole);
  CHECK(bench.reassembly.counters().evicted > 10000);
  bench.reassembly.finish(Wire::at(4));
  check_identity(bench.reassembly);
  CHECK(bench.facts.datagrams.size() == 20000);
}

TEST_CASE("a DNS response in fragments is read when it is whole", "[dissectors]") {
  Recorder facts;
  Wire wire{facts};
  const Octets question = test::hex("03777777 076578616d706c65 03636f6d 00 0010 0001");
  const Octets query = test::hex("1a07 0100 0001 0000 0000 0000") + question;
  wire.send(0,
            test::ethernet(test::ip_datagram({.identification = 1}, test::udp(40000, 53, query))));
  const Octets message =
      test::hex("1a07 8180 0001 0000 0000 0000") + question + test::pattern(2000);
  const Octets response = test::udp(53, 40000, message);
  const Header back{.source = "198.51.100.1", .destination = "192.0.2.1", .identification = 9};
  wire.send(0.01, fragment(response, 0, 1400, back));
  CHECK(facts.transactions.empty());
  const std::uint64_t completing = wire.send(0.02, fragment(response, 1400, 1400, back));
  wire.finish();
  REQUIRE(facts.transactions.size() == 1);
  CHECK(facts.transactions[0].outcome == dns::Outcome::answered);
  CHECK(facts.transactions[0].response.seen.packet.number() == completing);
  REQUIRE(facts.datagrams.size() == 1);
  CHECK(facts.datagrams[0].has_dns_id);
  CHECK(facts.datagrams[0].dns_id == 0x1a07);
  CHECK(facts.summary.fragmented_datagrams == 1);
  CHECK(facts.summary.incomplete_datagrams == 0);
}

}  // namespace wirefault::ip
