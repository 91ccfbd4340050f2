// Memory lent to connections for as long as they have something outstanding: one array of blocks of
// a cache line each, allocated once, pages touched only as they fill. Loans are chained by number;
// 0 is the end of a chain. When nothing is left, borrow() says so, and the connection goes on
// knowing less.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "dissectors/pages.h"

namespace wirefault::tcp {

class Loans {
 public:
  static constexpr std::size_t block_size = 64;

  // `budget` in bytes.
  explicit Loans(std::size_t budget)
      : capacity_{static_cast<std::uint32_t>(budget / block_size < 64 ? 64 : budget / block_size)},
        blocks_{zeroed_pages<Block>(capacity_ + 1)} {}

  // The number of a fresh T, or 0.
  template <class T>
  std::uint32_t borrow() {
    static_assert(sizeof(T) <= block_size && std::is_trivially_destructible_v<T>);
    std::uint32_t number = free_;
    if (number != 0) {
      free_ = *reinterpret_cast<std::uint32_t*>(at(number));
    } else if (fresh_ <= capacity_) {
      number = fresh_++;
    } else {
      ++refused_;
      return 0;
    }
    ++lent_;
    new (at(number)) T{};
    return number;
  }
  void give_back(std::uint32_t number) {
    *new (at(number)) std::uint32_t = free_;
    free_ = number;
    --lent_;
  }

  template <class T>
  T& get(std::uint32_t number) const {
    return *std::launder(reinterpret_cast<T*>(at(number)));
  }

  std::uint32_t lent() const { return lent_; }
  std::uint64_t refused() const { return refused_; }

 private:
  struct alignas(block_size) Block {
    std::array<std::byte, block_size> bytes;
  };

  std::byte* at(std::uint32_t number) const { return blocks_.get()[number].bytes.data(); }

  std::uint32_t capacity_;
  Pages<Block> blocks_;  // 0 is never lent
  std::uint32_t fresh_ = 1;
  std::uint32_t free_ = 0;
  std::uint32_t lent_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace wirefault::tcp
