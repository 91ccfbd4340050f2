#include "dissectors/link/frame.h"

#include <fmt/format.h>

#include <algorithm>

namespace wirefault::link {
namespace {

// https://www.iana.org/assignments/ieee-802-numbers
namespace ether_type {
constexpr std::uint16_t smallest = 0x0600;  // below, the field is an IEEE 802.3 length
constexpr std::uint16_t ipv4 = 0x0800;
constexpr std::uint16_t arp = 0x0806;
constexpr std::uint16_t vlan = 0x8100;
constexpr std::uint16_t ipv6 = 0x86dd;
constexpr std::uint16_t mpls_unicast = 0x8847;
constexpr std::uint16_t mpls_multicast = 0x8848;
constexpr std::uint16_t pppoe_session = 0x8864;
constexpr std::uint16_t provider_vlan = 0x88a8;
constexpr std::uint16_t old_provider_vlan = 0x9100;
}  // namespace ether_type

constexpr int max_mpls_labels = 4;

// The steps below fill `frame` and move `frame.payload` forward. One hands over to the next by
// returning its result; none comes back to an earlier one, but for an Ethernet frame in a
// pseudowire, which is entered once.
Flaw read_ether_type(Frame& frame, std::uint16_t type, bool in_pseudowire);

Flaw carries(Frame& frame, Network network, std::uint16_t code) {
  frame.network = network;
  frame.code = code;
  return Flaw::none;
}

MacAddress mac_at(const std::uint8_t* bytes) {
  MacAddress address;
  std::copy_n(bytes, address.bytes.size(), address.bytes.begin());
  return address;
}

// Linux numbers AF_INET6 10, the BSDs 24, 28 and 30; all call AF_INET 2.
Flaw read_null_family(Frame& frame, std::uint32_t family) {
  if (family == 2) return carries(frame, Network::ipv4, 0);
  if (family == 10 || family == 24 || family == 28 || family == 30)
    return carries(frame, Network::ipv6, 0);
  return carries(frame, Network::null_family, static_cast<std::uint16_t>(family & 0xffff));
}

Flaw read_raw_ip(Frame& frame) {
  if (frame.payload.bytes.empty()) return frame.payload.lack(1, Flaw::eth_short);
  const int version = frame.payload.bytes[0] >> 4;
  return carries(frame, version == 6 ? Network::ipv6 : Network::ipv4, 0);
}

Flaw read_mpls(Frame& frame, bool in_pseudowire);

// https://www.iana.org/assignments/ppp-numbers
Flaw read_ppp_protocol(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.empty()) return at.lack(1, Flaw::eth_short);
  // RFC 1661 section 6.5: an odd first byte is a protocol number compressed to one byte.
  const std::size_t size = (at.bytes[0] & 1) != 0 ? 1 : 2;
  if (at.bytes.size() < size) return at.lack(size, Flaw::eth_short);
  const std::uint16_t protocol = size == 1 ? at.bytes[0] : be16(at.bytes.data());
  frame.payload = at.after(size);
  switch (protocol) {
    case 0x0021:
      return carries(frame, Network::ipv4, 0);
    case 0x0057:
      return carries(frame, Network::ipv6, 0);
    case 0x0281:
    case 0x0283:
      return read_mpls(frame, false);
    default:
      return carries(frame, Network::ppp, protocol);
  }
}

// Cisco's HDLC: an address, a control byte, an EtherType.
Flaw read_cisco_hdlc(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 4) return at.lack(4, Flaw::eth_short);
  const std::uint16_t type = be16(&at.bytes[2]);
  frame.payload = at.after(4);
  if (type < ether_type::smallest) return carries(frame, Network::ether_type, type);
  return read_ether_type(frame, type, false);
}

// RFC 1662: an address of 0xff and a control of 0x03 may precede the protocol. Link type 50 is used
// for Cisco's HDLC as well, whose addresses are 0x0f and 0x8f.
Flaw read_ppp(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 2) return at.lack(2, Flaw::eth_short);
  if (at.bytes[0] == 0x0f || at.bytes[0] == 0x8f) return read_cisco_hdlc(frame);
  if (at.bytes[0] == 0xff && at.bytes[1] == 0x03) frame.payload = at.after(2);
  return read_ppp_protocol(frame);
}

