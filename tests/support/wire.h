// Frames of documentation addresses for tests of everything behind the link layer, and a wire that
// carries them to the trackers.
#pragma once

#include <string_view>
#include <vector>

#include "dissectors/ip/datagram.h"
#include "dissectors/tracking.h"
#include "tests/support/octets.h"

namespace wirefault::test {

inline Octets be(std::uint64_t value, std::size_t bytes) {
  Octets octets;
  for (std::size_t i = 1; i <= bytes; ++i) {
    octets.push_back(static_cast<std::uint8_t>(value >> (8 * (bytes - i)) & 0xff));
  }
  return octets;
}

// Bytes that differ from one another, so that misplaced ones show.
inline Octets pattern(std::size_t count, std::size_t from = 0) {
  Octets octets(count);
  for (std::size_t i = 0; i < count; ++i)
    octets[i] = static_cast<std::uint8_t>((from + i) * 7 % 251);
  return octets;
}

inline Octets slice(const Octets& octets, std::size_t from, std::size_t count) {
  const auto begin = octets.begin() + static_cast<std::ptrdiff_t>(std::min(from, octets.size()));
  const auto end =
      octets.begin() + static_cast<std::ptrdiff_t>(std::min(from + count, octets.size()));
  return {begin, end};
}

// What an IP header says besides its payload.
struct Header {
  std::string_view source = "192.0.2.1";
  std::string_view destination = "198.51.100.1";
  std::uint8_t protocol = ip::protocol::udp;
  std::uint32_t identification = 0;  // IPv6: present only in fragments
  std::uint32_t offset = 0;          // of a fragment, in bytes
  bool more = false;
  bool dont_fragment = false;
  std::uint8_t ttl = 64;
};

inline Octets ip_datagram(const Header& header, const Octets& payload) {
  const IpAddress source = *IpAddress::parse(header.source);
  const IpAddress destination = *IpAddress::parse(header.destination);
  const Octets from{source.bytes().begin(), source.bytes().end()};
  const Octets to{destination.bytes().begin(), destination.bytes().end()};
  if (!source.is_v6()) {
    const std::uint32_t fragment =
        header.offset / 8 | (header.more ? 0x2000u : 0) | (header.dont_fragment ? 0x4000u : 0);
    return hex("4500") + be(20 + payload.size(), 2) + be(header.identification, 2) +
           be(fragment, 2) + be(header.ttl, 1) + be(header.protocol, 1) + hex("0000") + from + to +
           payload;
  }
  const bool is_fragment = header.more || header.offset != 0;
  Octets extension;
  if (is_fragment) {
    extension = be(header.protocol, 1) + hex("00") + be(header.offset | (header.more ? 1u : 0), 2) +
                be(header.identification, 4);
  }
  return hex("60000000") + be(extension.size() + payload.size(), 2) +
         be(is_fragment ? ip::protocol::fragment : header.protocol, 1) + be(header.ttl, 1) + from +
         to + extension + payload;
}

inline Octets ethernet(const Octets& datagram) {
  const bool is_v6 = datagram[0] >> 4 == 6;
  return hex("02005e005302 02005e005301") + hex(is_v6 ? "86dd" : "0800") + datagram;
}

inline Octets udp(std::uint16_t source, std::uint16_t destination, const Octets& payload) {
  return be(source, 2) + be(destination, 2) + be(8 + payload.size(), 2) + hex("0000") + payload;
}

// An ICMP error quoting the start of `datagram`. `rest` is its second word.
inline Octets icmp_error(std::uint8_t type, std::uint8_t code, const Octets& datagram,
                         std::uint32_t rest = 0, std::size_t quoted = 68) {
  return be(type, 1) + be(code, 1) + hex("0000") + be(rest, 4) + slice(datagram, 0, quoted);
}

class Wire {
 public:
  explicit Wire(FactListener& listener, std::size_t memory = std::size_t{64} << 20)
      : tracking_{settings_, {memory, {1, 2}}, listener} {}

  static Timestamp at(double seconds) {
    return Timestamp{std::chrono::round<Duration>(std::chrono::duration<double>(1e9 + seconds))};
  }

  // `seconds` after the start of the test. The frame's number.
  std::uint64_t send(double seconds, const Octets& frame, std::uint16_t interface = 0,
                     std::size_t captured = 65536) {
    const Octets kept = slice(frame, 0, captured);
    Packet made = packet(kept, LinkType::ethernet, static_cast<std::uint32_t>(frame.size()));
    made.ref = PacketRef{0, ++frames_};
    made.time = at(seconds);
    made.interface = interface;
    tracking_.add({&made, 1});
    last_ = seconds;
    return frames_;
  }
  // Some stranger's packet, so much later than the last one.
  void wait(double seconds) {
    send(last_ + seconds,
         ethernet(ip_datagram({.source = "203.0.113.1", .destination = "203.0.113.2"},
                              udp(7, 8, pattern(4)))));
  }
  // Nothing at all comes until then.
  void pass(double seconds) { tracking_.pass(at(seconds)); }
  CaptureSummary summary() const { return tracking_.summary(); }
  void finish() { tracking_.finish(); }

 private:
  Settings settings_;
  Tracking tracking_;
  std::uint64_t frames_ = 0;
  double last_ = 0;
};

}  // namespace wirefault::test
