#include "report/json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "detectors/wording.h"
#include "report/words.h"

namespace wirefault {
namespace {

using Json = nlohmann::ordered_json;

// What the text of a finding leaves empty is null: a reader need not know which words mean nothing.
Json text_or_null(std::string_view text) {
  return text.empty() ? Json{} : Json(text);
}

std::string source_id(std::size_t index) {
  return fmt::format("s{}", index + 1);
}

Json interface_json(const InterfaceInfo& interface) {
  const auto number = [](const std::optional<std::uint64_t>& value) {
    return value ? Json(*value) : Json{};
  };
  return {{"name", text_or_null(printable(interface.name))},
          {"filter", text_or_null(printable(interface.filter))},
          {"link_type", static_cast<unsigned>(interface.link_type)},
          {"snap_length", interface.snap_length},
          {"received", number(interface.received)},
          {"dropped_by_interface", number(interface.dropped_by_interface)},
          {"dropped_by_kernel", number(interface.dropped_by_kernel)}};
}

Json source_json(const SourceInfo& source, std::size_t index) {
  Json interfaces = Json::array();
  for (const InterfaceInfo& interface : source.interfaces) {
    interfaces.push_back(interface_json(interface));
  }
  Json cut_short;
  if (source.cut_short) {
    cut_short = {{"offset", source.cut_short->offset},
                 {"reason", printable(source.cut_short->reason)}};
  }
  return {{"id", source_id(index)},
          {"file", printable(source.name)},
          {"format", source.format},
          {"compression", text_or_null(source.compression)},
          {"packets", source.packets},
          {"bytes", source.bytes},
          {"packets_dropped", source.packets_dropped},
          {"corrected_lengths", source.corrected_lengths},
          {"corrected_times", source.corrected_times},
          {"without_time", source.without_time},
          {"cut_short", cut_short},
          {"interfaces", interfaces}};
}

Json counts_json(const Counts& counts) {
  Json senders = Json::array();
  for (const Counts::IcmpSender& each : counts.icmp_senders) {
    senders.push_back({{"kind", each.kind},
                       {"sender", each.sender},
                       {"about", each.about},
                       {"count", each.count}});
  }
  return {{"packets", counts.packets},
          {"bytes", counts.bytes},
          {"dns_queries", counts.dns_queries},
          {"dns_responses", counts.dns_responses},
          {"dns_rcodes", counts.dns_rcodes},
          {"dns_transactions", counts.dns_transactions},
          {"dns_answered", counts.dns_answered},
          {"dns_late", counts.dns_late},
          {"dns_unanswered", counts.dns_unanswered},
          {"dns_rejected", counts.dns_rejected},
          {"dns_undecided", counts.dns_undecided},
          {"dns_stray_responses", counts.dns_stray_responses},
          {"dns_latency_p50_ns", counts.dns_latency_p50_ns},
          {"dns_latency_p95_ns", counts.dns_latency_p95_ns},
          {"tcp_connections", counts.tcp_connections},
          {"tcp_opened", counts.tcp_opened},
          {"tcp_refused", counts.tcp_refused},
          {"tcp_half_open", counts.tcp_half_open},
          {"tcp_joined_midway", counts.tcp_joined_midway},
          {"tcp_data_segments", counts.tcp_data_segments},
          {"tcp_retransmissions", counts.tcp_retransmissions},
          {"tcp_out_of_order", counts.tcp_out_of_order},
          {"ip_fragmented_datagrams", counts.ip_fragmented_datagrams},
          {"ip_incomplete_datagrams", counts.ip_incomplete_datagrams},
          {"icmp_errors", counts.icmp_errors},
          {"icmp_kinds", counts.icmp_kinds},
          {"icmp_senders", senders}};
}

std::string_view word(Grade grade) {
  switch (grade) {
    case Grade::ok:
      return "ok";
    case Grade::degraded:
      return "degraded";
    case Grade::unusable:
      return "unusable";
  }
  return "unusable";
}

Json vantage_json(const CaptureVantage& vantage) {
  Json pairs = Json::array();
  for (const CaptureVantage::Pair& pair : vantage.pairs) {
    pairs.push_back({{"client", pair.client},
                     {"server", pair.server},
                     {"place", pair.place},
                     {"votes_by_time", pair.by_time},
                     {"votes_by_hop_limit", pair.by_hop_limit},
                     {"to_answer_ns", pair.to_answer_ns},
                     {"to_acknowledgment_ns", pair.to_acknowledgment_ns}});
  }
  return {{"place", vantage.place},
          {"near_client", vantage.near_client},
          {"near_server", vantage.near_server},
          {"middle", vantage.middle},
          {"undecided", vantage.undecided},
          {"own_addresses", vantage.own_addresses},
          {"pairs", pairs}};
}

Json quality_json(const Quality& quality) {
  Json notes = Json::array();
  for (const QualityNote& note : quality.notes) {
    notes.push_back({{"kind", note.kind},
                     {"grade", word(note.grade)},
                     {"count", note.count == 0 ? Json{} : Json(note.count)},
                     {"text", note.text}});
  }
  return {{"grade", word(quality.grade)},
          {"notes", notes},
          {"numbers", quality.numbers},
          {"vantage", vantage_json(quality.vantage)}};
}

Json incident_json(const Incident& incident) {
  return {{"id", incident.id},
          {"title", incident.title},
          {"root", incident.root},
          {"findings", incident.findings},
          {"why", incident.why}};
}

Json who_json(const std::vector<Who>& all) {
  Json roles = Json::array();
  for (const Who& who : all) {
    Json top = Json::array();
    for (const Who::Member& member : who.top) {
      top.push_back(
          {{"text", member.text}, {"count", member.count == 0 ? Json{} : Json(member.count)}});
    }
    roles.push_back({{"role", who.role},
                     {"distinct", who.distinct},
                     {"approximate", who.is_approximate},
                     {"top", top}});
  }
  return roles;
}

// {"s1":[81204,81377]}: the source once, however many frames.
Json frames_json(const std::vector<PacketRef>& frames) {
  Json sources = Json::object();
  for (const PacketRef frame : frames) {
    sources[source_id(frame.source())].push_back(frame.number());
  }
  return sources;
}

Json evidence_json(const std::vector<EvidenceItem>& evidence) {
  Json items = Json::array();
  for (const EvidenceItem& item : evidence) {
    items.push_back({{"source", source_id(item.packet.source())},
                     {"frame", item.packet.number()},
                     {"time", rfc3339(item.time)},
                     {"role", item.role},
                     {"note", text_or_null(item.note)}});
  }
  return items;
}

Json causes_json(const std::vector<Cause>& causes) {
  Json items = Json::array();
  for (const Cause& cause : causes) {
    items.push_back({{"rank", items.size() + 1},
                     {"id", cause.id},
                     {"text", cause.text},
                     {"why", text_or_null(cause.why)},
                     {"check", text_or_null(cause.check)}});
  }
  return items;
}

Json finding_json(const Finding& finding) {
  Json filters = Json::object();
  for (const FileFilter& filter : filters_by_file(finding)) {
    filters[source_id(filter.source)] = filter.text;
  }
  Json measures = Json::object();
  for (const Measure& measure : finding.measures) {
    measures[std::string{measure.key}] = measure.value;
  }
  Json caveats = Json::array();
  for (const Caveat& caveat : finding.caveats) {
    caveats.push_back({{"kind", caveat.kind}, {"text", caveat.text}});
  }
  return {{"id", finding.id},
          {"fp", fmt::format("{:016x}", finding.fp)},
          {"detector", finding.detector},
          {"variant", text_or_null(finding.variant)},
          {"entity", finding.entity},
          {"severity", word(finding.severity)},
          {"confidence", word(finding.confidence)},
          {"title", finding.title},
          {"count", finding.count},
          {"of", finding.of == 0 ? Json{} : Json(finding.of)},
          {"unit", text_or_null(finding.unit)},
          {"lower_bound", finding.lower_bound},
          {"before", text_or_null(finding.before)},
          {"first", rfc3339(finding.first)},
          {"last", rfc3339(finding.last)},
          {"state", word(finding.state)},
          {"who", who_json(finding.who)},
          {"frames", frames_json(finding.frames)},
          {"frames_total", finding.frames_total},
          {"evidence", evidence_json(finding.evidence)},
          {"display_filter",
           text_or_null(filters.empty() ? finding.display_filter : std::string_view{})},
          {"display_filters", filters},
          {"capture_filter", text_or_null(finding.capture_filter)},
          {"measures", measures},
          {"causes", causes_json(finding.causes)},
          {"next", finding.next},
          {"caveats", caveats},
          {"incident", text_or_null(finding.incident)}};
}

// ASCII only, and bytes that are not UTF-8 cannot make it throw: they become U+FFFD.
std::string dump(const Json& value) {
  return value.dump(-1, ' ', true, Json::error_handler_t::replace);
}

template <class Items, class Convert>
std::string lines(const Items& items, Convert convert) {
  std::string text = "[";
  std::size_t index = 0;
  for (const auto& item : items) {
    text += index == 0 ? "\n  " : ",\n  ";
    text += dump(convert(item, index++));
  }
  return text + "]";
}

}  // namespace

std::string json_report(const Result& result) {
  const bool has_packets = result.counts.packets != 0;
  std::string text = R"({"schema":"wirefault/1")";
  const auto member = [&](std::string_view key, const std::string& value) {
    text += fmt::format(",\n \"{}\":{}", key, value);
  };
  member("tool", dump({{"name", "wirefault"}, {"version", WIREFAULT_VERSION}}));
  member("sources", lines(result.sources, source_json));
  member("settings", dump(result.overrides));
  member("first", has_packets ? dump(rfc3339(result.first)) : "null");
  member("last", has_packets ? dump(rfc3339(result.last)) : "null");
  member("counts", dump(counts_json(result.counts)));
  member("quality", dump(quality_json(result.quality)));
  member("not_looked_at", dump(result.not_looked_at));
  member("incidents", lines(result.incidents,
                            [](const Incident& item, std::size_t) { return incident_json(item); }));
  member("findings", lines(result.findings,
                           [](const Finding& item, std::size_t) { return finding_json(item); }));
  return text + "}\n";
}

std::string json_event(std::string_view event, Timestamp time, std::uint64_t grown_by,
                       const Finding& finding) {
  return fmt::format(R"({{"schema":"wirefault-event/1","event":{},"time":{},"count_delta":{},)"
                     R"("finding":{}}})"
                     "\n",
                     dump(event), dump(rfc3339(time)), grown_by, dump(finding_json(finding)));
}

}  // namespace wirefault
