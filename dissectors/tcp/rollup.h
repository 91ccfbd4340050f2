// Counts what happens to connection attempts where there may be as many of them as packets: per
// service and second, and per source that tries one target after another in vain. What is said adds
// up, so either may be told early when room is needed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dissectors/facts.h"
#include "dissectors/hash.h"
#include "dissectors/pages.h"
#include "dissectors/table.h"

namespace wirefault::tcp {

// Attempts by service. Events of one second gather in one entry.
class Services {
 public:
  struct Entry {
    ServiceSecond counts;
    std::uint32_t crowd = 0;     // number + 1 in the pool; 0: none
    std::uint32_t resident = 0;  // half-open records of this service
    Timestamp left_out{};        // when a SYN last got no record
    bool active = false;         // something to tell of this second
  };

  Services(std::size_t budget, const HashKey& key, FactListener& listener);

  // Fetches what at() will look at.
  void prefetch(const Endpoint& service, std::uint64_t tunnel) const {
    table_.prefetch(hash_of(service, tunnel));
  }
  // The entry to count an event of `now` in. Valid until the next call.
  Entry& at(const Endpoint& service, std::uint64_t tunnel, Timestamp now);
  // One half-open record of the service less.
  void release(const Endpoint& service, std::uint64_t tunnel);
  // Who it was: a new SYN, or an unsolicited SYN-ACK, already counted. `hash` is stable, of the
  // attempt.
  void add_member(Entry& entry, std::uint64_t hash, const CrowdMember& member);

  bool has_news() const { return table_.oldest(active) != nullptr; }
  // Tells all that was counted; call it as a second ends.
  void flush();

 private:
  enum List : std::uint8_t { idle, active, list_count };

  // New SYNs in one second that make it worth keeping who sent them.
  static constexpr std::uint64_t crowd_begins = 8;
  static constexpr std::size_t most_crowds = 64;

  std::uint64_t hash_of(const Endpoint& service, std::uint64_t tunnel) const {
    const auto address = service.address.words();
    return keyed_hash(key_,
                      std::array{address[0], address[1], tunnel,
                                 std::uint64_t{service.address.is_v6()} << 16 | service.port});
  }
  // Fills `hash` where it had to look.
  Entry* find(const Endpoint& service, std::uint64_t tunnel, std::uint64_t& hash);
  void tell(Entry& entry);

  const HashKey key_;
  FactListener& listener_;
  Table<Entry, list_count> table_;
  Entry* last_ = nullptr;  // what was found last: most packets of a flood have the same target
  std::vector<Crowd> crowds_;
  std::vector<std::uint32_t> free_crowds_;
};

// Sources by what they tried in vain. No keyed hash here: which sources are remembered must not
// depend on a random key. A source that matters has many targets, and those with few give way.
class Sources {
 public:
  Sources(std::size_t budget, FactListener& listener);

  void add(const IpAddress& source, std::uint64_t tunnel, const FailedAttempt& attempt,
           Timestamp now);
  // The source opened a connection; of interest only when it has failed before.
  void succeed(const IpAddress& source, std::uint64_t tunnel, Timestamp now);

  bool has_news() const { return !told_next_.empty(); }
  void flush();

 private:
  // detectors.md, section 5.10: the window of a scan. What is older is forgotten.
  static constexpr Duration memory = std::chrono::seconds{300};
  // Targets that any client may fail to reach without being looked at.
  static constexpr std::uint8_t few = 3;
  static constexpr std::size_t most_told = 64;

  struct Entry {
    IpAddress source;
    std::uint8_t targets = 0;  // of `first`, then one more: watched
    std::uint64_t tunnel = 0;
    Timestamp last{};
    std::array<FailedAttempt, few> first;
  };
  using Bucket = std::array<Entry, 4>;

  Bucket& bucket_of(const IpAddress& source, std::uint64_t tunnel);
  Entry* find(Bucket& bucket, const IpAddress& source, std::uint64_t tunnel, Timestamp now);
  SourceSecond& second_of(const Entry& entry, Timestamp now);
  static void add(SourceSecond& second, const FailedAttempt& attempt);

  FactListener& listener_;
  std::size_t bucket_count_;  // a power of two
  Pages<Bucket> buckets_;
  bool any_watched_ = false;  // ever: else what succeeds needs no look
  std::vector<SourceSecond> told_next_;
};

}  // namespace wirefault::tcp
