#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/output.h"
#include "detectors/wording.h"

namespace wirefault::cli {

Progress::Progress(bool wanted)
    : wanted_{wanted && isatty(STDERR_FILENO) != 0}, next_{start_ + std::chrono::seconds{1}} {}

std::chrono::duration<double> Progress::elapsed() const {
  return Clock::now() - start_;
}

void Progress::update(std::uint64_t packets, const std::vector<SourceInfo>& sources) {
  constexpr std::uint64_t packets_between_looks = 8192;
  if (!wanted_ || packets < next_look_) return;
  next_look_ = packets + packets_between_looks;
  const auto now = Clock::now();
  if (now < next_) return;
  next_ = now + std::chrono::milliseconds{200};
  show(packets, sources);
}

void Progress::show(std::uint64_t packets, const std::vector<SourceInfo>& sources) {
  std::uint64_t position = 0;
  std::uint64_t size = 0;
  bool size_known = true;
  for (const SourceInfo& source : sources) {
    position += source.file_position;
    size += source.file_size;
    size_known = size_known && source.file_size != 0;
  }
  const std::string share =
      size_known && size != 0
          ? fmt::format("{}%  ", static_cast<int>(100.0 * static_cast<double>(position) /
                                                  static_cast<double>(size)))
          : "";
  const double rate = static_cast<double>(packets) / elapsed().count();
  write_stderr(fmt::format("\rwirefault: {}{} packets  {}/s\x1b[K", share, grouped(packets),
                           grouped(static_cast<std::uint64_t>(rate))));
  shown_ = true;
}

void Progress::clear() {
  if (shown_) write_stderr("\r\x1b[K");
  shown_ = false;
}

}  // namespace wirefault::cli
