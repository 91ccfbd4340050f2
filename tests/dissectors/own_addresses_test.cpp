#include "dissectors/own_addresses.h"

#include "tests/support/catch.h"

namespace wirefault::test {
namespace {

constexpr std::array<std::uint8_t, 4> sender{192, 0, 2, 1};
constexpr std::array<std::uint8_t, 4> receiver{198, 51, 100, 1};

// c0 00 + 02 01 + c6 33 + 64 01 + protocol 17 + length 20.
constexpr std::uint16_t pseudo_header_sum = 0xec5b;

// A UDP datagram of 20 octets.
struct Sent {
  std::uint16_t checksum = pseudo_header_sum;
  std::uint8_t hop_limit = 64;
  Direction direction = Direction::unknown;
};

std::vector<std::string> after(const std::vector<Sent>& packets) {
  OwnAddresses own;
  for (const Sent& packet : packets) {
    std::array<std::uint8_t, 20> bytes{};
    bytes[6] = static_cast<std::uint8_t>(packet.checksum >> 8);
    bytes[7] = static_cast<std::uint8_t>(packet.checksum & 0xff);
    ip::Datagram datagram;
    datagram.source = IpAddress::v4(sender.data());
    datagram.destination = IpAddress::v4(receiver.data());
    datagram.protocol = ip::protocol::udp;
    datagram.hop_limit = packet.hop_limit;
    datagram.payload = {Bytes{bytes.data(), bytes.size()}, 20};
    own.see(datagram, packet.direction);
  }
  std::vector<std::string> found;
  for (const IpAddress& address : own.found()) found.push_back(address.to_string());
  return found;
}

const std::vector<std::string> ours{"192.0.2.1"};

TEST_CASE("what the capture says was sent here was", "[dissectors][own-addresses]") {
  CHECK(after({{0x1234, 64, Direction::outbound}}) == ours);
  CHECK(after({{0x1234, 64, Direction::inbound}}).empty());
  CHECK(after({{0x1234, 64, Direction::unknown}}).empty());
  SECTION("unless it was only passed on") {
    CHECK(after({{0x1234, 63, Direction::outbound}}).empty());
  }
}

TEST_CASE("a checksum that nobody has computed yet is the sender's",
          "[dissectors][own-addresses]") {
  CHECK(after({{}, {}}) == ours);
  SECTION("one may be chance") {
    CHECK(after({{}}).empty());
  }
  SECTION("as may be few among many sound ones") {
    CHECK(after({{}, {}, {0x1234}, {0x1234}}) == ours);
    CHECK(after({{}, {}, {0x1234}, {0x1234}, {0x1234}}).empty());
  }
  SECTION("on a virtual wire it may reach the other end, but not through a router") {
    CHECK(after({{pseudo_header_sum, 63}, {pseudo_header_sum, 63}}).empty());
  }
  SECTION("a computed one is its complement") {
    CHECK(after({{0x13a4}, {0x13a4}}).empty());
  }
}

TEST_CASE("late packets are looked at now and then", "[dissectors][own-addresses]") {
  std::vector<Sent> packets(6000, Sent{0x1234});
  packets.resize(6000 + 200);
  CHECK(after(packets) == ours);
}

}  // namespace
}  // namespace wirefault::test
