#include "dissectors/ip/datagram.h"

#include "tests/support/catch.h"
#include "tests/support/octets.h"

using namespace wirefault;
using test::hex;
using test::Octets;
using test::whole;
using test::zeros;

namespace {

const Octets v4_ends = hex("c0000201 c0000235");
const Octets v6_ends = hex("20010db8000000000000000000000001 20010db8000000000000000000000053");

// 20 bytes, with `length` and `fragment` as four hexadecimal digits each.
Octets v4(const char* length, const char* fragment = "0000", const char* first = "45") {
  return hex(first) + hex("00") + hex(length) + hex("1234") + hex(fragment) + hex("40 11 0000") +
         v4_ends;
}
Octets v6(const char* length, const char* next) {
  return hex("6a500000") + hex(length) + hex(next) + hex("3f") + v6_ends;
}

}  // namespace

TEST_CASE("an IPv4 datagram", "[dissectors]") {
  const auto datagram = ip::parse(whole(v4("001c", "4000") + zeros(8)));
  REQUIRE(datagram);
  CHECK(datagram->source.to_string() == "192.0.2.1");
  CHECK(datagram->destination.to_string() == "192.0.2.53");
  CHECK(datagram->protocol == ip::protocol::udp);
  CHECK(datagram->hop_limit == 64);
  CHECK(datagram->has_identification);
  CHECK(datagram->identification == 0x1234);
  CHECK(datagram->dont_fragment);
  CHECK_FALSE(datagram->is_fragment());
  CHECK(datagram->header_length == 20);
  CHECK(datagram->total_length == 28);
  CHECK(datagram->payload.bytes.size() == 8);
  CHECK_FALSE(datagram->is_cut());
}

TEST_CASE("an IPv6 datagram", "[dissectors]") {
  const auto datagram = ip::parse(whole(v6("0008", "11") + zeros(8)));
  REQUIRE(datagram);
  CHECK(datagram->is_v6());
  CHECK(datagram->source.to_string() == "2001:db8::1");
  CHECK(datagram->traffic_class == 0xa5);
  CHECK(datagram->hop_limit == 63);
  CHECK_FALSE(datagram->has_identification);
  CHECK(datagram->total_length == 48);
  CHECK(datagram->payload.length == 8);
}

TEST_CASE("the padding of short Ethernet frames is not part of the datagram", "[dissectors]") {
  const auto datagram = ip::parse(whole(v4("001d") + zeros(26)));
  REQUIRE(datagram);
  CHECK(datagram->payload.length == 9);
  CHECK(datagram->payload.bytes.size() == 9);
  CHECK(datagram->raw.size() == 29);
}

TEST_CASE("cut by us and malformed by them are different", "[dissectors]") {
  struct Row {
    const char* what;
    Octets bytes;
    std::uint32_t length;  // on the wire; 0: as captured
    Flaw flaw;
  };
  const std::vector<Row> rows{
      {"nothing", {}, 0, Flaw::ip_header_length},
      {"nothing captured", {}, 20, Flaw::cut_short},
      {"version 5", hex("50") + zeros(39), 0, Flaw::ip_version},
      {"19 bytes of 19", Octets(19, 0x45), 0, Flaw::ip_header_length},
      {"19 bytes of 20", Octets(19, 0x45), 20, Flaw::cut_short},
      {"header length 4 words", v4("001c", "0000", "44") + zeros(8), 0, Flaw::ip_header_length},
      {"total length below the header", v4("0013"), 0, Flaw::ip_total_length},
      {"total length below the options", v4("0017", "0000", "46") + zeros(4), 0,
       Flaw::ip_total_length},
      {"just the options", v4("0018", "0000", "46") + zeros(4), 0, Flaw::none},
      {"options cut", v4("0018", "0000", "46"), 24, Flaw::none},
      {"39 bytes of IPv6", hex("60") + zeros(38), 0, Flaw::ip_header_length},
      {"39 bytes of IPv6, cut", hex("60") + zeros(38), 40, Flaw::cut_short},
      {"extension beyond the payload", v6("0004", "00") + zeros(8), 0, Flaw::ip_total_length},
      {"extension longer than the payload", v6("0008", "00") + hex("1101") + zeros(6), 0,
       Flaw::ip_total_length},
      {"extension cut", v6("0010", "00") + hex("1101") + zeros(6), 56, Flaw::cut_short},
      {"middle fragment of 9 bytes", v4("001d", "2000") + zeros(9), 0, Flaw::fragment_unaligned},
      {"last fragment of 9 bytes", v4("001d", "0001") + zeros(9), 0, Flaw::none},
      {"fragment that ends at 65535", v4("001b", "1fff") + zeros(7), 0, Flaw::none},
      {"fragment that ends beyond", v4("001c", "1fff") + zeros(8), 0, Flaw::fragment_oversize},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const test::Exact exact{row.bytes};
    const Bytes bytes = exact;
    const auto length = std::max(row.length, static_cast<std::uint32_t>(bytes.size()));
    CHECK(ip::parse({bytes, length}).flaw() == row.flaw);
  }
}

