// What a capture shows of its own quality: how much of each packet it kept, how its clock ran, when
// it fell silent, and whether a filter chose what is in it. Of the packets alone; the counters of a
// capture file are Source's, and what the conversations tell (acknowledgments of what was never
// seen, missing directions) is counted by their trackers.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <set>

#include "capture/packet.h"
#include "dissectors/address.h"

namespace wirefault {

struct CaptureQuality {
  std::uint64_t snap_cut = 0;         // packets of which only the start was kept
  std::uint64_t giants = 0;           // packets larger than any link carries, made by offload
  std::uint64_t later_fragments = 0;  // fragments other than first ones
  std::uint64_t clock_steps = 0;  // back by 100 ms or more, or ahead by an hour in steady traffic
  std::uint64_t silences = 0;     // of 5 s or more in the middle of steady traffic
  Duration longest_silence{};
  Timestamp silent_from{};  // of the longest
  // Of 3 s or more, each after a second and more of dense traffic: the capture may have stopped.
  std::uint64_t breaks = 0;
  Duration broken_off{};  // all of them
  Duration longest_break{};
  Timestamp last_break{};    // the last packet before the newest of them
  std::uint64_t pauses = 0;  // of an hour or more within a file, in whatever traffic
  Duration longest_pause{};
  PacketRef paused_until;        // of the longest: the packet that ended it
  bool has_coarse_times = true;  // no packet was stamped finer than a millisecond

  // The port that all TCP and UDP packets have in common; 0: none.
  std::uint16_t common_port = 0;
  bool has_many_ports = false;  // besides that one: not just a conversation or two
  // Conversations with DNS over TLS or QUIC, RFC 7858 and RFC 9250, by server.
  std::map<Endpoint, std::uint64_t> encrypted_dns;
};

class QualityGauge {
 public:
  // `time`: the packet's own, or what its clock should have told.
  void see(const Packet& packet, Timestamp time) {
    if (packet.bytes.size() < packet.original_length) ++quality_.snap_cut;
    if (packet.original_length > largest_frame) ++quality_.giants;
    if (packet.has_time) see_time(packet, time);
  }
  // Of every TCP segment and UDP datagram.
  void see_ports(const Endpoint& source, const Endpoint& destination) {
    if (!ports_settled_ && source.port != only_port_ && destination.port != only_port_) {
      narrow_ports(source.port, destination.port);
    }
    if (source.port == dns_over_tls_port || destination.port == dns_over_tls_port) {
      count_encrypted(source, destination);
    }
  }
  void see_later_fragment() { ++quality_.later_fragments; }

  // From one packet to the next, as far as it was a millisecond or more.
  Duration longest_step_back() const { return longest_step_back_; }
  // The steps so far turned out to lead from one clock to another; it was `time` at the last
  // packet.
  void forgive_steps(Timestamp time) {
    quality_.clock_steps = 0;
    last_ = time;
  }

  const CaptureQuality& quality() const { return quality_; }

 private:
  static constexpr std::uint16_t dns_over_tls_port = 853;
  // Jumbo frames of 9,216 octets, the most that switches take, with four VLAN tags and a tunnel.
  static constexpr std::uint32_t largest_frame = 9400;
  static constexpr std::int64_t step_ns = 100'000'000;
  static constexpr std::int64_t slip_ns = 1'000'000;
  // As long as detectors wait for what answers a SYN.
  static constexpr std::int64_t break_ns = 3'000'000'000;

  void see_time(const Packet& packet, Timestamp time) {
    const std::int64_t ahead = (time - last_).count();
    if (ahead >= break_ns) note_silence(packet, time);
    if (ahead <= -slip_ns && last_ != Timestamp{}) note_step_back(-ahead);
    if (quality_.has_coarse_times && time.time_since_epoch().count() % 1'000'000 != 0) {
      quality_.has_coarse_times = false;
    }
    last_ = time;
    ++since_silence_;
  }
  void note_step_back(std::int64_t by) {
    if (by >= step_ns) ++quality_.clock_steps;
    longest_step_back_ = std::max(longest_step_back_, Duration{by});
  }
  void note_silence(const Packet& packet, Timestamp time);
  void narrow_ports(std::uint16_t source, std::uint16_t destination);
  void count_encrypted(const Endpoint& source, const Endpoint& destination);

  CaptureQuality quality_;
  Timestamp last_{};
  Timestamp steady_from_{};
  Duration longest_step_back_{};
  std::uint64_t since_silence_ = 0;
  // What is left of the two ports of the first packet.
  std::array<std::uint16_t, 2> candidates_{};
  std::array<std::uint16_t, 4> others_{};  // distinct ports, as long as there are so few
  bool ports_seen_ = false;
  bool ports_settled_ = false;
  // The last candidate once there are many others: packets that have it tell nothing new.
  std::uint32_t only_port_ = 0x10000;
  std::set<std::uint64_t> encrypted_flows_;  // hashes
};

}  // namespace wirefault
