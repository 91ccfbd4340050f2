// What every verb that analyses packets is made of, from its plan.
#pragma once

#include <string>
#include <vector>

#include "cli/plan.h"
#include "detectors/judgement.h"
#include "dissectors/tracking.h"

namespace wirefault::cli {

struct Engine {
  // Throws Error for a setting that nothing declares, or that cannot have its value.
  explicit Engine(const Plan& plan);

  // Of a capture that has ended, and of one that goes on.
  Result result(const std::vector<SourceInfo>& sources) const;
  Result result_so_far(const std::vector<SourceInfo>& sources) const;

  Settings settings;
  std::size_t memory;
  Judgement judgement;
  Tracking tracking;
};

// `result` as `output` wants it; `left_out` findings were deselected.
std::string report(const Plan& plan, const Output& output, const Result& result,
                   std::size_t left_out);

// Input that --strict does not put up with: it breaks off, or lost a thousandth of its packets,
// which is when claims about what was not seen begin to suffer, or cannot be read at all.
bool is_incomplete(const Result& result);

}  // namespace wirefault::cli
