#include "dissectors/udp/datagram.h"

namespace wirefault::udp {
namespace {

// RFC 2675 keeps the zero for what 16 bits cannot say.
bool length_is_ips(std::uint16_t length, std::uint32_t carried) {
  return length == 0 && carried > 1500;
}

Flaw read_header(Datagram& datagram, const Payload& carried, std::uint16_t& length) {
  if (carried.bytes.size() < Datagram::header_size)
    return carried.lack(Datagram::header_size, Flaw::udp_length);
  const std::uint8_t* header = carried.bytes.data();
  datagram.source_port = be16(header);
  datagram.destination_port = be16(header + 2);
  datagram.checksum = be16(header + 6);
  datagram.payload = carried.after(Datagram::header_size);
  length = be16(header + 4);
  if (length < Datagram::header_size && !length_is_ips(length, carried.length))
    return Flaw::udp_length;
  return Flaw::none;
}

Flaw fill(Datagram& datagram, const Payload& carried) {
  std::uint16_t length = 0;
  if (const Flaw flaw = read_header(datagram, carried, length); flaw != Flaw::none) return flaw;
  if (length > carried.length) return Flaw::udp_length;
  if (length != 0) datagram.payload = datagram.payload.first(length - Datagram::header_size);
  return Flaw::none;
}

Flaw fill_first_fragment(Datagram& datagram, const Payload& carried) {
  std::uint16_t length = 0;
  if (const Flaw flaw = read_header(datagram, carried, length); flaw != Flaw::none) return flaw;
  if (length > carried.length)
    datagram.payload.length = length - std::uint32_t{Datagram::header_size};
  return Flaw::none;
}

}  // namespace

Parsed<Datagram> Datagram::parse(const Payload& carried) {
  Parsed<Datagram> parsed;
  parsed.settle(fill(*parsed, carried));
  return parsed;
}

Parsed<Datagram> Datagram::parse_first_fragment(const Payload& carried) {
  Parsed<Datagram> parsed;
  parsed.settle(fill_first_fragment(*parsed, carried));
  return parsed;
}

}  // namespace wirefault::udp