// https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html: a header of four bytes, then attributes,
// each a length and a type in the byte order of the machine that captured, padded to four bytes.
// Machines that log packets are little-endian.
Flaw read_nflog(Frame& frame) {
  constexpr std::uint16_t payload_attribute = 9;
  const auto little = [](const std::uint8_t* p) { return __builtin_bswap16(be16(p)); };
  frame.payload = frame.payload.after(4);
  for (;;) {
    const Payload& at = frame.payload;
    if (at.bytes.size() < 4) return at.lack(4, Flaw::eth_short);
    const std::uint16_t length = little(at.bytes.data());
    const std::uint16_t type = little(&at.bytes[2]) & 0x7fff;
    if (length < 4) return Flaw::eth_short;
    if (type == payload_attribute) {
      frame.payload = at.first(length).after(4);
      return read_raw_ip(frame);
    }
    frame.payload = at.after((length + std::size_t{3}) / 4 * 4);
  }
}

// RFC 2516, section 4.
Flaw read_pppoe(Frame& frame) {
  frame.shims |= shim::pppoe;
  const Payload& at = frame.payload;
  if (at.bytes.size() < 6) return at.lack(6, Flaw::eth_short);
  const std::uint16_t length = be16(&at.bytes[4]);
  frame.payload = at.after(6).first(length);
  return read_ppp_protocol(frame);
}

Flaw read_llc(Frame& frame, bool in_pseudowire) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 3) return at.lack(3, Flaw::eth_short);
  const std::uint16_t saps = be16(at.bytes.data());
  if (saps == 0xaaaa && at.bytes[2] == 0x03) {
    if (at.bytes.size() < 8) return at.lack(8, Flaw::eth_short);
    const bool is_ether_type =
        (at.bytes[3] | at.bytes[4]) == 0 && (at.bytes[5] == 0 || at.bytes[5] == 0xf8);
    const std::uint16_t type = be16(&at.bytes[6]);
    if (is_ether_type && type >= ether_type::smallest) {
      frame.payload = at.after(8);
      return read_ether_type(frame, type, in_pseudowire);
    }
  }
  if (saps == 0x0606) {  // IP without SNAP, RFC 948
    frame.payload = at.after(3);
    return carries(frame, Network::ipv4, 0);
  }
  return carries(frame, Network::llc, saps);
}

Flaw read_ethernet(Frame& frame, bool in_pseudowire) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 14) return at.lack(14, Flaw::eth_short);
  frame.destination = mac_at(&at.bytes[0]);
  frame.source = mac_at(&at.bytes[6]);
  frame.has_source = frame.has_destination = true;
  const std::uint16_t type = be16(&at.bytes[12]);
  frame.payload = at.after(14);
  if (type == ether_type::ipv4) return carries(frame, Network::ipv4, type);
  return read_ether_type(frame, type, in_pseudowire);
}

// Nothing in an MPLS frame says what the labels carry: RFC 4928 section 3 has IP told by its first
// nibble. A pseudowire with a control word (RFC 4385) starts with a zero word and is Ethernet when
// an EtherType that we know stands where it should.
Flaw read_mpls(Frame& frame, bool in_pseudowire) {
  frame.shims |= shim::mpls;
  for (int labels = 0;; ++labels) {
    const Payload& at = frame.payload;
    if (at.bytes.size() < 4) return at.lack(4, Flaw::eth_short);
    if (labels == max_mpls_labels) return carries(frame, Network::ether_type, 0x8847);
    const bool is_bottom = (at.bytes[2] & 1) != 0;
    frame.payload = at.after(4);
    if (is_bottom) break;
  }
  const Bytes inside = frame.payload.bytes;
  if (inside.empty()) return frame.payload.lack(1, Flaw::eth_short);
  if (inside[0] >> 4 == 4) return carries(frame, Network::ipv4, 0);
  if (inside[0] >> 4 == 6) return carries(frame, Network::ipv6, 0);
  if (!in_pseudowire && inside.size() >= 18 && inside[0] == 0 && inside[1] == 0) {
    const std::uint16_t type = be16(&inside[16]);
    if (type == ether_type::ipv4 || type == ether_type::ipv6 || type == ether_type::arp ||
        type == ether_type::vlan) {
      frame.payload = frame.payload.after(4);
      return read_ethernet(frame, true);
    }
  }
  return carries(frame, Network::mpls, inside[0]);
}

