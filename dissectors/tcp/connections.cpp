#include "dissectors/tcp/connections.h"

namespace wirefault::tcp {
namespace {

using std::chrono::seconds;

// An established connection may be idle for long; detectors.md, section 9.4.
constexpr Duration idle_life = seconds{3600};
// Sooner than that, a SYN with another sequence number is a stray of the old connection.
constexpr Duration reuse_pause = seconds{3};

}  // namespace

Connections::Connections(Settings&, std::size_t budget, FactListener&)
    : table_{std::min<std::size_t>(262144, budget / decltype(table_)::entry_cost())} {}

Connection* Connections::find(std::uint64_t hash, const ConnectionKey& key) {
  return table_.find(hash, [&](const Connection& candidate) {
    return candidate.hash == hash && candidate.key == key;
  });
}

Connection& Connections::open(const Opening& opening, const ConnectionKey& key,
                              std::uint64_t hash) {
  if (table_.full()) {
    table_.erase(*table_.oldest());
    ++counters_.evicted;
  }
  Connection& made = table_.insert(hash);
  ++counters_.inserted;
  made.key = key;
  made.hash = hash;
  made.last_seen = opening.ack.time;
  made.initiator_isn = opening.initiator_syn.isn;
  return made;
}

void Connections::add(Connection& connection, const Segment&, const Carriage& carriage) {
  connection.last_seen = carriage.seen.time;
  table_.move_to(connection, 0);
}

bool Connections::yields_to(const Connection& connection, const Segment& syn,
                            const Carriage& carriage) const {
  return syn.sequence != connection.initiator_isn &&
         carriage.seen.time - connection.last_seen > reuse_pause;
}

void Connections::close(Connection& connection) {
  ++counters_.closed;
  table_.erase(connection);
}

void Connections::expire(Timestamp now) {
  for (Connection* oldest = table_.oldest();
       oldest != nullptr && now - oldest->last_seen >= idle_life; oldest = table_.oldest()) {
    ++counters_.expired;
    table_.erase(*oldest);
  }
}

void Connections::finish(Timestamp end) {
  expire(end);
  while (Connection* open = table_.oldest()) close(*open);
}

}  // namespace wirefault::tcp
