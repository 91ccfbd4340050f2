// Finds packets that a capture holds more than once, so that none of them is taken for a
// retransmission, a repeated query or a lost datagram.
//
// A mirror port copies a frame on its way in and on its way out; the "any" device sees it on both
// ends of a veth pair, on a bridge and its port, inside and outside of a tunnel; a router's two
// interfaces see it with a smaller TTL. All of these are equal from the IP identification on, but
// for TTL and checksums, and milliseconds apart. A retransmission is none: it has an identification
// of its own, or comes later.
//
// Packets without identification (IPv6; zero in IPv4, RFC 6864) prove less. Two equal ones count as
// copies when they were captured in different places, or when the capture is known to copy
// everything. Pure acknowledgments repeat legitimately, and some senders number them all alike, so
// for these the same holds whatever their identification.
//
// Copies may also come later: over a long way or from a long queue those with an identification,
// from another clock any, as soon as a few with an identification have told how far off it is (see
// clock_offsets.h).
//
// What it cannot see: copies that NAT changed, and those more than some 4,000 packets apart.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "capture/packet.h"
#include "dissectors/clock_offsets.h"
#include "dissectors/ip/datagram.h"
#include "dissectors/link/frame.h"

namespace wirefault {

// How a copy differs from the packet it is a copy of; the first that fits.
enum class CopyKind : std::uint8_t {
  tunnel,     // inside and outside of a tunnel, or in two tunnels
  interface,  // another interface, file or direction
  vlan,       // another VLAN, or with and without tag
  routed,     // another TTL
  mirror,     // in nothing that matters
  count_,
};
constexpr std::size_t copy_kind_count = static_cast<std::size_t>(CopyKind::count_);

// Where a packet was captured, as far as copies differ in it.
struct CapturePlace {
  std::uint64_t tunnel = 0;     // its stable id; 0: not in a tunnel
  std::uint32_t interface = 0;  // the clock; in the lower half, cooked interface and direction
  std::uint16_t vlan = 0;       // outermost id + 1; 0: untagged
  std::uint8_t depth = 0;       // tunnels around it
  Timestamp stamp{};            // as the capture has it

  static CapturePlace of(const Packet& packet, const link::Frame& frame);
  std::uint16_t clock() const { return static_cast<std::uint16_t>(interface >> 16); }
};

class Duplicates {
 public:
  // What to do with a packet.
  struct Verdict {
    bool is_copy = false;
    bool is_off_the_clock = false;  // a copy by another clock: its time tells nothing
    std::uint64_t tunnel = 0;       // the one to track it under: see below
  };

  Duplicates() : entries_(tag_count) {}

  // A host that sees its own tunnel's traffic inside and outside sees one direction first inside
  // and the other first outside. Once a copy has shown that a tunnel is such a one, its packets
  // belong to where their copies are.
  Verdict look(const ip::Datagram& datagram, const CapturePlace& place, Timestamp time);

  const std::array<std::uint64_t, copy_kind_count>& counts() const { return counts_; }
  const ClockOffsets& clocks() const { return clocks_; }
  ClockOffsets& clocks() { return clocks_; }

 private:
  static constexpr std::size_t tag_count = 4096;
  static constexpr std::size_t max_twins = 64;

  struct Entry {
    std::uint64_t hash = 0;
    Timestamp time{};
    std::uint64_t tunnel = 0;
    std::uint32_t interface = 0;
    std::uint16_t vlan : 15 = 0;
    bool has_late_copy : 1 = false;
    std::uint8_t depth = 0;
    std::uint8_t hop_limit = 0;

    Stamp stamp() const { return {static_cast<std::uint16_t>(interface >> 16), hop_limit, time}; }
  };
  // A tunnel and where its packets are tracked instead.
  struct Twin {
    std::uint64_t tunnel = 0;
    std::uint64_t tracked_as = 0;
  };
  struct Traits;

  std::size_t find(std::uint64_t hash) const;
  void learn_clocks(const Entry& entry, const ip::Datagram& datagram, const CapturePlace& place,
                    Timestamp time);
  Verdict look_late(Entry& entry, CopyKind kind, const Traits& traits, const ip::Datagram& datagram,
                    const CapturePlace& place, Timestamp time);
  static CopyKind kind_of(const Entry& entry, const ip::Datagram& datagram,
                          const CapturePlace& place);
  bool is_copied_capture() const { return copied_ >= enough && copied_ * 2 >= original_; }
  void weigh(const Traits& traits, bool copied);
  std::uint64_t tracked_as(std::uint64_t tunnel) const;
  bool learn_twin(const Entry& entry, const CapturePlace& place);

  // Of 20 segments that must not repeat, half had a copy; a SYN counts as twenty.
  static constexpr std::uint32_t enough = 20;

  // Each packet may lie in one of two neighbours. The tags stay in the nearest cache; entries are
  // read only when a tag fits.
  std::array<std::uint32_t, tag_count> tags_{};
  std::vector<Entry> entries_;
  std::size_t turn_ = 0;
  std::vector<Twin> twins_;
  ClockOffsets clocks_;
  std::array<std::uint64_t, copy_kind_count> counts_{};
  std::uint32_t original_ = 0;
  std::uint32_t copied_ = 0;
};

}  // namespace wirefault
