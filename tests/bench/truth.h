#pragma once

#include <cstdint>
#include <string>

namespace wirefault::bench {

// What a generated capture holds, counted while it was made. Numbers of packets unless the name
// says otherwise; `*_started` flows may have had no packet yet when the capture ended.
struct Truth {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t captured_bytes = 0;
  std::uint64_t duration_ms = 0;

  std::uint64_t tcp_packets = 0;
  std::uint64_t tcp_syn = 0;
  std::uint64_t tcp_syn_ack = 0;
  std::uint64_t tcp_fin = 0;
  std::uint64_t tcp_rst = 0;
  std::uint64_t tcp_fast_retransmissions = 0;
  std::uint64_t tcp_rto_retransmissions = 0;
  std::uint64_t tcp_syn_retransmissions = 0;
  std::uint64_t tcp_gaps_filled = 0;  // retransmissions whose first copy the capture does not have
  std::uint64_t tcp_duplicate_acks = 0;
  std::uint64_t tcp_zero_windows = 0;
  std::uint64_t tcp_keep_alives = 0;

  std::uint64_t flows_started = 0;
  std::uint64_t flows_started_syn_timeout = 0;
  std::uint64_t flows_started_refused = 0;
  std::uint64_t flows_started_reset = 0;
  std::uint64_t flood_syn = 0;
  std::uint64_t flood_syn_ack = 0;

  std::uint64_t dns_queries = 0;
  std::uint64_t dns_query_retries = 0;
  std::uint64_t dns_responses = 0;
  std::uint64_t dns_noerror = 0;
  std::uint64_t dns_servfail = 0;
  std::uint64_t dns_nxdomain = 0;
  std::uint64_t dns_refused = 0;
  std::uint64_t dns_transactions_given_up = 0;

  std::uint64_t icmp_echoes = 0;
  std::uint64_t icmp_errors = 0;
  std::uint64_t fragmented_datagrams = 0;
  std::uint64_t fragments = 0;
};

std::string to_json(const Truth& truth);

}  // namespace wirefault::bench
