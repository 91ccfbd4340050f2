// Names the directions of connections in which data gets lost, and what that costs.
//
// On the wire: bytes that were sent before are sent again, because duplicate or selective
// acknowledgments complain (fast), the end of a burst stays unacknowledged (tail loss probe), or
// the retransmission timer runs out. Loss that is thin on each of many short flows is measured over
// all flows of the path. The tracker tells which, and whether the original had passed
// the capture point; repetitions that turn out to have been needless are taken back.
//
// Blind spots: without acknowledgments nobody can tell a lost segment from a lost acknowledgment.
// Loss before the handshake completed is told elsewhere. A lone FIN that is repeated counts for
// nothing: many clients vanish legally.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "detectors/detector.h"
#include "detectors/flow_key.h"

namespace wirefault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tcp::RepeatKind;

struct Repetition {
  Sighting seen;
  Sighting original;
  Duration stall{};
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint16_t segments = 1;
  std::uint16_t ip_length = 0;
  std::uint8_t chain = 0;
  RepeatKind kind = RepeatKind::unknown;
  bool full_size = false;
  bool spurious = false;
};

struct Tally {
  bool sender_is_initiator = false;
  bool sees_acks = false;
  bool ended = false;
  bool unrecovered = false;       // the last repetition was never acknowledged
  bool first_data_only = true;    // lost was nothing but what the initiator sent first
  std::uint64_t data_before = 0;  // of connections with these ports that have ended
  std::uint64_t data_now = 0;
  std::uint64_t fast = 0;  // segments, by kind; spurious ones are taken out
  std::uint64_t tlp = 0;
  std::uint64_t rto = 0;
  std::uint64_t other = 0;
  std::uint64_t needless = 0;
  std::uint64_t spurious = 0;
  std::uint64_t upstream = 0;
  std::uint64_t downstream = 0;
  std::uint64_t dropped = 0;  // repetitions counted, not kept
  std::uint64_t told = 0;     // of those lost, to the path
  std::uint64_t out_of_order = 0;
  Duration stalled{};
  Duration longest_stall{};
  Duration round_trip{};
  std::uint16_t mss = 0;
  std::uint16_t delivered_size = 0;
  std::uint16_t lost_size = 0;  // the smallest IP length lost
  std::vector<Repetition> kept;

  std::uint64_t lost() const { return fast + tlp + rto + other; }
  std::uint64_t data() const { return data_before + data_now; }
  std::uint64_t& of_kind(RepeatKind kind) {
    switch (kind) {
      case RepeatKind::fast:
        return fast;
      case RepeatKind::tlp:
        return tlp;
      case RepeatKind::rto:
        return rto;
      default:
        return other;
    }
  }
  std::uint8_t longest_chain() const {
    std::uint8_t longest = 0;
    for (const Repetition& each : kept) {
      if (!each.spurious) longest = std::max(longest, each.chain);
    }
    return longest;
  }
};

// All connections that have ended between two hosts, in one direction.
struct Path {
  std::uint64_t data = 0;
  std::uint64_t lost = 0;
  std::uint64_t lossy_flows = 0;

  bool is_healthy() const { return lost == 0; }
};

std::uint64_t square_root(std::uint64_t value) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root | bit) * (root | bit) <= value) root |= bit;
  }
  return root;
}

class TcpRetransmission final : public Detector {
 public:
  explicit TcpRetransmission(Setup& setup)
      // Below one percent, congestion control hides loss from users on all but long fat paths.
      : loss_{setup.percent("loss", 1, "part of a flow's segments that must be lost")},
        severe_loss_{setup.percent("severe-loss", 5, "part from which on users see failures")},
        critical_loss_{setup.percent("critical-loss", 30,
                                     "part from which on a path of several flows is unusable")},
        min_segments_{setup.count("min-segments", 100, "segments before that part means much")},
        min_path_segments_{
            setup.count("min-path-segments", 200, "segments of all flows of a path, likewise")},
        stall_{setup.duration("stall", seconds{1}, "time lost to timeouts before a flow is named")},
        severe_stall_{setup.duration("severe-stall", seconds{3}, "such time that users notice")},
        // RFC 9293, section 3.8.3: R1 is three repetitions, and then the user should be told.
        chain_{setup.count("timeouts", 2, "timeouts in a row before a flow is named")},
        flows_{1024} {}

