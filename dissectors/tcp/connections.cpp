#include "dissectors/tcp/connections.h"

#include <algorithm>

namespace wirefault::tcp {
namespace {

using std::chrono::seconds;

// detectors.md, section 9.4: how long an entry is kept after its last segment.
constexpr Duration idle_life = seconds{3600};
constexpr Duration closed_life = seconds{60};  // TIME-WAIT on Linux
constexpr Duration reset_life = seconds{10};
// Sooner than that, a SYN with another sequence number is a stray of the old connection.
constexpr Duration reuse_pause = seconds{3};

constexpr std::size_t most_connections = 262144;

// Entries move to the young end of their list when this much of the clock has turned: 68.7 s.
constexpr int epoch_bits = 36;

bool same_epoch(Timestamp a, Timestamp b) {
  return a.time_since_epoch().count() >> epoch_bits == b.time_since_epoch().count() >> epoch_bits;
}

Duration life_in(Phase phase) {
  switch (phase) {
    case Phase::closed:
      return closed_life;
    case Phase::reset:
      return reset_life;
    default:
      return idle_life;
  }
}

}  // namespace

Connections::Connections(Settings&, std::size_t budget, std::size_t loans, FactListener& listener)
    : listener_{listener},
      table_{std::min(most_connections, budget / decltype(table_)::entry_cost())},
      transfer_{loans, listener} {}

Connection* Connections::find(std::uint64_t hash, const Conversation& key, Timestamp now) {
  Connection* found =
      table_.find(hash, [&](const Connection& candidate) { return candidate.key == key; });
  if (found != nullptr && due(*found) <= now) {
    ++counters_.expired;
    end(*found, Ending::idle);
    return nullptr;
  }
  return found;
}

Connection& Connections::open(const Opening& opening, const Conversation& key, std::uint64_t hash) {
  if (table_.full()) make_room();
  const Phase phase = opening.joined_midway ? Phase::midway : Phase::established;
  Connection& made = table_.insert(hash, static_cast<std::uint8_t>(phase));
  ++counters_.inserted;
  made.key = key;
  made.phase = phase;
  made.first_seen = opening.syn.exists() ? opening.syn.time : opening.ack.time;
  made.last_seen = opening.ack.time;
  made.low_is_initiator = opening.initiator == key.low;
  made.roles_guessed = opening.roles_guessed;
  made.joined_midway = opening.joined_midway;
  if (opening.joined_midway) ++joined_midway_;
  transfer_.begin(made, opening);
  next_deadline_ = std::min(next_deadline_, due(made));
  return made;
}

void Connections::add(Connection& connection, const Segment& segment, const Carriage& carriage) {
  const Timestamp now = carriage.seen.time;
  if (now > connection.last_seen) {
    if (!same_epoch(now, connection.last_seen)) {
      table_.move_to(connection, static_cast<std::uint8_t>(connection.phase));
    }
    connection.last_seen = now;
  }
  transfer_.add(connection, segment, carriage);
  if (segment.has(rst)) {
    enter(connection, Phase::reset);
  } else if (connection.low.fin_seen && connection.high.fin_seen &&
             connection.phase < Phase::closed) {
    enter(connection, Phase::closed);
  }
}

bool Connections::yields_to(const Connection& connection, const Segment& syn,
                            const Carriage& carriage) const {
  const Side& side = carriage.source == connection.key.low ? connection.low : connection.high;
  if (side.was_seen && side.from_syn && wrapping_add(syn.sequence, 1u) == side.first) return false;
  if (connection.phase >= Phase::closed || !side.was_seen) return true;
  // Beyond what was sent, as RFC 9293, section 3.6.1 wants it of a new connection.
  const std::int32_t ahead = newer_by(syn.sequence, static_cast<std::uint32_t>(side.next));
  return ahead > 0 || carriage.seen.time - connection.last_seen > reuse_pause;
}

void Connections::close(Connection& connection) {
  ++counters_.closed;
  end(connection, Ending::replaced);
}

void Connections::enter(Connection& connection, Phase phase) {
  if (connection.phase == phase) return;
  connection.phase = phase;
  table_.move_to(connection, static_cast<std::uint8_t>(phase));
  next_deadline_ = std::min(next_deadline_, due(connection));
}

Timestamp Connections::due(const Connection& connection) const {
  return connection.last_seen + life_in(connection.phase);
}

void Connections::make_room() {
  for (const Phase phase : {Phase::closed, Phase::reset, Phase::midway, Phase::established}) {
    if (Connection* oldest = table_.oldest(static_cast<std::uint8_t>(phase))) {
      ++counters_.evicted;
      return end(*oldest, Ending::evicted);
    }
  }
}

// The lists are only nearly in order, so an entry in front of which another is due may wait for a
// minute more; find() sees to it that nothing is added to it any more.
void Connections::expire_due(Timestamp now) {
  next_deadline_ = Timestamp::max();
  for (const Phase phase : {Phase::midway, Phase::established, Phase::closed, Phase::reset}) {
    const auto list = static_cast<std::uint8_t>(phase);
    for (Connection* oldest = table_.oldest(list); oldest != nullptr;
         oldest = table_.oldest(list)) {
      if (due(*oldest) > now) {
        next_deadline_ = std::min(next_deadline_, due(*oldest));
        break;
      }
      ++counters_.expired;
      end(*oldest, Ending::idle);
    }
  }
}

void Connections::end(Connection& connection, Ending ending) {
  transfer_.end(connection);
  ConnectionEnded fact;
  const bool low_opened = connection.low_is_initiator;
  const Side& initiator = low_opened ? connection.low : connection.high;
  const Side& responder = low_opened ? connection.high : connection.low;
  fact.from_initiator.sender = low_opened ? connection.key.low : connection.key.high;
  fact.from_initiator.receiver = low_opened ? connection.key.high : connection.key.low;
  fact.from_initiator.tunnel = connection.key.tunnel;
  fact.from_initiator.sender_is_initiator = true;
  fact.from_initiator.roles_guessed = connection.roles_guessed;
  fact.initiator = transfer_.totals(initiator);
  fact.responder = transfer_.totals(responder);
  fact.ending = ending;
  if (connection.phase == Phase::closed) fact.ending = Ending::closed;
  if (connection.phase == Phase::reset) fact.ending = Ending::reset;
  fact.joined_midway = connection.joined_midway;
  fact.first = connection.first_seen;
  fact.last = connection.last_seen;
  if (fact.is_one_sided()) ++one_sided_;
  table_.erase(connection);
  listener_.on_tcp_connection_ended(fact);
}

void Connections::finish(Timestamp now) {
  expire(now);
  for (const Phase phase : {Phase::midway, Phase::established, Phase::closed, Phase::reset}) {
    while (Connection* open = table_.oldest(static_cast<std::uint8_t>(phase))) {
      ++counters_.closed;
      end(*open, Ending::capture_ended);
    }
  }
}

}  // namespace wirefault::tcp
