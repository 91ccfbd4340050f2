// The table that every tracker keeps its state in: fixed capacity, allocated once (pages are
// touched only as they fill), found by a keyed hash, and held in FIFO lists so that the oldest
// entry, and the next deadline where all in a list wait equally long, is at hand without a heap.
//
// The owner decides what to evict: when full() it must erase something before it inserts. Which
// entry is oldest does not depend on the hash key, so neither does any report.
#pragma once

#include <algorithm>
#include <cstdint>
#include <new>
#include <type_traits>

#include "dissectors/pages.h"

namespace wirefault {

// How often things came and went; the owner counts `evicted`, `expired` and `closed` as it erases.
// inserted = evicted + expired + closed + resident, always.
struct TableCounters {
  std::uint64_t inserted = 0;
  std::uint64_t evicted = 0;  // pushed out for want of room
  std::uint64_t expired = 0;  // its time was up
  std::uint64_t closed = 0;   // it came to its own end
  std::uint64_t refused = 0;  // never admitted; not part of the sum

  bool balance(std::size_t resident) const {
    return inserted == evicted + expired + closed + resident;
  }
};

// Has the processor fetch what is at `address` while it does other things. The empty assembly keeps
// GCC from taking a function that does nothing else for one without effect, and dropping its calls.
inline void fetch_soon(const void* address) {
  __builtin_prefetch(address);
  asm volatile("");
}

template <class Entry, std::uint8_t list_count = 1>
class Table {
 public:
  static_assert(std::is_trivially_destructible_v<Entry>);

  // Bytes one entry costs, index included: what a memory budget divides by.
  static constexpr std::size_t entry_cost() { return sizeof(Node) + 2 * sizeof(Slot); }

  explicit Table(std::size_t capacity)
      : capacity_{static_cast<std::uint32_t>(capacity < 16 ? 16 : capacity)},
        slots_{zeroed_pages<Slot>(slot_count(capacity_))},
        nodes_{zeroed_pages<Node>(capacity_ + list_count)},
        mask_{slot_count(capacity_) - 1} {
    for (std::uint32_t list = 0; list < list_count; ++list) {
      Node& head = node(head_of(list));
      head.previous = head.next = head_of(list);
    }
  }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  bool full() const { return size_ == capacity_; }

  // Tells the processor that `hash` will be looked up soon.
  void prefetch(std::uint64_t hash) const { fetch_soon(&slots_.get()[hash & mask_]); }
  // And, when that is done, the start of the entry that most probably is the one.
  void prefetch_entry(std::uint64_t hash) const {
    const Slot slot = slots_.get()[hash & mask_];
    if (slot.node == 0 || slot.tag != static_cast<std::uint32_t>(hash)) return;
    const char* entry = reinterpret_cast<const char*>(&node(slot.node));
    for (std::size_t at = 0; at < std::min<std::size_t>(sizeof(Node), prefetched); at += 64) {
      fetch_soon(entry + at);
    }
  }

  // The entry with this hash for which same(entry) holds, or null.
  template <class Same>
  Entry* find(std::uint64_t hash, Same same) const {
    const auto tag = static_cast<std::uint32_t>(hash);
    for (std::uint32_t at = tag & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_.get()[at];
      if (slot.node == 0) return nullptr;
      if (slot.tag == tag) {
        Node& candidate = node(slot.node);
        if (same(static_cast<Entry&>(candidate))) return &candidate;
      }
    }
  }

  // A new entry, its members as their initialisers say, at the young end of `list`. Not when
  // full().
  Entry& insert(std::uint64_t hash, std::uint8_t list = 0) {
    std::uint32_t number = free_;
    if (number != none) {
      free_ = node(number).next;
    } else {
      number = fresh_++;
    }
    // Default-initialised: an entry's own initialisers run, what has none (a name's unused octets)
    // is not cleared. Worth 8 % on DNS.
    Node& made = *new (&node(number)) Node;
    made.tag = static_cast<std::uint32_t>(hash);
    link(number, list);
    std::uint32_t at = made.tag & mask_;
    while (slots_.get()[at].node != 0) at = (at + 1) & mask_;
    slots_.get()[at] = {made.tag, number};
    ++size_;
    return made;
  }

