// Pairs DNS queries with their responses, one address pair at a time.
//
//            query                        matching response in time
//   (none) ────────▶ open ──────────────────────────────────────────────▶ answered
//                     │  repeated: same ports, id, question; the deadline moves
//                     ├─ ICMP error, reset, close ──────────────────────▶ rejected
//                     ├─ dns.answer-timeout after the last attempt ─────▶ unanswered ─▶ late
//                     └─ capture ends, table full ──────────────────────▶ capture_ended, evicted
//
// A flood of queries that nobody answers would fill the table and push everything else out. From
// three quarters full on, clients that had an answer before are tracked as ever, but of each of
// their networks no more than a share of the table; of all other queries one in sixteen is, and
// stands for as many.
//
// An unanswered transaction is remembered for dns.late-window more, so that a late answer can amend
// what was said of it. What it cannot see: a response that another interface carried, and whether a
// silent server or the path to it is at fault.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "dissectors/conversation.h"
#include "dissectors/facts.h"
#include "dissectors/hash.h"
#include "dissectors/settings.h"
#include "dissectors/table.h"

namespace wirefault::dns {

// How a message came.
struct Carriage {
  Sighting seen;
  Endpoint source;
  Endpoint destination;
  std::uint64_t tunnel = 0;
  Transport transport = Transport::udp;
  bool fragmented = false;  // it came in IP fragments
};

// A query that an ICMP error quotes.
struct Rejected {
  Sighting seen;  // of the error
  IpAddress rejecter;
  Endpoint client;
  Endpoint server;
  std::uint64_t tunnel = 0;
  bool has_id = false;  // old routers quote the UDP header and nothing behind it
  std::uint16_t id = 0;
  bool is_final = true;  // the query got nowhere; false: the error is only joined to it
};

class Tracker {
 public:
  // `budget` in bytes. Facts go to `listener`, which must outlive the tracker.
  Tracker(Settings& settings, std::size_t budget, const HashKey& key, FactListener& listener);

  // Fetch what add() will look at, some packets before it is that message's turn, the second some
  // packets after the first. `conversation` is the hash of the UDP conversation under the tracker's
  // key.
  void prefetch(std::uint64_t conversation, std::uint16_t id) const {
    table_.prefetch(hash_of(conversation, Transport::udp, id));
  }
  void prefetch_entry(std::uint64_t conversation, std::uint16_t id) const {
    table_.prefetch_entry(hash_of(conversation, Transport::udp, id));
  }
  void add(const Message& message, const Carriage& carriage) {
    add(message, carriage,
        Conversation{carriage.source, carriage.destination, carriage.tunnel}.hash(key_));
  }
  // The same where the hash is at hand.
  void add(const Message& message, const Carriage& carriage, std::uint64_t conversation);
  // The first fragment of a response was seen. The response itself follows through add(), or never.
  void note_response_fragment(const Carriage& response, std::uint16_t id);
  // Of an open query over TCP: the server hung up instead of answering, or, where `how` is none,
  // the response may be in a part of the stream that the capture lost.
  void lose(const Endpoint& client, const Endpoint& server, std::uint64_t tunnel, std::uint16_t id,
            Rejection how, const Sighting& seen);
  // The last attempt of the open query that was rejected; does not exist when there is none.
  Sighting reject(const Rejected& rejected);

  // Settles what was due by `now`, oldest first. Call it before the packet that carried the clock
  // there.
  void expire(Timestamp now) {
    if (now >= next_deadline_) expire_due(now);
  }
  // Everything still open is settled as capture_ended.
  void finish(Timestamp end);

  const TableCounters& counters() const { return counters_; }
  std::size_t resident() const { return table_.size(); }

 private:
  // The lists of the table; each is in order of the last attempt.
  enum List : std::uint8_t { fresh, noticed, ghosts, list_count };
  struct Entry {
    Transaction transaction;
    std::uint64_t hash = 0;
    List list = fresh;
    bool is_unreadable = false;  // the capture may have lost the response
  };

  void add_query(const Message& message, const Carriage& carriage, std::uint64_t hash);
  void add_response(const Message& message, const Carriage& carriage, std::uint64_t hash);
  // What the table holds of a message's key: an open transaction, and one that is a ghost.
  struct Found {
    Entry* open = nullptr;
    Entry* ghost = nullptr;
  };
  Found find(std::uint64_t hash, const Endpoint& client, const Endpoint& server,
             const Message& message);
  Entry* find_quoted(const Rejected& rejected);
  std::uint64_t hash_of(std::uint64_t conversation, Transport transport, std::uint16_t id) const {
    return keyed_hash(key_, std::array{conversation, std::uint64_t{id} << 8 |
                                                         static_cast<std::uint64_t>(transport)});
  }
  void move(Entry& entry, List list);
  // The last word on a ghost, which is then gone.
  void retire(Entry& ghost, Timestamp when);
  // How many queries a new one is to stand for; 0: it is left out.
  std::uint32_t weigh(const Endpoint& client, const Question& question, std::uint16_t id,
                      Timestamp now);
  bool is_admitted(const IpAddress& client, Timestamp now);
  void remember(const IpAddress& client);
  void make_room();
  void expire_due(Timestamp now);
  Timestamp due(const Entry& entry) const;
  void settle(Transaction& transaction, Outcome outcome, Timestamp when);

  const Duration notice_after_;
  const Duration answer_timeout_;
  const Duration late_window_;
  const HashKey key_;
  FactListener& listener_;
  Table<Entry, list_count> table_;
  TableCounters counters_;
  Timestamp next_deadline_ = Timestamp::max();
  // A bit for each client that had an answer, by hash.
  std::array<std::uint64_t, 1024> answered_clients_{};
  // Their queries that were tracked since the table became that full, by hash of their network.
  std::array<std::uint32_t, 1024> admitted_{};
  Timestamp last_full_{};
  // When a query was last left out: its response will match nothing.
  std::optional<Timestamp> left_out_;
};

}  // namespace wirefault::dns
