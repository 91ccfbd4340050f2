// Capture files through the engine: what `analyze` reports on, and what other verbs start from.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cli/plan.h"
#include "detectors/result.h"

namespace wirefault::cli {

// What went wrong on the way to a report that is made all the same.
struct Trouble {
  std::vector<std::string> failures;  // files that could not be read, or not to their end
  bool was_interrupted = false;
};

// All of `files` as one timeline. One bad file among several is a trouble, not an Error.
Result analyze(const Plan& plan, const std::vector<std::string>& files, Trouble& trouble);

// The same packets once more, in the same order. Not of what can be read only once.
void read_again(const Plan& plan, const std::function<void(const Packet&)>& take);
bool is_pipe(const std::string& name);

}  // namespace wirefault::cli
