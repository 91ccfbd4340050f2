// Names the directions of connections whose segments overtake each other on the way here.
//
// On the wire: a segment arrives behind one that was sent after it, and was sent only once. The
// tracker tells it from a retransmission by the sender's own marks (timestamp, IP identification)
// and only then by its short delay.
//
// Blind spots: reordering behind the capture point; and a file put together from several interfaces
// whose order is wrong. Segments whose time stamps contradict the file's order are left out.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "detectors/detector.h"
#include "detectors/flow_key.h"
#include "detectors/tcp/flows.h"

namespace wirefault {
namespace {

using std::chrono::seconds;
using tcp::RepeatKind;

// A late segment with the first that overtook it.
struct Pair {
  Sighting early;
  Sighting late;
  Duration lateness{};
  std::uint32_t overtaken_by = 0;
  bool proven = false;
};

struct Tally {
  bool sender_is_initiator = false;
  std::uint64_t data_before = 0;  // of connections with these ports that have ended
  std::uint64_t data_now = 0;
  std::uint64_t late = 0;
  std::uint64_t costly = 0;  // sent again although only late
  std::uint64_t proven = 0;
  std::uint32_t most_overtaken = 0;
  Duration longest{};
  bool over = false;   // its connection is, or has carried much without
  bool dense = false;  // reached the number per minute
  Evidence evidence;
  Sighting worst;
  std::vector<Pair> pairs;                   // the first
  std::array<std::uint64_t, 4> by_places{};  // late by 1, by 2 and 3, by 4 to 15, by more

  struct Recent {
    std::uint64_t offset = 0;
    Timestamp time{};
  };
  // Enough to tell how many there were in a minute, and whether a repetition repeats one of them.
  std::array<Recent, 64> recent{};

  std::uint64_t data() const { return data_before + data_now; }
};

// What all connections between two hosts sent one way, from the first late segment on.
struct Path {
  std::uint64_t data = 0;
};

class TcpOutOfOrder final : public Detector {
 public:
  explicit TcpOutOfOrder(Setup& setup)
      : share_{setup.percent("share", 1, "part of a flow's segments that must come late")},
        min_segments_{setup.count("min-segments", 200, "segments before that part means much")},
        per_minute_{std::min<std::uint64_t>(
            setup.count("per-minute", 50, "late segments within 60 s that suffice, at most 64"),
            64)},
        // Linux bears three places of displacement before it takes a segment for lost.
        costly_{setup.percent("costly", 5, "part of them sent again for nothing that users feel")},
        flows_{setup.tallies(1024)},
        paths_{setup.tallies(512)} {}

  void on_tcp_out_of_order(const tcp::OutOfOrder& fact) override {
    // The file's order is wrong, not the network's.
    if (fact.lateness <= Duration::zero() ||
        fact.early.packet.source() != fact.late.packet.source()) {
      return;
    }
    Tally& tally = flows_[FlowKey::of(fact.flow)];
    tally.sender_is_initiator = fact.flow.sender_is_initiator;
    tally.over = false;
    tally.data_now = fact.totals.data_segments;
    paths_[PathKey::of(fact.flow)];
    tally.evidence.add(fact.late);
    if (tally.pairs.size() < pairs_shown) {
      tally.pairs.push_back({fact.early, fact.late, fact.lateness, fact.overtaken_by, fact.proven});
    }
    if (fact.lateness > tally.longest) {
      tally.longest = fact.lateness;
      tally.worst = fact.late;
    }
    ++tally.by_places[fact.overtaken_by < 2    ? 0
                      : fact.overtaken_by < 4  ? 1
                      : fact.overtaken_by < 16 ? 2
                                               : 3];
    tally.most_overtaken = std::max(tally.most_overtaken, fact.overtaken_by);
    if (fact.proven) ++tally.proven;
    tally.recent[tally.late % tally.recent.size()] = {fact.offset, fact.late.time};
    ++tally.late;
    if (tally.late >= per_minute_) {
      const Tally::Recent& then = tally.recent[(tally.late - per_minute_) % tally.recent.size()];
      tally.dense = tally.dense || fact.late.time - then.time <= seconds{60};
    }
  }

