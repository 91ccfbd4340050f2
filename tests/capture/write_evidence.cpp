// Keeps made-up packets in evidence files, for tests that take the disk away from under it:
//   write_evidence FILE PACKETS [-C BYTES] [-G SECONDS] [-W FILES] [--force]
// A millisecond lies between two packets. Prints how many packets are kept, and why no more.
#include <fmt/format.h>

#include <charconv>
#include <csignal>
#include <string>
#include <string_view>

#include "capture/error.h"
#include "capture/evidence_files.h"

namespace {

using namespace wirefault;

template <typename Number>
Number number(std::string_view text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

int write_evidence(const EvidenceOptions& options, std::int64_t packets) {
  constexpr Timestamp start{Duration{1'700'000'000'000'000'000}};
  constexpr Duration interval = std::chrono::milliseconds{1};
  InterfaceInfo interface;
  interface.name = "eth0";
  interface.snap_length = 262144;
  interface.received = 0;
  OpenerProcess opener{{names_of(options)}};
  EvidenceFiles evidence{options, opener.folder(0), {interface}, start};
  const std::string bytes(1400, '\0');
  Packet packet;
  packet.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  packet.original_length = static_cast<std::uint32_t>(bytes.size());
  for (std::int64_t i = 0; i < packets && !evidence.is_complete(); ++i) {
    packet.time = start + i * interval;
    evidence.add(packet);
    evidence.flush_if_due(i * interval);
    ++*interface.received;
    evidence.note({interface});
  }
  evidence.close();
  fmt::print("{}\n{}\n", evidence.packets(), evidence.failure().value_or(""));
  return evidence.failure() ? static_cast<int>(ExitStatus::output_not_written) : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);
  EvidenceOptions options;
  options.file = argv[1];
  for (int i = 3; i < argc; ++i) {
    const std::string_view option = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    if (option == "-C") options.rotate_bytes = number<std::uint64_t>(value);
    if (option == "-G") options.rotate_interval = std::chrono::seconds{number<int>(value)};
    if (option == "-W") options.most_files = number<std::uint32_t>(value);
    if (option == "--force") options.force = true;
  }
  try {
    return write_evidence(options, number<std::int64_t>(argv[2]));
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n{}\n", error.what(), error.advice());
    return static_cast<int>(error.status());
  }
}
