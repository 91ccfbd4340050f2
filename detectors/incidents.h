// Groups findings that share one root: a dead server that makes 400 lookups fail is one incident.
//
// A lower layer that suffices explains an upper one if they concern the same hosts in the required
// roles and the root began no later than the effect. Each effect gets at most one root; a root that
// is itself an effect hands its own effects on. Effects stay visible, they are only not counted as
// separate problems.
#pragma once

#include <vector>

#include "detectors/finding.h"

namespace wirefault {

// A name that fails in a storm of SERVFAILs is told with the storm: on its own it is worth a note.
void lower_parts_of_storms(std::vector<Finding>& findings);

// `findings` have their ids. Sets Finding::incident. Incidents come in the order of their roots.
std::vector<Incident> group(std::vector<Finding>& findings);

// Of one severity, puts what explains most in front; then each root before its effects, where the
// worst of them stood; and numbers all findings anew. False when they stood so already.
bool put_roots_first(std::vector<Finding>& findings, const std::vector<Incident>& incidents);

}  // namespace wirefault
