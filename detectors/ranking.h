// Puts findings in report order and names them.
#pragma once

#include <vector>

#include "detectors/finding.h"

namespace wirefault {

// More than twenty findings of one detector read as noise: those beyond become one, with their
// counts, hosts and frames added up.
void merge_tails(std::vector<Finding>& findings);

// Worst first: severity, then how many clients are concerned, confidence, and how often it
// happened; ties by time, detector and entity. Of one severity, what merge_tails() made comes last.
// Gives ids F1.. in that order, and fingerprints.
void rank(std::vector<Finding>& findings);

}  // namespace wirefault
