// Servers that turn queries away with REFUSED (RCODE 5).
//
// On the wire: a client asks, the server says REFUSED at once, and the client asks the next server
// or gives up. A user is hurt where a lookup ends that way: asked twice or more, and no server gave
// data, NODATA or NXDOMAIN. Where another server helps, the refusals cost little, but a server that
// refuses a fair share of what it is asked is set up wrongly for these clients.
//
// REFUSED is the right answer to a stranger: an authoritative server that somebody asks for foreign
// names once or twice is no failure, nor is a refused zone transfer or dynamic update. What the
// server answered before its first refusal is not known, so shares are measured from there on.

#include <fmt/format.h>

#include <deque>

#include "detectors/detector.h"
#include "detectors/state.h"

namespace wirefault {
namespace {

struct ServerKey {
  std::uint64_t tunnel = 0;
  Endpoint server;
  std::uint32_t recursive = 0;  // RD was set
  friend auto operator<=>(const ServerKey&, const ServerKey&) = default;
};

struct Tally {
  std::uint64_t refused = 0;   // responses
  std::uint64_t answered = 0;  // since the first of those
  TopList<IpAddress> clients;  // who was refused, and for which zones
  TopList<dns::Name> zones;
  bool answered_a_client = false;  // one of them
  bool answered_a_zone = false;
  bool looks_up_for_others = false;  // it gave a recursive answer that was not its own
  std::uint64_t failed = 0;          // lookups
  std::uint64_t helped = 0;          // lookups that another server answered
  bool is_busy = false;              // refusals came close together
  Evidence refusals;
  TopList<dns::Name> names;
  std::map<std::uint16_t, std::uint64_t> errors;  // RFC 8914 codes
  std::deque<Timestamp> recent;                   // refusals of the last minute, few

  std::uint64_t share() const { return 100 * refused / (refused + answered); }
};

class DnsRefused final : public Detector {
 public:
  explicit DnsRefused(Setup& setup)
      // A resolver library asks twice for two types: what is refused less often is chance.
      : min_refusals_{setup.count("min-refusals", 3, "refusals of a server within a minute")},
        share_{setup.percent("share", 20, "refused part of what the server was asked")},
        min_attempts_{setup.count("min-attempts", 2, "attempts of a lookup that failed")},
        servers_{setup.tallies(512)} {}

  void on_dns_transaction(const dns::Transaction& transaction) override {
    if (transaction.outcome != dns::Outcome::answered || transaction.opcode != dns::Opcode::query ||
        is_policy(transaction.question)) {
      return;
    }
    const bool refused = transaction.response.rcode == dns::Rcode::refused;
    // Nothing is kept of servers that refuse nothing: they are nearly all.
    if (!refused && servers_.size() == 0) return;
    const ServerKey key{transaction.tunnel, transaction.server, transaction.recursion_desired};
    if (refused) return add_refusal(servers_[key], transaction);
    if (Tally* tally = servers_.find(key)) add_answer(*tally, transaction);
  }

  void on_dns_lookup(const dns::Lookup& lookup) override {
    if (lookup.refused == 0 || is_policy(lookup.question)) return;
    for (const dns::LookupServer& asked : lookup.asked_servers()) {
      if (asked.failure_responses == 0 || asked.last_rcode != dns::Rcode::refused) continue;
      const ServerKey key{lookup.tunnel, asked.server, lookup.recursion_desired};
      Tally* tally = servers_.find(key);
      if (tally == nullptr) continue;
      const bool helped = lookup.end == dns::LookupEnd::resolved || lookup.was_answered_otherwise();
      if (helped) ++tally->helped;
      if (helped || lookup.end != dns::LookupEnd::failed || lookup.attempts < min_attempts_) {
        continue;
      }
      ++tally->failed;
      servers_.hold(key);
    }
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : servers_.sorted()) {
      const bool is_frequent = tally->is_busy && tally->share() >= share_;
      if (tally->failed > 0 || is_frequent) findings.push_back(describe(scene, *key, *tally));
    }
  }

  std::uint64_t evicted() const override { return servers_.evicted(); }

 private:
  // RFC 5936, section 6 has transfers limited to few; RFC 8482 has ANY refused.
  static bool is_policy(const dns::Question& question) {
    return question.type == dns::Type::axfr || question.type == dns::Type::ixfr ||
           question.type == dns::Type::any;
  }

  void add_refusal(Tally& tally, const dns::Transaction& transaction) const {
    const Timestamp when = transaction.response.seen.time;
    ++tally.refused;
    tally.clients.add(transaction.client.address);
    tally.zones.add(dns::guessed_zone(transaction.question.name));
    tally.refusals.add(transaction.response.seen);
    tally.names.add(transaction.question.name);
    for (const std::uint16_t code : transaction.response.errors()) ++tally.errors[code];
    if (tally.is_busy) return;
    tally.recent.push_back(when);
    while (when - tally.recent.front() > std::chrono::minutes{1}) tally.recent.pop_front();
    tally.is_busy = tally.recent.size() >= min_refusals_;
  }

