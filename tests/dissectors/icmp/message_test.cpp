#include "dissectors/icmp/message.h"

#include "dissectors/dns/message.h"
#include "tests/support/catch.h"
#include "tests/support/octets.h"

using namespace wirefault;
using icmp::ErrorKind;
using test::hex;
using test::Octets;
using test::whole;

namespace {

const Octets query =
    hex("1234 0100 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d00 0001 0001");
const Octets udp_header = hex("9c40 0035 0029 0000");
// Says that the original datagram had 61 bytes.
const Octets v4_header = hex("4500003d 00070000 40110000 c0000201 c0000235");
const Octets v6_ends = hex("20010db8000000000000000000000001 20010db8000000000000000000000053");

Parsed<icmp::Message> v4(const char* header, const Octets& body = {}) {
  static Octets bytes;
  bytes = hex(header) + body;
  return icmp::Message::parse(whole(bytes), false);
}
Parsed<icmp::Message> v6(const char* header, const Octets& body = {}) {
  static Octets bytes;
  bytes = hex(header) + body;
  return icmp::Message::parse(whole(bytes), true);
}

}  // namespace

TEST_CASE("errors of both versions mean the same", "[dissectors]") {
  struct Row {
    bool is_v6;
    const char* type_and_code;
    ErrorKind kind;
  };
  const std::vector<Row> rows{
      {false, "0300", ErrorKind::net_unreachable},
      {false, "0301", ErrorKind::host_unreachable},
      {false, "0302", ErrorKind::protocol_unreachable},
      {false, "0303", ErrorKind::port_unreachable},
      {false, "0304", ErrorKind::fragmentation_needed},
      {false, "0305", ErrorKind::other_unreachable},
      {false, "0306", ErrorKind::net_unreachable},
      {false, "0307", ErrorKind::host_unreachable},
      {false, "0308", ErrorKind::host_unreachable},
      {false, "0309", ErrorKind::admin_prohibited},
      {false, "030a", ErrorKind::admin_prohibited},
      {false, "030b", ErrorKind::net_unreachable},
      {false, "030c", ErrorKind::host_unreachable},
      {false, "030d", ErrorKind::admin_prohibited},
      {false, "030e", ErrorKind::other_unreachable},
      {false, "0401", ErrorKind::other},
      {false, "0501", ErrorKind::redirect},
      {false, "0b00", ErrorKind::ttl_exceeded},
      {false, "0b01", ErrorKind::reassembly_time_exceeded},
      {false, "0c00", ErrorKind::parameter_problem},
      {false, "0800", ErrorKind::none},
      {false, "0000", ErrorKind::none},
      {true, "0100", ErrorKind::net_unreachable},
      {true, "0101", ErrorKind::admin_prohibited},
      {true, "0102", ErrorKind::other_unreachable},
      {true, "0103", ErrorKind::host_unreachable},
      {true, "0104", ErrorKind::port_unreachable},
      {true, "0105", ErrorKind::admin_prohibited},
      {true, "0106", ErrorKind::net_unreachable},
      {true, "0200", ErrorKind::fragmentation_needed},
      {true, "0300", ErrorKind::ttl_exceeded},
      {true, "0301", ErrorKind::reassembly_time_exceeded},
      {true, "0400", ErrorKind::parameter_problem},
      {true, "0401", ErrorKind::protocol_unreachable},
      {true, "8000", ErrorKind::none},
      {true, "8900", ErrorKind::redirect},
  };
  for (const Row& row : rows) {
    INFO(row.is_v6 << " " << row.type_and_code);
    const Octets bytes = hex(row.type_and_code) + test::zeros(6);
    CHECK(icmp::Message::parse(whole(bytes), row.is_v6)->error == row.kind);
  }
}

TEST_CASE("fields of the second word", "[dissectors]") {
  CHECK(v4("0304 0000 0000 0578")->mtu() == 1400);
  CHECK(v4("0304 0000 ffff 0578")->mtu() == 1400);  // the first half was unused before RFC 1191
  CHECK(v6("0200 0000 00000500")->mtu() == 1280);
  CHECK(v4("0501 0000 c00002fe")->gateway().to_string() == "192.0.2.254");
  CHECK(v6("8900 0000 00000000", hex("fe800000000000000000000000000002"))->gateway().to_string() ==
        "fe80::2");
  CHECK(v4("0800 0000 1234 0007")->is_echo_request());
  CHECK(v4("0800 0000 1234 0007")->echo_id() == 0x1234);
  CHECK(v4("0800 0000 1234 0007")->echo_sequence() == 7);
  CHECK(v6("8100 0000 1234 0007")->is_echo_reply());
  CHECK_FALSE(v4("0800 0000 1234 0007")->quote());
}

