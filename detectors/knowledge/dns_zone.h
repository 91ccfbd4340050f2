// Which zone a name most likely belongs to, where no NS or SOA record has told.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

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

// Below in-addr.arpa or ip6.arpa: RFC 1035, section 3.5, and RFC 3596, section 2.5.
inline bool is_reverse(const Name& name) {
  static const Name v4 = *Name::parse("in-addr.arpa");
  static const Name v6 = *Name::parse("ip6.arpa");
  return name.is_subdomain_of(v4) || name.is_subdomain_of(v6);
}

// Reverse names of addresses that no public server knows: RFC 6303, sections 4.1 to 4.5.
inline bool is_private_reverse(const Name& name) {
  static const std::vector<Name> zones = [] {
    std::vector<Name> made;
    const auto add = [&made](const std::string& text) { made.push_back(*Name::parse(text)); };
    for (const char* const text :
         {"10.in-addr.arpa", "168.192.in-addr.arpa", "254.169.in-addr.arpa", "127.in-addr.arpa",
          "0.in-addr.arpa", "d.f.ip6.arpa", "c.f.ip6.arpa"}) {
      add(text);
    }
    for (int octet = 16; octet < 32; ++octet) add(std::to_string(octet) + ".172.in-addr.arpa");
    for (const char digit : {'8', '9', 'a', 'b'}) add(std::string{digit} + ".e.f.ip6.arpa");
    return made;
  }();
  return std::any_of(zones.begin(), zones.end(),
                     [&](const Name& zone) { return name.is_subdomain_of(zone); });
}

}  // namespace wirefault::dns
