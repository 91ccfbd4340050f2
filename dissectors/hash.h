// Two hashes that must not be confused.
//
// keyed_hash: for tables. Whoever sends packets chooses what is hashed, so the analysis draws a
// random key; nothing that is printed or sampled may depend on it.
// stable_hash: for fingerprints, sampling and bottom-k sketches. No key: the same value on every
// machine, in every version, on either byte order. Never changed, or saved results stop to compare.
//
// And QuickHash, for caches that see every packet, where a forged collision hurts its forger only.
#pragma once

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

// Random in a release run, fixed in tests and fuzzing.
struct HashKey {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

namespace hash_detail {

// Little-endian whatever the machine, the last word filled up with zeros.
inline std::uint64_t word(const std::uint8_t* bytes, std::size_t count) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, count);
  if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
  return value;
}

struct SipState {
  std::uint64_t a, b, c, d;

  void round() {
    a = wrapping_add(a, b);
    c = wrapping_add(c, d);
    b = std::rotl(b, 13) ^ a;
    d = std::rotl(d, 16) ^ c;
    a = std::rotl(a, 32);
    c = wrapping_add(c, b);
    a = wrapping_add(a, d);
    b = std::rotl(b, 17) ^ c;
    d = std::rotl(d, 21) ^ a;
    c = std::rotl(c, 32);
  }
  void take(std::uint64_t word) {
    d ^= word;
    round();
    a ^= word;
  }
};

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

// SipHash-1-3 (Aumasson and Bernstein, 2012): fast on short keys, and collisions cannot be made
// without the key.
inline std::uint64_t keyed_hash(const HashKey& key, Bytes bytes) {
  hash_detail::SipState state{key.first ^ 0x736f6d6570736575, key.second ^ 0x646f72616e646f6d,
                              key.first ^ 0x6c7967656e657261, key.second ^ 0x7465646279746573};
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) state.take(hash_detail::word(at, 8));
  const std::uint64_t length_byte = std::uint64_t{bytes.size() & 0xff} << 56;
  state.take(length_byte | (left == 0 ? 0 : hash_detail::word(at, left)));
  state.c ^= 0xff;
  for (int i = 0; i < 3; ++i) state.round();
  return state.a ^ state.b ^ state.c ^ state.d;
}

// Values without padding only: padding bytes may differ between equal values.
template <class T>
requires std::has_unique_object_representations_v<T> std::uint64_t keyed_hash(const HashKey& key,
                                                                              const T& value) {
  return keyed_hash(key, Bytes{reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
}

// Two words at a time, one multiplication each (the idea of wyhash). Without a key, so that what a
// full cache forgets is the same in every run.
class QuickHash {
 public:
  void add(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{a ^ state_ ^ 0xa0761d6478bd642f} * Wide{b ^ 0xe7037ed1a0b428db};
    state_ = static_cast<std::uint64_t>(product >> 64) ^
             static_cast<std::uint64_t>(product & 0xffffffffffffffff);
  }
  // Does not tell "x" from "xx": add the length somewhere. The last words overlap those before them,
  // which costs less than filling up.
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
