// A live view made by hand: an outage four minutes old, on a screen.
#pragma once

#include "report/screen.h"
#include "tests/report/results.h"

namespace wirefault::tests {

inline LiveStatus live_status() {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  LiveStatus status;
  status.interface = "eth0";
  status.link_type = "Ethernet";
  status.up = seconds{252};
  status.now = at(848);
  status.capture = {4'586'400, 4'586'400, 0, 0};
  status.counts = healthy().counts;
  status.rates.packets = 18'200;
  status.rates.bits = 96'400'000;
  status.rates.dns_queries = 412;
  status.rates.tcp_connections = 96;
  status.rates.dns_unanswered = {613, 1000};
  status.rates.dns_servfail = {2, 1000};
  status.rates.tcp_failed = {310, 1000};
  status.rates.tcp_reset = {11, 1000};
  status.rates.tcp_retransmitted = {4, 1000};
  status.rates.dns_p50 = milliseconds{2};
  status.rates.dns_p95 = milliseconds{5012};
  status.rates.tcp_p50 = milliseconds{3};
  for (const std::uint64_t failed : {0U, 0U, 0U, 0U, 0U, 0U, 1U, 40U, 70U, 99U, 100U, 100U}) {
    status.rates.dns_history.push_back({failed, 100});
    status.rates.tcp_history.push_back({failed / 2, 100});
  }
  status.flows = 3911;
  status.resident_bytes = std::uint64_t{41} << 20;
  status.excluded = "own ssh session (198.51.100.9:51022)";
  status.evidence = "e.pcapng 3/20 100 MB";
  return status;
}

// Four findings, of which the last is over.
inline Board live_board() {
  Board board;
  Result result;
  Finding resolver = resolver_down();
  resolver.state = FindingState::ongoing;
  Finding slow = claim(3, "dns-slow", "192.0.2.54:53", "DNS server 192.0.2.54 answers late", 1955,
                       3000, "query");
  slow.severity = Severity::warning;
  slow.confidence = Confidence::certain;
  slow.first = at(612);
  slow.state = FindingState::ongoing;
  Finding resets = slow_note();
  resets.first = at(168);
  resets.last = at(782);
  result.findings = {resets, resolver, port_refuses_nothing(), slow};
  result.findings[1].count -= 41;
  result.findings[0].state = FindingState::ongoing;
  board.take(result, at(820));
  result.findings[0].state = FindingState::ended;
  board.take(result, at(847));
  result.findings[1].count += 41;
  board.take(result, at(848));
  return board;
}

inline ScreenState live_state(const Board& board) {
  ScreenState state;
  arrange(state, board, std::chrono::seconds{1}, true);
  return state;
}

}  // namespace wirefault::tests
