// Many names failing with SERVFAIL at once: through one responder, or under one zone.
//
// On the wire: within a minute, ten or more actions of clients fail with RCODE 2 over three or more
// names, and they are a fair share of what the responder was asked (or nearly all of what the zone
// was). Actions are counted, not responses: one getaddrinfo() can cause 16 of them. An action has
// failed that met nothing but SERVFAIL, even where the application asks anew and fares better.
//
// A responder that fails what another server then answers hurts nobody much, but is of no use: it
// is told as a warning.
//
// Which of the two is named: the responder when at least three zones fail through it, else the
// zone. Blind spots: shares are measured from the first failure on, since nothing is kept of
// servers and zones that never failed. What a capture that starts within the storm was like before
// is unknown.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "detectors/curve.h"
#include "detectors/detector.h"
#include "detectors/knowledge/dns_zone.h"
#include "detectors/state.h"

namespace wirefault {
namespace {

// Failures and successes by the second, over the last minute.
struct Minute {
  // RFC 2308, section 7.1 and RFC 9520, section 3.2 let a SERVFAIL be cached for 1 s to 5 min: a
  // lasting failure shows several times in a minute.
  static constexpr std::int64_t length = 60;
  // Actions are known of up to three quarters of a minute after they began.
  static constexpr std::int64_t kept = 2 * length;
  struct Second {
    std::int64_t number = -1;
    std::uint32_t lost = 0;    // actions
    std::uint32_t saved = 0;   // actions, by another server
    std::uint32_t failed = 0;  // SERVFAIL transactions' lookups
    std::uint32_t fine = 0;
  };
  std::array<Second, kept> seconds{};

  // Null for what is too long ago.
  Second* at(Timestamp when) {
    const std::int64_t number =
        std::max<std::int64_t>(0, when.time_since_epoch() / std::chrono::seconds{1});
    Second& second = seconds[static_cast<std::size_t>(number % kept)];
    if (second.number > number) return nullptr;
    if (second.number < number) second = {number, 0, 0, 0, 0};
    return &second;
  }
  Second sum(Timestamp until) const {
    const std::int64_t number = until.time_since_epoch() / std::chrono::seconds{1};
    Second total;
    for (std::int64_t each = std::max<std::int64_t>(0, number - length + 1); each <= number;
         ++each) {
      const Second& second = seconds[static_cast<std::size_t>(each % kept)];
      if (second.number != each) continue;
      total.lost += second.lost;
      total.saved += second.saved;
      total.failed += second.failed;
      total.fine += second.fine;
    }
    return total;
  }
};

struct Tally {
  Minute minute;
  std::uint64_t lost = 0;   // actions
  std::uint64_t saved = 0;  // actions, by another server
  std::uint64_t responses = 0;
  std::uint64_t failed = 0;
  std::uint64_t fine = 0;
  std::uint64_t peak_percent = 0;  // in the stormiest minute
  std::uint32_t peak_second = 0;   // failures in the worst second
  bool stormed = false;
  bool is_felt = false;  // in the storm actions were lost, as many as make one
  Evidence failures;
  Curve curve;  // of them
  TopList<dns::Name> names;
  TopList<dns::Name> zones;
  TopList<IpAddress> clients;
  TopList<Endpoint> responders;
  std::map<std::uint16_t, std::uint64_t> errors;
  LatencyHistogram latency;
  Timestamp last_fine{};

  // The Internet is full of zones that fail now and then. Both address families of one name, each
  // asked twice of two servers, are one failure.
  static constexpr std::uint64_t of_one_name = 8;
  bool is_healthy() const { return !stormed && failed <= of_one_name; }
};

struct ResponderKey {
  std::uint64_t tunnel = 0;
  Endpoint server;
  std::uint32_t zero = 0;  // no padding
  friend auto operator<=>(const ResponderKey&, const ResponderKey&) = default;
};

class DnsServfailStorm final : public Detector {
 public:
  explicit DnsServfailStorm(Setup& setup)
      : min_actions_{setup.count("min-actions", 10, "failed actions in a minute")},
        min_names_{setup.count("min-names", 3, "distinct names among them")},
        share_{setup.percent("share", 20, "failed part of what a responder was asked")},
        zone_share_{setup.percent("zone-share", 80, "failed part of what a zone was asked")},
        responders_{setup.tallies(512)},
        zones_{setup.tallies(512)} {}

  void on_dns_transaction(const dns::Transaction& transaction) override {
    if (transaction.outcome != dns::Outcome::answered || !transaction.recursion_desired) return;
    const bool failed = transaction.response.rcode == dns::Rcode::servfail;
    // What a resolver blocks, it blocks for everyone, and means to.
    if (failed && std::ranges::any_of(transaction.response.errors(), dns::is_policy)) return;
    // Nothing is kept of what never fails: the maps are empty in healthy traffic.
    if (!failed && responders_.empty()) return;
    const ResponderKey key{transaction.tunnel, transaction.server, 0};
    const dns::Name zone = dns::guessed_zone(transaction.question.name);
    if (failed) {
      add_failure(responders_[key], transaction, zone);
      add_failure(zones_[zone], transaction, zone);
    } else {
      add_success(responders_.find(key), transaction);
      add_success(zones_.find(zone), transaction);
    }
  }

