// What the tracker of open connections says: repeated and late data, and how connections ended.
#pragma once

#include <cstdint>

#include "dissectors/address.h"
#include "dissectors/sighting.h"

namespace wirefault::tcp {

// One direction of a connection.
struct Flow {
  Endpoint sender;
  Endpoint receiver;
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel
  bool sender_is_initiator = false;
  bool roles_guessed = false;  // no SYN was seen; told from the ports
};

// What one side has sent so far.
struct FlowTotals {
  std::uint64_t bytes = 0;          // of the sequence space, from the first seen to the last
  std::uint32_t data_segments = 0;  // as on the wire: an offloaded frame counts what it is cut into
  std::uint32_t repeats = 0;        // packets that repeat something
  std::uint32_t out_of_order = 0;
  std::uint32_t unresolved = 0;      // late or repeated, it cannot be told
  std::uint32_t unseen = 0;          // times that the receiver acknowledged what this capture lacks
  std::uint16_t mss = 0;             // payload of a full segment; 0: unknown
  std::uint16_t delivered_size = 0;  // IP length of the largest segment acknowledged
  bool was_seen = false;             // any segment of this side, but for resets
  bool was_acknowledged = false;
  bool outstanding = false;  // something was never acknowledged
  bool sent_fin = false;     // or an RST that acknowledges: it aborted the connection
  bool sent_rst = false;
  Duration min_rtt{};  // from here to the receiver and back; zero: unknown
  Duration smoothed_rtt{};

  bool is_heard() const { return was_seen || sent_rst; }
};

// Why a sender repeated, as far as it shows. RFC 5681 section 3.2, RFC 8985, RFC 6298.
enum class RepeatKind : std::uint8_t {
  fast,         // after duplicate or selective acknowledgments
  tlp,          // tail loss probe: the end of the data, soon after the last progress
  rto,          // the retransmission timer
  fin,          // a lone FIN; clients vanish legally
  resegmented,  // the same bytes in smaller pieces, after an error or a stall that size explains
  needless,     // acknowledged before it was sent again
  unknown,
};

// Where the original got lost, seen from the capture point.
enum class LossSide : std::uint8_t {
  none,        // the bytes had arrived
  upstream,    // between the sender and here: the original never passed
  downstream,  // between here and the receiver: it did pass
};

struct Retransmission {
  Flow flow;
  FlowTotals totals;  // this repetition included
  RepeatKind kind = RepeatKind::unknown;
  LossSide side = LossSide::none;
  std::uint64_t offset = 0;  // of the first repeated byte, from the first byte seen
  std::uint32_t length = 0;
  std::uint32_t segments = 1;   // on the wire
  std::uint16_t ip_length = 0;  // of the repetition, as on the wire
  bool is_full_size = false;
  Sighting original;  // upstream: the segment that revealed the hole; may be unknown
  Sighting repetition;
  Duration gap{};    // since these bytes were last sent; upstream: since the hole showed
  Duration stall{};  // since anything was acknowledged; of rto and tlp only
  std::uint16_t duplicate_acks = 0;
  std::uint8_t chain = 0;  // how often the timer sent these bytes without progress, this included
  // Of rto: what was said of the repetition before this one no longer holds, it was a tail loss
  // probe. The timer starts anew with a probe, so that both waited as long.
  bool follows_probe = false;
  bool sees_acks = false;         // the other direction is in this capture
  bool was_held = false;          // the receiver closed its window at some time before
  Duration round_trip{};          // the least one seen, both legs together; zero: unknown
  Duration present_round_trip{};  // smoothed, likewise
  // The same of the leg alone on which it was lost, from here to that end and back.
  Duration leg_round_trip{};
  Duration present_leg_round_trip{};
  Timestamp refused{};  // when ICMP last called the original too large
  // Of the first unacknowledged byte: how long the direction had been silent when it was sent.
  Duration idle_before{};
};

enum class SpuriousProof : std::uint8_t {
  dsack,      // RFC 2883
  timestamp,  // the acknowledgment echoes the original's; RFC 3522, section 3.2
  early_ack,  // it came sooner than any answer to the repetition could
};

// Amends a Retransmission: the original had arrived after all.
struct SpuriousRetransmission {
  Flow flow;
  PacketRef repetition;
  RepeatKind kind = RepeatKind::unknown;  // what was said of it
  std::uint32_t segments = 1;
  SpuriousProof proof = SpuriousProof::dsack;
  Sighting proven_by;
};

// A segment that others overtook on the way to the capture point. Sent once only.
struct OutOfOrder {
  Flow flow;
  FlowTotals totals;
  Sighting early;  // the first segment that overtook it
  Sighting late;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t overtaken_by = 0;  // segments
  Duration lateness{};
  bool proven = false;  // by timestamp or identification, not by the short delay alone
};

// Full-size segments that never arrive while small ones do: what an MTU black hole looks like from
// outside (RFC 2923, section 2.1; RFC 4821, section 7.7).
enum class SizeStallState : std::uint8_t {
  stuck,     // repeated without success, and the path is alive
  cured,     // the same bytes got through in smaller segments
  hole,      // seen at the receiver: only the small tail behind it arrives
  disproved  // a segment as large got through after all; amends the others
};

struct SizeStall {
  Flow flow;
  SizeStallState state = SizeStallState::stuck;
  std::uint64_t offset = 0;          // of the first byte that does not arrive
  std::uint16_t lost_size = 0;       // IP length of what does not arrive
  std::uint16_t delivered_size = 0;  // the largest IP length known to arrive
  std::uint16_t cured_size = 0;      // cured: what did arrive in the end
  std::uint8_t repeats = 0;          // of the stuck segment, at full size
  bool small_behind = false;         // a smaller segment sent later was acknowledged selectively
  Sighting original;
  Sighting repetition;    // the last
  Sighting sign_of_life;  // from the receiver, after the stall began; may be unknown
  Duration lasted{};
};

enum class Ending : std::uint8_t {
  closed,    // FIN in both directions
  reset,     // RST
  replaced,  // a SYN began another connection between the same endpoints
  idle,
  evicted,
  capture_ended,
};

struct ConnectionEnded {
  Flow from_initiator;
  FlowTotals initiator;
  FlowTotals responder;
  Ending ending = Ending::capture_ended;
  bool joined_midway = false;
  Timestamp first{};
  Timestamp last{};

  // Segments of one side only, although it acknowledges what the other sent.
  bool is_one_sided() const { return initiator.is_heard() != responder.is_heard(); }
};

}  // namespace wirefault::tcp
