// Rates over time, in one line of a report.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/wording.h"

namespace wirefault {

// How often something happened, over time, in at most sixteen steps: the longer it lasts, the wider
// they are.
class Curve {
 public:
  // Seconds before the first added are left out.
  void add(std::int64_t second, std::uint64_t times) {
    if (steps_.empty()) begin_ = second;
    if (second < begin_) return;
    std::size_t at = static_cast<std::size_t>((second - begin_) / width_);
    while (at >= most_steps) {
      widen();
      at = static_cast<std::size_t>((second - begin_) / width_);
    }
    if (steps_.size() <= at) steps_.resize(at + 1);
    steps_[at] += times;
  }

  // "new SYNs in each second: 3 980 1,002"
  std::string to_string(std::string_view what) const {
    // At the end nothing may have come any more.
    std::size_t last = steps_.size();
    while (last > 0 && steps_[last - 1] == 0) --last;
    std::string text;
    for (const std::uint64_t times : std::span{steps_}.first(last)) {
      text += fmt::format("{}{}", text.empty() ? "" : " ", grouped(times));
    }
    return width_ == 1 ? fmt::format("{} in each second: {}", what, text)
                       : fmt::format("{} in steps of {} s: {}", what, width_, text);
  }

 private:
  static constexpr std::size_t most_steps = 16;

  void widen() {
    for (std::size_t i = 0; i < steps_.size(); i += 2) {
      steps_[i / 2] = steps_[i] + (i + 1 < steps_.size() ? steps_[i + 1] : 0);
    }
    steps_.resize((steps_.size() + 1) / 2);
    width_ *= 2;
  }

  std::vector<std::uint64_t> steps_;
  std::int64_t begin_ = 0;
  std::int64_t width_ = 1;  // seconds
};

}  // namespace wirefault
