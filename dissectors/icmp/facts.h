// What the ICMP tracker says. Facts are plain values in the protocol's own terms.
#pragma once

#include <cstdint>

#include "dissectors/address.h"
#include "dissectors/icmp/message.h"
#include "dissectors/sighting.h"

namespace wirefault::icmp {

// What the quoted datagram was found to belong to.
enum class Match : std::uint8_t {
  dns_transaction,      // a query still open; its own fact says rejected
  tcp_attempt,          // a connection not open yet; its own fact says rejected if it never opens
  tcp_connection,       // an open one, which goes on as a rule: RFC 5461
  fragmented_datagram,  // its own fact says incomplete
  datagram,             // something else that was seen
};

// An error message about something that this capture holds.
struct Error {
  Sighting seen;
  IpAddress reporter;
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel
  ErrorKind kind = ErrorKind::none;
  std::uint8_t hop_limit = 0;  // of the error's own datagram
  std::uint32_t mtu = 0;       // of fragmentation_needed; 0 from routers older than RFC 1191

  // The quoted datagram.
  IpAddress source;
  IpAddress destination;
  std::uint8_t protocol = 0;
  std::uint8_t quoted_hop_limit = 0;  // as it arrived where the error was made
  bool has_ports = false;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t quoted_length = 0;  // IP header included, as claimed
  std::uint32_t sent_length = 0;    // of a TCP segment that is too large: as sent; 0: unknown

  Match match = Match::datagram;
  bool is_reply = false;  // the quoted datagram answered one that came the other way
  Sighting quoted;        // the last of the quoted flow before the error, where that is known
  Sighting heard;         // of Match::datagram: the last that came the other way before the error

  Endpoint service() const { return {destination, destination_port}; }
  bool is_unreachable() const {
    return kind >= ErrorKind::net_unreachable && kind <= ErrorKind::other_unreachable;
  }
};

// An error message about nothing that this capture holds, without what the capture would tell of
// it: anyone may have made it up.
struct StrayError {
  Error error;
};

// An echo request and its reply: packets get through between the two. Told once a second at most
// for each who asks.
struct EchoAnswered {
  IpAddress asker;
  IpAddress answerer;
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel
  Sighting request;
  Sighting reply;
  std::uint8_t reply_hop_limit = 0;
};

enum class Reaction : std::uint8_t {
  adapted,  // packets of the reported size or a little less followed
  ignored,  // packets that are too large went on, long after the message
  unknown,  // nothing large followed
};

// What a sender did after it was told that its packets are too large. Of one flow.
struct PathMtu {
  IpAddress router;  // who told it first
  IpAddress source;
  IpAddress destination;
  std::uint64_t tunnel = 0;
  std::uint8_t protocol = 0;
  bool has_ports = false;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;

  std::uint32_t mtu = 0;  // the smallest reported; where that is 0, the next plateau of RFC 1191
  std::uint32_t refused = 0;  // the largest packet quoted
  std::uint32_t sent = 0;     // the largest of them as TCP had sent it; 0: unknown
  bool is_reply = false;      // the sender is who was asked, not who asked
  Sightings<16> messages;
  Sightings<8> oversize;            // too large, and sent a second or more after the first message
  Sighting adapted;                 // the first that fits
  std::uint32_t late_messages = 0;  // a second or more after that
  Reaction reaction = Reaction::unknown;
  Timestamp settled{};
};

}  // namespace wirefault::icmp
