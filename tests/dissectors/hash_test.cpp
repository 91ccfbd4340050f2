#include "dissectors/hash.h"

#include <algorithm>
#include <array>
#include <vector>

#include "dissectors/conversation.h"
#include "tests/support/catch.h"

using namespace wirefault;

// Saved results and samplings of other versions are compared with ours: these values never change.
TEST_CASE("the stable hash is the same for ever", "[dissectors]") {
  CHECK(stable_hash(std::string_view{""}) == 0xe220a8397b1dcdaf);
  CHECK(stable_hash(std::string_view{"a"}) == 0x61ee1be14d221812);
  CHECK(stable_hash(std::string_view{"www.example.com"}) == 0xb6b4c18655022d01);
  CHECK(stable_hash(std::uint64_t{1}) == 0xe4d971771b652c20);
}

TEST_CASE("the key decides where a value lands", "[dissectors]") {
  const std::array<std::uint64_t, 2> value{1, 2};
  CHECK(keyed_hash({1, 2}, value) == keyed_hash({1, 2}, value));
  CHECK(keyed_hash({1, 2}, value) != keyed_hash({1, 3}, value));
  CHECK(keyed_hash({1, 2}, value) != keyed_hash({2, 2}, value));
}

// What a flood sends: addresses and ports that differ in few bits, all to one place. In a table
// half full of random hashes, the fullest of 65,536 places holds about 7.
TEST_CASE("conversations that are much alike spread over a table", "[dissectors]") {
  const HashKey key{3, 4};
  const Endpoint server{*IpAddress::parse("192.0.2.1"), 443};
  std::vector<int> places(65536);
  for (std::uint32_t i = 0; i < 32768; ++i) {
    const std::array<std::uint8_t, 4> source{198, 18, static_cast<std::uint8_t>(i >> 8 & 0x7f),
                                             static_cast<std::uint8_t>(i & 0xff)};
    const Endpoint client{IpAddress::v4(source.data()), static_cast<std::uint16_t>(1024 + i % 7)};
    const auto there = Conversation{client, server, 0};
    const auto back = Conversation{server, client, 0};
    REQUIRE(there == back);
    ++places[there.hash(key) % places.size()];
  }
  CHECK(*std::max_element(places.begin(), places.end()) <= 12);
  CHECK(std::count(places.begin(), places.end(), 0) < 65536 * 62 / 100);  // 1/sqrt(e) is 60.7 %
}
