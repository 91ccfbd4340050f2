#include "dissectors/tcp/half_open.h"

#include <array>
#include <bit>
#include <cstring>

namespace wirefault::tcp {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The ages at which detectors look (detectors.md, section 3.5): real clients repeat a SYN after 1 s
// (RFC 6298, section 2), some older ones after 3 s.
constexpr Duration first_age = seconds{1};
constexpr Duration second_age = milliseconds{1500};
constexpr Duration third_age = seconds{3};
// A SYN without a repetition by then was given up by its application.
constexpr Duration abandon_age = seconds{4};
// Linux repeats a SYN-ACK five times; the last wait ends 63 s after the first. SYNs of one attempt
// are never further apart.
constexpr Duration half_open_life = seconds{63};
// For how long after a reset the same SYN may be repeated: Windows does so for 2 s.
constexpr Duration ended_life = seconds{10};

// No younger record gives way: whoever is real has not repeated the SYN yet.
constexpr Duration safe_age = seconds{5};
// Sooner than any stack repeats a SYN or SYN-ACK (Linux waits 200 ms at the least): a copy that the
// capture made.
constexpr Duration copy_window = milliseconds{100};
// An initiator that is alive acknowledges a SYN-ACK at once; most are nearer than that.
constexpr Duration prompt_answer = milliseconds{50};
constexpr std::uint8_t sample_rate = 64;
// Part of the table that one target must fill to be sampled.
constexpr std::size_t filling_share = 256;
// How far back a SYN without a record is known again.
constexpr std::uint32_t left_out_memory = 4;

// Ports below are registered or well known, those above are drawn by clients: Linux draws from
// 32768 on, others from 49152 (RFC 6335, section 6).
constexpr std::uint16_t first_ephemeral_port = 32768;

// Shares of the budget, in sixteenths; the records get the rest.
constexpr std::size_t trails_share = 2;
constexpr std::size_t services_share = 1;
constexpr std::size_t sources_share = 1;
constexpr std::size_t left_out_share = 1;
constexpr std::size_t records_share = 11;
constexpr std::size_t known_count = 65536;

std::size_t part(std::size_t budget, std::size_t sixteenths) {
  return budget / 16 * sixteenths;
}

// RFC 9293, section 3.4: numbers go round, so "how far ahead" does too.
std::uint32_t ahead(std::uint32_t of, std::uint32_t number) {
  return wrapping_add(number, wrapping_add(~of, 1u));
}
constexpr std::uint32_t half_circle = 0x80000000;

std::uint64_t hash_of(const IpAddress& address, std::uint64_t tunnel) {
  return stable_hash(Bytes{reinterpret_cast<const std::uint8_t*>(&address), sizeof address},
                     tunnel);
}
// Of an attempt: who (a hash already), from and to which port, whom, ISN. In few steps: every SYN
// of a flood is hashed like this.
std::uint64_t hash_of_attempt(std::uint64_t initiator, std::uint16_t from,
                              const Endpoint& responder, std::uint32_t isn) {
  std::array<std::uint64_t, 2> address;
  std::memcpy(address.data(), &responder.address, sizeof address);
  const std::uint64_t numbers =
      std::uint64_t{from} << 48 | std::uint64_t{responder.port} << 32 | isn;
  return stable_hash(numbers, initiator ^ address[0] ^ std::rotl(address[1], 32));
}
std::uint64_t hash_of_attempt(const Endpoint& initiator, const Endpoint& responder,
                              std::uint64_t tunnel, std::uint32_t isn) {
  return hash_of_attempt(hash_of(initiator.address, tunnel), initiator.port, responder, isn);
}

std::uint32_t left_out_tag(std::uint64_t hash, Timestamp now) {
  // Times before 1970 are negative.
  const std::int64_t second = (now.time_since_epoch() / seconds{1} % 63 + 63) % 63;
  return static_cast<std::uint32_t>(hash >> 38) << 6 | static_cast<std::uint32_t>(second + 1);
}

Offer describe(const Segment& segment, const Carriage& carriage) {
  Offer offer;
  offer.was_seen = true;
  offer.has_mss = segment.options.has_mss;
  offer.has_window_scale = segment.options.has_window_scale;
  offer.sack_permitted = segment.options.sack_permitted;
  offer.has_timestamps = segment.options.has_timestamps;
  offer.asks_ecn = segment.has(ece | cwr);
  offer.window_scale = segment.options.window_scale;
  offer.hop_limit = carriage.hop_limit;
  offer.mss = segment.options.mss;
  offer.window = segment.window;
  offer.isn = segment.sequence;
  offer.timestamp = segment.options.timestamp;
  return offer;
}

bool looks_like_initiator(const Endpoint& a, const Endpoint& b) {
  const bool a_ephemeral = a.port >= first_ephemeral_port;
  const bool b_ephemeral = b.port >= first_ephemeral_port;
  return a_ephemeral != b_ephemeral ? a_ephemeral : a.port > b.port;
}

Opening join_midway(const Carriage& carriage) {
  Opening opening;
  const bool forward = looks_like_initiator(carriage.source, carriage.destination);
  opening.initiator = forward ? carriage.source : carriage.destination;
  opening.responder = forward ? carriage.destination : carriage.source;
  opening.tunnel = carriage.tunnel;
  opening.ack = carriage.seen;
  opening.joined_midway = true;
  opening.roles_guessed = true;
  return opening;
}

void count_one(std::uint8_t& counter) {
  if (counter < 255) ++counter;
}

}  // namespace

