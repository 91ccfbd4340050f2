// Which findings a reader asked to see. What is kept stays as it was, its id included: F3 is F3
// whoever looks.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "detectors/result.h"

namespace wirefault {

struct Selection {
  Severity min_severity = Severity::note;
  Confidence min_confidence = Confidence::possible;
  // Findings about any of these; empty: whoever it is about.
  std::vector<std::string> hosts{};  // "192.0.2.1", "192.0.2.0/24", "2001:db8::/32"
  std::vector<std::string> names{};  // also the names below it
  std::vector<std::uint16_t> ports{};
};

// Throws Error for a host that is no address or prefix. Call it before the analysis.
void check(const Selection& selection);

// Takes out the findings that were not asked for, and what incidents are left without a finding.
// Returns how many findings that were. A finding names at most five of each kind of party; where
// the one asked for may be among those not named, the finding stays and gets a caveat that says so.
std::size_t keep_only(const Selection& selection, Result& result);

}  // namespace wirefault