TEST_CASE("a datagram cut by the snap length keeps its claims", "[dissectors]") {
  const Octets bytes = v4("05dc") + zeros(40);
  const auto datagram = ip::parse({bytes, 1500});
  REQUIRE(datagram);
  CHECK(datagram->is_cut());
  CHECK_FALSE(datagram->exceeds_frame);
  CHECK(datagram->total_length == 1500);
  CHECK(datagram->payload.length == 1480);
  CHECK(datagram->payload.bytes.size() == 40);
}

TEST_CASE("a claim beyond the frame is told apart from our cut", "[dissectors]") {
  const auto datagram = ip::parse(whole(v4("05dc") + zeros(40)));
  REQUIRE(datagram);
  CHECK(datagram->exceeds_frame);
  CHECK(datagram->is_cut());
}

TEST_CASE("offloaded segments have the length of their frame", "[dissectors]") {
  const Octets large = v4("0000") + zeros(3000);
  const auto datagram = ip::parse(whole(large));
  REQUIRE(datagram);
  CHECK(datagram->has_offloaded_length);
  CHECK(datagram->total_length == 3020);
  CHECK(datagram->payload.length == 3000);

  CHECK(ip::parse(whole(v6("0000", "06") + zeros(3000)))->payload.length == 3000);
  // Short frames are padded: there a zero is a zero.
  CHECK(ip::parse(whole(v6("0000", "3b") + zeros(6)))->payload.length == 0);
}

TEST_CASE("extension headers are walked to what they carry", "[dissectors]") {
  const Octets chain = hex("2b00 000000000000")              // hop by hop, then routing
                       + hex("3c00 000000000000")            // routing, then destination options
                       + hex("3300 000000000000")            // destination options, then AH
                       + hex("1101 000000000000 00000000");  // AH of 12 bytes, then UDP
  const auto datagram = ip::parse(whole(v6("002c", "00") + chain + zeros(8)));
  REQUIRE(datagram);
  CHECK(datagram->protocol == ip::protocol::udp);
  CHECK(datagram->header_length == 40 + 36);
  CHECK(datagram->payload.length == 8);

  // ESP hides what follows.
  CHECK(ip::parse(whole(v6("0008", "32") + zeros(8)))->protocol == ip::protocol::esp);
  // AH in IPv4.
  Octets authenticated = v4("0028") + hex("0604 0000") + zeros(20);
  authenticated[9] = ip::protocol::authentication;
  CHECK(ip::parse(whole(authenticated)).flaw() == Flaw::ip_total_length);
  authenticated[21] = 3;
  CHECK(ip::parse(whole(authenticated))->protocol == ip::protocol::tcp);
}

TEST_CASE("eight extension headers are read, a ninth is a loop", "[dissectors]") {
  const auto chain = [](int count) {
    Octets bytes;
    for (int i = 1; i < count; ++i) bytes = bytes + hex("3c00 000000000000");
    return bytes + hex("1100 000000000000") + zeros(8);
  };
  CHECK(ip::parse(whole(v6("0048", "3c") + chain(8)))->protocol == ip::protocol::udp);
  CHECK(ip::parse(whole(v6("0050", "3c") + chain(9))).flaw() == Flaw::ip6_extension_loop);
}

TEST_CASE("fragments of either version look alike", "[dissectors]") {
  const auto v4_fragment = ip::parse(whole(v4("0024", "2003") + zeros(16)));
  REQUIRE(v4_fragment);
  CHECK(v4_fragment->is_fragment());
  CHECK(v4_fragment->fragment_offset == 24);
  CHECK(v4_fragment->more_fragments);

  const auto v6_fragment =
      ip::parse(whole(v6("0018", "2c") + hex("1100 0019 deadbeef") + zeros(16)));
  REQUIRE(v6_fragment);
  CHECK(v6_fragment->fragment_offset == 24);
  CHECK(v6_fragment->more_fragments);
  CHECK(v6_fragment->has_identification);
  CHECK(v6_fragment->identification == 0xdeadbeef);
  CHECK(v6_fragment->protocol == ip::protocol::udp);
  CHECK(v6_fragment->payload.length == 16);

  // RFC 6946: a fragment header over a whole datagram.
  const auto atomic = ip::parse(whole(v6("0010", "2c") + hex("1100 0000 deadbeef") + zeros(8)));
  CHECK_FALSE(atomic->is_fragment());
  CHECK(atomic->has_identification);
}

TEST_CASE("a reassembled datagram is walked on from where its fragments stopped", "[dissectors]") {
  const Octets options = hex("1100 000000000000");
  const auto first =
      ip::parse(whole(v6("0018", "2c") + hex("3c00 0001 deadbeef") + options + zeros(8)));
  REQUIRE(first);
  CHECK(first->protocol == ip::protocol::destination_options);
  const Octets together = options + zeros(100);
  const auto datagram = ip::after_reassembly(*first, whole(together));
  REQUIRE(datagram);
  CHECK_FALSE(datagram->is_fragment());
  CHECK(datagram->protocol == ip::protocol::udp);
  CHECK(datagram->payload.length == 100);
  CHECK(datagram->total_length == 40 + 8 + 108);
}

TEST_CASE("the checksum of a sound header is zero", "[dissectors]") {
  CHECK(ip::checksum(hex("45000073 00004000 4011b861 c0a80001 c0a800c7")) == 0);
  CHECK(ip::checksum(hex("45000073 00004000 40110000 c0a80001 c0a800c7")) == 0xb861);
  CHECK(ip::checksum(hex("01")) == 0xfeff);
}
