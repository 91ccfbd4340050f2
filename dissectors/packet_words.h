// One packet in words, looked at by itself: between whom, and what it says. For drawings, which
// show a handful of packets; nothing that goes over all of a capture.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "capture/packet.h"
#include "dissectors/address.h"

namespace wirefault {

struct PacketWords {
  enum class Kind : std::uint8_t {
    other,     // not IP, or not to be read
    ip,        // a protocol without ports, or one whose ports cannot be read
    fragment,  // not the whole datagram
    icmp_error,
    udp,
    dns,
    tcp,
  };

  PacketRef packet;
  Timestamp time{};
  Kind kind = Kind::other;
  // Printable ASCII: "A? www.example.com. id 0x1a07", "SYN-ACK". Of TCP, without its numbers, which
  // mean something only next to others; empty where there are but those.
  std::string text;

  // Of the innermost datagram; port 0 where it has none.
  Endpoint from;
  Endpoint to;
  std::uint64_t tunnel = 0;  // the innermost's stable id; 0: none

  std::uint16_t id = 0;      // DNS
  bool is_response = false;  // DNS
  bool is_usable = false;    // a DNS response that its client was helped by
  std::string question;      // DNS: type, class and name, equal where those are
  // TCP.
  bool is_syn = false;
  bool is_fin = false;
  bool is_reset = false;
  bool is_ack = false;
  std::uint32_t sequence = 0;
  std::uint32_t end = 0;  // the sequence number behind it, a SYN's and a FIN's place counted
  std::uint32_t acknowledgment = 0;
  std::uint32_t size = 0;            // octets of what TCP, or the fragment, carries
  std::uint32_t identification = 0;  // of the datagram; 0: none
  std::uint32_t fragment_offset = 0;
  bool more_fragments = false;
  std::optional<Endpoint> quoted_from;  // of ICMP errors: what they are about
  std::optional<Endpoint> quoted_to;
};

PacketWords words_of(const Packet& packet);

// From one sequence number of TCP to another that lies within half of their circle.
std::int32_t octets_between(std::uint32_t from, std::uint32_t to);

}  // namespace wirefault
