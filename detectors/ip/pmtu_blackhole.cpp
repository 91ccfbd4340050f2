// Names the paths on which large packets vanish without a word while small ones pass.
//
// On the wire: a connection opens, small segments are acknowledged, then the first full-size one is
// repeated again and again, although the receiver shows signs of life; and nothing that large is
// ever acknowledged, until the fault is repaired. Some senders notice, cut the same bytes into
// smaller segments, and go on: that proves it. At the receiver the full-size segments are a hole
// that never fills, with small segments behind it.
//
// Blind spots: without a sign of life the path may be down for every size; then it is
// tcp-retransmission that speaks. Where a router does say what fits, this is icmp-frag-needed's.
// Connections with a clamped MSS never show it.

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>

#include "detectors/detector.h"
#include "detectors/flow_key.h"
#include "detectors/state.h"

namespace wirefault {
namespace {

using tcp::SizeStallState;

struct Stalled {
  std::uint64_t offset = 0;
  tcp::SizeStall stall;  // the last that was told of it
  std::vector<Sighting> repetitions;
  bool outlived_capture = false;  // it was open then, and still lacked the same bytes
  // By another way, since it stalled: an echo, another connection.
  std::optional<Timestamp> sign_of_life;

  // A path that is alive, and takes no large packet even so. A sign of life after the last
  // repetition counts until the next would have been due, the time between them doubling (RFC 6298,
  // section 5.5): later, the path may have been down all the while.
  bool is_black_hole() const {
    if (stall.state != SizeStallState::stuck || stall.sign_of_life.exists()) return true;
    if (!sign_of_life || repetitions.size() < 2) return false;
    const Timestamp last = repetitions.back().time;
    return *sign_of_life < last + 2 * (last - repetitions[repetitions.size() - 2].time);
  }
  void note_life(Timestamp when) {
    const bool stalled = !repetitions.empty() && when > repetitions.front().time;
    if (stalled && !sign_of_life) sign_of_life = when;
  }
};

struct Tally {
  bool sender_is_initiator = false;
  std::map<FlowKey, Stalled> flows;
};

// What the sizes hint at; detectors.md, section 3.3 says where they come from.
struct Encapsulation {
  std::uint16_t mtu;
  std::string_view name;
};
constexpr Encapsulation encapsulations[] = {
    {1492, "PPPoE"},
    {1480, "IPIP or 6in4"},
    {1476, "GRE"},
    {1472, "GRE with a key"},
    {1450, "VXLAN or Geneve"},
    {1440, "WireGuard over IPv4"},
    {1430, "VXLAN over IPv6"},
    {1420, "WireGuard over IPv6"},
    {1400, "an IPsec tunnel"},
    {1280, "the least that IPv6 allows"},
};

class PmtuBlackhole final : public Detector {
 public:
  explicit PmtuBlackhole(Setup& setup)
      : min_flows_{setup.count("min-flows", 1, "stalled flows before a path is named")},
        paths_{256},
        recent_{512} {}

  // The repetitions that a later stall rests on: of the last segment repeated in each flow.
  void on_tcp_retransmission(const tcp::Retransmission& fact) override {
    if (fact.kind == tcp::RepeatKind::fin || fact.kind == tcp::RepeatKind::needless) return;
    const FlowKey key = FlowKey::of(fact.flow);
    Recent& recent = recent_[key];
    if (fact.side != tcp::LossSide::downstream) return;
    if (recent.repetitions.size() == most_recent) {
      recent.repetitions.erase(recent.repetitions.begin());
    }
    recent.repetitions.push_back({fact.offset, fact.repetition});
    if (Tally* tally = paths_.find(PathKey::of(key))) {
      const auto stalled = tally->flows.find(key);
      if (stalled != tally->flows.end() && stalled->second.offset == fact.offset &&
          stalled->second.stall.state == SizeStallState::stuck &&
          stalled->second.repetitions.size() < Evidence::most_kept) {
        stalled->second.repetitions.push_back(fact.repetition);
      }
    }
  }

