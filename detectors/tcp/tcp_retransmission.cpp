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
#include <limits>
#include <map>
#include <optional>

#include "detectors/detector.h"
#include "detectors/flow_key.h"
#include "detectors/tcp/flows.h"

namespace wirefault {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tcp::RepeatKind;

struct Repetition {
  Sighting seen;
  Sighting original;
  Duration stall{};
  Duration gap{};
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
  std::uint32_t in_flight = 0;      // bytes sent from the first repeated one on, until it was
  std::uint32_t round_trip_us = 0;  // smoothed, at that moment
  // Of the leg that lost it: the least one until then, and smoothed; 0: unknown.
  std::uint32_t least_leg_us = 0;
  std::uint32_t leg_us = 0;
  std::uint16_t segments = 1;
  std::uint16_t duplicate_acks = 0;
  std::uint16_t ip_length = 0;
  std::uint8_t chain = 0;
  RepeatKind kind = RepeatKind::unknown;
  bool full_size = false;
  bool upstream = false;  // fills a hole: `original` is what showed it
  bool spurious = false;
  bool was_held = false;  // the receiver had closed its window before
};

std::uint32_t to_us(Duration duration) {
  return static_cast<std::uint32_t>(std::min<std::int64_t>(
      duration / microseconds{1}, std::numeric_limits<std::uint32_t>::max()));
}

// What showed that a repetition was needless.
struct Proof {
  PacketRef repetition;
  tcp::SpuriousProof kind = tcp::SpuriousProof::dsack;
  Sighting seen;
};

struct Tally {
  bool sender_is_initiator = false;
  bool sees_acks = false;
  bool ended = false;
  bool over = false;              // it loses no more
  bool unrecovered = false;       // the last repetition was never acknowledged
  bool answered_by_rst = false;   // but reset, by a receiver that had not closed it
  bool was_left = false;          // the receiver closed it while data was on the way
  bool came_to_nothing = false;   // it ended, and only its path still counts what it lost
  bool first_data_only = true;    // lost was nothing but what the initiator sent first
  std::uint64_t data_before = 0;  // of connections with these ports that have ended
  std::uint64_t data_now = 0;
  std::uint64_t fast = 0;  // segments, by kind; spurious ones are taken out
  std::uint64_t tlp = 0;
  std::uint64_t rto = 0;
  std::uint64_t other = 0;
  std::uint64_t needless = 0;
  std::uint64_t spurious = 0;
  std::uint64_t spurious_probes = 0;    // of those
  std::uint64_t spurious_timeouts = 0;  // likewise
  std::uint64_t upstream = 0;
  std::uint64_t downstream = 0;
  std::uint64_t refused = 0;  // by ICMP, as too large
  std::uint64_t dropped = 0;  // repetitions counted, not kept
  std::uint64_t told = 0;     // of those lost, to the path
  std::uint64_t out_of_order = 0;
  Duration stalled{};
  Duration longest_stall{};
  Duration round_trip{};
  Duration idle_before{};  // the last repetition that got nothing back, of its first sending
  std::uint16_t mss = 0;
  std::uint16_t delivered_size = 0;
  std::uint16_t lost_size = 0;  // the smallest IP length lost
  std::vector<Repetition> kept;
  std::vector<Proof> proofs;             // the first few
  std::uint64_t* kept_in_all = nullptr;  // the detector's count, to which they are added

  Tally() = default;
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;
  ~Tally() {
    if (kept_in_all != nullptr) *kept_in_all -= kept.size();
  }

  bool is_healthy() const { return came_to_nothing; }
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
  Timestamp delivered{};  // when the newest connection began on which data arrived

  bool is_healthy() const { return lossy_flows < flows_of_a_path; }
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
        flows_{setup.tallies(8192)},
        paths_{setup.tallies(4096)} {}

