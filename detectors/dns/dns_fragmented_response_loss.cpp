// DNS answers that are too large for one packet and get lost because fragments do.
//
// On the wire, one of three: the first fragment of a response arrives and the others never do, and
// the query it belongs to stays unanswered; a query that offers a large EDNS size gets no answer
// while the same lookup succeeds over TCP or with a smaller offer; or, near the server, the
// response leaves in fragments and the client asks again as if nothing had come.
//
// Blind spots: a capture filter on port 53 hides every fragment but the first; such captures say so
// in their quality. Resolvers may drop fragmented answers on purpose (RFC 9715, section 3.2): where
// a smaller answer or TCP made up for it, that cannot be told from an accident.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "detectors/detector.h"
#include "detectors/state.h"

namespace wirefault {
namespace {

using std::chrono::seconds;

// One UDP exchange, as both sides' packets name it.
struct ExchangeKey {
  std::uint64_t tunnel = 0;
  Endpoint client;
  Endpoint server;
  std::uint64_t id = 0;
  friend bool operator==(const ExchangeKey&, const ExchangeKey&) = default;
};
struct PairKey {
  std::uint64_t tunnel = 0;
  Endpoint client;  // port 0
  Endpoint server;
  friend bool operator==(const PairKey&, const PairKey&) = default;
};
struct ServerKey {
  std::uint64_t tunnel = 0;
  Endpoint server;
  std::uint32_t zero = 0;  // no padding
  friend auto operator<=>(const ServerKey&, const ServerKey&) = default;
};

struct Asked {
  dns::Question question;
  Sightings<4> queries;
};

// A fragmented response that was seen leaving: the client should not ask again.
struct Delivered {
  dns::Question question;
  dns::EdnsOffer offer;
  std::uint16_t id = 0;
  Timestamp at{};
  Sighting query;
  Sighting response;
};

struct Fate {
  bool failed = false;
  bool resolved_smaller = false;  // over TCP, or with a smaller size
};

// A lookup whose answers were lost. The same loss may show twice: in the fragments that came, and
// once a smaller answer saved the lookup.
struct Victim {
  std::uint64_t in_fragments = 0;  // responses that came in part
  std::uint64_t silent = 0;        // large queries without an answer

  std::uint64_t lost() const { return std::max(in_fragments, silent); }
};

struct Tally {
  std::uint64_t lost = 0;                   // responses
  std::uint64_t in_fragments = 0;           // of those: some of their fragments were seen
  bool repeated = false;                    // the client asked again in the same words
  std::map<std::uint64_t, Victim> victims;  // by hash
  Evidence packets;
  TopList<IpAddress> clients;
  TopList<dns::Name> names;
};

class DnsFragmentedResponseLoss final : public Detector {
 public:
  explicit DnsFragmentedResponseLoss(Setup& setup)
      : min_silent_{setup.count("min-silent", 2,
                                "large queries without an answer, where no fragment "
                                "of one was seen")} {}

  void on_dns_transaction(const dns::Transaction& transaction) override {
    using dns::Outcome;
    if (transaction.transport != Transport::udp) return;
    if (transaction.outcome == Outcome::unanswered && !transaction.amends) {
      asked_[key_of(transaction)] = {transaction.question, transaction.queries};
      return;
    }
    if (transaction.outcome != Outcome::answered) return;
    if (transaction.response.fragmented || delivered_.size() > 0) note_repetition(transaction);
  }

  void on_ip_fragmented_datagram(const ip::FragmentedDatagram& datagram) override {
    const bool lost = datagram.outcome == ip::FragmentOutcome::incomplete;
    if (!lost || !datagram.has_ports || !datagram.has_dns_id || datagram.source_port != dns_port) {
      return;
    }
    const ExchangeKey key{datagram.tunnel,
                          {datagram.destination, datagram.destination_port},
                          {datagram.source, datagram.source_port},
                          datagram.dns_id};
    const Asked* asked = asked_.find(key);
    if (asked == nullptr) return;
    Tally& tally = servers_[{datagram.tunnel, key.server}];
    tally.packets.add(asked->queries);
    if (asked->queries.count() > 1) tally.repeated = true;
    for (const ip::Fragment& fragment : datagram.kept()) {
      tally.packets.add(fragment.seen);
    }
    add_victim(tally, key.client.address, asked->question, 1, 0);
  }

  void on_dns_lookup(const dns::Lookup& lookup) override {
    if (lookup.unanswered == 0 || lookup.end == dns::LookupEnd::undecided) return;
    const bool failed = lookup.end == dns::LookupEnd::failed;
    fates_[lookup_hash(lookup.client, lookup.question)] = {failed, lookup.resolved_smaller};
    if (failed || !lookup.resolved_smaller || lookup.large_unanswered < min_silent_) return;
    for (const dns::LookupServer& server : lookup.asked_servers()) {
      if (server.unanswered == 0 || server.transport != Transport::udp) continue;
      Tally& tally = servers_[{lookup.tunnel, server.server}];
      tally.packets.add(lookup.queries);
      const std::uint64_t silent = std::min(lookup.large_unanswered, server.unanswered);
      add_victim(tally, lookup.client, lookup.question, 0, silent);
    }
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : servers_.sorted()) {
      // A filter on port 53 hides every fragment but the first: then their absence proves nothing,
      // unless the client missed them too.
      if (scene.fragments_hidden && !was_missed(*tally)) continue;
      findings.push_back(describe(scene, *key, *tally));
    }
  }

  std::uint64_t evicted() const override { return servers_.evicted(); }

 private:
  static constexpr std::uint16_t dns_port = 53;
  static constexpr std::size_t most_victims = 1024;

