// TCP segments for tests of the trackers, without bytes: what a view would have said of them.
#pragma once

#include <cstdint>
#include <string_view>

#include "dissectors/tcp/tracker.h"

namespace wirefault::test {

// "192.0.2.1", 40000
inline Endpoint endpoint(std::string_view address, std::uint16_t port) {
  return {IpAddress::parse(address).value(), port};
}

// What differs from one segment to the next.
struct Sent {
  std::uint8_t flags = tcp::ack;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint32_t length = 0;  // of the payload
  std::uint16_t window = 65535;
  std::uint8_t hop_limit = 64;
  tcp::Options options{};
  bool has_identification = true;
};

// A wire with a tracker at its end: numbers the packets and keeps the clock.
class TcpWire {
 public:
  explicit TcpWire(tcp::Tracker& tracker) : tracker_{tracker} {}

  static Timestamp at(double seconds) {
    return Timestamp{std::chrono::round<Duration>(std::chrono::duration<double>(1e9 + seconds))};
  }

  // `seconds` after the start of the test. The packet's number.
  std::uint64_t send(double seconds, const Endpoint& from, const Endpoint& to, const Sent& sent) {
    tcp::Segment segment;
    segment.source_port = from.port;
    segment.destination_port = to.port;
    segment.flags = sent.flags;
    segment.sequence = sent.sequence;
    segment.acknowledgment = sent.acknowledgment;
    segment.window = sent.window;
    segment.header_length = 20;
    segment.options = sent.options;
    segment.payload.length = sent.length;
    tcp::Carriage carriage;
    carriage.seen = {PacketRef{0, ++packets_}, at(seconds)};
    carriage.source = from;
    carriage.destination = to;
    carriage.hop_limit = sent.hop_limit;
    carriage.header_length = 20;
    carriage.total_length = 40 + sent.length;
    carriage.identification = static_cast<std::uint32_t>(packets_ % 65535 + 1);
    carriage.has_identification = sent.has_identification;
    carriage.dont_fragment = true;
    tracker_.expire(carriage.seen.time);
    tracker_.add(segment, carriage);
    return packets_;
  }

 private:
  tcp::Tracker& tracker_;
  std::uint64_t packets_ = 0;
};

// Two endpoints and a wire between them.
struct TcpPair {
  TcpWire& wire;
  Endpoint initiator = endpoint("192.0.2.1", 40000);
  Endpoint responder = endpoint("198.51.100.1", 80);

  std::uint64_t out(double seconds, const Sent& sent) {
    return wire.send(seconds, initiator, responder, sent);
  }
  std::uint64_t back(double seconds, const Sent& sent) {
    return wire.send(seconds, responder, initiator, sent);
  }
  // SYN, SYN-ACK and ACK, 10 ms apart. Both sides' first byte then has sequence number 1.
  void handshake(double seconds, const tcp::Options& options = {}) {
    out(seconds, {.flags = tcp::syn, .options = options});
    back(seconds + 0.01, {.flags = tcp::syn | tcp::ack, .acknowledgment = 1, .options = options});
    out(seconds + 0.02, {.sequence = 1, .acknowledgment = 1});
  }
};

}  // namespace wirefault::test
