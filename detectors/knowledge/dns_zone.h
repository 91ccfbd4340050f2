// Which zone a name most likely belongs to, where no NS or SOA record has told.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "dissectors/dns/name.h"

namespace wirefault::dns {

// What a registry sells below these is three labels long. A short list on purpose: a guess that is
// one label off only groups names a little more widely.
inline bool is_two_level_suffix(std::string_view suffix) {
  static constexpr std::array<std::string_view, 16> known{
      "ac.uk.", "co.id.",  "co.il.",  "co.in.",  "co.jp.",  "co.kr.",  "co.nz.",  "co.uk.",
      "co.za.", "com.ar.", "com.au.", "com.br.", "com.cn.", "com.mx.", "com.tr.", "org.uk."};
  return std::find(known.begin(), known.end(), suffix) != known.end();
}

// The last two labels, or three below a suffix like co.uk.
inline Name guessed_zone(const Name& name) {
  if (name.label_count() < 3) return name.suffix(2);
  return name.suffix(is_two_level_suffix(name.suffix(2).to_string()) ? 3 : 2);
}

}  // namespace wirefault::dns
