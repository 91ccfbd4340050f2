// How many attempts to connect there were, and how they ended, for services and hosts of which most
// never fail: a failure is told with what it is out of, so all of them must be counted.
//
// Sixteen bytes each, in one array. Where it is crowded, the one with the fewest attempts of its
// neighbourhood gives way.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <limits>
#include <vector>

#include "detectors/detector.h"

namespace wirefault {

struct Attempts {
  // Without those of one SYN that stayed open for three seconds: who asks once and leaves cannot
  // tell whether he would have been answered.
  std::uint32_t begun = 0;
  std::uint32_t completed = 0;
  // When one was last opened, refused or rejected: somebody was there. Seconds since 1970; 0:
  // never.
  std::uint32_t last_answer = 0;

  void add(const tcp::ServiceSecond& second) {
    add(begun, second.new_syns);
    begun -= static_cast<std::uint32_t>(std::min<std::uint64_t>(begun, second.aged_3s.lone));
    add(completed, second.completed);
    if (second.completed + second.refused + second.rejected == 0) return;
    last_answer = std::max(last_answer, number_of(second.begin));
  }
  bool has_answers() const { return last_answer != 0; }
  // In a later second than that of `when`: within one, who came first is not known.
  bool has_answers_after(Timestamp when) const { return last_answer > number_of(when); }
  // From the end of the second with the last answer; only where there was one.
  Duration silence_before(Timestamp when) const {
    const Duration since_epoch = when.time_since_epoch();
    return std::max(since_epoch - std::chrono::seconds{last_answer + std::int64_t{1}},
                    Duration::zero());
  }

 private:
  // Packet times lie between 1970 and 2116; from 2106 on all are the last second.
  static std::uint32_t number_of(Timestamp when) {
    const std::int64_t number = when.time_since_epoch() / std::chrono::seconds{1};
    return static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(number, 1, std::numeric_limits<std::uint32_t>::max()));
  }
  static void add(std::uint32_t& sum, std::uint64_t count) {
    sum = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(sum + count, std::numeric_limits<std::uint32_t>::max()));
  }
};

// Keys are told apart by 45 bits of their hashes.
template <class Key>
class AttemptCounts {
 public:
  explicit AttemptCounts(std::size_t most = 16384)
      : entries_(std::bit_ceil(most) + neighbourhood), mask_{std::bit_ceil(most) - 1} {}

  // What it is then; valid until the next call.
  const Attempts& add(const Key& key, const tcp::ServiceSecond& second) {
    const std::uint64_t hash = KeyHash<Key>{}(key);
    const std::uint32_t tag = tag_of(hash);
    Entry* const home = &entries_[hash & mask_];
    Entry* fewest = home;
    for (Entry* entry = home; entry != home + neighbourhood; ++entry) {
      if (entry->tag == tag) {
        fewest = entry;
        break;
      }
      if (entry->attempts.begun < fewest->attempts.begun) fewest = entry;
      if (entry->tag != 0) continue;
      fewest = entry;
      break;
    }
    if (fewest->tag != tag) *fewest = {tag, {}};
    fewest->attempts.add(second);
    return fewest->attempts;
  }

  // Null where there was none, or where it is forgotten.
  const Attempts* find(const Key& key) const {
    const std::uint64_t hash = KeyHash<Key>{}(key);
    const Entry* const home = &entries_[hash & mask_];
    const Entry* const end = home + neighbourhood;
    const Entry* const found = std::find_if(
        home, end, [tag = tag_of(hash)](const Entry& entry) { return entry.tag == tag; });
    return found == end ? nullptr : &found->attempts;
  }

 private:
  // Two lines of the processor's cache.
  static constexpr std::size_t neighbourhood = 8;

  struct Entry {
    std::uint32_t tag = 0;  // 0: free
    Attempts attempts;
  };

  static std::uint32_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash >> 32) | 1;
  }

  std::vector<Entry> entries_;
  std::size_t mask_;
};

}  // namespace wirefault
