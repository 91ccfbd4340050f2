// ARP over Ethernet for IPv4, RFC 826. A view: owns nothing.
#pragma once

#include "dissectors/address.h"
#include "dissectors/link/frame.h"

namespace wirefault::link {

struct Arp {
  static constexpr std::uint16_t request = 1;
  static constexpr std::uint16_t reply = 2;

  std::uint16_t operation = 0;  // any value; those two are what matters
  MacAddress sender_mac;
  IpAddress sender_ip;
  MacAddress target_mac;  // meaningless in a request
  IpAddress target_ip;

  // RFC 5227: a probe asks whether anyone has an address that the sender does not use yet, and
  // hopes for silence; an announcement says that the sender uses it now.
  bool is_probe() const { return operation == request && sender_ip.is_unspecified(); }
  bool is_announcement() const { return sender_ip == target_ip; }

  // arp_size when it is not of six-byte and four-byte addresses.
  static Parsed<Arp> parse(const Payload& carried);
};

}  // namespace wirefault::link
