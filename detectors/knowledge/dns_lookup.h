// Lookups: what a client wanted to know, whichever servers it asked. Users suffer from lookups;
// servers are judged by transactions.
//
// A lookup is all transactions of one client for one question (name without case, type, class), to
// any server, with any id, port and transport, each at most dns.lookup-gap after the one before,
// until a usable response ends it, or until it has met nothing but failure for that long: what an
// application asks anew every few seconds fails again and again, and not once for hours. Each time
// the application asks is a call. Knowledge keeps a record only of lookups that ran into trouble:
// a transaction that waited, or failed. What is answered at once costs one look into a cache of
// recent successes, which tells a lost race (musl asks all servers at the same time) from a
// failure.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dissectors/facts.h"
#include "dissectors/pages.h"
#include "dissectors/settings.h"
#include "dissectors/table.h"

namespace wirefault {
class KnowledgeListener;  // detectors/audience.h
}

namespace wirefault::dns {

enum class LookupEnd : std::uint8_t {
  resolved,   // NOERROR without TC, or NXDOMAIN
  failed,     // everything asked was settled, and none of it usable
  undecided,  // something was still open when the capture ended, was evicted or cannot be trusted
};

// A lookup that got no answer at first, while the lookup of the other address family of the same
// name, asked at the same time, got one.
enum class Pair : std::uint8_t { none, first, second };  // of the two, this was sent as the

// What one server contributed to a lookup.
struct LookupServer {
  Endpoint server;
  Transport transport = Transport::udp;
  std::uint32_t transactions = 0;
  std::uint32_t attempts = 0;
  std::uint32_t unanswered = 0;
  std::uint32_t failure_responses = 0;  // SERVFAIL, REFUSED and the like
  Rcode last_rcode{};                   // of those
};

struct Lookup {
  static constexpr std::size_t max_servers = 4;

  IpAddress client;
  std::uint64_t tunnel = 0;
  Question question;
  bool recursion_desired = false;

  Sightings<8> queries;
  Timestamp last_asked{};
  std::uint32_t attempts = 0;

  // How its transactions ended.
  std::uint32_t unanswered = 0;
  std::uint32_t late = 0;
  std::uint32_t rejected = 0;
  std::uint32_t servfail = 0;
  std::uint32_t refused = 0;
  std::uint32_t other_failures = 0;  // FORMERR, NOTIMP, other RCODEs
  std::uint32_t truncated = 0;
  // Of the unanswered: those that invited an answer in fragments (RFC 9715 recommends offers of at
  // most 1400 octets).
  std::uint32_t large_unanswered = 0;
  // The answer came over TCP, or to an offer below that.
  bool resolved_smaller = false;
  bool resolved_late = false;  // it came after the answer timeout
  Pair pair = Pair::none;
  std::uint32_t undecided = 0;
  // How often the client was told of a failure and had no other server or name to ask: what called
  // it got an error. A later call may have ended better.
  std::uint32_t calls_lost = 0;

  std::array<LookupServer, max_servers> servers{};  // in the order asked
  std::uint8_t server_count = 0;
  std::uint8_t extended_error_count = 0;
  std::array<std::uint16_t, 4> extended_errors{};  // of failure responses, RFC 8914
  Sightings<8> failures;                           // responses that were of no use

  LookupEnd end = LookupEnd::undecided;
  Sighting resolved_by;          // the usable response
  Endpoint resolver;             // who gave it
  Timestamp resolved_attempt{};  // when the attempt was sent that it answers
  Timestamp settled{};

  Timestamp asked() const { return queries.first().time; }
  std::span<const LookupServer> asked_servers() const { return {servers.data(), server_count}; }
  // It failed each time, and the name was answered with or without a search suffix.
  bool was_answered_otherwise() const { return end == LookupEnd::failed && calls_lost == 0; }
  // The client asked again: it too had missed the answer.
  bool is_corroborated() const { return attempts >= 2; }
  Duration cost() const { return settled - asked(); }
  // How long the client waited before it sent the attempt that succeeded.
  Duration wait() const { return resolved_attempt - asked(); }
};

class Lookups {
 public:
  // `budget` in bytes.
  Lookups(Settings& settings, std::size_t budget);

