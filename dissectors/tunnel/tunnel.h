// Frames and datagrams inside IP datagrams: GRE (RFC 2784, RFC 2890), VXLAN (RFC 7348), Geneve (RFC
// 8926), IP in IP (RFC 2003, RFC 2473, RFC 4213), and ERSPAN, by which switches send what they
// mirror (draft-foschiano-erspan-03). What is inside is a packet of its own, and its
// tunnel is part of who it belongs to: the same private address in two tunnels is two hosts.
#pragma once

#include <optional>
#include <string>

#include "dissectors/ip/datagram.h"

namespace wirefault::tunnel {

enum class Kind : std::uint8_t { ip_in_ip, gre, vxlan, geneve, erspan };

// Callers look no deeper than this.
constexpr int max_depth = 3;

constexpr std::uint16_t geneve_port = 6081;

struct Context {
  Kind kind{};
  std::uint32_t key = 0;  // GRE key (0: none), VXLAN or Geneve network identifier, ERSPAN session
  // The outer addresses, the smaller first, so that both directions are in one context.
  IpAddress outer_low;
  IpAddress outer_high;
  std::uint64_t outer_id = 0;  // id() of the tunnel around this one; 0: none

  // The same on every machine; never 0, which is left for "in no tunnel".
  std::uint64_t id() const;
  std::string to_string() const;  // "VXLAN 42 between 192.0.2.1 and 192.0.2.2"
};

// What somebody who wants to see a tunnel's packets again must know of them.
struct Seen {
  Context context;
  std::uint16_t udp_port = 0;  // of the first one's destination; 0: not over UDP
  // All came whole, and without extension headers.
  bool is_plain = true;
};

struct Carried {
  Context context;
  bool is_frame = false;  // an Ethernet frame, for link::dissect_ethernet(); else for ip::parse()
  Payload payload;
};

// Whether open() is worth calling: for nearly every datagram it is not.
inline bool may_be_tunnel(const ip::Datagram& datagram) {
  constexpr std::uint16_t vxlan_port = 4789;
  constexpr std::uint16_t linux_vxlan_port = 8472;  // Linux's default, older than the assignment
  const Bytes bytes = datagram.payload.bytes;
  switch (datagram.protocol) {
    case ip::protocol::ipv4:
    case ip::protocol::ipv6:
    case ip::protocol::gre:
      return true;
    case ip::protocol::udp: {
      if (bytes.size() < 8) return false;
      const std::uint16_t port = be16(bytes.data() + 2);
      return port == vxlan_port || port == linux_vxlan_port || port == geneve_port;
    }
    default:
      return false;
  }
}

// What `datagram`, which must not be a fragment, carries. `outer_id` is the id() of the tunnel that
// the datagram itself came through, 0 for none. Nothing when it is no tunnel or one of another
// kind. On the ports of UDP tunnels, bytes that cannot be one are no tunnel, not a malformed one: a
// resolver may draw such a port for its queries.
Parsed<std::optional<Carried>> open(const ip::Datagram& datagram, std::uint64_t outer_id = 0);

}  // namespace wirefault::tunnel
