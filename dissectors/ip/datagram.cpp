#include "dissectors/ip/datagram.h"

#include <fmt/format.h>

#include <algorithm>

namespace wirefault::ip {
namespace {

constexpr std::size_t v4_header_size = 20;
constexpr std::size_t v6_header_size = 40;

// RFC 8200 section 4.1 lists six in the order they should come, one of them twice.
constexpr int max_extension_headers = 8;

// Longer than any frame of an ordinary link: a zero length field above this is offload, not
// padding.
constexpr std::uint32_t ordinary_frame = 1500;

bool is_extension(std::uint8_t protocol) {
  return protocol == protocol::hop_by_hop || protocol == protocol::routing ||
         protocol == protocol::fragment || protocol == protocol::destination_options ||
         protocol == protocol::authentication;
}

// RFC 8200 section 4.2 counts in 8 bytes beyond the first 8, RFC 4302 section 2.2 in 4 bytes
// less 2.
std::size_t extension_length(std::uint8_t protocol, std::uint8_t length) {
  if (protocol == protocol::fragment) return 8;
  if (protocol == protocol::authentication) return (std::size_t{length} + 2) * 4;
  return (std::size_t{length} + 1) * 8;
}

// Moves from `datagram.protocol` and `payload` to what the extension headers carry. Stops at a
// fragment: only the whole datagram can be read on.
Flaw walk_extensions(Datagram& datagram) {
  const std::uint32_t start = datagram.payload.length;
  for (int count = 0; is_extension(datagram.protocol); ++count) {
    // In IPv4 only AH is an extension of the datagram; the other numbers are not used there.
    if (!datagram.is_v6() && datagram.protocol != protocol::authentication) break;
    if (count == max_extension_headers) return Flaw::ip6_extension_loop;
    const Payload& at = datagram.payload;
    if (at.bytes.size() < 8) return at.lack(8, Flaw::ip_total_length);
    const std::uint8_t* header = at.bytes.data();
    const std::size_t length = extension_length(datagram.protocol, header[1]);
    if (at.bytes.size() < length) return at.lack(length, Flaw::ip_total_length);
    if (datagram.protocol == protocol::fragment) {
      datagram.has_identification = true;
      datagram.fragment_offset = be16(header + 2) & 0xfff8u;
      datagram.more_fragments = (header[3] & 1) != 0;
      datagram.identification = be32(header + 4);
    }
    datagram.protocol = header[0];
    datagram.payload = at.after(length);
    if (datagram.is_fragment()) break;
  }
  datagram.header_length += start - datagram.payload.length;
  return Flaw::none;
}

// Takes what the header claims, limited to what the link carried. The header, which ends where
// datagram.header_length says, is all there, and total_length is no less.
void lay_out(Datagram& datagram, const Payload& carried) {
  const std::size_t captured = std::min<std::size_t>(carried.bytes.size(), datagram.total_length);
  const std::size_t header = std::min<std::size_t>(captured, datagram.header_length);
  datagram.exceeds_frame = datagram.total_length > carried.length;
  datagram.raw = {carried.bytes.data(), captured};
  datagram.payload = {{carried.bytes.data() + header, captured - header},
                      datagram.total_length - datagram.header_length};
}

Flaw finish(Datagram& datagram) {
  const bool is_plain = datagram.protocol == protocol::tcp || datagram.protocol == protocol::udp;
  if (is_plain && !datagram.is_fragment()) return Flaw::none;
  if (is_extension(datagram.protocol) && datagram.fragment_offset == 0) {
    if (const Flaw flaw = walk_extensions(datagram); flaw != Flaw::none) return flaw;
  }
  if (datagram.more_fragments && datagram.payload.length % 8 != 0) return Flaw::fragment_unaligned;
  if (datagram.fragment_offset + datagram.payload.length > 65535 && datagram.is_fragment())
    return Flaw::fragment_oversize;
  return Flaw::none;
}

Flaw fill_v4(Datagram& datagram, const Payload& carried) {
  if (carried.bytes.size() < v4_header_size)
    return carried.lack(v4_header_size, Flaw::ip_header_length);
  const std::uint8_t* header = carried.bytes.data();
  const std::size_t header_length = (header[0] & 0x0fu) * std::size_t{4};
  if (header_length < v4_header_size) return Flaw::ip_header_length;

  datagram.total_length = be16(header + 2);
  if (datagram.total_length == 0) {
    datagram.has_offloaded_length = true;
    datagram.total_length = carried.length;
  }
  if (datagram.total_length < header_length) return Flaw::ip_total_length;
  datagram.source = IpAddress::v4(header + 12);
  datagram.destination = IpAddress::v4(header + 16);
  datagram.traffic_class = header[1];
  datagram.has_identification = true;
  datagram.identification = be16(header + 4);
  const std::uint16_t fragment = be16(header + 6);
  datagram.dont_fragment = (fragment & 0x4000) != 0;
  datagram.more_fragments = (fragment & 0x2000) != 0;
  datagram.fragment_offset = (fragment & 0x1fffu) * 8;
  datagram.hop_limit = header[8];
  datagram.protocol = header[9];
  datagram.header_length = static_cast<std::uint32_t>(header_length);
  lay_out(datagram, carried);
  if (datagram.is_fragment() && datagram.protocol == protocol::authentication) {
    // AH authenticates the whole datagram, which a fragment is not.
    return Flaw::none;
  }
  return finish(datagram);
}

Flaw fill_v6(Datagram& datagram, const Payload& carried) {
  if (carried.bytes.size() < v6_header_size)
    return carried.lack(v6_header_size, Flaw::ip_header_length);
  const std::uint8_t* header = carried.bytes.data();

  datagram.total_length = be16(header + 4) + std::uint32_t{v6_header_size};
  // Zero also in a jumbogram (RFC 2675), which Linux makes of large offloaded segments.
  if (be16(header + 4) == 0 && carried.length > ordinary_frame) {
    datagram.has_offloaded_length = true;
    datagram.total_length = carried.length;
  }
  datagram.source = IpAddress::v6(header + 8);
  datagram.destination = IpAddress::v6(header + 24);
  datagram.traffic_class = static_cast<std::uint8_t>((be16(header) >> 4) & 0xff);
  datagram.dont_fragment = true;
  datagram.protocol = header[6];
  datagram.hop_limit = header[7];
  datagram.header_length = v6_header_size;
  lay_out(datagram, carried);
  return finish(datagram);
}

}  // namespace

Parsed<Datagram> parse(const Payload& carried) {
  Parsed<Datagram> parsed;
  const int version = carried.bytes.empty() ? 0 : carried.bytes[0] >> 4;
  if (version == 4) {
    parsed.settle(fill_v4(*parsed, carried));
  } else if (version == 6) {
    parsed.settle(fill_v6(*parsed, carried));
  } else {
    parsed.settle(carried.bytes.empty() ? carried.lack(1, Flaw::ip_header_length)
                                        : Flaw::ip_version);
  }
  return parsed;
}

Parsed<Datagram> after_reassembly(const Datagram& first, const Payload& payload) {
  Parsed<Datagram> parsed{first};
  Datagram& whole = *parsed;
  whole.more_fragments = false;
  whole.was_fragmented = true;
  whole.payload = payload;
  whole.total_length = whole.header_length + payload.length;
  parsed.settle(finish(whole));
  return parsed;
}

std::uint16_t checksum(Bytes bytes) {
  std::uint64_t sum = 0;
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) sum += be16(&bytes[i]);
  if (i < bytes.size()) sum += std::uint64_t{bytes[i]} << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum & 0xffff);
}

std::string protocol_name(std::uint8_t protocol) {
  switch (protocol) {
    case protocol::icmp:
      return "ICMP";
    case protocol::tcp:
      return "TCP";
    case protocol::udp:
      return "UDP";
    case protocol::icmpv6:
      return "ICMPv6";
    case protocol::gre:
      return "GRE";
    case protocol::esp:
      return "ESP";
    case protocol::ipv4:
      return "IPv4 in IP";
    case protocol::ipv6:
      return "IPv6 in IP";
    case 2:
      return "IGMP";
    case 89:
      return "OSPF";
    case 103:
      return "PIM";
    case 112:
      return "VRRP";
    case 132:
      return "SCTP";
    default:
      return fmt::format("protocol {}", protocol);
  }
}

}  // namespace wirefault::ip
