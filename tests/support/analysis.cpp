#include "tests/support/analysis.h"

#include "capture/source.h"
#include "detectors/judgement.h"
#include "dissectors/tracking.h"

namespace wirefault::test {

Result analyze(const std::vector<std::string>& files, const AnalysisOptions& options) {
  Settings settings{options.settings};
  Judgement judgement{settings, {options.memory, {}}};
  Tracking tracking{settings, {options.memory, options.hash_key}, judgement};
  settings.check_all_known();
  const auto source = open_files(files);
  for (auto batch = source->next(); !batch.empty(); batch = source->next()) tracking.add(batch);
  tracking.finish();
  return judgement.result(source->sources());
}

std::string in_source(const std::string& path) {
  return std::string{WIREFAULT_SOURCE_DIR} + "/" + path;
}

}  // namespace wirefault::test