bool is_vlan_tag(std::uint16_t type) {
  return type == ether_type::vlan || type == ether_type::provider_vlan ||
         type == ether_type::old_provider_vlan;
}

Flaw read_ether_type(Frame& frame, std::uint16_t type, bool in_pseudowire) {
  while (is_vlan_tag(type)) {
    const Payload& at = frame.payload;
    if (frame.vlan_count == max_vlan_tags) return Flaw::vlan_depth;
    if (at.bytes.size() < 4) return at.lack(4, Flaw::eth_short);
    frame.vlans[frame.vlan_count++] = be16(at.bytes.data()) & 0x0fff;
    type = be16(&at.bytes[2]);
    frame.payload = at.after(4);
  }
  switch (type) {
    case ether_type::ipv4:
      return carries(frame, Network::ipv4, type);
    case ether_type::ipv6:
      return carries(frame, Network::ipv6, type);
    case ether_type::arp:
      return carries(frame, Network::arp, type);
    case ether_type::mpls_unicast:
    case ether_type::mpls_multicast:
      return read_mpls(frame, in_pseudowire);
    case ether_type::pppoe_session:
      return read_pppoe(frame);
    default:
      break;
  }
  if (type >= ether_type::smallest) return carries(frame, Network::ether_type, type);
  frame.payload = frame.payload.first(type);  // the 802.3 length excludes the padding
  return read_llc(frame, in_pseudowire);
}

Direction cooked_direction(std::uint16_t packet_type) {
  return packet_type == 4   ? Direction::outbound
         : packet_type <= 2 ? Direction::inbound
                            : Direction::unknown;
}

// The protocol field of a cooked header is an EtherType, or one of Linux's ETH_P_ numbers below
// 0x600, and means nothing for the ARPHRD_ types of radio and netlink.
Flaw read_cooked_protocol(Frame& frame, std::uint16_t protocol, std::uint16_t arphrd) {
  constexpr std::uint16_t netlink = 824;
  constexpr std::uint16_t radiotap = 803;
  constexpr std::uint16_t wireless = 801;
  if (arphrd == netlink || arphrd == radiotap || arphrd == wireless)
    return carries(frame, Network::arphrd, arphrd);
  if (protocol == 0x0004) return read_llc(frame, false);
  if (protocol < ether_type::smallest) return carries(frame, Network::ether_type, protocol);
  return read_ether_type(frame, protocol, false);
}

void read_cooked_address(Frame& frame, const std::uint8_t* address, std::uint16_t length) {
  if (length != 6) return;
  frame.source = mac_at(address);
  frame.has_source = true;
}

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html
Flaw read_cooked(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 16) return at.lack(16, Flaw::eth_short);
  const std::uint8_t* header = at.bytes.data();
  frame.is_cooked = true;
  frame.cooked_packet_type = be16(header);
  frame.direction = cooked_direction(frame.cooked_packet_type);
  read_cooked_address(frame, header + 6, be16(header + 4));
  frame.payload = at.after(16);
  return read_cooked_protocol(frame, be16(header + 14), be16(header + 2));
}

// https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html
Flaw read_cooked_2(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 20) return at.lack(20, Flaw::eth_short);
  const std::uint8_t* header = at.bytes.data();
  frame.is_cooked = true;
  frame.cooked_interface = be32(header + 4);
  frame.cooked_packet_type = header[10];
  frame.direction = cooked_direction(frame.cooked_packet_type);
  read_cooked_address(frame, header + 12, header[11]);
  frame.payload = at.after(20);
  return read_cooked_protocol(frame, be16(header), be16(header + 8));
}