  void on_tcp_size_stall(const tcp::SizeStall& fact) override {
    const FlowKey key = FlowKey::of(fact.flow);
    const PathKey path = PathKey::of(key);
    if (fact.state == SizeStallState::disproved) {
      if (Tally* tally = paths_.find(path)) {
        tally->flows.erase(key);
        if (tally->flows.empty()) paths_.erase(path);
      }
      return;
    }
    Tally& tally = paths_[path];
    tally.sender_is_initiator = fact.flow.sender_is_initiator;
    if (tally.flows.size() >= most_flows && !tally.flows.contains(key)) return;
    Stalled& stalled = tally.flows[key];
    const bool is_new = stalled.repetitions.empty() || stalled.offset != fact.offset;
    stalled.offset = fact.offset;
    stalled.stall = fact;
    if (!is_new) return;
    stalled.repetitions.clear();
    if (fact.state == SizeStallState::hole) {
      stalled.repetitions = {fact.original, fact.repetition};
      return;
    }
    if (const Recent* recent = recent_.find(key)) {
      for (const auto& [offset, seen] : recent->repetitions) {
        if (offset == fact.offset) stalled.repetitions.push_back(seen);
      }
    }
    stalled.sign_of_life.reset();
    if (const Timestamp* echo = echoes_.find(path)) stalled.note_life(*echo);
  }

  // Packets get through between the two, whoever of them asked.
  void on_icmp_echo_answered(const icmp::EchoAnswered& fact) override {
    for (const PathKey& path : {PathKey{fact.tunnel, fact.asker, fact.answerer},
                                PathKey{fact.tunnel, fact.answerer, fact.asker}}) {
      echoes_[path] = fact.reply.time;
      note_life(path, fact.reply.time);
    }
  }

  // The sender was told: what it makes of that is icmp-frag-needed's to judge.
  void on_icmp_error(const icmp::Error& error) override {
    if (error.kind != icmp::ErrorKind::fragmentation_needed || !error.has_ports) return;
    told_[FlowKey{error.tunnel,
                  {error.source, error.source_port},
                  {error.destination, error.destination_port}}] = true;
  }

  // A connection that began after the stall shows that the path is alive; one that ended since,
  // too: it may have begun before the stall was known of.
  void on_tcp_opened(const tcp::Opened& opened) override {
    if (paths_.size() == 0 || opened.answered == Timestamp{}) return;
    const IpAddress& initiator = opened.initiator.address;
    const IpAddress& responder = opened.responder.address;
    note_life({opened.tunnel, initiator, responder}, opened.asked);
    note_life({opened.tunnel, responder, initiator}, opened.asked);
  }

  // And if it got segments as large through, that their size is not the matter.
  void on_tcp_connection_ended(const tcp::ConnectionEnded& fact) override {
    if (paths_.size() == 0) return;
    note_end(FlowKey::of(fact.from_initiator), fact.initiator, fact);
    note_end(FlowKey::against(fact.from_initiator), fact.responder, fact);
    disprove(FlowKey::of(fact.from_initiator), fact.initiator, fact.first);
    disprove(FlowKey::against(fact.from_initiator), fact.responder, fact.first);
    if (fact.joined_midway || fact.is_one_sided()) return;
    for (const FlowKey& flow :
         {FlowKey::of(fact.from_initiator), FlowKey::against(fact.from_initiator)}) {
      note_life(PathKey::of(flow), fact.first, &flow);
    }
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    std::set<PathKey> named;
    for (const auto& [path, tally] : paths_.sorted()) {
      std::vector<const std::pair<const FlowKey, Stalled>*> flows;
      for (const auto& flow : tally->flows) {
        const bool was_told = told_.find(flow.first) != nullptr;
        if (flow.second.is_black_hole() && !was_told &&
            !others_arrive(scene.stalls_of(*path), flow.first)) {
          flows.push_back(&flow);
        }
      }
      if (flows.size() >= min_flows_ && !flows.empty()) {
        findings.push_back(describe(scene, *path, *tally, flows));
        named.insert(*path);
      }
    }
    if (scene.stalls == nullptr) return;
    for (const auto& [path, stalls] : scene.stalls->sorted()) {
      if (!named.contains(*path)) report_repaired(scene, *path, stalls->hole(), findings);
    }
  }

  std::uint64_t evicted() const override { return paths_.evicted(); }

 private:
  struct Recent {
    std::vector<std::pair<std::uint64_t, Sighting>> repetitions;
  };
  using Flows = std::vector<const std::pair<const FlowKey, Stalled>*>;

  static constexpr std::size_t most_recent = 16;
  static constexpr std::size_t most_flows = 64;