  void on_dns_action(const dns::Action& action) override {
    if (!action.recursion_desired || action.servfail == 0) return;
    if (action.calls_lost == 0 && !action.saved_elsewhere) return;
    if (std::ranges::any_of(action.errors(), dns::is_policy)) return;
    for (const dns::LookupServer& responder : action.responders()) {
      const ResponderKey key{action.tunnel, responder.server, 0};
      if (add_action(responders_.find(key), action, share_)) responders_.hold(key);
    }
    // That another server has the answer speaks for the zone.
    if (action.saved_elsewhere) return;
    const dns::Name zone = dns::guessed_zone(action.name);
    if (add_action(zones_.find(zone), action, zone_share_)) zones_.hold(zone);
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    bool responder_named = false;
    for (const auto& [key, tally] : responders_.sorted()) {
      if (!tally->stormed || tally->zones.distinct() < unrelated_zones) continue;
      findings.push_back(describe_responder(scene, *key, *tally));
      responder_named = true;
    }
    for (const auto& [zone, tally] : zones_.sorted()) {
      if (!tally->stormed || (responder_named && is_part_of_a_responder_storm(*tally))) continue;
      findings.push_back(describe_zone(scene, *zone, *tally));
    }
  }

  std::uint64_t evicted() const override { return responders_.evicted() + zones_.evicted(); }

 private:
  static constexpr std::uint64_t unrelated_zones = 3;
  // Unbound's first timeout for a server that it does not know; BIND's is 800 ms.
  static constexpr Duration shortest_wait = std::chrono::milliseconds{376};
  // What is said from a cache, or refused at once, takes less.
  static constexpr Duration overloaded = std::chrono::milliseconds{100};

  static void add_failure(Tally& tally, const dns::Transaction& transaction,
                          const dns::Name& zone) {
    ++tally.responses;
    ++tally.failed;
    if (Minute::Second* second = tally.minute.at(transaction.asked())) {
      tally.peak_second = std::max(tally.peak_second, ++second->failed);
    }
    tally.failures.add(transaction.response.seen);
    tally.curve.add(transaction.response.seen.time.time_since_epoch() / std::chrono::seconds{1}, 1);
    tally.names.add(transaction.question.name);
    tally.zones.add(zone);
    tally.clients.add(transaction.client.address);
    tally.responders.add(transaction.server);
    tally.latency.add(transaction.latency());
    for (const std::uint16_t code : transaction.response.errors()) ++tally.errors[code];
  }

  static void add_success(Tally* tally, const dns::Transaction& transaction) {
    if (tally == nullptr) return;
    ++tally->fine;
    if (Minute::Second* second = tally->minute.at(transaction.asked())) ++second->fine;
    tally->last_fine = std::max(tally->last_fine, transaction.response.seen.time);
  }

  // True when this makes a storm.
  bool add_action(Tally* tally, const dns::Action& action, std::uint64_t share) const {
    if (tally == nullptr) return false;
    const std::uint32_t saved = action.saved_elsewhere ? 1 : 0;
    tally->lost += action.calls_lost;
    tally->saved += saved;
    Minute::Second* second = tally->minute.at(action.asked);
    if (second == nullptr) return false;
    second->lost += action.calls_lost;
    second->saved += saved;
    const Minute::Second sum = tally->minute.sum(action.asked);
    const std::uint64_t decided = std::uint64_t{sum.failed} + sum.fine;
    if (std::uint64_t{sum.lost} + sum.saved < min_actions_ ||
        tally->names.distinct() < min_names_ || decided == 0) {
      return false;
    }
    const std::uint64_t percent = 100 * std::uint64_t{sum.failed} / decided;
    if (percent < share) return false;
    tally->stormed = true;
    tally->is_felt |= sum.lost >= min_actions_;
    tally->peak_percent = std::max(tally->peak_percent, percent);
    return true;
  }

  bool is_part_of_a_responder_storm(const Tally& zone) const {
    for (const auto& [responder, count] : zone.responders.top()) {
      const Tally* tally = responders_.find({0, responder, 0});
      if (tally == nullptr || !tally->is_felt || tally->zones.distinct() < unrelated_zones) {
        return false;
      }
    }
    return true;
  }