  static ExchangeKey key_of(const dns::Transaction& transaction) {
    return {transaction.tunnel, transaction.client, transaction.server, transaction.id};
  }
  static std::uint64_t lookup_hash(const IpAddress& client, const dns::Question& question) {
    return question.name.stable_hash(
        stable_hash(client.bytes(), static_cast<std::uint64_t>(question.type)));
  }

  static void add_victim(Tally& tally, const IpAddress& client, const dns::Question& question,
                         std::uint64_t in_fragments, std::uint64_t silent) {
    const std::uint64_t lookup = lookup_hash(client, question);
    const bool fits = tally.victims.size() < most_victims || tally.victims.contains(lookup);
    Victim unknown;
    Victim& victim = fits ? tally.victims[lookup] : unknown;
    const std::uint64_t known = victim.lost();
    victim.in_fragments += in_fragments;
    // Where it has no place, its fragments alone count: they show each loss once.
    if (fits) victim.silent += silent;
    const std::uint64_t more = victim.lost() - known;
    tally.in_fragments += in_fragments;
    tally.lost += more;
    if (more == 0) return;
    tally.clients.add(client, more);
    tally.names.add(question.name, more);
  }

  // Whether clients show that they did not get the answers either.
  bool was_missed(const Tally& tally) const {
    if (tally.repeated) return true;
    return std::any_of(tally.victims.begin(), tally.victims.end(), [this](const auto& victim) {
      const Fate* fate = fates_.find(victim.first);
      return fate != nullptr && fate->resolved_smaller;
    });
  }

  // Seen at the server: the whole answer left in fragments, and the same query comes again.
  void note_repetition(const dns::Transaction& transaction) {
    const PairKey pair{transaction.tunnel, {transaction.client.address, 0}, transaction.server};
    const Delivered* before = delivered_.find(pair);
    if (before != nullptr && before->id == transaction.id &&
        before->question.name == transaction.question.name &&
        before->offer.udp_payload_size == transaction.edns.udp_payload_size &&
        transaction.asked() - before->at <= seconds{15}) {
      Tally& tally = servers_[{transaction.tunnel, transaction.server}];
      tally.packets.add(before->query);
      tally.packets.add(before->response);
      tally.packets.add(transaction.queries);
      add_victim(tally, transaction.client.address, transaction.question, 1, 0);
    }
    if (transaction.response.fragmented) {
      delivered_[pair] = {transaction.question,
                          transaction.edns,
                          transaction.id,
                          transaction.response.seen.time,
                          transaction.queries.first(),
                          transaction.response.seen};
    }
  }

  Finding describe(const Scene& scene, const ServerKey& key, const Tally& tally) const {
    const std::string address = key.server.address.to_string();
    std::uint64_t decided = 0;
    std::uint64_t failed = 0;
    for (const auto& [lookup, victim] : tally.victims) {
      const Fate* fate = fates_.find(lookup);
      if (fate == nullptr) continue;
      ++decided;
      if (fate->failed) ++failed;
    }
    Finding finding;
    finding.entity = fmt::format("{}/{}", key.server.to_string(), key.tunnel);
    finding.tunnel = key.tunnel;
    finding.severity = failed > 0 ? Severity::error : Severity::warning;
    finding.confidence = tally.in_fragments > 0 ? Confidence::certain : Confidence::probable;
    finding.title = tally.lost == 1 ? fmt::format("a large DNS answer of {} is lost", address)
                                    : fmt::format("large DNS answers of {} are lost", address);
    finding.count = tally.lost;
    finding.unit = "response";
    tally.packets.fill(finding);
    finding.state = state_at(scene.now, finding);
    finding.who.push_back(who("server", key.server));
    finding.who.push_back(who("client", tally.clients));
    finding.who.push_back(who("name", tally.names));
    finding.capture_filter =
        fmt::format("host {} and (port 53 or ip[6:2] & 0x3fff != 0 or ip6 proto 44)", address);
    finding.measures = {{"lookups_failed", static_cast<std::int64_t>(failed)},
                        {"lookups_decided", static_cast<std::int64_t>(decided)}};
    finding.causes = {
        {"fragments-dropped", "something on the path drops fragments",
         tally.in_fragments > 0
             ? fmt::format("{} came in fragments that did not all arrive",
                           plural(tally.in_fragments, "response"))
             : std::string{"large offers stay silent, a smaller answer comes at once"},
         fmt::format("ping -M dont -s 2000 {}", address)},
        {"policy", "a filter drops fragmented DNS on purpose", "RFC 9715 advises resolvers to",
         "nft list ruleset"}};
    const auto top = tally.names.top(1);
    const std::string name = top.empty() ? "NAME" : dig_name(top[0].first);
    finding.next = {fmt::format("dig @{} {} DNSKEY +dnssec +bufsize=4096 +ignore", address, name),
                    fmt::format("dig @{} {} DNSKEY +dnssec +bufsize=1232", address, name),
                    fmt::format("dig @{} {} DNSKEY +dnssec +tcp", address, name)};
    return finding;
  }

  const std::uint64_t min_silent_;
  // That a query is unanswered says nothing of fragments: what is given up of these is no loss.
  TallyMap<ExchangeKey, Asked> asked_{1024};
  TallyMap<PairKey, Delivered> delivered_{256};
  TallyMap<std::uint64_t, Fate> fates_{4096};  // of lookups, by hash
  TallyMap<ServerKey, Tally> servers_;
};

}  // namespace

DetectorEntry dns_fragmented_response_loss() {
  return {"dns-fragmented-response-loss", "warning to error", "large DNS answers lost as fragments",
          Basis::absence, make_detector<DnsFragmentedResponseLoss>};
}

}  // namespace wirefault