HalfOpen::HalfOpen(std::size_t budget, const HashKey& key, FactListener& listener)
    : listener_{listener},
      table_{std::min<std::size_t>(1048576,
                                   part(budget, records_share) / decltype(table_)::entry_cost())},
      trails_{part(budget, trails_share) / decltype(trails_)::entry_cost()},
      services_{part(budget, services_share), key, listener},
      sources_{part(budget, sources_share), listener},
      known_{zeroed_pages<std::uint32_t>(known_count)},
      left_out_count_{std::bit_floor(part(budget, left_out_share) / sizeof(std::uint32_t) | 16)},
      left_out_{zeroed_pages<std::uint32_t>(left_out_count_)} {}

std::uint32_t& HalfOpen::known(std::uint64_t source) const {
  return known_.get()[source & (known_count - 1)];
}

void HalfOpen::prefetch_syn(const Endpoint& initiator, const Endpoint& responder,
                            std::uint64_t tunnel, std::uint32_t isn) const {
  const std::uint64_t source = hash_of(initiator.address, tunnel);
  const std::uint64_t attempt = hash_of_attempt(source, initiator.port, responder, isn);
  fetch_soon(&left_out(attempt));
  fetch_soon(&known(source));
  services_.prefetch(responder, tunnel);
}

std::optional<Opening> HalfOpen::add(const Segment& segment, const Carriage& carriage,
                                     std::uint64_t hash) {
  if (next_second_ == Timestamp::max()) {
    next_second_ = std::chrono::floor<seconds>(carriage.seen.time) + seconds{1};
    next_due_ = next_second_;
  }
  totals_.only_syns = totals_.only_syns && segment.has(syn);
  Record* record = find(hash, carriage);
  if (record != nullptr) return proceed(*record, segment, carriage);
  return begin(segment, carriage, hash);
}

HalfOpen::Record* HalfOpen::find(std::uint64_t hash, const Carriage& carriage) {
  return table_.find(hash, [&](const Record& candidate) {
    if (candidate.hash != hash || candidate.tunnel != carriage.tunnel) return false;
    return candidate.initiator == carriage.source ? candidate.responder == carriage.destination
                                                  : candidate.initiator == carriage.destination &&
                                                        candidate.responder == carriage.source;
  });
}

std::optional<Opening> HalfOpen::begin(const Segment& segment, const Carriage& carriage,
                                       std::uint64_t hash) {
  if (segment.has(rst)) {
    if (segment.has(ack) && segment.sequence == 0) ++totals_.refused_unseen;
    return std::nullopt;
  }
  if (segment.has(syn)) {
    if (segment.has(ack)) {
      begin_syn_ack(segment, carriage, hash);
    } else {
      begin_syn(segment, carriage, hash);
    }
    return std::nullopt;
  }
  if (!segment.has(ack)) {
    // No segment of a connection lacks the ACK flag (RFC 9293, section 3.10.7.4): these are probes.
    sources_.add(carriage.source.address, carriage.tunnel,
                 {carriage.destination, carriage.seen, HandshakeOutcome::abandoned, segment.flags},
                 carriage.seen.time);
    return std::nullopt;
  }
  if (counters_.refused > 0) {
    if (std::optional<Opening> opening = complete_unrecorded(segment, carriage)) return opening;
  }
  ++totals_.joined_midway;
  ++totals_.begun;
  return join_midway(carriage);
}

