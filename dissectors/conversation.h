// Who talks with whom: the same for both directions, so that both find the same table entry.
#pragma once

#include <array>
#include <cstdint>

#include "dissectors/address.h"
#include "dissectors/hash.h"

namespace wirefault {

// Which end is `low` means nothing.
struct Conversation {
  Endpoint low;
  Endpoint high;
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel

  Conversation() = default;
  Conversation(const Endpoint& a, const Endpoint& b, std::uint64_t in_tunnel)
      : Conversation{std::array{&a, &b}, precedes(a, b), in_tunnel} {}
  friend bool operator==(const Conversation&, const Conversation&) = default;

  std::uint64_t hash(const HashKey& key) const {
    const auto a = low.address.words();
    const auto b = high.address.words();
    return keyed_hash(key,
                      std::array{a[0], a[1], b[0], b[1], tail(low) << 32 | tail(high), tunnel});
  }

 private:
  // No branch: in a flood each would be a coin toss.
  Conversation(const std::array<const Endpoint*, 2>& ends, bool in_order, std::uint64_t in_tunnel)
      : low{*ends[in_order ? 0 : 1]}, high{*ends[in_order ? 1 : 0]}, tunnel{in_tunnel} {}

  // Version and port.
  static std::uint64_t tail(const Endpoint& end) {
    return std::uint64_t{end.address.is_v6()} << 16 | end.port;
  }
  // Some order, and a quick one: this is done for every packet.
  static bool precedes(const Endpoint& a, const Endpoint& b) {
    const auto left = a.address.words();
    const auto right = b.address.words();
    const bool last = tail(a) < tail(b);
    // In variables: clang takes the bits of two calls for a mistake.
    const bool lower = left[1] < right[1];
    const bool alike = left[1] == right[1];
    const bool rest = lower | (alike & last);
    const bool first_lower = left[0] < right[0];
    const bool first_alike = left[0] == right[0];
    return first_lower | (first_alike & rest);
  }
};

}  // namespace wirefault
