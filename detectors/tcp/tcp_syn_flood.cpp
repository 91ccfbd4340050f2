// Names the services that are flooded with SYNs which nobody means to complete.
//
// On the wire: new SYNs by the hundred to one address and port; hardly any becomes a connection,
// hardly any is repeated, and half-open connections pile up. Repetition is what tells a flood from
// a crowd in front of a dead server: real clients ask again within three seconds, forged ones never
// do. So nothing is said before enough SYNs are that old.
//
// Two relatives are named here as well: SYN-ACKs that reach a host which never sent the SYNs
// (syn-ack-reflection), and a host's SYN-ACKs to addresses that never asked, which show that
// somebody floods it in their name (backscatter).
//
// Blind spots: a flood whose bots repeat their SYNs looks like a dead server; a SYN proxy in front
// of the target hides it from a capture behind.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <numeric>
#include <set>
#include <span>
#include <tuple>

#include "detectors/curve.h"
#include "detectors/detector.h"

namespace wirefault {
namespace {

using std::chrono::seconds;

// The neighbourhood of a carpet: a /24 or /64, and the port. Of a single service: its endpoint.
struct TargetKey {
  std::uint64_t tunnel = 0;
  Endpoint target;
  std::uint32_t is_network = 0;
  friend auto operator<=>(const TargetKey&, const TargetKey&) = default;
};

// What one second, or a sum of seconds, brought.
struct Counts {
  std::uint64_t syns = 0;  // new ones
  std::uint64_t completed = 0;
  std::uint64_t completed_known = 0;  // of those, by initiators that had succeeded before
  std::uint64_t refused = 0;
  std::uint64_t ended = 0;     // refused, rejected, or reset by who asked
  std::uint64_t strays = 0;    // SYN-ACKs without a SYN
  std::uint64_t answered = 0;  // of aged_3s, with a SYN-ACK
  tcp::Aged aged_1500ms;
  tcp::Aged aged_3s;

  Counts& operator+=(const Counts& other) {
    syns += other.syns;
    completed += other.completed;
    completed_known += other.completed_known;
    refused += other.refused;
    ended += other.ended;
    strays += other.strays;
    answered += other.answered;
    aged_1500ms += other.aged_1500ms;
    aged_3s += other.aged_3s;
    return *this;
  }
};

struct Second {
  std::int64_t number = 0;
  Counts counts;
  Sighting first;
  bool is_part = false;  // of the flood
};

// Who it was, as far as that was worth keeping.
struct CrowdTally {
  std::uint64_t members = 0;
  DistinctCount sources;
  SmallestByHash<tcp::CrowdMember, tcp::Crowd::sample_size> sample;
};

enum class Level : std::uint8_t { none, suspected, flood };

struct Tally {
  std::deque<Second> window;  // seconds with news, of the last ten
  std::int64_t half_open = 0;
  std::uint64_t unacknowledged_at_end = 0;
  std::uint64_t strays = 0;
  std::uint64_t syns = 0;
  std::uint64_t unanswered_run = 0;  // of aged_3s, since the last one that was answered
  bool answers_seen = false;         // a SYN-ACK of it was ever captured
  std::array<std::uint64_t, 7> syn_acks_of_failed{};
  std::unique_ptr<CrowdTally> crowd;
  TopList<IpAddress> addresses;      // of a carpet that do not open all, by new SYNs
  TopList<IpAddress> first_sources;  // of a carpet: the first SYN of each second and address

  // What follows concerns the flood alone.
  Level level = Level::none;
  bool is_settled = false;  // decided by attempts that were three seconds old
  bool sampled = false;
  Curve curve;
  Counts total;  // of its seconds that have left the window
  std::uint64_t peak_rate = 0;
  std::int64_t peak_half_open = 0;
  std::int64_t begin = 0;  // seconds
  std::int64_t end = 0;
  Evidence evidence;
  TopList<IpAddress> victims;  // had succeeded before, and asked in vain
  std::uint64_t asked_in_vain = 0;

