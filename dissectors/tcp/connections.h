// Connections from their completed handshake on, or from their first segment seen where the capture
// began later.
#pragma once

#include <cstdint>

#include "dissectors/facts.h"
#include "dissectors/settings.h"
#include "dissectors/table.h"
#include "dissectors/tcp/opening.h"

namespace wirefault::tcp {

struct Connection {
  ConnectionKey key;
  std::uint64_t hash = 0;
  Timestamp last_seen{};
  std::uint32_t initiator_isn = 0;
};

class Connections {
 public:
  // `budget` in bytes. Facts go to `listener`, which must outlive this.
  Connections(Settings& settings, std::size_t budget, FactListener& listener);

  void prefetch(std::uint64_t hash) const { table_.prefetch(hash); }
  Connection* find(std::uint64_t hash, const ConnectionKey& key);

  // Makes room if need be. The segment that completed the handshake is handed to add() afterwards,
  // like all that follow.
  Connection& open(const Opening& opening, const ConnectionKey& key, std::uint64_t hash);
  void add(Connection& connection, const Segment& segment, const Carriage& carriage);

  // Whether `syn`, a SYN without ACK, begins another connection between the same endpoints rather
  // than belonging to `connection`. The tracker then has the old one closed.
  bool yields_to(const Connection& connection, const Segment& syn, const Carriage& carriage) const;
  void close(Connection& connection);

  // Settles what was due by `now`, oldest first.
  void expire(Timestamp now);
  void finish(Timestamp end);

  const TableCounters& counters() const { return counters_; }
  std::size_t resident() const { return table_.size(); }

 private:
  Table<Connection> table_;
  TableCounters counters_;
};

}  // namespace wirefault::tcp
