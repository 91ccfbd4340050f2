// IPv4 (RFC 791) and IPv6 (RFC 8200) datagrams and fragments in one form. A view: owns nothing,
// valid while the packet's bytes are.
#pragma once

#include "dissectors/address.h"
#include "dissectors/parsed.h"

namespace wirefault::ip {

// https://www.iana.org/assignments/protocol-numbers: those that we look into.
namespace protocol {
constexpr std::uint8_t hop_by_hop = 0;
constexpr std::uint8_t icmp = 1;
constexpr std::uint8_t ipv4 = 4;
constexpr std::uint8_t tcp = 6;
constexpr std::uint8_t udp = 17;
constexpr std::uint8_t ipv6 = 41;
constexpr std::uint8_t routing = 43;
constexpr std::uint8_t fragment = 44;
constexpr std::uint8_t gre = 47;
constexpr std::uint8_t esp = 50;
constexpr std::uint8_t authentication = 51;
constexpr std::uint8_t icmpv6 = 58;
constexpr std::uint8_t no_next_header = 59;
constexpr std::uint8_t destination_options = 60;
}  // namespace protocol

struct Datagram {
  IpAddress source;
  IpAddress destination;

  // What the payload is. Of an IPv6 fragment: what its fragment header names, which may be a
  // further extension header; after_reassembly() walks on from there.
  std::uint8_t protocol = 0;
  std::uint8_t hop_limit = 0;
  std::uint8_t traffic_class = 0;

  bool has_identification = false;  // always in IPv4; in IPv6 only with a fragment header
  bool dont_fragment = false;       // always in IPv6
  bool more_fragments = false;
  std::uint32_t identification = 0;
  std::uint32_t fragment_offset = 0;  // in bytes

  // The header claims more than the frame carried. The rest is missing, and not by our snap length;
  // it may be a capture that was cut by a tool which forgot to say so.
  bool exceeds_frame = false;
  bool was_fragmented = false;  // put together by after_reassembly()
  // Segmentation offload: the length field is zero, the frame's length is used instead.
  bool has_offloaded_length = false;

  std::uint32_t header_length = 0;  // up to the payload: options and extension headers included
  std::uint32_t total_length = 0;   // claimed, header included; what a path MTU is compared with

  // From the first byte of the IP header to the last of the datagram that was captured, without the
  // padding of short Ethernet frames.
  Bytes raw;
  Payload payload;

  bool is_v6() const { return source.is_v6(); }
  bool is_fragment() const { return more_fragments || fragment_offset != 0; }
  bool is_cut() const { return payload.is_cut(); }
};

// The version is read from the first byte. `carried` is what the link or tunnel carries, padding
// included. An address in it that was never complete on the wire is malformed, not cut.
Parsed<Datagram> parse(const Payload& carried);

// The whole datagram that `first`, its fragment with offset 0, was part of: `payload` is what the
// fragments carried together. With first.payload itself, it shows what the first fragment alone can
// tell (ports; a UDP or TCP view on it is cut).
Parsed<Datagram> after_reassembly(const Datagram& first, const Payload& payload);

// The internet checksum of RFC 1071: 0 over a sound IPv4 header.
std::uint16_t checksum(Bytes bytes);

// "TCP", "ICMPv6", "protocol 132 (SCTP)", "protocol 200".
std::string protocol_name(std::uint8_t protocol);

}  // namespace wirefault::ip
