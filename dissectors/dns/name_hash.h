// Quick hashes of domain names and questions, for maps: the same for names that differ in case
// only. Unkeyed: what is found with them must not depend on a seed.
#pragma once

#include "dissectors/dns/message.h"

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

inline std::uint64_t hash_of(const dns::Question& question) {
  QuickHash hash;
  hash.add(std::uint64_t{static_cast<std::uint16_t>(question.type)} << 16 | question.klass,
           question.name.size());
  add_to(hash, question.name);
  return hash.value();
}

}  // namespace wirefault
