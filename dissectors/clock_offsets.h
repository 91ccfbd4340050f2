// Tells how far apart the clocks of two interfaces or files are, by the packets that both saw.
//
// Two machines' captures in one analysis, or a card that stamps in TAI beside one in UTC (37 s
// apart): what happened once seems to happen twice, and answers come before or long after their
// questions. Each packet that two places saw says how far the second stamp is from the first. That
// is the offset, and the time the packet took from the one place to the other: positive downstream
// and negative upstream, so that the offset lies between what the two directions say (as in NTP,
// RFC 5905, section 8). Where hop limits differ they tell the direction. Where both directions of
// two places with one clock are seen, zero lies in between, and nothing is found.
//
// What it cannot see: offsets smaller than the way between the places, and places that never see
// the same packet. Of clocks that drift apart it knows the latest offset.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "capture/timestamp.h"

namespace wirefault {

// What names a clock: an interface of a file. Of more than 256 files or interfaces, some share one.
constexpr std::uint16_t clock_of(std::uint16_t source, std::uint16_t interface) {
  return static_cast<std::uint16_t>((source << 8 | source >> 8) ^ interface);
}

// A packet as one place saw it.
struct Stamp {
  std::uint16_t clock = 0;
  std::uint8_t hop_limit = 0;
  Timestamp time{};
};

struct ClockOffset {
  std::uint16_t clock = 0;
  std::uint16_t reference = 0;
  Duration ahead{};  // of the reference; negative: behind
  bool is_corrected = false;
};

class ClockOffsets {
 public:
  // Both are the same packet: for sure, or as far as equality can tell, which takes several in a
  // row to prove an offset. `is_up`: from the smaller to the larger address.
  void learn(Stamp first, Stamp second, bool is_sure, bool is_up);

  // Whether both may be the same packet by what is known of their clocks.
  bool fit(Stamp first, Stamp second) const;

  // Where packets come in the order of their arrival, not of their stamps, stamps go back from one
  // clock to another, and the offset can be taken off. Where they were sorted by their stamps, that
  // would bring them out of order. True when this was news of a clock.
  bool correct(Duration longest_step_back);
  bool corrects() const { return !corrections_.empty(); }
  // What to subtract from a stamp.
  Duration correction(std::uint16_t clock) const;

  std::vector<ClockOffset> found() const;

 private:
  enum Way : std::uint8_t { same_hop, down, up, way_count };  // from the smaller clock's place
  struct Track {
    std::uint64_t pairs = 0;
    std::uint32_t agreeing = 0;
    std::uint8_t directions = 0;  // bits
    Duration apart{};             // latest
    Duration least = Duration::max();
    Duration most = Duration::min();

    bool is_proven() const;
  };
  struct ClockPair {
    std::uint16_t smaller = 0;
    std::uint16_t larger = 0;
    std::array<Track, way_count> tracks;
    std::optional<Duration> offset;  // of the larger

    std::optional<Duration> estimate() const;
  };

  static Way normalise(Stamp& first, Stamp& second);
  std::size_t find(std::uint16_t smaller, std::uint16_t larger) const;

  std::vector<ClockPair> pairs_;
  std::vector<std::pair<std::uint16_t, Duration>> corrections_;
};

}  // namespace wirefault
