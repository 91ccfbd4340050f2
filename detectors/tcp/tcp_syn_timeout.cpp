// Names the services that connections time out to, or open only after a repeated SYN.
//
// On the wire: a SYN, the same SYN again after one second, and again at growing distances, and
// nothing that completes the handshake (silent); or it completes after a repetition, one, three or
// more seconds late (delayed); or a SYN-ACK is there and the SYN is repeated all the same: seen at
// the server it was lost on the way back (synack-lost), seen at the client it was thrown away there
// (synack-ignored). Silent services of a host that answers none, and silent hosts of a network that
// has none that answers, are one claim about the host or the network; silent peers of a client that
// misses them all the time, one about the client.
//
// A repetition shows that somebody waited. A lone SYN may be a stranger's probe, or have been given
// up at once, as Happy Eyeballs does: many of them count where their clients had been answered by
// the same service, as no more than possible where it answers others meanwhile. Left out are port
// scans, and what was refused or rejected, which other detectors name. Blind spots: a filter, a
// dead host and a broken path are equally silent; the causes only rank them. Lone SYNs of clients
// that never got through before.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <deque>
#include <map>
#include <set>

#include "detectors/detector.h"
#include "detectors/flow_key.h"
#include "detectors/state.h"
#include "detectors/tcp/attempts.h"

namespace wirefault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum Variant : std::uint8_t { silent, synack_lost, synack_ignored, delayed, variant_count };
constexpr std::array<std::string_view, variant_count> variant_names = {"silent", "synack-lost",
                                                                       "synack-ignored", "delayed"};

// A host, or the network of one.
struct HostKey {
  std::uint64_t tunnel = 0;
  IpAddress host;
  std::array<std::uint8_t, 6> padding{};
  friend auto operator<=>(const HostKey&, const HostKey&) = default;
};

// /24 or /48: what is routed, and goes away, together.
IpAddress network_of(const IpAddress& host) {
  return host.network(host.is_v6() ? 6 : 3);
}

// The seconds of some minutes in which somebody answered.
class AnswerSeconds {
 public:
  void add(std::int64_t second) {
    if (second < 0) return;
    if (second > newest_) {
      // What is passed over is forgotten; all of it where a whole turn is.
      for (std::int64_t each = std::max(newest_ + 1, second - size + 1); each <= second; ++each) {
        bit(each) = false;
      }
      newest_ = second;
    }
    if (newest_ - second < size) bit(second) = true;
  }
  bool contains(std::int64_t second) const {
    return second >= 0 && second <= newest_ && newest_ - second < size &&
           answered_[static_cast<std::size_t>(second % size)];
  }
  // Whether it surely holds none of the seconds between these two.
  bool is_empty_between(std::int64_t begin, std::int64_t end) const {
    if (newest_ - begin >= size) return false;
    for (std::int64_t each = begin + 1; each < end && each <= newest_; ++each) {
      if (contains(each)) return false;
    }
    return true;
  }

 private:
  // An attempt is told of at most 63 s after its last SYN; Linux sends that 68 s after the first.
  static constexpr std::int64_t size = 512;

  std::bitset<size>::reference bit(std::int64_t second) {
    return answered_[static_cast<std::size_t>(second % size)];
  }

  std::int64_t newest_ = -1;
  std::bitset<size> answered_;
};

// One attempt that failed or was late.
struct Attempt {
  IpAddress client;
  Sightings<12> syns;
  Sightings<8> syn_acks;
  bool is_final = false;
  bool may_open = false;
  bool has_alternative = false;
  bool host_worked = false;
  bool service_worked = false;
  bool newer_clock_worked = false;
  bool gave_up_ecn = false;
  bool left_here = false;      // the SYN was captured where it was sent
  bool others_opened = false;  // in a second in which a SYN of this one went unanswered

  // Before it was asked again.
  bool was_answered() const {
    return !syn_acks.empty() && syns.count() > 1 && syn_acks.first().time < syns.last().time;
  }
};

struct Group {
  static constexpr std::size_t most_kept = 32;

  std::vector<Attempt> attempts;  // the first
  std::uint64_t more = 0;
  std::uint64_t more_saved = 0;  // of those, with an alternative
  TopList<IpAddress> clients;
  Endpoint alternative;
  Timestamp first = Timestamp::max();
  Timestamp last = Timestamp::min();
  // From the first to the last of its SYNs.
  bool service_silent = true;
  bool host_silent = true;
};

struct Tally {
  std::array<Group, variant_count> groups;
  Group lone;  // silent, of one SYN each
};

// A service's attempts of one variant, without those of scanners.
struct Failing {
  const ServiceKey* key;
  std::vector<const Group*> groups;
  std::vector<const Attempt*> attempts;
  std::uint64_t more = 0;
  std::uint64_t lone = 0;  // of count()

  std::uint64_t count() const { return attempts.size() + more; }
  Timestamp first() const {
    Timestamp earliest = Timestamp::max();
    for (const Attempt* each : attempts) earliest = std::min(earliest, each->syns.first().time);
    return earliest;
  }
  Timestamp last() const {
    Timestamp latest = Timestamp::min();
    for (const Group* each : groups) latest = std::max(latest, each->last);
    return latest;
  }
  void add_lone(const Failing& other) {
    if (attempts.empty()) groups.clear();
    groups.insert(groups.end(), other.groups.begin(), other.groups.end());
    attempts.insert(attempts.end(), other.attempts.begin(), other.attempts.end());
    more += other.more;
    lone += other.count();
  }
};