  // Large packets get through again, so that no flow speaks for the limit any more: what was lost
  // and what arrived while it was there does.
  void report_repaired(const Scene& scene, const PathKey& path, const SizeHole& hole,
                       std::vector<Finding>& findings) const {
    Tally tally;
    for (const Stall* each : hole.stalls) {
      if (told_.find(each->flow) != nullptr) continue;
      tally.sender_is_initiator = each->sender_is_initiator;
      Stalled& stalled = tally.flows[each->flow];
      std::copy_if(each->seen.begin(), each->seen.end(), std::back_inserter(stalled.repetitions),
                   [&](const Sighting& seen) { return seen.time <= each->last; });
      stalled.stall.state = SizeStallState::disproved;
      stalled.stall.lost_size = each->size;
      stalled.stall.delivered_size = hole.meanwhile.smaller_size;
      stalled.stall.original = each->seen.front();
      stalled.stall.lasted = each->last - each->first;
    }
    if (tally.flows.size() < min_flows_ || tally.flows.empty()) return;
    Flows flows;
    for (const auto& flow : tally.flows) flows.push_back(&flow);
    findings.push_back(describe(scene, path, tally, flows));
  }

  // As large ones, of other connections, while this one stalled.
  static bool others_arrive(const PathStalls* stalls, const FlowKey& key) {
    const Stall* stall = stalls == nullptr ? nullptr : stalls->longest_of(key);
    return stall != nullptr && stall->meanwhile.as_large;
  }

  // That of its own flow came before it stalled, whatever a clock that was set back says.
  void note_life(const PathKey& path, Timestamp when, const FlowKey* own = nullptr) {
    Tally* tally = paths_.find(path);
    if (tally == nullptr) return;
    for (auto& [key, stalled] : tally->flows) {
      if (own == nullptr || key != *own) stalled.note_life(when);
    }
  }

  // What was never acknowledged stalled until the end, not only until that was noticed.
  void note_end(const FlowKey& key, const tcp::FlowTotals& totals,
                const tcp::ConnectionEnded& fact) {
    Tally* tally = paths_.find(PathKey::of(key));
    if (tally == nullptr) return;
    const auto found = tally->flows.find(key);
    if (found == tally->flows.end()) return;
    tcp::SizeStall& stall = found->second.stall;
    const bool stuck = stall.state == SizeStallState::stuck && totals.outstanding;
    if (stuck || stall.state == SizeStallState::hole) {
      stall.lasted = std::max(stall.lasted, fact.last - stall.original.time);
      found->second.outlived_capture = fact.ending == tcp::Ending::capture_ended;
    }
  }

  void disprove(const FlowKey& key, const tcp::FlowTotals& totals, Timestamp began) {
    const PathKey path = PathKey::of(key);
    Tally* tally = paths_.find(path);
    if (tally == nullptr) return;
    std::erase_if(tally->flows, [&](const auto& flow) {
      return totals.delivered_size >= flow.second.stall.lost_size &&
             began > flow.second.stall.original.time;
    });
    if (tally->flows.empty()) paths_.erase(path);
  }