  void on_tcp_retransmission(const tcp::Retransmission& fact) override {
    if (fact.kind == RepeatKind::fin) return;
    Tally& tally = flows_[FlowKey::of(fact.flow)];
    tally.sender_is_initiator = fact.flow.sender_is_initiator;
    tally.ended = false;
    tally.over = false;
    tally.came_to_nothing = false;
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
      tally.idle_before =
          std::max(fact.chain > 1 ? tally.idle_before : Duration{}, fact.idle_before);
      tally.stalled += fact.stall;
      if (fact.refused != Timestamp{}) tally.refused += fact.segments;
      tally.longest_stall = std::max(tally.longest_stall, fact.stall);
      if (tally.lost_size == 0 || fact.ip_length < tally.lost_size)
        tally.lost_size = fact.ip_length;
    }
    if (fact.follows_probe) take_for_probe(tally, fact.offset);
    if (tally.kept.size() >= Evidence::most_kept || kept_in_all_ >= most_kept_in_all) {
      ++tally.dropped;
      return;
    }
    ++kept_in_all_;
    tally.kept_in_all = &kept_in_all_;
    Repetition kept;
    kept.seen = fact.repetition;
    kept.original = fact.original;
    kept.stall = fact.stall;
    kept.gap = fact.gap;
    kept.offset = fact.offset;
    kept.length = fact.length;
    kept.in_flight = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(fact.totals.bytes - std::min(fact.totals.bytes, fact.offset),
                                std::numeric_limits<std::uint32_t>::max()));
    kept.round_trip_us = to_us(fact.present_round_trip);
    kept.least_leg_us = to_us(fact.leg_round_trip);
    kept.leg_us = to_us(fact.present_leg_round_trip);
    kept.duplicate_acks = fact.duplicate_acks;
    kept.was_held = fact.was_held;
    kept.segments = static_cast<std::uint16_t>(std::min<std::uint32_t>(fact.segments, 0xffff));
    kept.ip_length = fact.ip_length;
    kept.chain = fact.chain;
    kept.kind = fact.kind;
    kept.full_size = fact.is_full_size;
    kept.upstream = fact.side == tcp::LossSide::upstream;
    kept.spurious = fact.kind == RepeatKind::needless;
    tally.kept.push_back(kept);
  }

  void on_tcp_spurious_retransmission(const tcp::SpuriousRetransmission& fact) override {
    Tally* tally = flows_.find(FlowKey::of(fact.flow));
    if (tally == nullptr || fact.kind == RepeatKind::resegmented) return;
    std::uint64_t& counted = tally->of_kind(fact.kind);
    counted -= std::min<std::uint64_t>(counted, fact.segments);
    tally->spurious += fact.segments;
    if (fact.kind == RepeatKind::tlp) tally->spurious_probes += fact.segments;
    if (fact.kind == RepeatKind::rto) tally->spurious_timeouts += fact.segments;
    for (auto kept = tally->kept.rbegin(); kept != tally->kept.rend(); ++kept) {
      if (kept->seen.packet != fact.repetition) continue;
      kept->spurious = true;
      tally->stalled -= kept->stall;
      break;
    }
    if (tally->proofs.size() < proofs_kept) {
      tally->proofs.push_back({fact.repetition, fact.proof, fact.proven_by});
    }
  }

  void on_tcp_out_of_order(const tcp::OutOfOrder& fact) override {
    if (Tally* tally = flows_.find(FlowKey::of(fact.flow))) ++tally->out_of_order;
  }

  void on_tcp_connection_ended(const tcp::ConnectionEnded& fact) override {
    end_flow(FlowKey::of(fact.from_initiator), fact.initiator, fact.responder, fact);
    end_flow(FlowKey::against(fact.from_initiator), fact.responder, fact.initiator, fact);
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    struct Pair {
      Flows lossy;
      Flows needless;
      Span span{};  // of the needless
    };
    std::map<PathKey, Pair> pairs;
    for (const auto& [key, tally] : flows_.sorted()) {
      const PathKey path = PathKey::of(*key);
      const bool lossy = is_lossy(*tally) || (tally->lost() != 0 && lossy_path(path) != nullptr);
      if (!lossy && !is_needless(*tally)) continue;
      Pair& pair = pairs[path];
      (lossy ? pair.lossy : pair.needless).push_back({key, tally});
    }
    std::vector<const Pair*> needless;
    for (auto& [key, pair] : pairs) {
      if (!pair.lossy.empty()) continue;
      pair.span = span_of(pair.needless);
      needless.push_back(&pair);
    }
    for (const auto& [key, pair] : pairs) {
      const auto back = pairs.find({key.tunnel, key.receiver, key.sender, 0});
      const bool both_ways = back != pairs.end() && !back->second.lossy.empty();
      if (!pair.lossy.empty()) {
        findings.push_back(describe_loss(scene, key, pair.lossy, both_ways));
        continue;
      }
      const auto alike = std::count_if(needless.begin(), needless.end(), [&](const Pair* other) {
        return other != &pair && are_simultaneous(other->span, pair.span);
      });
      findings.push_back(
          describe_needless(scene, pair.needless, static_cast<std::uint64_t>(alike)));
    }
  }

  std::uint64_t evicted() const override { return flows_.evicted() + paths_.evicted(); }

 private:
  using Flow = TroubledFlow<Tally>;
  using Flows = TroubledFlows<Tally>;

  // Repetitions that are shown with what they repeat.
  static constexpr std::size_t pairs_shown = 3;
  static constexpr std::size_t proofs_kept = 8;
  static constexpr std::size_t most_kept_in_all = 100000;
  // With so few segments a share means nothing.
  static constexpr std::uint64_t few_segments = 30;
  static constexpr std::uint64_t few_lost = 3;
  static constexpr std::uint64_t few_segments_percent = 3;
  // Linux gives up after 15; after six the application has waited for half a minute.
  static constexpr std::uint8_t hopeless_chain = 6;
  static constexpr std::uint8_t silent_chain = 3;
  // detectors.md, section 5.7: no state of the path is given up sooner.
  static constexpr Duration idle_time = seconds{60};
  static constexpr Duration one_moment = seconds{1};
  // As many losses at the same rate come about by chance in hardly any flow.
  static constexpr std::size_t most_chance_rates = 12;
  // Over how many losses a rate is taken: a bucket gives out whole packets, which makes single ones
  // uneven.
  static constexpr std::size_t losses_of_a_rate = 3;
  // What is expected once in as many captures is no chance.
  static constexpr double least_chance = 0.05;
  // Below, a host's own delays weigh more.
  static constexpr Duration least_growth = milliseconds{10};

  // What was called a timeout was a probe: the next one waited no longer.
  static void take_for_probe(Tally& tally, std::uint64_t offset) {
    if (tally.kept.empty()) return;
    Repetition& probe = tally.kept.back();
    if (probe.offset != offset || probe.kind != RepeatKind::rto || probe.spurious) return;
    tally.rto -= std::min<std::uint64_t>(tally.rto, probe.segments);
    tally.tlp += probe.segments;
    probe.kind = RepeatKind::tlp;
    probe.chain = 0;
  }

  void end_flow(const FlowKey& key, const tcp::FlowTotals& totals, const tcp::FlowTotals& receiver,
                const tcp::ConnectionEnded& fact) {
    if (totals.data_segments == 0) return;
    Path& path = paths_[PathKey::of(key)];
    path.data += totals.data_segments;
    if (totals.delivered_size > 0) path.delivered = std::max(path.delivered, fact.first);
    Tally* tally = flows_.find(key);
    if (tally == nullptr) return;
    tally->over = is_over(totals, fact.ending, tally->lost() + tally->spurious + tally->needless,
                          tally->data_before, tally->data_now);
    if (!tally->kept.empty() && totals.repeats != 0) {
      const Repetition& last = tally->kept.back();
      tally->was_left = totals.outstanding && receiver.sent_fin && receiver.sent_rst;
      tally->unrecovered = totals.outstanding && last.chain >= silent_chain && !tally->was_left;
      tally->answered_by_rst =
          tally->unrecovered && receiver.sent_rst && fact.last - last.seen.time <= one_moment;
    }
    tally->data_before += totals.data_segments;
    tally->data_now = 0;
    tally->delivered_size = std::max(tally->delivered_size, totals.delivered_size);
    tally->ended = true;
    tally->came_to_nothing = !is_lossy(*tally) && !is_needless(*tally);
    if (!tally->came_to_nothing) flows_.hold(key);
    if (tally->lost() <= tally->told) return;
    path.lost += tally->lost() - tally->told;
    tally->told = tally->lost();
    ++path.lossy_flows;
  }

  // The path, if what it loses is worth a finding however little each flow loses.
  const Path* lossy_path(const PathKey& key) const {
    const Path* path = paths_.find(key);
    return path != nullptr && is_lossy(*path) ? path : nullptr;
  }
  bool is_lossy(const Path& path) const {
    return path.lossy_flows >= flows_of_a_path && path.data >= min_path_segments_ &&
           path.lost * 100 >= loss_ * path.data;
  }

  bool is_lossy(const Tally& tally) const {
    const std::uint64_t lost = tally.lost();
    if (lost == 0) return false;
    if (tally.longest_chain() >= chain_ || tally.stalled >= stall_) return true;
    if (tally.data() >= min_segments_) return lost * 100 >= loss_ * tally.data();
    return tally.data() >= few_segments && lost >= few_lost &&
           lost * 100 >= few_segments_percent * tally.data();
  }

  // Nothing was lost, and still much was sent twice. A tail loss probe is sent before anybody can
  // know whether it is needed (RFC 8985, section 7.1), and where acknowledgments are delayed most
  // are not. A timeout for nothing is felt each time: the sender stood still and slows down after
  // it (RFC 5682, section 1).
  bool is_needless(const Tally& tally) const {
    const std::uint64_t twice = tally.spurious + tally.needless;
    const std::uint64_t unprobed = twice - tally.spurious_probes;
    if (tally.lost() != 0 || (unprobed < few_lost && tally.spurious_timeouts == 0)) return false;
    return tally.data() >= few_segments && twice * 100 >= loss_ * tally.data();
  }

  bool has_given_up(const Tally& tally) const {
    return tally.sees_acks &&
           (tally.unrecovered || (tally.longest_chain() >= hopeless_chain && !tally.ended));
  }

  // From the first repetition to the last.
  struct Span {
    Timestamp first = Timestamp::max();
    Timestamp last{};
  };
  static Span span_of(const Flows& flows) {
    Span span;
    for (const Flow& flow : flows) {
      for (const Repetition& each : flow.tally->kept) {
        span.first = std::min(span.first, each.seen.time);
        span.last = std::max(span.last, each.seen.time);
      }
    }
    return span;
  }
  // A delay that hits all at once is over as soon.
  static bool are_simultaneous(const Span& a, const Span& b) {
    return std::max(a.last, b.last) - std::min(a.first, b.first) <= one_moment;
  }

  // All flows of two hosts, in one direction.
  Finding start(const Scene& scene, const Flows& flows) const {
    Finding finding;
    const FlowKey& key = *flows.front().key;
    finding.entity = fmt::format("{}>{}/{}", key.sender.address.to_string(),
                                 key.receiver.address.to_string(), key.tunnel);
    finding.tunnel = key.tunnel;
    finding.unit = "segment";
    Evidence evidence;
    const Repetition* worst = nullptr;
    std::size_t pairs = 0;
    PacketRef original;
    for (const Flow& flow : flows) {
      const Tally& tally = *flow.tally;
      const bool lossy = tally.lost() != 0;
      for (const Repetition& each : tally.kept) {
        if ((each.spurious || each.kind == RepeatKind::resegmented) && lossy) continue;
        const bool is_new = each.original.exists() && each.original.packet != original;
        original = each.original.packet;
        evidence.add(each.seen);
        if (is_new && pairs++ < pairs_shown) {
          evidence.add(each.original);
          evidence.show(each.seen, account_of(each));
        }
        if (worst == nullptr || each.stall > worst->stall) worst = &each;
      }
      for (const Proof& proof : tally.proofs) {
        if (lossy) continue;
        evidence.add(proof.seen);
        evidence.show(proof.seen, account_of(proof));
      }
    }
    if (worst != nullptr && worst->stall > Duration::zero()) evidence.set_worst(worst->seen);
    evidence.fill(finding);
    describe_flows(
        flows, scene.now, [](const Tally& tally) { return tally.lost(); }, finding);
    // From where the capture was taken.
    const bool near_receiver = is_near_receiver(scene, flows.front());
    const IpAddress& far = (near_receiver ? key.sender : key.receiver).address;
    finding.next = {
        fmt::format("ss -tin dst {}  # on the sender", key.receiver.address.to_string()),
        "nstat -az TcpRetransSegs TcpExtTCPTimeouts  # on the sender",
        fmt::format("mtr -rwbzc 100 {}", far.to_string()), "ethtool -S DEV | grep -iE 'err|drop'"};
    return finding;
  }

  static std::string_view name_of(RepeatKind kind) {
    switch (kind) {
      case RepeatKind::fast:
        return "fast";
      case RepeatKind::tlp:
        return "tail loss probe";
      case RepeatKind::rto:
        return "timeout";
      default:
        return "reason unknown";
    }
  }

  // "repeats #98 after 43 ms: fast, 3 duplicate ACKs"
  static std::string account_of(const Repetition& each) {
    const bool passed_here = each.kind != RepeatKind::needless && each.gap > Duration::zero();
    std::string said =
        each.upstream ? fmt::format("fills the gap that #{} showed {} before",
                                    each.original.packet.number(), rough_duration(each.gap))
        : passed_here ? fmt::format("repeats #{} after {}", each.original.packet.number(),
                                    rough_duration(each.gap))
                      : fmt::format("repeats #{}", each.original.packet.number());
    said += fmt::format(": {}", name_of(each.kind));
    if (each.chain > 1) said += fmt::format(", the {}. in a row", each.chain);
    if (each.duplicate_acks != 0) {
      said += fmt::format(", {}", plural(each.duplicate_acks, "duplicate ACK"));
    }
    return said;
  }

  static std::string account_of(const Proof& proof) {
    const std::uint64_t number = proof.repetition.number();
    switch (proof.kind) {
      case tcp::SpuriousProof::dsack:
        return fmt::format("reports the bytes of #{} received twice (DSACK)", number);
      case tcp::SpuriousProof::timestamp:
        return fmt::format("acknowledges what #{} repeats with the timestamp of the original",
                           number);
      default:
        return fmt::format("acknowledges #{} sooner than it can have arrived", number);
    }
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

  // What of the path's loss is not that of `others`; null: the flows by themselves say it.
  std::optional<Path> path_without(const Flows& others, const PathKey& key) const {
    const Path* path = lossy_path(key);
    if (path == nullptr) return std::nullopt;
    Path rest = *path;
    for (const Flow& each : others) {
      rest.lost -= std::min(rest.lost, each.tally->told);
      rest.data -= std::min(rest.data, each.tally->data_before);
      if (each.tally->told != 0 && rest.lossy_flows != 0) --rest.lossy_flows;
    }
    return is_lossy(rest) ? std::optional{rest} : std::nullopt;
  }

  // Most of what it lost was sent while nothing large got through.
  static bool is_of(const SizeHole& hole, const Tally& tally) {
    std::size_t all = 0;
    std::size_t covered = 0;
    for (const Repetition& each : tally.kept) {
      if (each.spurious || each.kind == RepeatKind::resegmented) continue;
      ++all;
      if (each.ip_length >= hole.lost_size && hole.covers(each.original.time)) ++covered;
    }
    return covered * 2 > all;
  }

  // The segment that was sent most often in vain, and what else went the same way meanwhile.
  struct Stuck {
    const Stall* stall = nullptr;  // null: none
    Meanwhile meanwhile;
    std::uint64_t singly = 0;  // lost while nothing was stuck
    SizeHole hole;             // that all of it is due to
  };
  static Stuck stuck_of(const PathStalls* stalls, const Flows& flows) {
    Stuck stuck;
    if (stalls == nullptr) return stuck;
    for (const Flow& flow : flows) {
      const Stall* stall = stalls->longest_of(*flow.key);
      const bool longer =
          stall != nullptr && (stuck.stall == nullptr || stall->in_vain > stuck.stall->in_vain);
      if (longer) stuck.stall = stall;
      for (const Repetition& each : flow.tally->kept) {
        if (each.spurious || each.kind == RepeatKind::resegmented) continue;
        if (!stalls->covers(each.original.time)) stuck.singly += each.segments;
      }
    }
    if (stuck.stall != nullptr) stuck.meanwhile = stuck.stall->meanwhile;
    return stuck;
  }

  // One finding of all flows, so that one that is open stays the same as more of them join. Those
  // that stalled because nothing large got through have a cause of their own: they are told only
  // where there are no others.
  Finding describe_loss(const Scene& scene, const PathKey& key, const Flows& all,
                        bool both_ways) const {
    const PathStalls* stalls = scene.stalls_of(key);
    SizeHole hole = stalls == nullptr ? SizeHole{} : stalls->hole();
    Flows large;
    Flows rest;
    for (const Flow& flow : all) (is_of(hole, *flow.tally) ? large : rest).push_back(flow);
    const Flows& flows = rest.empty() ? large : rest;
    Stuck stuck = stuck_of(stalls, flows);
    if (rest.empty()) stuck.hole = std::move(hole);
    Finding finding = start(scene, flows);
    describe_loss(scene, flows, path_without(rest.empty() ? rest : large, key), stuck, both_ways,
                  finding);
    if (!rest.empty() && !large.empty()) {
      finding.caveats.push_back(
          {"large-packets",
           fmt::format("{} more stalled on segments of {} bytes while smaller ones arrived",
                       plural(large.size(), "flow"), hole.lost_size)});
    }
    return finding;
  }

  void describe_loss(const Scene& scene, const Flows& flows, const std::optional<Path>& path,
                     const Stuck& stuck, bool both_ways, Finding& finding) const {
    Tally sum;
    std::uint8_t chain = 0;
    std::size_t never_recovered = 0;
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
      sum.refused += tally.refused;
      sum.stalled += tally.stalled;
      sum.longest_stall = std::max(sum.longest_stall, tally.longest_stall);
      sum.sees_acks = sum.sees_acks || tally.sees_acks;
      sum.round_trip = std::max(sum.round_trip, tally.round_trip);
      if (has_given_up(tally)) sum.idle_before = std::max(sum.idle_before, tally.idle_before);
      sum.mss = std::max(sum.mss, tally.mss);
      chain = std::max(chain, tally.longest_chain());
      if (has_given_up(tally)) ++never_recovered;
      sum.answered_by_rst = sum.answered_by_rst || tally.answered_by_rst;
      sum.was_left = sum.was_left || tally.was_left;
      sum.first_data_only = sum.first_data_only && tally.first_data_only;
      full_size_only = full_size_only && tally.lost_size >= 1000 &&
                       tally.delivered_size + 100 <= tally.lost_size;
    }
    // What is true of a few of them does not tell what the path does.
    const bool given_up = never_recovered * 2 >= flows.size();
    const std::uint64_t lost = path ? std::max(path->lost, sum.lost()) : sum.lost();
    const std::uint64_t data = std::max({path ? path->data : 0, sum.data(), lost});
    const bool share_tells = data >= few_segments;
    const bool severe = (share_tells && lost * 100 >= severe_loss_ * data) ||
                        sum.stalled >= severe_stall_ || never_recovered != 0;
    finding.confidence = sum.sees_acks ? Confidence::certain : Confidence::possible;
    const bool unusable = path && lost * 100 >= critical_loss_ * data;
    finding.severity = !sum.sees_acks ? Severity::warning
                       : unusable     ? Severity::critical
                       : severe       ? Severity::error
                                      : Severity::warning;
    const std::string sender = flows.front().key->sender.address.to_string();
    const std::string receiver = flows.front().key->receiver.address.to_string();
    const std::string share = fmt::format("{} of data from ", share_text(lost, data));
    finding.title =
        stuck.hole.exists()
            ? short_title("large segments from ", sender, " do not reach ", receiver, "")
        : given_up && sum.answered_by_rst
            ? short_title("", receiver, " forgot its connection with ", sender, "")
        : given_up ? short_title("data from ", sender, " no longer reaches ", receiver, "")
        : share_tells && lost * 100 >= loss_ * data
            // Without acknowledgments nobody knows what has arrived.
            ? short_title(share, sender, " to ", receiver,
                          sum.sees_acks ? " is lost" : " is sent again")
            : short_title("data from ", sender, " to ", receiver, " stalls on timeouts");
    finding.count = lost;
    finding.of = data;
    finding.measures = {
        {"flows", static_cast<std::int64_t>(path ? path->lossy_flows : flows.size())},
        {"fast", static_cast<std::int64_t>(sum.fast)},
        {"tail_probes", static_cast<std::int64_t>(sum.tlp)},
        {"timeouts", static_cast<std::int64_t>(sum.rto)},
        {"unexplained", static_cast<std::int64_t>(sum.other)},
        {"needless", static_cast<std::int64_t>(sum.spurious + sum.needless)},
        {"lost_upstream", static_cast<std::int64_t>(sum.upstream)},
        {"lost_downstream", static_cast<std::int64_t>(sum.downstream)},
        {"refused_too_large", static_cast<std::int64_t>(sum.refused)},
        {"timeouts_in_a_row", chain},
        {"stall_ms", sum.stalled / milliseconds{1}}};
    if (never_recovered != 0 && never_recovered < flows.size()) {
      finding.measures.push_back({"never_recovered", static_cast<std::int64_t>(never_recovered)});
    }
    if (const auto size = lost_size(flows); size != 0) {
      finding.measures.push_back({"lost_from_bytes", size});
    }
    if (sum.round_trip > Duration::zero()) {
      finding.measures.push_back({"round_trip_ns", sum.round_trip.count()});
      if (const Duration usual = usual_round_trip(flows); usual > Duration::zero()) {
        finding.measures.push_back({"round_trip_median_ns", usual.count()});
      }
      if (sum.mss != 0 && !given_up) {
        finding.measures.push_back(
            {"rate_limit_bps", rate_limit(sum.mss, sum.round_trip, lost, data)});
      }
    }
    add_causes(flows, sum, stuck, location(scene, flows, sum), chain, given_up, full_size_only,
               both_ways, is_near_receiver(scene, flows.front()), finding);
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

  static bool is_near_receiver(const Scene& scene, const Flow& flow) {
    return nearness(scene, flow) == ", near the receiver";
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

  // The segments were too large for a while, as far as anybody can tell from here.
  static Cause too_large_for_a_while(const IpAddress& far, std::uint16_t lost_size,
                                     std::uint32_t in_vain, const Meanwhile& meanwhile) {
    return {
        "mtu", "large segments did not fit for a while: another route, or a tunnel",
        fmt::format("{} bytes were lost {} times, while {} of up to {} bytes arrived", lost_size,
                    grouped(in_vain), plural(meanwhile.smaller, "packet"), meanwhile.smaller_size),
        far.is_v6() ? fmt::format("ping -6 -M do -s {} -c 3 {}", lost_size - 48, far.to_string())
                    : fmt::format("ping -M do -s {} -c 3 {}", lost_size - 28, far.to_string())};
  }

  // RFC 9293, section 3.8.3: R1, the least number of repetitions in vain that mean something.
  static bool is_about_size(const Stuck& stuck) {
    return stuck.stall != nullptr && stuck.stall->in_vain >= 3 && stuck.stall->is_large() &&
           stuck.meanwhile.only_smaller();
  }

  // Whether as many timeouts in a row come about where every segment is lost as often as those
  // that nothing was stuck on.
  static bool is_chance(const Stuck& stuck, const Tally& sum, std::uint8_t chain) {
    double expected = static_cast<double>(sum.lost());
    const double share = static_cast<double>(stuck.singly) / static_cast<double>(sum.data());
    for (int i = 0; i < chain; ++i) expected *= share;
    return expected >= least_chance;
  }

  void add_causes(const Flows& flows, const Tally& sum, const Stuck& stuck,
                  const std::string& where, std::uint8_t chain, bool given_up, bool full_size_only,
                  bool both_ways, bool near_receiver, Finding& finding) const {
    const FlowKey& ends = *flows.front().key;
    const std::string receiver = ends.receiver.address.to_string();
    // From where the capture was taken.
    const IpAddress& far_end = (near_receiver ? ends.sender : ends.receiver).address;
    const std::string far = far_end.to_string();
    if (stuck.hole.exists()) {
      finding.causes.push_back(too_large_for_a_while(far_end, stuck.hole.lost_size,
                                                     stuck.hole.in_vain, stuck.hole.meanwhile));
      return;
    }
    const auto add_mtu = [&] {
      if (!full_size_only || !sum.sees_acks) return;
      finding.causes.push_back({"mtu", "large segments do not fit through the path",
                                "only large segments are lost, and none of that size arrived",
                                fmt::format("ping -M do -s 1472 -c 3 {}", far)});
    };
    Cause outage;
    const auto add_outage = [&] {
      if (!outage.id.empty()) finding.causes.push_back(outage);
    };
    const bool mostly_single = stuck.singly * 2 > sum.lost();
    if (sum.refused * 2 >= sum.lost()) {
      finding.causes.push_back({"too-large", "a router refuses the segments as too large",
                                fmt::format("ICMP errors came back for {} of the {} sent again",
                                            grouped(sum.refused), grouped(sum.lost())),
                                fmt::format("tracepath -n {}", receiver)});
      return;
    }
    // detectors.md, section 5.9: the handshake's last ACK was dropped, and what follows it is too.
    const bool accept_queue = sum.first_data_only && flows.size() > 1;
    if (accept_queue) {
      finding.causes.push_back({"accept-queue", "the listener's queue is full",
                                "only the first data of new connections is repeated", "ss -ltn"});
    }
    if (given_up && sum.idle_before >= idle_time) {
      finding.causes.push_back(
          {"state-lost", "a firewall or address translator forgot the idle connection",
           fmt::format("it was idle for {} before, and what came then was never acknowledged",
                       rough_duration(sum.idle_before)),
           "conntrack -L"});
    }
    const Path* path = paths_.find(PathKey::of(*flows.front().key));
    const auto began_before = [&](const Flow& flow) {
      return !flow.tally->kept.empty() && flow.tally->kept.back().seen.time < path->delivered;
    };
    const bool others_arrive =
        path != nullptr && std::any_of(flows.begin(), flows.end(), began_before);
    if (given_up && sum.answered_by_rst) {
      finding.causes.push_back(
          {"connection-lost", "the receiver lives, and no longer knows the connection",
           "it answers the last repetition with an RST: restarted, another host at its address, or "
           "its own state expired",
           fmt::format("uptime -s  # on {}", receiver)});
    } else if (given_up && stuck.meanwhile.has_any()) {
      if (is_about_size(stuck)) {
        finding.causes.push_back(too_large_for_a_while(far_end, stuck.stall->size,
                                                       stuck.stall->in_vain, stuck.meanwhile));
      }
      finding.causes.push_back({"connection-lost",
                                "the receiver, or a box on the way, forgot the connection",
                                "other connections began and ended meanwhile", "conntrack -L"});
    } else if (given_up && others_arrive) {
      add_mtu();
      finding.causes.push_back(
          {"connection-lost", "the receiver was gone for a while, or forgot the connection",
           "it took the data of a connection that began later", "conntrack -L"});
    } else if (given_up) {
      finding.causes.push_back(
          {"peer-silent", "the receiver, or the path to it, is gone",
           fmt::format("{} timeouts in a row, and no answer to the last", chain),
           fmt::format("ping -c 3 {}", far)});
      add_mtu();
    } else if (chain >= chain_ && !sum.sees_acks) {
      finding.causes.push_back(
          {"no-acknowledgment", "its data, or the acknowledgments for it, get lost",
           fmt::format("{} timeouts in a row: none came to the sender", chain),
           fmt::format("tcpdump -ni any host {}  # for both directions", receiver)});
      return;
    } else if (chain >= chain_ && !sum.was_left && !stuck.meanwhile.has_any()) {
      add_mtu();
      if (!is_chance(stuck, sum, chain)) {
        outage = {"outage", "the path was interrupted for a while",
                  fmt::format("{} timeouts in a row, then it went on; {}", chain, where),
                  fmt::format("mtr -rwbzc 100 {}", far)};
      }
      if (!mostly_single) add_outage();
    } else if (is_about_size(stuck) && stuck.singly == 0) {
      finding.causes.push_back(
          too_large_for_a_while(far_end, stuck.stall->size, stuck.stall->in_vain, stuck.meanwhile));
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
    if (was_mostly_held(flows)) {
      finding.causes.push_back({"receiver-overload", "the receiver does not keep up",
                                "it had closed its window before data got lost",
                                fmt::format("ss -tim src {}  # on the receiver", receiver)});
    }
    // Nothing but silence is no matter of single losses.
    if (given_up && sum.fast == 0) return;
    const Leg leg = leg_that_loses(flows, sum.upstream > sum.downstream);
    // A queue of the usual size, one bandwidth-delay product, doubles the round trip when it is
    // full (C. Villamizar, C. Song: High Performance TCP in ANSNET, 1994).
    const bool has_grown = leg.usual >= 2 * leg.least && leg.usual - leg.least >= least_growth;
    if (near_receiver && sum.downstream != 0 && sum.upstream == 0) {
      finding.causes.push_back({"receiver-drops",
                                "the receiving host, or its own link, drops what has come so far",
                                "the originals passed here, near the receiver",
                                fmt::format("nft list ruleset; nstat -az  # on {}", receiver)});
    }
    const Limit limit = has_grown ? Limit{} : limit_of(flows);
    if (limit.bytes_per_second != 0) {
      finding.causes.push_back(
          {"policer", "a rate limit on the path drops what is above it",
           fmt::format(
               "{} times in a row it lost at {} kbit/s, having been faster before, and round "
               "trips did not grow; {}",
               limit.losses, grouped(limit.bytes_per_second / 125), where),
           "tc -s filter show dev DEV ingress"});
    }
    if (has_grown || comes_in_bursts(flows)) {
      const std::string how =
          has_grown ? fmt::format("round trips had grown from {} to {}", rough_duration(leg.least),
                                  rough_duration(leg.usual))
                    : "losses come in bursts";
      finding.causes.push_back({"congestion", "a queue on the path overflows",
                                fmt::format("{}; {}", how, where), "tc -s qdisc show"});
    } else {
      finding.causes.push_back({"random-loss", "a link drops or damages packets",
                                fmt::format("losses come one by one{}; {}",
                                            both_ways ? ", in both directions" : "", where),
                                "ethtool -S DEV | grep -iE 'crc|err|drop'"});
      if (leg.least == Duration::zero()) {
        finding.causes.push_back({"congestion", "a queue on the path overflows",
                                  "whether round trips had grown on that side cannot be seen here",
                                  "tc -s qdisc show"});
      }
    }
    if (mostly_single) add_outage();
  }

  // Of the side on which most is lost: what is measured on the other tells nothing of its queues.
  struct Leg {
    Duration least{};  // zero: unknown, and so is the other
    Duration usual{};  // when it lost
  };
  static Leg leg_that_loses(const Flows& flows, bool upstream) {
    Leg leg;
    std::vector<std::uint64_t> measured;
    for (const Flow& flow : flows) {
      for (const Repetition& each : flow.tally->kept) {
        if (each.spurious || each.upstream != upstream || each.least_leg_us == 0) continue;
        const Duration least = microseconds{each.least_leg_us};
        leg.least = measured.empty() ? least : std::min(leg.least, least);
        measured.push_back(each.leg_us);
      }
    }
    if (!measured.empty()) {
      leg.usual = microseconds{static_cast<std::int64_t>(median(std::move(measured)))};
    }
    return leg;
  }

  // Of what the sender had measured when it repeated.
  static Duration usual_round_trip(const Flows& flows) {
    std::vector<std::uint32_t> measured;
    for (const Flow& flow : flows) {
      for (const Repetition& each : flow.tally->kept) {
        if (!each.spurious && each.round_trip_us != 0) measured.push_back(each.round_trip_us);
      }
    }
    if (measured.empty()) return {};
    const auto middle = measured.begin() + static_cast<std::ptrdiff_t>(measured.size() / 2);
    std::nth_element(measured.begin(), middle, measured.end());
    return microseconds{*middle};
  }

  static bool was_mostly_held(const Flows& flows) {
    std::uint64_t held = 0;
    std::uint64_t all = 0;
    for (const Flow& flow : flows) {
      for (const Repetition& each : flow.tally->kept) {
        if (each.spurious || each.kind == RepeatKind::resegmented) continue;
        ++all;
        if (each.was_held) ++held;
      }
    }
    return all != 0 && held * 2 >= all;
  }

  static std::uint64_t median(std::vector<std::uint64_t> values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }

  // What was on the way when it was repeated, as bytes a second.
  static std::uint64_t pace_of(const Repetition& each) {
    return each.in_flight * std::uint64_t{1000000} / std::max(each.round_trip_us, 1u);
  }

  struct Limit {
    std::uint64_t bytes_per_second = 0;  // 0: there is none
    std::uint64_t losses = 0;
  };
  // What a token bucket on the path lets through (T. Flach and others: An Internet-Wide Analysis of
  // Traffic Policing, SIGCOMM 2016): from loss to loss always as many bytes a second, with
  // no queue that grows. Senders that have no more to send, or that wait for a small window, keep a
  // rate as well; but these never are faster, and what comes in bursts is faster all the time.
  Limit limit_of(const Tally& tally) const {
    std::vector<const Repetition*> onsets;
    std::uint64_t fastest = 0;
    for (const Repetition& each : tally.kept) {
      if (each.spurious || each.round_trip_us == 0) continue;
      fastest = std::max(fastest, pace_of(each));
      if (each.kind != RepeatKind::fast || each.upstream || !each.original.exists()) continue;
      // Lost together with the one before: sent when that was not repeated yet.
      if (!onsets.empty() && each.original.time <= onsets.back()->seen.time) continue;
      if (onsets.empty() || each.offset > onsets.back()->offset) onsets.push_back(&each);
    }
    std::vector<std::uint64_t> rates;
    std::vector<std::uint64_t> paces;
    for (std::size_t i = losses_of_a_rate; i < onsets.size(); ++i) {
      const Repetition& from = *onsets[i - losses_of_a_rate];
      const Duration taken = onsets[i]->original.time - from.original.time;
      rates.push_back(
          (onsets[i]->offset - from.offset) * 1000000 /
          static_cast<std::uint64_t>(std::max<std::int64_t>(taken / microseconds{1}, 1)));
      paces.push_back(pace_of(*onsets[i]));
    }
    if (rates.size() < most_chance_rates) return {};
    const std::uint64_t rate = median(rates);
    const std::uint64_t pace = median(paces);
    const auto steady = std::count_if(rates.begin(), rates.end(), [&](std::uint64_t each) {
      return each * 10 >= rate * 9 && each * 10 <= rate * 11;
    });
    const bool is_steady = static_cast<std::size_t>(steady) * 4 >= rates.size() * 3;
    const bool is_full = pace * 10 >= rate * 7 && pace * 10 <= rate * 15;
    if (!is_steady || !is_full || fastest < 2 * rate) return {};
    return {rate, onsets.size()};
  }
  Limit limit_of(const Flows& flows) const {
    for (const Flow& flow : flows) {
      const Limit limit = limit_of(*flow.tally);
      if (limit.bytes_per_second != 0) return limit;
    }
    return {};
  }

  // `alike`: other pairs of hosts to which the same happened at the same moment.
  Finding describe_needless(const Scene& scene, const Flows& flows, std::uint64_t alike) const {
    Finding finding = start(scene, flows);
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
    const FlowKey& key = *flows.front().key;
    finding.title = short_title("", key.sender.address.to_string(), " repeats what had reached ",
                                key.receiver.address.to_string(), "");
    finding.count = twice;
    finding.of = std::max(data, twice);
    if (late != 0) {
      finding.causes.push_back({"reordering", "the path reorders, and the sender takes it for loss",
                                fmt::format("{} came out of order", plural(late, "segment")),
                                "ss -ti | grep -o 'reordering:[0-9]*'"});
    } else {
      const Span span = span_of(flows);
      std::string why = "acknowledgments for the originals came after the repetitions";
      if (span.last - span.first <= one_moment && flows.size() > 1) {
        why += fmt::format(", of {} within {}", plural(flows.size(), "flow"),
                           rough_duration(span.last - span.first));
      }
      if (alike != 0) {
        why += fmt::format("; {} had the same at that moment", plural(alike, "other pair"));
      }
      finding.causes.push_back(
          {"delay-spike", "the path, or the receiver, held packets for a while", std::move(why),
           fmt::format("mtr -rwbzc 100 {}", key.receiver.address.to_string())});
    }
    return finding;
  }

  const std::uint64_t loss_;
  const std::uint64_t severe_loss_;
  const std::uint64_t critical_loss_;
  const std::uint64_t min_segments_;
  const std::uint64_t min_path_segments_;
  const Duration stall_;
  const Duration severe_stall_;
  const std::uint64_t chain_;
  std::uint64_t kept_in_all_ = 0;  // outlives the tallies, which count in it
  TallyMap<FlowKey, Tally> flows_;
  TallyMap<PathKey, Path> paths_;
};

}  // namespace

DetectorEntry tcp_retransmission() {
  return {"tcp-retransmission", "note to critical", "data that is lost and sent again",
          Basis::presence, make_detector<TcpRetransmission>};
}

}  // namespace wirefault