// The handshake of a SYN that was left out when its target was sampled.
std::optional<Opening> HalfOpen::complete_unrecorded(const Segment& segment,
                                                     const Carriage& carriage) {
  const std::uint32_t isn = wrapping_add(segment.sequence, 0xffffffffu);
  const std::uint64_t attempt =
      hash_of_attempt(carriage.source, carriage.destination, carriage.tunnel, isn);
  std::uint32_t& tag = left_out(attempt);
  if (tag >> 6 != left_out_tag(attempt, carriage.seen.time) >> 6) return std::nullopt;
  tag = 0;
  ++totals_.opened;
  ++services_.at(carriage.destination, carriage.tunnel, carriage.seen.time).counts.completed;
  Opening opening;
  opening.initiator = carriage.source;
  opening.responder = carriage.destination;
  opening.tunnel = carriage.tunnel;
  opening.ack = carriage.seen;
  opening.syns = 1;
  return opening;
}

void HalfOpen::begin_syn(const Segment& segment, const Carriage& carriage, std::uint64_t hash) {
  const Timestamp now = carriage.seen.time;
  const bool has_room = make_room(now);
  Services::Entry& service = services_.at(carriage.destination, carriage.tunnel, now);
  const std::uint64_t source = hash_of(carriage.source.address, carriage.tunnel);
  const std::uint64_t attempt =
      hash_of_attempt(source, carriage.source.port, carriage.destination, segment.sequence);
  const bool is_known = known(source) == static_cast<std::uint32_t>(source >> 32);

  const std::uint32_t fresh_tag = left_out_tag(attempt, now);
  const std::uint32_t old_tag = left_out(attempt);
  const bool repeats = old_tag >> 6 == fresh_tag >> 6 && old_tag != 0 &&
                       ((fresh_tag & 63) + 63 - (old_tag & 63)) % 63 <= left_out_memory;
  if (repeats) {
    ++service.counts.repeated_syns;
  } else {
    ++service.counts.new_syns;
    ++totals_.begun;
    const Options& options = segment.options;
    services_.add_member(service, attempt,
                         {carriage.seen, carriage.source.address, carriage.hop_limit,
                          options.has_mss, options.has_window_scale, options.sack_permitted,
                          options.has_timestamps, segment.window, options.mss, segment.sequence});
  }
  Record* record = nullptr;
  if (has_room) record = admit(service, hash, attempt, repeats || is_known);
  if (record == nullptr) {
    ++counters_.refused;
    service.counts.sampled = true;
    service.left_out = now;
    left_out(attempt) = fresh_tag;
    return;
  }
  record->initiator = carriage.source;
  record->responder = carriage.destination;
  record->tunnel = carriage.tunnel;
  record->first = carriage.seen;
  record->initiator_syn = describe(segment, carriage);
  record->syns = repeats ? 2 : 1;
  record->initiator_known = is_known;
  next_due_ = std::min(next_due_, due(*record));
}

void HalfOpen::begin_syn_ack(const Segment& segment, const Carriage& carriage, std::uint64_t hash) {
  const Timestamp now = carriage.seen.time;
  const bool has_room = make_room(now);
  Services::Entry& service = services_.at(carriage.source, carriage.tunnel, now);
  const std::uint64_t attempt = hash_of_attempt(carriage.destination, carriage.source,
                                                carriage.tunnel, segment.acknowledgment);
  // Its SYN may have come and been left out.
  const bool is_left_out = now - service.left_out <= seconds{left_out_memory};
  Record* record = nullptr;
  if (has_room && !is_left_out) record = admit(service, hash, attempt, false);
  if (record == nullptr) {
    ++counters_.refused;
    return;
  }
  ++totals_.begun;
  record->initiator = carriage.destination;
  record->responder = carriage.source;
  record->tunnel = carriage.tunnel;
  record->first = record->syn_ack = carriage.seen;
  record->responder_syn = describe(segment, carriage);
  record->syn_acks = 1;
  next_due_ = std::min(next_due_, due(*record));
}

