// Latencies by logarithmic buckets: fixed size, integers, adds up in any order to the same value.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "capture/timestamp.h"

namespace wirefault {

class LatencyHistogram {
 public:
  void add(Duration latency, std::uint64_t weight = 1) {
    buckets_[bucket_of(latency)] += weight;
    count_ += weight;
    largest_ = std::max(largest_, latency);
  }

  std::uint64_t count() const { return count_; }

  // What was added after `before`, an earlier state of this one. How large the largest of it was is
  // known to its bucket only, unless it is the largest of all.
  LatencyHistogram since(const LatencyHistogram& before) const {
    LatencyHistogram later;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      later.buckets_[bucket] =
          buckets_[bucket] - std::min(buckets_[bucket], before.buckets_[bucket]);
      later.count_ += later.buckets_[bucket];
      if (later.buckets_[bucket] > 0) later.largest_ = std::min(middle_of(bucket), largest_);
    }
    if (largest_ > before.largest_) later.largest_ = largest_;
    return later;
  }

  // The middle of the bucket in which `percent` of the latencies are reached, within 13 % and never
  // above the largest, which is that of 100 percent; zero when there are none.
  Duration percentile(std::uint64_t percent) const {
    if (count_ == 0) return Duration::zero();
    const std::uint64_t rank = (count_ * percent + 99) / 100;
    if (rank >= count_) return largest_;
    std::uint64_t below = 0;
    for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
      below += buckets_[bucket];
      if (below >= rank && below > 0) return std::min(middle_of(bucket), largest_);
    }
    return largest_;
  }

 private:
  // Four buckets to a factor of two, of microseconds; the last holds 2^31 us and more.
  static constexpr std::size_t per_octave = 4;

  static std::size_t bucket_of(Duration latency) {
    const std::int64_t us = latency / std::chrono::microseconds{1};
    if (us < 4) return us < 0 ? 0 : static_cast<std::size_t>(us);
    const auto value = static_cast<std::uint64_t>(us);
    const auto octave = static_cast<std::size_t>(std::bit_width(value) - 1);
    const std::size_t quarter = (value >> (octave - 2)) & 3;
    return std::min((octave - 1) * per_octave + quarter, bucket_count - 1);
  }
  static Duration middle_of(std::size_t bucket) {
    if (bucket < per_octave) return std::chrono::microseconds{bucket};
    const std::size_t octave = bucket / per_octave + 1;
    const std::uint64_t width = std::uint64_t{1} << (octave - 2);
    const std::uint64_t low = (per_octave + bucket % per_octave) * width;
    return std::chrono::microseconds{low + width / 2};
  }

  static constexpr std::size_t bucket_count = 31 * per_octave;
  std::array<std::uint64_t, bucket_count> buckets_{};
  std::uint64_t count_ = 0;
  Duration largest_{};
};

}  // namespace wirefault