TEST_CASE("a quoted UDP datagram shows its ports and the DNS question in it", "[dissectors]") {
  const auto message = v4("0303 0000 00000000", v4_header + udp_header + query);
  REQUIRE(message);
  const auto quote = message->quote();
  REQUIRE(quote);
  CHECK(quote->datagram.source.to_string() == "192.0.2.1");
  CHECK(quote->datagram.identification == 7);
  CHECK(quote->has_ports);
  CHECK(quote->source_port == 40000);
  CHECK(quote->destination_port == 53);
  const auto dns = dns::Message::parse(quote->udp_payload);
  REQUIRE(dns);
  CHECK(dns->id() == 0x1234);
  CHECK(dns->question()->name.to_string() == "www.example.com.");
}

TEST_CASE("eight bytes of transport are enough, fewer are not a quote", "[dissectors]") {
  const auto quote = v4("0303 0000 00000000", v4_header + udp_header)->quote();
  REQUIRE(quote);
  CHECK(quote->has_ports);
  CHECK(quote->datagram.total_length == 61);
  CHECK(quote->datagram.is_cut());
  CHECK(quote->udp_payload.length == 33);
  CHECK(quote->udp_payload.bytes.empty());

  for (std::size_t size = 0; size < 28; ++size) {
    const Octets all = hex("0303 0000 00000000") + v4_header + udp_header;
    const test::Exact exact{Bytes{all}.first(8 + size)};
    const Bytes bytes = exact;
    CHECK(icmp::Message::parse(whole(bytes), false)->quote().flaw() == Flaw::icmp_quote);
    CHECK(icmp::Message::parse({bytes, 36}, false)->quote().flaw() == Flaw::cut_short);
  }
}

TEST_CASE("a quoted TCP segment shows its sequence number", "[dissectors]") {
  Octets header = v4_header;
  header[9] = ip::protocol::tcp;
  const auto quote = v4("0304 0000 0000 0578", header + hex("9c40 01bb 0000004d"))->quote();
  REQUIRE(quote);
  CHECK(quote->has_sequence);
  CHECK(quote->sequence == 77);
  CHECK(quote->destination_port == 443);
}

TEST_CASE("later fragments are quoted without ports", "[dissectors]") {
  Octets header = v4_header;
  header[7] = 100;
  const auto quote = v4("0b01 0000 00000000", header + udp_header)->quote();
  REQUIRE(quote);
  CHECK(quote->datagram.fragment_offset == 800);
  CHECK_FALSE(quote->has_ports);
}

TEST_CASE("ICMPv6 quotes through extension headers and in redirects", "[dissectors]") {
  const Octets first_fragment =
      hex("60000000 05b0 2c 40") + v6_ends + hex("1100 0001 00000063") + udp_header + query;
  const auto quote = v6("0200 0000 00000500", first_fragment)->quote();
  REQUIRE(quote);
  CHECK(quote->datagram.identification == 99);
  CHECK(quote->datagram.more_fragments);
  CHECK(quote->destination_port == 53);

  const Octets datagram = hex("60000000 0008 11 40") + v6_ends + udp_header;
  const Octets redirect = test::zeros(32) + hex("0201 02005e005301") +  // an address option first
                          hex("0408 000000000000") + datagram;
  const auto redirected = v6("8900 0000 00000000", redirect)->quote();
  REQUIRE(redirected);
  CHECK(redirected->source_port == 40000);
  // An option of length 0 would never end.
  CHECK(v6("8900 0000 00000000", test::zeros(48))->quote().flaw() == Flaw::icmp_quote);
}

TEST_CASE("seven bytes are no ICMP message", "[dissectors]") {
  const Octets bytes = test::zeros(7);
  CHECK(icmp::Message::parse(whole(bytes), false).flaw() == Flaw::icmp_short);
  CHECK(icmp::Message::parse({bytes, 8}, true).flaw() == Flaw::cut_short);
}
