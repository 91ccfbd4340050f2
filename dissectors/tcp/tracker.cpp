#include "dissectors/tcp/tracker.h"

namespace wirefault::tcp {

Tracker::Tracker(Settings& settings, const Budgets& budgets, const HashKey& key,
                 FactListener& listener)
    : key_{key},
      half_open_{budgets.half_open, key, listener},
      connections_{settings, budgets.connections, budgets.loans, listener} {}

Tracker::Ahead& Tracker::ahead_of(const ConnectionKey& key) {
  const Bytes low = key.low.address.bytes();
  const Bytes high = key.high.address.bytes();
  const std::uint32_t bits = std::uint32_t{key.low.port} ^ key.high.port ^ low.back() ^
                             std::uint32_t{high.back()} << 1 ^ std::uint32_t{low[2]} << 2 ^
                             std::uint32_t{high[2]} << 3;
  return ahead_[bits % most_ahead];
}

std::uint64_t Tracker::hash_of(const ConnectionKey& key) {
  Ahead& ahead = ahead_of(key);
  if (ahead.hash == 0 || ahead.key != key) ahead = {key, keyed_hash(key_, key)};
  return ahead.hash;
}

void Tracker::prefetch(const Glance& glance) {
  const std::uint64_t hash = hash_of(ConnectionKey::of(glance.source, glance.destination, 0));
  connections_.prefetch(hash);
  half_open_.prefetch(hash);
  if (glance.is_syn) {
    half_open_.prefetch_syn(glance.source, glance.destination, 0, glance.sequence);
  }
}

void Tracker::add(const Segment& segment, const Carriage& carriage) {
  const ConnectionKey key =
      ConnectionKey::of(carriage.source, carriage.destination, carriage.tunnel);
  const std::uint64_t hash = hash_of(key);
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
  if (connections_.find(hash, key, rejected.seen.time) != nullptr) {
    return {Quoted::Kind::connection, {}};
  }
  const Sighting last = half_open_.reject(rejected, hash);
  if (!last.exists()) return {};
  return {Quoted::Kind::attempt, last};
}

}  // namespace wirefault::tcp