Timestamp first_of(const std::vector<Failing>& services) {
  Timestamp earliest = Timestamp::max();
  for (const Failing& each : services) earliest = std::min(earliest, each.first());
  return earliest;
}

enum class Scope : std::uint8_t { service, host, network, peers };

// What one finding is about.
struct Claim {
  Scope scope;
  Variant variant;
  std::vector<Failing> services;  // of one host or network, or a client's peers

  const ServiceKey& key() const { return *services.front().key; }
  const Attempt& example() const { return *services.front().attempts.front(); }
  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const Failing& each : services) all += each.count();
    return all;
  }
  Timestamp first() const { return first_of(services); }
  template <class Predicate>
  bool all_attempts(Predicate predicate) const {
    return std::all_of(services.begin(), services.end(), [&](const Failing& each) {
      return std::all_of(each.attempts.begin(), each.attempts.end(),
                         [&](const Attempt* attempt) { return predicate(*attempt); });
    });
  }
  template <class Predicate>
  bool any_attempt(Predicate predicate) const {
    return !all_attempts([&](const Attempt& attempt) { return !predicate(attempt); });
  }
  std::string name() const {
    const IpAddress& host = key().service.address;
    switch (scope) {
      case Scope::service:
        return key().service.to_string();
      case Scope::host:
        return host.to_string();
      case Scope::peers:
        return example().client.to_string();
      default:
        return fmt::format("{}/{}", network_of(host).to_string(), host.is_v6() ? 48 : 24);
    }
  }
};

// The stack that repeats SYNs like this, or nothing.
std::string_view schedule_of(const Sightings<12>& syns) {
  const auto kept = syns.kept();
  std::array<std::int64_t, 4> gaps{};  // whole seconds
  std::size_t count = 0;
  for (std::size_t i = 1; i < kept.size() && count < gaps.size(); ++i) {
    gaps[count++] = (kept[i].time - kept[i - 1].time + milliseconds{500}) / seconds{1};
  }
  if (count < 2) return {};
  if (gaps[0] == 1 && gaps[1] == 1) return "Linux 6.5 or later repeats SYNs like this";
  if (gaps[0] == 1 && gaps[1] == 2) return "Linux before 6.5 and most others repeat SYNs like this";
  if (gaps[0] == 3 && gaps[1] == 6) return "older Windows and Linux repeat SYNs like this";
  return {};
}

Variant variant_of(const tcp::Handshake& handshake) {
  if (handshake.outcome == tcp::HandshakeOutcome::completed) return delayed;
  if (handshake.syn_acks.empty()) return silent;
  const bool at_client = is_unrouted(handshake.opening.initiator_syn.hop_limit);
  const bool at_server = is_unrouted(handshake.opening.responder_syn.hop_limit);
  return at_client && !at_server ? synack_ignored : synack_lost;
}

class TcpSynTimeout final : public Detector {
 public:
  explicit TcpSynTimeout(Setup& setup)
      : min_timeouts_{setup.count("min-timeouts", 1,
                                  "timed-out attempts before a service is named")},
        // Three: two lost SYNs are ordinary on a weak link.
        min_delayed_{setup.count("min-delayed", 3, "late connections before a service is named")},
        delayed_share_{
            setup.percent("delayed-share", 1, "or part of its connections, of at least a hundred")},
        // A few belong to applications that changed their minds.
        min_lone_{
            setup.count("min-lone", 10, "attempts of a single SYN before they count as timed out")},
        tallies_{setup.tallies(512)},
        answer_seconds_{setup.tallies(512)} {}

  void on_tcp_service_second(const tcp::ServiceSecond& second) override {
    if (second.service.port == 0) return;
    const IpAddress& host = second.service.address;
    const Attempts& attempts = services_seen_.add({second.tunnel, second.service}, second);
    hosts_seen_.add({second.tunnel, host}, second);
    networks_seen_.add({second.tunnel, network_of(host)}, second);
    note_opened(second, attempts);
  }

  void on_tcp_handshake(const tcp::Handshake& handshake) override {
    if (handshake.outcome != tcp::HandshakeOutcome::completed || handshake.syns.count() < 2) return;
    tcp::ConnectFailure late;
    late.handshake = handshake;
    add(late);
  }

  void on_connect_failure(const tcp::ConnectFailure& failure) override {
    const tcp::Handshake& handshake = failure.handshake;
    if (handshake.outcome == tcp::HandshakeOutcome::abandoned) {
      const bool waited = handshake.settled - handshake.asked() >= lone_age;
      if (waited && failure.was_answered && !failure.has_alternative &&
          !is_before_break(handshake.asked())) {
        add(failure);
      }
      return;
    }
    if (handshake.outcome != tcp::HandshakeOutcome::silent &&
        handshake.outcome != tcp::HandshakeOutcome::unacknowledged) {
      return;
    }
    const std::uint32_t syns = handshake.syns.count();
    if (syns < 2) return;
    // The race of RFC 8305: another address answered before this one could have.
    if (failure.has_alternative && syns == 2 && failure.time_lost <= race_time) return;
    add(failure);
  }

