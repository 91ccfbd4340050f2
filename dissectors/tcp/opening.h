// What passes between the trackers of TCP: how a segment came, which connection it belongs to, and
// how that connection began. RFC 9293, sections 3.5 and 3.10.7.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "dissectors/hash.h"
#include "dissectors/ip/datagram.h"
#include "dissectors/sighting.h"
#include "dissectors/tcp/segment.h"

namespace wirefault::tcp {

// How a segment came.
struct Carriage {
  Sighting seen;
  Endpoint source;
  Endpoint destination;
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel
  std::uint32_t identification = 0;
  std::uint32_t total_length = 0;   // of the IP datagram, as claimed
  std::uint32_t header_length = 0;  // of IP, options and extension headers included
  std::uint8_t hop_limit = 0;
  std::uint8_t traffic_class = 0;
  bool has_identification = false;
  bool dont_fragment = false;

  static Carriage of(const ip::Datagram& datagram, const Segment& segment, const Sighting& seen,
                     std::uint64_t tunnel) {
    return {seen,
            {datagram.source, segment.source_port},
            {datagram.destination, segment.destination_port},
            tunnel,
            datagram.identification,
            datagram.total_length,
            datagram.header_length,
            datagram.hop_limit,
            datagram.traffic_class,
            datagram.has_identification,
            datagram.dont_fragment};
  }
};

// The same for both directions: which end is `low` means nothing. No padding: compared and hashed
// as bytes.
struct ConnectionKey {
  Endpoint low;
  Endpoint high;
  std::uint64_t tunnel = 0;

  static ConnectionKey of(const Endpoint& a, const Endpoint& b, std::uint64_t tunnel) {
    // No branch: in a flood each would be a coin toss.
    const std::array<const Endpoint*, 2> ends{&a, &b};
    const std::size_t first = precedes(a, b) ? 0 : 1;
    return {*ends[first], *ends[1 - first], tunnel};
  }
  friend bool operator==(const ConnectionKey&, const ConnectionKey&) = default;

 private:
  // Some order, and a quick one: this is done for every segment.
  static bool precedes(const Endpoint& a, const Endpoint& b) {
    struct Words {
      std::uint64_t first, second;
      std::uint32_t third;
    };
    Words left;
    Words right;
    std::memcpy(&left, &a, sizeof a);
    std::memcpy(&right, &b, sizeof b);
    const bool last = left.third < right.third;
    const bool tail = (left.second < right.second) | ((left.second == right.second) & last);
    return (left.first < right.first) | ((left.first == right.first) & tail);
  }
};
static_assert(sizeof(Endpoint) == 20);

// What one side's SYN said, the responder's being its SYN-ACK.
struct Offer {
  bool was_seen = false;  // without it nothing below is known
  bool has_mss = false;
  bool has_window_scale = false;
  bool sack_permitted = false;
  bool has_timestamps = false;
  std::uint8_t window_scale = 0;
  std::uint8_t hop_limit = 0;
  std::uint16_t mss = 0;
  std::uint16_t window = 0;  // never scaled: RFC 7323, section 2.2
  std::uint32_t isn = 0;     // the SYN's sequence number
  std::uint32_t timestamp = 0;
};

// How a connection began, as far as this capture shows it.
struct Opening {
  Endpoint initiator;
  Endpoint responder;
  std::uint64_t tunnel = 0;

  Offer initiator_syn;
  Offer responder_syn;

  Sighting syn;       // the first
  Sighting last_syn;  // the last repetition; the first where there was none
  Sighting syn_ack;   // the first
  Sighting ack;       // the segment that completed the handshake, or the first seen of all
  std::uint16_t syns = 0;
  std::uint16_t syn_acks = 0;

  // Neither SYN was captured: the first segment seen is `ack`.
  bool joined_midway = false;
  // Who is the initiator was told from the ports.
  bool roles_guessed = false;
};

}  // namespace wirefault::tcp
