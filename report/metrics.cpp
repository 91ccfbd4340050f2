#include "report/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "report/words.h"

namespace wirefault {
namespace {

// Inside a label's quotes: backslash, quote and line feed are escaped, and the whole must be UTF-8.
// printable() leaves ASCII without a line feed.
std::string label_value(std::string_view text) {
  std::string escaped;
  for (const char character : printable(text)) {
    if (character == '\\' || character == '"') escaped += '\\';
    escaped += character;
  }
  return escaped;
}

class Metrics {
 public:
  explicit Metrics(std::string_view interface)
      : interface_{fmt::format("interface=\"{}\"", label_value(interface))} {}

  void counter(std::string_view name, std::string_view help) { start(name, help, "counter"); }
  void gauge(std::string_view name, std::string_view help) { start(name, help, "gauge"); }

  // `labels` besides the interface: `layer="ring"`.
  void value(std::uint64_t value, std::string_view labels = {}) {
    text_ += fmt::format("{}{{{}{}{}}} {}\n", name_, interface_, labels.empty() ? "" : ",", labels,
                         value);
  }
  // Seconds, exactly.
  void value(Duration duration) {
    const std::int64_t ns = std::max<std::int64_t>(duration.count(), 0);
    text_ += fmt::format("{}{{{}}} {}.{:09}\n", name_, interface_, ns / 1'000'000'000,
                         ns % 1'000'000'000);
  }

  std::string take() { return std::move(text_); }

 private:
  void start(std::string_view name, std::string_view help, std::string_view type) {
    name_ = fmt::format("wirefault_{}", name);
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name_, help, name_, type);
  }

  const std::string interface_;
  std::string name_;
  std::string text_;
};

void capture_metrics(Metrics& metrics, const LiveStatus& status) {
  metrics.counter("packets_total", "Packets analysed, duplicates included.");
  metrics.value(status.counts.packets);
  metrics.counter("bytes_total", "Bytes of them as on the wire.");
  metrics.value(status.counts.bytes);
  metrics.counter("received_packets_total", "Packets that passed the capture filter.");
  metrics.value(status.capture.received);
  metrics.counter("dropped_packets_total",
                  "Packets lost to this capture, by the layer that counted them.");
  metrics.value(status.capture.dropped_by_ring, "layer=\"ring\"");
  metrics.value(status.capture.dropped_by_interface, "layer=\"interface\"");
  metrics.gauge("up_seconds", "How long the capture has been running.");
  metrics.value(status.up);
  metrics.gauge("flows", "Connections and DNS transactions in the tables.");
  metrics.value(status.flows);
  metrics.gauge("resident_bytes", "Memory of the process.");
  metrics.value(status.resident_bytes);
  metrics.gauge("emergency", "1 while tables are full and what is new is sampled.");
  metrics.value(status.is_emergency ? 1 : 0);
}

void traffic_metrics(Metrics& metrics, const LiveStatus& status) {
  const Counts& counts = status.counts;
  metrics.counter("dns_queries_total", "DNS query messages.");
  metrics.value(counts.dns_queries);
  metrics.counter("dns_responses_total", "DNS response messages, by response code.");
  for (const char* always : {"NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED"}) {
    if (!counts.dns_rcodes.contains(always)) {
      metrics.value(0, fmt::format("rcode=\"{}\"", always));
    }
  }
  for (const auto& [rcode, count] : counts.dns_rcodes) {
    metrics.value(count, fmt::format("rcode=\"{}\"", label_value(rcode)));
  }
  metrics.counter("dns_transactions_total", "Questions put to a server, by what became of them.");
  metrics.value(counts.dns_answered, "outcome=\"answered\"");
  metrics.value(counts.dns_late, "outcome=\"late\"");
  metrics.value(counts.dns_unanswered, "outcome=\"unanswered\"");
  metrics.value(counts.dns_rejected, "outcome=\"rejected\"");
  metrics.value(counts.dns_undecided, "outcome=\"undecided\"");
  metrics.counter("tcp_connections_total", "TCP connections seen, lone SYNs included.");
  metrics.value(counts.tcp_connections);
  metrics.counter("tcp_attempts_total", "Attempts to connect, by what became of them.");
  metrics.value(counts.tcp_opened, "outcome=\"opened\"");
  metrics.value(counts.tcp_refused, "outcome=\"refused\"");
  metrics.value(counts.tcp_half_open, "outcome=\"half_open\"");
  metrics.counter("tcp_reset_total", "Connections that ended by a reset.");
  metrics.value(counts.tcp_reset);
  metrics.counter("tcp_data_segments_total", "TCP segments with data, repetitions included.");
  metrics.value(counts.tcp_data_segments);
  metrics.counter("tcp_repeated_segments_total", "TCP segments that repeat data.");
  metrics.value(counts.tcp_repeated_data);
  metrics.counter("icmp_errors_total", "ICMP errors.");
  metrics.value(counts.icmp_errors);
}

void finding_metrics(Metrics& metrics, const Board& board) {
  std::map<Severity, std::uint64_t> open;
  std::map<std::pair<std::string_view, Severity>, std::uint64_t> open_of_kind;
  for (const auto& [number, row] : board.rows()) {
    const Finding& finding = row.finding;
    std::uint64_t& of_kind = open_of_kind[{finding.detector, finding.severity}];
    if (!row.is_open) continue;
    ++open[finding.severity];
    ++of_kind;
  }
  metrics.gauge("findings_open", "Findings that go on, by severity.");
  for (const Severity severity :
       {Severity::note, Severity::warning, Severity::error, Severity::critical}) {
    metrics.value(open[severity], fmt::format("severity=\"{}\"", word(severity)));
  }
  metrics.gauge("findings_open_by_detector",
                "Findings that go on, of each detector that has found something.");
  for (const auto& [kind, count] : open_of_kind) {
    metrics.value(count, fmt::format("detector=\"{}\",severity=\"{}\"", label_value(kind.first),
                                     word(kind.second)));
  }
  metrics.counter("findings_total", "Findings so far, of each detector that has found something.");
  for (const auto& [detector, count] : board.opened()) {
    metrics.value(count, fmt::format("detector=\"{}\"", label_value(detector)));
  }
}

}  // namespace

std::string metrics_text(const LiveStatus& status, const Board& board) {
  Metrics metrics{status.interface};
  capture_metrics(metrics, status);
  traffic_metrics(metrics, status);
  finding_metrics(metrics, board);
  return metrics.take();
}

}  // namespace wirefault