  void on_second(const SecondPassed& second) override {
    if (!breaks_.empty() && breaks_.back() == second.last_break) return;
    if (second.last_break == Timestamp{}) return;
    if (breaks_.size() == most_breaks) breaks_.pop_front();
    breaks_.push_back(second.last_break);
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    std::vector<Claim> claims;
    std::vector<Failing> silent_services;
    for (const auto& [key, tally] : tallies_.sorted()) {
      for (std::uint8_t variant = 0; variant < variant_count; ++variant) {
        Failing failing = without_scanners(scene, *key, tally->groups[variant]);
        if (variant == silent) {
          const Failing lone = without_scanners(scene, *key, tally->lone);
          if (is_no_accident(lone)) failing.add_lone(lone);
        }
        if (failing.attempts.empty()) continue;
        if (variant == silent) {
          silent_services.push_back(std::move(failing));
        } else {
          claims.push_back({Scope::service, static_cast<Variant>(variant), {std::move(failing)}});
        }
      }
    }
    widen(std::move(silent_services), claims);
    join_peers(scene, claims);
    for (const Claim& claim : claims) {
      // Where a capture filter left out what would acknowledge the SYN-ACKs, nobody is known to
      // have missed one.
      const bool is_hidden = scene.only_syns && claim.variant != silent;
      if (!is_hidden && is_worth_a_finding(claim)) findings.push_back(describe(scene, claim));
    }
  }

  std::uint64_t evicted() const override { return tallies_.evicted(); }

 private:
  // RFC 8305, section 5: the second attempt begins within 2 s at the latest.
  static constexpr Duration race_time = seconds{2};
  // Stacks repeat a SYN after 1 s (RFC 6298, section 2), older ones after 3 s: nobody waits for its
  // answer any more.
  static constexpr Duration lone_age = seconds{3};
  // A queue that was full once, and a gap of the capture, are over by then.
  static constexpr Duration lone_span = seconds{10};
  // An attempt is told of 70 s after it was made; so many breaks of 3 s fit in between.
  static constexpr std::size_t most_breaks = 24;
  // Below that many connections a share says nothing.
  static constexpr std::uint64_t enough_for_share = 100;
  // As many are one problem of what they have in common.
  static constexpr std::size_t services_of_a_host = 2;
  static constexpr std::size_t hosts_of_a_network = 3;
  // Below that many, or within the seconds in which who came first is not known, chance is enough.
  static constexpr std::uint64_t attempts_of_an_outage = 2;
  static constexpr Duration shortest_outage = seconds{3};
  static constexpr Duration forever = Duration::max();
  // One client alone may be what is at fault.
  static constexpr std::uint64_t independent_clients = 2;

  // Where the capture may have stopped before the answer came: at its end the same is too young.
  bool is_before_break(Timestamp asked) const {
    return std::ranges::any_of(
        breaks_, [&](Timestamp last) { return asked <= last && last - asked < lone_age; });
  }

  // Only of services that leave some SYNs without an answer: most never do.
  void note_opened(const tcp::ServiceSecond& second, const Attempts& attempts) {
    const bool in_trouble =
        second.repeated_syns > 0 || (second.aged_3s.lone > 0 && attempts.completed > 0) ||
        (second.completed > 0 && second.new_syns > second.completed + second.refused);
    if (!in_trouble && answer_seconds_.empty()) return;
    const ServiceKey key{second.tunnel, second.service};
    note_answers(key, in_trouble, second.completed > 0, second.begin);
    note_answers(host_of(key), in_trouble, second.completed + second.refused > 0, second.begin);
  }
  void note_answers(const ServiceKey& key, bool in_trouble, bool answers, Timestamp begin) {
    AnswerSeconds* seconds_of = nullptr;
    if (in_trouble) {
      seconds_of = &answer_seconds_[key];
    } else if (answers) {
      seconds_of = answer_seconds_.find(key);
    }
    if (seconds_of != nullptr && answers) seconds_of->add(second_of(begin));
  }

  // Under which the answers of any service of the host are.
  static ServiceKey host_of(const ServiceKey& key) {
    return {key.tunnel, {key.service.address, 0}, 0};
  }
  static std::int64_t second_of(Timestamp when) { return when.time_since_epoch() / seconds{1}; }

  // Takes the attempt into the time for which nobody got an answer, as long as that is so. Who came
  // first in its first and last second is not known: these may have answers.
  void extend_silence(Group& group, const ServiceKey& key, const Sightings<12>& syns) const {
    const std::int64_t known_from = second_of(group.first);
    const std::int64_t known_to = second_of(group.last);
    group.first = std::min(group.first, syns.first().time);
    group.last = std::max(group.last, syns.last().time);
    const std::int64_t begin = second_of(group.first);
    const std::int64_t end = second_of(group.last);
    const auto is_silent = [&](const ServiceKey& answerer) {
      const AnswerSeconds* answers = answer_seconds_.find(answerer);
      return answers != nullptr &&
             answers->is_empty_between(begin, std::min(known_from + 1, end)) &&
             answers->is_empty_between(std::max(known_to - 1, begin), end);
    };
    group.service_silent = group.service_silent && is_silent(key);
    group.host_silent = group.host_silent && is_silent(host_of(key));
  }

  bool has_no_answers(const ServiceKey& answerer, Timestamp first, Timestamp last) const {
    const AnswerSeconds* answers = answer_seconds_.find(answerer);
    return answers != nullptr && answers->is_empty_between(second_of(first), second_of(last));
  }

  // Whether the service opened other connections in a second in which it ignored a SYN of this one.
  bool has_opened_others(const tcp::Handshake& handshake) const {
    const AnswerSeconds* opened =
        answer_seconds_.find({handshake.opening.tunnel, handshake.responder()});
    if (opened == nullptr) return false;
    auto ignored = handshake.syns.kept();
    // The last one was answered in the end.
    if (handshake.outcome == tcp::HandshakeOutcome::completed) {
      ignored = ignored.first(ignored.size() - 1);
    }
    return std::any_of(ignored.begin(), ignored.end(),
                       [&](const Sighting& syn) { return opened->contains(second_of(syn.time)); });
  }

