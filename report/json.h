// The report for programs: one object, as report/wirefault-1.schema.json says. Its shape is a
// promise; fields may be added, none changes its meaning within "wirefault/1".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "detectors/result.h"

namespace wirefault {

// One finding a line, so that grep and diff are of use too. Ends with a newline. The same result
// gives the same bytes.
std::string json_report(const Result& result);

// What happened to one finding, as a line of report/wirefault-event-1.schema.json. `event` is
// "open", "update" or "close"; `grown_by` is what its count gained since the event before, so that
// sums over a stream are right, and a lost line costs what it said and no more.
std::string json_event(std::string_view event, Timestamp time, std::uint64_t grown_by,
                       const Finding& finding);

}  // namespace wirefault
