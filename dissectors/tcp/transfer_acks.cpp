// The other half of Transfer: what acknowledgments say of the data they acknowledge. In here the
// step's sender is who acknowledges, and its peer who sent the data.
#include <algorithm>

#include "dissectors/tcp/step.h"

namespace wirefault::tcp {
namespace {

// A repetition that reached the receiver is acknowledged no sooner than one trip there and back;
// half of the shortest seen leaves room for one that was measured on a slow moment. Below a
// millisecond the capture's own stamps are too coarse.
constexpr std::uint32_t least_telling_rtt_us = 1000;

// detectors.md and RFC 4821, section 7.7: what counts as large, as clearly smaller, as stuck.
constexpr std::uint16_t large_size = 1000;
constexpr std::uint16_t clearly_smaller = 100;
constexpr std::uint8_t stuck_repeats = 3;
// Without a sign of life for that long the path is down for every size.
constexpr Duration most_silence = seconds{15};

}  // namespace

void Transfer::take_acknowledgment(const Step& step) {
  Side& of = step.peer;
  const Segment& segment = step.segment;
  const bool window_moved = step.sender.window != segment.window;
  step.sender.window = segment.window;
  if (segment.window == 0) step.sender.was_closed = true;

  if (!of.ack_known) {
    const Position acked = of.was_seen ? unroll(of.next, segment.acknowledgment)
                                       : first_position(segment.acknowledgment);
    if (of.was_seen && distance(acked, of.next) > wild_distance) {
      ++counters_.wild;
      return;
    }
    of.ack_known = true;
    of.acked = acked;
    of.progressed = step.now();
    while (of.first_sent != 0 && loans_.get<Sent>(of.first_sent).end() <= acked) {
      drop_first_sent(of);
    }
    return;
  }
  const Position acked = unroll(of.acked, segment.acknowledgment);
  if (acked == of.acked) {
    if (segment.options.sack_count != 0) take_selective(step);
    // RFC 5681, section 2; with SACK a moved window does not spoil it.
    const bool is_duplicate = segment.payload.length == 0 && !segment.has(fin) &&
                              of.next > of.acked && of.was_seen &&
                              (!window_moved || segment.options.sack_count != 0);
    if (is_duplicate) take_duplicate(step);
  } else if (distance(acked, of.acked) > wild_distance &&
             (!of.was_seen || distance(acked, of.next) > wild_distance)) {
    ++counters_.wild;
    return;
  } else if (acked > of.acked) {
    progress(step, acked);
    if (segment.options.sack_count != 0) take_selective(step);
  } else if (segment.options.sack_count != 0) {
    take_selective(step);
  }
  if (of.trouble != 0) {
    Trouble& record = loans_.get<Trouble>(of.trouble);
    if (record.stall_repeats != 0 && !record.sign_of_life.exists()) {
      record.sign_of_life = step.carriage.seen;
      check_stall(step, of, record);
    }
  }
}

void Transfer::progress(const Step& step, Position acked) {
  Side& of = step.peer;
  const Timestamp now = step.now();
  const Position previous = of.acked;
  ++counters_.acks;
  if (of.was_seen && acked - previous <= longest_leap) counters_.acked_bytes += acked - previous;
  of.acked = acked;
  if (of.probed && acked == of.next + 1) of.next = acked;
  of.probed = false;

  Trouble* record = of.trouble == 0 ? nullptr : &loans_.get<Trouble>(of.trouble);
  if (record != nullptr && record->cured_size != 0 && !record->cure_told && of.first_sent != 0) {
    const Duration wait = now - loans_.get<Sent>(of.first_sent).last_time;
    if (wait <= 2 * step.smoothed_round_trip() + milliseconds{20} &&
        record->stall_size >= large_size && of.delivered_size < record->stall_size) {
      const std::uint32_t headers = step.full_size(of) - of.mss;
      tell_stall(step, of, *record, SizeStallState::cured);
      // What the sender makes of larger frames from now on.
      if (of.mss != 0 && record->cured_size > headers) {
        of.mss = static_cast<std::uint16_t>(record->cured_size - headers);
      }
    }
  }

  // Karn: what was sent twice gives no round trip.
  bool sent_twice = false;
  Timestamp sampled{};
  bool has_sample = false;
  while (of.first_sent != 0) {
    const Sent& sent = loans_.get<Sent>(of.first_sent);
    if (sent.end() > acked) break;
    sent_twice = sent_twice || sent.transmissions > 1;
    has_sample = true;
    sampled = sent.last_time;
    if (!sent.cut_anew) {
      of.delivered_size = std::max(of.delivered_size, sent.ip_length);
      if (record != nullptr && (record->stall_told || record->stall_hinted) &&
          sent.ip_length >= record->stall_size) {
        tell_stall(step, of, *record, SizeStallState::disproved);
      }
    }
    drop_first_sent(of);
  }
  if (has_sample && !sent_twice) sample_rtt(of, now - sampled);

  if (record != nullptr) {
    check_repeats(step, previous);
    record->duplicate_acks = 0;
    record->chain = 0;
    record->stall_repeats = 0;
    record->cured_size = 0;
    if (acked < record->recover) record->last_signal = now;
    if (acked >= of.next && record->repeats == 0 && !record->stall_told && !record->hole_told) {
      loans_.give_back(of.trouble);
      of.trouble = 0;
    }
  }
  step.connection.acked_lately[step.from_low() ? 1 : 0].add(acked - previous, now, of.progressed);
  of.progressed = now;
  if (of.holes != 0) cross_holes(of, now);
}

// Marks the holes that `acked` has passed. They may still be recorded late, for a moment.
void Transfer::cross_holes(Side& side, Timestamp now) {
  for (std::uint32_t at = side.holes; at != 0;) {
    Hole& hole = loans_.get<Hole>(at);
    at = hole.following;
    if (hole.is_acknowledged || hole.precedes_start || hole.begin >= side.acked) continue;
    if (hole.end > side.acked) {
      Hole rest = hole;
      rest.begin = side.acked;
      hole.end = side.acked;
      add_hole(side, rest);
      at = 0;
    }
    hole.is_acknowledged = true;
    hole.acknowledged = now;
  }
  settle_holes(side, now);
}

void Transfer::take_duplicate(const Step& step) {
  Side& of = step.peer;
  Trouble* record = trouble(of);
  if (record == nullptr) return;
  if (record->duplicate_acks != 0xffff) ++record->duplicate_acks;
  record->last_signal = step.now();
  if (record->duplicate_acks < stuck_repeats || record->hole_told || of.holes == 0 || of.mss == 0) {
    return;
  }
  // At the receiver: what is missing is exactly full segments, what came were small ones.
  const Hole& hole = loans_.get<Hole>(of.holes);
  const std::uint32_t full = step.full_size(of);
  if (hole.begin != of.acked || (hole.end - hole.begin) % of.mss != 0 || full < large_size ||
      std::uint32_t{of.largest_size} + clearly_smaller > full) {
    return;
  }
  record->hole_told = true;
  record->stall_size = static_cast<std::uint16_t>(std::min<std::uint32_t>(full, 0xffff));
  record->stuck_at = hole.begin;
  record->sign_of_life = step.carriage.seen;
  record->small_behind = true;
  tell_stall(step, of, *record, SizeStallState::hole);
}

void Transfer::take_selective(const Step& step) {
  Side& of = step.peer;
  const Options& options = step.segment.options;
  if (!of.was_seen) return;
  std::size_t first = 0;
  const Position begin = unroll(of.acked, options.sack[0].begin);
  const Position end = unroll(of.acked, options.sack[0].end);
  if (begin >= end || distance(begin, of.acked) > wild_distance) return;
  // RFC 2883, section 4: the first block tells what arrived twice if the rest is known to have
  // arrived already.
  bool twice = end <= of.acked;
  if (!twice && options.sack_count > 1) {
    twice = begin >= unroll(of.acked, options.sack[1].begin) &&
            end <= unroll(of.acked, options.sack[1].end);
  }
  if (twice) {
    first = 1;
    if (of.trouble != 0) {
      Trouble& record = loans_.get<Trouble>(of.trouble);
      for (std::uint32_t* link = &record.repeats; *link != 0;) {
        Repeat& repeat = loans_.get<Repeat>(*link);
        if (repeat.begin < end && repeat.end > begin) {
          prove_spurious(step, repeat, SpuriousProof::dsack);
          const std::uint32_t gone = *link;
          *link = repeat.following;
          loans_.give_back(gone);
          break;
        }
        link = &repeat.following;
      }
    }
  }
  for (std::size_t i = first; i < options.sack_count; ++i) {
    const Position block_begin = unroll(of.acked, options.sack[i].begin);
    const Position block_end = unroll(of.acked, options.sack[i].end);
    if (block_begin >= block_end || block_begin < of.acked || block_end > of.next) continue;
    Trouble* record = trouble(of);
    if (record == nullptr) return;
    if (block_end > record->sacked_to) {
      record->sacked_to = block_end;
      record->last_signal = step.now();
      if (record->chain == 0 && record->stall_repeats == 0) {
        record->sign_of_life = step.carriage.seen;
      }
    }
    if (record->stall_repeats == 0) continue;
    for (std::uint32_t at = of.first_sent; at != 0;) {
      const Sent& sent = loans_.get<Sent>(at);
      at = sent.following;
      if (sent.cut_anew || sent.begin < block_begin || sent.end() > block_end) continue;
      of.delivered_size = std::max(of.delivered_size, sent.ip_length);
      if (sent.ip_length + clearly_smaller <= record->stall_size) record->small_behind = true;
    }
  }
}

// Whether acknowledging from `previous` on proves that what was repeated had arrived before.
void Transfer::check_repeats(const Step& step, Position previous) {
  Side& of = step.peer;
  Trouble& record = loans_.get<Trouble>(of.trouble);
  const Options& options = step.segment.options;
  for (std::uint32_t* link = &record.repeats; *link != 0;) {
    Repeat& repeat = loans_.get<Repeat>(*link);
    const Duration since = step.now() - repeat.seen.time;
    bool proven = false;
    if (repeat.begin == previous && repeat.end <= of.acked && repeat.has_timestamp &&
        options.has_timestamps && newer_by(options.timestamp_echo, repeat.timestamp) < 0) {
      prove_spurious(step, repeat, SpuriousProof::timestamp);
      proven = true;
    } else if (repeat.begin >= previous && repeat.end <= of.acked &&
               of.min_rtt_us >= least_telling_rtt_us &&
               since < Duration{microseconds{of.min_rtt_us / 2}}) {
      prove_spurious(step, repeat, SpuriousProof::early_ack);
      proven = true;
    }
    if (proven || since > seconds{10}) {
      const std::uint32_t gone = *link;
      *link = repeat.following;
      loans_.give_back(gone);
    } else {
      link = &repeat.following;
    }
  }
}

void Transfer::prove_spurious(const Step& step, Repeat& repeat, SpuriousProof proof) {
  SpuriousRetransmission fact;
  fact.flow = flow(step, true);
  fact.repetition = repeat.seen.packet;
  fact.kind = static_cast<RepeatKind>(repeat.kind);
  fact.segments = repeat.segments;
  fact.proof = proof;
  fact.proven_by = step.carriage.seen;
  listener_.on_tcp_spurious_retransmission(fact);
}

void Transfer::sample_rtt(Side& side, Duration rtt) {
  if (rtt < Duration{} || rtt > seconds{300}) return;
  const auto us = std::max(static_cast<std::uint32_t>(rtt / microseconds{1}), 1u);
  side.min_rtt_us = side.min_rtt_us == 0 ? us : std::min(side.min_rtt_us, us);
  side.rtt_us = side.rtt_us == 0 ? us : (side.rtt_us * 7 + us) / 8;
}

// Whether several segments of that size are outstanding: a lone one may be a probe that is meant to
// find out (RFC 8899, section 4.1).
bool Transfer::is_flight_of(const Side& side, std::uint16_t size) const {
  int count = 0;
  for (std::uint32_t at = side.first_sent; at != 0 && count < 3;) {
    const Sent& sent = loans_.get<Sent>(at);
    at = sent.following;
    if (sent.ip_length >= size) ++count;
  }
  return count == 3;
}

// A repetition at the head of the line. `sent` is what it repeats, if that is known.
void Transfer::note_stall(const Step& step, Trouble& record, const Sent* sent, Position begin) {
  const std::uint16_t size = step.ip_length();
  if (record.chain == 0 && record.stall_repeats == 0) {
    record.stuck_at = begin;
    record.cured_size = 0;
    if (!record.stall_told) record.stall_size = sent == nullptr ? size : sent->ip_length;
    // The last segment that arrived behind, if it was a small one, speaks for the path.
    const Sent* behind =
        record.sacked_to > begin ? find_sent(step.sender, record.sacked_to - 1) : nullptr;
    record.small_behind =
        behind != nullptr && behind->ip_length + clearly_smaller <= record.stall_size;
    if (!record.small_behind) record.sign_of_life = {};
  } else if (record.stuck_at != begin) {
    record.chain = 0;
  }
  if (size + clearly_smaller <= record.stall_size &&
      (record.stall_repeats >= 2 || is_flight_of(step.sender, record.stall_size))) {
    record.cured_size = size;
  } else if (size >= record.stall_size && record.stall_repeats != 0xff) {
    ++record.stall_repeats;
  }
}

void Transfer::check_stall(const Step& step, Side& sender, Trouble& record) {
  const Side& receiver = &sender == &step.sender ? step.peer : step.sender;
  if (record.stall_told || record.stall_repeats < stuck_repeats) return;
  const Sent* sent = find_sent(sender, record.stuck_at);
  if (sent == nullptr || receiver.window == 0) return;
  const bool small_arrives = sender.delivered_size != 0 || (sender.from_syn && receiver.from_syn);
  if (record.stall_size < large_size || record.stall_size < sender.largest_size || !small_arrives ||
      sender.delivered_size + clearly_smaller > record.stall_size ||
      step.now() - sent->first_time > most_silence) {
    return;
  }
  // Told once without a sign of life, for others to find one, and again with it.
  if (!record.sign_of_life.exists() &&
      (record.stall_repeats != stuck_repeats || record.cured_size != 0)) {
    return;
  }
  tell_stall(step, sender, record, SizeStallState::stuck);
}

void Transfer::tell_stall(const Step& step, Side& sender, Trouble& record, SizeStallState state) {
  SizeStall fact;
  fact.flow = flow(step, &sender != &step.sender);
  fact.state = state;
  fact.offset = record.stuck_at - sender.start();
  fact.lost_size = record.stall_size;
  fact.delivered_size = sender.delivered_size;
  fact.cured_size = record.cured_size;
  fact.repeats = record.stall_repeats;
  fact.small_behind = record.small_behind;
  fact.sign_of_life = record.sign_of_life;
  if (state == SizeStallState::hole) {
    fact.original = loans_.get<Hole>(sender.holes).shown_by;
    fact.repetition = step.carriage.seen;
  } else if (const Sent* sent = find_sent(sender, record.stuck_at)) {
    fact.original = {sent->packet, sent->first_time};
    fact.repetition = step.carriage.seen;
    fact.lasted = sent->last_time - sent->first_time;
  }
  record.cure_told = state == SizeStallState::cured;
  record.stall_told = state != SizeStallState::disproved &&
                      (state != SizeStallState::stuck || record.sign_of_life.exists());
  record.stall_hinted = state == SizeStallState::stuck && !record.stall_told;
  listener_.on_tcp_size_stall(fact);
}

}  // namespace wirefault::tcp