  void add(const tcp::ConnectFailure& failure) {
    const tcp::Handshake& handshake = failure.handshake;
    const ServiceKey key{handshake.opening.tunnel, handshake.responder()};
    Tally& tally = tallies_[key];
    Group& group = handshake.outcome == tcp::HandshakeOutcome::abandoned
                       ? tally.lone
                       : tally.groups[variant_of(handshake)];
    group.clients.add(handshake.initiator().address);
    extend_silence(group, key, handshake.syns);
    if (failure.has_alternative) group.alternative = failure.alternative;
    if (group.attempts.size() < Group::most_kept) {
      group.attempts.push_back(
          {handshake.initiator().address, handshake.syns, handshake.syn_acks,
           tcp::has_given_up(handshake.syns.kept(), handshake.settled), failure.may_open,
           failure.has_alternative, failure.host_worked, failure.service_worked,
           failure.newer_clock_worked, handshake.gave_up_ecn,
           is_unrouted(handshake.opening.initiator_syn.hop_limit), has_opened_others(handshake)});
    } else {
      ++group.more;
      if (failure.has_alternative) ++group.more_saved;
    }
  }

  static Failing without_scanners(const Scene& scene, const ServiceKey& key, const Group& group) {
    Failing failing{&key, {&group}, {}};
    for (const Attempt& attempt : group.attempts) {
      if (!scene.is_scanner(attempt.client, key.tunnel)) failing.attempts.push_back(&attempt);
    }
    // What was not kept is a scanner's too, in the same proportion at most.
    if (failing.attempts.size() == group.attempts.size()) failing.more = group.more;
    return failing;
  }

  // Joins what is silent alike: services of a host, and hosts of a network, that answers nobody
  // from the first failure on.
  void widen(std::vector<Failing> services, std::vector<Claim>& claims) const {
    std::map<HostKey, std::vector<Failing>> hosts;
    for (Failing& each : services) {
      hosts[{each.key->tunnel, each.key->service.address}].push_back(std::move(each));
    }
    std::map<HostKey, std::vector<HostKey>> networks;
    for (const auto& [host, failing] : hosts) {
      networks[{host.tunnel, network_of(host.host)}].push_back(host);
    }
    for (const auto& [network, members] : networks) {
      Timestamp first = Timestamp::max();
      for (const HostKey& host : members) first = std::min(first, first_of(hosts[host]));
      if (members.size() >= hosts_of_a_network && !answers_after(networks_seen_, network, first)) {
        Claim claim{Scope::network, silent, {}};
        for (const HostKey& host : members) {
          std::move(hosts[host].begin(), hosts[host].end(), std::back_inserter(claim.services));
        }
        claims.push_back(std::move(claim));
        continue;
      }
      for (const HostKey& host : members) {
        std::vector<Failing>& failing = hosts[host];
        if (failing.size() >= services_of_a_host &&
            !answers_after(hosts_seen_, host, first_of(failing))) {
          claims.push_back({Scope::host, silent, std::move(failing)});
          continue;
        }
        for (Failing& each : failing) {
          claims.push_back({Scope::service, silent, {std::move(each)}});
        }
      }
    }
  }

  // Peers of one client that come and go are one claim about the client.
  static void join_peers(const Scene& scene, std::vector<Claim>& claims) {
    std::map<HostKey, Claim> joined;
    std::vector<Claim> others;
    for (Claim& claim : claims) {
      const HostKey client{claim.key().tunnel, claim.example().client};
      const bool is_alone =
          claim.scope == Scope::service && claim.variant == silent &&
          scene.misses_peers(client.host, client.tunnel) &&
          claim.all_attempts([&](const Attempt& attempt) { return attempt.client == client.host; });
      if (!is_alone) {
        others.push_back(std::move(claim));
        continue;
      }
      Claim& peers = joined.try_emplace(client, Claim{Scope::service, silent, {}}).first->second;
      if (!peers.services.empty()) peers.scope = Scope::peers;
      peers.services.push_back(std::move(claim.services.front()));
    }
    claims = std::move(others);
    for (auto& [client, peers] : joined) claims.push_back(std::move(peers));
  }

  template <class Key>
  static bool answers_after(const AttemptCounts<Key>& seen, const Key& key, Timestamp when) {
    const Attempts* attempts = seen.find(key);
    return attempts != nullptr && attempts->has_answers_after(when);
  }

  // What is known of all that the claim is about.
  const Attempts* attempts_at(const Claim& claim) const {
    const ServiceKey& key = claim.key();
    switch (claim.scope) {
      case Scope::service:
        return services_seen_.find(key);
      case Scope::host:
        return hosts_seen_.find({key.tunnel, key.service.address});
      case Scope::peers:
        return nullptr;
      default:
        return networks_seen_.find({key.tunnel, network_of(key.service.address)});
    }
  }
  // It answered until the failures began, and nobody since; null where that is not so.
  const Attempts* before_silence(const Claim& claim) const {
    const Attempts* attempts = attempts_at(claim);
    const bool fell_silent = attempts != nullptr && attempts->has_answers() &&
                             !attempts->has_answers_after(claim.first());
    return fell_silent ? attempts : nullptr;
  }