  void on_tcp_retransmission(const tcp::Retransmission& fact) override {
    if (fact.kind == RepeatKind::fin) return;
    Tally& tally = flows_[FlowKey::of(fact.flow)];
    tally.sender_is_initiator = fact.flow.sender_is_initiator;
    tally.ended = false;
    tally.sees_acks = tally.sees_acks || fact.sees_acks;
    tally.data_now = fact.totals.data_segments;
    tally.mss = fact.totals.mss;
    tally.delivered_size = fact.totals.delivered_size;
    if (fact.round_trip > Duration::zero()) tally.round_trip = fact.round_trip;
    if (fact.kind == RepeatKind::needless) {
      tally.needless += fact.segments;
    } else if (fact.kind != RepeatKind::resegmented) {
      tally.of_kind(fact.kind) += fact.segments;
      tally.first_data_only = tally.first_data_only && fact.offset == 0 &&
                              fact.flow.sender_is_initiator && !fact.flow.roles_guessed;
      (fact.side == tcp::LossSide::upstream ? tally.upstream : tally.downstream) += fact.segments;
      tally.stalled += fact.stall;
      tally.longest_stall = std::max(tally.longest_stall, fact.stall);
      if (tally.lost_size == 0 || fact.ip_length < tally.lost_size)
        tally.lost_size = fact.ip_length;
    }
    if (tally.kept.size() >= Evidence::most_kept || kept_in_all_ >= most_kept_in_all) {
      ++tally.dropped;
      return;
    }
    ++kept_in_all_;
    Repetition kept;
    kept.seen = fact.repetition;
    kept.original = fact.original;
    kept.stall = fact.stall;
    kept.offset = fact.offset;
    kept.length = fact.length;
    kept.segments = static_cast<std::uint16_t>(std::min<std::uint32_t>(fact.segments, 0xffff));
    kept.ip_length = fact.ip_length;
    kept.chain = fact.chain;
    kept.kind = fact.kind;
    kept.full_size = fact.is_full_size;
    kept.spurious = fact.kind == RepeatKind::needless;
    tally.kept.push_back(kept);
  }

  void on_tcp_spurious_retransmission(const tcp::SpuriousRetransmission& fact) override {
    Tally* tally = flows_.find(FlowKey::of(fact.flow));
    if (tally == nullptr || fact.kind == RepeatKind::resegmented) return;
    std::uint64_t& counted = tally->of_kind(fact.kind);
    counted -= std::min<std::uint64_t>(counted, fact.segments);
    tally->spurious += fact.segments;
    for (auto kept = tally->kept.rbegin(); kept != tally->kept.rend(); ++kept) {
      if (kept->seen.packet != fact.repetition) continue;
      kept->spurious = true;
      tally->stalled -= kept->stall;
      break;
    }
  }

  void on_tcp_out_of_order(const tcp::OutOfOrder& fact) override {
    if (Tally* tally = flows_.find(FlowKey::of(fact.flow))) ++tally->out_of_order;
  }

  void on_tcp_connection_ended(const tcp::ConnectionEnded& fact) override {
    end_flow(FlowKey::of(fact.from_initiator), fact.initiator);
    end_flow(FlowKey::against(fact.from_initiator), fact.responder);
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    struct Pair {
      const Path* path = nullptr;
      Flows lossy;
      Flows needless;
    };
    std::map<PathKey, Pair> pairs;
    for (const auto& [key, tally] : flows_.sorted()) {
      const PathKey path = PathKey::of(*key);
      const bool lossy = is_lossy(*tally) || (tally->lost() != 0 && lossy_path(path) != nullptr);
      if (!lossy && !is_needless(*tally)) continue;
      Pair& pair = pairs[path];
      pair.path = lossy_path(path);
      (lossy ? pair.lossy : pair.needless).push_back({key, tally});
    }
    for (const auto& [key, pair] : pairs) {
      report(scene, pair.lossy, pair.path, &TcpRetransmission::describe_loss, findings);
      if (!pair.lossy.empty()) continue;
      report(scene, pair.needless, nullptr, &TcpRetransmission::describe_needless, findings);
    }
  }

  std::uint64_t evicted() const override { return flows_.evicted() + paths_.evicted(); }

 private:
  struct Flow {
    const FlowKey* key;
    const Tally* tally;
  };
  using Flows = std::vector<Flow>;
  using Describe = void (TcpRetransmission::*)(const Scene&, const Flows&, const Path*,
                                               Finding&) const;

