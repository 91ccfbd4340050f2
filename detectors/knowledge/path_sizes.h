// Which sizes get through, by path and direction: what the detectors of packets that are too large
// agree on. Learned from how things ended, well or badly; nothing is counted per packet.
//
// Two things can be too large. A packet exceeds what a link takes; a datagram, though cut into
// fragments that fit, exceeds what a box on the way lets through in one piece. Sizes are those of
// IP, header included.
//
// What it cannot see: a path that takes less than it did before looks as if size did not matter;
// stalls.h can.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "detectors/flow_key.h"
#include "detectors/tally_map.h"
#include "dissectors/facts.h"

namespace wirefault {

struct SizeWindow {
  std::uint32_t passed = 0;  // the largest known to arrive; 0: none
  std::uint32_t lost = 0;    // the smallest known to be lost; 0: none, or size is not the matter

  // "up to 1400 bytes pass, from 1500 on they are lost". Empty when nothing is lost for its size.
  std::string to_string() const;
};

class SizeRange {
 public:
  void pass(std::uint32_t size) { passed_ = std::max(passed_, size); }
  void lose(std::uint32_t size, unsigned times);
  // Lost is what was lost three times, sizes below it included, while nothing as large arrived.
  // RFC 9293, section 3.8.3: R1, the least number of repetitions in vain that mean something.
  SizeWindow window() const {
    const std::uint32_t lost = smallest_lost_.back();
    return {passed_, lost > passed_ && lost != never ? lost : 0};
  }

 private:
  static constexpr std::uint32_t never = std::numeric_limits<std::uint32_t>::max();

  std::uint32_t passed_ = 0;
  std::array<std::uint32_t, 3> smallest_lost_{never, never, never};
};

struct PathSize {
  SizeRange packet;
  SizeRange datagram;          // in one packet or many
  std::uint32_t reported = 0;  // the least that routers said would fit; 0: none did
};

class PathSizes {
 public:
  void add(const dns::Transaction& transaction) {
    if (transaction.has_response && transaction.response.size > telling) add_answer(transaction);
  }
  void add(const tcp::ConnectionEnded& ended) {
    const auto size = std::max(ended.initiator.delivered_size, ended.responder.delivered_size);
    if (size > telling) add_delivered(ended);
  }
  void add(const tcp::SizeStall& stall);
  void add(const ip::FragmentedDatagram& datagram);
  void add(const icmp::PathMtu& told);

  // Null: nothing is known.
  const PathSize* find(const PathKey& path) const { return paths_.find(path); }

 private:
  // Every host takes so much (RFC 791, section 3.1): it tells little of a path, and most of what is
  // sent is no larger.
  static constexpr std::uint32_t telling = 576;

  void add_answer(const dns::Transaction& transaction);
  void add_delivered(const tcp::ConnectionEnded& ended);
  void pass_packet(const PathKey& path, std::uint32_t size);

  TallyMap<PathKey, PathSize> paths_{1024};
};

}  // namespace wirefault
