#include "dissectors/tcp/tracker.h"

namespace wirefault::tcp {

Tracker::Tracker(Settings& settings, const Budgets& budgets, const HashKey& key,
                 FactListener& listener)
    : key_{key},
      half_open_{budgets.half_open, key, listener},
      connections_{settings, budgets.connections, budgets.loans, listener} {}

void Tracker::add(const Segment& segment, const Carriage& carriage) {
  const ConnectionKey key =
      ConnectionKey::of(carriage.source, carriage.destination, carriage.tunnel);
  const std::uint64_t hash = keyed_hash(key_, key);
  connections_.prefetch(hash);
  half_open_.prepare(segment, carriage, hash);
  Connection* connection = connections_.find(hash, key, carriage.seen.time);
  if (connection != nullptr && segment.has(syn) && !segment.has(ack) &&
      connections_.yields_to(*connection, segment, carriage)) {
    connections_.close(*connection);
    connection = nullptr;
  }
  if (connection == nullptr) {
    const std::optional<Opening> opening = half_open_.add(segment, carriage, key, hash);
    if (!opening) return;
    connection = &connections_.open(*opening, key, hash);
  }
  connections_.add(*connection, segment, carriage);
}

Quoted Tracker::reject(const Rejected& rejected) {
  const ConnectionKey key =
      ConnectionKey::of(rejected.source, rejected.destination, rejected.tunnel);
  const std::uint64_t hash = keyed_hash(key_, key);
  if (connections_.find(hash, key, rejected.seen.time) != nullptr) return Quoted::connection;
  return half_open_.reject(rejected, hash) ? Quoted::attempt : Quoted::nothing;
}

}  // namespace wirefault::tcp
