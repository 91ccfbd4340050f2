// The state of a live capture for a monitoring system: Prometheus' text format, version 0.0.4.
#pragma once

#include <string>

#include "detectors/board.h"
#include "report/live_status.h"

namespace wirefault {

// Every metric is there from the start, with zeros: what appears only when it fails cannot be
// alerted on. Labels are an interface, detector ids and severities, never names from the wire, so
// that no traffic can make more of them.
std::string metrics_text(const LiveStatus& status, const Board& board);

}  // namespace wirefault
