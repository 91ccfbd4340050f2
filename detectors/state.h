// Whether what a finding tells of goes on, where no packet shows its end.
#pragma once

#include "detectors/finding.h"

namespace wirefault {

// A gap as long ends an episode, however long it had lasted.
constexpr Duration longest_quiet = std::chrono::seconds{60};

// One single event is over. What came again and again goes on until it has been quiet for longer
// than it had lasted, or for that long.
inline FindingState state_at(Timestamp now, const Finding& finding) {
  const Duration quiet = now - finding.last;
  const bool goes_on = finding.last > finding.first && quiet <= finding.last - finding.first &&
                       quiet <= longest_quiet;
  return goes_on ? FindingState::ongoing : FindingState::ended;
}

}  // namespace wirefault