HalfOpen::Record* HalfOpen::admit(Services::Entry& service, std::uint64_t hash,
                                  std::uint64_t attempt, bool always) {
  const std::size_t room = table_.capacity();
  std::uint8_t weight = 1;
  if (table_.size() >= room / 2 && service.resident >= room / filling_share) {
    service.counts.sampled = true;
    const bool is_left_out = attempt % sample_rate != 0 || table_.size() >= room_of_flood();
    if (!always && is_left_out) return nullptr;
    if (!always) weight = sample_rate;
  }
  Record& record = table_.insert(hash, young);
  ++counters_.inserted;
  ++service.resident;
  record.hash = hash;
  record.weight = weight;
  return &record;
}

// The oldest gives way: first what has ended, then what has waited longest; of those who ask again
// one in so many, in a table that is filled by who does not. The room that is left is for targets
// that are not flooded.
bool HalfOpen::make_room(Timestamp now) {
  constexpr int most_spared = 8;
  if (table_.size() < room_of_flood()) return true;
  int spared = 0;
  for (const List list : {ended, past_3s, past_1500ms}) {
    for (;;) {
      Record* oldest = table_.oldest(list);
      if (oldest == nullptr || (list != ended && now - oldest->first.time < safe_age)) break;
      if (list != ended && oldest->syns > 1 && oldest->weight == 1 && spared++ < most_spared) {
        table_.move_to(*oldest, list);
        continue;
      }
      if (list != ended) {
        // What is overdue is decided.
        settle(*oldest,
               {oldest->is_overdue ? outcome_of(*oldest, now) : HandshakeOutcome::evicted, now});
      }
      ++counters_.evicted;
      erase(*oldest);
      return true;
    }
  }
  return !table_.full();
}

std::optional<Opening> HalfOpen::proceed(Record& record, const Segment& segment,
                                         const Carriage& carriage) {
  if (segment.has(rst)) {
    add_reset(record, segment, carriage);
    return std::nullopt;
  }
  const bool from_initiator = carriage.source == record.initiator;
  if (segment.has(syn)) {
    if (segment.has(ack)) {
      if (!from_initiator) add_syn_ack(record, segment, carriage);
      return std::nullopt;
    }
    return from_initiator ? add_syn(record, segment, carriage) : std::nullopt;
  }
  if (!shows_completion(record, segment, from_initiator)) return std::nullopt;
  return complete(record, carriage);
}

std::optional<Opening> HalfOpen::add_syn(Record& record, const Segment& segment,
                                         const Carriage& carriage) {
  const Timestamp now = carriage.seen.time;
  if (record.initiator_syn.was_seen && record.initiator_syn.isn != segment.sequence) {
    // The port is used again: another attempt.
    const std::uint64_t hash = record.hash;
    if (record.list != ended) settle(record, {outcome_of(record, now), now});
    ++counters_.closed;
    erase(record);
    begin_syn(segment, carriage, hash);
    return std::nullopt;
  }
  if (!record.initiator_syn.was_seen) {
    // Captured after its SYN-ACK.
    record.initiator_syn = describe(segment, carriage);
    record.first = carriage.seen;
    record.syns = 1;
    ++service_of(record, now).counts.new_syns;
    return std::nullopt;
  }
  if (record.list == ended) return std::nullopt;
  const Trail* trail = find_trail(record);
  const Timestamp last =
      trail != nullptr && !trail->syns.empty() ? trail->syns.last().time : record.first.time;
  if (now - last < copy_window) return std::nullopt;
  Trail& longer = trail_of(record);
  longer.syns.add(carriage.seen);
  trails_.move_to(longer, untold);
  ++totals_.repeats;
  count_one(record.syns);
  ServiceSecond& counts = service_of(record, now).counts;
  ++counts.repeated_syns;
  record.gave_up_ecn = record.initiator_syn.asks_ecn && !segment.has(ece | cwr);
  // What repeats itself is always recorded, and so stands for itself alone.
  if (is_counted_open(record)) counts.half_open_change -= record.weight - 1;
  record.weight = 1;
  if (record.list == past_3s) move(record, past_3s, now);
  return std::nullopt;
}

