#include "detectors/judgement.h"

#include <algorithm>

#include "detectors/incidents.h"
#include "detectors/quality.h"
#include "detectors/ranking.h"
#include "detectors/wording.h"
#include "dissectors/dns/codes.h"

namespace wirefault {
namespace {

// Share of --max-mem, in percent; design.md, section 2.
constexpr std::size_t knowledge_share = 12;

}  // namespace

Judgement::Judgement(Settings& settings, const JudgementOptions& options)
    : lookups_{settings, options.memory / 100 * knowledge_share},
      actions_{settings},
      scanners_{settings} {
  for (const DetectorEntry& entry : catalogue()) {
    const std::vector<std::string>& wanted = options.detectors;
    const bool is_wanted =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), entry.id) != wanted.end();
    Setup setup{settings, entry.id, is_wanted ? &audience_ : nullptr, options.memory};
    std::unique_ptr<Detector> detector = entry.make(setup);
    // Made even when it is not to run: a setting of a detector that was left out is still known.
    if (!is_wanted) continue;
    entries_.push_back(&entry);
    detectors_.push_back(std::move(detector));
  }
}

void Judgement::Fanout::on_dns_lookup(const dns::Lookup& lookup) {
  audience_.tell(&KnowledgeListener::on_dns_lookup, lookup);
  actions_.add(lookup, *this);
}

void Judgement::Fanout::on_dns_action(const dns::Action& action) {
  audience_.tell(&KnowledgeListener::on_dns_action, action);
}

void Judgement::Fanout::on_connect_failure(const tcp::ConnectFailure& failure) {
  audience_.tell(&KnowledgeListener::on_connect_failure, failure);
}

void Judgement::on_dns_transaction(const dns::Transaction& transaction) {
  using dns::Outcome;
  if (transaction.outcome != Outcome::waiting && transaction.outcome != Outcome::repeat_answered) {
    if (transaction.amends) {
      --counts_.dns_unanswered;
    } else {
      ++counts_.dns_transactions;
    }
    switch (transaction.outcome) {
      case Outcome::answered:
        ++counts_.dns_answered;
        if (!transaction.latency_ambiguous) counts_.dns_latency.add(transaction.latency());
        break;
      case Outcome::late:
        ++counts_.dns_late;
        break;
      case Outcome::rejected:
        ++counts_.dns_rejected;
        break;
      case Outcome::unanswered:
        ++counts_.dns_unanswered;
        break;
      default:
        ++counts_.dns_undecided;
    }
  }
  if (legs_.is_copy(transaction)) return;
  lookups_.add(transaction, fanout_);
  path_sizes_.add(transaction);
  audience_.tell(&FactListener::on_dns_transaction, transaction);
}

void Judgement::on_dns_stray_response(const dns::StrayResponse& stray) {
  ++counts_.dns_stray_responses;
  audience_.tell(&FactListener::on_dns_stray_response, stray);
}

// As many as there are responses with several: for knowledge only.
void Judgement::on_dns_addresses(const dns::AddressSet& addresses) {
  connect_failures_.add(addresses);
}

void Judgement::on_tcp_handshake(const tcp::Handshake& handshake) {
  connect_failures_.add(handshake, fanout_);
  audience_.tell(&FactListener::on_tcp_handshake, handshake);
}

// For knowledge only.
void Judgement::on_tcp_overdue(const tcp::Handshake& handshake) {
  connect_failures_.add_overdue(handshake);
}

// As many as there are connections.
void Judgement::on_tcp_opened(const tcp::Opened& opened) {
  connect_failures_.add(opened);
  vantages_.add(opened);
  audience_.tell(&FactListener::on_tcp_opened, opened);
  if (opened.is_timed) counts_.tcp_round_trip.add(opened.opened - opened.asked);
}

void Judgement::on_tcp_service_second(const tcp::ServiceSecond& second) {
  audience_.tell(&FactListener::on_tcp_service_second, second);
}

void Judgement::on_tcp_crowd(const tcp::Crowd& crowd) {
  audience_.tell(&FactListener::on_tcp_crowd, crowd);
}