  // Whether nobody got an answer from the first to the last.
  bool is_silent_throughout(const Failing& failing, bool Group::*is_silent,
                            const ServiceKey& answerer) const {
    const bool each_is = std::ranges::all_of(
        failing.groups, [is_silent](const Group* group) { return group->*is_silent; });
    return each_is && (failing.groups.size() == 1 ||
                       has_no_answers(answerer, failing.first(), failing.last()));
  }
  // And somebody has since.
  bool has_come_back(const Claim& claim) const {
    const Failing& failing = claim.services.front();
    return claim.scope == Scope::service &&
           is_silent_throughout(failing, &Group::service_silent, claim.key()) &&
           answers_after(services_seen_, claim.key(), failing.last());
  }

  // Too many, and over too long a time, for what happens to one service now and then.
  bool is_no_accident(const Failing& lone) const {
    if (lone.count() < min_lone_ || lone.last() - lone.first() < lone_span) return false;
    const Attempts* seen = services_seen_.find(*lone.key);
    const std::uint64_t all = lone.count() + (seen == nullptr ? 0 : seen->begun);
    return all < enough_for_share || lone.count() * 100 >= delayed_share_ * all;
  }

  // At least those that opened and those that did not.
  std::uint64_t begun(const Claim& claim) const {
    std::uint64_t all = 0;
    for (const Failing& each : claim.services) {
      const Attempts* seen = services_seen_.find(*each.key);
      const std::uint64_t opened = seen == nullptr ? 0 : seen->completed;
      const std::uint64_t repeated = each.count() - each.lone;
      const std::uint64_t known =
          claim.variant == delayed ? std::max(opened, repeated) : opened + repeated;
      all += std::max<std::uint64_t>(seen == nullptr ? 0 : seen->begun, known) + each.lone;
    }
    return all;
  }

  bool is_worth_a_finding(const Claim& claim) const {
    if (claim.variant != delayed) return claim.count() >= min_timeouts_;
    const std::uint64_t all = begun(claim);
    if (all >= enough_for_share) return claim.count() * 100 >= delayed_share_ * all;
    return claim.count() >= min_delayed_;
  }

  Severity severity_of(const Scene& scene, const Claim& claim, std::uint64_t clients) const {
    if (claim.all_attempts([&](const Attempt& attempt) {
          return scene.misses_peers(attempt.client, claim.key().tunnel);
        })) {
      return Severity::note;
    }
    if (claim.variant == delayed) return Severity::warning;
    bool all_saved = claim.all_attempts([](const Attempt& each) { return each.has_alternative; });
    bool any_saved = claim.any_attempt([](const Attempt& each) { return each.has_alternative; });
    bool any_answer = false;
    for (const Failing& each : claim.services) {
      std::uint64_t more_saved = 0;
      for (const Group* group : each.groups) more_saved += group->more_saved;
      all_saved = all_saved && more_saved == each.more;
      any_saved = any_saved || more_saved > 0;
      any_answer = any_answer || answers_after(services_seen_, *each.key, each.first());
    }
    if (all_saved) return Severity::warning;
    return any_saved || any_answer || clients < independent_clients ? Severity::error
                                                                    : Severity::critical;
  }

  // Seen at the server's door: strangers to the host ask for what never answered anybody. A
  // firewall that drops what knocks on closed ports looks the same as a service that has failed.
  bool may_be_unwanted(const Claim& claim, Vantage vantage) const {
    if (claim.variant != silent || vantage != Vantage::near_server) return false;
    const bool has_answered = std::ranges::any_of(claim.services, [this](const Failing& each) {
      const Attempts* seen = services_seen_.find(*each.key);
      return seen != nullptr && seen->has_answers();
    });
    return !has_answered &&
           claim.all_attempts([](const Attempt& attempt) { return !attempt.host_worked; });
  }

  // At the end of the capture three seconds must do, and then it may still have opened. Who asks
  // once, and then anew, waits as well; where the service answers others meanwhile, what came of
  // them may as well be the clients' own doing.
  bool is_corroborated(const Claim& claim, std::uint64_t clients) const {
    if (claim.any_attempt([](const Attempt& each) { return each.is_final; })) return true;
    const bool has_lone =
        std::ranges::any_of(claim.services, [](const Failing& each) { return each.lone > 0; });
    return has_lone && claim.count() >= 2 * clients &&
           (before_silence(claim) != nullptr || has_come_back(claim));
  }

  static TopList<IpAddress> clients_of(const Scene& scene, const Claim& claim) {
    TopList<IpAddress> clients;
    for (const Failing& each : claim.services) {
      for (const Group* group : each.groups) {
        for (const auto& [client, count] : group->clients.top(TopList<IpAddress>::capacity)) {
          if (!scene.is_scanner(client, each.key->tunnel)) clients.add(client, count);
        }
      }
    }
    return clients;
  }

