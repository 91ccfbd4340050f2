// Names the services that connections time out to, or open only after a repeated SYN.
//
// On the wire: a SYN, the same SYN again after one second, and again at growing distances, and
// nothing that completes the handshake (silent); or it completes after a repetition, one, three or
// more seconds late (delayed); or a SYN-ACK is there and the SYN is repeated all the same: seen at
// the server it was lost on the way back (synack-lost), seen at the client it was thrown away there
// (synack-ignored).
//
// Only repetition makes a failure: a lone SYN may have been given up by its application, as Happy
// Eyeballs does, or its answer may have been missed by the capture. Left out are port scans, and
// what was refused or rejected, which other detectors name. Blind spot: a filter, a dead host and a
// broken path are equally silent; the causes only rank them.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "detectors/detector.h"

namespace wirefault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum Variant : std::uint8_t { silent, synack_lost, synack_ignored, delayed, variant_count };
constexpr std::array<std::string_view, variant_count> variant_names = {"silent", "synack-lost",
                                                                       "synack-ignored", "delayed"};

struct ServiceKey {
  std::uint64_t tunnel = 0;
  Endpoint service;
  std::uint32_t padding = 0;
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
};
struct HostKey {
  std::uint64_t tunnel = 0;
  IpAddress host;
  std::array<std::uint8_t, 6> padding{};
  friend bool operator==(const HostKey&, const HostKey&) = default;
};

// One attempt that failed or was late.
struct Attempt {
  IpAddress client;
  Sightings<12> syns;
  Sightings<8> syn_acks;
  bool has_alternative = false;
  Duration time_lost{};
};

struct Group {
  static constexpr std::size_t most_kept = 32;

  std::vector<Attempt> attempts;  // the first
  std::uint64_t more = 0;
  std::uint64_t more_saved = 0;  // of those, with an alternative
  TopList<IpAddress> clients;
  Endpoint alternative;
  Timestamp last{};
};

struct Tally {
  std::array<Group, variant_count> groups;
};

// What else was seen of a service or a host.
struct Attempts {
  std::uint64_t begun = 0;
  std::uint64_t completed = 0;
  std::uint64_t ended = 0;  // refused or rejected: somebody was there to say so
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

// The hop limits that stacks begin with: a packet that still has it was captured where it was sent.
bool is_unrouted(std::uint8_t hop_limit) {
  return hop_limit == 64 || hop_limit == 128 || hop_limit == 255;
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
        delayed_share_{setup.percent("delayed-share", 1,
                                     "or part of its connections, of at least a hundred")} {}

  void on_tcp_service_second(const tcp::ServiceSecond& second) override {
    if (second.service.port == 0) return;
    for (Attempts* attempts : {&services_seen_[{second.tunnel, second.service}],
                               &hosts_seen_[{second.tunnel, second.service.address}]}) {
      attempts->begun += second.new_syns;
      attempts->completed += second.completed;
      attempts->ended += second.refused + second.rejected;
    }
  }

  void on_tcp_handshake(const tcp::Handshake& handshake) override {
    if (handshake.outcome != tcp::HandshakeOutcome::completed || handshake.syns.count() < 2) return;
    add(handshake, false, {});
  }

  void on_connect_failure(const tcp::ConnectFailure& failure) override {
    const tcp::Handshake& handshake = failure.handshake;
    if (handshake.outcome != tcp::HandshakeOutcome::silent &&
        handshake.outcome != tcp::HandshakeOutcome::unacknowledged) {
      return;
    }
    const std::uint32_t syns = handshake.syns.count();
    if (syns < 2) return;
    // The race of RFC 8305: another address answered before this one could have.
    if (failure.has_alternative && syns == 2 && failure.time_lost <= race_time) return;
    Group& group = add(handshake, failure.has_alternative, failure.time_lost);
    if (failure.has_alternative) group.alternative = failure.alternative;
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : tallies_.sorted()) {
      for (std::uint8_t variant = 0; variant < variant_count; ++variant) {
        const Group& group = tally->groups[variant];
        std::vector<const Attempt*> attempts;
        for (const Attempt& attempt : group.attempts) {
          if (!scene.is_scanner(attempt.client, key->tunnel)) attempts.push_back(&attempt);
        }
        // What was not kept is a scanner's too, in the same proportion at most.
        const std::uint64_t more = attempts.size() == group.attempts.size() ? group.more : 0;
        if (!is_worth_a_finding(*key, static_cast<Variant>(variant), attempts.size() + more)) {
          continue;
        }
        findings.push_back(
            describe(scene, *key, static_cast<Variant>(variant), group, attempts, more));
      }
    }
  }

