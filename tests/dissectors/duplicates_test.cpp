#include "dissectors/duplicates.h"

#include "tests/support/catch.h"
#include "tests/support/wire.h"

namespace wirefault {
namespace {

using test::Header;
using test::Octets;
using test::operator+;

Octets segment(std::uint8_t flags, std::uint32_t sequence, std::size_t length = 0) {
  return test::be(40000, 2) + test::be(80, 2) + test::be(sequence, 4) + test::be(7, 4) +
         test::hex("50") + test::be(flags, 1) + test::hex("ffff 0000 0000") + test::pattern(length);
}

Octets tcp_datagram(const Header& header, const Octets& payload) {
  Header made = header;
  made.protocol = ip::protocol::tcp;
  return test::ip_datagram(made, payload);
}

constexpr std::uint8_t syn = 0x02;
constexpr std::uint8_t ack = 0x10;
constexpr Header v6{.source = "2001:db8::1", .destination = "2001:db8::2"};

struct Bench {
  Duplicates duplicates;

  Duplicates::Verdict look(double milliseconds, const Octets& datagram, CapturePlace place = {}) {
    const Parsed<ip::Datagram> parsed = ip::parse(test::whole(datagram));
    REQUIRE(parsed);
    return duplicates.look(*parsed, place, test::Wire::at(milliseconds / 1000));
  }
  bool is_copy(double milliseconds, const Octets& datagram, CapturePlace place = {}) {
    return look(milliseconds, datagram, place).is_copy;
  }
  std::uint64_t count(CopyKind kind) const {
    return duplicates.counts()[static_cast<std::size_t>(kind)];
  }
};

}  // namespace

TEST_CASE("copies are found whatever changed on the way", "[dissectors]") {
  Bench bench;
  const Octets original = tcp_datagram({.identification = 9}, segment(ack, 1, 100));
  CHECK(!bench.is_copy(0, original));
  SECTION("mirror port") {
    CHECK(bench.is_copy(0.1, original));
    CHECK(bench.count(CopyKind::mirror) == 1);
  }
  SECTION("other interface, checksums filled in meanwhile") {
    Octets sent = original;
    sent[10] = 0xab;
    sent[20 + 16] = 0xcd;
    CHECK(bench.is_copy(0.1, sent, {.interface = 2}));
    CHECK(bench.count(CopyKind::interface) == 1);
  }
  SECTION("routed, in another VLAN") {
    CHECK(bench.is_copy(0.1, tcp_datagram({.identification = 9, .ttl = 63}, segment(ack, 1, 100))));
    CHECK(bench.is_copy(0.2, original, {.vlan = 11}));
    CHECK(bench.count(CopyKind::routed) == 1);
    CHECK(bench.count(CopyKind::vlan) == 1);
  }
  SECTION("but not later than a copy can be") {
    CHECK(!bench.is_copy(11, original));
  }
}

TEST_CASE("a copy may have been long on its way", "[dissectors]") {
  Bench bench;
  const auto routed = [](std::uint8_t ttl, std::uint16_t identification) {
    return tcp_datagram({.identification = identification, .ttl = ttl}, segment(ack, 1, 100));
  };
  bench.look(0, routed(64, 9));
  SECTION("through routers") {
    CHECK(bench.is_copy(40, routed(61, 9)));
    CHECK(bench.count(CopyKind::routed) == 1);
  }
  SECTION("but it does not gain hops, nor take seconds, nor have no identification") {
    CHECK(!bench.is_copy(40, routed(66, 9)));
    CHECK(!bench.is_copy(1200, routed(61, 9)));
    bench.look(2000, routed(64, 0));
    CHECK(!bench.is_copy(2040, routed(61, 0)));
  }
}

TEST_CASE("a copy by another clock is one whatever that clock says", "[dissectors]") {
  Bench bench;
  constexpr CapturePlace here{.interface = 0};
  constexpr CapturePlace there{.interface = 1 << 16};
  const auto numbered = [](std::uint16_t identification) {
    return tcp_datagram({.identification = identification}, segment(ack, identification, 100));
  };
  const auto v6_segment = [](std::uint32_t sequence) {
    return tcp_datagram(v6, segment(ack, sequence, 100));
  };
  for (std::uint16_t i = 1; i < 4; ++i) {
    bench.look(10 * i, numbered(i), here);
    const Duplicates::Verdict verdict = bench.look(10 * i + 37000, numbered(i), there);
    CHECK(verdict.is_copy);
    CHECK(verdict.is_off_the_clock);
  }
  SECTION("then those without an identification, too") {
    bench.look(100, v6_segment(1), here);
    CHECK(bench.is_copy(37101, v6_segment(1), there));
  }
  SECTION("but not at any other time") {
    bench.look(100, v6_segment(1), here);
    CHECK(!bench.is_copy(37200, v6_segment(1), there));
  }
}

TEST_CASE("a sender that numbers everything alike loses one repetition to a new file at most",
          "[dissectors]") {
  Bench bench;
  const Octets probe = tcp_datagram({.identification = 1}, segment(syn, 1));
  bench.look(0, probe, {.interface = 0});
  bench.look(10000, probe, {.interface = 1 << 16});
  CHECK(!bench.is_copy(20000, probe, {.interface = 1 << 16}));
  CHECK(!bench.is_copy(30000, probe, {.interface = 1 << 16}));
}

TEST_CASE("a retransmission is no copy", "[dissectors]") {
  Bench bench;
  bench.look(0, tcp_datagram({.identification = 9}, segment(ack, 1, 100)));
  CHECK(!bench.is_copy(1, tcp_datagram({.identification = 10}, segment(ack, 1, 100))));
  // IPv6 has no identification; on a fast network it comes within a millisecond.
  bench.look(0, tcp_datagram(v6, segment(ack, 1, 100)));
  CHECK(!bench.is_copy(0.5, tcp_datagram(v6, segment(ack, 1, 100))));
}

TEST_CASE("duplicate acknowledgments are no copies, whatever their identification",
          "[dissectors]") {
  Bench bench;
  const Octets pure = tcp_datagram({.identification = 1}, segment(ack, 1));
  for (int i = 0; i < 6; ++i) CHECK(!bench.is_copy(0.2 * i, pure));
  // Seen on two interfaces, each of them has one copy.
  const Octets both = tcp_datagram(v6, segment(ack, 1));
  for (int i = 0; i < 6; ++i) {
    CHECK(!bench.is_copy(100 + 0.2 * i, both));
    CHECK(bench.is_copy(100.1 + 0.2 * i, both, {.interface = 1}));
  }
}

TEST_CASE("the pieces of a datagram are no copies of each other, however alike", "[dissectors]") {
  for (const Header& whole : {Header{}, v6}) {
    Bench bench;
    for (std::uint32_t at = 0; at < 5; ++at) {
      Header header = whole;
      header.identification = 9;
      header.offset = at * 64;
      header.more = at < 4;
      const Octets piece = test::ip_datagram(header, Octets(64));
      CHECK(!bench.is_copy(0.1 * at, piece));
      CHECK(bench.is_copy(0.1 * at + 0.05, piece));
    }
  }
}

TEST_CASE("a capture that copies everything is recognised at its first SYN", "[dissectors]") {
  Bench bench;
  CHECK(!bench.is_copy(0, tcp_datagram(v6, segment(syn, 0))));
  bench.look(0.1, tcp_datagram(v6, segment(syn, 0)));
  CHECK(!bench.is_copy(20, tcp_datagram(v6, segment(ack, 1, 50))));
  CHECK(bench.is_copy(20.1, tcp_datagram(v6, segment(ack, 1, 50))));
  CHECK(!bench.is_copy(21, tcp_datagram(v6, segment(ack, 51))));
  CHECK(bench.is_copy(21.1, tcp_datagram(v6, segment(ack, 51))));
}

TEST_CASE("a tunnel seen inside and outside carries one conversation", "[dissectors]") {
  Bench bench;
  const CapturePlace outside{.tunnel = 77, .depth = 1};
  const Octets syn_out = tcp_datagram({.identification = 1}, segment(syn, 0));
  const Octets data_back =
      tcp_datagram({.source = "198.51.100.1", .destination = "192.0.2.1", .identification = 2},
                   segment(ack, 1, 10));
  SECTION("inside first") {
    CHECK(!bench.is_copy(0, syn_out));
    CHECK(bench.is_copy(0.1, syn_out, outside));
  }
  SECTION("outside first") {
    CHECK(bench.look(0, syn_out, outside).tunnel == 77);
    // Not dropped: what follows is tracked here, and would miss its beginning.
    const Duplicates::Verdict inside = bench.look(0.1, syn_out);
    CHECK(!inside.is_copy);
    CHECK(inside.tunnel == 0);
  }
  const Duplicates::Verdict back = bench.look(5, data_back, outside);
  CHECK(!back.is_copy);
  CHECK(back.tunnel == 0);
  CHECK(bench.is_copy(5.1, data_back));
}

}  // namespace wirefault
