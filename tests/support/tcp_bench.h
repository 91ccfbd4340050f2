// From segments to findings: a tracker and a judgement, without packets.
#pragma once

#include "detectors/judgement.h"
#include "tests/support/segments.h"

namespace wirefault::test {

class TcpBench {
 public:
  explicit TcpBench(const std::string& detector, std::size_t budget = std::size_t{16} << 20)
      : judgement_{settings_, JudgementOptions{std::size_t{64} << 20, {detector}}},
        tracker_{settings_, {budget, budget}, HashKey{1, 2}, judgement_} {}

  // `attempts` SYNs at distances of `gap` from sources of their own; of each, the addresses of
  // documentation's 198.18.0.0/15.
  void flood(double begin, int attempts, double gap, const Endpoint& target) {
    for (int i = 0; i < attempts; ++i) {
      const Endpoint source =
          endpoint("198." + std::to_string(18 + i / 65536) + "." + std::to_string(i / 256 % 256) +
                       "." + std::to_string(i % 256),
                   static_cast<std::uint16_t>(1024 + i % 60000));
      wire.send(begin + gap * i, source, target,
                {.flags = tcp::syn, .sequence = static_cast<std::uint32_t>(7 * i)});
    }
  }

  // What is said of what is not over, as `wirefault live` asks for it.
  std::vector<Finding> findings_so_far(double now) {
    tracker_.expire(TcpWire::at(now));
    judgement_.on_second({TcpWire::at(now), 1});
    CaptureSummary summary;
    summary.last = TcpWire::at(now);
    return judgement_.result({}, summary).findings;
  }

  std::vector<Finding> findings(double end) {
    tracker_.finish(TcpWire::at(end));
    CaptureSummary summary;
    summary.last = TcpWire::at(end);
    judgement_.on_capture_ended(summary);
    return judgement_.result({}).findings;
  }

 private:
  Settings settings_;
  Judgement judgement_;
  tcp::Tracker tracker_;

 public:
  TcpWire wire{tracker_};
};

}  // namespace wirefault::test