 private:
  // RFC 8305, section 5: the second attempt begins within 2 s at the latest.
  static constexpr Duration race_time = seconds{2};
  // Below that many connections a share says nothing.
  static constexpr std::uint64_t enough_for_share = 100;

  Group& add(const tcp::Handshake& handshake, bool has_alternative, Duration time_lost) {
    Group& group =
        tallies_[{handshake.opening.tunnel, handshake.responder()}].groups[variant_of(handshake)];
    group.clients.add(handshake.initiator().address);
    group.last = std::max(group.last, handshake.syns.last().time);
    if (group.attempts.size() < Group::most_kept) {
      group.attempts.push_back({handshake.initiator().address, handshake.syns, handshake.syn_acks,
                                has_alternative, time_lost});
    } else {
      ++group.more;
      if (has_alternative) ++group.more_saved;
    }
    return group;
  }

  bool is_worth_a_finding(const ServiceKey& key, Variant variant, std::uint64_t count) const {
    if (count == 0) return false;
    if (variant != delayed) return count >= min_timeouts_;
    const Attempts* seen = services_seen_.find(key);
    const std::uint64_t begun = seen == nullptr ? 0 : seen->begun;
    if (begun >= enough_for_share) return count * 100 >= delayed_share_ * begun;
    return count >= min_delayed_;
  }

  Finding describe(const Scene& scene, const ServiceKey& key, Variant variant, const Group& group,
                   const std::vector<const Attempt*>& attempts, std::uint64_t more) const {
    const std::string service = key.service.to_string();
    const Attempts* seen = services_seen_.find(key);
    Evidence evidence;
    Duration worst{};
    bool all_saved = group.more_saved == group.more;
    for (const Attempt* attempt : attempts) {
      evidence.add(attempt->syns);
      if (variant == synack_lost || variant == synack_ignored) evidence.add(attempt->syn_acks);
      worst = std::max(worst, attempt->syns.last().time - attempt->syns.first().time);
      all_saved = all_saved && attempt->has_alternative;
    }
    Finding finding;
    finding.variant = variant_names[variant];
    finding.entity = fmt::format("{}/{}", service, key.tunnel);
    finding.severity = variant == delayed || all_saved ? Severity::warning : Severity::error;
    finding.confidence = Confidence::probable;
    finding.title = variant == delayed ? fmt::format("{} accepts connections late", service)
                                       : fmt::format("connections to {} time out", service);
    finding.count = attempts.size() + more;
    finding.of = std::max(seen == nullptr ? 0 : seen->begun, finding.count);
    finding.unit = "attempt";
    finding.lower_bound = tallies_.evicted() > 0;
    evidence.fill(finding);
    finding.state =
        scene.now - group.last > seconds{60} ? FindingState::ended : FindingState::ongoing;
    finding.who.push_back(who("client", group.clients));
    finding.who.push_back(who("server", key.service));
    finding.capture_filter =
        fmt::format("host {} and tcp port {}", key.service.address.to_string(), key.service.port);
    finding.measures = {{"worst_time_lost_ns", worst.count()}};
    add_causes(finding, key, variant, group, seen, *attempts.front());
    const std::string address = key.service.address.to_string();
    finding.next = {fmt::format("nc -vz -w3 {} {}", address, key.service.port),
                    fmt::format("mtr -T -P {} -rwc 20 {}", key.service.port, address),
                    fmt::format("ip route get {}", address)};
    return finding;
  }