  bool is_healthy() const {
    return level == Level::none && half_open <= 0 && strays == 0 && unanswered_run == 0;
  }
};

IpAddress network_of(const IpAddress& address) {
  return address.network(address.is_v6() ? 8 : 3);
}

class TcpSynFlood final : public Detector {
 public:
  explicit TcpSynFlood(Setup& setup)
      : suspected_syns_{setup.count("suspected-syns", 100,
                                    "new SYNs in ten seconds that make a flood suspected")},
        suspected_half_open_{
            setup.count("suspected-half-open", 64, "half-open connections, likewise")},
        // Linux keeps at least 128 half-open connections per listener; RFC 4987, section 2.2.
        flood_rate_{
            setup.count("syn-rate", 100, "new SYNs in each of three seconds that make a flood")},
        flood_half_open_{setup.count("half-open", 256, "half-open connections that make a flood")},
        completion_{setup.percent("completion", 20, "part of the attempts that may complete")},
        repetition_{setup.percent("repetition", 50, "part of the others that may be repeated")},
        senders_{setup.count("reflectors", 50,
                             "hosts with unsolicited SYN-ACKs that make a reflection")},
        targets_{setup.tallies(2048)},
        carpets_{setup.tallies(512)} {}

  void on_tcp_service_second(const tcp::ServiceSecond& second) override {
    const TargetKey key{second.tunnel, second.service, 0};
    const TargetKey network{
        second.tunnel, {network_of(second.service.address), second.service.port}, 1};
    // Nothing is kept of services whose connections all open: they are most, and many.
    const bool quiet = is_quiet(second);
    if (!quiet || targets_.find(key) != nullptr) {
      Tally& tally = targets_[key];
      add(tally, second);
      if (tally.level != Level::none) targets_.hold(key);
    }
    if (second.service.port == 0 || (quiet && carpets_.find(network) == nullptr)) return;
    Tally& carpet = carpets_[network];
    if (!quiet && second.new_syns > 0) {
      carpet.addresses.add(second.service.address, second.new_syns);
      carpet.first_sources.add(second.first.address);
    }
    add(carpet, second);
    if (carpet.level != Level::none) carpets_.hold(network);
  }

  static bool is_quiet(const tcp::ServiceSecond& second) {
    return second.new_syns <= second.completed && second.repeated_syns == 0 &&
           second.half_open_change <= 0 && second.stray_syn_acks == 0 &&
           second.unacknowledged_at_end == 0;
  }

  void on_tcp_crowd(const tcp::Crowd& crowd) override {
    Tally* tally = targets_.find({crowd.tunnel, crowd.service, 0});
    if (tally == nullptr) return;
    if (tally->crowd == nullptr) tally->crowd = std::make_unique<CrowdTally>();
    tally->crowd->members += crowd.members;
    tally->crowd->sources.add(crowd.sources);
    tally->crowd->sample.add(crowd.sample);
  }

  void on_tcp_handshake(const tcp::Handshake& handshake) override {
    using Outcome = tcp::HandshakeOutcome;
    if (!handshake.initiator_known || handshake.syns.count() < 2) return;
    if (handshake.outcome != Outcome::silent && handshake.outcome != Outcome::unacknowledged) {
      return;
    }
    Tally* tally = targets_.find({handshake.opening.tunnel, handshake.responder(), 0});
    if (tally == nullptr || tally->level == Level::none) return;
    if (handshake.asked().time_since_epoch() < seconds{tally->begin}) return;
    tally->victims.add(handshake.initiator().address);
    ++tally->asked_in_vain;
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : targets_.sorted()) {
      const bool is_hidden = scene.only_syns && !repeats_answers(*tally) && !looks_forged(*tally);
      if (is_hidden && (tally->level != Level::none || is_backscatter(*tally))) continue;
      if (key->target.port == 0) {
        if (tally->level != Level::none && sources_of(*tally) >= senders_) {
          findings.push_back(describe_reflection(scene, *key, *tally));
        }
      } else if (tally->level != Level::none) {
        findings.push_back(describe(scene, *key, *tally));
      } else if (is_backscatter(*tally)) {
        findings.push_back(describe_backscatter(scene, *key, *tally));
      } else if (scene.capture_ended && open_at_end(*tally, scene.now) >= suspected_syns_) {
        findings.push_back(describe_undecided(scene, *key, *tally));
      }
    }
    for (const auto& [key, tally] : carpets_.sorted()) {
      if (scene.only_syns && !repeats_answers(*tally)) continue;
      if (tally->level != Level::none && is_carpet(*key, *tally, scene)) {
        findings.push_back(describe(scene, *key, *tally));
      }
    }
  }

