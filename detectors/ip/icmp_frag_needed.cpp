// Says what routers told senders about the largest packet a path takes, and names the senders that
// did not listen.
//
// On the wire: a router that cannot pass a packet on in one piece returns ICMP type 3 code 4, or
// ICMPv6 type 2, with the size it can (RFC 1191, RFC 8201). A sound sender cuts smaller at once: a
// note, as every connection pays a round trip. One that goes on with the same size for a second or
// more hangs (`ignored`). One that repeats what was refused only when its timer runs out loses that
// time (`slow`). Where the quoted packet is larger than any that was sent, a box on the path has
// joined several (`merged`): nobody can obey. Messages that go on coming after the sender obeyed
// mean that the size still shrinks, or that the message is not believed everywhere (`looped`). A
// size below what IP guarantees is no router's (`forged`).
//
// Blind spots: routers limit these messages and filters eat them; their absence proves nothing. A
// size is only compared on the path and flow that the message quotes.

#include <fmt/format.h>

#include <algorithm>

#include "detectors/detector.h"
#include "detectors/flow_key.h"
#include "detectors/state.h"

namespace wirefault {
namespace {

using std::chrono::seconds;

struct Tally {
  std::uint64_t messages = 0;
  std::uint64_t ignored = 0;   // flows
  std::uint64_t looped = 0;    // flows
  std::uint64_t oversize = 0;  // packets
  bool tcp_ignored = false;
  bool is_reply = false;  // the sender is the server
  std::uint32_t mtu = 0;
  std::uint32_t refused = 0;
  std::uint32_t sent = 0;  // of what was refused, as it was sent; 0: unknown
  Duration slowest_to_adapt{};
  Duration stalled{};  // until timers sent again what was refused
  Evidence told;
  Evidence too_large;
  TopList<FlowKey> flows;
  TopList<IpAddress> routers;
  Timestamp last{};
};

struct Forged {
  std::uint32_t mtu = 0;
  Evidence messages;
  TopList<IpAddress> reporters;
};

class IcmpFragNeeded final : public Detector {
 public:
  explicit IcmpFragNeeded(Setup& setup)
      : loop_{setup.count("loop-messages", 5,
                          "messages after a sender obeyed from which a path is called looped")},
        // As tcp-retransmission: what users begin to notice.
        stall_{setup.duration("stall", seconds{1},
                              "time lost to timeouts before a sender is called slow to obey")} {}

  void on_icmp_error(const icmp::Error& error) override {
    if (error.kind != icmp::ErrorKind::fragmentation_needed || error.mtu == 0) return;
    // RFC 791: every host takes 68 bytes, every link carries them; RFC 8200 section 5: 1280.
    const std::uint32_t least = error.source.is_v6() ? 1280 : 68;
    if (error.mtu >= least) return;
    Forged& forged = forged_[{error.tunnel, error.source, error.destination, 0}];
    forged.mtu = error.mtu;
    forged.messages.add(error.seen);
    forged.reporters.add(error.reporter);
  }

  void on_icmp_path_mtu(const icmp::PathMtu& path) override {
    Tally& tally = paths_[{path.tunnel, path.source, path.destination, 0}];
    tally.flows.add(
        {path.tunnel, {path.source, path.source_port}, {path.destination, path.destination_port}});
    tally.is_reply = path.is_reply;
    tally.messages += path.messages.count();
    tally.mtu = tally.mtu == 0 ? path.mtu : std::min(tally.mtu, path.mtu);
    tally.refused = std::max(tally.refused, path.refused);
    tally.sent = std::max(tally.sent, path.sent);
    tally.told.add(path.messages);
    tally.routers.add(path.router, path.messages.count());
    if (path.reaction == icmp::Reaction::ignored) {
      ++tally.ignored;
      tally.oversize += path.oversize.count();
      tally.too_large.add(path.oversize);
      tally.tcp_ignored = tally.tcp_ignored || path.protocol == ip::protocol::tcp;
    } else if (path.reaction == icmp::Reaction::adapted) {
      tally.slowest_to_adapt =
          std::max(tally.slowest_to_adapt, path.adapted.time - path.messages.first().time);
      if (path.late_messages >= loop_) ++tally.looped;
    }
  }

  // The rest of what was refused, which takes longer than the first to be sent again.
  void on_tcp_retransmission(const tcp::Retransmission& fact) override {
    if (fact.refused == Timestamp{}) return;
    Tally& tally = paths_[PathKey::of(fact.flow)];
    tally.slowest_to_adapt = std::max(tally.slowest_to_adapt, fact.repetition.time - fact.refused);
    tally.stalled += fact.stall;
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : paths_.sorted()) {
      if (tally->messages != 0) findings.push_back(describe(scene, *key, *tally));
    }
    for (const auto& [key, forged] : forged_.sorted()) {
      findings.push_back(describe_forged(*key, *forged));
    }
  }

  std::uint64_t evicted() const override { return paths_.evicted() + forged_.evicted(); }

