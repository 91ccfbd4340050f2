// Names as a resolver library makes them of what a user typed: www and www.corp.example. after the
// search list was applied. All of them are one action.
#pragma once

#include <algorithm>

#include "dissectors/address.h"
#include "dissectors/dns/name.h"

namespace wirefault::dns {

// Lookups of one action start within this time. Measured with glibc: A and AAAA leave together, a
// whole round of SERVFAILs takes 84 ms.
constexpr Duration action_time = std::chrono::seconds{2};

inline std::uint8_t folded(std::uint8_t octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<std::uint8_t>(octet | 0x20) : octet;
}

// Equal, or one continues the other.
inline bool continues(const Name& a, const Name& b) {
  const Name& shorter = a.size() <= b.size() ? a : b;
  const Name& longer = a.size() <= b.size() ? b : a;
  if (shorter.is_root()) return longer.is_root();
  const int extra = longer.label_count() - shorter.label_count();
  if (extra < 0) return false;
  // The leading labels of the longer name are what is left without its last `extra` labels.
  const Bytes head = longer.wire().first(shorter.size() - 1);
  return std::equal(head.begin(), head.end(), shorter.wire().begin(),
                    [](std::uint8_t x, std::uint8_t y) { return folded(x) == folded(y); });
}

}  // namespace wirefault::dns
