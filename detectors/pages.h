// The pages that `wirefault explain` prints, one per detector, built into the binary from
// detectors/<layer>/<id>.md.
#pragma once

#include <span>
#include <string_view>

namespace wirefault {

struct DetectorPage {
  std::string_view detector;  // its id
  std::string_view text;      // Markdown, as it stands in the file
};

// In the order of their file names. Lives as long as the program.
std::span<const DetectorPage> detector_pages();

}  // namespace wirefault
