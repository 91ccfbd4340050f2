#include "tests/support/samples.h"

#include <algorithm>

namespace wirefault::tests {

namespace {
const std::filesystem::path directory = std::filesystem::path{WIREFAULT_SOURCE_DIR} / "samples";
}

std::vector<std::filesystem::path> sample_captures() {
  std::vector<std::filesystem::path> captures;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
    const auto extension = entry.path().extension();
    if (extension == ".pcap" || extension == ".pcapng") captures.push_back(entry.path());
  }
  std::sort(captures.begin(), captures.end());
  return captures;
}

std::string sample_name(const std::filesystem::path& capture) {
  return std::filesystem::relative(capture, directory).replace_extension();
}

}  // namespace wirefault::tests
