// ICMP (RFC 792) and ICMPv6 (RFC 4443) in one form, with the datagram that an error quotes. A view:
// owns nothing, valid while the packet's bytes are.
#pragma once

#include <string>

#include "dissectors/address.h"
#include "dissectors/ip/datagram.h"
#include "dissectors/parsed.h"

namespace wirefault::icmp {

// What an error says, whichever version says it.
enum class ErrorKind : std::uint8_t {
  none,  // not an error: echo, neighbour discovery, ...
  net_unreachable,
  host_unreachable,
  protocol_unreachable,
  port_unreachable,
  admin_prohibited,
  other_unreachable,
  fragmentation_needed,  // ICMPv6: packet too big
  ttl_exceeded,
  reassembly_time_exceeded,
  redirect,
  parameter_problem,
  other,  // source quench and what is newer than us
};
constexpr std::size_t error_kind_count = static_cast<std::size_t>(ErrorKind::other) + 1;

// The start of a datagram that an error returns to its sender: all of its IP header, and of what it
// carried 8 bytes (RFC 792) or as much as fits (RFC 1812, RFC 4443). Old stacks and NAT change the
// header on the way: only addresses, ports and numbers are to be relied on.
struct Quote {
  ip::Datagram
      datagram;  // payload.bytes is what is quoted, payload.length what the original claimed

  // From the transport header, when the original had one: not in fragments beyond the first.
  bool has_ports = false;  // TCP, UDP
  bool has_sequence = false;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;  // TCP
  Payload udp_payload;         // cut, as a rule; enough for a DNS id and question from most senders
};

struct Message {
  static constexpr std::size_t header_size = 8;

  bool is_v6 = false;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint16_t checksum = 0;
  std::uint32_t rest = 0;  // the second word, whose meaning is the type's
  ErrorKind error = ErrorKind::none;
  Payload body;  // behind the second word

  bool is_error() const { return error != ErrorKind::none; }
  bool is_echo_request() const { return type == (is_v6 ? 128 : 8); }
  bool is_echo_reply() const { return type == (is_v6 ? 129 : 0); }
  std::uint16_t echo_id() const { return static_cast<std::uint16_t>(rest >> 16); }
  std::uint16_t echo_sequence() const { return static_cast<std::uint16_t>(rest & 0xffff); }

  // Of fragmentation_needed. 0 from routers older than RFC 1191.
  std::uint32_t mtu() const { return is_v6 ? rest : rest & 0xffff; }
  // Of redirect: the better first hop; unspecified when the capture cut it.
  IpAddress gateway() const;
  // Of errors. icmp_quote when less than the IP header and 8 bytes is quoted.
  Parsed<Quote> quote() const;

  // `carried` is what an IP datagram of protocol ICMP or ICMPv6 carries.
  static Parsed<Message> parse(const Payload& carried, bool is_v6);
};

// "host unreachable", "packet too big"...
std::string_view error_name(ErrorKind kind);

}  // namespace wirefault::icmp