void HalfOpen::add_syn_ack(Record& record, const Segment& segment, const Carriage& carriage) {
  if (record.list == ended) return;
  Trail* trail = find_trail(record);
  if (record.syn_acks > 0) {
    const Timestamp last = trail != nullptr && !trail->syn_acks.empty()
                               ? trail->syn_acks.last().time
                               : record.syn_ack.time;
    if (carriage.seen.time - last < copy_window) return;
    trail_of(record).syn_acks.add(carriage.seen);
    ++totals_.repeats;
  } else {
    record.syn_ack = carriage.seen;
    if (trail != nullptr) trail->syn_acks.add(carriage.seen);
  }
  record.responder_syn = describe(segment, carriage);
  if (record.initiator_syn.was_seen) {
    const std::uint32_t taken =
        ahead(wrapping_add(record.initiator_syn.isn, 1u), segment.acknowledgment);
    if (taken <= 0xffff) record.responder_syn.data_taken = static_cast<std::uint16_t>(taken);
  }
  count_one(record.syn_acks);
}

void HalfOpen::add_reset(Record& record, const Segment& segment, const Carriage& carriage) {
  if (record.list == ended) return;
  Ending ending{HandshakeOutcome::abandoned, carriage.seen.time, carriage.seen, carriage.hop_limit};
  if (carriage.source == record.initiator) {
    if (record.syn_acks > 0) {
      ending.outcome = HandshakeOutcome::reset_by_initiator;
    } else if (record.syns > 1) {
      ending.outcome = HandshakeOutcome::silent;
    }
  } else if (record.syn_acks > 0) {
    ending.outcome = HandshakeOutcome::unacknowledged;
  } else {
    record.reset_by_responder = true;
    // RFC 9293, section 3.10.7.3: what does not acknowledge the SYN is not an answer to it. One for
    // each SYN would be too much to ask: data may go with it.
    const std::uint32_t acknowledged = ahead(record.initiator_syn.isn, segment.acknowledgment);
    if (!segment.has(ack) || acknowledged == 0 || acknowledged > 65535) return;
    ending.outcome = HandshakeOutcome::refused;
  }
  settle(record, ending);
  move(record, ended, carriage.seen.time);
}

// Whether the segment, which is no SYN and no RST, can only have come after the handshake.
bool HalfOpen::shows_completion(const Record& record, const Segment& segment, bool from_initiator) {
  if (!segment.has(ack)) return false;
  if (from_initiator) {
    if (!record.responder_syn.was_seen) return record.list != ended;
    const std::uint32_t acknowledged = ahead(record.responder_syn.isn, segment.acknowledgment);
    return acknowledged != 0 && acknowledged < half_circle;
  }
  if (record.list == ended) return false;
  if (record.syn_acks > 0) return true;
  // A pure ACK of something else is a challenge (RFC 5961, section 4.2): the responder still holds
  // an older connection.
  const std::uint32_t acknowledged = ahead(record.initiator_syn.isn, segment.acknowledgment);
  return acknowledged != 0 && acknowledged < half_circle;
}

Opening HalfOpen::complete(Record& record, const Carriage& carriage) {
  const Timestamp now = carriage.seen.time;
  Opening opening;
  opening.initiator = record.initiator;
  opening.responder = record.responder;
  opening.tunnel = record.tunnel;
  opening.initiator_syn = record.initiator_syn;
  opening.responder_syn = record.responder_syn;
  if (record.syns > 0) opening.syn = opening.last_syn = record.first;
  opening.syn_ack = record.syn_ack;
  opening.ack = carriage.seen;
  opening.syns = record.syns;
  opening.syn_acks = record.syn_acks;
  if (const Trail* trail = find_trail(record); trail != nullptr && !trail->syns.empty()) {
    opening.last_syn = trail->syns.last();
  }
  if (record.list != ended) {
    settle(record, {HandshakeOutcome::completed, now, carriage.seen, carriage.hop_limit});
  }
  const bool is_timed =
      record.syns == 1 && record.syn_acks == 1 && carriage.source == record.initiator;
  listener_.on_tcp_opened({record.initiator, record.responder, record.tunnel,
                           record.syns > 0 ? record.first.time : now, now, record.syn_ack.time,
                           is_timed, record.initiator_syn.has_timestamps,
                           record.initiator_syn.hop_limit, record.responder_syn.hop_limit,
                           record.initiator_syn.timestamp});
  sources_.succeed(record.initiator.address, record.tunnel, now);
  const std::uint64_t source = hash_of(record.initiator.address, record.tunnel);
  known(source) = static_cast<std::uint32_t>(source >> 32);
  ++counters_.closed;
  erase(record);
  return opening;
}

