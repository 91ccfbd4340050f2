// UDP, RFC 768. A view: owns nothing, valid while the packet's bytes are.
#pragma once

#include "dissectors/parsed.h"

namespace wirefault::udp {

struct Datagram {
  static constexpr std::size_t header_size = 8;

  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint16_t checksum = 0;  // 0: the sender computed none
  Payload payload;

  // `carried` is what the IP datagram carries, reassembled if need be. A length below 8 or above
  // what IP carries is malformed; 0 is legal in IPv6 jumbograms (RFC 2675, section 4) and what
  // segmentation offload leaves on frames that were never on a wire: then IP's length rules.
  static Parsed<Datagram> parse(const Payload& carried);

  // The same of the first fragment of a datagram, which carries less than the UDP length promises:
  // the payload then counts as cut.
  static Parsed<Datagram> parse_first_fragment(const Payload& carried);
};

}  // namespace wirefault::udp