  void on_tcp_retransmission(const tcp::Retransmission& fact) override {
    Tally* tally = flows_.find(FlowKey::of(fact.flow));
    if (tally == nullptr || fact.kind == RepeatKind::fin) return;
    for (Tally::Recent& each : tally->recent) {
      if (each.time == Timestamp{} || each.offset != fact.offset) continue;
      ++tally->costly;
      each.offset = ~std::uint64_t{0};
      return;
    }
  }

  void on_tcp_connection_ended(const tcp::ConnectionEnded& fact) override {
    if (paths_.empty()) return;
    end_flow(FlowKey::of(fact.from_initiator), fact.initiator, fact.ending);
    end_flow(FlowKey::against(fact.from_initiator), fact.responder, fact.ending);
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    std::map<PathKey, Flows> paths;
    for (const auto& [key, tally] : flows_.sorted()) {
      paths[PathKey::of(*key)].push_back({key, tally});
    }
    for (const auto& [key, flows] : paths) {
      Flows named;
      std::copy_if(flows.begin(), flows.end(), std::back_inserter(named),
                   [&](const Flow& flow) { return is_worth_a_finding(*flow.tally); });
      if (named.size() >= flows_of_a_path || is_path_worth_a_finding(key, flows)) {
        findings.push_back(describe(scene, flows, true));
        continue;
      }
      for (const Flow& flow : named) findings.push_back(describe(scene, {flow}, false));
    }
  }

  std::uint64_t evicted() const override { return flows_.evicted() + paths_.evicted(); }

 private:
  using Flow = TroubledFlow<Tally>;
  using Flows = TroubledFlows<Tally>;

  // Late segments that are shown with what overtook them.
  static constexpr std::size_t pairs_shown = 3;

  void end_flow(const FlowKey& key, const tcp::FlowTotals& totals, tcp::Ending ending) {
    if (Path* path = paths_.find(PathKey::of(key))) path->data += totals.data_segments;
    Tally* tally = flows_.find(key);
    if (tally == nullptr) return;
    tally->over = is_over(totals, ending, tally->late, tally->data_before, tally->data_now);
    tally->data_before += totals.data_segments;
    tally->data_now = 0;
    tally->recent = {};
  }

  bool is_worth_a_finding(const Tally& tally) const {
    return tally.dense ||
           (tally.data() >= min_segments_ && tally.late * 100 >= share_ * tally.data());
  }
  // However little of each flow comes late.
  bool is_path_worth_a_finding(const PathKey& key, const Flows& flows) const {
    std::uint64_t late = 0;
    for (const Flow& flow : flows) late += flow.tally->late;
    const std::uint64_t data = data_of(key, flows);
    return flows.size() >= flows_of_a_path && data >= min_segments_ && late * 100 >= share_ * data;
  }
  // Of the path, flows without late segments included.
  std::uint64_t data_of(const PathKey& key, const Flows& flows) const {
    const Path* path = paths_.find(key);
    std::uint64_t data = path == nullptr ? 0 : path->data;
    for (const Flow& flow : flows) data += flow.tally->data_now;
    return data;
  }

  static std::string account_of(const Pair& pair) {
    return fmt::format("came {} behind #{}, overtaken by {}: {}", rough_duration(pair.lateness),
                       pair.early.packet.number(), plural(pair.overtaken_by, "segment"),
                       pair.proven ? "its own marks are older" : "only its short delay tells");
  }

