#include "dissectors/hash.h"

#include <array>

#include "dissectors/address.h"
#include "tests/support/catch.h"

using namespace wirefault;

// Saved results and samplings of other versions are compared with ours: these values never change.
TEST_CASE("the stable hash is the same for ever", "[dissectors]") {
  CHECK(stable_hash(std::string_view{""}) == 0xe220a8397b1dcdaf);
  CHECK(stable_hash(std::string_view{"a"}) == 0x61ee1be14d221812);
  CHECK(stable_hash(std::string_view{"www.example.com"}) == 0xb6b4c18655022d01);
  CHECK(stable_hash(std::uint64_t{1}) == 0xe4d971771b652c20);
}

// The reference implementation's SipHash-1-3 over 00 01 02 .. with the key 00 01 .. 0f.
TEST_CASE("the keyed hash is SipHash-1-3", "[dissectors]") {
  const HashKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::array<std::uint8_t, 15> input{};
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::uint8_t>(i);
  CHECK(keyed_hash(key, Bytes{input}.first(0)) == 0xabac0158050fc4dc);
  CHECK(keyed_hash(key, Bytes{input}.first(8)) == 0x369095118d299a8e);
  CHECK(keyed_hash(key, Bytes{input}) == 0xd320d86d2a519956);
}

TEST_CASE("the key decides where a value lands", "[dissectors]") {
  const Endpoint endpoint{*IpAddress::parse("192.0.2.1"), 53};
  CHECK(keyed_hash({1, 2}, endpoint) == keyed_hash({1, 2}, endpoint));
  CHECK(keyed_hash({1, 2}, endpoint) != keyed_hash({1, 3}, endpoint));
}
