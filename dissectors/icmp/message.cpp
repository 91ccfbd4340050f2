#include "dissectors/icmp/message.h"

#include <algorithm>

namespace wirefault::icmp {
namespace {

constexpr std::uint8_t v4_redirect = 5;
constexpr std::uint8_t v6_redirect = 137;

ErrorKind v4_unreachable(std::uint8_t code) {
  switch (code) {
    case 0:
    case 6:   // network unknown
    case 11:  // network unreachable for this type of service
      return ErrorKind::net_unreachable;
    case 1:
    case 7:   // host unknown
    case 8:   // source host isolated
    case 12:  // host unreachable for this type of service
      return ErrorKind::host_unreachable;
    case 2:
      return ErrorKind::protocol_unreachable;
    case 3:
      return ErrorKind::port_unreachable;
    case 4:
      return ErrorKind::fragmentation_needed;
    case 9:
    case 10:
    case 13:  // RFC 1812, section 5.2.7.1
      return ErrorKind::admin_prohibited;
    default:
      return ErrorKind::other_unreachable;
  }
}

ErrorKind v6_unreachable(std::uint8_t code) {
  switch (code) {
    case 0:
    case 6:  // a route that says to reject
      return ErrorKind::net_unreachable;
    case 1:
    case 5:  // source address failed policy
      return ErrorKind::admin_prohibited;
    case 3:
      return ErrorKind::host_unreachable;
    case 4:
      return ErrorKind::port_unreachable;
    default:
      return ErrorKind::other_unreachable;
  }
}

ErrorKind time_exceeded(std::uint8_t code) {
  return code == 0   ? ErrorKind::ttl_exceeded
         : code == 1 ? ErrorKind::reassembly_time_exceeded
                     : ErrorKind::other;
}

ErrorKind v4_error(std::uint8_t type, std::uint8_t code) {
  switch (type) {
    case 3:
      return v4_unreachable(code);
    case 4:  // source quench, deprecated by RFC 6633
      return ErrorKind::other;
    case v4_redirect:
      return ErrorKind::redirect;
    case 11:
      return time_exceeded(code);
    case 12:
      return ErrorKind::parameter_problem;
    default:
      return ErrorKind::none;
  }
}

ErrorKind v6_error(std::uint8_t type, std::uint8_t code) {
  switch (type) {
    case 1:
      return v6_unreachable(code);
    case 2:
      return ErrorKind::fragmentation_needed;
    case 3:
      return time_exceeded(code);
    case 4:  // code 1: the next header is one that the host does not know
      return code == 1 ? ErrorKind::protocol_unreachable : ErrorKind::parameter_problem;
    case v6_redirect:
      return ErrorKind::redirect;
    default:  // RFC 4443 section 2.1: types below 128 are errors
      return type < 128 ? ErrorKind::other : ErrorKind::none;
  }
}

// RFC 4861 sections 4.5 and 4.6.3: behind target and destination come options, in units of 8 bytes;
// number 4 holds the datagram that was redirected.
Payload v6_redirected(const Payload& body) {
  constexpr std::size_t addresses = 32;
  constexpr std::uint8_t redirected_header = 4;
  Payload options = body.after(addresses);
  while (options.bytes.size() >= 8) {
    const std::size_t length = options.bytes[1] * std::size_t{8};
    if (length == 0) return {};
    if (options.bytes[0] == redirected_header) return options.first(length).after(8);
    options = options.after(length);
  }
  return {{}, options.length};
}

// Of the transport header, as much as is quoted.
void read_transport(const ip::Datagram& datagram, Quote& quote) {
  const Payload& carried = datagram.payload;
  const bool is_tcp = datagram.protocol == ip::protocol::tcp;
  if (!is_tcp && datagram.protocol != ip::protocol::udp) return;
  if (carried.bytes.size() < 8) return;
  quote.has_ports = true;
  quote.source_port = be16(&carried.bytes[0]);
  quote.destination_port = be16(&carried.bytes[2]);
  if (is_tcp) {
    quote.has_sequence = true;
    quote.sequence = be32(&carried.bytes[4]);
  } else {
    quote.udp_payload = carried.after(8);
  }
}

}  // namespace

Parsed<Message> Message::parse(const Payload& carried, bool is_v6) {
  if (carried.bytes.size() < header_size) return carried.lack(header_size, Flaw::icmp_short);
  const Bytes bytes = carried.bytes;
  Parsed<Message> parsed;
  Message& message = *parsed;
  message.is_v6 = is_v6;
  message.type = bytes[0];
  message.code = bytes[1];
  message.checksum = be16(&bytes[2]);
  message.rest = be32(&bytes[4]);
  message.error =
      is_v6 ? v6_error(message.type, message.code) : v4_error(message.type, message.code);
  message.body = carried.after(header_size);
  return parsed;
}

IpAddress Message::gateway() const {
  if (is_v6) return body.bytes.size() >= 16 ? IpAddress::v6(body.bytes.data()) : IpAddress{};
  const std::array<std::uint8_t, 4> address{
      static_cast<std::uint8_t>(rest >> 24), static_cast<std::uint8_t>(rest >> 16 & 0xff),
      static_cast<std::uint8_t>(rest >> 8 & 0xff), static_cast<std::uint8_t>(rest & 0xff)};
  return IpAddress::v4(address.data());
}

Parsed<Quote> Message::quote() const {
  if (!is_error()) return Flaw::icmp_quote;
  const Payload quoted = is_v6 && type == v6_redirect ? v6_redirected(body) : body;
  // However much the datagram was, only its start is here: its own header says how long it was.
  constexpr std::uint32_t largest = 65575;  // of an IPv6 datagram without jumbo payload
  const Parsed<ip::Datagram> datagram = ip::parse({quoted.bytes, std::max(largest, quoted.length)});
  const Flaw too_little = quoted.is_cut() ? Flaw::cut_short : Flaw::icmp_quote;
  if (datagram.flaw() == Flaw::cut_short) return too_little;
  if (!datagram) return Flaw::icmp_quote;

  Parsed<Quote> parsed;
  parsed->datagram = *datagram;
  if (datagram->payload.bytes.size() < std::min<std::uint32_t>(8, datagram->payload.length))
    return too_little;
  if (datagram->fragment_offset != 0) return parsed;
  const Parsed<ip::Datagram> upper = ip::after_reassembly(*datagram, datagram->payload);
  if (upper) read_transport(*upper, *parsed);
  return parsed;
}

std::string_view error_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::none:
      return "no error";
    case ErrorKind::net_unreachable:
      return "network unreachable";
    case ErrorKind::host_unreachable:
      return "host unreachable";
    case ErrorKind::protocol_unreachable:
      return "protocol unreachable";
    case ErrorKind::port_unreachable:
      return "port unreachable";
    case ErrorKind::admin_prohibited:
      return "administratively prohibited";
    case ErrorKind::other_unreachable:
      return "destination unreachable";
    case ErrorKind::fragmentation_needed:
      return "packet too big";
    case ErrorKind::ttl_exceeded:
      return "time to live exceeded";
    case ErrorKind::reassembly_time_exceeded:
      return "reassembly time exceeded";
    case ErrorKind::redirect:
      return "redirect";
    case ErrorKind::parameter_problem:
      return "parameter problem";
    case ErrorKind::other:
      return "other error";
  }
  return {};
}

}  // namespace wirefault::icmp