  // As many flows of one path are one problem of the path.
  static constexpr std::size_t flows_of_a_path = 3;
  // Repetitions that are shown with what they repeat.
  static constexpr std::size_t pairs_shown = 3;
  static constexpr std::size_t most_kept_in_all = 100000;
  // With so few segments a share means nothing.
  static constexpr std::uint64_t few_segments = 30;
  static constexpr std::uint64_t few_lost = 3;
  static constexpr std::uint64_t few_segments_percent = 3;
  // Linux gives up after 15; after six the application has waited for half a minute.
  static constexpr std::uint8_t hopeless_chain = 6;
  static constexpr std::uint8_t silent_chain = 3;

  void end_flow(const FlowKey& key, const tcp::FlowTotals& totals) {
    if (totals.data_segments == 0) return;
    Path& path = paths_[PathKey::of(key)];
    path.data += totals.data_segments;
    Tally* tally = flows_.find(key);
    if (tally == nullptr) return;
    if (!tally->kept.empty() && totals.repeats != 0) {
      tally->unrecovered = totals.outstanding && tally->kept.back().chain >= silent_chain;
    }
    tally->data_before += totals.data_segments;
    tally->data_now = 0;
    tally->delivered_size = std::max(tally->delivered_size, totals.delivered_size);
    tally->ended = true;
    if (tally->lost() <= tally->told) return;
    path.lost += tally->lost() - tally->told;
    tally->told = tally->lost();
    ++path.lossy_flows;
  }

  // The path, if what it loses is worth a finding however little each flow loses.
  const Path* lossy_path(const PathKey& key) const {
    const Path* path = paths_.find(key);
    const bool lossy = path != nullptr && path->lossy_flows >= flows_of_a_path &&
                       path->data >= min_path_segments_ && path->lost * 100 >= loss_ * path->data;
    return lossy ? path : nullptr;
  }

  bool is_lossy(const Tally& tally) const {
    const std::uint64_t lost = tally.lost();
    if (lost == 0) return false;
    if (tally.longest_chain() >= chain_ || tally.stalled >= stall_) return true;
    if (tally.data() >= min_segments_) return lost * 100 >= loss_ * tally.data();
    return tally.data() >= few_segments && lost >= few_lost &&
           lost * 100 >= few_segments_percent * tally.data();
  }

  // Nothing was lost, and still much was sent twice.
  bool is_needless(const Tally& tally) const {
    const std::uint64_t twice = tally.spurious + tally.needless;
    if (twice == 0 || tally.lost() != 0) return false;
    return tally.data() >= few_segments && twice * 100 >= loss_ * tally.data();
  }

  bool has_given_up(const Tally& tally) const {
    return tally.unrecovered || (tally.longest_chain() >= hopeless_chain && !tally.ended);
  }

  void report(const Scene& scene, const Flows& flows, const Path* path, Describe describe,
              std::vector<Finding>& findings) const {
    const bool as_one = path != nullptr || flows.size() >= flows_of_a_path;
    const std::size_t together = as_one ? std::max<std::size_t>(flows.size(), 1) : 1;
    for (std::size_t at = 0; at < flows.size(); at += together) {
      const Flows group(flows.begin() + static_cast<std::ptrdiff_t>(at),
                        flows.begin() + static_cast<std::ptrdiff_t>(at + together));
      Finding finding;
      fill_frame(scene, group, as_one, finding);
      (this->*describe)(scene, group, path, finding);
      findings.push_back(std::move(finding));
    }
  }

