// Names the paths on which datagrams in fragments do not arrive whole.
//
// On the wire: fragments of a datagram pass, and one or more of its others never do; after 30 s its
// receiver throws away what it has, and may say so (ICMP time exceeded, code 1). Which ones are
// missing hints at the reason: filters that look at ports drop every fragment but the first, load
// balancers send the others elsewhere, congestion takes any.
//
// Blind spots: a capture filter on ports drops later fragments by itself, so when none is seen
// anywhere, and nothing else that such a filter would leave out either, only a complaint by the
// receiver counts. Near the sender all fragments pass; then too only the receiver can tell.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "detectors/detector.h"
#include "detectors/state.h"

namespace wirefault {
namespace {

using ip::FragmentOutcome;
using ip::Missing;

// What the first fragment tells of who was talking.
struct Service {
  std::uint16_t protocol = 0;  // 16 bits, so that there is no padding
  std::uint16_t port = 0;

  // The smaller port is the service's.
  static Service of(const ip::FragmentedDatagram& datagram) {
    return {datagram.upper_protocol, std::min(datagram.source_port, datagram.destination_port)};
  }
  // VXLAN, Linux's VXLAN, Geneve, or IP in something without ports.
  bool is_tunnel() const {
    if (protocol == ip::protocol::udp) return port == 4789 || port == 8472 || port == 6081;
    return protocol == ip::protocol::gre || protocol == ip::protocol::esp ||
           protocol == ip::protocol::ipv4 || protocol == ip::protocol::ipv6;
  }
  std::string to_string() const {
    const std::string name = ip::protocol_name(static_cast<std::uint8_t>(protocol));
    return port == 0 ? name : fmt::format("{} port {}", name, port);
  }
  friend auto operator<=>(const Service&, const Service&) = default;
};

struct Tally {
  std::uint64_t complete = 0;
  std::uint64_t delayed = 0;
  std::uint64_t lost = 0;
  std::uint64_t confirmed = 0;             // by the receiver
  std::uint64_t waited_briefly = 0;        // of the lost: the capture ended early
  std::uint64_t upper_failures = 0;        // of the lost: what they carried failed
  std::uint64_t dns_responses = 0;         // of the lost
  std::uint64_t dns_fragments = 0;         // queries of whose response only a fragment came
  std::array<std::uint64_t, 6> missing{};  // by ip::Missing
  std::uint64_t tunnelled = 0;             // of the lost: what a tunnel made too large
  Evidence fragments;
  TopList<Service> services;
  Timestamp last_lost{};
  Timestamp last_complete{};

  bool is_healthy() const { return lost == 0 && dns_fragments == 0; }
};

class IpFragmentLoss final : public Detector {
 public:
  explicit IpFragmentLoss(Setup& setup)
      : min_lost_{setup.count("min-lost", 3, "lost datagrams before an unconfirmed loss is told")},
        share_{setup.percent("share", 5, "or this part of at least 20 datagrams in fragments")} {}

  void on_ip_fragmented_datagram(const ip::FragmentedDatagram& datagram) override {
    if (datagram.is_complete()) return add_complete(datagram);
    // Used identifications, attacks and what the table or the capture cut off say nothing.
    if (datagram.outcome != FragmentOutcome::incomplete) return;
    // Captures that were edited have wrong checksums too, but not on stray fragments alone.
    if (datagram.corrupt && datagram.fragment_count == 1) return;
    add_lost(datagram);
  }

  void on_dns_transaction(const dns::Transaction& transaction) override {
    if (transaction.outcome != dns::Outcome::unanswered ||
        !transaction.response_fragment.exists()) {
      return;
    }
    ++paths_[{transaction.tunnel, transaction.server.address, transaction.client.address, 0}]
          .dns_fragments;
  }
  // A lookup that failed, of a server whose response lost fragments. One that the client saved,
  // over TCP as a rule, is no failure: see RFC 9715.
  void on_dns_lookup(const dns::Lookup& lookup) override {
    if (lookup.end != dns::LookupEnd::failed) return;
    for (const dns::LookupServer& asked : lookup.asked_servers()) {
      Tally* tally = paths_.find({lookup.tunnel, asked.server.address, lookup.client, 0});
      if (tally != nullptr && tally->dns_fragments > 0) ++tally->upper_failures;
    }
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : paths_.sorted()) {
      if (is_worth_a_finding(scene, *tally)) findings.push_back(describe(scene, *key, *tally));
    }
  }