  std::uint64_t evicted() const override { return targets_.evicted() + carpets_.evicted(); }

 private:
  static constexpr std::int64_t window_seconds = 10;
  // Fewer records of an age say nothing.
  static constexpr std::uint64_t enough_aged = 50;
  static constexpr std::uint64_t carpet_addresses = 16;
  // In percent: more than bystanders with real addresses account for.
  static constexpr std::uint64_t botnet_repeats = 10;
  // Of SYNs: so many that share a number of 32 bits do not by chance.
  static constexpr std::uint64_t enough_to_compare = 16;
  // In ten seconds: fewer for as long as the quiet time end a flood.
  static constexpr std::uint64_t syns_going_on = 20;
  // Older ones are decided, unless the table gave them up.
  static constexpr Duration young_time = seconds{4};
  static constexpr const char* only_syns_caveat =
      "a capture filter left out whatever acknowledges the SYN-ACKs";
  // After which a flood is over.
  static constexpr Duration quiet_time = seconds{30};

  void add(Tally& tally, const tcp::ServiceSecond& fact) const {
    const std::int64_t number = fact.begin.time_since_epoch() / seconds{1};
    std::deque<Second>& window = tally.window;
    // What lies ahead is of a clock that was set back since.
    while (!window.empty() && (number - window.front().number >= window_seconds ||
                               window.front().number - number >= window_seconds)) {
      if (window.front().is_part) {
        tally.total += window.front().counts;
        tally.curve.add(window.front().number, window.front().counts.syns);
      }
      window.pop_front();
    }
    if (window.empty() || window.back().number < number) {
      window.push_back({number, {}, fact.first.seen, false});
    }
    Second& second = window.back();
    second.counts += {fact.new_syns,
                      fact.completed,
                      fact.completed_known,
                      fact.refused,
                      fact.refused + fact.rejected + fact.reset_by_initiator,
                      fact.stray_syn_acks,
                      fact.aged_3s_answered,
                      fact.aged_1500ms,
                      fact.aged_3s};
    if (!second.first.exists()) second.first = fact.first.seen;
    tally.half_open += fact.half_open_change;
    tally.strays += fact.stray_syn_acks;
    tally.syns += fact.new_syns;
    tally.unacknowledged_at_end += fact.unacknowledged_at_end;
    tally.sampled = tally.sampled || fact.sampled;
    for (std::size_t i = 0; i < fact.syn_acks_of_failed.size(); ++i) {
      tally.syn_acks_of_failed[i] += fact.syn_acks_of_failed[i];
    }
    note_answers(tally, fact);
    const Level level = fact.service.port == 0 ? level_of_strays(tally) : level_of(tally);
    if (level == Level::none) {
      if (tally.level != Level::none && goes_on(tally)) tally.end = number;
      return;
    }
    if (tally.level == Level::none) tally.begin = window.front().number;
    tally.level = std::max(tally.level, level);
    tally.is_settled = tally.is_settled || is_settled(tally);
    tally.end = number;
    tally.peak_half_open = std::max(tally.peak_half_open, tally.half_open);
    for (Second& part : window) {
      tally.peak_rate = std::max(tally.peak_rate, part.counts.syns);
      if (!part.is_part) tally.evidence.add(part.first);
      part.is_part = true;
    }
  }

  static void note_answers(Tally& tally, const tcp::ServiceSecond& fact) {
    tally.answers_seen = tally.answers_seen || fact.aged_3s_answered > 0;
    if (fact.aged_3s_answered + fact.completed > 0) {
      tally.unanswered_run = 0;
    } else {
      tally.unanswered_run += fact.aged_3s.all();
    }
  }

  // Far less than what began it, but not over.
  static bool goes_on(const Tally& tally) {
    std::uint64_t syns = 0;
    for (const Second& second : tally.window) syns += second.counts.syns;
    return syns >= syns_going_on;
  }