  void fill_frame(const Scene& scene, const Flows& flows, bool is_path, Finding& finding) const {
    const FlowKey& key = *flows.front().key;
    finding.entity = is_path ? fmt::format("{}>{}/{}", key.sender.address.to_string(),
                                           key.receiver.address.to_string(), key.tunnel)
                             : fmt::format("{}>{}/{}", key.sender.to_string(),
                                           key.receiver.to_string(), key.tunnel);
    finding.unit = "segment";
    TopList<IpAddress> clients;
    TopList<Endpoint> servers;
    Evidence evidence;
    const Repetition* worst = nullptr;
    std::size_t pairs = 0;
    PacketRef original;
    for (const Flow& flow : flows) {
      const Tally& tally = *flow.tally;
      const bool upload = tally.sender_is_initiator;
      clients.add((upload ? flow.key->sender : flow.key->receiver).address, tally.lost());
      servers.add(upload ? flow.key->receiver : flow.key->sender, tally.lost());
      const bool lossy = tally.lost() != 0;
      for (const Repetition& each : tally.kept) {
        if ((each.spurious || each.kind == RepeatKind::resegmented) && lossy) continue;
        const bool is_new = each.original.exists() && each.original.packet != original;
        if (is_new && pairs++ < pairs_shown) evidence.add(each.original);
        original = each.original.packet;
        evidence.add(each.seen);
        if (worst == nullptr || each.stall > worst->stall) worst = &each;
      }
    }
    if (worst != nullptr && worst->stall > Duration::zero()) evidence.set_worst(worst->seen);
    evidence.fill(finding);
    finding.state =
        scene.now - finding.last > seconds{60} ? FindingState::ended : FindingState::ongoing;
    finding.who = {who("client", clients), who("server", servers)};
    finding.capture_filter =
        fmt::format("tcp and host {} and host {}", key.sender.address.to_string(),
                    key.receiver.address.to_string());
    if (servers.distinct() == 1) {
      finding.capture_filter += fmt::format(" and port {}", servers.top().front().first.port);
    }
    // On the sender, who knows most.
    const std::string far = key.receiver.address.to_string();
    finding.next = {fmt::format("ss -tin dst {}", far),
                    "nstat -az TcpRetransSegs TcpExtTCPTimeouts",
                    fmt::format("mtr -rwbzc 100 {}", far), "ethtool -S DEV | grep -iE 'err|drop'"};
  }

