// What the tracker keeps of an open connection: a few words per direction in the table, and blocks
// on loan for what is outstanding. The bytes seen at the capture point are all those between the
// first and `next`, minus the holes: exact, so that whether a byte passed here before is never
// guessed from time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "dissectors/sighting.h"
#include "dissectors/tcp/opening.h"
#include "dissectors/tcp/sequence.h"

namespace wirefault::tcp {

// A segment that was seen and not acknowledged yet. In order of their positions.
struct Sent {
  std::uint32_t following = 0;
  std::uint32_t length = 0;
  Position begin = 0;
  Timestamp first_time{};
  Timestamp last_time{};        // of the last repetition
  PacketRef packet;             // the first
  std::uint32_t timestamp = 0;  // of the last transmission; 0: none
  std::uint16_t identification = 0;
  std::uint16_t ip_length = 0;  // as on the wire
  std::uint8_t transmissions = 1;
  bool cut_anew = false;  // repeated in smaller pieces
  Timestamp refused{};    // by ICMP, as too large; the last time

  Position end() const { return begin + length; }
};

// Bytes that were not seen although later ones were. In order of their positions.
struct Hole {
  std::uint32_t following = 0;
  std::uint32_t segments_before = 0;  // the sender's data segments when it showed
  Position begin = 0;
  Position end = 0;
  Sighting shown_by;  // the first segment beyond
  Timestamp acknowledged{};
  std::uint32_t timestamp = 0;  // of the segment beyond; 0: none
  std::uint16_t identification = 0;
  bool has_timestamp = false;
  bool is_acknowledged = false;  // the capture lost it, or will record it late
  bool precedes_start = false;   // from before the first segment seen
};

// A repetition that may yet turn out to have been needless. Oldest first.
struct Repeat {
  std::uint32_t following = 0;
  std::uint32_t timestamp = 0;
  Position begin = 0;
  Position end = 0;
  Sighting seen;
  std::uint16_t segments = 1;
  std::uint8_t kind = 0;
  bool has_timestamp = false;
};

// What only a direction in trouble needs.
struct Trouble {
  std::uint32_t repeats = 0;  // the oldest of them
  std::uint16_t duplicate_acks = 0;
  std::uint8_t chain = 0;          // timeouts of the bytes at `stuck_at`
  std::uint8_t stall_repeats = 0;  // repetitions of them at their first size
  Timestamp last_signal{};         // duplicate ACK, new SACK, or partial ACK during recovery
  Position sacked_to = 0;
  Position recover = 0;   // recovery lasts until this is acknowledged
  Position stuck_at = 0;  // the first unacknowledged byte, once it was repeated
  Sighting sign_of_life;  // of the receiver since then
  std::uint16_t stall_size = 0;
  std::uint16_t cured_size = 0;
  bool stall_told : 1 = false;
  bool stall_hinted : 1 = false;  // told, but no sign of life was seen here
  bool cure_told : 1 = false;
  bool hole_told : 1 = false;
  bool timed_out : 1 = false;  // the recovery began with a timeout
  bool small_behind : 1 = false;
  bool may_be_probe : 1 = false;  // the first of `chain`
};

// What one side has sent.
struct Side {
  Position next = 0;             // behind the highest byte seen
  Position acked = 0;            // by the other side
  Timestamp sent{};              // when `next` moved last
  Timestamp progressed{};        // when `acked` moved last
  std::uint32_t first_sent = 0;  // loans
  std::uint32_t last_sent = 0;
  std::uint32_t holes = 0;
  std::uint32_t trouble = 0;
  std::uint32_t min_rtt_us = 0;  // from here to the receiver and back; 0: unknown
  std::uint32_t rtt_us = 0;      // smoothed, RFC 6298 section 2
  std::uint32_t data_segments = 0;
  std::uint32_t first = 0;  // sequence number of the first byte seen or announced by a SYN
  std::uint32_t repeats = 0;
  std::uint16_t out_of_order = 0;  // these four stop at their maximum
  std::uint16_t unresolved = 0;
  std::uint16_t unseen = 0;
  std::uint8_t outstanding = 0;  // loans of Sent
  std::uint8_t wild_run : 3 = 0;
  std::uint8_t id_run : 3 = 0;    // identifications in a row that rose
  std::uint16_t window = 0xffff;  // as last advertised by this side, not scaled
  std::uint16_t mss = 0;          // payload of a full segment it may send; 0: unknown
  std::uint16_t delivered_size = 0;
  std::uint16_t largest_size = 0;
  std::uint16_t last_id = 0;
  std::uint16_t was_seen : 1 = 0;
  std::uint16_t ack_known : 1 = 0;
  std::uint16_t from_syn : 1 = 0;
  std::uint16_t fin_seen : 1 = 0;
  std::uint16_t probed : 1 = 0;       // sent a byte into a closed window
  std::uint16_t approximate : 1 = 0;  // some hole was forgotten
  std::uint16_t was_closed : 1 = 0;   // its window was, at some time
  std::uint16_t rst_seen : 1 = 0;

  Position start() const { return first_position(first); }
};

// Tells bytes that were acknowledged a while ago from those of which it may have been a moment ago,
// in little room: time is cut into ticks, and what came since the tick began in which `acked` moved
// last is counted, rounded up.
class AckedLately {
 public:
  void add(Position bytes, Timestamp now, Timestamp progressed) {
    if (tick_of(now) != tick_of(progressed)) units_ = 0;
    units_ =
        static_cast<std::uint16_t>(std::min<Position>(units_ + (bytes + unit - 1) / unit, unknown));
  }
  // Whether all that ends `behind` bytes before `acked` was acknowledged that long before `now`.
  bool is_surely_older(Position behind, Duration age, Timestamp now, Timestamp progressed) const {
    return now - progressed >= age || (units_ != unknown && behind >= Position{units_} * unit &&
                                       now - tick_of(progressed) >= age);
  }

 private:
  static constexpr Position unit = 64;
  static constexpr std::uint16_t unknown = 0xffff;

  // A tick lasts 2^24 ns, 16.8 ms.
  static Timestamp tick_of(Timestamp when) {
    constexpr Duration::rep within = (1 << 24) - 1;
    return Timestamp{Duration{when.time_since_epoch().count() & ~within}};
  }

  std::uint16_t units_ = unknown;
};

enum class Phase : std::uint8_t { midway, established, closed, reset };

struct Connection {
  Conversation key;
  Timestamp first_seen{};
  Timestamp last_seen{};
  Side low;  // by the key
  Side high;
  // Of the bytes of `low` and of `high` those that were acknowledged last: see AckedLately.
  std::array<AckedLately, 2> acked_lately{};
  Phase phase = Phase::established;
  bool low_is_initiator : 1 = false;
  bool roles_guessed : 1 = false;
  bool joined_midway : 1 = false;
  bool sack_permitted : 1 = false;
  bool has_timestamps : 1 = false;

  const Side& initiator() const { return low_is_initiator ? low : high; }
};
static_assert(sizeof(Connection) <= 256);

}  // namespace wirefault::tcp
