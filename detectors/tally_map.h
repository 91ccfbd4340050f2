// A detector's tallies by entity: bounded, and walked in key order so that reports do not depend on
// hashing. When it is full, the oldest tally gives way of those that were not touched since their
// turn came last; the loss is counted and makes the detector's counts lower bounds. A tally type of
// which most say that nothing is wrong has `bool is_healthy() const`: those are no loss.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "dissectors/dns/name_hash.h"
#include "dissectors/hash.h"
#include "dissectors/sketch.h"
#include "dissectors/table.h"

namespace wirefault {

// Hash of keys that are plain bytes. Unkeyed is enough here: the number of entities is bounded and
// each stands for many packets.
template <class Key>
struct KeyHash {
  std::uint64_t operator()(const Key& key) const {
    static_assert(std::has_unique_object_representations_v<Key>);
    // Word by word, with nothing left to decide when the program runs.
    std::array<std::uint64_t, (sizeof key + 15) / 16 * 2> words{};
    std::memcpy(words.data(), &key, sizeof key);
    QuickHash hash;
    for (std::size_t i = 0; i < words.size(); i += 2) hash.add(words[i], words[i + 1]);
    return hash.value();
  }
};
template <>
struct KeyHash<dns::Name> {
  std::uint64_t operator()(const dns::Name& name) const {
    QuickHash hash;
    add_to(hash, name);
    return hash.value();
  }
};

template <class Key, class Tally, class Hash = KeyHash<Key>>
class TallyMap {
 public:
  // At least 16. Memory is touched only as it fills.
  explicit TallyMap(std::size_t capacity = 4096) : entries_{capacity} {}
  TallyMap(const TallyMap& other) : entries_{other.entries_.capacity()}, evicted_{other.evicted_} {
    for (const List list : {ordinary, held}) {
      for (const Entry* entry = other.entries_.oldest(list); entry != nullptr;
           entry = other.entries_.after(*entry)) {
        Entry& made = entries_.insert(other.entries_.hash_of(*entry), list);
        made.key = entry->key;
        made.list = list;
        made.touched = entry->touched;
        new (made.memory) Tally{entry->tally()};
      }
    }
  }
  TallyMap& operator=(const TallyMap&) = delete;
  ~TallyMap() {
    for (const List list : {ordinary, held}) {
      while (Entry* entry = entries_.oldest(list)) erase(*entry);
    }
  }

  // The tally of `key`, made empty on first use.
  Tally& operator[](const Key& key) {
    const std::uint64_t hash = Hash{}(key);
    if (Entry* entry = find(key, hash)) {
      entry->touched = true;
      return entry->tally();
    }
    if (entries_.full()) give_up(next_to_go());
    Entry& made = entries_.insert(hash);
    made.key = key;
    return *new (made.memory) Tally{};
  }

  Tally* find(const Key& key) {
    Entry* entry = find(key, Hash{}(key));
    return entry == nullptr ? nullptr : &entry->tally();
  }
  const Tally* find(const Key& key) const {
    Entry* entry = find(key, Hash{}(key));
    return entry == nullptr ? nullptr : &entry->tally();
  }

  // The tally has come to something: it gives way only when there are none but such.
  void hold(const Key& key) {
    Entry* entry = find(key, Hash{}(key));
    if (entry == nullptr || entry->list == held) return;
    entry->list = held;
    entries_.move_to(*entry, held);
  }

  void erase(const Key& key) {
    if (Entry* entry = find(key, Hash{}(key))) erase(*entry);
  }

  bool empty() const { return entries_.size() == 0; }
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
    for (const List list : {ordinary, held}) {
      for (Entry* entry = entries_.oldest(list); entry != nullptr; entry = entries_.after(*entry)) {
        items.push_back({&entry->key, &entry->tally()});
      }
    }
    std::sort(items.begin(), items.end(),
              [](const Item& a, const Item& b) { return *a.key < *b.key; });
    return items;
  }

 private:
  enum List : std::uint8_t { ordinary, held, list_count };

  // The table knows nothing of destructors: the tally's is called by hand.
  struct Entry {
    Key key;
    List list = ordinary;
    bool touched = false;
    alignas(Tally) std::byte memory[sizeof(Tally)];

    Tally& tally() { return *std::launder(reinterpret_cast<Tally*>(memory)); }
    const Tally& tally() const { return *std::launder(reinterpret_cast<const Tally*>(memory)); }
  };
  static_assert(alignof(Entry) <= alignof(std::max_align_t));

