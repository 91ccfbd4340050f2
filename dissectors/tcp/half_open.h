// Connections that are not open yet: from the first SYN, or SYN-ACK, to the completed handshake.
//
//   SYN ──▶ asked ── SYN-ACK ──▶ answered ── ACK or data of the initiator ──▶ completed
//             │                     │
//             ├─ RST of responder   ├─ RST of initiator ──▶ reset_by_initiator
//             ▼                     │
//          refused                  ▼
//             no more SYNs for 63 s: silent, abandoned, rejected; unacknowledged
//
// Long before that most have failed for good: those are told of as overdue, with what is known of
// them so far.
//
// A flood of lone SYNs ends here, in records of fixed number. When these are three quarters used,
// the targets that fill them are sampled: one SYN in 64 by an unkeyed hash gets a record that
// counts for 64; repeated SYNs and those of initiators that had succeeded before always get one.
// Each record passes the ages of 1 s, 1.5 s and 3 s, where it is counted for its service, by moving
// from one list of the table to the next.
//
// What it cannot see: whether a SYN that this capture holds ever reached the responder.
#pragma once

#include <cstdint>
#include <optional>

#include "dissectors/facts.h"
#include "dissectors/pages.h"
#include "dissectors/settings.h"
#include "dissectors/table.h"
#include "dissectors/tcp/opening.h"
#include "dissectors/tcp/rollup.h"

namespace wirefault::tcp {

// A TCP segment that an ICMP error quotes.
struct Rejected {
  Sighting seen;  // of the error
  IpAddress rejecter;
  icmp::ErrorKind error = icmp::ErrorKind::none;
  Endpoint source;
  Endpoint destination;
  std::uint64_t tunnel = 0;
  std::uint32_t sequence = 0;
  std::uint32_t too_large = 0;  // its IP length, where that is what the error says
  bool is_final = true;  // what it is about will not go on: unreachable, not merely too large
};

// By attempts, weighted where they were sampled.
struct HandshakeTotals {
  std::uint64_t begun = 0;  // distinct SYNs, and SYN-ACKs without one
  std::uint64_t opened = 0;
  std::uint64_t refused = 0;
  std::uint64_t half_open = 0;  // neither completed, nor refused, nor taken back
  std::uint64_t joined_midway = 0;
  bool only_syns = true;  // not one segment without SYN
  // RSTs that answer a SYN which is not in the capture: what has an ACK is answered with its number
  // for sequence number (RFC 9293, section 3.10.7.1).
  std::uint64_t refused_unseen = 0;
  std::uint64_t repeats = 0;  // of SYNs and SYN-ACKs, packets
};

class HalfOpen {
 public:
  // `budget` in bytes. Facts go to `listener`, which must outlive this.
  HalfOpen(std::size_t budget, const HashKey& key, FactListener& listener);

  // These fetch what add() will look at; prefetch_entry() when prefetch() has had time to. Of a SYN
  // there is more.
  void prefetch(std::uint64_t hash) const { table_.prefetch(hash); }
  void prefetch_entry(std::uint64_t hash) const { table_.prefetch_entry(hash); }
  void prefetch_syn(const Endpoint& initiator, const Endpoint& responder, std::uint64_t tunnel,
                    std::uint32_t isn) const;

  // Takes a segment that belongs to no open connection. The opening, when this segment completed
  // the handshake or shows that it was completed before.
  std::optional<Opening> add(const Segment& segment, const Carriage& carriage, std::uint64_t hash);
  // The last SYN of the attempt that was rejected; does not exist when there is none.
  Sighting reject(const Rejected& rejected, std::uint64_t hash);

  // Settles what was due by `now`, oldest first.
  void expire(Timestamp now) {
    if (now >= next_due_) expire_due(now);
  }
  void finish(Timestamp end);

  const TableCounters& counters() const { return counters_; }
  const HandshakeTotals& totals() const { return totals_; }
  std::size_t resident() const { return table_.size(); }

 private:
  // By age: below 1 s, 1.5 s, 3 s; then until no SYN has come for 63 s. `ended` have got their
  // outcome and are kept a while so that repetitions of the same SYN are known as such.
  enum List : std::uint8_t { young, past_1s, past_1500ms, past_3s, ended, list_count };

