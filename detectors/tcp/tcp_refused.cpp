// Names the services that refuse connections.
//
// On the wire: a SYN is answered at once by an RST whose acknowledgment number covers it (RFC 9293,
// section 3.10.7.1). The packet proves the refusal. Who sent it, the host or a firewall in its
// name, its hop limit tells where other packets of the host are there to compare: SYN-ACKs, echo
// replies. A client that was given another address and got through there is worth a note, and what
// a port scan stirs up is nobody's failure.
//
// Blind spots: an RST whose SYN is not in the capture makes no finding; see not_looked_at. A
// refusal by ICMP error is icmp-unreachable or icmp-admin-prohibited.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <span>

#include "detectors/detector.h"
#include "detectors/flow_key.h"
#include "detectors/state.h"
#include "detectors/tcp/attempts.h"

namespace wirefault {
namespace {

struct HostKey {
  std::uint64_t tunnel = 0;
  IpAddress host;
  std::array<std::uint8_t, 6> padding{};
  friend auto operator<=>(const HostKey&, const HostKey&) = default;
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
  Timestamp last{};  // of all refusals
  Endpoint alternative;
};

class TcpRefused final : public Detector {
 public:
  explicit TcpRefused(Setup& setup)
      : min_refusals_{setup.count("min-refusals", 1, "refusals before a service is named")},
        services_{setup.tallies(1024)},
        echo_hop_limits_{setup.tallies(1024)} {}

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
    tally.last = std::max(tally.last, handshake.ended_by.time);
    if (failure.has_alternative) tally.alternative = failure.alternative;
    if (tally.refusals.size() == Tally::most_kept) {
      ++tally.more;
      return;
    }
    tally.refusals.push_back({handshake.initiator().address, handshake.ended_by,
                              handshake.ended_by_hop_limit, failure.has_alternative});
  }

  void on_icmp_echo_answered(const icmp::EchoAnswered& echo) override {
    echo_hop_limits_[{echo.tunnel, echo.answerer}] = echo.reply_hop_limit;
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    const Tried tried = tried_by_clients();
    const Neighbours neighbours = refusing_neighbours();
    std::map<Search, std::vector<Refusing>> searches;
    for (const auto& [key, tally] : services_.sorted()) {
      Refusing service = without_scanners(scene, *key, *tally);
      if (service.refusals.empty() || service.count() < min_refusals_) continue;
      // Captured by another name: clang takes the binding's own for a shadow.
      const auto is_searched = [&, &of = *key](const Refusal& refusal) {
        return tried.at({refusal.client, of.service.address}) >= ports_of_a_search ||
               scene.misses_peers(refusal.client, of.tunnel);
      };
      const IpAddress client = service.refusals[0].client;
      const auto is_same = [&](const Refusal& refusal) { return refusal.client == client; };
      const bool is_search =
          std::all_of(service.refusals.begin(), service.refusals.end(), is_searched);
      if (!is_search || !std::all_of(service.refusals.begin(), service.refusals.end(), is_same)) {
        findings.push_back(describe(scene, service, neighbours));
        if (is_search) findings.back().severity = Severity::note;
        continue;
      }
      const bool at_one_host = tried.at({client, key->service.address}) >= ports_of_a_search;
      const IpAddress host = at_one_host ? key->service.address : IpAddress{};
      searches[{key->tunnel, client, host}].push_back(std::move(service));
    }
    for (const auto& [search, services] : searches) {
      findings.push_back(services.size() > 1 ? describe(scene, search, services)
                                             : describe(scene, services[0], neighbours));
      findings.back().severity = Severity::note;
    }
  }

  std::uint64_t evicted() const override { return services_.evicted(); }

 private:
  // A client that is refused at so many ports of one host looks around; no service needs as many.
  static constexpr std::uint64_t ports_of_a_search = 4;

  // As many hosts of a network do not stop serving at the same time.
  static constexpr std::size_t hosts_behind_a_firewall = 3;

  // The refusals at one service, without those of scanners.
  struct Refusing {
    const ServiceKey* key;
    const Tally* tally;
    std::vector<Refusal> refusals;
    std::uint64_t more = 0;

    std::uint64_t count() const { return refusals.size() + more; }
  };
  static Refusing without_scanners(const Scene& scene, const ServiceKey& key, const Tally& tally) {
    Refusing service{&key, &tally, {}};
    for (const Refusal& refusal : tally.refusals) {
      if (!scene.is_scanner(refusal.client, key.tunnel)) service.refusals.push_back(refusal);
    }
    // What was not kept is a scanner's too, in the same proportion at most.
    if (service.refusals.size() == tally.refusals.size()) service.more = tally.more;
    return service;
  }