  // Each that was touched is passed over once. To note that costs less than to keep the list in
  // order of use: most touches are of entries that the processor's cache does not hold, and their
  // neighbours in the list are as far away.
  Entry& next_to_go() {
    const List list = entries_.oldest(ordinary) != nullptr ? ordinary : held;
    while (entries_.oldest(list)->touched) {
      Entry& spared = *entries_.oldest(list);
      spared.touched = false;
      entries_.move_to(spared, list);
    }
    return *entries_.oldest(list);
  }
  void give_up(Entry& entry) {
    if constexpr (requires(const Tally& tally) { tally.is_healthy(); }) {
      if (!entry.tally().is_healthy()) ++evicted_;
    } else {
      ++evicted_;
    }
    erase(entry);
  }
  Entry* find(const Key& key, std::uint64_t hash) const {
    return entries_.find(hash, [&](const Entry& entry) { return entry.key == key; });
  }
  void erase(Entry& entry) {
    entry.tally().~Tally();
    entries_.erase(entry);
  }

  Table<Entry, list_count> entries_;  // in the order in which their turn comes
  std::uint64_t evicted_ = 0;
};

// Who takes part, with counts: exact up to a bound, then the smallest counts are given up and the
// list is approximate.
template <class Key, class Hash = KeyHash<Key>>
class TopList {
 public:
  static constexpr std::size_t capacity = 256;

  void add(const Key& key, std::uint64_t count = 1) {
    ++times_;
    if (const std::size_t at = position_of(key); at != members_.size()) {
      members_[at].second += count;
    } else if (members_.size() < capacity) {
      members_.emplace_back(key, count);
      if (members_.size() > few) enter();
    } else {
      if (all_.empty()) {
        all_.emplace_back();
        for (const Member& member : members_) all_[0].add(Hash{}(member.first));
      }
      all_[0].add(Hash{}(key));
    }
  }

  bool empty() const { return members_.empty(); }
  // An estimate where there are more than the list holds.
  std::uint64_t distinct() const {
    return is_exact() ? members_.size()
                      : std::clamp<std::uint64_t>(all_[0].estimate(), members_.size(), times_);
  }
  bool is_exact() const { return all_.empty(); }
  std::uint64_t count_of(const Key& key) const {
    const std::size_t at = position_of(key);
    return at == members_.size() ? 0 : members_[at].second;
  }

  // The `most` largest, largest first, equal counts in key order.
  std::vector<std::pair<Key, std::uint64_t>> top(std::size_t most = 5) const {
    std::vector<const Member*> all;
    for (const Member& member : members_) all.push_back(&member);
    std::sort(all.begin(), all.end(), [](const Member* a, const Member* b) {
      return a->second != b->second ? a->second > b->second : a->first < b->first;
    });
    if (all.size() > most) all.resize(most);
    std::vector<Member> largest;
    for (const Member* member : all) largest.push_back(*member);
    return largest;
  }

 private:
  using Member = std::pair<Key, std::uint64_t>;

  // So many are compared one by one: most lists stay that short.
  static constexpr std::size_t few = 8;

  // In members_; its size when it is not among them.
  std::size_t position_of(const Key& key) const {
    if (slots_.empty()) {
      const auto found = std::find_if(members_.begin(), members_.end(),
                                      [&](const Member& member) { return member.first == key; });
      return static_cast<std::size_t>(found - members_.begin());
    }
    for (std::size_t at = home_of(key); slots_[at] != 0; at = after(at)) {
      if (members_[slots_[at] - 1u].first == key) return slots_[at] - 1u;
    }
    return members_.size();
  }

  // Puts the newest member in its slot.
  void enter() {
    if (members_.size() * 2 > slots_.size()) {
      slots_.assign(std::max<std::size_t>(slots_.size() * 2, 4 * few), 0);
      for (std::size_t i = 0; i + 1 < members_.size(); ++i) put(i);
    }
    put(members_.size() - 1);
  }
  void put(std::size_t position) {
    std::size_t at = home_of(members_[position].first);
    while (slots_[at] != 0) at = after(at);
    slots_[at] = static_cast<std::uint16_t>(position + 1);
  }
  std::size_t home_of(const Key& key) const { return Hash{}(key) & (slots_.size() - 1); }
  std::size_t after(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

  std::vector<Member> members_;       // in the order in which they came
  std::vector<std::uint16_t> slots_;  // by hash: position in members_ + 1, or 0; a power of two
  std::vector<DistinctCount> all_;    // one, once there are more than fit
  std::uint64_t times_ = 0;           // add() was called
};

}  // namespace wirefault