  struct Record {
    std::uint64_t hash = 0;
    Endpoint initiator;
    Endpoint responder;
    std::uint64_t tunnel = 0;
    Sighting first;       // SYN, or where it is not in the capture the SYN-ACK
    Sighting syn_ack;     // the first
    Timestamp touched{};  // moved into past_3s or ended
    Offer initiator_syn;
    Offer responder_syn;
    std::uint8_t syns = 0;  // both stop at 255
    std::uint8_t syn_acks = 0;
    std::uint8_t weight = 1;
    List list = young;
    bool initiator_known : 1 = false;
    bool reset_by_responder : 1 = false;
    bool rejected : 1 = false;
    bool has_trail : 1 = false;
    bool is_overdue : 1 = false;  // and was told of
    bool gave_up_ecn : 1 = false;
  };

  // What is kept besides of attempts that repeat themselves or were rejected: few of a flood. Those
  // of `untold` may be overdue, or have repeated themselves since they were told of as such.
  enum TrailList : std::uint8_t { untold, told, trail_list_count };
  struct Trail {
    std::uint64_t hash = 0;
    Sightings<12> syns;
    Sightings<8> syn_acks;
    Sighting rejected_by;
    IpAddress rejecter;
    icmp::ErrorKind error = icmp::ErrorKind::none;
  };

  struct Ending {
    HandshakeOutcome outcome;
    Timestamp when;
    Sighting by{};
    std::uint8_t hop_limit = 0;
  };

  Record* find(std::uint64_t hash, const Carriage& carriage);
  std::optional<Opening> begin(const Segment& segment, const Carriage& carriage,
                               std::uint64_t hash);
  void begin_syn(const Segment& segment, const Carriage& carriage, std::uint64_t hash);
  void begin_syn_ack(const Segment& segment, const Carriage& carriage, std::uint64_t hash);
  Record* admit(Services::Entry& service, std::uint64_t hash, std::uint64_t attempt, bool always);
  Record* insert(std::uint64_t hash, std::uint8_t weight);
  bool make_room(Timestamp now);
  std::size_t room_of_flood() const { return table_.capacity() / 8 * 7; }

  std::optional<Opening> proceed(Record& record, const Segment& segment, const Carriage& carriage);
  std::optional<Opening> add_syn(Record& record, const Segment& segment, const Carriage& carriage);
  void add_syn_ack(Record& record, const Segment& segment, const Carriage& carriage);
  void add_reset(Record& record, const Segment& segment, const Carriage& carriage);
  static bool shows_completion(const Record& record, const Segment& segment, bool from_initiator);
  Opening complete(Record& record, const Carriage& carriage);
  std::optional<Opening> complete_unrecorded(const Segment& segment, const Carriage& carriage);

  void expire_due(Timestamp now);
  void pass_age(Record& record, Timestamp now);
  void tell_of_3s(Record& record, Timestamp now);
  static Timestamp due(const Record& record);
  static bool is_counted_open(const Record& record);
  static HandshakeOutcome outcome_of(const Record& record, Timestamp when);
  void settle(Record& record, const Ending& ending);
  void count(const Record& record, const Ending& ending);
  bool is_worth_telling(const Record& record, HandshakeOutcome outcome) const;
  Handshake account_of(const Record& record, const Ending& ending);
  void tell_overdue(Timestamp now);
  void fail(const Record& record, HandshakeOutcome outcome, Timestamp when);
  void move(Record& record, List list, Timestamp now);
  void erase(Record& record);
  Trail& trail_of(Record& record);
  Trail* find_trail(const Record& record);
  std::uint32_t& known(std::uint64_t source) const;
  std::uint32_t& left_out(std::uint64_t attempt) const {
    return left_out_.get()[attempt & (left_out_count_ - 1)];
  }
  Services::Entry& service_of(const Record& record, Timestamp now);

  FactListener& listener_;
  Table<Record, list_count> table_;
  Table<Trail, trail_list_count> trails_;
  Services services_;
  Sources sources_;
  TableCounters counters_;
  HandshakeTotals totals_;
  Timestamp next_due_ = Timestamp::max();
  Timestamp next_second_ = Timestamp::max();

  // Both are tags by place; what comes later overwrites. A false match admits one SYN too many.
  Pages<std::uint32_t> known_;     // initiators that completed a handshake
  std::size_t left_out_count_;     // a power of two
  Pages<std::uint32_t> left_out_;  // SYNs of the last seconds that got no record
};

}  // namespace wirefault::tcp
