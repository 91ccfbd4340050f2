// What a capture is expected to give: the *.expect.toml beside it. The grammar's subset that the
// samples need: exact and level, ignore, options, quality, and per finding its scope, numbers with
// tolerance, times, frames, first cause and todo.
#pragma once

#include <string>
#include <vector>

#include "detectors/result.h"

namespace wirefault::test {

// Runs the expectation in `file` and returns what was not met, a line each, empty when all was.
// Throws Error when the file cannot be understood.
std::vector<std::string> unmet(const std::string& file);

}  // namespace wirefault::test
