// A quick hash of domain names, for maps: the same for names that differ in case only.
#pragma once

#include "dissectors/dns/name.h"

namespace wirefault {

inline void add_to(QuickHash& hash, const dns::Name& name) {
  // Sets the bit that tells lower case from upper in every octet: that some other octets get alike
  // as well does no harm to a hash.
  constexpr std::uint64_t lower_case = 0x2020202020202020;
  using hash_detail::word;
  const std::uint8_t* at = name.wire().data();
  std::size_t left = name.size();
  for (; left > 16; left -= 16, at += 16) {
    hash.add(word(at, 8) | lower_case, word(at + 8, 8) | lower_case);
  }
  if (left >= 8) {
    hash.add(word(at, 8) | lower_case, word(at + left - 8, 8) | lower_case);
  } else {
    hash.add(word(at, left) | lower_case, left);
  }
}

}  // namespace wirefault