  Finding describe(const Scene& scene, const PathKey& path, const Tally& tally,
                   const Flows& flows) const {
    std::uint32_t lost = 0xffff;
    std::uint32_t passed = 0;
    bool cured = false;
    bool sacked = false;
    bool hole = false;
    bool repaired = false;
    Duration lasted{};
    Timestamp last{};
    Evidence evidence;
    TopList<IpAddress> clients;
    TopList<Endpoint> servers;
    for (const auto* flow : flows) {
      const auto& [key, stalled] = *flow;
      const tcp::SizeStall& stall = stalled.stall;
      lost = std::min<std::uint32_t>(lost, stall.lost_size);
      passed = std::max<std::uint32_t>({passed, stall.delivered_size, stall.cured_size});
      cured = cured || stall.state == SizeStallState::cured;
      hole = hole || stall.state == SizeStallState::hole;
      repaired = repaired || stall.state == SizeStallState::disproved;
      sacked = sacked || stall.small_behind;
      const Duration stalled_for =
          stalled.outlived_capture ? scene.now - stall.original.time : stall.lasted;
      lasted = std::max(lasted, stalled_for);
      last = std::max(last, stall.original.time + stalled_for);
      for (const Sighting& seen : stalled.repetitions) evidence.add(seen);
      const bool upload = tally.sender_is_initiator;
      clients.add((upload ? key.sender : key.receiver).address);
      servers.add(upload ? key.receiver : key.sender);
    }
    // Of other connections too, unless the limit is a new one.
    const PathSize sizes = scene.size_of(path);
    if (const std::uint32_t known = sizes.packet.window().passed; known < lost) {
      passed = std::max(passed, known);
    }
    const std::string sender = path.sender.to_string();
    const std::string receiver = path.receiver.to_string();
    Finding finding;
    finding.entity = fmt::format("{}>{}/{}", sender, receiver, path.tunnel);
    finding.tunnel = path.tunnel;
    finding.variant = cured ? "cured" : hole ? "receiver" : "";
    finding.severity = Severity::error;
    finding.confidence =
        cured || (flows.size() > 1 && !repaired) ? Confidence::certain : Confidence::probable;
    finding.title = fmt::format("packets of {} bytes from {} vanish", lost, sender);
    finding.count = flows.size();
    finding.unit = "flow";
    evidence.fill(finding);
    finding.last = std::max(finding.last, last);
    finding.state = cured || repaired ? FindingState::ended : state_at(scene.now, finding);
    finding.who = {who("client", clients), who("server", servers)};
    finding.capture_filter =
        fmt::format("host {} and host {} and (tcp or icmp or icmp6)", sender, receiver);
    finding.measures = {{"lost_from_bytes", lost},
                        {"delivered_up_to_bytes", passed},
                        {"stall_ms", lasted / std::chrono::milliseconds{1}}};
    const std::string_view how = cured      ? ": the same data got through in smaller segments"
                                 : repaired ? "; later as large ones arrive again"
                                 : sacked   ? ": a small segment sent behind was acknowledged"
                                            : "; the receiver answers meanwhile";
    const std::string smaller =
        passed == 0 ? "" : fmt::format(", {} bytes {}", passed, repaired ? "did" : "do");
    const std::string why =
        fmt::format("{} bytes {} arrive{}{}", lost, repaired ? "did not" : "never", smaller, how);
    const std::string ping = path.receiver.is_v6()
                                 ? fmt::format("ping -6 -M do -s {} -c 3 {}", lost - 48, receiver)
                                 : fmt::format("ping -M do -s {} -c 3 {}", lost - 28, receiver);
    if (repaired) {
      finding.causes = {{"detour",
                         "another route, or a tunnel, took less for a while, and no router said so",
                         fmt::format("{}; {}", why, tunnel_hint(passed, lost)), ping}};
    } else {
      finding.causes = {
          {"icmp-filtered", "a filter drops the ICMP errors that would say what fits",
           why + (sizes.reported == 0 ? std::string{"; no such error is in this capture"}
                                      : fmt::format("; others were told {} bytes", sizes.reported)),
           ping},
          {"small-mtu", "a link or tunnel on the path takes less, and no router says so",
           tunnel_hint(passed, lost), fmt::format("tracepath -n {}", receiver)},
      };
    }
    finding.next = {ping, fmt::format("tracepath -n {}", receiver),
                    fmt::format("ip route get {}", receiver),
                    fmt::format("ss -tinm dst {}  # on the sender", receiver),
                    "sysctl net.ipv4.tcp_mtu_probing  # on the sender"};
    return finding;
  }

  static std::string tunnel_hint(std::uint32_t passed, std::uint32_t lost) {
    std::string names;
    for (const Encapsulation& each : encapsulations) {
      if (each.mtu < passed || each.mtu >= lost) continue;
      fmt::format_to(std::back_inserter(names), "{}{} {}", names.empty() ? "" : ", ", each.mtu,
                     each.name);
    }
    const std::string window =
        passed == 0 ? fmt::format("the limit is below {} bytes", lost)
                    : fmt::format("the limit is from {} to {} bytes", passed, lost - 1);
    return names.empty() ? window : fmt::format("{}: {}", window, names);
  }

  const std::uint64_t min_flows_;
  TallyMap<PathKey, Tally> paths_;
  TallyMap<FlowKey, Recent> recent_;
  TallyMap<PathKey, Timestamp> echoes_{256};  // the last that was answered
  TallyMap<FlowKey, bool> told_{1024};        // by ICMP that its packets are too large
};

}  // namespace

DetectorEntry pmtu_blackhole() {
  return {"pmtu-blackhole", "error", "large packets that vanish while small ones pass",
          Basis::absence, make_detector<PmtuBlackhole>};
}

}  // namespace wirefault
