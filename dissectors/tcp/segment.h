// TCP segments, RFC 9293 section 3.1. A view: owns nothing, valid while the packet's bytes are.
#pragma once

#include <array>

#include "dissectors/parsed.h"

namespace wirefault::tcp {

enum Flags : std::uint8_t {
  fin = 0x01,
  syn = 0x02,
  rst = 0x04,
  psh = 0x08,
  ack = 0x10,
  urg = 0x20,
  ece = 0x40,
  cwr = 0x80,
};

// [begin, end), RFC 2018 section 3.
struct SackBlock {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

// Read tolerantly: what precedes a bad length is kept, and is_malformed says that the rest was not.
struct Options {
  bool has_mss = false;
  bool has_window_scale = false;
  bool sack_permitted = false;
  bool has_timestamps = false;
  bool has_fast_open = false;       // RFC 7413
  bool has_multipath = false;       // RFC 8684
  bool has_authentication = false;  // RFC 2385 or RFC 5925
  bool is_malformed = false;
  bool is_cut = false;            // our capture ends before the options do
  std::uint8_t window_scale = 0;  // at most 14, RFC 7323 section 2.3
  std::uint8_t sack_count = 0;
  std::uint16_t mss = 0;
  std::uint32_t timestamp = 0;
  std::uint32_t timestamp_echo = 0;
  std::array<SackBlock, 4> sack{};  // the first sack_count, in the order sent
};

struct Segment {
  static constexpr std::size_t min_header_size = 20;

  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;  // meaningless without the ACK flag
  std::uint16_t window = 0;          // as sent, not scaled
  std::uint16_t checksum = 0;
  std::uint8_t flags = 0;
  std::uint8_t header_length = 0;
  Payload payload;  // payload.length is what the segment carries, payload.bytes what we have of it
  Options options;

  bool has(std::uint8_t wanted) const { return (flags & wanted) == wanted; }
  // What the segment takes of the sequence space: SYN and FIN count one each.
  std::uint32_t sequence_length() const {
    return payload.length + (has(syn) ? 1u : 0u) + (has(fin) ? 1u : 0u);
  }
  // SYN with FIN or RST, or none of SYN, ACK, RST and FIN: scans and broken senders.
  bool has_illegal_flags() const;

  // `carried` is what the IP datagram carries. Options cut by the snap length still give a segment.
  static Parsed<Segment> parse(const Payload& carried);
};

}  // namespace wirefault::tcp