  void erase(Entry& entry) {
    Node& gone = static_cast<Node&>(entry);
    const std::uint32_t number = number_of(gone);
    unlink(gone);
    remove_slot(gone.tag, number);
    gone.next = free_;
    free_ = number;
    --size_;
  }

  // To the young end of `list`, which may be the one it is in.
  void move_to(Entry& entry, std::uint8_t list) {
    Node& moved = static_cast<Node&>(entry);
    unlink(moved);
    link(number_of(moved), list);
  }

  // What `entry` was inserted with, as much of it as insert() looks at.
  std::uint64_t hash_of(const Entry& entry) const { return static_cast<const Node&>(entry).tag; }

  // The oldest of a list, and the one after `entry` in its list; null at the end.
  Entry* oldest(std::uint8_t list = 0) const { return at_link(node(head_of(list)).next); }
  Entry* after(const Entry& entry) const { return at_link(static_cast<const Node&>(entry).next); }

 private:
  struct Slot {
    std::uint32_t tag;   // the low half of the hash
    std::uint32_t node;  // 0, a list's head: empty
  };
  struct Node : Entry {
    std::uint32_t previous = 0;
    std::uint32_t next = 0;
    std::uint32_t tag = 0;
  };
  static constexpr std::uint32_t none = 0xffffffff;
  static constexpr std::size_t prefetched = 320;

  // A power of two with at least half of the slots free, so that probes stay short.
  static std::uint32_t slot_count(std::uint32_t capacity) {
    std::uint32_t count = 32;
    while (count < 2 * capacity) count *= 2;
    return count;
  }

  // List heads stand before the entries, so that links need no special case and an empty table
  // touches no page of its own.
  static std::uint32_t head_of(std::uint32_t list) { return list; }
  Node& node(std::uint32_t number) const { return nodes_.get()[number]; }
  std::uint32_t number_of(const Node& entry) const {
    return static_cast<std::uint32_t>(&entry - nodes_.get());
  }
  Entry* at_link(std::uint32_t number) const {
    return number < list_count ? nullptr : &node(number);
  }

  void link(std::uint32_t number, std::uint8_t list) {
    Node& head = node(head_of(list));
    Node& linked = node(number);
    linked.previous = head.previous;
    linked.next = head_of(list);
    node(head.previous).next = number;
    head.previous = number;
  }
  void unlink(Node& gone) {
    node(gone.previous).next = gone.next;
    node(gone.next).previous = gone.previous;
  }

  // Closes the gap by pulling back whatever probed past it, so that no tombstones are left.
  void remove_slot(std::uint32_t tag, std::uint32_t number) {
    std::uint32_t gap = tag & mask_;
    while (slots_.get()[gap].node != number) gap = (gap + 1) & mask_;
    for (std::uint32_t at = (gap + 1) & mask_; slots_.get()[at].node != 0; at = (at + 1) & mask_) {
      const std::uint32_t home = slots_.get()[at].tag & mask_;
      // It may move into the gap if the gap lies on its way from home.
      if (distance(home, at) >= distance(gap, at)) {
        slots_.get()[gap] = slots_.get()[at];
        gap = at;
      }
    }
    slots_.get()[gap] = {0, 0};
  }
  // Steps from one slot on to another, round the end of the array.
  std::uint32_t distance(std::uint32_t from, std::uint32_t to) const {
    return (to + (mask_ + 1) - from) & mask_;
  }

  std::uint32_t capacity_;
  Pages<Slot> slots_;
  Pages<Node> nodes_;
  std::uint32_t mask_;
  std::uint32_t size_ = 0;
  std::uint32_t fresh_ = list_count;
  std::uint32_t free_ = none;
};

}  // namespace wirefault
