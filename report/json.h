// The report for programs: one object, as report/wirefault-1.schema.json says. Its shape is a
// promise; fields may be added, none changes its meaning within "wirefault/1".
#pragma once

#include <string>

#include "detectors/result.h"

namespace wirefault {

// One finding a line, so that grep and diff are of use too. Ends with a newline. The same result
// gives the same bytes.
std::string json_report(const Result& result);

}  // namespace wirefault