Sighting HalfOpen::reject(const Rejected& rejected, std::uint64_t hash) {
  Carriage carriage;
  carriage.source = rejected.source;
  carriage.destination = rejected.destination;
  carriage.tunnel = rejected.tunnel;
  Record* record = find(hash, carriage);
  if (record == nullptr || record->list == ended || record->initiator != rejected.source ||
      record->initiator_syn.isn != rejected.sequence) {
    return {};
  }
  Trail& trail = trail_of(*record);
  const Sighting last = trail.syns.empty() ? record->first : trail.syns.last();
  if (!rejected.is_final) return last;
  if (!record->rejected) {
    trail.rejected_by = rejected.seen;
    trail.rejecter = rejected.rejecter;
    trail.error = rejected.error;
  }
  record->rejected = true;
  return last;
}

Timestamp HalfOpen::due(const Record& record) {
  switch (record.list) {
    case young:
      return record.first.time + first_age;
    case past_1s:
      return record.first.time + second_age;
    case past_1500ms:
      return record.first.time + third_age;
    case past_3s:
      return record.touched + half_open_life;
    default:
      return record.touched + ended_life;
  }
}

void HalfOpen::expire_due(Timestamp now) {
  for (;;) {
    Record* first = nullptr;
    for (std::uint8_t list = 0; list < list_count; ++list) {
      Record* oldest = table_.oldest(list);
      if (oldest != nullptr && (first == nullptr || due(*oldest) < due(*first))) first = oldest;
    }
    Timestamp next = first == nullptr ? Timestamp::max() : due(*first);
    if (next_second_ <= std::min(next, now)) {
      services_.flush();
      sources_.flush();
      tell_overdue(next_second_);
      // Seconds in which nothing can have happened are passed at once.
      const Timestamp reached = std::chrono::floor<seconds>(std::min(next, now));
      next_second_ = std::max(next_second_, reached) + seconds{1};
      continue;
    }
    if (next > now) {
      next_due_ = std::min(next, next_second_);
      return;
    }
    pass_age(*first, next);
  }
}

void HalfOpen::pass_age(Record& record, Timestamp now) {
  ServiceSecond& counts = service_of(record, now).counts;
  const bool is_stray = record.syns == 0;
  switch (record.list) {
    case young:
      if (!is_stray) counts.half_open_change += record.weight;
      return move(record, past_1s, now);
    case past_1s:
      if (!is_stray) {
        (record.syns > 1 ? counts.aged_1500ms.repeated : counts.aged_1500ms.lone) += record.weight;
      }
      return move(record, past_1500ms, now);
    case past_1500ms:
      if (!is_stray) {
        (record.syns > 1 ? counts.aged_3s.repeated : counts.aged_3s.lone) += record.weight;
        if (record.syn_acks > 0) counts.aged_3s_answered += record.weight;
      }
      tell_of_3s(record, now);
      return move(record, past_3s, now);
    case past_3s:
      settle(record, {outcome_of(record, now), now});
      break;
    default:
      break;
  }
  ++counters_.expired;
  erase(record);
}

// What is repeated is told of as overdue later, by its trail.
void HalfOpen::tell_of_3s(Record& record, Timestamp now) {
  const HandshakeOutcome outcome = outcome_of(record, now + (abandon_age - third_age));
  fail(record, outcome, now);
  if (outcome != HandshakeOutcome::abandoned || !is_worth_telling(record, outcome)) return;
  record.is_overdue = true;
  listener_.on_tcp_overdue(account_of(record, {outcome, now}));
}