  // detectors.md, section 3.5.
  Level level_of(const Tally& tally) const {
    Counts sum;
    std::uint64_t fast_seconds = 0;
    std::int64_t previous = 0;
    bool is_fast = false;
    for (const Second& second : tally.window) {
      sum += second.counts;
      if (second.counts.syns < flood_rate_) {
        fast_seconds = 0;
      } else {
        fast_seconds = fast_seconds > 0 && second.number == previous + 1 ? fast_seconds + 1 : 1;
      }
      previous = second.number;
      is_fast = is_fast || fast_seconds >= 3;
    }
    if (sum.syns < suspected_syns_) return Level::none;
    tcp::Aged aged = sum.aged_3s;
    if (aged.all() + sum.completed < enough_aged) aged = sum.aged_1500ms;
    const std::uint64_t decided = aged.all() + sum.completed;
    // The capture ended within a second and a half: hundreds that were answered and never
    // acknowledged make a suspicion.
    if (decided < enough_aged && tally.unacknowledged_at_end >= flood_half_open_ &&
        sum.completed * 100 <= completion_ * sum.syns) {
      return Level::suspected;
    }
    if (decided < enough_aged || sum.completed * 100 > completion_ * decided) return Level::none;
    if (aged.repeated * 100 > repetition_ * aged.all()) return Level::none;
    // A service that says no leaves nothing half-open.
    if (sum.refused > aged.all()) return Level::none;
    const auto half_open = static_cast<std::uint64_t>(std::max<std::int64_t>(tally.half_open, 0));
    if (is_fast || half_open >= flood_half_open_) return Level::flood;
    return half_open >= suspected_half_open_ ? Level::suspected : Level::none;
  }

  // Real clients have repeated their SYN by then; before, it is a guess.
  static bool is_settled(const Tally& tally) {
    Counts sum;
    for (const Second& second : tally.window) sum += second.counts;
    return sum.aged_3s.all() + sum.completed >= enough_aged;
  }

  // New SYNs before the end of the capture of which nothing became, where too few are old enough to
  // say more; 0 where enough are, or a good part opened.
  std::uint64_t open_at_end(const Tally& tally, Timestamp end) const {
    if (tally.window.empty()) return 0;
    const Duration quiet = end.time_since_epoch() - seconds{tally.window.back().number};
    if (quiet > young_time) return 0;
    Counts sum;
    for (const Second& second : tally.window) sum += second.counts;
    const std::uint64_t decided =
        std::max(sum.aged_3s.all(), sum.aged_1500ms.all()) + sum.completed;
    const std::uint64_t over = sum.completed + sum.ended;
    if (decided >= enough_aged || over >= sum.syns || over * 100 > completion_ * sum.syns) return 0;
    return sum.syns - over;
  }

  Level level_of_strays(const Tally& tally) const {
    std::uint64_t strays = 0;
    for (const Second& second : tally.window) strays += second.counts.strays;
    return strays >= suspected_syns_ ? Level::flood : Level::none;
  }

  static std::uint64_t sources_of(const Tally& tally) {
    return tally.crowd == nullptr ? 0 : tally.crowd->sources.estimate();
  }
  // Of all that were looked at, in percent; 0 where none was.
  static std::uint64_t spread_of(const Tally& tally) {
    if (tally.crowd == nullptr || tally.crowd->members == 0) return 0;
    return std::min<std::uint64_t>(sources_of(tally) * 100 / tally.crowd->members, 100);
  }
  static TopList<IpAddress> sampled_sources(const Tally& tally) {
    TopList<IpAddress> sources;
    if (tally.crowd == nullptr) return sources;
    for (const auto& item : tally.crowd->sample.items()) sources.add(item.value.address);
    return sources;
  }
  static Who who_of_crowd(std::string_view role, const Tally& tally) {
    Who said = who(role, sampled_sources(tally));
    // Of the sample these are exact; of all there is an estimate.
    const std::uint64_t all = sources_of(tally);
    said.is_approximate = all > said.distinct;
    said.distinct = std::max(said.distinct, all);
    return said;
  }
  // The five largest have at least four fifths.
  static bool few_make_most(const TopList<IpAddress>& list) {
    std::uint64_t all = 0;
    std::uint64_t largest = 0;
    for (const auto& [address, count] : list.top(TopList<IpAddress>::capacity)) all += count;
    for (const auto& [address, count] : list.top(5)) largest += count;
    return all > 0 && largest * 5 >= all * 4;
  }
  static std::string_view variant_of(const TargetKey& key, const Tally& tally) {
    if (key.is_network != 0) return "carpet";
    if (spread_of(tally) >= 50) return "spoofed-spread";
    return few_make_most(sampled_sources(tally)) ? "few-sources" : "";
  }

