// Memory lent to connections for as long as they have something outstanding: one array of blocks of
// a cache line each, allocated once, pages touched only as they fill. Loans are chained by number;
// 0 is the end of a chain. When nothing is left, borrow() says so, and the connection goes on
// knowing less.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

namespace wirefault::tcp {

class Loans {
 public:
  static constexpr std::size_t block_size = 64;

  // `budget` in bytes.
  explicit Loans(std::size_t budget)
      : capacity_{static_cast<std::uint32_t>(budget / block_size < 64 ? 64 : budget / block_size)},
        memory_{static_cast<std::byte*>(std::calloc(capacity_ + 2, block_size))} {
    if (memory_ == nullptr) throw std::bad_alloc{};
    // Block 0 is never lent; on a line boundary, so that no block straddles two.
    void* start = memory_.get();
    std::size_t space = (capacity_ + 2) * block_size;
    blocks_ = static_cast<std::byte*>(std::align(block_size, block_size, start, space));
  }

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
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };

  std::byte* at(std::uint32_t number) const { return blocks_ + std::size_t{number} * block_size; }

  std::uint32_t capacity_;
  std::unique_ptr<std::byte, Free> memory_;
  std::byte* blocks_ = nullptr;
  std::uint32_t fresh_ = 1;
  std::uint32_t free_ = 0;
  std::uint32_t lent_ = 0;
  std::uint64_t refused_ = 0;
};

}  // namespace wirefault::tcp