HandshakeOutcome HalfOpen::outcome_of(const Record& record, Timestamp when) {
  // However young: the error says that it will not be.
  if (record.rejected) return HandshakeOutcome::rejected;
  const Duration age = when - record.first.time;
  if (age < third_age) return HandshakeOutcome::capture_ended;
  if (record.syns == 0) return HandshakeOutcome::one_sided;
  if (record.syn_acks > 0) return HandshakeOutcome::unacknowledged;
  if (record.syns > 1) return HandshakeOutcome::silent;
  return age < abandon_age ? HandshakeOutcome::capture_ended : HandshakeOutcome::abandoned;
}

bool HalfOpen::is_counted_open(const Record& record) {
  return record.syns > 0 && record.list != young && record.list != ended;
}

void HalfOpen::settle(Record& record, const Ending& ending) {
  count(record, ending);
  if (is_worth_telling(record, ending.outcome)) {
    listener_.on_tcp_handshake(account_of(record, ending));
  }
}

void HalfOpen::count(const Record& record, const Ending& ending) {
  ServiceSecond& counts = service_of(record, ending.when).counts;
  const std::uint64_t weight = record.weight;
  if (is_counted_open(record)) counts.half_open_change -= record.weight;
  switch (ending.outcome) {
    case HandshakeOutcome::completed:
      totals_.opened += weight;
      counts.completed += weight;
      if (record.initiator_known) counts.completed_known += weight;
      return;
    case HandshakeOutcome::refused:
      totals_.refused += weight;
      counts.refused += weight;
      break;
    case HandshakeOutcome::reset_by_initiator:
      counts.reset_by_initiator += weight;
      break;
    case HandshakeOutcome::rejected:
      counts.rejected += weight;
      [[fallthrough]];
    default:
      if (!record.reset_by_responder) totals_.half_open += weight;
      if (record.list == past_3s && record.syns > 0) {
        counts.syn_acks_of_failed[std::min<std::size_t>(record.syn_acks, 6)] += weight;
      }
  }
  if (record.list < past_3s) fail(record, ending.outcome, ending.when);
}

// An attempt that exchanged no data, told of its source; and of both ends, where nobody asked.
void HalfOpen::fail(const Record& record, HandshakeOutcome outcome, Timestamp when) {
  if (outcome == HandshakeOutcome::capture_ended || outcome == HandshakeOutcome::evicted) return;
  if (record.syns > 0) {
    FailedAttempt attempt;
    attempt.responder = record.responder;
    attempt.seen = record.first;
    attempt.outcome = outcome;
    sources_.add(record.initiator.address, record.tunnel, attempt, when);
    return;
  }
  // Whom unsolicited SYN-ACKs reach is counted under port 0 of that address.
  const Endpoint target{record.initiator.address, 0};
  const std::uint64_t attempt =
      hash_of_attempt(record.initiator, record.responder, record.tunnel, record.responder_syn.isn);
  for (const bool of_target : {false, true}) {
    Services::Entry& entry =
        services_.at(of_target ? target : record.responder, record.tunnel, when);
    entry.counts.stray_syn_acks += record.weight;
    services_.add_member(
        entry, attempt,
        {record.first, of_target ? record.responder.address : record.initiator.address,
         record.responder_syn.hop_limit, record.responder_syn.has_mss,
         record.responder_syn.has_window_scale, record.responder_syn.sack_permitted,
         record.responder_syn.has_timestamps, record.responder_syn.window, record.responder_syn.mss,
         record.responder_syn.isn});
  }
}

bool HalfOpen::is_worth_telling(const Record& record, HandshakeOutcome outcome) const {
  switch (outcome) {
    case HandshakeOutcome::refused:
    case HandshakeOutcome::rejected:
      return true;
    case HandshakeOutcome::one_sided:
    case HandshakeOutcome::evicted:
    case HandshakeOutcome::capture_ended:
      return false;
    case HandshakeOutcome::completed:
      return record.syns > 1 || record.syn_acks > 1;
    case HandshakeOutcome::abandoned:
      return record.initiator_known && !record.reset_by_responder;
    default:
      return record.syns > 1 || record.initiator_known;
  }
}

