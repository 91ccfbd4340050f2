#include "dissectors/link/arp.h"

#include <algorithm>

namespace wirefault::link {
namespace {

constexpr std::size_t size = 28;
constexpr std::uint16_t ipv4 = 0x0800;

MacAddress mac_at(Bytes bytes) {
  MacAddress address;
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

}  // namespace

Parsed<Arp> Arp::parse(const Payload& carried) {
  if (carried.bytes.size() < size) return carried.lack(size, Flaw::arp_size);
  const Bytes bytes = carried.bytes;
  if (be16(&bytes[2]) != ipv4 || bytes[4] != 6 || bytes[5] != 4) return Flaw::arp_size;
  Parsed<Arp> parsed;
  parsed->operation = be16(&bytes[6]);
  parsed->sender_mac = mac_at(bytes.subspan(8, 6));
  parsed->sender_ip = IpAddress::v4(&bytes[14]);
  parsed->target_mac = mac_at(bytes.subspan(18, 6));
  parsed->target_ip = IpAddress::v4(&bytes[24]);
  return parsed;
}

}  // namespace wirefault::link
