// That a packet was seen, and when: the currency of evidence.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "capture/packet.h"

namespace wirefault {

struct Sighting {
  PacketRef packet;
  Timestamp time{};

  bool exists() const { return packet.exists(); }
};

// The first N - 1 of many sightings and the last one; all are counted.
template <std::size_t N>
class Sightings {
 public:
  void add(Sighting sighting) {
    kept_[std::min<std::size_t>(count_, N - 1)] = sighting;
    ++count_;
  }

  std::uint32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  const Sighting& first() const { return kept_[0]; }
  const Sighting& last() const { return kept_[std::min<std::size_t>(count_, N) - 1]; }  // not empty
  std::span<const Sighting> kept() const {
    return {kept_.data(), std::min<std::size_t>(count_, N)};
  }

 private:
  static_assert(N >= 2);
  std::array<Sighting, N> kept_{};
  std::uint32_t count_ = 0;
};

}  // namespace wirefault
