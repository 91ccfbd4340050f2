// Names the directions of connections whose segments overtake each other on the way here.
//
// On the wire: a segment arrives behind one that was sent after it, and was sent only once. The
// tracker tells it from a retransmission by the sender's own marks (timestamp, IP identification)
// and only then by its short delay.
//
// Blind spots: reordering behind the capture point; and a file put together from several interfaces
// whose order is wrong. Segments whose time stamps contradict the file's order are left out.

#include <fmt/format.h>

#include <array>

#include "detectors/detector.h"
#include "detectors/flow_key.h"

namespace wirefault {
namespace {

using std::chrono::seconds;
using tcp::RepeatKind;

struct Tally {
  bool sender_is_initiator = false;
  std::uint64_t data_before = 0;  // of connections with these ports that have ended
  std::uint64_t data_now = 0;
  std::uint64_t late = 0;
  std::uint64_t costly = 0;  // sent again although only late
  std::uint64_t proven = 0;
  std::uint32_t most_overtaken = 0;
  Duration longest{};
  bool dense = false;  // reached the number per minute
  Evidence evidence;

  struct Recent {
    std::uint64_t offset = 0;
    Timestamp time{};
  };
  // Enough to tell how many there were in a minute, and whether a repetition repeats one of them.
  std::array<Recent, 64> recent{};

  std::uint64_t data() const { return data_before + data_now; }
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
        flows_{setup.tallies(1024)} {}

  void on_tcp_out_of_order(const tcp::OutOfOrder& fact) override {
    // The file's order is wrong, not the network's.
    if (fact.lateness <= Duration::zero() ||
        fact.early.packet.source() != fact.late.packet.source()) {
      return;
    }
    Tally& tally = flows_[FlowKey::of(fact.flow)];
    tally.sender_is_initiator = fact.flow.sender_is_initiator;
    tally.data_now = fact.totals.data_segments;
    tally.evidence.add(fact.late);
    if (fact.lateness > tally.longest) {
      tally.longest = fact.lateness;
      tally.evidence.set_worst(fact.late);
    }
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
    if (flows_.size() == 0) return;
    end_flow(FlowKey::of(fact.from_initiator), fact.initiator);
    end_flow(FlowKey::against(fact.from_initiator), fact.responder);
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : flows_.sorted()) {
      const bool enough =
          tally->data() >= min_segments_ && tally->late * 100 >= share_ * tally->data();
      if (enough || tally->dense) findings.push_back(describe(scene, *key, *tally));
    }
  }

  std::uint64_t evicted() const override { return flows_.evicted(); }

 private:
  void end_flow(const FlowKey& key, const tcp::FlowTotals& totals) {
    Tally* tally = flows_.find(key);
    if (tally == nullptr) return;
    tally->data_before += totals.data_segments;
    tally->data_now = 0;
    tally->recent = {};
  }

  Finding describe(const Scene& scene, const FlowKey& key, const Tally& tally) const {
    const bool costs = tally.costly * 100 >= costly_ * tally.late && tally.costly > 0;
    Finding finding;
    finding.entity =
        fmt::format("{}>{}/{}", key.sender.to_string(), key.receiver.to_string(), key.tunnel);
    finding.severity = costs ? Severity::warning : Severity::note;
    // A timestamp or identification proves it; a short delay alone makes it likely.
    finding.confidence =
        tally.proven * 2 >= tally.late ? Confidence::certain : Confidence::probable;
    finding.title =
        fmt::format("segments from {} overtake each other", key.sender.address.to_string());
    finding.count = tally.late;
    finding.of = std::max(tally.data(), tally.late);
    finding.unit = "segment";
    tally.evidence.fill(finding);
    finding.state =
        scene.now - finding.last > seconds{60} ? FindingState::ended : FindingState::ongoing;
    const bool upload = tally.sender_is_initiator;
    finding.who = {who("client", (upload ? key.sender : key.receiver).address),
                   who("server", upload ? key.receiver : key.sender)};
    finding.capture_filter =
        fmt::format("tcp and host {} and host {} and port {}", key.sender.address.to_string(),
                    key.receiver.address.to_string(), (upload ? key.receiver : key.sender).port);
    finding.measures = {{"most_places_late", tally.most_overtaken},
                        {"most_late_ns", tally.longest.count()},
                        {"sent_again", static_cast<std::int64_t>(tally.costly)}};
    add_causes(tally, finding);
    finding.next = {"cat /proc/net/bonding/*",
                    fmt::format("ss -tin dst {}", key.receiver.address.to_string()),
                    fmt::format("mtr -rwbzc 100 {}", key.sender.address.to_string())};
    return finding;
  }

  static void add_causes(const Tally& tally, Finding& finding) {
    const Duration span = finding.last - finding.first;
    if (span > Duration::zero() && tally.late >= 20 &&
        tally.longest < std::chrono::milliseconds{2}) {
      finding.causes.push_back(
          {"parallel-links", "packets of one flow are spread over several links",
           fmt::format("steady, and never more than {} late", rough_duration(tally.longest)),
           "grep -i 'bonding mode' /proc/net/bonding/*"});
    }
    finding.causes.push_back({"uneven-path",
                              "parts of the path differ in delay from packet to packet",
                              fmt::format("up to {} late, behind as many as {} later ones",
                                          rough_duration(tally.longest), tally.most_overtaken),
                              "ip route show | grep -c nexthop"});
  }

  const std::uint64_t share_;
  const std::uint64_t min_segments_;
  const std::uint64_t per_minute_;
  const std::uint64_t costly_;
  TallyMap<FlowKey, Tally> flows_;
};

}  // namespace

DetectorEntry tcp_out_of_order() {
  return {"tcp-out-of-order", "note to warning", "segments that overtake each other",
          Basis::presence, make_detector<TcpOutOfOrder>};
}

}  // namespace wirefault
