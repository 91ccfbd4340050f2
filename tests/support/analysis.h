// Runs a whole analysis inside the test program.
#pragma once

#include <string>
#include <vector>

#include "detectors/result.h"
#include "dissectors/hash.h"

namespace wirefault::test {

struct AnalysisOptions {
  std::vector<std::string> settings;  // as after --set
  HashKey hash_key{1, 2};
  std::size_t memory = std::size_t{64} << 20;
};

Result analyze(const std::vector<std::string>& files, const AnalysisOptions& options = {});

// A path below the source tree.
std::string in_source(const std::string& path);

}  // namespace wirefault::test
