#include "detectors/evidence.h"

#include <algorithm>

#include "detectors/wording.h"

namespace wirefault {

void Evidence::add(const Sighting& sighting) {
  if (!sighting.exists()) return;
  if (kept_.size() < most_kept) {
    kept_.push_back(sighting);
  } else {
    ++dropped_;
  }
  if (!last_.exists() || sighting.time >= last_.time) last_ = sighting;
}

void Evidence::fill(Finding& finding) const {
  std::vector<Sighting> sorted = kept_;
  if (last_.exists()) sorted.push_back(last_);
  const auto by_time = [](const Sighting& a, const Sighting& b) {
    return a.time != b.time ? a.time < b.time : a.packet < b.packet;
  };
  const auto same_packet = [](const Sighting& a, const Sighting& b) {
    return a.packet == b.packet;
  };
  std::sort(sorted.begin(), sorted.end(), by_time);
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same_packet), sorted.end());
  if (sorted.empty()) return;

  // First and last, the worst where there is one, and others spread evenly between them.
  const std::size_t shown = std::min(sorted.size(), most_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const std::size_t at = shown == 1 ? 0 : i * (sorted.size() - 1) / (shown - 1);
    const std::string_view role = i == 0 ? "first" : i + 1 == shown ? "last" : "typical";
    finding.evidence.push_back({sorted[at].packet, sorted[at].time, role});
  }
  if (worst_.exists()) {
    const auto named =
        std::find_if(finding.evidence.begin(), finding.evidence.end(),
                     [this](const EvidenceItem& item) { return item.packet == worst_.packet; });
    if (named != finding.evidence.end()) {
      if (named->role == "typical") named->role = "worst";
    } else if (shown >= 3) {
      finding.evidence[shown / 2] = {worst_.packet, worst_.time, "worst"};
      std::sort(finding.evidence.begin(), finding.evidence.end(),
                [](const EvidenceItem& a, const EvidenceItem& b) { return a.time < b.time; });
    }
  }

  for (const Sighting& sighting : sorted) finding.frames.push_back(sighting.packet);
  std::sort(finding.frames.begin(), finding.frames.end());
  if (finding.frames.size() > most_kept) finding.frames.resize(most_kept);
  finding.frames_total = std::max<std::uint64_t>(count(), finding.frames.size());
  finding.first = sorted.front().time;
  finding.last = sorted.back().time;
  if (finding.display_filter.empty()) finding.display_filter = frame_filter(finding.frames);
}

}  // namespace wirefault
