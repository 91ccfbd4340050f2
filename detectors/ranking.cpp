#include "detectors/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "dissectors/hash.h"

namespace wirefault {

void rank(std::vector<Finding>& findings) {
  for (Finding& finding : findings) {
    // An absence that nothing corroborates never says more than "warning".
    if (finding.confidence == Confidence::possible) {
      finding.severity = std::min(finding.severity, Severity::warning);
    }
    finding.fp =
        stable_hash(finding.entity, stable_hash(finding.variant, stable_hash(finding.detector)));
  }
  const auto place = [](const Finding& finding) {
    return std::tuple{-static_cast<int>(finding.severity),
                      -static_cast<int>(finding.confidence),
                      ~finding.count,
                      finding.first,
                      finding.detector,
                      finding.variant,
                      std::string_view{finding.entity}};
  };
  std::sort(findings.begin(), findings.end(),
            [&](const Finding& a, const Finding& b) { return place(a) < place(b); });
  std::uint64_t number = 0;
  for (Finding& finding : findings) finding.id = fmt::format("F{}", ++number);
}

}  // namespace wirefault
