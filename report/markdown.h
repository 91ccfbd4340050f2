// A finding for the incident channel or the ticket.
#pragma once

#include <string>

#include "detectors/finding.h"
#include "report/words.h"

namespace wirefault {

// A headline, then a list. Nothing in it can start a table, a heading, a link or code that is not
// ours, whatever the names in it are. Ends with a newline.
std::string finding_markdown(const Finding& finding, Zone zone = Zone::utc);

}  // namespace wirefault
