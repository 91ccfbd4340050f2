// Which addresses belong to one name, as DNS responses in this capture had it: a client that was
// given several turns from one to the next.
//
// Blind spots: what was asked before the capture, over TLS, or in two questions (A and AAAA); and
// where so many names are looked up that the first are forgotten.
#pragma once

#include <span>
#include <vector>

#include "dissectors/dns/addresses.h"

namespace wirefault::dns {

class Siblings {
 public:
  void add(const AddressSet& set);
  // All that were last given together with `address`, itself among them; empty where none were.
  std::span<const IpAddress> of(const IpAddress& address) const;

 private:
  // Names that a network uses at a time; each takes a place per address, whoever was there before.
  static constexpr std::size_t places = 2048;

  struct Entry {
    IpAddress address;
    AddressSet set;
  };

  static std::size_t place_of(const IpAddress& address);

  std::vector<Entry> entries_;  // made with the first
};

}  // namespace wirefault::dns
