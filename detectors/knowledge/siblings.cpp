#include "detectors/knowledge/siblings.h"

#include "dissectors/hash.h"

namespace wirefault::dns {

void Siblings::add(const AddressSet& set) {
  if (entries_.empty()) entries_.resize(places);
  for (const IpAddress& address : set.all()) entries_[place_of(address)] = {address, set};
}

// Unkeyed, so that what is forgotten is the same in every run.
std::size_t Siblings::place_of(const IpAddress& address) {
  const auto words = address.words();
  QuickHash hash;
  hash.add(words[0], words[1]);
  return hash.value() % places;
}

std::span<const IpAddress> Siblings::of(const IpAddress& address) const {
  if (entries_.empty()) return {};
  const Entry& entry = entries_[place_of(address)];
  return entry.address == address ? entry.set.all() : std::span<const IpAddress>{};
}

}  // namespace wirefault::dns
