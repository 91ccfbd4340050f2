#include "detectors/knowledge/scanners.h"

#include <algorithm>
#include <set>

namespace wirefault::tcp {
namespace {

// Distinct targets of a source that are looked at together: far more than make a scan.
constexpr std::size_t most_recent = 128;

// A client that fails at so many ports of hosts as many and far apart talks to peers.
constexpr std::size_t most_peers_missed = 8;

// detectors.md, section 5.10.
constexpr Duration arp_window = std::chrono::seconds{10};

constexpr std::uint8_t udp_protocol = 17;
// Below are servers, whose late answers nobody waits for.
constexpr std::uint16_t first_client_port = 1024;
// What arrives with less had been sent with a small TTL on purpose: traceroute.
constexpr std::uint8_t traced_hop_limit = 4;

Probe probe_of(std::uint8_t flags) {
  constexpr std::uint8_t christmas = tcp::fin | psh | urg;
  if (flags == 0) return Probe::null;
  if (flags == tcp::fin) return Probe::fin;
  if (flags == christmas) return Probe::xmas;
  return (flags & tcp::syn) != 0 ? Probe::syn : Probe::odd;
}

// The network whose hosts are neighbours: /24, /64.
IpAddress neighbourhood(const IpAddress& address) {
  return address.network(address.is_v6() ? 8 : 3);
}
// One outside of which hosts hardly belong together: /16, /48.
IpAddress region(const IpAddress& address) {
  return address.network(address.is_v6() ? 6 : 2);
}

}  // namespace

Scanners::Scanners(Settings& settings)
    // The figures of Zeek's scan policy.
    : ports_{settings.count("port-scan", "ports", 15, "ports of one host that make a scan")},
      hosts_{settings.count("port-scan", "hosts", 25, "hosts asked for one port that make a scan")},
      window_{settings.duration("port-scan", "window", std::chrono::minutes{5},
                                "time within which they must be tried")},
      arp_targets_{settings.count("port-scan", "arp-targets", 20,
                                  "addresses asked for by ARP within ten seconds, likewise")} {}

void Scanners::add(const SourceSecond& second) {
  Scan& scan = scans_[{second.tunnel, second.source}];
  scan.attempts += second.attempts;
  scan.succeeded += second.succeeded;
  scan.recent_succeeded += second.succeeded;
  // In the order in which they were tried, whatever their hashes.
  std::vector<FailedAttempt> attempts;
  for (const auto& item : second.sample.items()) attempts.push_back(item.value);
  std::sort(attempts.begin(), attempts.end(), [](const FailedAttempt& a, const FailedAttempt& b) {
    return a.seen.packet < b.seen.packet;
  });
  for (const FailedAttempt& attempt : attempts) add(scan, attempt, probe_of(attempt.flags));
}

void Scanners::add(const icmp::Error& error) {
  if (error.kind != icmp::ErrorKind::port_unreachable || error.is_reply || !error.has_ports ||
      error.protocol != udp_protocol || error.match == icmp::Match::dns_transaction ||
      error.source_port < first_client_port || error.quoted_hop_limit < traced_hop_limit) {
    return;
  }
  FailedAttempt attempt;
  attempt.responder = error.service();
  attempt.seen = error.seen;
  attempt.outcome = HandshakeOutcome::rejected;
  Scan& scan = scans_[{error.tunnel, error.source}];
  ++scan.attempts;
  add(scan, attempt, Probe::udp);
}

void Scanners::add(const link::ArpSeen& arp) {
  const link::Arp& message = arp.message;
  if (message.operation == link::Arp::reply) {
    ArpScan* asker = arp_scans_.find({arp.tunnel, message.target_mac});
    if (asker == nullptr) return;
    for (ArpScan::Target& target : asker->recent) {
      if (target.address != message.sender_ip || target.is_answered) continue;
      target.is_answered = true;
      ++asker->answered;
    }
    return;
  }
  if (message.operation != link::Arp::request) return;
  ArpScan& scan = arp_scans_[{arp.tunnel, message.sender_mac}];
  const Timestamp now = arp.seen.time;
  while (!scan.recent.empty() && now - scan.recent.front().asked.time > arp_window) {
    scan.recent.pop_front();
  }
  ++scan.requests;
  const auto known =
      std::find_if(scan.recent.begin(), scan.recent.end(),
                   [&](const ArpScan::Target& each) { return each.address == message.target_ip; });
  if (scan.is_scan) add_to(scan, {message.target_ip, arp.seen});
  if (!message.is_probe()) scan.askers.add(message.sender_ip);
  if (known != scan.recent.end()) return;
  if (scan.recent.size() == most_recent) scan.recent.pop_front();
  scan.recent.push_back({message.target_ip, arp.seen});
  if (scan.is_scan || scan.recent.size() < arp_targets_) return;
  const auto answered = static_cast<std::size_t>(
      std::count_if(scan.recent.begin(), scan.recent.end(),
                    [](const ArpScan::Target& each) { return each.is_answered; }));
  if (answered * 2 > scan.recent.size()) return;
  scan.is_scan = true;
  for (const ArpScan::Target& each : scan.recent) add_to(scan, each);
}

void Scanners::add_to(ArpScan& scan, const ArpScan::Target& target) {
  scan.targets.add(target.address);
  scan.evidence.add(target.asked);
}

void Scanners::add(Scan& scan, const FailedAttempt& attempt, Probe probe) const {
  const Endpoint& target = attempt.responder;
  scan.targets.add(
      stable_hash(Bytes{reinterpret_cast<const std::uint8_t*>(&target), sizeof target}));
  scan.hosts.add(target.address);
  scan.evidence.add(attempt.seen);
  ++scan.probes[static_cast<std::size_t>(probe)];
  switch (attempt.outcome) {
    case HandshakeOutcome::refused:
    case HandshakeOutcome::rejected:
      ++scan.refused;
      break;
    case HandshakeOutcome::reset_by_initiator:
      ++scan.reset;
      break;
    default:
      ++scan.silent;
  }
  if (scan.kind != Scan::Kind::none) return;
  while (!scan.recent.empty() && attempt.seen.time - scan.recent.front().when > window_) {
    scan.recent.pop_front();
    scan.recent_succeeded = 0;
  }
  const auto same = [&](const Scan::Target& known) { return known.responder == target; };
  if (std::any_of(scan.recent.begin(), scan.recent.end(), same)) return;
  if (scan.recent.size() == most_recent) scan.recent.pop_front();
  scan.recent.push_back({target, attempt.seen.time, attempt.outcome == HandshakeOutcome::silent});
  scan.misses_peers = scan.misses_peers || misses_peers(scan);
  look_at(scan);
}

// Whether the newest target makes it a scan.
void Scanners::look_at(Scan& scan) const {
  const Scan::Target& newest = scan.recent.back();
  std::uint64_t ports = 0;
  std::uint64_t hosts = 0;
  std::uint64_t neighbours = 0;
  for (const Scan::Target& target : scan.recent) {
    if (target.responder.address == newest.responder.address) ++ports;
    if (target.responder.port != newest.responder.port) continue;
    if (!target.insisted) ++hosts;
    if (neighbourhood(target.responder.address) == neighbourhood(newest.responder.address)) {
      ++neighbours;
    }
  }
  // Behind an address translator or a proxy many clients fail now and then, and most succeed.
  if (scan.recent_succeeded > scan.recent.size()) return;
  if (ports >= ports_) {
    scan.kind = Scan::Kind::vertical;
    scan.host = newest.responder.address;
  } else if (hosts >= hosts_ || neighbours >= hosts_) {
    scan.kind = Scan::Kind::horizontal;
    scan.port = newest.responder.port;
  }
  if (scan.kind != Scan::Kind::none) scan.recent.clear();
}

bool Scanners::misses_peers(const Scan& scan) {
  std::set<std::uint16_t> ports;
  std::set<IpAddress> regions;
  for (const Scan::Target& target : scan.recent) {
    ports.insert(target.responder.port);
    regions.insert(region(target.responder.address));
  }
  return std::min(ports.size(), regions.size()) >= most_peers_missed;
}

bool Scanners::is_scanner(const IpAddress& source, std::uint64_t tunnel) const {
  const Scan* scan = scans_.find({tunnel, source});
  return scan != nullptr && scan->kind != Scan::Kind::none;
}

bool Scanners::misses_peers(const IpAddress& source, std::uint64_t tunnel) const {
  const Scan* scan = scans_.find({tunnel, source});
  return scan != nullptr && scan->misses_peers;
}

}  // namespace wirefault::tcp
