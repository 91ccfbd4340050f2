#include "dissectors/udp/datagram.h"

namespace wirefault::udp {
namespace {

// RFC 2675 keeps the zero for what 16 bits cannot say.
bool length_is_ips(std::uint16_t length, std::uint32_t carried) {
  return length == 0 && carried > 1500;
}

Parsed<Datagram> parse_header(const Payload& carried, std::uint16_t& length) {
  if (carried.bytes.size() < Datagram::header_size)
    return carried.lack(Datagram::header_size, Flaw::udp_length);
  const std::uint8_t* header = carried.bytes.data();
  Parsed<Datagram> parsed;
  parsed->source_port = be16(header);
  parsed->destination_port = be16(header + 2);
  parsed->checksum = be16(header + 6);
  length = be16(header + 4);
  if (length < Datagram::header_size && !length_is_ips(length, carried.length))
    return Flaw::udp_length;
  return parsed;
}

}  // namespace

Parsed<Datagram> Datagram::parse(const Payload& carried) {
  std::uint16_t length = 0;
  Parsed<Datagram> parsed = parse_header(carried, length);
  if (!parsed) return parsed;
  if (length > carried.length) return Flaw::udp_length;
  parsed->payload = (length == 0 ? carried : carried.first(length)).after(header_size);
  return parsed;
}

Parsed<Datagram> Datagram::parse_first_fragment(const Payload& carried) {
  std::uint16_t length = 0;
  Parsed<Datagram> parsed = parse_header(carried, length);
  if (!parsed) return parsed;
  parsed->payload = carried.after(header_size);
  if (length > carried.length) parsed->payload.length = length - std::uint32_t{header_size};
  return parsed;
}

}  // namespace wirefault::udp
