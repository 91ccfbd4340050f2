// A capture that holds one direction only proves nothing about the other: a mirror port that was
// set up by half must not make failures out of healthy traffic.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/support/analysis.h"
#include "tests/support/catch.h"

namespace wirefault::test {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& file) {
  std::ifstream stream{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{stream}, {}};
}

// Whether the packet goes from the lower address of its pair to the higher. Other than IP: either.
enum class Direction { up, down, both };
Direction direction_of(std::string_view frame) {
  constexpr std::size_t ethernet = 14;
  if (frame.size() < ethernet + 40) return Direction::both;
  const bool is_v4 = frame.substr(12, 2) == std::string_view{"\x08\x00", 2};
  const bool is_v6 = frame.substr(12, 2) == std::string_view{"\x86\xdd", 2};
  if (!is_v4 && !is_v6) return Direction::both;
  const std::size_t length = is_v4 ? 4 : 16;
  const std::size_t source = ethernet + (is_v4 ? 12 : 8);
  return std::memcmp(&frame[source], &frame[source + length], length) < 0 ? Direction::up
                                                                          : Direction::down;
}

// The packets of a classic capture file that go one way.
std::string half_of(const std::string& file, Direction wanted) {
  constexpr std::size_t file_header = 24;
  constexpr std::size_t record_header = 16;
  std::string half = file.substr(0, file_header);
  for (std::size_t at = file_header; at + record_header <= file.size();) {
    std::uint32_t kept = 0;
    std::memcpy(&kept, &file[at + 8], sizeof kept);
    const std::string_view record = std::string_view{file}.substr(at, record_header + kept);
    const Direction direction = direction_of(record.substr(record_header));
    if (direction == wanted || direction == Direction::both) half += record;
    at += record_header + kept;
  }
  return half;
}

// The detectors that say users fail.
std::set<std::string> alarms_of(const fs::path& file) {
  std::set<std::string> alarms;
  for (const Finding& finding : analyze({file.string()}).findings) {
    if (finding.severity >= Severity::error) alarms.insert(std::string{finding.detector});
  }
  return alarms;
}

// Here somebody waited in vain and tried again, with the same id or port: half of it says so, and
// is right.
const std::set<std::string> really_waited{
    "dns-unanswered/quiet-late-repeat",          "dns-fragmented-response-loss/fires",
    "dns-fragmented-response-loss/fires-server", "dns-fragmented-response-loss/fires-unanswered",
    "dns-fragmented-response-loss/quiet-small",  "dns-servfail/quiet-recovers",
    "icmp-admin-prohibited/fires-host",          "dns-unanswered/quiet-other-question",
    "tcp-syn-timeout/fires-listed-address",
};

std::string name_of(const fs::path& file) {
  return (file.parent_path().filename() / file.stem()).string();
}

TEST_CASE("half of a capture raises no alarm that the whole does not", "[whole][samples]") {
  const fs::path half_file = fs::temp_directory_path() / "wirefault-one-sided.pcap";
  std::size_t captures = 0;
  for (const auto& entry : fs::recursive_directory_iterator{in_source("samples")}) {
    const fs::path& file = entry.path();
    if (file.extension() != ".pcap" || really_waited.contains(name_of(file))) continue;
    ++captures;
    const std::set<std::string> whole = alarms_of(file);
    for (const Direction direction : {Direction::up, Direction::down}) {
      std::ofstream{half_file, std::ios::binary} << half_of(content_of(file), direction);
      for (const std::string& alarm : alarms_of(half_file)) {
        INFO(file.string() << (direction == Direction::up ? ", up: " : ", down: ") << alarm);
        CHECK(whole.contains(alarm));
      }
    }
  }
  fs::remove(half_file);
  CHECK(captures > 50);
}

}  // namespace
}  // namespace wirefault::test
