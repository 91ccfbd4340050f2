// A line on a terminal that says how far an analysis is. The one place that looks at the wall
// clock: what is shown here is in no report.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "capture/source.h"

namespace wirefault::cli {

class Progress {
 public:
  // Shows nothing unless standard error is a terminal, and nothing in the first second.
  explicit Progress(bool wanted);
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap enough for every batch.
  void update(std::uint64_t packets, const std::vector<SourceInfo>& sources);
  void clear();

  std::chrono::duration<double> elapsed() const;

 private:
  using Clock = std::chrono::steady_clock;

  void show(std::uint64_t packets, const std::vector<SourceInfo>& sources);

  bool wanted_;
  bool shown_ = false;
  std::uint64_t next_look_ = 0;  // packets
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_;
};

}  // namespace wirefault::cli
