// Joins ICMP errors to what they quote, and watches what senders do who were told that their
// packets are too large (RFC 1191, RFC 8201).
//
// An error quotes the start of the datagram that it is about: addresses, ports, a sequence number
// or a DNS id. Whoever keeps that conversation is told; for conversations that nobody keeps, a
// small cache remembers the datagrams of late. What cannot be found anywhere is counted and not
// believed: errors about packets that were never sent here come from captures that began late, from
// others' floods with our address, and from forgers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "dissectors/dns/tracker.h"
#include "dissectors/facts.h"
#include "dissectors/icmp/message.h"
#include "dissectors/ip/reassembly.h"
#include "dissectors/tcp/tracker.h"

namespace wirefault::icmp {

// Who keeps the conversations that errors are about. All outlive the tracker.
struct Keepers {
  dns::Tracker& dns;
  tcp::Tracker& tcp;
  ip::Reassembly& reassembly;
};

class Tracker {
 public:
  // Facts go to `listener`, which must outlive the tracker.
  Tracker(const Keepers& keepers, FactListener& listener)
      : keepers_{keepers}, listener_{listener}, recent_(recent_count) {}

  // An error, and the datagram that brought it. A flaw when its quote cannot be read.
  Flaw add(const Message& message, const ip::Datagram& datagram, const Sighting& seen,
           std::uint64_t tunnel);

  // A datagram whose conversation no other tracker keeps: neither TCP nor DNS.
  void remember(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel);

  // An echo reply, which remember() is to be told of as well.
  void note_reply(const ip::Datagram& reply, const Sighting& seen, std::uint64_t tunnel);

  // Every datagram and fragment: one of a sender who is watched?
  void watch(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel) {
    if (!watched_.empty() && datagram.total_length >= smallest_of_interest) {
      note_size(datagram, seen, tunnel);
    }
  }

  void expire(Timestamp now) {
    if (!watched_.empty()) expire_due(now);
  }
  void finish(Timestamp end);

  std::uint64_t errors() const { return errors_; }
  std::uint64_t unmatched() const { return unmatched_; }
  const std::array<std::uint64_t, error_kind_count>& kinds() const { return kinds_; }

 private:
  static constexpr std::size_t recent_count = 8192;
  static constexpr std::size_t max_watched = 64;
  // No reported size of interest is smaller: Linux heeds none below 552.
  static constexpr std::uint32_t smallest_of_interest = 400;

  struct Flow {
    IpAddress source;
    IpAddress destination;
    std::uint64_t tunnel = 0;
    std::uint16_t source_port = 0;  // of ICMP echo: the identifier
    std::uint16_t destination_port = 0;
    std::uint8_t protocol = 0;
    bool has_ports = false;

    static Flow of(const ip::Datagram& datagram, std::uint64_t tunnel);
    std::uint64_t hash() const;
    Flow reversed() const;
  };
  struct Recent {
    std::uint64_t hash = 0;
    Timestamp first{};
    Sighting last;
    Timestamp answer_told{};  // of echo requests: when a reply was last told of
  };

  bool join(Error& error, const Quote& quote);
  bool join_dns(Error& error, const Quote& quote);
  bool join_tcp(Error& error, const Quote& quote);
  bool join_recent(Error& error, const Flow& flow);
  Recent* find(std::uint64_t hash);
  void start_watch(const Error& error);
  void note_size(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel);
  void expire_due(Timestamp now);
  void settle(PathMtu& path, Timestamp when);

  Keepers keepers_;
  FactListener& listener_;
  std::vector<Recent> recent_;    // by hash; the newer wins
  std::vector<PathMtu> watched_;  // few, in order of their first message
  std::uint64_t errors_ = 0;
  std::uint64_t unmatched_ = 0;
  std::array<std::uint64_t, error_kind_count> kinds_{};
};

}  // namespace wirefault::icmp
