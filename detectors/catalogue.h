// Every detector there is.
#pragma once

#include <span>

#include "detectors/detector.h"

namespace wirefault {

// In the order in which lists show them. Lives as long as the program.
std::span<const DetectorEntry> catalogue();

}  // namespace wirefault
