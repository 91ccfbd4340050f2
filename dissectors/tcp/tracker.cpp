#include "dissectors/tcp/tracker.h"

namespace wirefault::tcp {

Tracker::Tracker(Settings& settings, const Budgets& budgets, const HashKey& key,
                 FactListener& listener)
    : key_{key},
      half_open_{budgets.half_open, key, listener},
      connections_{settings, budgets.connections, budgets.loans, listener} {}

void Tracker::add(const Segment& segment, const Carriage& carriage,
                  const Conversation& conversation, std::uint64_t hash) {
  Connection* connection = connections_.find(hash, conversation, carriage.seen.time);
  if (connection != nullptr && segment.has(syn) && !segment.has(ack) &&
      connections_.yields_to(*connection, segment, carriage)) {
    connections_.close(*connection);
    connection = nullptr;
  }
  if (connection == nullptr) {
    const std::optional<Opening> opening = half_open_.add(segment, carriage, hash);
    if (!opening) return;
    connection = &connections_.open(*opening, conversation, hash);
  }
  connections_.add(*connection, segment, carriage);
}

Quoted Tracker::reject(const Rejected& rejected) {
  const Conversation conversation =
      Conversation{rejected.source, rejected.destination, rejected.tunnel};
  const std::uint64_t hash = conversation.hash(key_);
  if (Connection* open = connections_.find(hash, conversation, rejected.seen.time)) {
    Quoted quoted;
    quoted.kind = Quoted::Kind::connection;
    quoted.from_initiator = open->low_is_initiator == (rejected.source == open->key.low);
    if (rejected.too_large != 0) {
      const Refused refused = connections_.refuse(*open, rejected.source, rejected.sequence,
                                                  rejected.too_large, rejected.seen.time);
      quoted.last = refused.first;
      quoted.sent_length = refused.largest;
    }
    return quoted;
  }
  const Sighting last = half_open_.reject(rejected, hash);
  if (!last.exists()) return {};
  return {Quoted::Kind::attempt, last, 0, true};
}

}  // namespace wirefault::tcp
