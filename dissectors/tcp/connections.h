// Connections from their completed handshake on, or from their first segment seen where the capture
// began later; until both sides have closed, one has reset, or nothing was heard for long.
#pragma once

#include <cstdint>

#include "dissectors/facts.h"
#include "dissectors/settings.h"
#include "dissectors/table.h"
#include "dissectors/tcp/opening.h"
#include "dissectors/tcp/transfer.h"

namespace wirefault::tcp {

class Connections {
 public:
  // Budgets in bytes: of the table, and of what is lent to connections with something outstanding.
  // Facts go to `listener`, which must outlive this.
  Connections(Settings& settings, std::size_t budget, std::size_t loans, FactListener& listener);

  void prefetch(std::uint64_t hash) const { table_.prefetch(hash); }
  void prefetch_entry(std::uint64_t hash) const { table_.prefetch_entry(hash); }
  // The packet about to be added is stamped `now`: an entry whose time was up before is closed.
  Connection* find(std::uint64_t hash, const Conversation& key, Timestamp now);

  // Makes room if need be. The segment that completed the handshake is handed to add() afterwards,
  // like all that follow.
  Connection& open(const Opening& opening, const Conversation& key, std::uint64_t hash);
  void add(Connection& connection, const Segment& segment, const Carriage& carriage);

  // Whether `syn`, a SYN without ACK, begins another connection between the same endpoints rather
  // than belonging to `connection`. The tracker then has the old one closed.
  bool yields_to(const Connection& connection, const Segment& syn, const Carriage& carriage) const;
  void close(Connection& connection);

  // What `sender` sent from `sequence` on is too large: see Transfer.
  Refused refuse(Connection& connection, const Endpoint& sender, std::uint32_t sequence,
                 std::uint32_t ip_length, Timestamp now) {
    Side& side = sender == connection.key.low ? connection.low : connection.high;
    return transfer_.refuse(side, sequence, ip_length, now);
  }

  // Settles what was due by `now`.
  void expire(Timestamp now) {
    if (now >= next_deadline_) expire_due(now);
  }
  void finish(Timestamp end);

  const TableCounters& counters() const { return counters_; }
  const TransferCounters& transfers() const { return transfer_.counters(); }
  std::uint64_t joined_midway() const { return joined_midway_; }
  std::uint64_t one_sided() const { return one_sided_; }
  std::size_t resident() const { return table_.size(); }
  // Blocks that connections have on loan.
  std::uint32_t lent() const { return transfer_.loans().lent(); }

 private:
  void enter(Connection& connection, Phase phase);
  Timestamp due(const Connection& connection) const;
  void make_room();
  void expire_due(Timestamp now);
  void end(Connection& connection, Ending ending);

  FactListener& listener_;
  // A list per phase, those that are given up first in front. Each is in order of the last segment,
  // give or take a minute: moving an entry for every segment would cost more than judging it.
  Table<Connection, 4> table_;
  Transfer transfer_;
  TableCounters counters_;
  std::uint64_t joined_midway_ = 0;
  std::uint64_t one_sided_ = 0;
  Timestamp next_deadline_ = Timestamp::max();
};

}  // namespace wirefault::tcp
