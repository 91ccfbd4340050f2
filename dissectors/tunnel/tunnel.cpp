#include "dissectors/tunnel/tunnel.h"

#include <fmt/format.h>

#include <algorithm>

#include "dissectors/hash.h"
#include "dissectors/udp/datagram.h"

namespace wirefault::tunnel {
namespace {

constexpr std::uint16_t ether_ipv4 = 0x0800;
constexpr std::uint16_t ether_ipv6 = 0x86dd;
constexpr std::uint16_t ether_bridging = 0x6558;  // an Ethernet frame
constexpr std::uint16_t ether_erspan = 0x88be;    // types I and II
constexpr std::uint16_t ether_erspan_3 = 0x22eb;

constexpr std::uint16_t domain_port = 53;
constexpr std::size_t udp_tunnel_header = 8;  // of VXLAN, and of Geneve without options
constexpr std::size_t ethernet_header = 14;

using Opened = Parsed<std::optional<Carried>>;

Opened carries(Carried carried, Kind kind, std::uint32_t key, const Payload& payload) {
  carried.context.kind = kind;
  carried.context.key = key;
  carried.payload = payload;
  return Opened{carried};
}

bool set_ether_type(Carried& carried, std::uint16_t type) {
  carried.is_frame = type == ether_bridging;
  return type == ether_bridging || type == ether_ipv4 || type == ether_ipv6;
}

// `header` is the length of the GRE header. Type I has none of its own, and no sequence number to
// tell it by.
Opened open_erspan(Carried carried, const Payload& payload, std::size_t header, bool is_type_1) {
  constexpr std::size_t size_2 = 8;
  constexpr std::size_t size_3 = 12;
  constexpr std::uint8_t has_platform_header = 0x01;  // eight bytes more
  carried.is_frame = true;
  if (is_type_1) return carries(carried, Kind::erspan, 0, payload.after(header));
  const bool is_type_3 = be16(&payload.bytes[2]) == ether_erspan_3;
  std::size_t size = header + (is_type_3 ? size_3 : size_2);
  if (payload.bytes.size() < size) return payload.lack(size, Flaw::tunnel_header);
  const std::uint32_t session = be16(&payload.bytes[header + 2]) & 0x03ffu;
  if (is_type_3) {
    // What a router mirrored above the link layer.
    const int frame_type = payload.bytes[header + 10] >> 2 & 0x1f;
    if (frame_type != 0) return Opened{};
    if ((payload.bytes[header + 11] & has_platform_header) != 0) size += 8;
  }
  return carries(carried, Kind::erspan, session, payload.after(size));
}

Opened open_gre(Carried carried, const Payload& payload) {
  constexpr std::uint16_t has_checksum = 0x8000;
  constexpr std::uint16_t has_routing = 0x4000;  // RFC 1701 only, long gone
  constexpr std::uint16_t has_key = 0x2000;
  constexpr std::uint16_t has_sequence = 0x1000;
  constexpr std::uint16_t version = 0x0007;  // 1 is PPTP's
  if (payload.bytes.size() < 4) return payload.lack(4, Flaw::tunnel_header);
  const std::uint16_t flags = be16(payload.bytes.data());
  if ((flags & (has_routing | version)) != 0) return Opened{};
  const std::uint16_t type = be16(&payload.bytes[2]);
  const bool is_erspan = type == ether_erspan || type == ether_erspan_3;
  if (!is_erspan && !set_ether_type(carried, type)) return Opened{};
  const std::size_t key_at = (flags & has_checksum) != 0 ? 8 : 4;
  const std::size_t header =
      key_at + ((flags & has_key) != 0 ? 4u : 0u) + ((flags & has_sequence) != 0 ? 4u : 0u);
  if (payload.bytes.size() < header) return payload.lack(header, Flaw::tunnel_header);
  if (is_erspan) {
    const bool is_type_1 = type == ether_erspan && (flags & has_sequence) == 0;
    return open_erspan(carried, payload, header, is_type_1);
  }
  const std::uint32_t key = (flags & has_key) != 0 ? be32(&payload.bytes[key_at]) : 0;
  return carries(carried, Kind::gre, key, payload.after(header));
}

Opened open_vxlan(Carried carried, const Payload& payload) {
  constexpr std::uint8_t has_identifier = 0x08;
  if ((payload.bytes[0] & has_identifier) == 0) return Opened{};
  if (payload.length < udp_tunnel_header + ethernet_header) return Opened{};
  carried.is_frame = true;
  return carries(carried, Kind::vxlan, be32(&payload.bytes[4]) >> 8,
                 payload.after(udp_tunnel_header));
}

Opened open_geneve(Carried carried, const Payload& payload) {
  const std::uint8_t version = payload.bytes[0] >> 6;
  const std::size_t header = udp_tunnel_header + (payload.bytes[0] & 0x3fu) * std::size_t{4};
  if (version != 0 || payload.length < header) return Opened{};
  if (!set_ether_type(carried, be16(&payload.bytes[2]))) return Opened{};
  return carries(carried, Kind::geneve, be32(&payload.bytes[4]) >> 8, payload.after(header));
}

Opened open_udp(const Carried& carried, const Payload& payload) {
  const Parsed<udp::Datagram> udp = udp::Datagram::parse(payload);
  // A flaw is for whoever reads the datagram as UDP to report.
  if (!udp || udp->source_port == domain_port) return Opened{};
  if (udp->payload.bytes.size() < udp_tunnel_header) return Opened{};
  return udp->destination_port == geneve_port ? open_geneve(carried, udp->payload)
                                              : open_vxlan(carried, udp->payload);
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::ip_in_ip:
      return "IP in IP";
    case Kind::gre:
      return "GRE";
    case Kind::vxlan:
      return "VXLAN";
    case Kind::geneve:
      return "Geneve";
    case Kind::erspan:
      return "ERSPAN";
  }
  return {};
}

}  // namespace

Opened open(const ip::Datagram& datagram, std::uint64_t outer_id) {
  if (!may_be_tunnel(datagram)) return Opened{};
  Carried carried;
  carried.context.outer_low = std::min(datagram.source, datagram.destination);
  carried.context.outer_high = std::max(datagram.source, datagram.destination);
  carried.context.outer_id = outer_id;
  if (datagram.protocol == ip::protocol::gre) return open_gre(carried, datagram.payload);
  if (datagram.protocol == ip::protocol::udp) return open_udp(carried, datagram.payload);
  return carries(carried, Kind::ip_in_ip, 0, datagram.payload);
}

std::uint64_t Context::id() const {
  std::uint64_t id =
      stable_hash(std::uint64_t{static_cast<std::uint8_t>(kind)} << 32 | key, outer_id);
  id = stable_hash(outer_low.bytes(), id);
  id = stable_hash(outer_high.bytes(), id);
  return id == 0 ? 1 : id;
}

std::string Context::to_string() const {
  const bool has_key = kind == Kind::vxlan || kind == Kind::geneve || key != 0;
  return fmt::format("{}{} between {} and {}", kind_name(kind),
                     has_key ? fmt::format(" {}", key) : "", outer_low.to_string(),
                     outer_high.to_string());
}

}  // namespace wirefault::tunnel