  static void add_answer(Tally& tally, const dns::Transaction& transaction) {
    ++tally.answered;
    const dns::Response& response = transaction.response;
    if (response.recursion_available && !response.authoritative) tally.looks_up_for_others = true;
    if (!tally.answered_a_client) {
      tally.answered_a_client = tally.clients.count_of(transaction.client.address) > 0;
    }
    if (!tally.answered_a_zone) {
      tally.answered_a_zone =
          tally.zones.count_of(dns::guessed_zone(transaction.question.name)) > 0;
    }
  }

  Finding describe(const Scene& scene, const ServerKey& key, const Tally& tally) const {
    const std::string address = key.server.address.to_string();
    const auto names = tally.names.top(1);
    const std::string name = dig_name(names[0].first);
    Finding finding;
    finding.variant = key.recursive != 0 ? "recursive" : "iterative";
    finding.entity = fmt::format("{}/{}/{}", key.server.to_string(), key.tunnel, finding.variant);
    finding.tunnel = key.tunnel;
    finding.severity = severity_of(key, tally);
    finding.confidence = Confidence::certain;
    finding.title = short_title("", address, " refuses DNS queries");
    finding.count = tally.refused;
    finding.of = tally.refused + tally.answered;
    finding.unit = "query";
    tally.refusals.fill(finding);
    finding.state = state_at(scene.now, finding);
    finding.who = {who("client", tally.clients), who("server", key.server),
                   who("name", tally.names)};
    finding.capture_filter = fmt::format("host {} and port {}", address, key.server.port);
    finding.measures = {{"failed_lookups", static_cast<std::int64_t>(tally.failed)},
                        {"lookups_helped", static_cast<std::int64_t>(tally.helped)}};
    add_causes(finding, tally, address, name);
    finding.next = {fmt::format("dig @{} {} +norecurse", address, name),
                    fmt::format("dig @{} . NS", address),
                    fmt::format("dig @{} {} SOA", address, dig_name(names[0].first.parent()))};
    return finding;
  }

  // Queries without RD are a resolver's own; it has other servers to ask.
  static Severity severity_of(const ServerKey& key, const Tally& tally) {
    if (key.recursive == 0) return Severity::note;
    if (tally.failed > 0) return Severity::error;
    return tally.helped > 0 ? Severity::warning : Severity::note;
  }

  static void add_causes(Finding& finding, const Tally& tally, const std::string& address,
                         const std::string& name) {
    for (const auto& [code, count] : tally.errors) {
      finding.causes.push_back(
          {"extended-error", fmt::format("the server says: {}", dns::extended_error_name(code)),
           fmt::format("extended DNS error {} in {}", code, plural(count, "response")),
           fmt::format("dig @{} {}", address, name)});
    }
    const std::string clients = plural(tally.clients.distinct(), "client");
    if (!tally.answered_a_client) {
      finding.causes.push_back({"access-list", "the server's access list leaves these clients out",
                                tally.answered == 0
                                    ? fmt::format("all that {} asked was refused", clients)
                                    : fmt::format("all that {} asked was refused; others had {}",
                                                  clients, plural(tally.answered, "answer")),
                                fmt::format("dig @{} . NS", address)});
    }
    if (tally.looks_up_for_others && tally.answered_a_client) {
      finding.causes.push_back({"forwarder-upstream", "it forwards, and lost its upstream",
                                fmt::format("it has looked up names for the same clients: {}",
                                            plural(tally.answered, "answer")),
                                fmt::format("dig @{} . NS", address)});
    }
    if (!tally.answered_a_zone && !tally.looks_up_for_others) {
      finding.causes.push_back(
          {"foreign-zone", "it is authoritative and was asked about zones it does not serve",
           tally.answered == 0 ? "no other zone was answered to compare with"
                               : fmt::format("no answer about the zones refused; {} about others",
                                             plural(tally.answered, "answer")),
           fmt::format("dig @{} {} +norecurse", address, name)});
    }
    if (finding.causes.empty()) {
      finding.causes.push_back({"rate-limit", "it limits how much a client may ask",
                                "the same clients and zones were answered and refused",
                                fmt::format("dig @{} {}", address, name)});
    }
  }

  const std::uint64_t min_refusals_;
  const std::uint64_t share_;
  const std::uint64_t min_attempts_;
  TallyMap<ServerKey, Tally> servers_;
};

}  // namespace

DetectorEntry dns_refused() {
  return {"dns-refused", "note to error", "servers that turn queries away", Basis::presence,
          make_detector<DnsRefused>};
}

}  // namespace wirefault
