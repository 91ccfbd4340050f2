#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace wirefault::bench {

// A seeded generator (xoroshiro128+ started by splitmix64) that the standard library's
// distributions are kept away from: those may give other numbers with another library, and the
// captures must not change with it.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_{scramble(seed), scramble(seed)} {}

  std::uint64_t next() {
    const std::uint64_t a = state_[0];
    const std::uint64_t b = state_[1] ^ a;
    const std::uint64_t result = a + state_[1];
    state_[0] = ((a << 24) | (a >> 40)) ^ b ^ (b << 16);
    state_[1] = (b << 37) | (b >> 27);
    return result;
  }

  // A number in [0, bound).
  std::uint32_t below(std::uint32_t bound) {
    return static_cast<std::uint32_t>(((next() >> 32) * bound) >> 32);
  }

  std::uint16_t port(std::uint32_t first, std::uint32_t count) {
    return static_cast<std::uint16_t>(first + below(count));
  }

  std::uint16_t next16() { return static_cast<std::uint16_t>(next() >> 32); }
  std::uint32_t next32() { return static_cast<std::uint32_t>(next() >> 32); }

  // A number in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

  bool chance(double probability) { return unit() < probability; }

  // An exponentially distributed whole number: the gaps of a Poisson process.
  std::uint32_t exponential(double mean) {
    return static_cast<std::uint32_t>(-mean * std::log(1.0 - unit()));
  }

 private:
  // Advances `seed`, so that two calls give two numbers.
  static std::uint64_t scramble(std::uint64_t& seed) {
    seed += 0x9e3779b97f4a7c15u;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::array<std::uint64_t, 2> state_;
};

}  // namespace wirefault::bench
