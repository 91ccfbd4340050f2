// What the TCP trackers say. Facts are plain values in the protocol's own terms: no verdict, no
// pointer, no view into a packet.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dissectors/icmp/message.h"
#include "dissectors/sighting.h"
#include "dissectors/sketch.h"
#include "dissectors/tcp/opening.h"
#include "dissectors/tcp/segment.h"

namespace wirefault::tcp {

enum class HandshakeOutcome : std::uint8_t {
  completed,
  refused,             // the responder answered the SYN with an RST
  reset_by_initiator,  // the initiator answered the SYN-ACK with an RST
  rejected,            // an ICMP error quoted it, and it never completed
  silent,              // asked more than once, and nothing came back
  abandoned,           // asked once, nothing came back, and the initiator did not ask again
  unacknowledged,      // SYN-ACK seen, but nothing that acknowledges it
  one_sided,           // a SYN-ACK whose SYN this capture does not hold
  capture_ended,       // too young to tell
  evicted,             // the table was full
};

// One attempt to open a connection. Sent for failures once they are corroborated (repeated,
// refused, rejected, or of an initiator that had succeeded before) and for completions that took
// more than one SYN or SYN-ACK. All others are only counted, in ServiceSecond.
struct Handshake {
  Opening opening;
  Sightings<12> syns;  // of the initiator, repetitions included
  Sightings<8> syn_acks;
  HandshakeOutcome outcome = HandshakeOutcome::capture_ended;
  Timestamp settled{};
  Sighting ended_by;  // the RST, the ICMP error or the ACK that completed it
  std::uint8_t ended_by_hop_limit = 0;
  icmp::ErrorKind error = icmp::ErrorKind::none;  // when rejected
  IpAddress rejecter;                             // who sent that
  bool initiator_known = false;                   // had a completed connection before, to anyone
  bool gave_up_ecn = false;  // the first SYN asked for ECN, a later one did not

  const Endpoint& initiator() const { return opening.initiator; }
  const Endpoint& responder() const { return opening.responder; }
  Timestamp asked() const { return syns.first().time; }  // not when syns is empty
};

// Whether who sent these SYNs has given up by `now`, or cannot be far from it: three repetitions,
// or none for twice as long as between the last two.
inline bool has_given_up(std::span<const Sighting> syns, Timestamp now) {
  if (syns.size() > 3) return true;
  if (syns.size() < 2) return false;
  const Timestamp last = syns.back().time;
  return now - last >= 2 * (last - syns[syns.size() - 2].time);
}

// A handshake was completed, quickly or not.
struct Opened {
  Endpoint initiator;
  Endpoint responder;
  std::uint64_t tunnel = 0;
  Timestamp asked{};  // the first SYN, where it is in the capture
  Timestamp opened{};
  Timestamp answered{};   // the SYN-ACK, when `is_timed`
  bool is_timed = false;  // SYN, SYN-ACK and what acknowledged it were seen, once each
  bool has_timestamp = false;
  std::uint8_t initiator_hop_limit = 0;  // of the SYN and the SYN-ACK; 0: not seen
  std::uint8_t responder_hop_limit = 0;
  std::uint32_t timestamp = 0;  // of that SYN: RFC 7323, section 3
};

// What became of attempts that are three seconds old: by then real clients have repeated their SYN
// at least once, spoofed ones never do.
struct Aged {
  std::uint64_t lone = 0;      // neither completed nor ended, one SYN
  std::uint64_t repeated = 0;  // the same, SYN repeated

  std::uint64_t all() const { return lone + repeated; }
  Aged& operator+=(const Aged& other) {
    lone += other.lone;
    repeated += other.repeated;
    return *this;
  }
};

// One of the new SYNs of a second, or one unsolicited SYN-ACK.
struct CrowdMember {
  Sighting seen;
  IpAddress address;  // who sent the SYN; whom the SYN-ACK was sent to
  std::uint8_t hop_limit = 0;
  // What tells one program's SYNs from another's, apart from the window and the MSS.
  bool has_mss : 1 = false;
  bool has_window_scale : 1 = false;
  bool sack_permitted : 1 = false;
  bool has_timestamps : 1 = false;
  std::uint16_t window = 0;
  std::uint16_t mss = 0;
  std::uint32_t isn = 0;  // drawn at random by every stack: RFC 6528
};

// Attempts to connect to one service, over one second at most. Counts belong to the second in which
// they came to be, and are weighted where only a sample was tracked.
struct ServiceSecond {
  Endpoint service;
  std::uint64_t tunnel = 0;
  Timestamp begin{};
  bool sampled = false;
  CrowdMember first;  // of the new SYNs, or where there is none, of the stray SYN-ACKs

  std::uint64_t new_syns = 0;  // (source, port, ISN) not seen in 63 s; always exact
  std::uint64_t repeated_syns = 0;
  std::uint64_t completed = 0;
  std::uint64_t completed_known = 0;  // of those, by initiators that had succeeded before
  std::uint64_t refused = 0;
  std::uint64_t reset_by_initiator = 0;
  std::uint64_t rejected = 0;
  Aged aged_1500ms;  // still undecided when 1.5 s old
  Aged aged_3s;
  std::uint64_t aged_3s_answered = 0;  // of aged_3s, with a SYN-ACK
  std::uint64_t stray_syn_acks = 0;    // 3 s old, their SYN not in this capture, and nothing since
  // Too young for all that when the capture ended, their SYN-ACK 50 ms old and not acknowledged.
  std::uint64_t unacknowledged_at_end = 0;
  std::int64_t half_open_change = 0;  // of attempts older than 1 s and undecided
  // Attempts that never completed by the number of their SYN-ACKs: 0 to 6 and more.
  std::array<std::uint64_t, 7> syn_acks_of_failed{};
};

// Who it was that knocked at a service, in seconds with more than a few new SYNs; the first few of
// a second are left out.
struct Crowd {
  static constexpr std::size_t sample_size = 64;

  Endpoint service;
  std::uint64_t tunnel = 0;
  Timestamp begin{};
  std::uint64_t members = 0;
  DistinctCount sources;
  SmallestByHash<CrowdMember, sample_size> sample;
};

// A connection attempt that exchanged no data.
struct FailedAttempt {
  Endpoint responder;
  Sighting seen;
  HandshakeOutcome outcome = HandshakeOutcome::abandoned;
  std::uint8_t flags = syn;  // of its first segment; a probe may have any
};

// What one source tried in vain over one second at most; sent from its fourth target on, which
// tells of the earlier ones too.
struct SourceSecond {
  static constexpr std::size_t sample_size = 32;

  IpAddress source;
  std::uint64_t tunnel = 0;
  Timestamp begin{};
  std::uint64_t attempts = 0;
  std::uint64_t succeeded = 0;                        // connections that it did open
  SmallestByHash<FailedAttempt, sample_size> sample;  // by target
};

}  // namespace wirefault::tcp
