// Everything an analysis has to say, ready for a report: what was looked at, how far the capture
// can be trusted, and what was found.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "capture/source.h"
#include "detectors/finding.h"
#include "detectors/latency.h"

namespace wirefault {

// What was looked at. Counts are of packets after duplicates were removed, unless said.
struct Counts {
  std::uint64_t packets = 0;  // every frame that passed the filter, duplicates included
  std::uint64_t bytes = 0;    // their original lengths

  std::uint64_t dns_queries = 0;  // messages, over UDP and TCP
  std::uint64_t dns_responses = 0;
  std::map<std::string, std::uint64_t> dns_rcodes;  // of the responses, by mnemonic
  std::uint64_t dns_transactions = 0;               // distinct questions put to a server
  std::uint64_t dns_answered = 0;
  std::uint64_t dns_late = 0;
  std::uint64_t dns_unanswered = 0;
  std::uint64_t dns_rejected = 0;         // an ICMP error or a reset came instead
  std::uint64_t dns_undecided = 0;        // still waiting when the capture ended, or evicted
  std::uint64_t dns_stray_responses = 0;  // to queries unseen, or answered before
  std::int64_t dns_latency_p50_ns = 0;    // of the answered; 0: none
  std::int64_t dns_latency_p95_ns = 0;
  LatencyHistogram dns_latency;  // all of them: a live view asks what came since it last looked

  std::uint64_t tcp_connections = 0;  // seen at all, lone SYNs included
  std::uint64_t tcp_opened = 0;       // handshake completed in this capture
  std::uint64_t tcp_refused = 0;
  std::uint64_t tcp_half_open = 0;  // a SYN, but never a completed handshake nor a refusal
  std::uint64_t tcp_joined_midway = 0;
  std::uint64_t tcp_ended = 0;  // closed, reset, or idle for so long that they count as ended
  std::uint64_t tcp_reset = 0;  // of those: by an RST
  std::uint64_t tcp_data_segments = 0;
  std::uint64_t tcp_retransmissions = 0;
  std::uint64_t tcp_repeated_data = 0;  // segments
  std::uint64_t tcp_out_of_order = 0;
  // Round trips, from the SYN to what acknowledged the SYN-ACK: the same wherever between the two
  // hosts they are seen. Of handshakes without a repetition (RFC 6298, section 3).
  LatencyHistogram tcp_round_trip;

  std::uint64_t ip_fragmented_datagrams = 0;
  std::uint64_t ip_incomplete_datagrams = 0;
  std::uint64_t icmp_errors = 0;
  std::map<std::string, std::uint64_t> icmp_kinds;  // of the errors, by name
  // Those that came most often, at most five: who said what of whom.
  struct IcmpSender {
    std::string_view kind;
    std::string sender;
    std::string about;  // the destination of what it quotes
    std::uint64_t count = 0;
  };
  std::vector<IcmpSender> icmp_senders;
};

// How far one dimension of the capture can be trusted.
enum class Grade : std::uint8_t { ok, degraded, unusable };

struct QualityNote {
  std::string_view kind;  // "kernel-drops", "one-sided", "duplicates", "port-filter" ...
  Grade grade = Grade::degraded;
  std::uint64_t count = 0;  // the number behind it, 0: none
  std::string text;  // a clause with its numbers: "212 packets dropped by the kernel (0.02%)"
};

// Where between clients and servers the capture was taken: "near-client", "near-server", "middle"
// or "unknown". Told from the machine's own addresses and from the handshakes, pair of hosts by
// pair of hosts.
struct CaptureVantage {
  struct Pair {
    std::string client;
    std::string server;
    std::string_view place;
    std::uint64_t by_time = 0;  // votes
    std::uint64_t by_hop_limit = 0;
    std::int64_t to_answer_ns = 0;          // SYN to SYN-ACK in the last handshake that voted
    std::int64_t to_acknowledgment_ns = 0;  // SYN-ACK to ACK in it
  };

  std::string_view place = "unknown";  // of more than half of the pairs
  std::uint64_t near_client = 0;       // pairs
  std::uint64_t near_server = 0;
  std::uint64_t middle = 0;
  std::uint64_t undecided = 0;
  std::vector<std::string> own_addresses;  // of the machine that captured, as far as known
  std::vector<Pair> pairs;                 // those with most votes, at most five
};

struct Quality {
  Grade grade = Grade::ok;         // the worst of the notes
  std::vector<QualityNote> notes;  // worst first, then by kind
  // Numbers by stable key for the JSON report: "kernel_drops", "snap_cut", "duplicates",
  // "one_way_flows", "acked_unseen", "lost_per_mille" (an estimate), "malformed", "not_dissected",
  // "evicted" ... all keys always present.
  std::map<std::string, std::uint64_t> numbers;
  CaptureVantage vantage;
};

struct Result {
  std::vector<SourceInfo> sources;
  std::vector<std::string> overrides;  // settings in force that are not the default, "name=value"
  Timestamp first{};                   // of the packets with a time
  Timestamp last{};
  Counts counts;
  Quality quality;
  // Traffic that was there and could not be judged: "3 DNS-over-TLS flows to 192.0.2.53:853".
  std::vector<std::string> not_looked_at;
  std::vector<Incident> incidents;
  std::vector<Finding> findings;  // in report order: worst first
};

}  // namespace wirefault
