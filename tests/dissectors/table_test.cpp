// The table against a plain list of what should be in it.
#include "dissectors/table.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "tests/support/catch.h"

namespace wirefault::test {
namespace {

struct Item {
  std::uint32_t key = 0;
};
using Keys = std::vector<std::uint32_t>;

// Few different ones, at the end of the index: entries meet on their way, and go round.
std::uint64_t hash_of(std::uint32_t key) {
  return 0xffffffff - key % 6;
}

class TwoLists {
 public:
  Item* find(std::uint32_t key) {
    return table_.find(hash_of(key), [&](const Item& item) { return item.key == key; });
  }
  void insert(std::uint32_t key, std::uint8_t list) {
    table_.insert(hash_of(key), list).key = key;
    lists_[list].push_back(key);
  }
  void erase(std::uint32_t key) {
    table_.erase(*find(key));
    for (Keys& keys : lists_) std::erase(keys, key);
  }
  void move(std::uint32_t key, std::uint8_t list) {
    table_.move_to(*find(key), list);
    for (Keys& keys : lists_) std::erase(keys, key);
    lists_[list].push_back(key);
  }
  bool full() const { return table_.full(); }
  std::size_t size() const { return lists_[0].size() + lists_[1].size(); }

  bool is_right(std::uint32_t most_key) {
    for (std::uint8_t list = 0; list < 2; ++list) {
      Keys walked;
      for (Item* item = table_.oldest(list); item != nullptr; item = table_.after(*item)) {
        walked.push_back(item->key);
      }
      if (walked != lists_[list]) return false;
    }
    for (std::uint32_t key = 0; key < most_key; ++key) {
      const bool is_in = std::ranges::count(lists_[0], key) + std::ranges::count(lists_[1], key);
      const Item* found = find(key);
      if (is_in != (found != nullptr) || (is_in && found->key != key)) return false;
    }
    return table_.size() == size();
  }

 private:
  Table<Item, 2> table_{16};
  std::array<Keys, 2> lists_;
};

TEST_CASE("a table finds what is in it, and hands it out oldest first", "[dissectors]") {
  constexpr std::uint32_t keys = 30;
  TwoLists lists;
  std::mt19937 random{1};
  std::size_t times_full = 0;
  for (int i = 0; i < 5000; ++i) {
    const auto key = static_cast<std::uint32_t>(random() % keys);
    const auto list = static_cast<std::uint8_t>(random() % 2);
    if (lists.find(key) == nullptr) {
      if (!lists.full()) lists.insert(key, list);
    } else if (random() % 3 == 0) {
      lists.move(key, list);
    } else {
      lists.erase(key);
    }
    times_full += lists.full();
    if (lists.full()) CHECK(lists.size() == 16);
    REQUIRE(lists.is_right(keys));
  }
  CHECK(times_full > 100);
}

}  // namespace
}  // namespace wirefault::test