  // Many addresses, each of which has too little to be named; and not one scanner's doing.
  bool is_carpet(const TargetKey& key, const Tally& tally, const Scene& scene) const {
    std::uint64_t below = 0;
    std::uint64_t syns_below = 0;
    std::uint64_t syns_all = 0;
    for (const auto& [address, syns] : tally.addresses.top(TopList<IpAddress>::capacity)) {
      const Tally* single = targets_.find({key.tunnel, {address, key.target.port}, 0});
      syns_all += syns;
      if (single != nullptr && single->level != Level::none) continue;
      ++below;
      syns_below += syns;
    }
    // Where one address has most of it, it is named itself.
    if (below < carpet_addresses || syns_below * 2 < syns_all || few_make_most(tally.first_sources))
      return false;
    const auto top = tally.first_sources.top(1);
    return !top.empty() && !scene.is_scanner(top[0].first, key.tunnel);
  }

  bool is_backscatter(const Tally& tally) const {
    return tally.strays >= suspected_syns_ && tally.syns * 10 < tally.strays &&
           sources_of(tally) >= senders_;
  }

  static Counts total_of(const Tally& tally) {
    Counts total = tally.total;
    for (const Second& second : tally.window) {
      if (second.is_part) total += second.counts;
    }
    return total;
  }

  // What all of them say alike.
  Finding start(const Scene& scene, const TargetKey& key, const Tally& tally) const {
    const std::string name =
        key.target.port == 0 ? key.target.address.to_string() : key.target.to_string();
    Finding finding;
    finding.entity = fmt::format("{}/{}/{}", name, key.is_network, key.tunnel);
    finding.tunnel = key.tunnel;
    finding.confidence = Confidence::probable;
    finding.lower_bound = tally.sampled;
    Evidence evidence = tally.evidence;
    if (evidence.empty()) {
      for (const Second& second : tally.window) evidence.add(second.first);
    }
    if (tally.crowd != nullptr) {
      for (const auto& item : tally.crowd->sample.items()) evidence.add(item.value.seen);
    }
    evidence.fill(finding);
    const Duration quiet = scene.now.time_since_epoch() - seconds{tally.end};
    finding.state = quiet > quiet_time ? FindingState::ended : FindingState::ongoing;
    const std::string address = key.target.address.to_string();
    finding.capture_filter =
        key.is_network != 0    ? fmt::format("dst net {}/{} and tcp dst port {}", address,
                                          key.target.address.is_v6() ? 64 : 24, key.target.port)
        : key.target.port == 0 ? fmt::format("dst host {} and tcp", address)
                               : fmt::format("host {} and tcp port {}", address, key.target.port);
    return finding;
  }

