// Names the sources that try one port or host after another, so that nobody takes their refusals
// and silences for failures.
//
// On the wire: SYNs of one source to many ports of one host (vertical) or to one port of many hosts
// (horizontal), answered by RSTs, ICMP errors or nothing, hardly ever by data. What makes a scan is
// decided in knowledge/scanners.h, where the other detectors ask as well.
//
// Blind spots: a scan spread over many sources, or slower than a port in twenty seconds. An
// inventory or a monitoring system looks the same: only its owner can tell.

#include <fmt/format.h>

#include "detectors/detector.h"

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
      Finding finding = describe(*key, *scan);
      finding.state = scene.now - finding.last > std::chrono::seconds{60} ? FindingState::ended
                                                                          : FindingState::ongoing;
      finding.lower_bound = scans.evicted() > 0;
      findings.push_back(std::move(finding));
    }
  }

 private:
  static Finding describe(const tcp::ScannerKey& key, const tcp::Scan& scan) {
    const std::string source = key.source.to_string();
    const bool vertical = scan.kind == tcp::Scan::Kind::vertical;
    Finding finding;
    finding.variant = vertical ? "vertical" : "horizontal";
    finding.entity = fmt::format("{}/{}", source, key.tunnel);
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
    finding.capture_filter =
        fmt::format("src host {} and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", source);
    if (key.source.is_v6()) finding.capture_filter = fmt::format("src host {} and tcp", source);
    finding.measures = {{"targets", static_cast<std::int64_t>(scan.targets.estimate())},
                        {"refused", static_cast<std::int64_t>(scan.refused)},
                        {"reset_by_source", static_cast<std::int64_t>(scan.reset)},
                        {"silent", static_cast<std::int64_t>(scan.silent)}};
    add_causes(finding, scan, source);
    finding.next = {fmt::format("getent hosts {}", source), fmt::format("ip route get {}", source)};
    return finding;
  }

  static void add_causes(Finding& finding, const tcp::Scan& scan, const std::string& source) {
    const std::string tried =
        fmt::format("{} tried, {} refused, {} silent", plural(scan.targets.estimate(), "target"),
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
