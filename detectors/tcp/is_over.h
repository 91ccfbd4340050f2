// When the trouble of a flow is over.
#pragma once

#include <algorithm>

#include "detectors/detector.h"

namespace wirefault {

// Whether what troubled a direction was over when its connection, or the capture, was. Where it was
// cut off in full flow, it has to have carried three times as much since as it had carried for each
// `trouble`: at the same rate it would have met another in 19 of 20 cases. `before` and `then`: the
// data segments of earlier connections, and of this one when it last had trouble.
inline bool is_over(const tcp::FlowTotals& totals, tcp::Ending ending, std::uint64_t troubles,
                    std::uint64_t before, std::uint64_t then) {
  const bool cut_off = ending == tcp::Ending::capture_ended || ending == tcp::Ending::evicted;
  if (!cut_off) return true;
  if (!totals.was_acknowledged) return false;
  if (!totals.outstanding) return true;
  const std::uint64_t since =
      totals.data_segments - std::min<std::uint64_t>(totals.data_segments, then);
  return since * troubles >= 3 * (before + totals.data_segments);
}

}  // namespace wirefault