Handshake HalfOpen::account_of(const Record& record, const Ending& ending) {
  Handshake handshake;
  Opening& opening = handshake.opening;
  opening.initiator = record.initiator;
  opening.responder = record.responder;
  opening.tunnel = record.tunnel;
  opening.initiator_syn = record.initiator_syn;
  opening.responder_syn = record.responder_syn;
  opening.syns = record.syns;
  opening.syn_acks = record.syn_acks;
  handshake.outcome = ending.outcome;
  handshake.settled = ending.when;
  handshake.ended_by = ending.by;
  handshake.ended_by_hop_limit = ending.hop_limit;
  handshake.initiator_known = record.initiator_known;
  handshake.gave_up_ecn = record.gave_up_ecn;
  // The trail may have given way to others; the record still knows the first of each.
  if (const Trail* trail = find_trail(record)) {
    handshake.syns = trail->syns;
    handshake.syn_acks = trail->syn_acks;
    if (record.rejected) {
      handshake.error = trail->error;
      handshake.rejecter = trail->rejecter;
      handshake.ended_by = trail->rejected_by;
    }
  }
  if (record.syns > 0 && handshake.syns.empty()) handshake.syns.add(record.first);
  if (record.syn_acks > 0 && handshake.syn_acks.empty()) handshake.syn_acks.add(record.syn_ack);
  if (!handshake.syns.empty()) {
    opening.syn = handshake.syns.first();
    opening.last_syn = handshake.syns.last();
  }
  opening.syn_ack = record.syn_ack;
  opening.ack = ending.by;
  return handshake;
}

void HalfOpen::tell_overdue(Timestamp now) {
  Trail* next = nullptr;
  for (Trail* trail = trails_.oldest(untold); trail != nullptr; trail = next) {
    next = trails_.after(*trail);
    Record* record = table_.find(trail->hash, [trail](const Record& candidate) {
      return candidate.hash == trail->hash && candidate.has_trail;
    });
    const bool is_open = record != nullptr && record->list != ended && !record->rejected;
    if (is_open &&
        (now - record->first.time < third_age || !has_given_up(trail->syns.kept(), now))) {
      continue;
    }
    trails_.move_to(*trail, told);
    if (!is_open) continue;
    record->is_overdue = true;
    listener_.on_tcp_overdue(account_of(*record, {outcome_of(*record, now), now}));
  }
}

void HalfOpen::move(Record& record, List list, Timestamp now) {
  record.list = list;
  record.touched = now;
  table_.move_to(record, list);
  next_due_ = std::min(next_due_, due(record));
}

void HalfOpen::erase(Record& record) {
  services_.release(record.responder, record.tunnel);
  if (Trail* trail = find_trail(record)) trails_.erase(*trail);
  table_.erase(record);
}

HalfOpen::Trail* HalfOpen::find_trail(const Record& record) {
  if (!record.has_trail) return nullptr;
  return trails_.find(record.hash, [&](const Trail& trail) { return trail.hash == record.hash; });
}

HalfOpen::Trail& HalfOpen::trail_of(Record& record) {
  if (Trail* trail = find_trail(record)) return *trail;
  if (trails_.full()) {
    Trail* oldest = trails_.oldest(told);
    trails_.erase(oldest != nullptr ? *oldest : *trails_.oldest(untold));
  }
  Trail& made = trails_.insert(record.hash);
  made.hash = record.hash;
  record.has_trail = true;
  if (record.syns > 0) made.syns.add(record.first);
  if (record.syn_acks > 0) made.syn_acks.add(record.syn_ack);
  return made;
}

Services::Entry& HalfOpen::service_of(const Record& record, Timestamp now) {
  return services_.at(record.responder, record.tunnel, now);
}

void HalfOpen::finish(Timestamp end) {
  expire(end);
  for (std::uint8_t list = 0; list < list_count; ++list) {
    while (Record* open = table_.oldest(list)) {
      if (list != ended) settle(*open, {outcome_of(*open, end), end});
      if (list < past_1500ms && open->syns > 0 && open->syn_acks > 0 &&
          end - open->syn_ack.time >= prompt_answer) {
        service_of(*open, end).counts.unacknowledged_at_end += open->weight;
      }
      ++counters_.closed;
      erase(*open);
    }
  }
  services_.flush();
  sources_.flush();
  // Time may start anew.
  next_second_ = next_due_ = Timestamp::max();
}

}  // namespace wirefault::tcp
