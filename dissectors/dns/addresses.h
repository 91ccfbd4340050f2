// The addresses that a response gives for one name: any of them will do for whoever asked. RFC
// 1035, section 3.4.1; RFC 3596, section 2.2.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dissectors/dns/message.h"

namespace wirefault::dns {

struct AddressSet {
  // More than fit an answer of 512 octets by much are of use to nobody.
  static constexpr std::size_t most = 8;

  std::span<const IpAddress> all() const& { return {addresses.data(), count}; }
  std::span<const IpAddress> all() const&& = delete;  // of what is gone by then

  std::array<IpAddress, most> addresses{};
  std::size_t count = 0;  // the rest is left out
};

// Of the answer section. Empty where the response cannot be read so far.
AddressSet addresses_of(const Message& response);

}  // namespace wirefault::dns