  std::uint64_t evicted() const override { return paths_.evicted(); }

 private:
  static PathKey key_of(const ip::FragmentedDatagram& datagram) {
    return {datagram.tunnel, datagram.source, datagram.destination, 0};
  }

  void add_complete(const ip::FragmentedDatagram& datagram) {
    Tally& tally = paths_[key_of(datagram)];
    ++(datagram.outcome == FragmentOutcome::delayed ? tally.delayed : tally.complete);
    tally.last_complete = std::max(tally.last_complete, datagram.settled);
  }

  void add_lost(const ip::FragmentedDatagram& datagram) {
    Tally& tally = paths_[key_of(datagram)];
    if (datagram.is_confirmed()) ++tally.confirmed;
    tally.fragments.add(datagram.confirmed_by);
    if (datagram.amends && datagram.amended == FragmentOutcome::incomplete) return;
    if (datagram.amends && datagram.amended == FragmentOutcome::complete) --tally.complete;
    if (datagram.amends && datagram.amended == FragmentOutcome::delayed) --tally.delayed;
    ++tally.lost;
    if (datagram.waited_briefly) ++tally.waited_briefly;
    if (datagram.has_dns_id && datagram.source_port == 53) ++tally.dns_responses;
    ++tally.missing[static_cast<std::size_t>(datagram.missing)];
    for (const ip::Fragment& fragment : datagram.kept()) tally.fragments.add(fragment.seen);
    const Service service = Service::of(datagram);
    if (service.is_tunnel()) ++tally.tunnelled;
    tally.services.add(service);
    tally.last_lost = std::max(tally.last_lost, datagram.last.time);
  }

  bool is_worth_a_finding(const Scene& scene, const Tally& tally) const {
    if (tally.lost == 0) return false;
    if (tally.confirmed > 0) return true;
    if (scene.fragments_hidden) return false;
    const std::uint64_t all = tally.lost + tally.complete + tally.delayed;
    return tally.upper_failures > 0 || tally.lost >= min_lost_ ||
           (all >= 20 && tally.lost * 100 >= all * share_);
  }

  // Which fragments are missing, where most of the lost agree.
  static Missing pattern(const Tally& tally) {
    for (std::size_t i = 0; i < tally.missing.size(); ++i) {
      if (tally.missing[i] * 10 >= tally.lost * 8) return static_cast<Missing>(i);
    }
    return Missing::several;
  }
  static std::string_view variant_of(Missing missing) {
    switch (missing) {
      case Missing::nothing:
        return "lost-beyond";
      case Missing::all_but_first:
        return "only-first";
      case Missing::first:
        return "missing-first";
      case Missing::middle:
        return "missing-middle";
      case Missing::last:
        return "missing-last";
      case Missing::several:
        break;
    }
    return "scattered";
  }

  static Confidence confidence_of(const Tally& tally) {
    if (tally.confirmed > 0) return Confidence::certain;
    return tally.upper_failures > 0 ? Confidence::probable : Confidence::possible;
  }
  static Severity severity_of(const Tally& tally, Confidence confidence) {
    const bool saved = tally.dns_responses == tally.lost && tally.upper_failures == 0;
    if (saved && tally.confirmed == 0) return Severity::note;
    const bool half = tally.lost * 2 >= tally.lost + tally.complete + tally.delayed;
    const bool error = half || tally.upper_failures > 0;
    return error && confidence != Confidence::possible ? Severity::error : Severity::warning;
  }

