// What passes between the trackers of TCP: how a segment came, and how a connection began. RFC
// 9293, sections 3.5 and 3.10.7.
#pragma once

#include <cstdint>

#include "dissectors/conversation.h"
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

// What one side's SYN said, the responder's being its SYN-ACK.
struct Offer {
  bool was_seen : 1 = false;  // without it nothing below is known
  bool has_mss : 1 = false;
  bool has_window_scale : 1 = false;
  bool sack_permitted : 1 = false;
  bool has_timestamps : 1 = false;
  bool asks_ecn : 1 = false;  // a SYN with ECE and CWR: RFC 3168, section 6.1.1
  std::uint8_t window_scale = 0;
  std::uint8_t hop_limit = 0;
  std::uint16_t mss = 0;
  std::uint16_t window = 0;      // never scaled: RFC 7323, section 2.2
  std::uint16_t data_taken = 0;  // by a SYN-ACK, of what came with the SYN: RFC 7413
  std::uint32_t isn = 0;         // the SYN's sequence number
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
