#include "detectors/rejections.h"

#include <fmt/format.h>

#include <algorithm>

#include "detectors/knowledge/dns_zone.h"
#include "detectors/state.h"
#include "dissectors/dns/name_hash.h"

namespace wirefault {
namespace {

using std::chrono::milliseconds;

// Where traceroute sends its probes; and a datagram that arrives with less than this had been sent
// with a small TTL on purpose.
constexpr std::uint16_t first_probe_port = 33434;
constexpr std::uint16_t last_probe_port = 33534;
constexpr std::uint8_t probe_hop_limit = 4;

// A client that tries so many services, none of them twice, is looking for something.
constexpr std::uint64_t scanned_services = 8;
// A datagram that nobody takes is lost once; repeated, to the same service, it is a fault.
constexpr std::uint64_t repeated = 3;
// A sender that is told has obeyed by then, and what was under way has arrived.
constexpr Duration time_to_obey = std::chrono::seconds{1};
// Relapses that are shown with their frame.
constexpr std::size_t most_relapses_shown = 5;

// Asked of hosts whether or not they know it: NetBIOS, SSDP, WS-Discovery, mDNS, LLMNR.
bool is_discovery(std::uint16_t port) {
  return port == 137 || port == 138 || port == 1900 || port == 3702 || port == 5353 || port == 5355;
}

bool is_probe(const icmp::Error& error) {
  if (error.quoted_hop_limit < probe_hop_limit) return true;
  return error.protocol == ip::protocol::udp && error.destination_port >= first_probe_port &&
         error.destination_port <= last_probe_port;
}

}  // namespace

bool Rejections::counts(const icmp::Error& error) {
  return !error.is_reply && !is_probe(error) && error.match != icmp::Match::tcp_connection;
}

bool Rejections::is_late_reply(const icmp::Error& error) {
  return error.is_reply && !is_probe(error) && error.kind == icmp::ErrorKind::port_unreachable &&
         error.protocol == ip::protocol::udp && error.match == icmp::Match::datagram;
}

bool Rejections::is_healthy() const {
  return failures() == 0 && attempts_ == 0 && others_ - discoveries_ < repeated;
}

bool Rejections::was_told_in_vain() const {
  return errors_.count() >= repeated && errors_.last_time() - errors_.first_time() >= time_to_obey;
}

void Rejections::add(const icmp::Error& error) {
  if (!errors_.empty() && error.heard.exists() && error.heard.time > last_) {
    if (++relapses_ <= most_relapses_shown) relapsed_.push_back(error.seen);
  }
  errors_.add(error.seen);
  servers_.add(error.service());
  hosts_.add(error.destination);
  clients_.add(error.source);
  protocol_ = error.protocol;
  run_ = error.seen.time - last_ < milliseconds{1} ? run_ + 1 : 1;
  burst_ = std::max(burst_, run_);
  last_ = std::max(last_, error.seen.time);
  switch (error.match) {
    case icmp::Match::dns_transaction:
      ++queries_;
      break;
    case icmp::Match::tcp_attempt:
      ++attempts_;
      break;
    default:
      ++others_;
      if (is_discovery(error.destination_port)) ++discoveries_;
  }
}

void Rejections::add_failed_attempt(const tcp::Handshake&) {
  ++failed_attempts_;
}

bool Rejections::is_scan(const Scene& scene, std::uint64_t tunnel) const {
  const auto clients = clients_.top(TopList<IpAddress>::capacity);
  const bool all_scan = std::all_of(clients.begin(), clients.end(), [&](const auto& client) {
    return scene.scanners != nullptr && scene.scanners->is_scanner(client.first, tunnel);
  });
  if (all_scan) return true;
  return queries_ == 0 && clients_.distinct() <= 2 && servers_.distinct() >= scanned_services &&
         errors_.count() <= 2 * servers_.distinct();
}

Severity Rejections::severity(const Scene& scene, std::uint64_t tunnel) const {
  if (is_scan(scene, tunnel)) return Severity::note;
  if (failures() > 0) return Severity::error;
  // Attempts whose end is still to come.
  if (attempts_ > 0) return Severity::warning;
  const bool insists = errors_.count() >= 2 * servers_.distinct();
  return insists && others_ - discoveries_ >= repeated ? Severity::warning : Severity::note;
}

void Rejections::fill(Finding& finding, const Scene& scene, std::uint64_t tunnel) const {
  finding.severity = severity(scene, tunnel);
  finding.confidence = Confidence::certain;
  Evidence errors = errors_;
  if (is_one_host()) {
    for (const Sighting& relapse : relapsed_) {
      errors.show(relapse, "refused again, after it had sent such packets itself");
    }
  }
  errors.fill(finding);
  finding.count = errors_.count();
  finding.unit = "error";
  finding.state = state_at(scene.now, finding);
  finding.who.push_back(who("client", clients_));
  // Ports mean something to TCP and UDP only.
  if (protocol_ == ip::protocol::tcp || protocol_ == ip::protocol::udp) {
    finding.who.push_back(who("server", servers_));
  }
  finding.who.push_back(who("address", hosts_));
  finding.measures = {{"failed_attempts", static_cast<std::int64_t>(failed_attempts_)},
                      {"rejected_queries", static_cast<std::int64_t>(queries_)}};
  if (is_scan(scene, tunnel)) {
    finding.caveats.push_back(
        {"scan", fmt::format("{} tried {} and none of them often: this looks like a scan",
                             plural(clients_.distinct(), "client"),
                             plural(servers_.distinct(), "service"))});
  }
  // RFC 1812 section 4.3.2.8; Linux sends one per second and target.
  finding.caveats.push_back({"rate-limit",
                             "routers and hosts limit such errors: more packets may "
                             "have met the same fate"});
}

void RejectedServices::add(const icmp::Error& error) {
  const ServiceKey key{error.tunnel, error.service(), 0};
  services_[key];
  if (error.match == icmp::Match::dns_transaction) services_.hold(key);
}

void RejectedServices::note_answer(const dns::Transaction& transaction) {
  if (services_.empty() || transaction.outcome != dns::Outcome::answered) return;
  note_answer({transaction.tunnel, transaction.server, 0}, transaction.response.seen.time);
}

void RejectedServices::note_answer(const tcp::ServiceSecond& second) {
  if (services_.empty() || second.completed == 0) return;
  note_answer({second.tunnel, second.service, 0}, second.begin);
}

void RejectedServices::note_answer(const ServiceKey& key, Timestamp when) {
  Service* service = services_.find(key);
  if (service == nullptr || when < service->last_answer) return;
  service->last_answer = when;
  service->silence = {};
}

void RejectedServices::add(const dns::Lookup& lookup) {
  // Names of addresses are for logs and for people.
  if (services_.empty() || dns::is_reverse(lookup.question.name)) return;
  for (const dns::LookupServer& asked : lookup.asked_servers()) {
    Service* service = services_.find({lookup.tunnel, asked.server, 0});
    if (service == nullptr) continue;
    if (lookup.end == dns::LookupEnd::resolved && lookup.resolver != asked.server) {
      ++service->saved;
    } else if (lookup.end == dns::LookupEnd::failed && lookup.last_asked > service->last_answer) {
      QuickHash hash;
      hash.add(lookup.client.bytes());
      hash.add(hash_of(lookup.question), 0);
      service->silence.add_lookup(hash.value());
    }
  }
}

bool RejectedServices::is_repaired(const Rejections& rejections, std::uint64_t tunnel) const {
  if (!rejections.is_one_service()) return false;
  const Service* service = services_.find({tunnel, rejections.servers().top(1).front().first, 0});
  return service != nullptr && service->last_answer > rejections.last();
}

void RejectedServices::rate(Finding& finding, const Rejections& rejections,
                            std::uint64_t tunnel) const {
  if (finding.severity != Severity::error || !rejections.has_queries()) return;
  const auto servers = rejections.servers().top(TopList<Endpoint>::capacity);
  const bool is_out = std::any_of(servers.begin(), servers.end(), [&](const auto& server) {
    const Service* service = services_.find({tunnel, server.first, 0});
    return service != nullptr && service->silence.is_outage() && service->saved == 0;
  });
  if (is_out) finding.severity = Severity::critical;
}

}  // namespace wirefault
