#include "capture/recent_packets.h"

#include <algorithm>
#include <vector>

#include "tests/support/catch.h"

namespace wirefault {
namespace {

// As large and as filled as its number says.
std::vector<std::uint8_t> content(std::uint64_t number) {
  return std::vector<std::uint8_t>(number * 37 % 101, static_cast<std::uint8_t>(number));
}

TEST_CASE("the last packets can be found by their numbers, whole", "[capture]") {
  RecentPackets recent{1000};
  for (std::uint64_t number = 1; number <= 500; ++number) {
    const auto bytes = content(number);
    Packet packet;
    packet.ref = PacketRef{0, number};
    packet.bytes = bytes;
    recent.add(packet);
    std::size_t kept_bytes = 0;
    for (std::uint64_t back = 0; back < number; ++back) {
      const auto found = recent.find(PacketRef{0, number - back});
      if (!found) {
        CHECK(kept_bytes > 700);  // what gives way does so for want of room
        break;
      }
      const auto expected = content(number - back);
      REQUIRE(
          std::equal(found->bytes.begin(), found->bytes.end(), expected.begin(), expected.end()));
      kept_bytes += std::max<std::size_t>(expected.size(), 1);
    }
    REQUIRE(kept_bytes <= 1000);
  }
  CHECK_FALSE(recent.find(PacketRef{0, 1}));
  CHECK_FALSE(recent.find(PacketRef{0, 501}));
}

TEST_CASE("a packet out of all proportion is not kept, and costs no other", "[capture]") {
  RecentPackets recent{1000};
  const std::vector<std::uint8_t> small(10);
  const std::vector<std::uint8_t> large(600);
  Packet packet;
  packet.ref = PacketRef{0, 1};
  packet.bytes = small;
  recent.add(packet);
  packet.ref = PacketRef{0, 2};
  packet.bytes = large;
  recent.add(packet);
  CHECK(recent.find(PacketRef{0, 1}));
  CHECK_FALSE(recent.find(PacketRef{0, 2}));
}

}  // namespace
}  // namespace wirefault