  // One flow, or all of a path.
  Finding describe(const Scene& scene, const Flows& flows, bool is_path) const {
    const FlowKey& key = *flows.front().key;
    Tally sum;
    std::size_t shown = 0;
    for (const Flow& flow : flows) {
      const Tally& tally = *flow.tally;
      sum.data_before += tally.data();
      sum.late += tally.late;
      sum.costly += tally.costly;
      sum.proven += tally.proven;
      sum.most_overtaken = std::max(sum.most_overtaken, tally.most_overtaken);
      if (tally.longest > sum.longest) {
        sum.longest = tally.longest;
        sum.worst = tally.worst;
      }
      for (std::size_t i = 0; i < sum.by_places.size(); ++i) {
        sum.by_places[i] += tally.by_places[i];
      }
      sum.evidence.add(tally.evidence);
      for (const Pair& pair : tally.pairs) {
        if (shown++ >= pairs_shown) break;
        sum.evidence.add(pair.early);
        sum.evidence.show(pair.late, account_of(pair));
      }
    }
    sum.evidence.set_worst(sum.worst);
    const std::string sender = key.sender.address.to_string();
    const std::string receiver = key.receiver.address.to_string();
    const bool costs = sum.costly * 100 >= costly_ * sum.late && sum.costly > 0;
    Finding finding;
    finding.entity = is_path ? fmt::format("{}>{}/{}", sender, receiver, key.tunnel)
                             : fmt::format("{}>{}/{}", key.sender.to_string(),
                                           key.receiver.to_string(), key.tunnel);
    finding.tunnel = key.tunnel;
    finding.severity = costs ? Severity::warning : Severity::note;
    // A timestamp or identification proves it; a short delay alone makes it likely.
    finding.confidence = sum.proven * 2 >= sum.late ? Confidence::certain : Confidence::probable;
    finding.title = short_title("data from ", sender, " to ", receiver, " comes out of order");
    finding.count = sum.late;
    const std::uint64_t data = is_path ? data_of(PathKey::of(key), flows) : sum.data();
    finding.of = std::max(data, sum.late);
    finding.unit = "segment";
    sum.evidence.fill(finding);
    describe_flows(
        flows, scene.now, [](const Tally& tally) { return tally.late; }, finding);
    finding.measures = {{"flows", static_cast<std::int64_t>(flows.size())},
                        {"most_places_late", sum.most_overtaken},
                        {"late_by_1_place", static_cast<std::int64_t>(sum.by_places[0])},
                        {"late_by_2_to_3", static_cast<std::int64_t>(sum.by_places[1])},
                        {"late_by_4_to_15", static_cast<std::int64_t>(sum.by_places[2])},
                        {"late_by_16_or_more", static_cast<std::int64_t>(sum.by_places[3])},
                        {"most_late_ns", sum.longest.count()},
                        {"sent_again", static_cast<std::int64_t>(sum.costly)}};
    add_causes(sum, flows.size(), finding);
    finding.next = {"cat /proc/net/bonding/*",
                    fmt::format("ss -tin dst {}  # on the sender", receiver),
                    fmt::format("mtr -rwbzc 100 {}", sender)};
    return finding;
  }

  static void add_causes(const Tally& sum, std::size_t flows, Finding& finding) {
    const Duration span = finding.last - finding.first;
    if (span > Duration::zero() && sum.late >= 20 && sum.longest < std::chrono::milliseconds{2}) {
      finding.causes.push_back(
          {"parallel-links", "packets of one flow are spread over several links",
           fmt::format("steady{}, and never more than {} late",
                       flows > 1 ? fmt::format(" on {}", plural(flows, "flow")) : std::string{},
                       rough_duration(sum.longest)),
           "grep -i 'bonding mode' /proc/net/bonding/*"});
    }
    finding.causes.push_back({"uneven-path",
                              "parts of the path differ in delay from packet to packet",
                              fmt::format("up to {} late, behind as many as {} later ones",
                                          rough_duration(sum.longest), sum.most_overtaken),
                              "ip route show | grep -c nexthop"});
  }

  const std::uint64_t share_;
  const std::uint64_t min_segments_;
  const std::uint64_t per_minute_;
  const std::uint64_t costly_;
  TallyMap<FlowKey, Tally> flows_;
  TallyMap<PathKey, Path> paths_;
};

}  // namespace

DetectorEntry tcp_out_of_order() {
  return {"tcp-out-of-order", "note to warning", "segments that overtake each other",
          Basis::presence, make_detector<TcpOutOfOrder>};
}

}  // namespace wirefault
