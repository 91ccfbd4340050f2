// What IP reassembly says. Facts are plain values in the protocol's own terms.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dissectors/address.h"
#include "dissectors/sighting.h"

namespace wirefault::ip {

struct Fragment {
  Sighting seen;
  std::uint32_t offset = 0;  // in bytes
  std::uint32_t length =
      0;  // as the header claims; what our capture cut was on the wire all the same
  std::uint8_t hop_limit = 0;
  bool more = false;
};

enum class FragmentOutcome : std::uint8_t {
  complete,
  delayed,        // complete, but only after frag.decide-after
  incomplete,     // frag.timeout passed, or an ICMP error said so
  id_reused,      // its identification was given to another datagram: RFC 6864, section 4.3
  inconsistent,   // its fragments overlap in IPv6 (RFC 5722), or exceed the largest datagram
  evicted,        // the table was full
  capture_ended,  // younger than frag.decide-after at the end
};

// What an incomplete datagram lacks.
enum class Missing : std::uint8_t {
  nothing,
  all_but_first,  // every fragment that carries no ports
  first,
  middle,
  last,
  several,
};

// One datagram that was sent in fragments, from the first of them that was seen.
struct FragmentedDatagram {
  static constexpr std::size_t max_fragments = 6;

  IpAddress source;
  IpAddress destination;
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel
  std::uint32_t identification = 0;
  std::uint8_t protocol = 0;        // as the first fragment seen names it; part of the key in IPv4
  std::uint8_t upper_protocol = 0;  // behind extension headers; equals `protocol` if not known

  // From the first fragment, of TCP and UDP.
  bool has_ports = false;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  // Of a DNS message over UDP: the 2 bytes behind the UDP header.
  bool has_dns_id = false;
  std::uint16_t dns_id = 0;

  FragmentOutcome outcome = FragmentOutcome::complete;
  Missing missing = Missing::nothing;
  std::uint32_t total_length = 0;    // of the payload; 0: the last fragment was not seen
  std::uint32_t largest_packet = 0;  // the longest fragment, IP header included
  std::uint32_t fragment_count = 0;
  std::array<Fragment, max_fragments> fragments{};  // the first ones, as they came
  Sighting first;
  Sighting last;  // of a complete one: the fragment that completed it

  Timestamp settled{};
  bool overlapped = false;  // fragments disagree about some bytes
  bool corrupt = false;     // a header's checksum is wrong: what says fragment may be a flipped bit
  // The capture ended before frag.timeout: another fragment might still have come.
  bool waited_briefly = false;
  // Given up by its receiver: ICMP time exceeded, code 1.
  Sighting confirmed_by;
  IpAddress confirmer;
  // Another fact about it was sent before this one, which replaces that.
  bool amends = false;
  FragmentOutcome amended = FragmentOutcome::complete;  // what that one said

  bool is_complete() const {
    return outcome == FragmentOutcome::complete || outcome == FragmentOutcome::delayed;
  }
  bool is_confirmed() const { return confirmed_by.exists(); }
  std::span<const Fragment> kept() const {
    return {fragments.data(), fragment_count < max_fragments ? fragment_count : max_fragments};
  }
};

}  // namespace wirefault::ip
