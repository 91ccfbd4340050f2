// The packets that a claim rests on, as a detector gathers them: all counted, the first thousand
// kept, and of those a few shown with their role.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "detectors/finding.h"
#include "dissectors/sighting.h"

namespace wirefault {

class Evidence {
 public:
  static constexpr std::size_t most_kept = 1000;
  static constexpr std::size_t most_shown = 8;

  void add(const Sighting& sighting);
  template <std::size_t N>
  void add(const Sightings<N>& sightings) {
    for (const Sighting& sighting : sightings.kept()) add(sighting);
    dropped_ += sightings.count() - sightings.kept().size();
  }
  // All of another's, but for what was to be shown.
  void add(const Evidence& other);
  // Marks a packet to be shown, as far as there is room, with what it shows; it must have been
  // added.
  void show(const Sighting& sighting, std::string note);
  // Marks the packet to show as the worst; it must have been added. The last call wins.
  void set_worst(const Sighting& sighting) { worst_ = sighting; }

  std::uint64_t count() const { return kept_.size() + dropped_; }
  bool empty() const { return kept_.empty(); }
  Timestamp first_time() const { return kept_.front().time; }  // not when empty
  Timestamp last_time() const { return last_.time; }

  // Fills frames, frames_total, evidence, first and last, and a display filter that names the
  // frames where the detector has set none that says it better.
  void fill(Finding& finding) const;

 private:
  struct Note {
    PacketRef packet;
    std::string text;
  };

  std::vector<Sighting> kept_;
  std::vector<Note> notes_;
  std::uint64_t dropped_ = 0;  // counted, not kept
  Sighting last_;
  Sighting worst_;
};

}  // namespace wirefault