  Finding describe(const Scene& scene, const Claim& claim) const {
    const ServiceKey& key = claim.key();
    Evidence evidence;
    TopList<Endpoint> servers;
    Duration worst{};
    Timestamp last{};
    for (const Failing& each : claim.services) {
      servers.add(each.key->service, each.count());
      last = std::max(last, each.last());
      for (const Attempt* attempt : each.attempts) {
        evidence.add(attempt->syns);
        if (claim.variant == synack_lost || claim.variant == synack_ignored) {
          evidence.add(attempt->syn_acks);
        }
        worst = std::max(worst, attempt->syns.last().time - attempt->syns.first().time);
      }
    }
    const TopList<IpAddress> clients = clients_of(scene, claim);
    const std::string name = claim.name();
    Finding finding;
    finding.variant = variant_names[claim.variant];
    finding.entity = fmt::format("{}/{}", name, key.tunnel);
    finding.tunnel = key.tunnel;
    const Vantage vantage = vantage_of(scene, claim);
    const bool unwanted = may_be_unwanted(claim, vantage);
    finding.severity = severity_of(scene, claim, clients.distinct());
    finding.confidence = is_corroborated(claim, clients.distinct()) && !unwanted
                             ? Confidence::probable
                             : Confidence::possible;
    // The answer to the last SYN may have been left out as well; after three repetitions nobody
    // waits for it any more.
    if (scene.only_syns &&
        claim.all_attempts([](const Attempt& each) { return each.syns.count() <= 3; })) {
      finding.confidence = Confidence::possible;
      finding.severity = std::min(finding.severity, Severity::warning);
      finding.caveats.push_back(
          {"only-syns", "a capture filter may have left out what answered the last of the SYNs"});
    }
    finding.title = claim.variant == delayed ? short_title("", name, " accepts connections late")
                    : claim.scope == Scope::peers
                        ? short_title("peers of ", name, " do not answer")
                        : short_title("connections to ", name, " time out");
    finding.count = claim.count();
    finding.of = begun(claim);
    finding.unit = "attempt";
    evidence.fill(finding);
    // Of more attempts than are kept.
    finding.last = std::max(finding.last, last);
    finding.state = has_come_back(claim) ? FindingState::ended
                    : claim.any_attempt([](const Attempt& each) { return each.may_open; })
                        ? FindingState::ongoing
                        : state_at(scene.now, finding);
    finding.who.push_back(who("client", clients));
    finding.who.push_back(who("server", servers));
    finding.capture_filter = capture_filter(claim);
    finding.measures = {{"worst_time_lost_ns", worst.count()}};
    add_causes(finding, claim, vantage);
    if (unwanted) {
      finding.severity = std::min(finding.severity, Severity::warning);
      finding.caveats.push_back(
          {"never-answered",
           "nobody ever got an answer there, and none of these clients elsewhere at the host: "
           "whether anything should answer them cannot be told"});
    }
    if (claim.variant == silent) {
      if (const Attempts* before = before_silence(claim)) {
        const Duration pause = before->silence_before(claim.first());
        const std::string what =
            before->completed == 0
                ? "it refused what it was asked for"
                : fmt::format("{} opened", plural(before->completed, "connection"));
        finding.before = fmt::format("{}, the last {} before", what,
                                     pause < seconds{1} ? "right" : rough_duration(pause));
      }
      add_vantage(finding, vantage, "SYNs", {"no-route"});
    }
    if (claim.scope == Scope::peers) {
      finding.next = {"ss -tnp state syn-sent  # on the client: which program"};
      return finding;
    }
    const std::string address = key.service.address.to_string();
    finding.next = {fmt::format("nc -vz -w3 {} {}", address, key.service.port),
                    fmt::format("mtr -T -P {} -rwc 20 {}", key.service.port, address),
                    fmt::format("ip route get {}", address)};
    return finding;
  }

  // Where all of it was captured; unknown where attempts differ.
  static Vantage vantage_of(const Scene& scene, const Claim& claim) {
    const auto place = [&](const ServiceKey& key, const Attempt& attempt) {
      const Vantage voted = scene.vantage_of(attempt.client, key.service.address, key.tunnel);
      return voted == Vantage::unknown && attempt.left_here ? Vantage::near_client : voted;
    };
    const Vantage common = place(claim.key(), claim.example());
    for (const Failing& each : claim.services) {
      for (const Attempt* attempt : each.attempts) {
        if (place(*each.key, *attempt) != common) return Vantage::unknown;
      }
    }
    return common;
  }

  static std::string capture_filter(const Claim& claim) {
    const Endpoint& service = claim.key().service;
    switch (claim.scope) {
      case Scope::service:
        return fmt::format("host {} and tcp port {}", service.address.to_string(), service.port);
      case Scope::host:
        return fmt::format("tcp and host {}", service.address.to_string());
      case Scope::peers:
        return fmt::format("tcp and host {}", claim.name());
      default:
        return fmt::format("tcp and net {}", claim.name());
    }
  }

  void add_causes(Finding& finding, const Claim& claim, Vantage vantage) const {
    if (claim.scope == Scope::peers) {
      finding.causes = {
          {"peers-gone", "a peer-to-peer client, whose peers come and go",
           fmt::format("{} far apart asked, none answers", plural(hosts_of(claim), "host")), ""}};
      return;
    }
    const Endpoint& service = claim.key().service;
    switch (claim.variant) {
      case silent:
        add_causes_of_silence(finding, claim, vantage);
        add_cause_of_timestamps(finding, claim);
        break;
      case synack_lost:
        finding.causes.push_back({"return-path", "what the server answers is lost on the way back",
                                  fmt::format("{} to the first attempt, and the SYN comes again",
                                              plural(claim.example().syn_acks.count(), "SYN-ACK")),
                                  "ip route get CLIENT"});
        break;
      case synack_ignored:
        finding.causes.push_back({"client-filter", "the client's own filter drops the SYN-ACK",
                                  "it was captured where the SYN was sent", "nft list ruleset"});
        finding.causes.push_back({"bad-checksum", "the SYN-ACK arrives damaged", "",
                                  "nstat -az TcpInCsumErrors  # on the client"});
        break;
      default:
        add_causes_of_delay(finding, claim, service, vantage);
    }
    for (const Failing& each : claim.services) {
      // Of those that asked once none has one.
      const Endpoint& alternative = each.groups.front()->alternative;
      if (alternative.port == 0) continue;
      finding.causes.push_back({"stale-address",
                                "the client was given an address that is no longer in use",
                                fmt::format("it got through at {}", alternative.to_string()), ""});
      break;
    }
    std::uint64_t lone = 0;
    for (const Failing& each : claim.services) lone += each.lone;
    if (lone > 0) {
      finding.caveats.push_back(
          {"asked-once", fmt::format("{} of {} sent one SYN and gave up sooner than another is due",
                                     grouped(lone), plural(claim.count(), "attempt"))});
    }
    const std::string_view schedule = schedule_of(claim.example().syns);
    if (!schedule.empty()) {
      finding.caveats.push_back({"schedule", fmt::format("client: {}", schedule)});
    }
  }

