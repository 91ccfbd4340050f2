// Hands each segment to whoever keeps its connection: those open, or those not open yet. A lone SYN
// makes no connection, so that a flood of them costs little and drives out nothing that is open.
#pragma once

#include "dissectors/facts.h"
#include "dissectors/hash.h"
#include "dissectors/settings.h"
#include "dissectors/tcp/connections.h"
#include "dissectors/tcp/half_open.h"

namespace wirefault::tcp {

// In bytes.
struct Budgets {
  std::size_t half_open = 0;
  std::size_t connections = 0;
  std::size_t loans = 0;  // of what connections have outstanding
};

struct Quoted {
  enum class Kind : std::uint8_t { nothing, attempt, connection };
  Kind kind = Kind::nothing;
  Sighting last;  // of an attempt: its last SYN; of a connection: the segment, if outstanding
  std::uint32_t sent_length = 0;  // of a segment that is too large: as it was sent; 0: unknown
  bool from_initiator = true;
};

class Tracker {
 public:
  // Facts go to `listener`, which must outlive the tracker.
  Tracker(Settings& settings, const Budgets& budgets, const HashKey& key, FactListener& listener);

  // Fetch what add() will look at, some packets before it is that segment's turn: with tables as
  // large as these, every look is a cache miss. prefetch_entry() comes some packets later than
  // prefetch(); prefetch_syn() is for a SYN without ACK.
  void prefetch(std::uint64_t hash) const {
    connections_.prefetch(hash);
    half_open_.prefetch(hash);
  }
  void prefetch_entry(std::uint64_t hash) const {
    connections_.prefetch_entry(hash);
    half_open_.prefetch_entry(hash);
  }
  void prefetch_syn(const Endpoint& initiator, const Endpoint& responder, std::uint64_t tunnel,
                    std::uint32_t isn) const {
    half_open_.prefetch_syn(initiator, responder, tunnel, isn);
  }
  void add(const Segment& segment, const Carriage& carriage) {
    const Conversation conversation =
        Conversation{carriage.source, carriage.destination, carriage.tunnel};
    add(segment, carriage, conversation, conversation.hash(key_));
  }
  // The same where these two are at hand: `hash` is the conversation's under the tracker's key.
  void add(const Segment& segment, const Carriage& carriage, const Conversation& conversation,
           std::uint64_t hash);
  // An ICMP error says that a segment did not arrive. What that segment belongs to.
  Quoted reject(const Rejected& rejected);

  // Settles what was due by `now`. Call it before the packet that carried the clock there.
  void expire(Timestamp now) {
    half_open_.expire(now);
    connections_.expire(now);
  }
  // Everything still open is settled as capture_ended.
  void finish(Timestamp end) {
    half_open_.finish(end);
    connections_.finish(end);
  }

  const HandshakeTotals& handshakes() const { return half_open_.totals(); }
  const TableCounters& half_open_counters() const { return half_open_.counters(); }
  const Connections& connections() const { return connections_; }
  bool tables_balance() const {
    return half_open_.counters().balance(half_open_.resident()) &&
           connections_.counters().balance(connections_.resident());
  }
  std::uint64_t resident() const { return half_open_.resident() + connections_.resident(); }
  std::uint64_t evicted() const {
    return half_open_.counters().evicted + connections_.counters().evicted;
  }

 private:
  const HashKey key_;
  HalfOpen half_open_;
  Connections connections_;
};

}  // namespace wirefault::tcp