  Finding describe(const Scene& scene, const TargetKey& key, const Tally& tally) const {
    const Counts total = total_of(tally);
    Finding finding = start(scene, key, tally);
    finding.variant = variant_of(key, tally);
    const bool users_suffer = tally.asked_in_vain > total.completed_known;
    // Only where this capture has its answers at all can it be said to have fallen silent.
    const bool fell_silent = tally.answers_seen && tally.unanswered_run >= enough_aged;
    finding.severity = tally.level == Level::suspected ? Severity::warning
                       : users_suffer || fell_silent   ? Severity::critical
                                                       : Severity::error;
    const std::string target = key.is_network != 0
                                   ? fmt::format("{}/{}", key.target.address.to_string(),
                                                 key.target.address.is_v6() ? 64 : 24)
                                   : key.target.to_string();
    if (tally.unacknowledged_at_end >= flood_half_open_ && total.aged_1500ms.all() == 0) {
      finding.confidence = Confidence::possible;
      finding.caveats.push_back(
          {"too-short", "the capture ends before anyone would have asked again"});
    }
    // Two observations that agree: nobody asks again, and what the target answers nobody
    // acknowledges.
    const bool is_certain = tally.level == Level::flood && tally.is_settled && !tally.sampled &&
                            total.answered >= enough_aged;
    if (is_certain) finding.confidence = Confidence::certain;
    if (scene.only_syns && !repeats_answers(tally)) {
      finding.confidence = Confidence::possible;
      finding.severity = std::min(finding.severity, Severity::warning);
      finding.caveats.push_back({"only-syns", only_syns_caveat});
    }
    finding.title = tally.level == Level::suspected ? fmt::format("{} may be SYN-flooded", target)
                                                    : fmt::format("{} is SYN-flooded", target);
    finding.count = total.syns;
    finding.unit = "SYN";
    if (key.is_network == 0) {
      finding.who.push_back(who("server", key.target));
      if (tally.crowd != nullptr) {
        finding.who.push_back(who_of_crowd("client", tally));
      }
    } else {
      finding.who.push_back(who("server", tally.addresses));
      finding.who.push_back(who("client", tally.first_sources));
    }
    finding.measures = {
        {"completed", static_cast<std::int64_t>(total.completed)},
        {"half_open_3s", static_cast<std::int64_t>(total.aged_3s.all())},
        {"repeated_3s", static_cast<std::int64_t>(total.aged_3s.repeated)},
        {"answered_3s", static_cast<std::int64_t>(total.answered)},
        {"half_open_peak", tally.peak_half_open},
        {"peak_per_second", static_cast<std::int64_t>(tally.peak_rate)},
        {"distinct_sources", static_cast<std::int64_t>(sources_of(tally))},
        {"victims", static_cast<std::int64_t>(tally.victims.distinct())},
        {"failed_without_syn_ack", static_cast<std::int64_t>(tally.syn_acks_of_failed[0])},
        {"failed_with_one", static_cast<std::int64_t>(tally.syn_acks_of_failed[1])},
        {"failed_with_more", static_cast<std::int64_t>(std::accumulate(
                                 tally.syn_acks_of_failed.begin() + 2,
                                 tally.syn_acks_of_failed.end(), std::uint64_t{0}))},
    };
    if (const std::uint64_t decided = total.aged_3s.all() + total.completed; decided != 0) {
      finding.measures.push_back(
          {"completed_percent", static_cast<std::int64_t>(total.completed * 100 / decided)});
    }
    if (const std::uint64_t left = total.aged_3s.all(); left != 0) {
      finding.measures.push_back(
          {"repeated_percent", static_cast<std::int64_t>(total.aged_3s.repeated * 100 / left)});
    }
    add_causes(finding, key, tally, total);
    finding.caveats.push_back({"rate", curve_of(tally).to_string("new SYNs")});
    add_server_symptoms(finding, tally, total);
    if (tally.sampled) {
      finding.caveats.push_back({"sampled",
                                 "one SYN in 64 to this target was followed up; shares are "
                                 "estimates"});
    }
    finding.next = {
        "ss -nt state syn-recv | wc -l  # on the server",
        "nstat -az | grep -E 'SyncookiesSent|ListenOverflows|ListenDrops'  # on the server",
        "sysctl net.ipv4.tcp_syncookies net.ipv4.tcp_max_syn_backlog  # on the server"};
    return finding;
  }

  // Most of its answers came again: it waits for what acknowledges them (RFC 6298, section 5.7).
  // Where a capture filter left that out, nothing else says that it never came; with SYN cookies
  // not even this.
  static bool repeats_answers(const Tally& tally) {
    const auto& counts = tally.syn_acks_of_failed;
    const std::uint64_t repeated =
        std::accumulate(counts.begin() + 2, counts.end(), std::uint64_t{0});
    return repeated > counts[1];
  }
  // SYNs that no stack makes: they have numbers in common, or a good part of them lacks the MSS.
  static bool looks_forged(const Tally& tally) {
    const Spread spread = fingerprints_of(tally);
    return spread.members >= enough_to_compare &&
           (spread.without_mss * 4 >= spread.members || !forged_numbers(spread).empty());
  }

