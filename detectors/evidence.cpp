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

void Evidence::add(const Evidence& other) {
  for (const Sighting& sighting : other.kept_) add(sighting);
  dropped_ += other.dropped_;
  if (other.last_.exists() && (!last_.exists() || other.last_.time >= last_.time)) {
    last_ = other.last_;
  }
}

void Evidence::show(const Sighting& sighting, std::string note) {
  notes_.push_back({sighting.packet, std::move(note)});
}

void Evidence::fill(Finding& finding) const {
  std::vector<Sighting> sorted = kept_;
  const auto by_time = [](const Sighting& a, const Sighting& b) {
    return a.time != b.time ? a.time < b.time : a.packet < b.packet;
  };
  const auto same_packet = [](const Sighting& a, const Sighting& b) {
    return a.packet == b.packet;
  };
  const auto tidy = [&] {
    std::sort(sorted.begin(), sorted.end(), by_time);
    sorted.erase(std::unique(sorted.begin(), sorted.end(), same_packet), sorted.end());
  };
  tidy();
  if (sorted.empty()) return;
  // A packet may stand for more than one thing: a query, for each of its lost answers.
  finding.frames_total = sorted.size() + dropped_;
  if (dropped_ > 0) {
    sorted.push_back(last_);
    tidy();
  }

  // First and last, the worst, those with a note, and others spread evenly between them.
  std::vector<std::size_t> chosen;
  const auto choose = [&](std::size_t at) {
    if (chosen.size() == most_shown || at >= sorted.size()) return;
    if (std::find(chosen.begin(), chosen.end(), at) == chosen.end()) chosen.push_back(at);
  };
  const auto position_of = [&](PacketRef packet) {
    const auto found = std::find_if(sorted.begin(), sorted.end(), [&](const Sighting& sighting) {
      return sighting.packet == packet;
    });
    return static_cast<std::size_t>(found - sorted.begin());
  };
  choose(0);
  choose(sorted.size() - 1);
  if (worst_.exists()) choose(position_of(worst_.packet));
  for (const Note& note : notes_) choose(position_of(note.packet));
  const std::size_t room = most_shown - chosen.size();
  for (std::size_t i = 1; i <= room; ++i) choose(i * (sorted.size() - 1) / (room + 1));
  for (std::size_t at = 0; at < most_shown; ++at) choose(at);
  std::sort(chosen.begin(), chosen.end());
  for (const std::size_t at : chosen) {
    const PacketRef packet = sorted[at].packet;
    const std::string_view role = at == 0                   ? "first"
                                  : at + 1 == sorted.size() ? "last"
                                  : packet == worst_.packet ? "worst"
                                                            : "typical";
    const auto note = std::find_if(notes_.begin(), notes_.end(),
                                   [&](const Note& each) { return each.packet == packet; });
    finding.evidence.push_back(
        {packet, sorted[at].time, role, note == notes_.end() ? std::string{} : note->text});
  }

  for (const Sighting& sighting : sorted) finding.frames.push_back(sighting.packet);
  std::sort(finding.frames.begin(), finding.frames.end());
  if (finding.frames.size() > most_kept) finding.frames.resize(most_kept);
  finding.first = sorted.front().time;
  finding.last = sorted.back().time;
  if (finding.display_filter.empty()) finding.display_filter = frame_filter(finding.frames);
}

}  // namespace wirefault
