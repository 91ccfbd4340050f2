// Puts findings in report order and names them.
#pragma once

#include <vector>

#include "detectors/finding.h"

namespace wirefault {

// Worst first: severity, then confidence, then what concerns most; ties by time, detector and
// entity. Gives ids F1.. in that order, and fingerprints.
void rank(std::vector<Finding>& findings);

}  // namespace wirefault
