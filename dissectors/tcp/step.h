// One segment in the hands of Transfer, with what is asked of it again and again.
#pragma once

#include "dissectors/tcp/transfer.h"

namespace wirefault::tcp {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Linux's least retransmission timer; RFC 6298, section 2.4 wants a second.
constexpr Duration least_timeout = milliseconds{200};

struct Transfer::Step {
  Connection& connection;
  Side& sender;
  Side& peer;
  const Segment& segment;
  const Carriage& carriage;

  Timestamp now() const { return carriage.seen.time; }
  bool from_low() const { return &sender == &connection.low; }

  // What a full segment of `side` measures as an IP datagram.
  std::uint32_t full_size(const Side& side) const {
    return std::uint32_t{side.mss} + (carriage.source.address.is_v6() ? 60u : 40u) +
           (connection.has_timestamps ? 12u : 0u);
  }
  // How many segments `payload` bytes make on the wire, offload undone.
  std::uint32_t segments(std::uint32_t payload) const {
    const std::uint32_t mss = sender.mss != 0 ? sender.mss : 1460;
    return payload <= mss ? 1 : (payload + mss - 1) / mss;
  }
  // The IP length on the wire, offload undone.
  std::uint16_t ip_length() const {
    std::uint32_t length = carriage.total_length;
    if (sender.mss != 0 && segment.payload.length > sender.mss) {
      length -= segment.payload.length - sender.mss;
    }
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(length, 0xffff));
  }
  // The least round trip over both legs; zero: unknown.
  Duration round_trip() const {
    return microseconds{std::uint64_t{connection.low.min_rtt_us} + connection.high.min_rtt_us};
  }
  Duration smoothed_round_trip() const {
    return microseconds{std::uint64_t{connection.low.rtt_us} + connection.high.rtt_us};
  }
};

}  // namespace wirefault::tcp