  // Who looks around: at the ports of a host or, where that is unspecified, among its peers.
  struct Search {
    std::uint64_t tunnel = 0;
    IpAddress client;
    IpAddress host;
    friend auto operator<=>(const Search&, const Search&) = default;
  };

  static HostKey network_of(const ServiceKey& key) {
    const IpAddress& host = key.service.address;
    return {key.tunnel, host.network(host.is_v6() ? 6 : 3)};
  }
  // The hosts of each /24 or /48 that refused.
  using Neighbours = std::map<HostKey, std::set<IpAddress>>;
  Neighbours refusing_neighbours() const {
    Neighbours neighbours;
    for (const auto& [key, tally] : services_.sorted()) {
      neighbours[network_of(*key)].insert(key->service.address);
    }
    return neighbours;
  }

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

  // What findings about one service and about several have in common.
  Finding summary(const Scene& scene, std::span<const Refusing> services) const {
    Evidence evidence;
    TopList<IpAddress> clients;
    TopList<Endpoint> servers;
    Finding finding;
    Timestamp last = Timestamp::min();
    bool accept_again = true;
    for (const Refusing& each : services) {
      const Attempts* attempts = attempts_.find(*each.key);
      for (const Refusal& refusal : each.refusals) {
        evidence.add(refusal.reset);
        clients.add(refusal.client);
      }
      servers.add(each.key->service, each.count());
      finding.count += each.count();
      finding.of +=
          std::max<std::uint64_t>(attempts == nullptr ? 0 : attempts->begun, each.count());
      last = std::max(last, each.tally->last);
      accept_again = accept_again && attempts != nullptr && attempts->completed != 0 &&
                     attempts->has_answers_after(each.tally->last);
    }
    finding.confidence = Confidence::certain;
    finding.unit = "attempt";
    evidence.fill(finding);
    // Of more refusals than are kept.
    finding.last = std::max(finding.last, last);
    finding.state = accept_again ? FindingState::ended : state_at(scene.now, finding);
    finding.who = {who("client", clients), who("server", servers)};
    return finding;
  }

  // Of clients that asked once and no more, where nobody ever got in.
  std::uint64_t lone_attempts(const Refusing& service) const {
    const Attempts* attempts = attempts_.find(*service.key);
    if (attempts != nullptr && attempts->completed != 0) return 0;
    std::map<IpAddress, std::uint64_t> asked;
    for (const Refusal& refusal : service.refusals) ++asked[refusal.client];
    return static_cast<std::uint64_t>(
        std::ranges::count_if(asked, [](const auto& each) { return each.second == 1; }));
  }

  Finding describe(const Scene& scene, const Refusing& service,
                   const Neighbours& neighbours) const {
    const ServiceKey& key = *service.key;
    const std::string name = key.service.to_string();
    const std::string address = key.service.address.to_string();
    const bool all_saved = std::all_of(service.refusals.begin(), service.refusals.end(),
                                       [](const Refusal& r) { return r.has_alternative; });
    Finding finding = summary(scene, {&service, 1});
    finding.entity = fmt::format("{}/{}", name, key.tunnel);
    finding.tunnel = key.tunnel;
    finding.severity = all_saved ? Severity::note : Severity::error;
    finding.title = short_title("", name, " refuses connections");
    finding.measures = {{"lone_attempts", static_cast<std::int64_t>(lone_attempts(service))}};
    finding.capture_filter = fmt::format("host {} and tcp port {}", address, key.service.port);
    finding.next = {fmt::format("ss -ltnp 'sport = :{}'  # on the server", key.service.port),
                    fmt::format("nc -vz -w3 {} {}", address, key.service.port)};
    add_causes(finding, scene, service, neighbours.at(network_of(key)).size());
    return finding;
  }

