// Connections that are not open yet: from the first SYN, or SYN-ACK, to the completed handshake.
//
//   SYN ──▶ asked ── SYN-ACK ──▶ answered ── ACK or data of the initiator ──▶ completed
//             │                     │
//             ├─ RST of the responder ───────▶ refused
//             ├─ RST of the initiator ───────▶ reset_by_initiator
//             └─ 63 s after the first segment ▶ silent and its kin
//
// What it cannot see: whether a SYN that this capture holds ever reached the responder.
#pragma once

#include <cstdint>
#include <optional>

#include "dissectors/facts.h"
#include "dissectors/settings.h"
#include "dissectors/table.h"
#include "dissectors/tcp/opening.h"

namespace wirefault::tcp {

class HalfOpen {
 public:
  // `budget` in bytes. Facts go to `listener`, which must outlive this.
  HalfOpen(Settings& settings, std::size_t budget, FactListener& listener);

  void prefetch(std::uint64_t hash) const { table_.prefetch(hash); }

  // Takes a segment that belongs to no open connection. The opening, when this segment completed
  // the handshake or shows that it was completed before.
  std::optional<Opening> add(const Segment& segment, const Carriage& carriage,
                             const ConnectionKey& key, std::uint64_t hash);

  // Settles what was due by `now`, oldest first.
  void expire(Timestamp now);
  void finish(Timestamp end);

  const TableCounters& counters() const { return counters_; }
  std::size_t resident() const { return table_.size(); }

 private:
  struct Record {
    ConnectionKey key;
    std::uint64_t hash = 0;
    Opening opening;
    Timestamp begun{};
  };

  Record* find(std::uint64_t hash, const ConnectionKey& key);
  std::optional<Opening> begin(const Segment& segment, const Carriage& carriage,
                               const ConnectionKey& key, std::uint64_t hash);
  std::optional<Opening> proceed(Record& record, const Segment& segment, const Carriage& carriage);
  void close(Record& record);

  Table<Record> table_;
  TableCounters counters_;
};

}  // namespace wirefault::tcp
