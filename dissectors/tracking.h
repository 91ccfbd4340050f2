// From packets to facts: every packet of a capture goes in, what its conversations amount to comes
// out. Holds the packet clock and all trackers, and nothing that concerns more than one address
// pair.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "capture/packet.h"
#include "dissectors/clock.h"
#include "dissectors/conversation.h"
#include "dissectors/dns/streams.h"
#include "dissectors/dns/tracker.h"
#include "dissectors/duplicates.h"
#include "dissectors/facts.h"
#include "dissectors/hash.h"
#include "dissectors/icmp/tracker.h"
#include "dissectors/ip/datagram.h"
#include "dissectors/ip/reassembly.h"
#include "dissectors/link/frame.h"
#include "dissectors/own_addresses.h"
#include "dissectors/quality.h"
#include "dissectors/settings.h"
#include "dissectors/tcp/tracker.h"

namespace wirefault {

struct TrackingOptions {
  // Of the whole process, in bytes. The tables take their shares of it; see tracking.cpp.
  std::size_t memory = std::size_t{256} << 20;
  HashKey hash_key;  // random in use; what it is shows in no report
};

class Tracking {
 public:
  // Facts go to `listener`, which must outlive this.
  Tracking(Settings& settings, const TrackingOptions& options, FactListener& listener);

  void add(std::span<const Packet> packets);
  // Nothing comes, and it is `now` all the same: deadlines up to then are due. Of a live capture
  // only; `now` must be no later than what any packet still to come is stamped with.
  void pass(Timestamp now);
  // What has been seen so far.
  CaptureSummary summary() const;
  // Connections, half-open ones among them, and DNS transactions that are tracked now.
  std::uint64_t resident() const;
  // The capture has ended: what is still open is settled as such.
  void finish();

  // Whether every table still holds what its counters say.
  bool tables_balance() const;

 private:
  // A packet read before its turn, so that what the trackers will look up for it is fetched while
  // others are dealt with: with tables as large as these, every look is a cache miss. What a tunnel
  // or a fragment carries is read in its turn.
  struct Ahead {
    explicit Ahead(const Packet& packet);

    Parsed<link::Frame> frame;
    Parsed<ip::Datagram> datagram;             // where the frame carries one
    std::optional<Conversation> conversation;  // where it has one that is tracked
    std::uint64_t hash = 0;                    // of the conversation
    std::uint16_t dns_id = 0;
    bool is_dns = false;
  };
  // Packets that a memory access has time for before its turn comes; the first half fetches where
  // in a table to look, the second what is there.
  static constexpr std::size_t look_ahead = 16;
  using Window = std::array<std::optional<Ahead>, look_ahead>;

  void read_ahead(const Packet& packet, std::optional<Ahead>& place);
  void prefetch_entries(const Ahead& ahead) const;
  void add(const Packet& packet, const Ahead& ahead);
  void note_source(const Sighting& seen);
  Timestamp true_time(const Packet& packet) const;
  void meet(const Sighting& seen);
  void tell_time(Timestamp time);
  void put_aside(const Sighting& seen, const CapturePlace& place);
  void restart(Timestamp before, Timestamp now);
  void settle_open(Timestamp end);
  void advance(Timestamp to);
  void expire(Timestamp to);
  void pass_seconds(Timestamp to);
  void add_frame(const link::Frame& frame, const Sighting& seen, CapturePlace place);
  void add_arp(const Payload& payload, const Sighting& seen, std::uint64_t tunnel);
  void add_datagram(const ip::Datagram& datagram, const Sighting& seen, const CapturePlace& place,
                    const Ahead* ahead = nullptr);
  void add_fragment(const ip::Datagram& fragment, const Sighting& seen, const CapturePlace& place);
  void note_dns_fragment(const ip::Datagram& fragment, const Sighting& seen, std::uint64_t tunnel);
  bool add_carried(const ip::Datagram& datagram, const Sighting& seen, const CapturePlace& place);
  void add_transport(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel,
                     const Ahead* ahead = nullptr);
  void add_icmp(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel);
  void add_udp(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel,
               const Ahead* ahead);
  void count_dns(const dns::Message& message);
  void add_tcp(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel,
               const Ahead* ahead);
  void note_tunnel(const tunnel::Context& context, std::uint64_t id, const ip::Datagram& outer);
  void name_the_rest(CaptureSummary& summary) const;
  void note_flaw(Flaw flaw) { ++summary_.flaws[static_cast<std::size_t>(flaw)]; }

  const HashKey key_;
  FactListener& listener_;
  Window window_;
  Clock clock_;
  Timestamp next_second_ = Timestamp::max();
  std::optional<Timestamp> latest_;      // that the clock has told before it started anew
  std::optional<std::uint16_t> source_;  // of the packet before
  PacketRef met_;                        // whose time the clock was told last
  QualityGauge quality_;
  OwnAddresses own_addresses_;
  Duplicates duplicates_;
  ip::Reassembly reassembly_;
  dns::Tracker dns_;
  dns::Streams dns_streams_;
  tcp::Tracker tcp_;
  icmp::Tracker icmp_{{dns_, tcp_, reassembly_}, listener_};

  // What is only counted, named at the end: names cost more than the counting.
  std::map<std::pair<link::Network, std::uint16_t>, std::uint64_t> networks_;
  std::array<std::uint64_t, 256> protocols_{};
  std::array<std::uint64_t, 4> closed_tunnels_{};
  CaptureSummary summary_;
};

}  // namespace wirefault