  // That of its seconds that have left the window, and of those in it.
  static Curve curve_of(const Tally& tally) {
    Curve curve = tally.curve;
    for (const Second& second : tally.window) {
      if (second.is_part) curve.add(second.number, second.counts.syns);
    }
    return curve;
  }

  // How differently the SYNs of the sample are made.
  struct Spread {
    std::uint64_t members = 0;
    std::uint64_t hop_limits = 0;
    std::uint64_t makes = 0;  // window, MSS and options
    std::uint64_t without_mss = 0;
    std::set<std::uint32_t> numbers;
  };
  static Spread fingerprints_of(const Tally& tally) {
    std::set<std::uint8_t> hop_limits;
    std::set<std::tuple<std::uint16_t, std::uint16_t, bool, bool, bool, bool>> makes;
    Spread spread;
    if (tally.crowd == nullptr) return spread;
    for (const auto& item : tally.crowd->sample.items()) {
      const tcp::CrowdMember& member = item.value;
      ++spread.members;
      hop_limits.insert(member.hop_limit);
      spread.numbers.insert(member.isn);
      if (!member.has_mss) ++spread.without_mss;
      makes.insert({member.window, member.mss, member.has_mss, member.has_window_scale,
                    member.sack_permitted, member.has_timestamps});
    }
    spread.hop_limits = hop_limits.size();
    spread.makes = makes.size();
    return spread;
  }

  // Stacks draw each number anew (RFC 6528); tools that forge SYNs may have a few, or one for all,
  // and then a filter can tell their SYNs from others.
  static std::string forged_numbers(const Spread& spread) {
    if (spread.members < enough_to_compare || spread.numbers.size() * 4 > spread.members) return "";
    return spread.numbers.size() == 1
               ? fmt::format(", all with sequence number 0x{:08x}", *spread.numbers.begin())
               : fmt::format(", {} among them", plural(spread.numbers.size(), "sequence number"));
  }

  static void add_causes(Finding& finding, const TargetKey& key, const Tally& tally,
                         const Counts& total) {
    const Spread spread = fingerprints_of(tally);
    const std::string alike =
        spread.members == 0
            ? std::string{}
            : fmt::format(
                  "; in a sample of {}: {}, {} of window and options", spread.members,
                  spread.hop_limits == 1 ? "one TTL" : plural(spread.hop_limits, "different TTL"),
                  spread.makes == 1 ? "one make" : plural(spread.makes, "make")) +
                  forged_numbers(spread);
    if (key.is_network == 0 && spread_of(tally) < 50) {
      finding.causes.push_back({"broken-client",
                                "a client or load balancer that never acknowledges",
                                "few sources make most of the SYNs" + alike, ""});
    }
    // Forged addresses never ask again.
    if (total.aged_3s.repeated * 100 >= botnet_repeats * total.aged_3s.all() &&
        total.aged_3s.repeated != 0) {
      finding.causes.push_back(
          {"botnet", "an attack by many hosts from their own addresses",
           fmt::format("{} of the SYNs are asked again{}",
                       share_text(total.aged_3s.repeated, total.aged_3s.all()), alike),
           "nstat -az TcpExtSyncookiesSent  # on the server"});
    }
    const std::string from =
        spread_of(tally) >= 50 ? std::string{"nearly every SYN from another source"}
        : key.is_network != 0  ? plural(tally.first_sources.distinct(), "source")
                               : std::string{"some SYNs from other sources"};
    finding.causes.push_back({"spoofed-attack", "an attack from forged addresses",
                              fmt::format("{}, {} asked again{}", from,
                                          total.aged_3s.repeated == 0 ? "none" : "few", alike),
                              "nstat -az TcpExtSyncookiesSent  # on the server"});
  }