 private:
  Finding describe(const Scene& scene, const PathKey& key, const Tally& tally) const {
    const std::string source = key.sender.to_string();
    const std::string destination = key.receiver.to_string();
    Finding finding;
    finding.confidence = Confidence::certain;
    if (tally.ignored > 0) {
      finding.variant = "ignored";
      // Many UDP senders cannot adapt, and leave it to their clients to ask for less.
      finding.severity = tally.tcp_ignored ? Severity::error : Severity::warning;
      finding.title = fmt::format("{} ignores packet too big", source);
      Evidence all = tally.told;
      all.add(tally.too_large);
      all.fill(finding);
      finding.count = tally.oversize;
      finding.unit = "packet";
      finding.causes = {
          {"icmp-filtered", fmt::format("the firewall of {} drops the messages", source),
           fmt::format("they passed here {} times, and packets of up to {} bytes went on",
                       tally.messages, tally.refused),
           "nft list ruleset"},
          {"discovery-disabled", "path MTU discovery is switched off or broken there",
           "its packets forbid fragmentation all the same",
           "sysctl net.ipv4.ip_no_pmtu_disc  # on the sender"}};
    } else {
      const std::string router = tally.routers.top(1).front().first.to_string();
      const bool slow = tally.stalled >= stall_;
      const bool merged = tally.sent != 0 && tally.sent <= tally.mtu && tally.refused > tally.mtu;
      finding.variant = merged ? "merged" : tally.looped > 0 ? "looped" : slow ? "slow" : "";
      finding.severity = slow || (tally.looped > 0 && !merged) ? Severity::warning : Severity::note;
      finding.title = merged ? fmt::format("{} refuses what was joined on the way", router)
                      : slow ? fmt::format("{} is slow to heed packet too big", source)
                             : fmt::format("the path to {} takes {} bytes", destination, tally.mtu);
      tally.told.fill(finding);
      finding.count = tally.messages;
      finding.unit = "message";
      if (merged) {
        finding.causes = {
            {"merging-box",
             fmt::format(
                 "{}, or a box before it, joins segments (GRO, LRO) and cannot pass them on",
                 router),
             fmt::format("it refuses {} bytes where {} were sent, and asks for {}", tally.refused,
                         tally.sent, tally.mtu),
             "ethtool -k DEV | grep -E 'generic-receive|large-receive'"}};
      } else {
        finding.causes = {
            {"smaller-link", "a tunnel or link with a smaller MTU on the path",
             fmt::format("{} of {} bytes instead of {}", router, tally.mtu, tally.refused),
             fmt::format("tracepath -n {}", destination)}};
      }
    }
    finding.entity = fmt::format("{}>{}/{}", source, destination, key.tunnel);
    finding.tunnel = key.tunnel;
    // A sender that obeys has nothing left to recover from.
    const bool is_over = finding.severity == Severity::note;
    finding.state = is_over ? FindingState::ended : state_at(scene.now, finding);
    finding.who = {{"path", {{fmt::format("{} > {}", source, destination), 0}}, 1},
                   who("client", tally.is_reply ? key.receiver : key.sender),
                   who("server", tally.is_reply ? key.sender : key.receiver),
                   who("router", tally.routers)};
    finding.measures = {
        {"mtu_bytes", tally.mtu},
        {"refused_bytes", tally.refused},
        {"messages", static_cast<std::int64_t>(tally.messages)},
        {"flows", static_cast<std::int64_t>(tally.flows.distinct())},
        {"slowest_to_adapt_ns", tally.ignored > 0 ? 0 : tally.slowest_to_adapt.count()},
        {"stall_ms", tally.stalled / std::chrono::milliseconds{1}}};
    if (const std::uint32_t passed = scene.size_of(key).packet.window().passed; passed != 0) {
      finding.measures.push_back({"delivered_up_to_bytes", passed});
    }
    finding.capture_filter =
        key.sender.is_v6() ? fmt::format("icmp6 and ip6[40] == 2 and dst host {}", source)
                           : fmt::format("icmp[0] == 3 and icmp[1] == 4 and dst host {}", source);
    if (tally.ignored > 0) {
      finding.capture_filter +=
          fmt::format(" or (src host {} and dst host {})", source, destination);
    }
    finding.next = {fmt::format("tracepath -n {}", destination),
                    fmt::format("ip route get {}", destination),
                    fmt::format("ss -tin dst {}  # on the sender", destination)};
    return finding;
  }

  static Finding describe_forged(const PathKey& key, const Forged& forged) {
    Finding finding;
    finding.variant = "forged";
    finding.severity = Severity::note;
    finding.confidence = Confidence::probable;
    finding.entity = fmt::format("{}>{}/{}/forged", key.sender.to_string(),
                                 key.receiver.to_string(), key.tunnel);
    finding.tunnel = key.tunnel;
    finding.title =
        fmt::format("{} is told an MTU of {} bytes", key.sender.to_string(), forged.mtu);
    forged.messages.fill(finding);
    finding.count = forged.messages.count();
    finding.unit = "message";
    finding.who = {who("server", key.sender), who("router", forged.reporters)};
    finding.measures = {{"mtu_bytes", forged.mtu}};
    finding.causes = {{"forged", "somebody forges ICMP to slow the sender down",
                       "no link may carry so little", ""}};
    finding.capture_filter =
        key.sender.is_v6()
            ? fmt::format("icmp6 and ip6[40] == 2 and dst host {}", key.sender.to_string())
            : fmt::format("icmp[0] == 3 and icmp[1] == 4 and dst host {}", key.sender.to_string());
    finding.next = {fmt::format("ip route get {}", key.receiver.to_string())};
    return finding;
  }

  const std::uint64_t loop_;
  const Duration stall_;
  TallyMap<PathKey, Tally> paths_{1024};
  TallyMap<PathKey, Forged> forged_{256};
};

}  // namespace

DetectorEntry icmp_frag_needed() {
  return {"icmp-frag-needed", "note to error", "what routers say about packets that are too large",
          Basis::presence, make_detector<IcmpFragNeeded>};
}

}  // namespace wirefault
