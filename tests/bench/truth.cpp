#include "tests/bench/truth.h"

#include <fmt/format.h>

namespace wirefault::bench {

std::string to_json(const Truth& truth) {
  struct Field {
    const char* name;
    std::uint64_t Truth::*value;
  };
  static constexpr Field fields[] = {
      {"packets", &Truth::packets},
      {"bytes", &Truth::bytes},
      {"captured_bytes", &Truth::captured_bytes},
      {"duration_ms", &Truth::duration_ms},
      {"tcp_packets", &Truth::tcp_packets},
      {"tcp_syn", &Truth::tcp_syn},
      {"tcp_syn_ack", &Truth::tcp_syn_ack},
      {"tcp_fin", &Truth::tcp_fin},
      {"tcp_rst", &Truth::tcp_rst},
      {"tcp_fast_retransmissions", &Truth::tcp_fast_retransmissions},
      {"tcp_rto_retransmissions", &Truth::tcp_rto_retransmissions},
      {"tcp_syn_retransmissions", &Truth::tcp_syn_retransmissions},
      {"tcp_gaps_filled", &Truth::tcp_gaps_filled},
      {"tcp_duplicate_acks", &Truth::tcp_duplicate_acks},
      {"tcp_zero_windows", &Truth::tcp_zero_windows},
      {"tcp_keep_alives", &Truth::tcp_keep_alives},
      {"flows_started", &Truth::flows_started},
      {"flows_started_syn_timeout", &Truth::flows_started_syn_timeout},
      {"flows_started_refused", &Truth::flows_started_refused},
      {"flows_started_reset", &Truth::flows_started_reset},
      {"flood_syn", &Truth::flood_syn},
      {"flood_syn_ack", &Truth::flood_syn_ack},
      {"dns_queries", &Truth::dns_queries},
      {"dns_query_retries", &Truth::dns_query_retries},
      {"dns_responses", &Truth::dns_responses},
      {"dns_noerror", &Truth::dns_noerror},
      {"dns_servfail", &Truth::dns_servfail},
      {"dns_nxdomain", &Truth::dns_nxdomain},
      {"dns_refused", &Truth::dns_refused},
      {"dns_transactions_given_up", &Truth::dns_transactions_given_up},
      {"icmp_echoes", &Truth::icmp_echoes},
      {"icmp_errors", &Truth::icmp_errors},
      {"fragmented_datagrams", &Truth::fragmented_datagrams},
      {"fragments", &Truth::fragments},
  };
  std::string json = "{";
  for (const Field& field : fields) {
    json +=
        fmt::format("{}\n  \"{}\": {}", json.size() > 1 ? "," : "", field.name, truth.*field.value);
  }
  return json + "\n}\n";
}

}  // namespace wirefault::bench