  // Four fifths of what was lost are as large: what says whether size is the matter.
  static std::uint16_t lost_size(const Flows& flows) {
    std::vector<std::uint16_t> sizes;
    for (const Flow& flow : flows) {
      for (const Repetition& each : flow.tally->kept) {
        if (!each.spurious && each.kind != RepeatKind::resegmented) sizes.push_back(each.ip_length);
      }
    }
    if (sizes.empty()) return 0;
    const auto fifth = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 5);
    std::nth_element(sizes.begin(), fifth, sizes.end());
    return *fifth;
  }

  void describe_loss(const Scene& scene, const Flows& flows, const Path* path,
                     Finding& finding) const {
    Tally sum;
    std::uint8_t chain = 0;
    bool given_up = false;
    bool full_size_only = true;
    for (const Flow& flow : flows) {
      const Tally& tally = *flow.tally;
      sum.data_before += tally.data();
      sum.fast += tally.fast;
      sum.tlp += tally.tlp;
      sum.rto += tally.rto;
      sum.other += tally.other;
      sum.spurious += tally.spurious;
      sum.needless += tally.needless;
      sum.upstream += tally.upstream;
      sum.downstream += tally.downstream;
      sum.out_of_order += tally.out_of_order;
      sum.stalled += tally.stalled;
      sum.longest_stall = std::max(sum.longest_stall, tally.longest_stall);
      sum.sees_acks = sum.sees_acks || tally.sees_acks;
      sum.round_trip = std::max(sum.round_trip, tally.round_trip);
      sum.mss = std::max(sum.mss, tally.mss);
      chain = std::max(chain, tally.longest_chain());
      given_up = given_up || has_given_up(tally);
      sum.first_data_only = sum.first_data_only && tally.first_data_only;
      full_size_only = full_size_only && tally.lost_size >= 1000 &&
                       tally.delivered_size + 100 <= tally.lost_size;
    }
    const std::uint64_t lost = path != nullptr ? std::max(path->lost, sum.lost()) : sum.lost();
    const std::uint64_t data = std::max({path != nullptr ? path->data : 0, sum.data(), lost});
    const bool share_tells = data >= few_segments;
    const bool severe = (share_tells && lost * 100 >= severe_loss_ * data) ||
                        sum.stalled >= severe_stall_ || given_up;
    finding.confidence = sum.sees_acks ? Confidence::certain : Confidence::possible;
    const bool unusable = path != nullptr && lost * 100 >= critical_loss_ * data;
    finding.severity = !sum.sees_acks ? Severity::warning
                       : unusable     ? Severity::critical
                       : severe       ? Severity::error
                                      : Severity::warning;
    const std::string sender = flows.front().key->sender.address.to_string();
    const std::string receiver = flows.front().key->receiver.address.to_string();
    finding.title =
        given_up ? fmt::format("data from {} no longer arrives", sender)
        : share_tells && lost * 100 >= loss_ * data
            ? fmt::format("{} of segments from {} are lost", share_text(lost, data), sender)
            : fmt::format("data from {} stalls on timeouts", sender);
    finding.count = lost;
    finding.of = data;
    finding.measures = {
        {"flows", static_cast<std::int64_t>(path != nullptr ? path->lossy_flows : flows.size())},
        {"fast", static_cast<std::int64_t>(sum.fast)},
        {"tail_probes", static_cast<std::int64_t>(sum.tlp)},
        {"timeouts", static_cast<std::int64_t>(sum.rto)},
        {"unexplained", static_cast<std::int64_t>(sum.other)},
        {"needless", static_cast<std::int64_t>(sum.spurious + sum.needless)},
        {"lost_upstream", static_cast<std::int64_t>(sum.upstream)},
        {"lost_downstream", static_cast<std::int64_t>(sum.downstream)},
        {"timeouts_in_a_row", chain},
        {"stall_ms", sum.stalled / milliseconds{1}}};
    if (const auto size = lost_size(flows); size != 0) {
      finding.measures.push_back({"lost_ip_bytes", size});
    }
    if (sum.round_trip > Duration::zero()) {
      finding.measures.push_back({"round_trip_ns", sum.round_trip.count()});
      if (sum.mss != 0) {
        finding.measures.push_back(
            {"rate_limit_bps", rate_limit(sum.mss, sum.round_trip, lost, data)});
      }
    }
    add_causes(flows, sum, location(scene, flows, sum), chain, given_up, full_size_only, receiver,
               finding);
    if (!sum.sees_acks) {
      finding.caveats.push_back({"one-sided",
                                 "no acknowledgments in this capture: what was repeated may have "
                                 "arrived"});
    }
    if (sum.spurious + sum.needless > 0) {
      finding.caveats.push_back(
          {"needless", fmt::format("{} more were sent twice although they had arrived",
                                   plural(sum.spurious + sum.needless, "segment"))});
    }
  }

  // What loss leaves of a classic congestion control: 1.22 MSS / (RTT sqrt(p)), RFC 5348 section
  // 3.1 simplified.
  static std::int64_t rate_limit(std::uint16_t mss, Duration round_trip, std::uint64_t lost,
                                 std::uint64_t data) {
    const std::uint64_t root_ppm = std::max<std::uint64_t>(square_root(lost * 1000000 / data), 1);
    const auto us = std::max<std::int64_t>(round_trip / std::chrono::microseconds{1}, 1);
    // sqrt(p * 10^6) is 1000 sqrt(p).
    const std::uint64_t bits_ms = std::uint64_t{mss} * 8 * 122 / 100 * 1000000000 / root_ppm;
    return static_cast<std::int64_t>(bits_ms) / us;
  }

  // Whose end of the path the capture point is at, as a clause; empty where that is not known.
  static std::string_view nearness(const Scene& scene, const Flow& flow) {
    const bool upload = flow.tally->sender_is_initiator;
    const IpAddress& sender = flow.key->sender.address;
    const IpAddress& receiver = flow.key->receiver.address;
    switch (scene.vantage_of(upload ? sender : receiver, upload ? receiver : sender,
                             flow.key->tunnel)) {
      case Vantage::near_client:
        return upload ? ", near the sender" : ", near the receiver";
      case Vantage::near_server:
        return upload ? ", near the receiver" : ", near the sender";
      default:
        return "";
    }
  }

  static std::string location(const Scene& scene, const Flows& flows, const Tally& sum) {
    const std::string_view near = nearness(scene, flows.front());
    if (sum.upstream == 0) {
      return fmt::format("the originals passed here{}: lost between here and the receiver", near);
    }
    if (sum.downstream == 0) {
      return fmt::format("the originals never came here{}: lost on the sender's side", near);
    }
    return fmt::format("{} lost before this capture point{}, {} behind it", grouped(sum.upstream),
                       near, grouped(sum.downstream));
  }

  // The share of losses that come three and more in a row.
  static bool comes_in_bursts(const Flows& flows) {
    std::uint64_t in_bursts = 0;
    std::uint64_t all = 0;
    for (const Flow& flow : flows) {
      std::uint64_t run = 0;
      std::uint64_t next = 0;
      for (const Repetition& each : flow.tally->kept) {
        if (each.spurious || each.kind == RepeatKind::resegmented) continue;
        all += each.segments;
        run = each.offset == next ? run + each.segments : each.segments;
        next = each.offset + each.length;
        if (run >= 3) in_bursts += run - each.segments < 3 ? run : each.segments;
      }
    }
    return all >= few_lost && in_bursts * 2 >= all;
  }

  void add_causes(const Flows& flows, const Tally& sum, const std::string& where,
                  std::uint8_t chain, bool given_up, bool full_size_only,
                  const std::string& receiver, Finding& finding) const {
    const auto add_mtu = [&] {
      if (!full_size_only) return;
      finding.causes.push_back({"mtu", "large segments do not fit through the path",
                                "only large segments are lost, and none of that size arrived",
                                fmt::format("ping -M do -s 1472 -c 3 {}", receiver)});
    };
    // detectors.md, section 5.9: the handshake's last ACK was dropped, and what follows it is too.
    const bool accept_queue = sum.first_data_only && flows.size() > 1;
    if (accept_queue) {
      finding.causes.push_back({"accept-queue", "the listener's queue is full",
                                "only the first data of new connections is repeated", "ss -ltn"});
    }
    if (given_up) {
      finding.causes.push_back(
          {"peer-silent", "the receiver, or the path to it, is gone",
           fmt::format("{} timeouts in a row, and no answer to the last", chain),
           fmt::format("ping -c 3 {}", receiver)});
      add_mtu();
    } else if (chain >= chain_) {
      add_mtu();
      finding.causes.push_back(
          {"outage", "the path was interrupted for a while",
           fmt::format("{} timeouts in a row, then it went on; {}", chain, where),
           fmt::format("mtr -rwbzc 100 {}", receiver)});
    } else {
      add_mtu();
    }
    if (sum.out_of_order * 10 >= sum.lost() && sum.spurious + sum.needless >= sum.lost()) {
      finding.causes.push_back(
          {"reordering", "the path reorders, and the sender takes it for loss",
           fmt::format("{} out of order, {} sent twice for nothing",
                       plural(sum.out_of_order, "segment"), grouped(sum.spurious + sum.needless)),
           "ss -ti | grep -o 'reordering:[0-9]*'"});
    }
    if (comes_in_bursts(flows)) {
      finding.causes.push_back({"congestion", "a queue on the path overflows",
                                "losses come in bursts; " + where, "tc -s qdisc show"});
    } else {
      finding.causes.push_back({"random-loss", "a link drops or damages packets",
                                "losses come one by one; " + where,
                                "ethtool -S DEV | grep -iE 'crc|err|drop'"});
    }
  }

  void describe_needless(const Scene&, const Flows& flows, const Path*, Finding& finding) const {
    std::uint64_t twice = 0;
    std::uint64_t data = 0;
    std::uint64_t late = 0;
    for (const Flow& flow : flows) {
      twice += flow.tally->spurious + flow.tally->needless;
      data += flow.tally->data();
      late += flow.tally->out_of_order;
    }
    finding.variant = "spurious";
    finding.severity = Severity::note;
    finding.confidence = Confidence::certain;
    finding.title = fmt::format("{} repeats segments that had arrived",
                                flows.front().key->sender.address.to_string());
    finding.count = twice;
    finding.of = std::max(data, twice);
    if (late != 0) {
      finding.causes.push_back({"reordering", "the path reorders, and the sender takes it for loss",
                                fmt::format("{} came out of order", plural(late, "segment")),
                                "ss -ti | grep -o 'reordering:[0-9]*'"});
    } else {
      finding.causes.push_back({"delay-spike",
                                "the path, or the receiver, held packets for a while",
                                "acknowledgments for the originals came after the repetitions",
                                "mtr -rwbzc 100 RECEIVER"});
    }
  }

  const std::uint64_t loss_;
  const std::uint64_t severe_loss_;
  const std::uint64_t critical_loss_;
  const std::uint64_t min_segments_;
  const std::uint64_t min_path_segments_;
  const Duration stall_;
  const Duration severe_stall_;
  const std::uint64_t chain_;
  TallyMap<FlowKey, Tally> flows_;
  TallyMap<PathKey, Path> paths_;
  std::size_t kept_in_all_ = 0;
};

}  // namespace

DetectorEntry tcp_retransmission() {
  return {"tcp-retransmission", "note to critical", "data that is lost and sent again",
          Basis::presence, make_detector<TcpRetransmission>};
}

}  // namespace wirefault