  Finding describe(const Scene& scene, const Search& search,
                   const std::vector<Refusing>& services) const {
    const std::string client = search.client.to_string();
    const std::string host = search.host.to_string();
    Finding finding = summary(scene, services);
    if (search.host == IpAddress{}) {
      finding.variant = "peers";
      finding.entity = fmt::format("{}/{}", client, search.tunnel);
      finding.tunnel = search.tunnel;
      finding.title = short_title("peers of ", client, " refuse connections");
      finding.capture_filter = fmt::format("tcp and host {}", client);
      finding.causes = {
          {"peers-gone", "a peer-to-peer client, whose peers come and go",
           fmt::format("refused at {} of hosts far apart", plural(services.size(), "service")),
           ""}};
    } else {
      finding.variant = "ports";
      finding.entity = fmt::format("{}>{}/{}", client, host, search.tunnel);
      finding.tunnel = search.tunnel;
      finding.title = short_title("", host, " refuses many ports to ", client, "");
      finding.capture_filter = fmt::format("tcp and host {} and host {}", client, host);
      finding.causes = {{"search", "the client looks for what the host serves",
                         fmt::format("refused at {}", plural(services.size(), "port")), ""}};
    }
    finding.next = {"ss -tnp  # on the client: which program"};
    return finding;
  }

  // Of what the host itself sends to where this was captured; 0: nothing to compare with.
  std::uint8_t own_hop_limit(const Scene& scene, const ServiceKey& key) const {
    const std::uint8_t of_syn_acks = scene.hop_limit_of(key.service.address, key.tunnel);
    if (of_syn_acks != 0) return of_syn_acks;
    const std::uint8_t* of_echoes = echo_hop_limits_.find({key.tunnel, key.service.address});
    return of_echoes == nullptr ? std::uint8_t{0} : *of_echoes;
  }

  // `neighbours`: hosts of the network that refuse, this one included.
  void add_causes(Finding& finding, const Scene& scene, const Refusing& service,
                  std::size_t neighbours) const {
    const ServiceKey& key = *service.key;
    const std::uint8_t hop_limit = service.refusals[0].hop_limit;
    const std::string port = std::to_string(key.service.port);
    const Attempts* attempts = attempts_.find(key);
    if (attempts != nullptr && attempts->completed > 0) {
      finding.causes.push_back({"some-backends-down",
                                "it was restarted, or some of its backends do not listen",
                                fmt::format("{} to it succeeded in this capture",
                                            plural(attempts->completed, "connection")),
                                fmt::format("ss -ltnp 'sport = :{}'  # on the server", port)});
    }
    // Stacks begin with hop limits of their own, for resets another one perhaps: hops compare.
    const std::uint8_t own = own_hop_limit(scene, key);
    const int reset_hops = hops_passed(hop_limit);
    const int own_hops = hops_passed(own);
    const bool from_elsewhere = own != 0 && reset_hops != own_hops;
    const bool of_network = neighbours >= hosts_behind_a_firewall;
    const Cause no_listener{
        "no-listener", "nothing listens on the port",
        own == 0         ? fmt::format("RST at once, hop limit {}", hop_limit)
        : from_elsewhere ? std::string{"RST at once"}
                         : fmt::format("the RST comes from {} away, as the host's other packets do",
                                       plural(static_cast<std::uint64_t>(own_hops), "hop")),
        fmt::format("ss -ltnp 'sport = :{}'  # on the server", port)};
    std::string why =
        own == 0 ? std::string{"an RST does not say who sent it: compare its hop limit with the "
                               "host's other packets"}
        : from_elsewhere
            ? fmt::format("the RST comes from {} away, the host's other packets from {}",
                          plural(static_cast<std::uint64_t>(reset_hops), "hop"), own_hops)
            : std::string{"the host's own filter can answer like this"};
    if (of_network) {
      why += fmt::format("; {} of the network refuse", plural(neighbours, "host"));
    }
    const Cause firewall{"firewall-reset", "a firewall refuses in the host's name", std::move(why),
                         "nft list ruleset"};
    const bool firewall_first = from_elsewhere || (own == 0 && of_network);
    finding.causes.push_back(firewall_first ? firewall : no_listener);
    finding.causes.push_back(firewall_first ? no_listener : firewall);
    const Endpoint& alternative = service.tally->alternative;
    if (alternative.port != 0) {
      finding.causes.push_back({"wrong-address",
                                "the client was given an address where the service is not",
                                fmt::format("it got through at {}", alternative.to_string()), ""});
    }
  }

  const std::uint64_t min_refusals_;
  TallyMap<ServiceKey, Tally> services_;
  TallyMap<HostKey, std::uint8_t> echo_hop_limits_;
  AttemptCounts<ServiceKey> attempts_;
};

}  // namespace

DetectorEntry tcp_refused() {
  return {"tcp-refused", "note or error", "connections refused with an RST", Basis::presence,
          make_detector<TcpRefused>};
}

}  // namespace wirefault
