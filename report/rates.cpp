#include "report/rates.h"

#include <algorithm>

namespace wirefault {
namespace {

// Totals may shrink a little: an answer that comes late takes back that there was none.
std::uint64_t grown(std::uint64_t before, std::uint64_t now) {
  return now - std::min(before, now);
}

std::uint64_t per_second(std::uint64_t before, std::uint64_t now, Duration passed) {
  const auto ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(passed / std::chrono::milliseconds{1}, 1));
  // Capped so that it stays within 64 bits; no link carries as much in a second.
  return std::min(grown(before, now), std::uint64_t{1} << 50) * 1000 / ms;
}

std::uint64_t servfails(const Counts& counts) {
  const auto found = counts.dns_rcodes.find("SERVFAIL");
  return found == counts.dns_rcodes.end() ? 0 : found->second;
}

Share share(std::uint64_t part, std::uint64_t whole) {
  return {std::min(part, whole), whole};
}

Share unanswered(const Counts& before, const Counts& now) {
  return share(
      grown(before.dns_unanswered + before.dns_rejected, now.dns_unanswered + now.dns_rejected),
      grown(before.dns_transactions, now.dns_transactions));
}

Share failed_attempts(const Counts& before, const Counts& now) {
  const std::uint64_t failed =
      grown(before.tcp_refused + before.tcp_half_open, now.tcp_refused + now.tcp_half_open);
  return share(failed, failed + grown(before.tcp_opened, now.tcp_opened));
}

}  // namespace

void RateMeter::note_history(const Counts& before, const Counts& now, Duration up) {
  const std::int64_t bin = up / Rates::bin;
  const auto passed =
      static_cast<std::size_t>(std::clamp<std::int64_t>(bin - bin_, 0, Rates::most_bins));
  bin_ = bin;
  for (std::vector<Share>* history : {&dns_history_, &tcp_history_}) {
    history->resize(std::max<std::size_t>(history->size(), 1) + passed);
    if (history->size() > Rates::most_bins) {
      const auto over = static_cast<std::ptrdiff_t>(history->size() - Rates::most_bins);
      history->erase(history->begin(), history->begin() + over);
    }
  }
  const auto add = [](Share& sum, const Share& more) {
    sum.part += more.part;
    sum.whole += more.whole;
  };
  const Share dns = unanswered(before, now);
  const std::uint64_t with_servfail = grown(servfails(before), servfails(now));
  add(dns_history_.back(), share(dns.part + with_servfail, dns.whole));
  add(tcp_history_.back(), failed_attempts(before, now));
}

void RateMeter::take(const Counts& counts, Duration up) {
  if (readings_.empty()) readings_.push_back({});
  note_history(readings_.back().counts, counts, up);
  readings_.push_back({up, counts});
  while (readings_.size() > 2 && up - readings_[1].up >= share_span) readings_.pop_front();
}

Rates RateMeter::rates() const {
  Rates rates;
  if (readings_.empty()) return rates;
  const Counts& now = readings_.back().counts;
  const Reading& before = readings_[readings_.size() - 2];
  const Duration passed = readings_.back().up - before.up;
  rates.packets = per_second(before.counts.packets, now.packets, passed);
  rates.bits = per_second(before.counts.bytes, now.bytes, passed) * 8;
  rates.dns_queries = per_second(before.counts.dns_queries, now.dns_queries, passed);
  rates.tcp_connections = per_second(before.counts.tcp_connections, now.tcp_connections, passed);

  const Counts& then = readings_.front().counts;
  rates.dns_unanswered = unanswered(then, now);
  rates.dns_servfail =
      share(grown(servfails(then), servfails(now)), grown(then.dns_responses, now.dns_responses));
  rates.tcp_failed = failed_attempts(then, now);
  rates.tcp_reset =
      share(grown(then.tcp_reset, now.tcp_reset), grown(then.tcp_ended, now.tcp_ended));
  rates.tcp_retransmitted = share(grown(then.tcp_repeated_data, now.tcp_repeated_data),
                                  grown(then.tcp_data_segments, now.tcp_data_segments));
  const LatencyHistogram latency = now.dns_latency.since(then.dns_latency);
  rates.dns_p50 = latency.percentile(50);
  rates.dns_p95 = latency.percentile(95);
  rates.tcp_p50 = now.tcp_round_trip.since(then.tcp_round_trip).percentile(50);
  rates.dns_history = dns_history_;
  rates.tcp_history = tcp_history_;
  return rates;
}

}  // namespace wirefault
