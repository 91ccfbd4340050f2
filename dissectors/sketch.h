// Counting and sampling in fixed space. Both keep what has the smallest hashes, so that partial
// results add up to the same value in any order, on any machine.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>

namespace wirefault {

// The k items with the smallest stable hashes out of all that were added: a fair sample, and exact
// while there are no more than k. An item added twice is kept once.
template <class T, std::size_t k>
class SmallestByHash {
 public:
  struct Item {
    std::uint64_t hash;
    [[no_unique_address]] T value;
  };

  // False, at the cost of one comparison, for nearly all of a large number.
  bool wants(std::uint64_t hash) const { return count_ < k || hash < items_[count_ - 1].hash; }

  void add(std::uint64_t hash, const T& value) {
    if (!wants(hash)) return;
    const auto end = items_.begin() + count_;
    const auto place = std::lower_bound(
        items_.begin(), end, hash, [](const Item& item, std::uint64_t h) { return item.hash < h; });
    if (place != end && place->hash == hash) return;
    if (count_ < k) ++count_;
    std::move_backward(place, items_.begin() + count_ - 1, items_.begin() + count_);
    *place = {hash, value};
  }
  void add(const SmallestByHash& other) {
    for (const Item& item : other.items()) add(item.hash, item.value);
  }
  void clear() { count_ = 0; }

  bool is_full() const { return count_ == k; }
  std::span<const Item> items() const { return {items_.data(), count_}; }  // smallest hash first

 private:
  std::uint32_t count_ = 0;
  std::array<Item, k> items_;  // the first count_, sorted
};

// How many different items there were: exact up to 256, then within about 6 %. Bar-Yossef et al.,
// "Counting distinct elements in a data stream", 2002.
class DistinctCount {
 public:
  void add(std::uint64_t hash) { smallest_.add(hash, {}); }
  void add(const DistinctCount& other) { smallest_.add(other.smallest_); }
  void clear() { smallest_.clear(); }

  std::uint64_t estimate() const {
    const auto items = smallest_.items();
    if (!smallest_.is_full()) return items.size();
    // The hashes are spread evenly: 255 of them lie below the largest kept.
    constexpr std::uint64_t whole = std::numeric_limits<std::uint32_t>::max();
    const std::uint64_t reach = std::max<std::uint64_t>(items.back().hash >> 32, 1);
    return (items.size() - 1) * whole / reach;
  }

 private:
  struct Nothing {};
  SmallestByHash<Nothing, 256> smallest_;
};

}  // namespace wirefault