// IEEE 802.11-2020, section 9.2.3. Only data frames in the clear carry something for us.
Flaw read_wireless(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 2) return at.lack(2, Flaw::eth_short);
  const std::uint8_t type = (at.bytes[0] >> 2) & 3;
  const std::uint8_t subtype = at.bytes[0] >> 4;
  const std::uint8_t flags = at.bytes[1];
  const bool is_encrypted = (flags & 0x40) != 0;
  const bool has_body = type == 2 && (subtype & 4) == 0;
  const auto code = static_cast<std::uint16_t>(type << 8 | subtype << 4 | (is_encrypted ? 1 : 0));
  if (!has_body || is_encrypted) return carries(frame, Network::wireless, code);

  const bool to_ds = (flags & 1) != 0;
  const bool from_ds = (flags & 2) != 0;
  const bool has_qos = (subtype & 8) != 0;
  const std::size_t header_size = 24u + (to_ds && from_ds ? 6u : 0u) + (has_qos ? 2u : 0u) +
                                  (has_qos && (flags & 0x80) != 0 ? 4u : 0u);
  if (at.bytes.size() < header_size) return at.lack(header_size, Flaw::eth_short);
  const std::size_t destination_at = to_ds ? 16 : 4;
  const std::size_t source_at = !from_ds ? 10 : to_ds ? 24 : 16;
  frame.destination = mac_at(&at.bytes[destination_at]);
  frame.source = mac_at(&at.bytes[source_at]);
  frame.has_source = frame.has_destination = true;
  // A fragment of a frame, or several frames in one (A-MSDU): rare in captures, named only.
  const bool is_fragment = (at.bytes[22] & 0x0f) != 0 || (flags & 4) != 0;
  const bool is_aggregate = has_qos && (at.bytes[to_ds && from_ds ? 30 : 24] & 0x80) != 0;
  if (is_fragment || is_aggregate) return carries(frame, Network::wireless, code);
  frame.payload = at.after(header_size);
  return read_llc(frame, false);
}

// https://www.radiotap.org: version, pad, length, then bit maps; the only field we need is Flags,
// which tells of padding and of a frame check sequence at the end.
Flaw read_radiotap(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 8) return at.lack(8, Flaw::eth_short);
  const std::size_t length = std::size_t{at.bytes[3]} << 8 | at.bytes[2];
  if (length < 8) return Flaw::eth_short;
  if (at.bytes.size() < length) return at.lack(length, Flaw::eth_short);
  // Further bit maps follow while bit 31 is set.
  std::size_t fields_at = 4;
  while (fields_at + 4 <= length && (at.bytes[fields_at + 3] & 0x80) != 0) fields_at += 4;
  fields_at += 4;
  const bool has_tsft = (at.bytes[4] & 1) != 0;
  const bool has_flags = (at.bytes[4] & 2) != 0;
  if (has_tsft) fields_at = (fields_at + 7) / 8 * 8 + 8;
  const std::uint8_t flags = has_flags && fields_at < length ? at.bytes[fields_at] : 0;
  frame.payload = at.after(length);
  constexpr std::uint8_t has_check_sequence = 0x10;
  if ((flags & has_check_sequence) != 0 && frame.payload.length >= 4)
    frame.payload = frame.payload.first(frame.payload.length - 4);
  return read_wireless(frame);
}

Flaw read_null(Frame& frame, bool is_network_order) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 4) return at.lack(4, Flaw::eth_short);
  std::uint32_t family = be32(at.bytes.data());
  // In the byte order of the machine that captured; no family is above 16 bits.
  if (!is_network_order && family > 0xffff) family = __builtin_bswap32(family);
  frame.payload = at.after(4);
  return read_null_family(frame, family);
}

// https://www.tcpdump.org/linktypes/LINKTYPE_PPP_WITH_DIR.html: a byte that is 0 when the frame
// was received.
Flaw read_ppp_with_direction(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.empty()) return at.lack(1, Flaw::eth_short);
  frame.direction = at.bytes[0] == 0 ? Direction::inbound : Direction::outbound;
  frame.payload = at.after(1);
  return read_ppp(frame);
}

Flaw read_link(Frame& frame, LinkType type);

// https://www.tcpdump.org/linktypes/LINKTYPE_PPI.html: version, flags, the length of this header
// with its fields, and the link type of what follows; little-endian.
Flaw read_ppi(Frame& frame) {
  const Payload& at = frame.payload;
  if (at.bytes.size() < 8) return at.lack(8, Flaw::eth_short);
  const std::size_t length = std::size_t{at.bytes[3]} << 8 | at.bytes[2];
  if (length < 8) return Flaw::eth_short;
  if (at.bytes.size() < length) return at.lack(length, Flaw::eth_short);
  const std::uint32_t type = __builtin_bswap32(be32(&at.bytes[4]));
  const auto inside = static_cast<LinkType>(type & 0xffff);
  if (type > 0xffff || inside == LinkType::ppi) {
    return carries(frame, Network::link_type, static_cast<std::uint16_t>(LinkType::ppi));
  }
  frame.payload = at.after(length);
  return read_link(frame, inside);
}