  // RFC 3168, section 6.1.1.1: who is not answered tries without ECN.
  static void add_causes_of_delay(Finding& finding, const Claim& claim, const Endpoint& service,
                                  Vantage vantage) {
    const auto gave_up_ecn = [](const Attempt& each) { return each.gave_up_ecn; };
    if (claim.all_attempts(gave_up_ecn)) {
      finding.causes.push_back({"ecn-dropped", "something on the way drops SYNs that ask for ECN",
                                "each SYN with ECN was silent, and its repetition without opened",
                                "sysctl net.ipv4.tcp_ecn"});
    }
    const bool others_opened =
        claim.any_attempt([](const Attempt& each) { return each.others_opened; });
    const bool reached_it = vantage == Vantage::near_server;
    // A listener whose queue is full says nothing.
    std::size_t answered = 0;
    for (const Attempt* each : claim.services.front().attempts) answered += each->was_answered();
    if (answered * 2 > claim.services.front().attempts.size()) {
      finding.causes.push_back({"path-loss", "packets are lost on the path, on the way back",
                                fmt::format("{} of {} SYNs that came again had been answered",
                                            answered, claim.services.front().attempts.size()),
                                fmt::format("mtr -rwbzc 100 {}  # from the server",
                                            claim.example().client.to_string())});
      return;
    }
    if (!reached_it) {
      finding.causes.push_back({"path-loss", "packets are lost on the path",
                                "a repeated SYN got through",
                                fmt::format("mtr -rwbzc 100 {}", service.address.to_string())});
    }
    if (reached_it || others_opened) {
      finding.causes.push_back(
          {"accept-queue", "the listener's queue is full now and then",
           fmt::format("{}{}", reached_it ? "captured near the server: the SYNs came so far" : "",
                       !others_opened ? ""
                       : reached_it   ? ", and others of the same second were answered"
                                      : "others of the same second were answered"),
           fmt::format("ss -ltn 'sport = :{}'  # on the server", service.port)});
    }
  }

  void add_causes_of_silence(Finding& finding, const Claim& claim, Vantage vantage) const {
    const Endpoint& service = claim.key().service;
    const std::string address = service.address.to_string();
    const Timestamp first = claim.first();
    const bool host_answers =
        answers_after(hosts_seen_, {claim.key().tunnel, service.address}, first);
    if (before_silence(claim) != nullptr) {
      return add_causes_of_end(finding, claim, claim.scope == Scope::service && host_answers,
                               vantage, forever);
    }
    if (claim.scope == Scope::service && answers_after(services_seen_, claim.key(), first)) {
      const Failing& failing = claim.services.front();
      const Duration lasted = failing.last() - first;
      if (has_come_back(claim) && claim.count() >= attempts_of_an_outage &&
          lasted >= shortest_outage) {
        const bool host_silent =
            is_silent_throughout(failing, &Group::host_silent, host_of(claim.key()));
        return add_causes_of_end(finding, claim, !host_silent, vantage, lasted);
      }
      return add_causes_of_some(finding, claim);
    }
    // Whoever nobody asked since then has not fallen silent.
    const Attempts* host = hosts_seen_.find({claim.key().tunnel, service.address});
    if (claim.scope == Scope::service && host != nullptr && host->has_answers()) {
      finding.causes.push_back({"port-filtered", "a filter drops what is sent to this port",
                                host_answers ? "other ports of the host answer"
                                             : "other ports of the host answered before",
                                "nft list ruleset"});
      if (!host_answers) {
        finding.causes.push_back({"host-down", "the host has gone down since",
                                  "nothing of it has answered after that",
                                  fmt::format("ping -c 3 {}", address)});
      }
      return;
    }
    const Cause filtered{"filtered", "a filter drops the SYNs on the way", "silence, not a refusal",
                         "nft list ruleset"};
    const Cause host_down{
        "host-down", "the host is down or the address is unused",
        claim.scope == Scope::host
            ? fmt::format("{} of it asked, none answers", plural(claim.services.size(), "port"))
            : "nothing answers at this address in this capture",
        fmt::format("ping -c 3 {}", address)};
    const Cause no_route{
        "no-route", "there is no route to it, or none back",
        claim.scope == Scope::network
            ? fmt::format("{} of the network asked, none answers", plural(hosts_of(claim), "host"))
            : "nothing answers at this address in this capture",
        fmt::format("ip route get {}", address)};
    switch (claim.scope) {
      case Scope::service:
        finding.causes.insert(finding.causes.end(), {filtered, host_down, no_route});
        break;
      case Scope::host:
        finding.causes.insert(finding.causes.end(), {host_down, no_route, filtered});
        break;
      default:
        finding.causes.insert(finding.causes.end(), {no_route, filtered});
    }
  }