  void add_causes(Finding& finding, const ServiceKey& key, Variant variant, const Group& group,
                  const Attempts* seen, const Attempt& example) const {
    const std::string address = key.service.address.to_string();
    const std::string listening = fmt::format("ss -ltn 'sport = :{}'", key.service.port);
    const bool others_connect = seen != nullptr && seen->completed > 0;
    switch (variant) {
      case silent:
        add_causes_of_silence(finding, key, others_connect);
        break;
      case synack_lost:
        finding.causes.push_back({"return-path", "what the server answers is lost on the way back",
                                  fmt::format("{} to the first attempt, and the SYN comes again",
                                              plural(example.syn_acks.count(), "SYN-ACK")),
                                  "ip route get CLIENT"});
        break;
      case synack_ignored:
        finding.causes.push_back({"client-filter", "the client's own filter drops the SYN-ACK",
                                  "it was captured where the SYN was sent", "nft list ruleset"});
        finding.causes.push_back(
            {"bad-checksum", "the SYN-ACK arrives damaged", "", "nstat -az TcpInCsumErrors"});
        break;
      default:
        finding.causes.push_back({"path-loss", "packets are lost on the path",
                                  "a repeated SYN got through",
                                  fmt::format("mtr -rwbzc 100 {}", address)});
        finding.causes.push_back({"accept-queue", "the listener's queue is full now and then",
                                  "SYNs are dropped while connections are open", listening});
    }
    if (group.alternative.port != 0) {
      finding.causes.push_back(
          {"stale-address", "the client was given an address that is no longer in use",
           fmt::format("it got through at {}", group.alternative.to_string()), ""});
    }
    const std::string_view schedule = schedule_of(example.syns);
    if (!schedule.empty()) {
      finding.caveats.push_back({"schedule", fmt::format("client: {}", schedule)});
    }
  }

  void add_causes_of_silence(Finding& finding, const ServiceKey& key, bool others_connect) const {
    const std::string address = key.service.address.to_string();
    const Attempts* host = hosts_seen_.find({key.tunnel, key.service.address});
    const bool host_answers = host != nullptr && host->completed + host->ended > 0;
    if (others_connect) {
      finding.causes.push_back({"client-filtered", "a filter lets only some clients through",
                                "other attempts at the same service succeeded",
                                "nft list ruleset"});
      finding.causes.push_back({"accept-queue", "the listener's queue is full now and then",
                                "some SYNs are answered, others dropped",
                                fmt::format("ss -ltn 'sport = :{}'", key.service.port)});
      return;
    }
    if (host_answers) {
      finding.causes.push_back({"port-filtered", "a filter drops what is sent to this port",
                                "other ports of the host answer", "nft list ruleset"});
      return;
    }
    finding.causes.push_back({"filtered", "a filter drops the SYNs on the way",
                              "silence, not a refusal", "nft monitor trace"});
    finding.causes.push_back({"host-down", "the host is down or the address is unused",
                              "nothing answers at this address in this capture",
                              fmt::format("ping -c 3 {}", address)});
    finding.causes.push_back({"no-route", "there is no route to it, or none back",
                              "nothing answers at this address in this capture",
                              fmt::format("ip route get {}", address)});
  }

  const std::uint64_t min_timeouts_;
  const std::uint64_t min_delayed_;
  const std::uint64_t delayed_share_;
  TallyMap<ServiceKey, Tally> tallies_{512};
  TallyMap<ServiceKey, Attempts> services_seen_;
  TallyMap<HostKey, Attempts> hosts_seen_;
};

}  // namespace

DetectorEntry tcp_syn_timeout() {
  return {"tcp-syn-timeout", "warning or error", "connections that time out or open late",
          Basis::absence, make_detector<TcpSynTimeout>};
}

}  // namespace wirefault
