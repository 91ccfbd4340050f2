// What happens per second, from totals that only ever grow.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "detectors/result.h"

namespace wirefault {

// Of the capture since it began, in packets. Each drop is told by the layer that saw it; those of
// a switch, a mirror port or the network card before its driver nobody sees.
struct CaptureTotals {
  std::uint64_t received = 0;  // passed the filter in the kernel: analysed or dropped_by_ring
  std::uint64_t analysed = 0;
  std::uint64_t dropped_by_ring = 0;       // the kernel had no room in our ring
  std::uint64_t dropped_by_interface = 0;  // the driver's counters, whoever else listens

  std::uint64_t dropped() const { return dropped_by_ring + dropped_by_interface; }
};

struct Share {
  std::uint64_t part = 0;
  std::uint64_t whole = 0;  // 0: there was nothing to judge
};

struct Rates {
  // Per second, in the last one.
  std::uint64_t packets = 0;
  std::uint64_t bits = 0;
  std::uint64_t dns_queries = 0;
  std::uint64_t tcp_connections = 0;

  // In the last ten seconds, by when it was settled: that an answer is missing shows late.
  Share dns_unanswered;     // or rejected; of the questions
  Share dns_servfail;       // of the responses
  Share tcp_failed;         // refused or never opened; of the attempts
  Share tcp_reset;          // of the connections that ended
  Share tcp_retransmitted;  // of the segments with data
  Duration dns_p50{};       // of the answers; zero: there were none
  Duration dns_p95{};
  Duration tcp_p50{};  // of the round trips of handshakes; zero: there were none

  // Failures in the last minute, oldest first, `bin` each; the last is not over yet.
  std::vector<Share> dns_history{};
  std::vector<Share> tcp_history{};
  static constexpr Duration bin = std::chrono::seconds{5};
  static constexpr std::size_t most_bins = 12;
};

class RateMeter {
 public:
  // Once a second or less often; `up` never goes back.
  void take(const Counts& counts, Duration up);
  Rates rates() const;

 private:
  struct Reading {
    Duration up{};
    Counts counts{};
  };
  static constexpr Duration share_span = std::chrono::seconds{10};

  void note_history(const Counts& before, const Counts& now, Duration up);

  std::deque<Reading> readings_;  // oldest first; the first is `share_span` old, or the first ever
  std::int64_t bin_ = 0;          // that the last element of the histories stands for
  std::vector<Share> dns_history_;
  std::vector<Share> tcp_history_;
};

}  // namespace wirefault
