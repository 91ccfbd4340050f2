// Results made by hand, for the tests of every report format.
#pragma once

#include "detectors/result.h"

namespace wirefault::tests {

inline Timestamp at(std::int64_t seconds_after_ten, std::int64_t nanoseconds = 0) {
  // 2024-05-01 10:00:00Z
  return Timestamp{std::chrono::seconds{1714557600 + seconds_after_ten} + Duration{nanoseconds}};
}

inline SourceInfo source(std::string name, std::uint64_t packets) {
  SourceInfo info;
  info.name = std::move(name);
  info.format = "pcapng";
  info.packets = packets;
  info.bytes = packets * 100;
  info.interfaces.resize(1);
  info.interfaces[0].name = "eth0";
  return info;
}

// A healthy office: everything was answered, one thing could not be looked at.
inline Result healthy() {
  Result result;
  result.sources = {source("quiet.pcap", 18220)};
  result.first = at(0);
  result.last = at(120, 500);
  result.counts.packets = 18220;
  result.counts.bytes = 1822000;
  result.counts.dns_queries = 412;
  result.counts.dns_responses = 412;
  result.counts.dns_rcodes = {{"NOERROR", 400}, {"NXDOMAIN", 12}};
  result.counts.dns_transactions = 412;
  result.counts.dns_answered = 412;
  result.counts.dns_latency_p95_ns = 11'000'000;
  result.counts.tcp_connections = 96;
  result.counts.tcp_opened = 96;
  result.counts.tcp_data_segments = 10000;
  result.counts.tcp_retransmissions = 12;
  result.counts.tcp_repeated_data = 10;
  result.quality.numbers = {{"kernel_drops", 0}, {"one_way_flows", 0}, {"snap_cut", 0}};
  result.not_looked_at = {"3 DNS-over-TLS flows to 192.0.2.53:853 (encrypted)"};
  return result;
}

// The claim alone: nobody takes part yet and nothing proves it.
inline Finding claim(std::uint64_t number, std::string_view detector, std::string entity,
                     std::string title, std::uint64_t count, std::uint64_t of,
                     std::string_view unit) {
  Finding finding;
  finding.id = "F" + std::to_string(number);
  finding.fp = number;
  finding.detector = detector;
  finding.entity = std::move(entity);
  finding.title = std::move(title);
  finding.count = count;
  finding.of = of;
  finding.unit = unit;
  return finding;
}

inline Finding resolver_down() {
  Finding finding = claim(1, "dns-unanswered", "192.0.2.53:53",
                          "DNS server 192.0.2.53 stopped answering", 1843, 1851, "query");
  finding.fp = 0x3f9c0a51d2b7e846;
  finding.severity = Severity::critical;
  finding.confidence = Confidence::probable;
  finding.before = "answered 99.98%, median 2 ms";
  finding.first = at(610, 204'113'000);
  finding.last = at(1100, 118'004'000);
  finding.who = {
      {"client", {{"198.51.100.23", 402}, {"198.51.100.24", 377}, {"198.51.100.25", 151}}, 37},
      {"server", {{"192.0.2.53:53", 0}}, 1},
      {"name", {{"api.shop.example.", 611}, {"auth.shop.example.", 240}}, 90}};
  for (const std::uint64_t number : {81204U, 81377U, 81950U, 402113U}) {
    finding.frames.emplace_back(std::uint16_t{0}, number);
  }
  finding.frames_total = 5530;
  finding.evidence = {{finding.frames[0], at(610, 204'113'000), "first"},
                      {finding.frames[1], at(612), "typical"},
                      {finding.frames[3], at(1100), "last"}};
  finding.display_filter = "dns.flags.response == 0 && ip.dst == 192.0.2.53 && !dns.response_in";
  finding.capture_filter = "host 192.0.2.53 and port 53";
  finding.measures = {{"waited_ns", 5'000'000'000}};
  finding.causes = {{"server-down", "the server or its host is down",
                     "it sent no packet at all after 10:10:09.812, on any port",
                     "dig @192.0.2.53 api.shop.example +time=2 +tries=1"},
                    {"path-down", "the path is down",
                     "less likely, 192.0.2.54 on the same net answered throughout",
                     "mtr -n -r -c 10 192.0.2.53"}};
  finding.next = {"dig @192.0.2.53 api.shop.example +time=2 +tries=1"};
  finding.caveats = {
      {"kernel-drops", "the 212 drops could hide at most 212 of the missing answers"}};
  finding.incident = "I1";
  return finding;
}

inline Finding port_refuses_nothing() {
  const std::string service = "[2001:db8:1234:5678:9abc:def0:1234:5678]:8443";
  Finding finding =
      claim(2, "tcp-syn-timeout", service, service + " is silent", 311, 311, "connection");
  finding.variant = "service";
  finding.severity = Severity::error;
  finding.confidence = Confidence::certain;
  finding.lower_bound = true;
  finding.first = at(614);
  finding.last = at(1790);
  finding.state = FindingState::ongoing;
  finding.who = {{"service", {{finding.entity, 311}}, 1}};
  finding.frames = {PacketRef{0, 90001}};
  finding.frames_total = 1;
  finding.evidence = {{finding.frames[0], at(614), "first"}};
  finding.display_filter = "frame.number in {90001}";
  finding.incident = "I1";
  return finding;
}

inline Finding slow_note() {
  Finding finding = claim(4, "tcp-out-of-order", "192.0.2.1 > 192.0.2.2",
                          "packets from 192.0.2.1 arrive out of order", 14, 3200, "segment");
  finding.first = finding.last = at(30);
  return finding;
}

// An outage with one root, one unrelated warning and a note, in a capture that dropped packets.
inline Result outage() {
  Result result = healthy();
  result.sources = {source("edge-7.pcapng", 1204113)};
  result.sources[0].interfaces.push_back(result.sources[0].interfaces[0]);
  result.sources[0].interfaces[1].name = "wg0";
  result.last = at(1799, 991'200'000);
  result.counts.packets = 1204113;
  result.quality.grade = Grade::degraded;
  result.quality.notes = {
      {"kernel-drops", Grade::degraded, 212, "212 packets dropped by the kernel (0.02%)"},
      {"one-sided", Grade::degraded, 31, "4% of TCP flows were seen in one direction only"}};
  result.quality.numbers["kernel_drops"] = 212;
  Finding fragments = slow_note();
  fragments.id = "F3";
  fragments.detector = "dns-fragmented-response-loss";
  fragments.severity = Severity::warning;
  fragments.title = "large answers of 192.0.2.54 lose their second fragment";
  result.findings = {resolver_down(), port_refuses_nothing(), fragments, slow_note()};
  result.incidents = {{"I1", "resolver outage", "F1", {"F1", "F2"}, "the names did not resolve"}};
  result.overrides = {"dns.answer-timeout=3s"};
  return result;
}

}  // namespace wirefault::tests
