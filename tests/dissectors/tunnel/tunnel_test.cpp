#include "dissectors/tunnel/tunnel.h"

#include "dissectors/link/frame.h"
#include "tests/support/catch.h"
#include "tests/support/octets.h"

using namespace wirefault;
using test::hex;
using test::Octets;
using test::whole;

namespace {

const Octets inner = hex("4500001c 00000000 40110000 0a000001 0a000002 9c40 0035 0008 0000");
const Octets frame = hex("02005e005302 02005e005301 0800") + inner;

Octets number(std::size_t value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value & 0xff)};
}
Octets datagram(std::uint8_t protocol, const Octets& payload, bool is_reply = false) {
  const Octets ends = is_reply ? hex("c0000202 c0000201") : hex("c0000201 c0000202");
  return hex("4500") + number(20 + payload.size()) + hex("00000000 40") + Octets{protocol} +
         hex("0000") + ends + payload;
}
Octets udp(const char* ports, const Octets& payload) {
  return hex(ports) + number(8 + payload.size()) + hex("0000") + payload;
}

// The bytes must outlive the result.
Parsed<std::optional<tunnel::Carried>> open(const Octets& outer, std::uint64_t outer_id = 0) {
  const auto parsed = ip::parse(whole(outer));
  REQUIRE(parsed);
  return tunnel::open(*parsed, outer_id);
}

}  // namespace

TEST_CASE("every tunnel gives up what it carries", "[dissectors]") {
  struct Row {
    const char* text;
    Octets outer;
    bool is_frame;
  };
  const std::vector<Row> rows{
      {"IP in IP", datagram(4, inner), false},
      {"GRE", datagram(47, hex("0000 0800") + inner), false},
      {"GRE 42", datagram(47, hex("2000 0800 0000002a") + inner), false},
      {"GRE 42", datagram(47, hex("b000 0800 abcd0000 0000002a 00000001") + inner), false},
      {"GRE 42", datagram(47, hex("3000 6558 0000002a 00000001") + frame), true},
      {"ERSPAN", datagram(47, hex("0000 88be") + frame), true},
      {"ERSPAN 42", datagram(47, hex("1000 88be 00000001 1000 002a 00000000") + frame), true},
      {"ERSPAN 42", datagram(47, hex("1000 22eb 00000001 2000 002a 00000000 0000 0000") + frame),
       true},
      {"ERSPAN 42",
       datagram(47,
                hex("1000 22eb 00000001 2000 002a 00000000 0000 0001 0000000000000000") + frame),
       true},
      {"VXLAN 42", datagram(17, udp("c350 12b5", hex("08000000 00002a00") + frame)), true},
      {"VXLAN 42", datagram(17, udp("c350 2118", hex("08000000 00002a00") + frame)), true},
      {"Geneve 42", datagram(17, udp("c350 17c1", hex("0000 6558 00002a00") + frame)), true},
      {"Geneve 42", datagram(17, udp("c350 17c1", hex("0100 0800 00002a00 01020304") + inner)),
       false},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto opened = open(row.outer);
    REQUIRE(opened);
    REQUIRE(opened->has_value());
    const tunnel::Carried& carried = **opened;
    CHECK(carried.context.to_string() ==
          std::string{row.text} + " between 192.0.2.1 and 192.0.2.2");
    CHECK(carried.is_frame == row.is_frame);
    const Payload network =
        carried.is_frame ? link::dissect_ethernet(carried.payload)->payload : carried.payload;
    CHECK(ip::parse(network)->source.to_string() == "10.0.0.1");
  }
}

TEST_CASE("IPv6 in IPv4 is a tunnel", "[dissectors]") {
  const Octets six = hex("60000000 0000 3b 40") + test::zeros(32);
  CHECK(open(datagram(41, six))->has_value());
}

TEST_CASE("what is no tunnel is left alone", "[dissectors]") {
  const std::vector<std::pair<const char*, Octets>> rows{
      {"TCP", datagram(6, test::zeros(20))},
      {"GRE with routing", datagram(47, hex("4000 0800 00000000 00000000") + inner)},
      {"GRE of PPTP", datagram(47, hex("2001 880b 0000002a") + inner)},
      {"GRE of something else", datagram(47, hex("0000 8847") + inner)},
      {"VXLAN without an identifier", datagram(17, udp("c350 12b5", test::zeros(8) + frame))},
      {"VXLAN too short for a frame",
       datagram(17, udp("c350 12b5", hex("08000000 00002a00") + test::zeros(13)))},
      {"Geneve of another version",
       datagram(17, udp("c350 17c1", hex("4000 6558 00002a00") + frame))},
      {"Geneve, options beyond its end",
       datagram(17, udp("c350 17c1", hex("3f00 6558 00002a00") + frame))},
      {"another port", datagram(17, udp("12b5 c350", hex("08000000 00002a00") + frame))},
      // A resolver may draw 4789 for its query; the answer is not VXLAN.
      {"DNS response", datagram(17, udp("0035 12b5", hex("08000000 00002a00") + frame))},
      {"UDP length beyond its end",
       datagram(17, hex("c350 12b5 0100 0000 08000000 00002a00") + frame)},
  };
  for (const auto& [what, outer] : rows) {
    INFO(what);
    const auto opened = open(outer);
    REQUIRE(opened);
    CHECK_FALSE(opened->has_value());
  }
}

TEST_CASE("a GRE header that ends early", "[dissectors]") {
  CHECK(open(datagram(47, hex("000008"))).flaw() == Flaw::tunnel_header);
  CHECK(open(datagram(47, hex("2000 0800 000000"))).flaw() == Flaw::tunnel_header);
  const Octets cut = datagram(47, hex("2000 0800 0000002a") + inner);
  const auto parsed = ip::parse({Bytes{cut}.first(27), static_cast<std::uint32_t>(cut.size())});
  CHECK(tunnel::open(*parsed).flaw() == Flaw::cut_short);
}

TEST_CASE("both directions are in one context, other tunnels in others", "[dissectors]") {
  const auto id = [](const Octets& outer, std::uint64_t outer_id = 0) {
    return (**open(outer, outer_id)).context.id();
  };
  const Octets vxlan = udp("c350 12b5", hex("08000000 00002a00") + frame);
  const Octets other = udp("c350 12b5", hex("08000000 00002b00") + frame);
  CHECK(id(datagram(17, vxlan)) == id(datagram(17, vxlan, true)));
  CHECK(id(datagram(17, vxlan)) != id(datagram(17, other)));
  CHECK(id(datagram(17, vxlan)) != id(datagram(17, vxlan), 1));
  CHECK(id(datagram(17, vxlan)) != 0);
  // Fingerprints of findings hold it: never to change.
  CHECK(id(datagram(17, vxlan)) == 0xb0767d9f268bfff2);
}
