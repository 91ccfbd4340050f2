// A detector's tallies by entity: bounded, and walked in key order so that reports do not depend on
// hashing. When it is full, the tally that was touched least recently gives way; the loss is
// counted and makes the detector's counts lower bounds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "dissectors/hash.h"

namespace wirefault {

// Hash of keys that are plain bytes. Unkeyed is enough here: the number of entities is bounded and
// each stands for many packets.
template <class Key>
struct KeyHash {
  std::size_t operator()(const Key& key) const {
    static_assert(std::has_unique_object_representations_v<Key>);
    return stable_hash(Bytes{reinterpret_cast<const std::uint8_t*>(&key), sizeof key});
  }
};

template <class Key, class Tally, class Hash = KeyHash<Key>>
class TallyMap {
 public:
  explicit TallyMap(std::size_t capacity = 4096) : capacity_{capacity} {}

  // The tally of `key`, made empty on first use.
  Tally& operator[](const Key& key) {
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      order_.splice(order_.end(), order_, found->second.place);
      return found->second.tally;
    }
    if (entries_.size() == capacity_) {
      entries_.erase(order_.front());
      order_.pop_front();
      ++evicted_;
    }
    order_.push_back(key);
    Entry& made = entries_[key];
    made.place = std::prev(order_.end());
    return made.tally;
  }

  Tally* find(const Key& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second.tally;
  }
  const Tally* find(const Key& key) const {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &found->second.tally;
  }

  void erase(const Key& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) return;
    order_.erase(found->second.place);
    entries_.erase(found);
  }

  std::size_t size() const { return entries_.size(); }
  std::uint64_t evicted() const { return evicted_; }

  struct Item {
    const Key* key;
    const Tally* tally;
  };
  // In key order. Valid until the map changes.
  std::vector<Item> sorted() const {
    std::vector<Item> items;
    items.reserve(entries_.size());
    for (const auto& [key, entry] : entries_) items.push_back({&key, &entry.tally});
    std::sort(items.begin(), items.end(),
              [](const Item& a, const Item& b) { return *a.key < *b.key; });
    return items;
  }

 private:
  struct Entry {
    Tally tally{};
    typename std::list<Key>::iterator place;
  };

  std::size_t capacity_;
  std::unordered_map<Key, Entry, Hash> entries_;
  std::list<Key> order_;  // least recently touched first
  std::uint64_t evicted_ = 0;
};

// Who takes part, with counts: exact up to a bound, then the smallest counts are given up and the
// list is approximate.
template <class Key>
class TopList {
 public:
  static constexpr std::size_t capacity = 256;

  void add(const Key& key, std::uint64_t count = 1) {
    const auto found = counts_.find(key);
    if (found != counts_.end()) {
      found->second += count;
    } else if (counts_.size() < capacity) {
      counts_.emplace(key, count);
    } else {
      // A member not on the list is counted once more each time: distinct() is an upper bound then.
      ++overflow_;
    }
  }

  bool empty() const { return counts_.empty(); }
  std::uint64_t distinct() const { return counts_.size() + overflow_; }
  bool is_exact() const { return overflow_ == 0; }
  std::uint64_t count_of(const Key& key) const {
    const auto found = counts_.find(key);
    return found == counts_.end() ? 0 : found->second;
  }

  // The `most` largest, largest first, equal counts in key order.
  std::vector<std::pair<Key, std::uint64_t>> top(std::size_t most = 5) const {
    std::vector<std::pair<Key, std::uint64_t>> all(counts_.begin(), counts_.end());
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (all.size() > most) all.resize(most);
    return all;
  }

 private:
  std::map<Key, std::uint64_t> counts_;
  std::uint64_t overflow_ = 0;
};

}  // namespace wirefault