  // Facts in, in order; lookups that came to their end go to `listener`.
  void add(const Transaction& transaction, KnowledgeListener& listener);
  void pass(Timestamp now, KnowledgeListener& listener);
  void finish(KnowledgeListener& listener);

  // As it looks now: the lookups all of whose transactions are settled.
  bool has_unsettled() const { return records_.size() != 0; }
  void tell_unsettled(Timestamp now, KnowledgeListener& listener) const;

  // Records of lookups in trouble that were given up undecided.
  std::uint64_t evicted() const { return evicted_; }

 private:
  // How long a transaction may be open before the trackers say so, with room to spare.
  static constexpr Duration notice_slack = std::chrono::seconds{2};
  // A client that was told of a failure asks on within that time: glibc takes 84 ms for two servers
  // and two rounds (measured), musl asks at once.
  static constexpr Duration retry_time = std::chrono::milliseconds{500};
  // What is a second old is known of: until then a lookup may be open without seeming so.
  static constexpr Duration turning_time = retry_time + std::chrono::seconds{1};
  // Of a client's failing names that begin alike, so many are looked at for other forms: the
  // newest.
  static constexpr std::size_t most_forms = 16;

  struct Record {
    Lookup lookup;
    std::uint64_t hash = 0;
    std::uint64_t alike = 0;
    std::uint32_t open = 0;  // transactions noticed and not settled
    bool resolved = false;
    bool answered_otherwise = false;  // this call: by the name with or without a search suffix
    Record* older_form = nullptr;     // the next in the list that failing_ heads
    Record** form_link = nullptr;     // what points to this one there; null: it is not in a list
  };
  // Four to a cache line.
  struct Success {
    std::uint32_t tag = 0;         // of the lookup's hash
    std::uint32_t latency_us = 0;  // since the attempt that succeeded
    Timestamp at{};
  };
  using Bucket = std::array<Success, 4>;
  struct NewSuccess {
    std::uint64_t hash = 0;
    Success success;
  };

  // The record that `transaction` belongs to, made if need be.
  Record& record_of(const Transaction& transaction, std::uint64_t hash, std::uint64_t alike,
                    KnowledgeListener& listener);
  Pair pair_of(const Transaction& transaction);
  Record* find(const Transaction& transaction, std::uint64_t hash);
  void ask(Record& record, const Transaction& transaction);
  void settle(Record& record, const Transaction& transaction);
  static bool is_told(const Record& record);
  static void begin_call(Record& record, Timestamp asked);
  void add_failing(Record& record);
  static void drop_failing(const Record& record);
  static void note_other_form(Record* form, const Transaction& transaction);
  // The same for all forms of a name that one client may ask for: it looks no further than their
  // first label.
  static std::uint64_t alike_hash(const IpAddress& asking, const Name& name);
  // The list of records with this alike_hash(), about, that met failure responses.
  Record*& failing(std::uint64_t alike) { return failing_.get()[alike & (failing_count - 1)]; }
  static void conclude(const Record& record, Lookup& lookup);
  void close(Record& record, KnowledgeListener& listener);
  std::uint8_t& present(std::uint64_t alike) { return present_[alike & (present_.size() - 1)]; }
  Bucket& bucket_of(std::uint64_t hash) { return successes_.get()[hash & (bucket_count_ - 1)]; }
  void remember_success(std::uint64_t hash, const Transaction& transaction);
  // Into its bucket, if it is not there yet.
  void enter(NewSuccess& entered);
  const Success* success_since(std::uint64_t hash, Timestamp asked);

  Duration gap_;
  Table<Record> records_;
  // How many records have an alike_hash() with these low bits: mostly none, and then there is
  // nothing to find. Once too many, always too many.
  static constexpr std::uint8_t too_many = 255;
  std::vector<std::uint8_t> present_;
  std::size_t bucket_count_;  // a power of two
  Pages<Bucket> successes_;   // looked up at random, and none may lie across two cache lines
  std::array<NewSuccess, 16> new_successes_;  // a ring: not in their buckets yet
  std::size_t next_new_ = 0;                  // the oldest of them
  static constexpr std::size_t failing_count = std::size_t{1} << 16;
  Pages<Record*> failing_;  // heads of lists, mostly none
  std::uint64_t evicted_ = 0;
};

}  // namespace wirefault::dns
