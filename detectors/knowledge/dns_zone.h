// Which zone a name most likely belongs to, where no NS or SOA record has told.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "dissectors/dns/name.h"

namespace wirefault::dns {

// What a registry sells below these is three labels long. A short list on purpose: a guess that is
// one label off only groups names a little more widely.
inline bool is_two_level_suffix(const Name& suffix) {
  constexpr std::size_t longest = 8;  // octets on the wire, of those below
  if (suffix.size() > longest) return false;
  static const std::array<Name, 16> known = [] {
    constexpr std::array<std::string_view, 16> texts{
        "ac.uk", "co.id",  "co.il",  "co.in",  "co.jp",  "co.kr",  "co.nz",  "co.uk",
        "co.za", "com.ar", "com.au", "com.br", "com.cn", "com.mx", "com.tr", "org.uk"};
    std::array<Name, 16> names;
    for (std::size_t i = 0; i < texts.size(); ++i) names[i] = *Name::parse(texts[i]);
    return names;
  }();
  return std::find(known.begin(), known.end(), suffix) != known.end();
}

// The last two labels, or three below a suffix like co.uk.
inline Name guessed_zone(const Name& name) {
  const auto labels = name.last_labels();
  const Name two = name.from(labels[1]);
  return is_two_level_suffix(two) ? name.from(labels[2]) : two;
}

}  // namespace wirefault::dns
