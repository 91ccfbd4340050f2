// Time as packets tell it. The clock has no now(): whatever needs the present must be handed a
// packet's time, so that an analysis of a file gives the same result today and next year.
#pragma once

#include <chrono>
#include <cstdint>

namespace wirefault {

using Duration = std::chrono::nanoseconds;

struct PacketClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<PacketClock>;
  static constexpr bool is_steady = false;
};

// Nanoseconds since 1970-01-01 00:00 UTC.
using Timestamp = PacketClock::time_point;

}  // namespace wirefault
