#include "dissectors/tcp/transfer.h"

#include <algorithm>

#include "dissectors/tcp/step.h"

namespace wirefault::tcp {
namespace {

// Reordering does not hold a segment back longer; Wireshark's limit.
constexpr Duration most_lateness = milliseconds{3};
// A packet that the capture recorded behind its own acknowledgment follows it within this.
constexpr Duration capture_disorder = milliseconds{20};
// No sender repeats so soon: the same packet was recorded twice.
constexpr Duration copy_window = milliseconds{10};
constexpr Duration copy_window_without_id = milliseconds{2};
// An acknowledgment and a repetition that cross tell nothing.
constexpr Duration crossing = milliseconds{1};

constexpr std::uint8_t most_outstanding = 255;
// A direction whose acknowledgments are not captured never gives anything back.
constexpr std::uint8_t most_outstanding_unacknowledged = 32;
constexpr int most_holes = 64;
constexpr int most_repeats = 16;
constexpr Duration repeat_memory = seconds{10};
// Linux writes rising identifications per connection; random ones seldom rise three times by
// little.
constexpr std::uint8_t ids_are_rising = 3;

template <class Number>
void count_up(Number& number) {
  if (number != std::numeric_limits<Number>::max()) ++number;
}

// Whether [begin, end) is a piece that no segment of `mss` bytes would make of what was sent first:
// the sender has learnt of a smaller path MTU, or probed for a larger one in vain.
bool is_cut_anew(const Sent& sent, Position begin, Position end, std::uint16_t mss) {
  if (sent.cut_anew) return true;
  if (mss == 0 || begin < sent.begin) return false;
  const bool at_seam = (begin - sent.begin) % mss == 0;
  const bool whole = (end - begin) % mss == 0 || end >= sent.end();
  return !at_seam || !whole;
}

// Whether what was sent twice waited for the third time about as long as for the second. The timer
// doubles, RFC 6298, section 5.5; but a probe sets it anew, RFC 8985, section 7.3.
bool is_as_long(const Sent& sent, Duration gap) {
  const Duration before = sent.last_time - sent.first_time;
  return gap * 10 >= before * 8 && gap * 10 <= before * 13;
}

// A keep-alive stands one byte before what comes next, with or without one: RFC 1122, section
// 4.2.3.6. Where it is the first that is seen, that byte is from before the capture.
bool is_of_keep_alive(const Side& side, const Hole& hole) {
  return !side.from_syn && hole.begin == side.start() && hole.end == hole.begin + 1;
}

// How far a sender may run ahead of what was seen of it: what the receiver does not take (RFC 9293,
// section 3.10.7.4) nobody sends. The scale of the window is taken to be the largest, RFC 7323,
// section 2.3; a window that is nearly closed was wider when what is on the way was sent.
Position reach(std::uint16_t window) {
  constexpr std::uint16_t least_window = 1024;
  return Position{std::max(window, least_window)} << 14;
}

// Whether what was sent more than once waited again about as long as for all that together. That
// only the timer does, and whether acknowledgments were seen does not matter: RFC 6298,
// section 5.5.
bool backs_off(const Sent& sent, Duration gap) {
  return sent.transmissions > 1 && gap * 10 >= (sent.last_time - sent.first_time) * 8;
}

std::uint32_t to_length(Position from, Position to) {
  return static_cast<std::uint32_t>(std::min<Position>(to - from, 0xffffffff));
}

}  // namespace

void Transfer::begin(Connection& connection, const Opening& opening) {
  const bool low_opens = connection.low_is_initiator;
  Side& initiator = low_opens ? connection.low : connection.high;
  Side& responder = low_opens ? connection.high : connection.low;
  const auto anchor_at = [](Side& side, const Offer& offer) {
    if (!offer.was_seen) return;
    side.first = wrapping_add(offer.isn, 1u);
    side.next = side.acked = first_position(side.first);
    side.was_seen = true;
    side.from_syn = true;
    side.ack_known = true;
    side.window = offer.window;
  };
  anchor_at(initiator, opening.initiator_syn);
  anchor_at(responder, opening.responder_syn);
  if (opening.initiator_syn.was_seen) {
    initiator.next = initiator.acked += opening.responder_syn.data_taken;
  }

  const Offer& a = opening.initiator_syn;
  const Offer& b = opening.responder_syn;
  connection.has_timestamps = a.has_timestamps && b.has_timestamps;
  connection.sack_permitted = a.sack_permitted && b.sack_permitted;
  // What one side may send is what the other said it takes, less the options of every segment.
  const auto may_send = [&](const Offer& receiver) {
    const std::uint16_t options = connection.has_timestamps ? 12 : 0;
    return static_cast<std::uint16_t>(
        receiver.has_mss && receiver.mss > options + 64 ? receiver.mss - options : 0);
  };
  initiator.mss = may_send(b);
  responder.mss = may_send(a);

  if (opening.syns == 1 && opening.syn_acks == 1) {
    sample_rtt(initiator, opening.syn_ack.time - opening.syn.time);
    sample_rtt(responder, opening.ack.time - opening.syn_ack.time);
  }
  const Timestamp start = opening.ack.time;
  initiator.sent = initiator.progressed = responder.sent = responder.progressed = start;
}

void Transfer::add(Connection& connection, const Segment& segment, const Carriage& carriage) {
  const bool from_low = carriage.source == connection.key.low;
  const Step step{connection, from_low ? connection.low : connection.high,
                  from_low ? connection.high : connection.low, segment, carriage};
  if (segment.has(rst)) {
    step.sender.rst_seen = true;
    // Who knows nothing of a connection acknowledges nothing: RFC 9293, section 3.10.7.1. Who
    // aborts one does, in the stacks that are in use, and has closed it.
    if (segment.has(ack)) step.sender.fin_seen = true;
    return;
  }
  if (segment.has(syn)) {
    // The opening was judged elsewhere; here it can only be one of its repetitions.
    count_up(step.sender.repeats);
    ++counters_.repeats;
    return;
  }
  if (!take_sequence(step)) return;
  if (segment.has(ack)) take_acknowledgment(step);
}

// False when the segment is of no window of this connection.
bool Transfer::take_sequence(const Step& step) {
  Side& side = step.sender;
  const Segment& segment = step.segment;
  if (!side.was_seen) anchor(step);
  const Position begin = unroll(side.next, segment.sequence);
  const bool fin_set = segment.has(fin);
  const std::uint32_t payload = segment.payload.length;
  if (begin == side.next) {
    side.wild_run = 0;
    if (payload + (fin_set ? 1u : 0u) == 0) return true;
    if (payload == 1 && !fin_set && step.peer.window == 0) {
      side.probed = true;
      ++counters_.window_probes;
      return true;
    }
    append(step, begin, payload, fin_set);
    return true;
  }
  const bool is_beyond = begin > side.next && begin - side.next > reach(step.peer.window);
  if ((is_beyond || distance(begin, side.next) > wild_distance) &&
      (!side.ack_known || is_beyond || distance(begin, side.acked) > wild_distance)) {
    ++counters_.wild;
    if (++side.wild_run < 3) return false;
    // Three in a row: it is we who have lost the thread.
    release(side);
    side.was_seen = side.from_syn = side.ack_known = side.fin_seen = false;
    side.wild_run = 0;
    return take_sequence(step);
  }
  side.wild_run = 0;
  if (payload != 0 || fin_set) take_overlap(step, begin, begin + payload + (fin_set ? 1u : 0u));
  return true;
}

// The first segment seen is the base: nothing before it can be called repeated.
void Transfer::anchor(const Step& step) {
  Side& side = step.sender;
  side.next = first_position(step.segment.sequence);
  side.first = step.segment.sequence;
  side.acked =
      side.ack_known ? unroll(side.next, static_cast<std::uint32_t>(side.acked)) : side.next;
  side.was_seen = true;
  side.sent = step.now();
}

void Transfer::append(const Step& step, Position begin, std::uint32_t payload, bool fin_set) {
  Side& side = step.sender;
  const std::uint32_t length = payload + (fin_set ? 1u : 0u);
  if (payload != 0) {
    count_data(step, payload);
    side.largest_size = std::max(side.largest_size, step.ip_length());
  }
  if (step.carriage.has_identification && step.carriage.identification != 0) {
    const auto id = static_cast<std::uint16_t>(step.carriage.identification);
    const std::int16_t rise = newer_by(id, side.last_id);
    if (rise <= 0 || rise > 1000) {
      side.id_run = 0;
    } else if (side.id_run < ids_are_rising) {
      ++side.id_run;
    }
    side.last_id = id;
  }
  if (fin_set) side.fin_seen = true;
  side.next = begin + length;
  side.sent = step.now();
  keep_sent(step, begin, length);
}

void Transfer::count_data(const Step& step, std::uint32_t payload) {
  const std::uint32_t segments = step.segments(payload);
  step.sender.data_segments += segments;
  counters_.data_segments += segments;
}

// Whether the capture recorded the same packet before: no sender repeats so soon, nor with the same
// identification.
bool Transfer::is_copy(const Step& step, Position begin) const {
  const Sent* sent = find_sent(step.sender, begin);
  if (sent == nullptr) return false;
  const Duration gap = step.now() - sent->last_time;
  const Options& options = step.segment.options;
  const bool has_id = step.carriage.has_identification && step.carriage.identification != 0;
  // Who counts identifications up gives a repetition a new one; links that repeat do not.
  const bool ids_rise = step.sender.id_run >= ids_are_rising;
  if (has_id) {
    return sent->identification == step.carriage.identification &&
           gap <= (ids_rise ? least_timeout : copy_window);
  }
  return gap <= copy_window_without_id &&
         (!options.has_timestamps || sent->timestamp == options.timestamp);
}

void Transfer::take_overlap(const Step& step, Position begin, Position end) {
  Side& side = step.sender;
  const bool fin_set = step.segment.has(fin);
  const std::uint32_t payload = step.segment.payload.length;

  if (begin > side.next) {
    open_hole(step, side.next, begin);
    return append(step, begin, payload, fin_set);
  }
  // RFC 9293, section 3.8.4; with no acknowledgments in sight nobody can tell it from a repetition.
  const bool nothing_outstanding = !side.ack_known || side.acked >= side.next;
  if (payload <= 1 && !fin_set && begin + 1 == side.next && nothing_outstanding) {
    ++counters_.keep_alives;
    return;
  }
  if (step.peer.window == 0 && !fin_set && side.ack_known && begin <= side.acked) {
    ++counters_.window_probes;
    return;
  }
  if (begin < side.start()) {
    if (side.from_syn) return;
    if (end <= side.start()) {
      // From before the capture began. What lies between may still come.
      if (begin < first_position(0)) return;
      if (end < side.start()) {
        Hole unknown;
        unknown.begin = end;
        unknown.end = side.start();
        unknown.precedes_start = true;
        add_hole(side, unknown);
      }
      side.first = static_cast<std::uint32_t>(begin);
      count_data(step, payload);
      return;
    }
    begin = side.start();
  }

  settle_holes(side, step.now());
  const Position known_end = std::min(end, side.next);
  const std::uint32_t hole_number = find_hole(side, begin, known_end);
  Hole first_hole;
  std::uint64_t filled = 0;
  if (hole_number != 0) {
    first_hole = loans_.get<Hole>(hole_number);
    filled = close_holes(side, begin, known_end);
  }
  const std::uint64_t seen = known_end - begin - filled;

  if (payload != 0 && end <= side.next && !is_copy(step, begin)) count_data(step, payload);
  if (filled != 0) {
    fill(step, first_hole, static_cast<std::uint32_t>(filled), std::max(begin, first_hole.begin));
  }
  if (seen != 0) {
    if (side.ack_known && known_end <= side.acked) {
      if (filled == 0) take_needless(step, begin, known_end);
    } else {
      take_repeat(step, begin, known_end);
    }
  }
  if (end > side.next) {
    const bool new_fin = fin_set && !side.fin_seen;
    append(step, side.next, to_length(side.next, end) - (new_fin ? 1u : 0u), new_fin);
  }
}

// Bytes that passed here before and are not acknowledged: whatever happened to them happened
// downstream.
void Transfer::take_repeat(const Step& step, Position begin, Position end) {
  Side& side = step.sender;
  const Sent* sent = find_sent(side, begin);
  const Timestamp now = step.now();
  if (is_copy(step, begin)) {
    ++counters_.copies;
    return;
  }
  if (sent == nullptr && side.approximate) {
    count_up(side.unresolved);
    ++counters_.unresolved;
    return;
  }

  Retransmission fact = describe(step, begin, end);
  fact.side = LossSide::downstream;
  fact.sees_acks = step.peer.was_seen && side.ack_known;
  const Trouble* before = side.trouble == 0 ? nullptr : &loans_.get<Trouble>(side.trouble);
  if (before != nullptr) fact.duplicate_acks = before->duplicate_acks;
  if (sent != nullptr) {
    fact.original = {sent->packet, sent->first_time};
    fact.gap = now - sent->last_time;
    fact.refused = sent->refused;
  }

  const bool fin_alone = step.segment.payload.length == 0;
  const bool first_repetition = sent != nullptr && sent->transmissions == 1;
  const bool at_tail =
      fact.sees_acks && first_repetition && end == side.next && fact.duplicate_acks == 0;
  const Duration idle = now - std::max(side.progressed, side.sent);
  const Duration patience = 2 * Duration{microseconds{side.rtt_us}};
  const bool signalled = before != nullptr && sent != nullptr &&
                         before->last_signal >= sent->last_time &&
                         now - before->last_signal <= step.smoothed_round_trip() + milliseconds{20};
  if (fin_alone) {
    fact.kind = RepeatKind::fin;
  } else if (sent != nullptr && (is_cut_anew(*sent, begin, end, side.mss) ||
                                 (side.mss != 0 && sent->ip_length > step.full_size(side)))) {
    fact.kind = RepeatKind::resegmented;
  } else if (signalled && (before->duplicate_acks >= (step.connection.sack_permitted ? 2 : 3) ||
                           before->sacked_to >= end || side.acked < before->recover)) {
    // 20 ms and two duplicate ACKs: what Wireshark allows a sender.
    fact.kind = RepeatKind::fast;
  } else if (at_tail && side.rtt_us != 0 && idle + milliseconds{1} >= patience &&
             idle <= patience + milliseconds{250}) {
    // RFC 8985, section 7.2: two round trips, and 200 ms more for a delayed ACK when one segment is
    // in flight.
    fact.kind = RepeatKind::tlp;
  } else if (sent != nullptr && fact.gap >= least_timeout &&
             (fact.sees_acks || backs_off(*sent, fact.gap))) {
    fact.kind = RepeatKind::rto;
  }

  if (Trouble* record = fin_alone ? nullptr : trouble(side)) {
    const bool at_head = !fact.sees_acks || (begin <= side.acked && side.acked < end);
    if (at_head) note_stall(step, *record, sent, begin);
    fact.chain = fact.kind == RepeatKind::rto ? 1 : 0;
    if (at_head) {
      fact.idle_before = idle_before(step, sent);
      fact.follows_probe = fact.kind == RepeatKind::rto && record->may_be_probe &&
                           sent->transmissions == 2 && is_as_long(*sent, fact.gap);
      record->may_be_probe = at_tail && fact.kind == RepeatKind::rto;
      if (fact.follows_probe) record->chain = 0;
      if (fact.kind == RepeatKind::rto) count_up(record->chain);
      fact.chain = record->chain;
      if (record->cured_size != 0) fact.kind = RepeatKind::resegmented;
    }
    const bool recovers_already = side.acked < record->recover;
    if (!recovers_already) record->recover = side.next;
    record->timed_out = fact.kind == RepeatKind::rto || (recovers_already && record->timed_out);
  }
  if (fact.kind == RepeatKind::rto || fact.kind == RepeatKind::tlp) {
    fact.stall = std::min(fact.gap, now - side.progressed);
  }
  for (std::uint32_t at = side.first_sent; at != 0;) {
    Sent& each = loans_.get<Sent>(at);
    at = each.following;
    if (each.end() <= begin || each.begin >= end) continue;
    each.last_time = now;
    count_up(each.transmissions);
    if (fact.kind == RepeatKind::resegmented) each.cut_anew = true;
    each.timestamp = step.segment.options.has_timestamps ? step.segment.options.timestamp : 0;
    each.identification = static_cast<std::uint16_t>(step.carriage.identification);
  }
  tell(step, fact, begin);
  if (!fin_alone) remember(step, fact, begin, end);
  if (Trouble* record = side.trouble == 0 ? nullptr : &loans_.get<Trouble>(side.trouble)) {
    check_stall(step, side, *record);
  }
}

// For how long neither side had sent anything new when `sent` was.
Duration Transfer::idle_before(const Step& step, const Sent* sent) {
  if (sent == nullptr) return Duration{};
  const Timestamp active = std::max(step.sender.progressed, step.peer.sent);
  return std::max(sent->first_time - active, Duration{});
}

// Acknowledged before it came again: the acknowledgment was lost or slow, or the timer too short.
void Transfer::take_needless(const Step& step, Position begin, Position end) {
  const Side& side = step.sender;
  const bool ids_tell = side.id_run >= ids_are_rising && step.carriage.has_identification &&
                        step.carriage.identification != 0;
  const bool is_new_packet =
      ids_tell &&
      newer_by(static_cast<std::uint16_t>(step.carriage.identification), side.last_id) > 0;
  const bool is_late_copy = ids_tell && !is_new_packet;
  const AckedLately& acked_lately = step.connection.acked_lately[step.from_low() ? 0 : 1];
  const bool may_cross =
      !acked_lately.is_surely_older(side.acked - end, crossing, step.now(), side.progressed);
  if (step.segment.payload.length != 0 && (is_late_copy || (may_cross && !is_new_packet))) {
    ++counters_.copies;
    return;
  }
  Retransmission fact = describe(step, begin, end);
  fact.kind = step.segment.payload.length == 0 ? RepeatKind::fin : RepeatKind::needless;
  fact.sees_acks = true;
  tell(step, fact, begin);
}

// The segment fills `hole`, or a part of it. Was it late, or was the first one lost before it came
// here? The sender's own marks decide first, the hole's age last.
void Transfer::fill(const Step& step, const Hole& hole, std::uint32_t length, Position begin) {
  Side& side = step.sender;
  if (hole.precedes_start) return;
  if (hole.is_acknowledged) {
    ++counters_.late_in_capture;
    return;
  }
  const Duration age = step.now() - hole.shown_by.time;
  const Trouble* troubled = side.trouble == 0 ? nullptr : &loans_.get<Trouble>(side.trouble);
  const std::uint16_t duplicate_acks =
      troubled == nullptr ? std::uint16_t{0} : troubled->duplicate_acks;
  const bool complained =
      duplicate_acks >= 3 || (troubled != nullptr && troubled->sacked_to >= hole.end);
  const auto id = static_cast<std::uint16_t>(step.carriage.identification);
  const bool ids_tell = side.id_run >= ids_are_rising && id != 0 && hole.identification != 0;

  enum { late, repeated, unresolved } verdict = unresolved;
  bool proven = true;
  std::int32_t newer = 0;
  if (hole.has_timestamp && step.segment.options.has_timestamps) {
    newer = newer_by(step.segment.options.timestamp, hole.timestamp);
  }
  if (newer == 0 && ids_tell) newer = newer_by(id, hole.identification);
  if (newer != 0) {
    verdict = newer < 0 ? late : repeated;
  } else if (complained && age * 10 >= step.round_trip() * 8) {
    verdict = repeated;
  } else if (duplicate_acks < 3 && age < std::min(most_lateness, step.round_trip() == Duration{}
                                                                     ? most_lateness
                                                                     : step.round_trip() / 4)) {
    verdict = late;
    proven = false;
  } else if (age >= least_timeout) {
    verdict = repeated;
  }

  keep_sent(step, begin, length);
  if (verdict == unresolved) {
    count_up(side.unresolved);
    ++counters_.unresolved;
  } else if (verdict == late) {
    count_up(side.out_of_order);
    ++counters_.out_of_order;
    OutOfOrder fact;
    fact.flow = flow(step, false);
    fact.totals = totals(side);
    fact.early = hole.shown_by;
    fact.late = step.carriage.seen;
    fact.offset = begin - side.start();
    fact.length = length;
    // The late one is counted already, unless it is a lone FIN.
    fact.overtaken_by = std::max(side.data_segments - hole.segments_before, 1u) - 1;
    fact.lateness = age;
    fact.proven = proven;
    listener_.on_tcp_out_of_order(fact);
  } else {
    Retransmission fact = describe(step, begin, begin + length);
    fact.side = LossSide::upstream;
    fact.original = hole.shown_by;
    fact.gap = age;
    fact.duplicate_acks = duplicate_acks;
    fact.sees_acks = step.peer.was_seen && side.ack_known;
    if (complained) {
      fact.kind = RepeatKind::fast;
    } else if (fact.sees_acks && age >= least_timeout) {
      fact.kind = RepeatKind::rto;
      fact.chain = 1;
      fact.stall = std::min(age, step.now() - side.progressed);
    }
    tell(step, fact, begin);
    remember(step, fact, begin, begin + length);
  }
}

Retransmission Transfer::describe(const Step& step, Position begin, Position end) {
  const Side& side = step.sender;
  Retransmission fact;
  fact.flow = flow(step, false);
  fact.offset = begin - side.start();
  fact.length = to_length(begin, end);
  fact.segments = step.segments(fact.length);
  fact.ip_length = step.ip_length();
  fact.is_full_size = side.mss != 0 ? step.segment.payload.length >= side.mss
                                    : fact.ip_length >= 1000 && fact.ip_length == side.largest_size;
  fact.repetition = step.carriage.seen;
  fact.round_trip = step.round_trip();
  fact.present_round_trip = step.smoothed_round_trip();
  fact.was_held = step.peer.was_closed;
  return fact;
}

void Transfer::tell(const Step& step, Retransmission& fact, Position) {
  Side& side = step.sender;
  count_up(side.repeats);
  ++counters_.repeats;
  if (fact.kind != RepeatKind::fin) counters_.data_repeats += fact.segments;
  fact.totals = totals(side);
  const Side& beyond = fact.side == LossSide::upstream ? step.peer : side;
  fact.leg_round_trip = microseconds{beyond.min_rtt_us};
  fact.present_leg_round_trip = microseconds{beyond.rtt_us};
  listener_.on_tcp_retransmission(fact);
}

Flow Transfer::flow(const Step& step, bool from_peer) const {
  const Connection& connection = step.connection;
  const bool low_sends = step.from_low() != from_peer;
  Flow made;
  made.sender = low_sends ? connection.key.low : connection.key.high;
  made.receiver = low_sends ? connection.key.high : connection.key.low;
  made.tunnel = connection.key.tunnel;
  made.sender_is_initiator = low_sends == connection.low_is_initiator;
  made.roles_guessed = connection.roles_guessed;
  return made;
}

FlowTotals Transfer::totals(const Side& side) {
  FlowTotals said;
  if (side.was_seen) said.bytes = side.next - side.start();
  said.data_segments = side.data_segments;
  said.repeats = side.repeats;
  said.out_of_order = side.out_of_order;
  said.unresolved = side.unresolved;
  said.unseen = side.unseen;
  said.mss = side.mss;
  said.delivered_size = side.delivered_size;
  said.was_seen = side.was_seen;
  said.was_acknowledged = side.ack_known;
  said.outstanding = side.was_seen && side.ack_known && side.acked < side.next;
  said.sent_fin = side.fin_seen;
  said.sent_rst = side.rst_seen;
  said.min_rtt = microseconds{side.min_rtt_us};
  said.smoothed_rtt = microseconds{side.rtt_us};
  return said;
}

void Transfer::remember(const Step& step, const Retransmission& fact, Position begin,
                        Position end) {
  Trouble* record = trouble(step.sender);
  if (record == nullptr) return;
  std::uint32_t* link = &record->repeats;
  int count = 0;
  while (*link != 0) {
    Repeat& kept = loans_.get<Repeat>(*link);
    if (step.now() - kept.seen.time > repeat_memory || count >= most_repeats) {
      const std::uint32_t gone = *link;
      *link = kept.following;
      loans_.give_back(gone);
      continue;
    }
    ++count;
    link = &kept.following;
  }
  const std::uint32_t number = loans_.borrow<Repeat>();
  if (number == 0) return;
  *link = number;
  Repeat& kept = loans_.get<Repeat>(number);
  kept.begin = begin;
  kept.end = end;
  kept.seen = fact.repetition;
  kept.segments = static_cast<std::uint16_t>(std::min<std::uint32_t>(fact.segments, 0xffff));
  kept.kind = static_cast<std::uint8_t>(fact.kind);
  kept.has_timestamp = step.segment.options.has_timestamps;
  kept.timestamp = step.segment.options.timestamp;
}

void Transfer::end(Connection& connection) {
  for (Side* side : {&connection.low, &connection.high}) {
    for (std::uint32_t at = side->holes; at != 0; at = loans_.get<Hole>(at).following) {
      const Hole& hole = loans_.get<Hole>(at);
      if (hole.is_acknowledged) count_unseen(*side, hole);
    }
    if (side->was_seen && side->ack_known && side->acked > side->next + 1) {
      Hole rest;
      rest.begin = side->next;
      rest.end = side->acked;
      count_unseen(*side, rest);
    }
    release(*side);
  }
}

// The first outstanding segment that ends behind `position`.
Sent* Transfer::find_sent(const Side& side, Position position) const {
  for (std::uint32_t at = side.first_sent; at != 0;) {
    Sent& each = loans_.get<Sent>(at);
    if (each.end() > position) return each.begin <= position ? &each : nullptr;
    at = each.following;
  }
  return nullptr;
}

Refused Transfer::refuse(Side& side, std::uint32_t sequence, std::uint32_t ip_length,
                         Timestamp now) {
  // A box may have joined several segments. What begins this far before the end is among them,
  // however long the headers were.
  constexpr std::uint32_t longest_headers = 40 + 60;
  Refused refused;
  bool sent_once = true;
  const Position begin = unroll(side.next, sequence);
  const Position end = begin + std::max(ip_length, longest_headers + 1) - longest_headers;
  for (std::uint32_t at = side.first_sent; at != 0; at = loans_.get<Sent>(at).following) {
    Sent& each = loans_.get<Sent>(at);
    if (each.end() <= begin || each.begin >= end) continue;
    each.refused = now;
    if (!refused.first.exists()) refused.first = {each.packet, each.first_time};
    refused.largest = std::max<std::uint32_t>(refused.largest, each.ip_length);
    sent_once = sent_once && each.transmissions == 1;
  }
  if (!sent_once) refused.largest = 0;
  return refused;
}

void Transfer::keep_sent(const Step& step, Position begin, std::uint32_t length) {
  Side& side = step.sender;
  if (side.ack_known && begin + length <= side.acked) return;
  const std::uint8_t most = side.ack_known ? most_outstanding : most_outstanding_unacknowledged;
  if (side.outstanding >= most) drop_first_sent(side);
  const std::uint32_t number = loans_.borrow<Sent>();
  if (number == 0) return;
  Sent& made = loans_.get<Sent>(number);
  made.begin = begin;
  made.length = length;
  made.first_time = made.last_time = step.now();
  made.packet = step.carriage.seen.packet;
  made.timestamp = step.segment.options.has_timestamps ? step.segment.options.timestamp : 0;
  made.identification = static_cast<std::uint16_t>(step.carriage.identification);
  made.ip_length = step.ip_length();
  ++side.outstanding;

  if (side.last_sent == 0) {
    side.first_sent = side.last_sent = number;
  } else if (loans_.get<Sent>(side.last_sent).begin <= begin) {
    loans_.get<Sent>(side.last_sent).following = number;
    side.last_sent = number;
  } else {
    std::uint32_t* link = &side.first_sent;
    while (loans_.get<Sent>(*link).begin <= begin) link = &loans_.get<Sent>(*link).following;
    made.following = *link;
    *link = number;
  }
}

void Transfer::drop_first_sent(Side& side) {
  const std::uint32_t gone = side.first_sent;
  side.first_sent = loans_.get<Sent>(gone).following;
  if (side.first_sent == 0) side.last_sent = 0;
  loans_.give_back(gone);
  --side.outstanding;
}

// Null when there is nothing left to lend.
Trouble* Transfer::trouble(Side& side) {
  if (side.trouble == 0) side.trouble = loans_.borrow<Trouble>();
  return side.trouble == 0 ? nullptr : &loans_.get<Trouble>(side.trouble);
}

void Transfer::drop_repeats(Trouble& record) {
  while (record.repeats != 0) {
    const std::uint32_t gone = record.repeats;
    record.repeats = loans_.get<Repeat>(gone).following;
    loans_.give_back(gone);
  }
}

void Transfer::release(Side& side) {
  while (side.first_sent != 0) drop_first_sent(side);
  while (side.holes != 0) {
    const std::uint32_t gone = side.holes;
    side.holes = loans_.get<Hole>(gone).following;
    loans_.give_back(gone);
  }
  if (side.trouble != 0) {
    drop_repeats(loans_.get<Trouble>(side.trouble));
    loans_.give_back(side.trouble);
    side.trouble = 0;
  }
}

// The first hole that shares bytes with [begin, end); 0: none.
std::uint32_t Transfer::find_hole(const Side& side, Position begin, Position end) const {
  for (std::uint32_t at = side.holes; at != 0; at = loans_.get<Hole>(at).following) {
    const Hole& hole = loans_.get<Hole>(at);
    if (hole.begin >= end) return 0;
    if (hole.end > begin) return at;
  }
  return 0;
}

// Takes [begin, end) out of all holes and returns how many bytes that were.
std::uint64_t Transfer::close_holes(Side& side, Position begin, Position end) {
  std::uint64_t closed = 0;
  std::uint32_t* link = &side.holes;
  while (*link != 0) {
    Hole& hole = loans_.get<Hole>(*link);
    if (hole.begin >= end) break;
    if (hole.end <= begin) {
      link = &hole.following;
      continue;
    }
    const Position from = std::max(begin, hole.begin);
    const Position to = std::min(end, hole.end);
    closed += to - from;
    if (from > hole.begin && to < hole.end) {
      Hole rest = hole;
      rest.begin = to;
      hole.end = from;
      add_hole(side, rest);
      break;
    }
    if (from > hole.begin) {
      hole.end = from;
      link = &hole.following;
    } else if (to < hole.end) {
      hole.begin = to;
      break;
    } else {
      const std::uint32_t gone = *link;
      *link = hole.following;
      loans_.give_back(gone);
    }
  }
  return closed;
}

// [begin, end) was not seen, and the segment at hand lies beyond.
void Transfer::open_hole(const Step& step, Position begin, Position end) {
  Side& side = step.sender;
  Hole hole;
  hole.begin = begin;
  hole.end = end;
  hole.shown_by = step.carriage.seen;
  hole.segments_before = side.data_segments;
  hole.has_timestamp = step.segment.options.has_timestamps;
  hole.timestamp = step.segment.options.timestamp;
  hole.identification = static_cast<std::uint16_t>(step.carriage.identification);
  if (side.ack_known && side.acked > begin) {
    Hole lost = hole;
    lost.end = std::min(side.acked, end);
    lost.is_acknowledged = true;
    lost.acknowledged = step.now();
    add_hole(side, lost);
    hole.begin = lost.end;
  }
  if (hole.begin < hole.end) add_hole(side, hole);
}

void Transfer::add_hole(Side& side, const Hole& hole) {
  std::uint32_t* link = &side.holes;
  int count = 0;
  while (*link != 0 && loans_.get<Hole>(*link).begin < hole.begin) {
    link = &loans_.get<Hole>(*link).following;
    ++count;
  }
  for (std::uint32_t at = *link; at != 0; at = loans_.get<Hole>(at).following) ++count;
  const std::uint32_t number = count < most_holes ? loans_.borrow<Hole>() : 0;
  if (number == 0) {
    side.approximate = true;
    if (hole.is_acknowledged) count_unseen(side, hole);
    return;
  }
  Hole& made = loans_.get<Hole>(number);
  made = hole;
  made.following = *link;
  *link = number;
}

// What was acknowledged and never seen.
void Transfer::count_unseen(Side& side, const Hole& hole) {
  if (is_of_keep_alive(side, hole)) return;
  count_up(side.unseen);
  ++counters_.unseen;
  if (hole.end - hole.begin <= longest_leap) counters_.unseen_bytes += hole.end - hole.begin;
}

// What is acknowledged and still was not seen some time later got lost in the capture.
void Transfer::settle_holes(Side& side, Timestamp now) {
  std::uint32_t* link = &side.holes;
  while (*link != 0) {
    Hole& hole = loans_.get<Hole>(*link);
    if (!hole.is_acknowledged || now - hole.acknowledged <= capture_disorder) {
      link = &hole.following;
      continue;
    }
    count_unseen(side, hole);
    const std::uint32_t gone = *link;
    *link = hole.following;
    loans_.give_back(gone);
  }
}

}  // namespace wirefault::tcp
