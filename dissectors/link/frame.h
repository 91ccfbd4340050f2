// From a captured frame to the network layer it carries: link headers, VLAN tags, MPLS labels and
// PPPoE taken off. A view: owns nothing, valid while the packet's bytes are.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "capture/packet.h"
#include "dissectors/parsed.h"

namespace wirefault::link {

struct MacAddress {
  std::array<std::uint8_t, 6> bytes{};

  bool is_group() const { return (bytes[0] & 1) != 0; }  // multicast and broadcast
  std::string to_string() const;                         // 02:00:5e:00:53:01
  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;
};

// What a frame carries. All but the first three are counted and named, never guessed at; each of
// them says what Frame::code holds.
enum class Network : std::uint8_t {
  ipv4,
  ipv6,
  arp,
  ether_type,   // the EtherType
  llc,          // DSAP << 8 | SSAP
  ppp,          // the PPP protocol number
  null_family,  // the address family of a null or loopback header
  arphrd,     // the ARPHRD_ type of a cooked capture, where its protocol field means nothing to us
  mpls,       // the first byte of what the label stack carries
  wireless,   // IEEE 802.11: type << 8 | subtype << 4 | 1 if encrypted
  link_type,  // the link type, which we do not know
};

constexpr std::size_t max_vlan_tags = 4;

// What a frame may hold between its own header and IP, besides VLAN tags.
namespace shim {
constexpr std::uint8_t mpls = 1;
constexpr std::uint8_t pppoe = 2;
}  // namespace shim

struct Frame {
  Network network = Network::link_type;
  std::uint16_t code = 0;
  Payload payload;  // of the network layer; Ethernet padding still included

  bool has_source = false;  // cooked captures have no destination, others may lack both
  bool has_destination = false;
  MacAddress source;
  MacAddress destination;

  std::uint8_t vlan_count = 0;
  std::array<std::uint16_t, max_vlan_tags> vlans{};  // ids, outermost first

  std::uint8_t shims = 0;  // any of `shim`

  // Of the capture point; from the cooked header (sent by us: outbound) or the capture file.
  Direction direction = Direction::unknown;
  bool is_cooked = false;
  std::uint16_t cooked_packet_type =
      0;                               // 0 to us, 1 broadcast, 2 multicast, 3 to others, 4 from us
  std::uint32_t cooked_interface = 0;  // interface index, version 2 only, else 0
};

Parsed<Frame> dissect(const Packet& packet);

// An Ethernet frame inside something else: a tunnel, an MPLS pseudowire.
Parsed<Frame> dissect_ethernet(const Payload& frame);

// "LLDP (EtherType 0x88cc)", "EtherType 0x9999", "LLC 0x4242 (STP)", "link type 195".
std::string network_name(Network network, std::uint16_t code);

}  // namespace wirefault::link
