// Everything the trackers can say, in one interface. This is the waist of the house: packets end
// here, judgement begins here. Facts arrive in the order of the packets that settled them; what a
// deadline settled arrives before the first packet past that deadline.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "dissectors/clock_offsets.h"
#include "dissectors/dns/addresses.h"
#include "dissectors/dns/facts.h"
#include "dissectors/duplicates.h"
#include "dissectors/icmp/facts.h"
#include "dissectors/ip/facts.h"
#include "dissectors/link/facts.h"
#include "dissectors/parsed.h"
#include "dissectors/quality.h"
#include "dissectors/tcp/facts.h"
#include "dissectors/tcp/transfer_facts.h"
#include "dissectors/tunnel/tunnel.h"

namespace wirefault {

// One second of packet time has passed. Long silences are skipped: `seconds` tells how many passed.
struct SecondPassed {
  Timestamp now{};  // the packet clock, a whole second
  std::uint64_t seconds = 1;
  Timestamp last_break{};  // when dense traffic last ceased for 3 s or more; CaptureQuality
};

// What only the whole capture can tell, sent once at its end: plain counts of what was seen, and
// what bears on how far the capture can be trusted.
struct CaptureSummary {
  std::uint64_t packets = 0;  // every frame, duplicates included
  std::uint64_t bytes = 0;    // their original lengths
  Timestamp first{};          // of the packets with a time
  Timestamp last{};           // the packet clock at the end

  std::uint64_t dns_queries = 0;  // messages
  std::uint64_t dns_responses = 0;
  std::map<std::uint16_t, std::uint64_t> dns_rcodes;  // of the responses

  std::uint64_t tcp_connections = 0;  // seen at all, lone SYNs included
  std::uint64_t tcp_opened = 0;       // handshake completed in this capture
  std::uint64_t tcp_refused = 0;
  std::uint64_t tcp_refused_unseen = 0;  // RSTs that answer a SYN which is not in the capture
  std::uint64_t tcp_half_open = 0;       // a SYN, but never a completed handshake nor a refusal
  std::uint64_t tcp_joined_midway = 0;
  bool tcp_only_syns = true;            // not one segment without SYN
  std::uint64_t tcp_data_segments = 0;  // as on the wire: offload undone; repetitions included
  std::uint64_t tcp_repeats = 0;        // packets that repeat data, SYN or FIN
  std::uint64_t tcp_data_repeats = 0;   // segments as on the wire that repeat data
  std::uint64_t tcp_out_of_order = 0;
  std::uint64_t tcp_one_sided = 0;        // connections of which one direction is missing
  std::uint64_t tcp_acks = 0;             // that acknowledge something new
  std::uint64_t tcp_acked_unseen = 0;     // of those: something that this capture lacks
  std::uint64_t tcp_acked_bytes = 0;      // where data of that direction was seen
  std::uint64_t tcp_unseen_bytes = 0;     // of those: never seen
  std::uint64_t tcp_late_in_capture = 0;  // data recorded behind its own acknowledgment

  std::array<std::uint64_t, flaw_count> flaws{};       // by Flaw: cut_short is our capture's doing
  std::map<std::string, std::uint64_t> not_dissected;  // by the name of the protocol
  // Of those: captured on a link of a type that is not known, by the type.
  std::map<std::uint16_t, std::uint64_t> unknown_links;
  std::uint64_t icmp_packets = 0;
  std::uint64_t icmp_errors = 0;
  std::array<std::uint64_t, icmp::error_kind_count> icmp_kinds{};  // of the errors
  std::uint64_t icmp_unmatched = 0;  // errors about nothing that was seen
  std::uint64_t arp_packets = 0;
  std::uint64_t fragmented_datagrams = 0;
  std::uint64_t incomplete_datagrams = 0;                   // never whole in this capture
  std::array<std::uint64_t, copy_kind_count> duplicates{};  // by CopyKind; tracked only once
  // Of frames that are not cooked: what stood between their header and IP.
  std::uint8_t most_vlan_tags = 0;
  std::uint8_t shims = 0;                         // any of link::shim
  std::map<std::uint64_t, tunnel::Seen> tunnels;  // by id; as many as are kept
  CaptureQuality quality;
  std::vector<ClockOffset> clock_offsets;  // between interfaces or files
  std::vector<IpAddress> own_addresses;    // of the machine that captured, as far as known
  std::uint64_t evicted = 0;               // from any table
};

class FactListener {
 public:
  virtual ~FactListener() = default;

  virtual void on_dns_transaction(const dns::Transaction&) {}
  virtual void on_dns_stray_response(const dns::StrayResponse&) {}
  virtual void on_dns_addresses(const dns::AddressSet&) {}  // two and more, of a good response

  virtual void on_tcp_handshake(const tcp::Handshake&) {}
  // Looks failed, and is not settled: it may still open. Told again when the SYN is repeated again;
  // on_tcp_handshake() follows in any case.
  virtual void on_tcp_overdue(const tcp::Handshake&) {}
  virtual void on_tcp_opened(const tcp::Opened&) {}
  virtual void on_tcp_service_second(const tcp::ServiceSecond&) {}
  virtual void on_tcp_crowd(const tcp::Crowd&) {}
  virtual void on_tcp_source_second(const tcp::SourceSecond&) {}
  virtual void on_ip_fragmented_datagram(const ip::FragmentedDatagram&) {}
  virtual void on_icmp_error(const icmp::Error&) {}
  virtual void on_icmp_stray_error(const icmp::StrayError&) {}
  virtual void on_icmp_echo_answered(const icmp::EchoAnswered&) {}
  virtual void on_arp(const link::ArpSeen&) {}
  virtual void on_icmp_path_mtu(const icmp::PathMtu&) {}
  virtual void on_tcp_retransmission(const tcp::Retransmission&) {}
  virtual void on_tcp_spurious_retransmission(const tcp::SpuriousRetransmission&) {}
  virtual void on_tcp_out_of_order(const tcp::OutOfOrder&) {}
  virtual void on_tcp_size_stall(const tcp::SizeStall&) {}
  virtual void on_tcp_connection_ended(const tcp::ConnectionEnded&) {}

  virtual void on_second(const SecondPassed&) {}
  virtual void on_capture_ended(const CaptureSummary&) {}  // the last fact
};

}  // namespace wirefault
