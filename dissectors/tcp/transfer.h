// Judges every segment of an open connection by what it does to the sequence space: new, repeated,
// late, or nothing at all; and tells facts of what went wrong.
//
// A repetition of bytes that passed here before means loss downstream of the capture point. A
// segment that fills a hole is either late (reordering) or repeats what was lost upstream; its
// timestamp, its IP identification, duplicate ACKs and the hole's age tell, in this order. Bytes
// that are acknowledged but were never seen got lost in the capture, not in the network.
//
// What it cannot see: why the network lost a segment; and without the other direction, why the
// sender repeated one.
#pragma once

#include "dissectors/facts.h"
#include "dissectors/tcp/loans.h"
#include "dissectors/tcp/segment.h"
#include "dissectors/tcp/side.h"

namespace wirefault::tcp {

// What became of all segments, over all connections. Each with payload or FIN falls into one class.
struct TransferCounters {
  std::uint64_t data_segments = 0;  // as on the wire, repetitions included
  std::uint64_t repeats = 0;        // packets that repeat something; SYN and FIN included
  std::uint64_t data_repeats = 0;   // segments as on the wire that repeat data
  std::uint64_t out_of_order = 0;
  std::uint64_t unresolved = 0;
  std::uint64_t late_in_capture = 0;  // recorded behind its own acknowledgment
  std::uint64_t copies = 0;           // the same packet again, not removed before
  std::uint64_t keep_alives = 0;
  std::uint64_t window_probes = 0;
  std::uint64_t wild = 0;    // sequence or acknowledgment number of no window
  std::uint64_t acks = 0;    // that acknowledge something new
  std::uint64_t unseen = 0;  // that acknowledge what this capture lacks
  // Of directions of which data was seen: acknowledged, and the part of it that was not seen. What
  // leaps farther than longest_leap at once is more likely another connection of the same ports.
  std::uint64_t acked_bytes = 0;
  std::uint64_t unseen_bytes = 0;
};

// Segments that a router calls too large.
struct Refused {
  Sighting first;             // does not exist where none is outstanding
  std::uint32_t largest = 0;  // IP length as sent; 0: unknown
};

class Transfer {
 public:
  // `budget` in bytes, for loans. Facts go to `listener`, which must outlive this.
  Transfer(std::size_t budget, FactListener& listener) : loans_{budget}, listener_{listener} {}

  // Prepares a side from its SYN.
  void begin(Connection& connection, const Opening& opening);
  void add(Connection& connection, const Segment& segment, const Carriage& carriage);
  // A router says that what `side` sent from `sequence` on, `ip_length` bytes with headers, is too
  // large. What of it is outstanding; its size only if that was not sent again meanwhile.
  Refused refuse(Side& side, std::uint32_t sequence, std::uint32_t ip_length, Timestamp now);
  // Settles what is open, and takes all loans back. The connection ends.
  void end(Connection& connection);
  static FlowTotals totals(const Side& side);

  const TransferCounters& counters() const { return counters_; }
  const Loans& loans() const { return loans_; }

 private:
  struct Step;

  bool take_sequence(const Step& step);
  void anchor(const Step& step);
  void append(const Step& step, Position begin, std::uint32_t payload, bool fin);
  void count_data(const Step& step, std::uint32_t payload);
  bool is_copy(const Step& step, Position begin) const;
  void take_overlap(const Step& step, Position begin, Position end);
  void take_repeat(const Step& step, Position begin, Position end);
  void take_needless(const Step& step, Position begin, Position end);
  void fill(const Step& step, const Hole& hole, std::uint32_t length, Position begin);
  std::uint32_t find_hole(const Side& side, Position begin, Position end) const;
  std::uint64_t close_holes(Side& side, Position begin, Position end);
  void open_hole(const Step& step, Position begin, Position end);
  void add_hole(Side& side, const Hole& hole);
  void count_unseen(Side& side, const Hole& hole);
  void settle_holes(Side& side, Timestamp now);
  void cross_holes(Side& side, Timestamp now);

  void take_acknowledgment(const Step& step);
  void progress(const Step& step, Position acked);
  void take_duplicate(const Step& step);
  void take_selective(const Step& step);
  void sample_rtt(Side& side, Duration rtt);
  static Duration idle_before(const Step& step, const Sent* sent);
  void prove_spurious(const Step& step, Repeat& repeat, SpuriousProof proof);
  void check_repeats(const Step& step, Position previous);

  bool is_flight_of(const Side& side, std::uint16_t size) const;
  void note_stall(const Step& step, Trouble& trouble, const Sent* sent, Position begin);
  void tell_stall(const Step& step, Side& sender, Trouble& trouble, SizeStallState state);
  void check_stall(const Step& step, Side& sender, Trouble& trouble);

  Retransmission describe(const Step& step, Position begin, Position end);
  void tell(const Step& step, Retransmission& fact, Position begin);
  Flow flow(const Step& step, bool from_peer) const;
  void remember(const Step& step, const Retransmission& fact, Position begin, Position end);

  Sent* find_sent(const Side& side, Position position) const;
  void keep_sent(const Step& step, Position begin, std::uint32_t length);
  void drop_first_sent(Side& side);
  Trouble* trouble(Side& side);
  void drop_repeats(Trouble& trouble);
  void release(Side& side);

  Loans loans_;
  FactListener& listener_;
  TransferCounters counters_;
};

}  // namespace wirefault::tcp
