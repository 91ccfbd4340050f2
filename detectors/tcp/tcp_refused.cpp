// Names the services that refuse connections.
//
// On the wire: a SYN is answered at once by an RST whose acknowledgment number covers it (RFC 9293,
// section 3.10.7.1). The packet proves the refusal; who sent it, the host or a firewall in its
// name, only its hop limit may tell. A client that was given another address and got through there
// is worth a note, and what a port scan stirs up is nobody's failure.
//
// Blind spots: an RST whose SYN is not in the capture may answer anything and is not counted. A
// refusal by ICMP error is icmp-unreachable or icmp-admin-prohibited.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "detectors/detector.h"
#include "detectors/tcp/attempts.h"

namespace wirefault {
namespace {

using std::chrono::seconds;

struct ServiceKey {
  std::uint64_t tunnel = 0;
  Endpoint service;
  std::uint32_t padding = 0;
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
};

struct Refusal {
  IpAddress client;
  Sighting reset;
  std::uint8_t hop_limit = 0;
  bool has_alternative = false;
};

struct Tally {
  static constexpr std::size_t most_kept = 128;

  std::vector<Refusal> refusals;  // the first
  std::uint64_t more = 0;
  Endpoint alternative;
};

class TcpRefused final : public Detector {
 public:
  explicit TcpRefused(Setup& setup)
      : min_refusals_{setup.count("min-refusals", 1, "refusals before a service is named")},
        services_{setup.tallies(1024)} {}

  void on_tcp_service_second(const tcp::ServiceSecond& second) override {
    if (second.service.port == 0) return;
    attempts_.add({second.tunnel, second.service}, second);
  }

  void on_connect_failure(const tcp::ConnectFailure& failure) override {
    const tcp::Handshake& handshake = failure.handshake;
    if (handshake.outcome != tcp::HandshakeOutcome::refused) return;
    const ServiceKey key{handshake.opening.tunnel, handshake.responder()};
    Tally& tally = services_[key];
    // Each port that a scan finds closed refuses once.
    if (!tally.refusals.empty()) services_.hold(key);
    if (failure.has_alternative) tally.alternative = failure.alternative;
    if (tally.refusals.size() == Tally::most_kept) {
      ++tally.more;
      return;
    }
    tally.refusals.push_back({handshake.initiator().address, handshake.ended_by,
                              handshake.ended_by_hop_limit, failure.has_alternative});
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    const Tried tried = tried_by_clients();
    for (const auto& [key, tally] : services_.sorted()) {
      std::vector<Refusal> refusals;
      for (const Refusal& refusal : tally->refusals) {
        if (!scene.is_scanner(refusal.client, key->tunnel)) refusals.push_back(refusal);
      }
      if (refusals.empty()) continue;
      // What was not kept is a scanner's too, in the same proportion at most.
      const std::uint64_t more = refusals.size() == tally->refusals.size() ? tally->more : 0;
      if (refusals.size() + more < min_refusals_) continue;
      Finding finding = describe(scene, *key, *tally, refusals, more);
      const bool all_probing = std::all_of(
          refusals.begin(), refusals.end(),
          [&, host = key->service.address, tunnel = key->tunnel](const Refusal& refusal) {
            return tried.at({refusal.client, host}) >= ports_of_a_probe ||
                   scene.misses_peers(refusal.client, tunnel);
          });
      if (all_probing) finding.severity = Severity::note;
      findings.push_back(std::move(finding));
    }
  }

  std::uint64_t evicted() const override { return services_.evicted(); }

 private:
  // A client that is refused at so many ports of one host looks around; no service needs as many.
  static constexpr std::uint64_t ports_of_a_probe = 4;

  // At how many ports of a host a client was refused.
  using Tried = std::map<std::pair<IpAddress, IpAddress>, std::uint64_t>;
  Tried tried_by_clients() const {
    Tried tried;
    for (const auto& [key, tally] : services_.sorted()) {
      std::set<IpAddress> clients;
      for (const Refusal& refusal : tally->refusals) clients.insert(refusal.client);
      for (const IpAddress& client : clients) ++tried[{client, key->service.address}];
    }
    return tried;
  }

  Finding describe(const Scene& scene, const ServiceKey& key, const Tally& tally,
                   const std::vector<Refusal>& refusals, std::uint64_t more) const {
    const std::string service = key.service.to_string();
    const Attempts* attempts = attempts_.find(key);
    const bool all_saved = std::all_of(refusals.begin(), refusals.end(),
                                       [](const Refusal& r) { return r.has_alternative; });
    Evidence evidence;
    TopList<IpAddress> clients;
    for (const Refusal& refusal : refusals) {
      evidence.add(refusal.reset);
      clients.add(refusal.client);
    }
    Finding finding;
    finding.entity = fmt::format("{}/{}", service, key.tunnel);
    finding.severity = all_saved ? Severity::note : Severity::error;
    finding.confidence = Confidence::certain;
    finding.title = short_title("", service, " refuses connections");
    finding.count = refusals.size() + more;
    finding.of = attempts == nullptr ? 0 : std::max<std::uint64_t>(attempts->begun, finding.count);
    finding.unit = "attempt";
    evidence.fill(finding);
    finding.state =
        scene.now - finding.last > seconds{60} ? FindingState::ended : FindingState::ongoing;
    finding.who.push_back(who("client", clients));
    finding.who.push_back(who("server", key.service));
    finding.capture_filter =
        fmt::format("host {} and tcp port {}", key.service.address.to_string(), key.service.port);
    add_causes(finding, key, tally, refusals, attempts);
    finding.next = {
        fmt::format("ss -ltnp 'sport = :{}'", key.service.port),
        fmt::format("nc -vz -w3 {} {}", key.service.address.to_string(), key.service.port)};
    return finding;
  }

  static void add_causes(Finding& finding, const ServiceKey& key, const Tally& tally,
                         const std::vector<Refusal>& refusals, const Attempts* attempts) {
    const std::string port = std::to_string(key.service.port);
    if (attempts != nullptr && attempts->completed > 0) {
      finding.causes.push_back({"some-backends-down",
                                "it was restarted, or some of its backends do not listen",
                                fmt::format("{} to it succeeded in this capture",
                                            plural(attempts->completed, "connection")),
                                fmt::format("ss -ltnp 'sport = :{}'", port)});
    }
    finding.causes.push_back({"no-listener", "nothing listens on the port",
                              fmt::format("RST at once, hop limit {}", refusals[0].hop_limit),
                              fmt::format("ss -ltnp 'sport = :{}'", port)});
    finding.causes.push_back({"firewall-reset", "a firewall refuses in the host's name",
                              "an RST does not say who sent it: compare its hop limit with the "
                              "host's other packets",
                              "nft list ruleset"});
    if (tally.alternative.port != 0) {
      finding.causes.push_back(
          {"wrong-address", "the client was given an address where the service is not",
           fmt::format("it got through at {}", tally.alternative.to_string()), ""});
    }
  }

  const std::uint64_t min_refusals_;
  TallyMap<ServiceKey, Tally> services_;
  AttemptCounts<ServiceKey> attempts_;
};

}  // namespace

DetectorEntry tcp_refused() {
  return {"tcp-refused", "note or error", "connections refused with an RST", Basis::presence,
          make_detector<TcpRefused>};
}

}  // namespace wirefault