  // How the target fared: RFC 4987, sections 2.2 and 3.6.
  static void add_server_symptoms(Finding& finding, const Tally& tally, const Counts& total) {
    const auto& counts = tally.syn_acks_of_failed;
    std::uint64_t answered = 0;
    for (std::size_t i = 1; i < counts.size(); ++i) answered += counts[i];
    if (answered > 0 && answered * 2 >= total.aged_3s.all() && counts[1] * 5 >= answered * 4) {
      finding.caveats.push_back(
          {"syn-cookies", "the target answers each SYN once and keeps nothing: SYN cookies"});
    } else if (counts[0] > answered) {
      finding.caveats.push_back(
          {"backlog-full", "most SYNs get no answer: the queue is full, or a filter drops them"});
    }
    if (tally.answers_seen && tally.unanswered_run >= enough_aged) {
      finding.caveats.push_back(
          {"fell-silent", fmt::format("it answered none of the last {}",
                                      plural(tally.unanswered_run, "half-open attempt"))});
    }
    if (!tally.victims.empty()) {
      finding.caveats.push_back(
          {"victims", fmt::format("{} that had connected before asked in vain",
                                  plural(tally.victims.distinct(), "client"))});
    }
  }

  Finding describe_reflection(const Scene& scene, const TargetKey& key, const Tally& tally) const {
    Finding finding = start(scene, key, tally);
    finding.variant = "syn-ack-reflection";
    finding.severity = Severity::warning;
    finding.title =
        fmt::format("{} gets SYN-ACKs it never asked for", key.target.address.to_string());
    finding.count = tally.strays;
    finding.unit = "SYN-ACK";
    finding.who.push_back(who("address", key.target.address));
    finding.who.push_back(who_of_crowd("server", tally));
    finding.causes.push_back({"reflection", "SYNs were sent in its name to many servers",
                              fmt::format("{} sent SYN-ACKs, and no SYN of its own is seen",
                                          plural(sources_of(tally), "server")),
                              ""});
    finding.caveats.push_back(
        {"one-sided", "a capture without what the host sends would look the same"});
    return finding;
  }

  Finding describe_backscatter(const Scene& scene, const TargetKey& key, const Tally& tally) const {
    Finding finding = start(scene, key, tally);
    finding.variant = "backscatter";
    finding.severity = Severity::note;
    finding.title = fmt::format("{} answers SYNs never sent here", key.target.to_string());
    finding.count = tally.strays;
    finding.unit = "SYN-ACK";
    finding.who.push_back(who("server", key.target));
    finding.causes.push_back(
        {"flooded-elsewhere", "somebody floods it with forged addresses",
         fmt::format("SYN-ACKs to {} that sent no SYN", plural(sources_of(tally), "address")), ""});
    return finding;
  }

  Finding describe_undecided(const Scene& scene, const TargetKey& key, const Tally& tally) const {
    const std::uint64_t open = open_at_end(tally, scene.now);
    Finding finding = start(scene, key, tally);
    finding.variant = "undecided";
    finding.severity = Severity::note;
    finding.confidence = Confidence::possible;
    finding.title = fmt::format("{} gets many SYNs at the end", key.target.to_string());
    finding.count = open;
    finding.unit = "SYN";
    finding.state = FindingState::ongoing;
    finding.who.push_back(who("server", key.target));
    if (tally.crowd != nullptr) finding.who.push_back(who_of_crowd("client", tally));
    finding.causes.push_back(
        {"too-short", "a flood or a crowd: this capture is too short to tell",
         fmt::format(
             "{} neither opened nor ended, and it ends before anyone would have asked again",
             plural(open, "SYN")),
         "ss -nt state syn-recv | wc -l  # on the server"});
    finding.next = {
        "nstat -az | grep -E 'SyncookiesSent|ListenOverflows|ListenDrops'  # on the server"};
    return finding;
  }

  const std::uint64_t suspected_syns_;
  const std::uint64_t suspected_half_open_;
  const std::uint64_t flood_rate_;
  const std::uint64_t flood_half_open_;
  const std::uint64_t completion_;
  const std::uint64_t repetition_;
  const std::uint64_t senders_;
  TallyMap<TargetKey, Tally> targets_;
  TallyMap<TargetKey, Tally> carpets_;
};

}  // namespace

DetectorEntry tcp_syn_flood() {
  return {"tcp-syn-flood", "note to critical", "services flooded with SYNs nobody completes",
          Basis::presence, make_detector<TcpSynFlood>};
}

}  // namespace wirefault
