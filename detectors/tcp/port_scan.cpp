// Names the sources that try one port or host after another, so that nobody takes their refusals
// and silences for failures.
//
// On the wire: SYNs of one source to many ports of one host (vertical) or to one port of many hosts
// (horizontal), answered by RSTs, ICMP errors or nothing, hardly ever by data; or segments that no
// connection begins with, or datagrams that draw port unreachable; or ARP requests for address
// after address (arp). What makes a scan is decided in knowledge/scanners.h, where the other
// detectors ask as well.
//
// Blind spots: a scan spread over many sources, or slower than a port in twenty seconds. An
// inventory or a monitoring system looks the same: only its owner can tell.

#include <fmt/format.h>

#include <algorithm>

#include "detectors/detector.h"
#include "detectors/state.h"

namespace wirefault {
namespace {

class PortScan final : public Detector {
 public:
  explicit PortScan(Setup&) {}

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    if (scene.scanners == nullptr) return;
    const auto& scans = scene.scanners->scans();
    for (const auto& [key, scan] : scans.sorted()) {
      if (scan->kind == tcp::Scan::Kind::none) continue;
      // A proxy that connects to host after host: whether it got through was not captured.
      if (scene.only_syns && scan->kind == tcp::Scan::Kind::horizontal) continue;
      Finding finding = describe(*key, *scan);
      finding.state = state_at(scene.now, finding);
      findings.push_back(std::move(finding));
    }
    const auto& arp_scans = scene.scanners->arp_scans();
    for (const auto& [key, scan] : arp_scans.sorted()) {
      if (!scan->is_scan) continue;
      Finding finding = describe(*key, *scan);
      finding.state = state_at(scene.now, finding);
      finding.lower_bound = arp_scans.evicted() > 0;
      findings.push_back(std::move(finding));
    }
  }

  // Knowledge keeps the tallies.
  std::uint64_t evicted() const override { return 0; }

 private:
  static Finding describe(const tcp::ScannerKey& key, const tcp::Scan& scan) {
    const std::string source = key.source.to_string();
    const bool vertical = scan.kind == tcp::Scan::Kind::vertical;
    Finding finding;
    finding.variant = vertical ? "vertical" : "horizontal";
    finding.entity = fmt::format("{}/{}", source, key.tunnel);
    finding.tunnel = key.tunnel;
    finding.severity = Severity::note;
    finding.confidence = Confidence::probable;
    finding.title = vertical ? fmt::format("{} tries port after port", source)
                             : fmt::format("{} tries host after host", source);
    finding.count = scan.attempts;
    finding.of = scan.attempts + scan.succeeded;
    finding.unit = "attempt";
    scan.evidence.fill(finding);
    finding.who.push_back(who("client", key.source));
    finding.who.push_back(who("server", scan.hosts));
    finding.capture_filter = capture_filter(key, scan);
    finding.measures = {{"targets", static_cast<std::int64_t>(scan.targets.estimate())},
                        {"refused", static_cast<std::int64_t>(scan.refused)},
                        {"reset_by_source", static_cast<std::int64_t>(scan.reset)},
                        {"silent", static_cast<std::int64_t>(scan.silent)}};
    add_causes(finding, scan, source);
    finding.next = {fmt::format("getent hosts {}", source), fmt::format("ip route get {}", source)};
    return finding;
  }

  static Finding describe(const tcp::MacKey& key, const tcp::ArpScan& scan) {
    const std::string mac = key.mac.to_string();
    const std::uint64_t targets = scan.targets.distinct();
    Finding finding;
    finding.variant = "arp";
    finding.entity = fmt::format("{}/{}", mac, key.tunnel);
    finding.tunnel = key.tunnel;
    finding.severity = Severity::note;
    finding.confidence = Confidence::probable;
    finding.title = fmt::format("{} asks for address after address", mac);
    finding.count = targets;
    finding.unit = "address";
    scan.evidence.fill(finding);
    finding.who.push_back({"mac", {{mac, 0}}, 1});
    if (!scan.askers.empty()) finding.who.push_back(who("client", scan.askers));
    finding.who.push_back(who("address", scan.targets));
    finding.capture_filter = fmt::format("arp and ether src {}", mac);
    finding.measures = {{"requests", static_cast<std::int64_t>(scan.requests)},
                        {"answered", static_cast<std::int64_t>(scan.answered)}};
    const std::string tried = fmt::format("{} asked for by ARP, {} answered",
                                          plural(targets, "address"), grouped(scan.answered));
    finding.causes.push_back(
        {"scanner", "a scanner or an inventory at work on this link", tried, ""});
    finding.causes.push_back({"forwarded-scan", "a router that passes on a scan from elsewhere",
                              "it asks for each address that it shall deliver to",
                              "ip neigh show"});
    finding.next = {fmt::format("ip neigh show | grep {}", mac)};
    return finding;
  }

  static std::string capture_filter(const tcp::ScannerKey& key, const tcp::Scan& scan) {
    const std::string source = key.source.to_string();
    const auto of = [&](tcp::Probe probe) { return scan.probes[static_cast<std::size_t>(probe)]; };
    // The evidence is the errors, which go to the source.
    if (of(tcp::Probe::udp) > 0) return fmt::format("host {}", source);
    const bool only_syns = of(tcp::Probe::syn) == scan.refused + scan.reset + scan.silent;
    if (key.source.is_v6() || !only_syns) return fmt::format("src host {} and tcp", source);
    return fmt::format("src host {} and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", source);
  }

  // What most targets were tried with.
  static std::string_view means(const tcp::Scan& scan) {
    const auto most = std::max_element(scan.probes.begin(), scan.probes.end());
    switch (static_cast<tcp::Probe>(most - scan.probes.begin())) {
      case tcp::Probe::null:
        return "segments without flags (null scan)";
      case tcp::Probe::fin:
        return "lone FINs (FIN scan)";
      case tcp::Probe::xmas:
        return "FIN, PSH and URG (Xmas scan)";
      case tcp::Probe::odd:
        return "odd flags";
      case tcp::Probe::udp:
        return "UDP";
      default:
        return scan.reset > 0 ? "SYNs, reset when answered" : "SYNs";
    }
  }

  static void add_causes(Finding& finding, const tcp::Scan& scan, const std::string& source) {
    const std::string tried = fmt::format("{} tried with {}, {} refused, {} silent",
                                          plural(scan.targets.estimate(), "target"), means(scan),
                                          grouped(scan.refused), grouped(scan.silent));
    finding.causes.push_back({"scanner", "a scanner or an inventory at work", tried,
                              fmt::format("getent hosts {}", source)});
    if (scan.kind == tcp::Scan::Kind::horizontal) {
      finding.causes.push_back(
          {"worm", "malware that spreads",
           fmt::format("one port, {}, of {}", scan.port, plural(scan.hosts.distinct(), "host")),
           ""});
    }
  }
};

}  // namespace

DetectorEntry port_scan() {
  return {"port-scan", "note", "sources that try one port or host after another", Basis::presence,
          make_detector<PortScan>};
}

}  // namespace wirefault