Flaw read_link(Frame& frame, LinkType type) {
  switch (type) {
    case LinkType::ethernet:
      return read_ethernet(frame, false);
    case LinkType::linux_sll:
      return read_cooked(frame);
    case LinkType::linux_sll2:
      return read_cooked_2(frame);
    case LinkType::raw:
    case LinkType::raw_bsd:
    case LinkType::raw_openbsd:
      return read_raw_ip(frame);
    case LinkType::ipv4:
      return carries(frame, Network::ipv4, 0);
    case LinkType::ipv6:
      return carries(frame, Network::ipv6, 0);
    case LinkType::null:
      return read_null(frame, false);
    case LinkType::loop:
      return read_null(frame, true);
    case LinkType::ppp:
    case LinkType::ppp_hdlc:
      return read_ppp(frame);
    case LinkType::ppp_with_direction:
      return read_ppp_with_direction(frame);
    case LinkType::ppi:
      return read_ppi(frame);
    case LinkType::c_hdlc:
      return read_cisco_hdlc(frame);
    case LinkType::nflog:
      return read_nflog(frame);
    case LinkType::ieee802_11:
      return read_wireless(frame);
    case LinkType::ieee802_11_radiotap:
      return read_radiotap(frame);
  }
  return carries(frame, Network::link_type, static_cast<std::uint16_t>(type));
}

}  // namespace

Parsed<Frame> dissect(const Packet& packet) {
  Parsed<Frame> parsed;
  parsed->payload = {packet.bytes, packet.original_length};
  parsed->direction = packet.direction;
  parsed.settle(read_link(*parsed, packet.link_type));
  return parsed;
}

Parsed<Frame> dissect_ethernet(const Payload& frame) {
  Parsed<Frame> parsed;
  parsed->payload = frame;
  parsed.settle(read_ethernet(*parsed, false));
  return parsed;
}

std::string MacAddress::to_string() const {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bytes[0], bytes[1], bytes[2],
                     bytes[3], bytes[4], bytes[5]);
}

namespace {

std::string_view known_ether_type(std::uint16_t type) {
  switch (type) {
    case 0x0842:
      return "Wake-on-LAN";
    case 0x8035:
      return "RARP";
    case 0x8809:
      return "slow protocols (LACP)";
    case 0x8863:
      return "PPPoE discovery";
    case 0x888e:
      return "EAPOL";
    case 0x88cc:
      return "LLDP";
    case 0x88e5:
      return "MACsec";
    case 0x88f7:
      return "PTP";
    case 0x8902:
      return "CFM";
    case 0x9000:
      return "loopback test";
    default:
      return {};
  }
}

std::string_view known_llc(std::uint16_t saps) {
  switch (saps) {
    case 0x4242:
      return "STP";
    case 0xaaaa:
      return "SNAP";
    case 0xe0e0:
    case 0xffff:
      return "IPX";
    case 0xf0f0:
      return "NetBIOS";
    case 0xfefe:
      return "IS-IS";
    default:
      return {};
  }
}

std::string named(std::string_view name, std::string number) {
  return name.empty() ? number : fmt::format("{} ({})", name, number);
}

}  // namespace

std::string network_name(Network network, std::uint16_t code) {
  switch (network) {
    case Network::ipv4:
      return "IPv4";
    case Network::ipv6:
      return "IPv6";
    case Network::arp:
      return "ARP";
    case Network::ether_type:
      return named(known_ether_type(code), fmt::format("EtherType 0x{:04x}", code));
    case Network::llc:
      return named(known_llc(code), fmt::format("LLC 0x{:04x}", code));
    case Network::ppp:
      return fmt::format("PPP protocol 0x{:04x}", code);
    case Network::null_family:
      return fmt::format("address family {}", code);
    case Network::arphrd:
      return fmt::format("cooked capture of device type {}", code);
    case Network::mpls:
      return "MPLS payload";
    case Network::wireless:
      return (code & 1) != 0  ? "encrypted 802.11 data"
             : code >> 8 == 2 ? "802.11 data without payload"
             : code >> 8 == 1 ? "802.11 control"
                              : "802.11 management";
    case Network::link_type:
      return fmt::format("link type {}", code);
  }
  return {};
}

}  // namespace wirefault::link