  Finding describe_responder(const Scene& scene, const ResponderKey& key,
                             const Tally& tally) const {
    const std::string address = key.server.address.to_string();
    Finding finding = describe(scene, tally);
    finding.variant = "responder";
    finding.entity = fmt::format("{}/{}", key.server.to_string(), key.tunnel);
    finding.tunnel = key.tunnel;
    finding.severity = !tally.is_felt             ? Severity::warning
                       : tally.peak_percent >= 80 ? Severity::critical
                                                  : Severity::error;
    finding.title = fmt::format("{} fails with SERVFAIL across zones", address);
    finding.who.insert(finding.who.begin(), who("server", key.server));
    finding.capture_filter = fmt::format("host {} and port {}", address, key.server.port);
    finding.causes.push_back(
        {"resolver-upstream", "the resolver lost its upstream",
         fmt::format("{} fail, which share nothing but it", plural(tally.zones.distinct(), "zone")),
         fmt::format("dig @{} . NS", address)});
    if (tally.latency.percentile(50) >= overloaded) {
      finding.causes.push_back(
          {"resolver-overloaded", "the resolver is overloaded",
           fmt::format("failures take {} (median)", rough_duration(tally.latency.percentile(50))),
           "unbound-control stats_noreset  # on the resolver"});
    }
    finding.causes.push_back({"resolver-clock", "the resolver's clock is wrong",
                              "all signed zones fail then", "chronyc tracking  # on the resolver"});
    finding.next = {fmt::format("dig @{} . NS", address),
                    fmt::format("dig @{} {} +cd", address, some_name(tally)),
                    "unbound-control dump_infra  # on the resolver"};
    return finding;
  }

  Finding describe_zone(const Scene& scene, const dns::Name& zone, const Tally& tally) const {
    const std::string name = zone.to_string();
    Finding finding = describe(scene, tally);
    finding.variant = "zone";
    finding.entity = name;
    finding.tunnel.reset();
    const bool total = tally.peak_percent == 100 && tally.clients.distinct() >= 3;
    finding.severity = total ? Severity::critical : Severity::error;
    finding.title = short_title("names under ", name, " fail with SERVFAIL");
    finding.who.insert(finding.who.begin(), who("zone", zone));
    finding.who.push_back(who("server", tally.responders));
    finding.capture_filter = "port 53";
    const auto responders = tally.responders.top(1);
    const std::string unvalidated =
        fmt::format("dig @{} {} +cd", responders[0].first.address.to_string(), some_name(tally));
    const Cause unreachable{"zone-unreachable", "the zone's servers are unreachable",
                            fmt::format("only this zone fails; the slowest failure took {}",
                                        rough_duration(tally.latency.percentile(100))),
                            fmt::format("dig +trace {}", some_name(tally))};
    const Cause dnssec{"dnssec", "the zone's DNSSEC is broken",
                       "a validating resolver answers SERVFAIL then", unvalidated};
    // Whoever waits for silent servers takes his time, at least the first time.
    const bool has_waited = tally.latency.percentile(100) >= shortest_wait;
    finding.causes.push_back(has_waited ? unreachable : dnssec);
    finding.causes.push_back(has_waited ? dnssec : unreachable);
    finding.next = {fmt::format("dig NS {}", dig_name(zone)),
                    fmt::format("dig +trace {}", some_name(tally)), unvalidated};
    return finding;
  }

  Finding describe(const Scene& scene, const Tally& tally) const {
    Finding finding;
    finding.confidence = Confidence::certain;
    finding.count = tally.failed;
    finding.of = tally.failed + tally.fine;
    finding.unit = "query";
    tally.failures.fill(finding);
    const bool recovered = tally.last_fine > finding.last + std::chrono::seconds{30};
    finding.state = recovered ? FindingState::ended : state_at(scene.now, finding);
    finding.who.push_back(who("client", tally.clients));
    finding.who.push_back(who("name", tally.names));
    finding.measures = {{"failed_actions", static_cast<std::int64_t>(tally.lost)},
                        {"saved_actions", static_cast<std::int64_t>(tally.saved)},
                        {"peak_share_percent", static_cast<std::int64_t>(tally.peak_percent)},
                        {"peak_failures_per_second", tally.peak_second}};
    finding.caveats.push_back({"rate", tally.curve.to_string("failures")});
    for (const auto& [code, count] : tally.errors) {
      finding.causes.push_back(
          {"extended-error", fmt::format("the resolver says: {}", dns::extended_error_name(code)),
           fmt::format("extended DNS error {} in {}", code, plural(count, "response")),
           fmt::format("dig {} +cd", some_name(tally))});
    }
    return finding;
  }

  static std::string some_name(const Tally& tally) {
    const auto top = tally.names.top(1);
    return top.empty() ? "NAME" : dig_name(top[0].first);
  }

  const std::uint64_t min_actions_;
  const std::uint64_t min_names_;
  const std::uint64_t share_;
  const std::uint64_t zone_share_;
  TallyMap<ResponderKey, Tally> responders_;
  TallyMap<dns::Name, Tally> zones_;
};

}  // namespace

DetectorEntry dns_servfail_storm() {
  return {"dns-servfail-storm", "warning to critical", "many names failing with SERVFAIL at once",
          Basis::presence, make_detector<DnsServfailStorm>};
}

}  // namespace wirefault