void Judgement::on_tcp_source_second(const tcp::SourceSecond& second) {
  scanners_.add(second);
  audience_.tell(&FactListener::on_tcp_source_second, second);
}

void Judgement::on_ip_fragmented_datagram(const ip::FragmentedDatagram& datagram) {
  path_sizes_.add(datagram);
  audience_.tell(&FactListener::on_ip_fragmented_datagram, datagram);
}

void Judgement::on_icmp_error(const icmp::Error& error) {
  count(error);
  scanners_.add(error);
  audience_.tell(&FactListener::on_icmp_error, error);
}

void Judgement::on_icmp_stray_error(const icmp::StrayError& stray) {
  count(stray.error);
  audience_.tell(&FactListener::on_icmp_stray_error, stray);
}

void Judgement::on_icmp_echo_answered(const icmp::EchoAnswered& echo) {
  audience_.tell(&FactListener::on_icmp_echo_answered, echo);
}

// For knowledge only.
void Judgement::on_arp(const link::ArpSeen& arp) {
  scanners_.add(arp);
}

void Judgement::on_icmp_path_mtu(const icmp::PathMtu& path) {
  path_sizes_.add(path);
  audience_.tell(&FactListener::on_icmp_path_mtu, path);
}

void Judgement::on_tcp_retransmission(const tcp::Retransmission& fact) {
  stalls_.add(fact);
  audience_.tell(&FactListener::on_tcp_retransmission, fact);
}

void Judgement::on_tcp_spurious_retransmission(const tcp::SpuriousRetransmission& fact) {
  audience_.tell(&FactListener::on_tcp_spurious_retransmission, fact);
}

void Judgement::on_tcp_out_of_order(const tcp::OutOfOrder& fact) {
  audience_.tell(&FactListener::on_tcp_out_of_order, fact);
}

void Judgement::on_tcp_size_stall(const tcp::SizeStall& fact) {
  path_sizes_.add(fact);
  stalls_.add(fact);
  audience_.tell(&FactListener::on_tcp_size_stall, fact);
}

void Judgement::on_tcp_connection_ended(const tcp::ConnectionEnded& fact) {
  using tcp::Ending;
  if (fact.ending != Ending::capture_ended && fact.ending != Ending::evicted) ++counts_.tcp_ended;
  if (fact.ending == Ending::reset) ++counts_.tcp_reset;
  path_sizes_.add(fact);
  stalls_.add(fact);
  audience_.tell(&FactListener::on_tcp_connection_ended, fact);
}

void Judgement::on_second(const SecondPassed& second) {
  now_ = second.now;
  lookups_.pass(now_, fanout_);
  actions_.pass(now_, fanout_);
  connect_failures_.pass(now_, fanout_);
  audience_.tell(&FactListener::on_second, second);
}

void Judgement::on_capture_ended(const CaptureSummary& summary) {
  now_ = summary.last;
  ended_ = true;
  summary_ = summary;
  lookups_.finish(fanout_);
  actions_.finish(fanout_);
  connect_failures_.finish(fanout_);
  audience_.tell(&FactListener::on_capture_ended, summary);
}

std::vector<std::unique_ptr<Detector>> Judgement::foresee(Timestamp now) const {
  std::vector<std::unique_ptr<Detector>> copies(detectors_.size());
  if (!connect_failures_.has_unsettled() && !lookups_.has_unsettled() && actions_.empty()) {
    return copies;
  }
  Audience audience;
  for (std::size_t i = 0; i < detectors_.size(); ++i) {
    copies[i] = entries_[i]->make.copy(*detectors_[i], audience);
  }
  dns::Actions actions = actions_;
  Fanout fanout{audience, actions};
  connect_failures_.tell_unsettled(now, fanout);
  lookups_.tell_unsettled(now, fanout);
  actions.finish(fanout);
  return copies;
}

