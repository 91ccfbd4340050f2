// Names that cannot be resolved because every server answers SERVFAIL.
//
// On the wire: two or more attempts of one lookup are answered with RCODE 2, and none with data,
// NODATA or NXDOMAIN before the client gives up. Counted is the action, what one call wanted, not
// the response: resolver libraries repeat a SERVFAIL at once at the next server, in several rounds,
// for A and AAAA, with and without search suffixes.
//
// Blind spots: a resolver that fails on purpose looks like one that cannot, unless it says so (RFC
// 8914 codes 15 to 18): then it is worth a note. Queries without RD go to authoritative servers
// and are no user's lookup.

#include <fmt/format.h>

#include <algorithm>

#include "detectors/detector.h"
#include "detectors/state.h"

namespace wirefault {
namespace {

struct NameKey {
  dns::Name name;
  std::uint64_t tunnel = 0;
  friend bool operator==(const NameKey& a, const NameKey& b) {
    return a.name == b.name && a.tunnel == b.tunnel;
  }
  friend bool operator<(const NameKey& a, const NameKey& b) {
    if (const auto order = a.name <=> b.name; order != 0) return order < 0;
    return a.tunnel < b.tunnel;
  }
};
struct NameKeyHash {
  std::uint64_t operator()(const NameKey& key) const {
    QuickHash hash;
    hash.add(key.tunnel, 0);
    add_to(hash, key.name);
    return hash.value();
  }
};

struct Tally {
  std::uint64_t failed = 0;      // actions
  std::uint64_t on_purpose = 0;  // of those: the resolver says that it is its policy
  std::uint64_t in_trouble = 0;  // actions that met SERVFAIL, failed or not
  std::uint64_t responses = 0;   // SERVFAIL, all attempts together
  Evidence failures;
  TopList<IpAddress> clients;
  TopList<Endpoint> servers;
  std::map<std::uint16_t, std::uint64_t> errors;  // RFC 8914 codes
  dns::Type type{};                               // one of those asked for

  // Asked again, or elsewhere, it was answered.
  bool is_healthy() const { return failed == 0; }
};

class DnsServfail final : public Detector {
 public:
  explicit DnsServfail(Setup& setup)
      // One SERVFAIL may be chance; a client that asks again and fails again is not.
      : min_attempts_{setup.count("min-attempts", 2,
                                  "attempts of a failed action that end in SERVFAIL")},
        names_{setup.tallies(4096)} {}

  void on_dns_action(const dns::Action& action) override {
    if (!action.recursion_desired || action.servfail == 0) return;
    Tally& tally = names_[{action.name, action.tunnel}];
    ++tally.in_trouble;
    // One response may end several attempts: a resolver that looks for an answer does not count how
    // often it was asked.
    if (!action.is_servfail() || std::max(action.servfail, action.attempts) < min_attempts_) return;
    ++tally.failed;
    if (std::ranges::any_of(action.errors(), dns::is_policy)) ++tally.on_purpose;
    tally.responses += action.servfail;
    tally.failures.add(action.failures);
    tally.clients.add(action.client);
    tally.type = action.types[0];
    for (const dns::LookupServer& server : action.responders()) {
      tally.servers.add(server.server, server.failure_responses);
    }
    for (const std::uint16_t code : action.errors()) ++tally.errors[code];
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : names_.sorted()) {
      if (tally->failed > 0) findings.push_back(describe(scene, *key, *tally));
    }
  }

  std::uint64_t evicted() const override { return names_.evicted(); }

 private:
  Finding describe(const Scene& scene, const NameKey& key, const Tally& tally) const {
    const std::string name = key.name.to_string();
    const std::string type = dns::type_name(tally.type);
    Finding finding;
    finding.entity = fmt::format("{}/{}", name, key.tunnel);
    finding.tunnel = key.tunnel;
    finding.severity = tally.on_purpose == tally.failed ? Severity::note
                       // Names of addresses are for logs and for people.
                       : dns::is_reverse(key.name) ? Severity::warning
                                                   : Severity::error;
    finding.confidence = Confidence::certain;
    finding.title = short_title("", name, " fails with SERVFAIL");
    finding.count = tally.failed;
    finding.of = tally.in_trouble;
    finding.unit = "action";
    tally.failures.fill(finding);
    finding.state = state_at(scene.now, finding);
    finding.who.push_back(who("name", key.name));
    finding.who.push_back(who("client", tally.clients));
    finding.who.push_back(who("server", tally.servers));
    finding.capture_filter = "port 53";
    finding.measures = {{"servfail_responses", static_cast<std::int64_t>(tally.responses)}};
    add_causes(finding, key, tally);
    const dns::Name zone =
        dns::is_reverse(key.name) ? key.name.parent() : dns::guessed_zone(key.name);
    finding.next = {fmt::format("dig {}{} {} +cd", at(tally), dig_name(key.name), type),
                    fmt::format("dig +trace {} {}", dig_name(key.name), type),
                    fmt::format("dig NS {}", dig_name(zone))};
    return finding;
  }

  // The server to ask, as dig takes it.
  static std::string at(const Tally& tally) {
    const auto top = tally.servers.top(1);
    return top.empty() ? "" : fmt::format("@{} ", top[0].first.address.to_string());
  }

  static void add_causes(Finding& finding, const NameKey& key, const Tally& tally) {
    const std::string name = fmt::format("{} {}", dig_name(key.name), dns::type_name(tally.type));
    if (tally.on_purpose == tally.failed) {
      finding.causes.push_back({"policy", "the resolver refuses the name on purpose",
                                "it says so in an extended DNS error", ""});
    }
    for (const auto& [code, count] : tally.errors) {
      finding.causes.push_back(
          {"extended-error", fmt::format("the resolver says: {}", dns::extended_error_name(code)),
           fmt::format("extended DNS error {} in {}", code, plural(count, "lookup")),
           fmt::format("dig {}{} +cd", at(tally), name)});
    }
    finding.causes.push_back({"zone-servers", "the zone's own servers do not answer, or wrongly",
                              "SERVFAIL comes from the resolver, about this name",
                              fmt::format("dig +trace {}", name)});
    finding.causes.push_back({"dnssec", "its DNSSEC signatures do not validate",
                              "a validating resolver answers SERVFAIL then",
                              fmt::format("dig {}{} +cd", at(tally), name)});
  }

  const std::uint64_t min_attempts_;
  TallyMap<NameKey, Tally, NameKeyHash> names_;
};

}  // namespace

DetectorEntry dns_servfail() {
  return {"dns-servfail", "note to error", "names that every server fails to resolve",
          Basis::presence, make_detector<DnsServfail>};
}

}  // namespace wirefault
