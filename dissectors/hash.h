// Two hashes that must not be confused.
//
// keyed_hash: for tables. Whoever sends packets chooses what is hashed, so the analysis draws a
// random key; nothing that is printed or sampled may depend on it.
// stable_hash: for fingerprints, sampling and bottom-k sketches. No key: the same value on every
// machine, in every version, on either byte order. Never changed, or saved results stop to compare.
//
// And QuickHash, for caches that see every packet, where a forged collision hurts its forger only.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "capture/bytes.h"

namespace wirefault {

// Arithmetic that is meant to go round; a plain + or * would trip the integer sanitizer.
template <class T>
constexpr T wrapping_add(T a, T b) {
  T sum{};
  (void)__builtin_add_overflow(a, b, &sum);
  return sum;
}
template <class T>
constexpr T wrapping_multiply(T a, T b) {
  T product{};
  (void)__builtin_mul_overflow(a, b, &product);
  return product;
}

namespace hash_detail {

__extension__ using Wide = unsigned __int128;

constexpr std::uint64_t high(Wide wide) {
  return static_cast<std::uint64_t>(wide >> 64);
}
constexpr std::uint64_t low(Wide wide) {
  return static_cast<std::uint64_t>(wide & 0xffffffffffffffff);
}
constexpr std::uint64_t fold(Wide wide) {
  return high(wide) ^ low(wide);
}

// Little-endian whatever the machine, the last word filled up with zeros.
inline std::uint64_t word(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, count);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

// The finalizer of splitmix64: every input bit reaches every output bit.
constexpr std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 30;
  value = wrapping_multiply<std::uint64_t>(value, 0xbf58476d1ce4e5b9);
  value ^= value >> 27;
  value = wrapping_multiply<std::uint64_t>(value, 0x94d049bb133111eb);
  return value ^ (value >> 31);
}

// mix(0) is 0; the constant (2^64 divided by the golden ratio) keeps runs of zeros apart.
constexpr std::uint64_t step(std::uint64_t state, std::uint64_t word) {
  return mix(wrapping_add<std::uint64_t>(state, 0x9e3779b97f4a7c15) ^ word);
}

}  // namespace hash_detail

// The key of the tables' hashes: random in a release run, fixed in tests and fuzzing.
class HashKey {
 public:
  constexpr HashKey() : HashKey{0, 0} {}
  constexpr HashKey(std::uint64_t first, std::uint64_t second) {
    for (std::uint64_t& word : words_) word = first = hash_detail::step(first, second);
  }
  constexpr std::uint64_t operator[](std::size_t i) const { return words_[i]; }

 private:
  std::array<std::uint64_t, 12> words_{};
};

// NH of UMAC (RFC 4418, section 5.2.2) with words of 64 bits: whoever does not know the key finds
// two inputs with the same sum with a chance of 2^-64, whatever he tries. The last multiplication
// spreads the sum over all bits. One input always has the same number of words.
template <std::size_t count>
constexpr std::uint64_t keyed_hash(const HashKey& key,
                                   const std::array<std::uint64_t, count>& words) {
  static_assert(count % 2 == 0 && count <= 10);
  hash_detail::Wide sum = 0;
  for (std::size_t i = 0; i < count; i += 2) {
    sum = wrapping_add(sum, hash_detail::Wide{wrapping_add(words[i], key[i])} *
                                wrapping_add(words[i + 1], key[i + 1]));
  }
  return hash_detail::fold(hash_detail::Wide{hash_detail::low(sum) ^ key[10]} *
                           (hash_detail::high(sum) ^ key[11]));
}

// Two words at a time, one multiplication each (the idea of wyhash). Without a key, so that what a
// full cache forgets is the same in every run.
class QuickHash {
 public:
  void add(std::uint64_t a, std::uint64_t b) {
    state_ = hash_detail::fold(hash_detail::Wide{a ^ state_ ^ 0xa0761d6478bd642f} *
                               (b ^ 0xe7037ed1a0b428db));
  }
  // Does not tell "x" from "xx": add the length somewhere. The last words overlap those before
  // them, which costs less than filling up.
  void add(Bytes bytes) {
    using hash_detail::word;
    const std::uint8_t* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left > 16; left -= 16, at += 16) add(word(at, 8), word(at + 8, 8));
    if (left >= 8) {
      add(word(at, 8), word(at + left - 8, 8));
    } else if (left >= 4) {
      add(word(at, 4), word(at + left - 4, 4));
    } else if (left > 0) {
      add(std::uint64_t{at[0]} << 16 | std::uint64_t{at[left / 2]} << 8 | at[left - 1], 0);
    }
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0;
};

// `seed` chains several parts: stable_hash(b, stable_hash(a)).
inline std::uint64_t stable_hash(Bytes bytes, std::uint64_t seed = 0) {
  std::uint64_t state = hash_detail::step(seed, bytes.size());
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) state = hash_detail::step(state, hash_detail::word(at, 8));
  return left == 0 ? state : hash_detail::step(state, hash_detail::word(at, left));
}
inline std::uint64_t stable_hash(std::string_view text, std::uint64_t seed = 0) {
  return stable_hash(Bytes{reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, seed);
}
constexpr std::uint64_t stable_hash(std::uint64_t number, std::uint64_t seed = 0) {
  return hash_detail::step(seed, number);
}

}  // namespace wirefault