Result Judgement::result(const std::vector<SourceInfo>& sources,
                         const CaptureSummary& summary) const {
  Result result;
  result.sources = sources;
  result.first = summary.first;
  result.last = summary.last;
  result.counts = counts_;
  result.counts.packets = summary.packets;
  result.counts.bytes = summary.bytes;
  result.counts.dns_queries = summary.dns_queries;
  result.counts.dns_responses = summary.dns_responses;
  result.counts.tcp_connections = summary.tcp_connections;
  result.counts.tcp_opened = summary.tcp_opened;
  result.counts.tcp_refused = summary.tcp_refused;
  result.counts.tcp_half_open = summary.tcp_half_open;
  result.counts.tcp_joined_midway = summary.tcp_joined_midway;
  result.counts.ip_fragmented_datagrams = summary.fragmented_datagrams;
  result.counts.ip_incomplete_datagrams = summary.incomplete_datagrams;
  result.counts.icmp_errors = summary.icmp_errors;
  for (std::size_t kind = 0; kind < icmp::error_kind_count; ++kind) {
    if (summary.icmp_kinds[kind] == 0) continue;
    result.counts.icmp_kinds[std::string{icmp::error_name(static_cast<icmp::ErrorKind>(kind))}] =
        summary.icmp_kinds[kind];
  }
  for (const auto& [key, count] : icmp_errors_.top()) {
    result.counts.icmp_senders.push_back({icmp::error_name(static_cast<icmp::ErrorKind>(key.kind)),
                                          key.sender.to_string(), key.about.to_string(), count});
  }
  result.counts.tcp_data_segments = summary.tcp_data_segments;
  result.counts.tcp_retransmissions = summary.tcp_repeats;
  result.counts.tcp_repeated_data = summary.tcp_data_repeats;
  result.counts.tcp_out_of_order = summary.tcp_out_of_order;
  for (const auto& [code, count] : summary.dns_rcodes) {
    result.counts.dns_rcodes[dns::rcode_name(static_cast<dns::Rcode>(code))] = count;
  }
  result.counts.dns_latency_p50_ns = counts_.dns_latency.percentile(50).count();
  result.counts.dns_latency_p95_ns = counts_.dns_latency.percentile(95).count();

  const bool fragments_hidden = hides_fragments(summary, sources);
  const VantageMap vantages = vantages_.map(summary.own_addresses);
  const Scene scene{now_,
                    ended_,
                    &scanners_,
                    &path_sizes_,
                    fragments_hidden,
                    &vantages,
                    &stalls_,
                    lacks_all_but_syns(summary)};
  const std::vector<std::unique_ptr<Detector>> copies =
      ended_ ? std::vector<std::unique_ptr<Detector>>(detectors_.size()) : foresee(summary.last);
  Forgotten forgotten;
  for (std::size_t i = 0; i < detectors_.size(); ++i) {
    const Detector& detector = copies[i] != nullptr ? *copies[i] : *detectors_[i];
    std::vector<Finding> found;
    detector.judge(scene, found);
    const std::uint64_t evicted = detector.evicted();
    if (evicted > 0) forgotten[entries_[i]->id] += evicted;
    for (Finding& finding : found) {
      finding.detector = entries_[i]->id;
      if (evicted > 0) finding.lower_bound = true;
      result.findings.push_back(std::move(finding));
    }
  }
  // Of what all detectors ask.
  if (scanners_.scans().evicted() > 0) forgotten["sources"] = scanners_.scans().evicted();
  if (lookups_.evicted() > 0) forgotten["lookups"] = lookups_.evicted();
  result.quality = assess(summary, sources, forgotten);
  result.quality.vantage = capture_vantage(vantages);
  result.not_looked_at = not_looked_at(summary);
  apply_gates(summary, sources, entries_, result);
  note_unheard_answers(summary, result);
  lower_parts_of_storms(result.findings);
  merge_tails(result.findings);
  for (Finding& finding : result.findings) {
    if (const auto seen = summary.tunnels.find(finding.tunnel.value_or(0));
        seen != summary.tunnels.end()) {
      finding.who.push_back({"tunnel", {{seen->second.context.to_string(), 0}}, 1});
    }
    if (finding.capture_filter.empty()) continue;
    finding.capture_filter =
        behind_tags(around_tunnel(finding.capture_filter, finding.tunnel, summary), summary);
  }
  rank(result.findings);
  result.incidents = group(result.findings);
  if (put_roots_first(result.findings, result.incidents)) result.incidents = group(result.findings);
  return result;
}

}  // namespace wirefault
