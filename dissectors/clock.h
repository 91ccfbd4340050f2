// The packet clock: the largest time seen. A packet stamped earlier keeps its own stamp and does
// not move the clock back. Deadlines go by its own stamp all the same: where the clock was set back
// by less than a few seconds, what has come since has waited no longer than that.
//
// A step forward of more than an hour moves the clock only when the next packet confirms it, so
// that one wild stamp cannot expire everything that is open. A step back of more than a few seconds
// that the next packet confirms is a clock that was set, or a second capture behind the first: time
// starts anew there, as deadlines from before mean nothing any more.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "capture/timestamp.h"

namespace wirefault {

class Clock {
 public:
  // Moves the clock for a packet stamped `time` and returns up to when deadlines are due.
  Timestamp see(Timestamp time) {
    has_restarted_ = false;
    if (!now_) now_ = time;
    if (time <= *now_) {
      note_earlier(time);
    } else if (past_.reset();
               time - *now_ <= suspicious_step || is_near(time, future_, suspicious_step)) {
      now_ = due_ = time;
    } else {
      future_ = time;
      due_ = *now_;
    }
    return due_;
  }

  // Whether the packet just seen started time anew.
  bool has_restarted() const { return has_restarted_; }
  Timestamp due() const { return due_; }                        // as the last see() returned it
  Timestamp now() const { return now_.value_or(Timestamp{}); }  // the packets', not the machine's

 private:
  static constexpr Duration suspicious_step = std::chrono::hours{1};
  // Packets of several queues or interfaces come out of order by less than this.
  static constexpr Duration step_back = std::chrono::seconds{5};

  static bool is_near(Timestamp a, const std::optional<Timestamp>& b, Duration by) {
    return b && std::max(a, *b) - std::min(a, *b) <= by;
  }

  void note_earlier(Timestamp time) {
    if (*now_ - time < step_back) {
      past_.reset();
      due_ = time;
    } else if (is_near(time, past_, step_back)) {
      past_.reset();
      now_ = due_ = time;
      has_restarted_ = true;
    } else {
      past_ = time;
      due_ = *now_;
    }
  }

  std::optional<Timestamp> now_;
  Timestamp due_{};                  // now, or the last packet's stamp if it was a little earlier
  std::optional<Timestamp> future_;  // far ahead, claimed by one packet
  std::optional<Timestamp> past_;    // likewise, back
  bool has_restarted_ = false;
};

}  // namespace wirefault
