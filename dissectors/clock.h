// The packet clock: the largest time seen. A packet stamped earlier keeps its own stamp and does
// not move the clock back; a step forward of more than an hour moves it only when the next packet
// confirms it, so that one wild stamp cannot expire everything that is open.
#pragma once

#include <algorithm>
#include <cstdint>

#include "capture/timestamp.h"

namespace wirefault {

class Clock {
 public:
  // Moves the clock for a packet stamped `time` and returns it.
  Timestamp see(Timestamp time) {
    if (!started_) {
      started_ = true;
      now_ = time;
      return now_;
    }
    if (time <= now_) {
      if (time < now_) ++steps_back_;
      return now_;
    }
    if (time - now_ > suspicious_step && !is_near(time, suspect_)) {
      suspect_ = time;
      ++steps_forward_;
      return now_;
    }
    now_ = time;
    return now_;
  }

  bool has_started() const { return started_; }
  Timestamp now() const { return now_; }  // the packets' present, not the machine's
  std::uint64_t steps_back() const { return steps_back_; }
  std::uint64_t steps_forward() const { return steps_forward_; }

 private:
  static constexpr Duration suspicious_step = std::chrono::hours{1};

  static bool is_near(Timestamp a, Timestamp b) {
    return b != Timestamp{} && std::max(a, b) - std::min(a, b) <= suspicious_step;
  }

  Timestamp now_{};
  Timestamp suspect_{};  // a far future that one packet has claimed
  std::uint64_t steps_back_ = 0;
  std::uint64_t steps_forward_ = 0;
  bool started_ = false;
};

}  // namespace wirefault