  Finding describe(const Scene& scene, const PathKey& key, const Tally& tally) const {
    const std::string source = key.sender.to_string();
    const std::string destination = key.receiver.to_string();
    const Missing missing = pattern(tally);
    Finding finding;
    finding.variant = variant_of(missing);
    finding.entity = fmt::format("{}>{}/{}", source, destination, key.tunnel);
    finding.tunnel = key.tunnel;
    finding.confidence = confidence_of(tally);
    finding.severity = severity_of(tally, finding.confidence);
    finding.title = missing == Missing::all_but_first
                        ? fmt::format("only first fragments reach {}", destination)
                        : fmt::format("fragments to {} are lost", destination);
    finding.count = tally.lost;
    finding.of = tally.lost + tally.complete + tally.delayed;
    finding.unit = "datagram";
    tally.fragments.fill(finding);
    const bool recovered = tally.last_complete > tally.last_lost;
    finding.state = recovered ? FindingState::ended : state_at(scene.now, finding);
    finding.who = {{"path", {{fmt::format("{} > {}", source, destination), tally.lost}}, 1},
                   who("service", tally.services)};
    finding.measures = {{"confirmed", static_cast<std::int64_t>(tally.confirmed)},
                        {"delayed", static_cast<std::int64_t>(tally.delayed)}};
    const SizeWindow sizes = scene.size_of(key).datagram.window();
    if (sizes.passed != 0) finding.measures.push_back({"delivered_up_to_bytes", sizes.passed});
    if (sizes.lost != 0) finding.measures.push_back({"lost_from_bytes", sizes.lost});
    const bool is_v6 = key.sender.is_v6();
    finding.capture_filter =
        fmt::format("(src host {0} and dst host {1} and {2}) or ({3} and dst host {0})", source,
                    destination, is_v6 ? "ip6[6] == 44" : "ip[6:2] & 0x3fff != 0",
                    is_v6 ? "icmp6 and ip6[40] == 3" : "icmp[0] == 11");
    add_causes(finding, missing, tally);
    if (sizes.lost != 0 && !finding.causes.empty()) {
      finding.causes.front().why += "; " + sizes.to_string();
    }
    if (tally.confirmed == 0 && tally.waited_briefly > 0) {
      finding.caveats.push_back(
          {"capture-ended",
           fmt::format("the capture ended less than 30 s after {} of the {}",
                       grouped(tally.waited_briefly), plural(tally.lost, "datagram"))});
    }
    finding.next = {fmt::format("ping -c 3 -M dont -s 2000 {}", destination),
                    fmt::format("ping -c 3 -s 1200 {}", destination),
                    fmt::format("tracepath -n {}", destination),
                    "nstat -az | grep -iE 'Reasm|Frag'  # on the receiver", "nft list ruleset"};
    return finding;
  }

  static void add_causes(Finding& finding, Missing missing, const Tally& tally) {
    if (tally.tunnelled * 2 > tally.lost) {
      finding.causes.push_back(
          {"tunnel-mtu", "a tunnel makes its packets too large for the path",
           "what comes in fragments is the tunnel's; RFC 7348 section 4.3 lets "
           "receivers drop it",
           "ip -d link show"});
    }
    if (missing == Missing::all_but_first) {
      finding.causes.push_back(
          {"filter", "a firewall, NAT or load balancer drops fragments that carry no ports",
           fmt::format("of {} only the first fragment passed", plural(tally.lost, "datagram")),
           "nft list ruleset"});
    }
    if (tally.dns_responses > 0) {
      finding.causes.push_back({"policy", "the resolver's firewall drops DNS fragments on purpose",
                                "RFC 9715 advises it; the query is then repeated over TCP", ""});
    }
    if (missing == Missing::nothing) {
      finding.causes.push_back({"lost-beyond", "fragments are lost between here and the receiver",
                                "all of them passed here, and the receiver gave up",
                                "nstat -az | grep -i Reasm  # on the receiver"});
    } else if (missing != Missing::all_but_first) {
      const Cause path_loss{
          "path-loss", "packets are lost on the path",
          fmt::format("{} arrived whole", plural(tally.complete + tally.delayed, "datagram")), ""};
      // Chance does not take the same one of its pieces from datagram after datagram.
      const bool regular = missing != Missing::several && tally.lost >= enough_alike;
      if (!regular) finding.causes.push_back(path_loss);
      finding.causes.push_back(
          {"multipath", "fragments take different ways or boxes",
           regular ? fmt::format("{} lack the same piece", plural(tally.lost, "datagram"))
                   : "balancing by ports sends fragments without ports elsewhere",
           ""});
      if (regular) finding.causes.push_back(path_loss);
    }
  }

  static constexpr std::uint64_t enough_alike = 3;

  const std::uint64_t min_lost_;
  const std::uint64_t share_;
  TallyMap<PathKey, Tally> paths_{1024};
};

}  // namespace

DetectorEntry ip_fragment_loss() {
  return {"ip-fragment-loss", "note to error", "datagrams in fragments that never become whole",
          Basis::absence, make_detector<IpFragmentLoss>};
}

}  // namespace wirefault
