#include "dissectors/tcp/half_open.h"

namespace wirefault::tcp {
namespace {

using std::chrono::seconds;

// Linux repeats a SYN-ACK five times; the last wait ends 63 s after the first.
constexpr Duration half_open_life = seconds{63};

// Ports below are registered or well known, those above are drawn by clients (Linux draws from
// 32768 on, IANA says 49152).
constexpr std::uint16_t first_ephemeral_port = 32768;

Offer describe(const Segment& segment, const Carriage& carriage) {
  Offer offer;
  offer.was_seen = true;
  offer.has_mss = segment.options.has_mss;
  offer.has_window_scale = segment.options.has_window_scale;
  offer.sack_permitted = segment.options.sack_permitted;
  offer.has_timestamps = segment.options.has_timestamps;
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

}  // namespace

HalfOpen::HalfOpen(Settings&, std::size_t budget, FactListener&)
    : table_{std::min<std::size_t>(1048576, budget / decltype(table_)::entry_cost())} {}

HalfOpen::Record* HalfOpen::find(std::uint64_t hash, const ConnectionKey& key) {
  return table_.find(hash, [&](const Record& candidate) {
    return candidate.hash == hash && candidate.key == key;
  });
}

std::optional<Opening> HalfOpen::add(const Segment& segment, const Carriage& carriage,
                                     const ConnectionKey& key, std::uint64_t hash) {
  if (Record* record = find(hash, key)) return proceed(*record, segment, carriage);
  return begin(segment, carriage, key, hash);
}

std::optional<Opening> HalfOpen::begin(const Segment& segment, const Carriage& carriage,
                                       const ConnectionKey& key, std::uint64_t hash) {
  if (segment.has(rst)) return std::nullopt;
  if (!segment.has(syn)) return join_midway(carriage);
  if (table_.full()) {
    table_.erase(*table_.oldest());
    ++counters_.evicted;
  }
  Record& record = table_.insert(hash);
  ++counters_.inserted;
  record.key = key;
  record.hash = hash;
  record.begun = carriage.seen.time;
  Opening& opening = record.opening;
  opening.tunnel = carriage.tunnel;
  if (segment.has(ack)) {
    opening.initiator = carriage.destination;
    opening.responder = carriage.source;
    opening.responder_syn = describe(segment, carriage);
    opening.syn_ack = carriage.seen;
    opening.syn_acks = 1;
  } else {
    opening.initiator = carriage.source;
    opening.responder = carriage.destination;
    opening.initiator_syn = describe(segment, carriage);
    opening.syn = opening.last_syn = carriage.seen;
    opening.syns = 1;
  }
  return std::nullopt;
}

std::optional<Opening> HalfOpen::proceed(Record& record, const Segment& segment,
                                         const Carriage& carriage) {
  Opening& opening = record.opening;
  if (segment.has(rst)) {
    close(record);
    return std::nullopt;
  }
  if (!segment.has(syn)) {
    opening.ack = carriage.seen;
    const Opening completed = opening;
    close(record);
    return completed;
  }
  if (segment.has(ack)) {
    if (opening.syn_acks++ == 0) {
      opening.responder_syn = describe(segment, carriage);
      opening.syn_ack = carriage.seen;
    }
  } else if (opening.syns++ == 0) {
    opening.initiator_syn = describe(segment, carriage);
    opening.syn = opening.last_syn = carriage.seen;
  } else {
    opening.last_syn = carriage.seen;
  }
  return std::nullopt;
}

void HalfOpen::close(Record& record) {
  ++counters_.closed;
  table_.erase(record);
}

void HalfOpen::expire(Timestamp now) {
  for (Record* oldest = table_.oldest(); oldest != nullptr && now - oldest->begun >= half_open_life;
       oldest = table_.oldest()) {
    ++counters_.expired;
    table_.erase(*oldest);
  }
}

void HalfOpen::finish(Timestamp end) {
  expire(end);
  while (Record* open = table_.oldest()) close(*open);
}

}  // namespace wirefault::tcp