  // Last: kernels before 4.12 did so, and Linux draws where its timestamps start for each
  // connection anew, so that most come in no order.
  static void add_cause_of_timestamps(Finding& finding, const Claim& claim) {
    if (!claim.all_attempts([](const Attempt& each) { return each.newer_clock_worked; })) return;
    finding.causes.push_back(
        {"nat-timestamps", "the server ignores SYNs whose timestamp lies before an earlier one",
         "each came from an address of which a later timestamp had been answered within a minute",
         "nstat -az TcpExtPAWSPassive TcpExtPAWSTimewait  # on the server"});
  }

  static std::uint64_t hosts_of(const Claim& claim) {
    std::set<IpAddress> hosts;
    for (const Failing& each : claim.services) hosts.insert(each.key->service.address);
    return hosts.size();
  }

  // From one moment on nobody got an answer: until now, where it had worked before, or for a while.
  static void add_causes_of_end(Finding& finding, const Claim& claim, bool host_answers,
                                Vantage vantage, Duration lasted) {
    const Endpoint& service = claim.key().service;
    const std::string address = service.address.to_string();
    const bool is_over = lasted != forever;
    const std::string why =
        is_over ? fmt::format("nobody got an answer for {}, and it has answered since",
                              rough_duration(lasted))
                : std::string{host_answers ? "it answered before"
                                           : "it answered before, and nothing there has since"};
    // A process that has stopped: the kernel opens as many connections as its queue holds.
    const Cause stuck{"accept-queue",
                      is_over ? "its process accepted no connections for a while"
                              : "its process accepts no more connections",
                      host_answers ? why + (is_over ? "; other ports of the host did meanwhile"
                                                    : ", and other ports of the host still do")
                                   : why,
                      fmt::format("ss -ltnp 'sport = :{}'  # on the server", service.port)};
    const Cause filtered{"filtered",
                         is_over ? "a filter dropped its packets for a while"
                                 : "a filter drops its packets since then",
                         "silence, not a refusal", "nft list ruleset"};
    if (host_answers) {
      finding.causes.insert(finding.causes.end(), {stuck, filtered});
      return;
    }
    const Cause host_down{
        "host-down", is_over ? "the host was down or restarted" : "the host went down", why,
        is_over ? "uptime  # on the server" : fmt::format("ping -c 3 {}", address)};
    const Cause no_route{"no-route",
                         is_over ? "the way there was lost for a while" : "the way there was lost",
                         why, fmt::format("ip route get {}", address)};
    if (claim.scope == Scope::network) {
      finding.causes.insert(finding.causes.end(), {no_route, filtered});
      return;
    }
    // Where SYNs still arrive at its door, and one service is all that is silent, the host is
    // there.
    const bool is_there = claim.scope == Scope::service && vantage == Vantage::near_server;
    if (is_there) finding.causes.insert(finding.causes.end(), {stuck, filtered});
    finding.causes.insert(finding.causes.end(), {host_down, no_route});
    if (claim.scope == Scope::service && !is_there) finding.causes.push_back(stuck);
    if (!is_there) finding.causes.push_back(filtered);
  }

  // Some attempts at the service succeeded since, others did not.
  static void add_causes_of_some(Finding& finding, const Claim& claim) {
    const Endpoint& service = claim.key().service;
    const Cause accept_queue{"accept-queue", "the listener's queue is full now and then",
                             "others of the same second were answered",
                             fmt::format("ss -ltn 'sport = :{}'  # on the server", service.port)};
    const Cause filtered{"client-filtered", "a filter lets only some clients through",
                         "other attempts at the same service succeeded", "nft list ruleset"};
    const Cause filtered_now{"filtered", "a filter, or the host itself, drops SYNs at times",
                             "the same client got through at other times", "nft list ruleset"};
    const bool worked = claim.any_attempt([](const Attempt& each) { return each.service_worked; });
    // A listener whose queue is full still answers whoever comes just as there is room.
    const bool others_opened =
        claim.any_attempt([](const Attempt& each) { return each.others_opened; });
    // Clients that wait ask again.
    const bool asked_once = std::ranges::all_of(
        claim.services, [](const Failing& each) { return each.lone == each.count(); });
    const bool may_be_unseen = worked && others_opened && asked_once;
    if (may_be_unseen) {
      finding.causes.push_back(
          {"rest-not-captured", "they opened, and the capture misses all but their SYNs",
           "none asks again, and the same clients open others at the same time",
           "nft list flowtables  # offloaded connections bypass a capture"});
    }
    if (worked && others_opened && !may_be_unseen) finding.causes.push_back(accept_queue);
    finding.causes.push_back(worked ? filtered_now : filtered);
    if (others_opened && (!worked || may_be_unseen)) finding.causes.push_back(accept_queue);
  }

  const std::uint64_t min_timeouts_;
  const std::uint64_t min_delayed_;
  const std::uint64_t delayed_share_;
  const std::uint64_t min_lone_;
  TallyMap<ServiceKey, Tally> tallies_;
  AttemptCounts<ServiceKey> services_seen_;
  AttemptCounts<HostKey> hosts_seen_;
  AttemptCounts<HostKey> networks_seen_;
  TallyMap<ServiceKey, AnswerSeconds> answer_seconds_;
  std::deque<Timestamp> breaks_;  // the last packets before them, the newest last
};

}  // namespace

DetectorEntry tcp_syn_timeout() {
  return {"tcp-syn-timeout", "note to critical", "connections that time out or open late",
          Basis::absence, make_detector<TcpSynTimeout>};
}

}  // namespace wirefault
