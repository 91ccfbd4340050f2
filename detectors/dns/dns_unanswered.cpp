// Names the servers that leave DNS queries unanswered, and says what the clients suffered from it.
//
// On the wire: a query leaves, the client repeats it or turns to its next server, and no response
// with the same ports, id and question comes back. Users suffer from lookups, so severity comes
// from those: failed, or saved by another server or a later attempt at the price of seconds.
// Servers are judged by transactions: the finding's numbers are the queries a server was asked and
// left unanswered.
//
// Blind spots: a dead server, a filter and a broken path look alike from here; the causes only rank
// them. Queries still open when the capture ends do not count. A server of which nothing was ever
// seen, and whose clients never ask again, is most likely one whose answers this capture misses:
// nothing is said of it.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <set>

#include "detectors/detector.h"
#include "detectors/knowledge/dns_zone.h"
#include "detectors/latency.h"
#include "detectors/silences.h"

namespace wirefault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Queries sent to a server and what became of them, second by second: over the last minute, and
// whether silence goes with many queries.
class RecentShare {
 public:
  // `slip`: it was answered with nothing but the request to come back over TCP.
  void add(Timestamp when, bool unanswered, bool slip, std::uint32_t weight) {
    const std::int64_t second = when.time_since_epoch() / seconds{1};
    // Times before 1970 are negative.
    const std::int64_t place = (second % std::int64_t{window} + window) % window;
    Slot& slot = slots_[static_cast<std::size_t>(place)];
    if (slot.second != second) {
      past_.add(slot);
      slot = {second, 0, 0, 0};
    }
    slot.decided += weight;
    if (unanswered) slot.unanswered += weight;
    if (slip) slot.slips += weight;
    if (second == summed_) {
      decided_ += weight;
      if (unanswered) silent_ += weight;
    } else {
      sum_up(second);
    }
    if (decided_ >= enough && silent_ * 100 > worst_percent_ * decided_) {
      worst_percent_ = silent_ * 100 / decided_;
    }
  }
  // Of those asked in the second of `when` or later, within the last minute.
  std::uint64_t answered_since(Timestamp when) const {
    const std::int64_t second = when.time_since_epoch() / seconds{1};
    std::uint64_t answered = 0;
    for (const Slot& slot : slots_) {
      if (slot.second >= second) answered += slot.decided - slot.unanswered;
    }
    return answered;
  }
  // The largest share of unanswered queries in any full-enough minute, in percent.
  std::uint64_t worst_percent() const { return worst_percent_; }

  struct Slot {
    std::int64_t second = -1;
    std::uint32_t decided = 0;
    std::uint32_t unanswered = 0;
    std::uint32_t slips = 0;
  };
  // Over all seconds.
  struct Seconds {
    std::uint64_t silent = 0;  // in which a query had no answer
    std::uint64_t calm = 0;
    std::uint64_t silent_queries = 0;  // asked in those, answered or not
    std::uint64_t calm_queries = 0;
    std::uint64_t slips = 0;
    std::uint64_t slips_in_silence = 0;

    void add(const Slot& slot) {
      if (slot.decided == 0) return;
      (slot.unanswered > 0 ? silent : calm) += 1;
      (slot.unanswered > 0 ? silent_queries : calm_queries) += slot.decided;
      slips += slot.slips;
      if (slot.unanswered > 0) slips_in_silence += slot.slips;
    }
  };
  Seconds by_second() const {
    Seconds all = past_;
    for (const Slot& slot : slots_) all.add(slot);
    return all;
  }

 private:
  static constexpr std::uint32_t window = 60;
  static constexpr std::uint64_t enough = 5;  // below that a share says nothing

  void sum_up(std::int64_t second) {
    summed_ = second;
    decided_ = silent_ = 0;
    for (const Slot& each : slots_) {
      if (second - each.second >= std::int64_t{window}) continue;
      decided_ += each.decided;
      silent_ += each.unanswered;
    }
  }

  std::array<Slot, window> slots_{};
  // Of the minute up to that second, most queries being of the same second as the one before.
  std::int64_t summed_ = -1;
  std::uint64_t decided_ = 0;
  std::uint64_t silent_ = 0;
  std::uint64_t worst_percent_ = 0;
  Seconds past_;
};

// What the silent queries have in common that the answered ones have not.
struct Clues {
  std::uint16_t largest_answer = 0;  // over UDP, in octets
  std::uint64_t answered_with_edns = 0;
  std::uint64_t silent_with_edns = 0;
  std::bitset<256> answered_types;    // by the low octet
  std::bitset<256> answered_clients;  // by hash
  dns::Type silent_type{};
  bool one_type_is_silent = true;
  std::bitset<4096> answered_questions;  // by hash
  std::array<std::uint64_t, 16> silent_questions{};
  std::size_t silent_question_count = 0;  // may be more than are kept
  std::uint64_t silent_attempts = 0;

  void add_answered(const dns::Transaction& transaction) {
    answered_with_edns += transaction.edns.present ? 1 : 0;
    answered_types.set(static_cast<std::size_t>(transaction.question.type) & 255);
    answered_questions.set(transaction.question_hash % answered_questions.size());
    answered_clients.set(place_of(transaction.client.address));
    if (transaction.transport == Transport::udp) {
      largest_answer = std::max(largest_answer, transaction.response.size);
    }
  }
  void add_silent(const dns::Transaction& transaction) {
    const dns::Type type = transaction.question.type;
    if (silent_type != dns::Type{} && silent_type != type) one_type_is_silent = false;
    silent_type = type;
    silent_with_edns += transaction.edns.present ? 1 : 0;
    silent_attempts += transaction.queries.count();
    const auto known =
        std::span{silent_questions}.first(std::min(silent_question_count, silent_questions.size()));
    if (std::ranges::find(known, transaction.question_hash) != known.end()) return;
    if (silent_question_count < silent_questions.size()) {
      silent_questions[silent_question_count] = transaction.question_hash;
    }
    ++silent_question_count;
  }
  // A few questions were asked again and again, and no answer to any of them was seen.
  bool are_questions_silent() const {
    if (silent_question_count > silent_questions.size()) return false;
    if (silent_attempts < tries_in_vain * silent_question_count) return false;
    return std::ranges::none_of(std::span{silent_questions}.first(silent_question_count),
                                [this](std::uint64_t hash) {
                                  return answered_questions.test(hash % answered_questions.size());
                                });
  }
  // Of one question. Where hardly anything else is lost, three in a row are no chance.
  static constexpr std::uint64_t tries_in_vain = 3;
  bool was_answered(const IpAddress& client) const {
    return answered_clients.test(place_of(client));
  }
  static std::size_t place_of(const IpAddress& client) {
    QuickHash hash;
    const auto words = client.words();
    hash.add(words[0], words[1]);
    return hash.value() >> 56;
  }
  // All are of one type, and none of that type was answered.
  bool is_type_silent() const {
    return one_type_is_silent && !answered_types.test(static_cast<std::size_t>(silent_type) & 255);
  }
};

// The last answers of a server: that a query is in vain shows seconds after it was asked, and what
// was answered meanwhile was not before it.
class LastAnswers {
 public:
  void add(Timestamp answer) { times_[count_++ % times_.size()] = answer; }
  // Nothing where they do not reach back so far.
  std::optional<std::uint64_t> since(Timestamp when) const {
    if (count_ > times_.size() && times_[count_ % times_.size()] >= when) return std::nullopt;
    const auto kept = std::span{times_}.first(std::min<std::uint64_t>(count_, times_.size()));
    return static_cast<std::uint64_t>(
        std::ranges::count_if(kept, [when](Timestamp answer) { return answer >= when; }));
  }

 private:
  std::array<Timestamp, 64> times_{};
  std::uint64_t count_ = 0;
};

struct ServerKey {
  std::uint64_t tunnel = 0;
  Endpoint server;
  std::uint16_t opcode = 0;
  std::uint16_t transport = 0;
  friend auto operator<=>(const ServerKey&, const ServerKey&) = default;
};

// A response that answers no query, though it came for a client that had asked under its id.
struct StrayKey {
  Endpoint client;
  std::uint16_t id = 0;
  friend bool operator==(const StrayKey&, const StrayKey&) = default;
};
struct Stray {
  Endpoint server;
  dns::Question question;
  Sighting seen;
};

// Answers to queries that this capture lacks.
struct Unasked {
  std::uint64_t answers = 0;
};

struct Tally {
  std::uint64_t decided = 0;
  std::uint64_t unanswered = 0;
  std::uint64_t answered = 0;
  std::uint64_t answered_before = 0;        // the first query in vain
  std::uint64_t answered_until_then = 0;    // until that was known to be in vain
  std::optional<Timestamp> first_silence;   // when that was asked
  LastAnswers last_answers;                 // until then
  std::uint64_t repeated = 0;               // unanswered although asked more than once
  std::uint64_t large_unanswered = 0;       // unanswered with an EDNS size that invites fragments
  std::uint64_t large_repeat_answered = 0;  // lookups of those: another such query was answered
  std::uint64_t forward = 0;  // of those, and of the lost first attempts: not for a reverse name
  std::uint64_t first_attempts_lost = 0;  // answered, but only when asked again
  std::uint64_t servfail = 0;             // answered so
  std::uint64_t wrong_source = 0;         // answered, from another address
  Endpoint wrong_server;
  std::uint64_t other_question = 0;  // answered, as if another question had been asked
  dns::Name other_name;              // about which
  bool is_sampled = false;           // some stand for many
  RecentShare recent;
  Silences silences;
  Clues clues;
  LatencyHistogram latency_before;
  LatencyHistogram latency_since;
  LatencyHistogram latency_again;  // of what was answered only when asked again, from then on
  Timestamp first_answer = Timestamp::max();
  Timestamp last_answer{};
  Timestamp last_silence{};
  Evidence queries;
  TopList<IpAddress> clients;
  TopList<dns::Name> names;

  std::uint64_t failed = 0;        // lookups that got nothing usable from anyone
  std::uint64_t failed_alone = 0;  // of those, never asked a second time
  std::uint64_t too_late = 0;      // it answered them when their clients had given up
  std::uint64_t saved = 0;         // lookups that another server or attempt saved
  Duration time_lost{};            // in the worst saved lookup
  // Of the saved: one of A and AAAA asked at once had an answer and the other, sent as the first or
  // the second of the two, had none until it was repeated.
  std::uint64_t split_firsts = 0;
  std::uint64_t split_seconds = 0;
  std::string example;  // the name of a failed or saved lookup, for commands

  bool is_healthy() const { return unanswered == 0 && first_attempts_lost == 0; }
};

class DnsUnanswered final : public Detector {
 public:
  explicit DnsUnanswered(Setup& setup)
      : min_lookups_{setup.count("min-lookups", 1, "failed lookups before a server is named")},
        // A fifth is far above what loss on a working path explains.
        share_{setup.percent("share", 20, "part of a server's queries that must be unanswered")},
        servers_{setup.tallies(4096)} {}

  void on_dns_transaction(const dns::Transaction& transaction) override {
    using dns::Outcome;
    const bool answered =
        transaction.outcome == Outcome::answered || transaction.outcome == Outcome::late;
    if (transaction.outcome == Outcome::repeat_answered) {
      if (Tally* tally = servers_.find(key_of(transaction))) add_lost_attempts(*tally, transaction);
      return;
    }
    if (!answered && transaction.outcome != Outcome::unanswered &&
        transaction.outcome != Outcome::untrusted) {
      return;
    }
    // It did answer: what is missing are fragments, and that is another detector's.
    if (transaction.outcome == Outcome::unanswered && transaction.response_fragment.exists())
      return;
    const Stray* stray = answered ? nullptr : stray_of(transaction);
    const bool is_its_own = stray != nullptr && stray->server == transaction.server;
    const bool other_question = is_its_own && stray->question.name != transaction.question.name;
    // It answered, in a tunnel that its query did not take: tunnels may have a key for each way.
    if (is_its_own && !other_question) return;
    Tally& tally = servers_[key_of(transaction)];
    const std::uint32_t weight = transaction.weight;
    if (transaction.amends) {
      tally.decided -= weight;
      tally.unanswered -= weight;
      Silence* silence = tally.silences.of(transaction.asked());
      if (answered && silence != nullptr) ++silence->too_late;
    }
    if (transaction.outcome == Outcome::untrusted) return;
    tally.decided += weight;
    tally.recent.add(transaction.asked(), !answered, answered && is_slip(transaction), weight);
    if (answered) {
      heard_.set(place_of(transaction.client.address));
      tally.answered += weight;
      if (transaction.response.rcode == dns::Rcode::servfail) tally.servfail += weight;
      tally.first_answer = std::min(tally.first_answer, transaction.response.seen.time);
      tally.last_answer = std::max(tally.last_answer, transaction.response.seen.time);
      tally.silences.end(transaction.response.seen.time);
      if (!tally.first_silence) {
        tally.last_answers.add(transaction.response.seen.time);
        tally.latency_before.add(transaction.latency());
      } else if (transaction.queries.count() == 1) {
        tally.latency_since.add(transaction.latency());
      }
      tally.clues.add_answered(transaction);
      return;
    }
    tally.unanswered += weight;
    if (!dns::is_reverse(transaction.question.name)) ++tally.forward;
    note_silence(tally, transaction.asked());
    if (is_repetition(transaction)) ++tally.repeated;
    if (transaction.edns.udp_payload_size >= large_offer) tally.large_unanswered += weight;
    tally.clues.add_silent(transaction);
    tally.is_sampled = tally.is_sampled || weight > 1;
    tally.last_silence = std::max(tally.last_silence, transaction.queries.last().time);
    if (Silence* silence = add_to_silence(tally, transaction, transaction.queries.kept())) {
      ++silence->unanswered;
    }
    if (other_question) {
      ++tally.other_question;
      tally.other_name = stray->question.name;
    } else if (stray != nullptr) {
      ++tally.wrong_source;
      tally.wrong_server = stray->server;
    }
    tally.queries.add(transaction.queries);
    tally.clients.add(transaction.client.address, weight);
    tally.names.add(transaction.question.name, weight);
  }

  void on_dns_stray_response(const dns::StrayResponse& response) override {
    if (Tally* tally = servers_.find(key_of(response)))
      tally->silences.end(response.response.seen.time);
    if (!response.has_question) return;
    if (!is_late(response)) ++unasked_[key_of(response)].answers;
    strays_[{response.client, response.id}] = {response.server, response.question,
                                               response.response.seen};
  }

  void on_dns_lookup(const dns::Lookup& lookup) override {
    if (lookup.end == dns::LookupEnd::undecided) return;
    if (lookup.pair != dns::Pair::none) add_split_pair(lookup);
    for (const dns::LookupServer& asked : lookup.asked_servers()) {
      const bool too_late = lookup.end == dns::LookupEnd::resolved &&
                            lookup.resolver == asked.server && lookup.resolved_late &&
                            lookup.cost() > longest_wait;
      if (asked.unanswered == 0 && !too_late) continue;
      const ServerKey key{lookup.tunnel, asked.server, 0, transport_number(asked.transport)};
      Tally* tally = servers_.find(key);
      if (tally == nullptr) continue;
      if (lookup.end == dns::LookupEnd::failed) {
        servers_.hold(key);
        if (++tally->failed == 1) tally->example = example_of(lookup.question);
        if (!lookup.is_corroborated()) ++tally->failed_alone;
      } else if (too_late) {
        ++tally->too_late;
      } else if (lookup.wait() >= retry_pause) {
        ++tally->saved;
        const bool is_known_how = lookup.resolver != Endpoint{};
        if (lookup.large_unanswered > 0 && is_known_how && !lookup.resolved_smaller) {
          ++tally->large_repeat_answered;
        }
        tally->time_lost = std::max(tally->time_lost, lookup.cost());
      } else {
        continue;
      }
      if (tally->example.empty()) tally->example = example_of(lookup.question);
    }
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : servers_.sorted()) {
      if (is_worth_a_finding(*key, *tally)) findings.push_back(describe(scene, *key, *tally));
    }
  }

  std::uint64_t evicted() const override { return servers_.evicted(); }

 private:
  // RFC 9715 recommends offers of at most 1400; larger answers may come in fragments.
  static constexpr std::uint16_t large_offer = 1401;
  // The shortest time after which anybody turns to another server: Unbound's first timeout for a
  // server it does not know is 376 ms. What is asked sooner is asked in parallel.
  static constexpr Duration retry_pause = milliseconds{300};
  // The shortest time after which a stub repeats what it has no answer to: musl's, half of 5 s.
  static constexpr Duration repeat_pause = seconds{2};
  // glibc, dig and musl have given up then, and so has BIND: two attempts of 5 s, or 10 s in all.
  static constexpr Duration longest_wait = seconds{10};
  // The shortest timeout of a resolver library that repeats a query with the same id and port:
  // "options timeout:1" of glibc. What comes sooner follows an answer.
  static constexpr Duration shortest_timer = seconds{1};
  static constexpr std::size_t heard_places = 16384;
  // From here on a server of which nothing was seen is one whose answers were not captured.
  static constexpr std::uint64_t unseen_queries = 3;

  // RFC 9715 and the defaults of Unbound and BIND: answers up to this size come in one packet.
  static constexpr std::uint16_t safe_answer = 1232;
  // One packet is lost on any path; dns-fragmented-response-loss.min-silent is the same.
  static constexpr std::uint64_t silent_large_offers = 2;
  // Fewer could be chance.
  static constexpr std::uint64_t few = 3;
  // So many without a loss say that others were not lost on the way either.
  static constexpr std::uint64_t answers_that_tell = 10;

  // What a server that limits the rate of its responses says in place of some of them: to a client
  // whose address was not forged, come back over TCP.
  static bool is_slip(const dns::Transaction& transaction) {
    return transaction.transport == Transport::udp && transaction.response.truncated &&
           transaction.response.answers == 0;
  }
  static std::uint16_t transport_number(Transport transport) {
    return static_cast<std::uint16_t>(transport);
  }
  static ServerKey key_of(const dns::Transaction& transaction) {
    return {transaction.tunnel, transaction.server, static_cast<std::uint16_t>(transaction.opcode),
            transport_number(transaction.transport)};
  }

  static ServerKey key_of(const dns::StrayResponse& response) {
    return {response.tunnel, response.server, 0, transport_number(response.transport)};
  }

  // A response to the query that came from elsewhere or another way, or is about something else.
  const Stray* stray_of(const dns::Transaction& transaction) const {
    const Stray* stray = strays_.find({transaction.client, transaction.id});
    const bool fits =
        stray != nullptr && stray->seen.time >= transaction.asked() &&
        (stray->question.name == transaction.question.name || stray->server == transaction.server);
    return fits ? stray : nullptr;
  }

  // The other half of a pair was answered, and so was this when it was asked again.
  void add_split_pair(const dns::Lookup& lookup) {
    const bool at_once = lookup.resolved_by.time - lookup.resolved_attempt < seconds{1};
    if (lookup.end != dns::LookupEnd::resolved || lookup.wait() < repeat_pause || !at_once) return;
    const dns::LookupServer& asked = lookup.asked_servers()[0];
    const ServerKey key{lookup.tunnel, asked.server, 0, transport_number(asked.transport)};
    if (Tally* tally = servers_.find(key)) {
      ++(lookup.pair == dns::Pair::first ? tally->split_firsts : tally->split_seconds);
    }
  }

  // Sent again by a timer: from the same port, or from another with the same id, as dig and
  // systemd-resolved do it.
  bool is_repetition(const dns::Transaction& transaction) {
    const std::uint64_t hash =
        hash_of(transaction.client, transaction.server, transaction.question_hash, transaction.id);
    Unanswered& last = unanswered_[hash % unanswered_.size()];
    const Duration apart = transaction.asked() - last.asked;
    const bool again = last.hash == hash && apart >= shortest_timer && apart <= longest_wait;
    last = {hash, transaction.asked()};
    return again || transaction.queries.last().time - transaction.asked() >= shortest_timer;
  }

  // To a query that was given up: seen, and told as unanswered.
  bool is_late(const dns::StrayResponse& response) const {
    const std::uint64_t hash = hash_of(response.client, response.server,
                                       wirefault::hash_of(response.question), response.id);
    return unanswered_[hash % unanswered_.size()].hash == hash;
  }
  static std::uint64_t hash_of(const Endpoint& client, const Endpoint& server,
                               std::uint64_t question_hash, std::uint16_t id) {
    QuickHash hash;
    hash.add(client.address.bytes());
    hash.add(server.address.bytes());
    hash.add(question_hash, id);
    return hash.value();
  }

  // Attempts without an answer, in the silence in which the first was sent.
  static Silence* add_to_silence(Tally& tally, const dns::Transaction& transaction,
                                 std::span<const Sighting> in_vain) {
    Silence* silence = tally.silences.of(transaction.asked());
    if (silence == nullptr) return nullptr;
    silence->first = silence->lookup_count == 0 ? transaction.asked()
                                                : std::min(silence->first, transaction.asked());
    for (const Sighting& attempt : in_vain) {
      if (silence->until && attempt.time > *silence->until) break;
      silence->last = std::max(silence->last, attempt.time);
    }
    QuickHash lookup;
    lookup.add(transaction.client.address.bytes());
    lookup.add(transaction.question_hash, 0);
    silence->add_lookup(lookup.value());
    return silence;
  }

  static void note_silence(Tally& tally, Timestamp asked) {
    if (tally.first_silence && *tally.first_silence <= asked) return;
    if (!tally.first_silence) tally.answered_until_then = tally.answered;
    tally.first_silence = asked;
    const std::uint64_t since =
        tally.last_answers.since(asked).value_or(tally.recent.answered_since(asked));
    tally.answered_before = tally.answered_until_then - std::min(tally.answered_until_then, since);
  }

  // A lookup that its own repetition saved. A server that could not find the answer has asked
  // others for it all the while: nothing was lost.
  static void add_lost_attempts(Tally& tally, const dns::Transaction& transaction) {
    const dns::Rcode rcode = transaction.response.rcode;
    if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain) return;
    tally.latency_again.add(transaction.response.seen.time - transaction.queries.last().time);
    note_silence(tally, transaction.asked());
    ++tally.first_attempts_lost;
    if (!dns::is_reverse(transaction.question.name)) ++tally.forward;
    ++tally.saved;
    tally.time_lost = std::max(tally.time_lost, transaction.latency());
    const auto attempts = transaction.queries.kept();
    const auto in_vain = attempts.first(attempts.size() - 1);
    for (const Sighting& attempt : in_vain) tally.queries.add(attempt);
    if (Silence* silence = add_to_silence(tally, transaction, in_vain)) ++silence->repeated;
    tally.clients.add(transaction.client.address);
    tally.names.add(transaction.question.name);
    tally.last_silence = std::max(tally.last_silence, transaction.asked());
    if (tally.example.empty()) tally.example = example_of(transaction.question);
  }
  // One that was in vain, as dig takes it.
  static std::string question_of(const Tally& tally) {
    if (!tally.example.empty()) return tally.example;
    const auto names = tally.names.top(1);
    if (names.empty()) return "NAME";
    const dns::Type type = tally.clues.silent_type;
    return fmt::format("{}{}{}", dig_name(names[0].first), type == dns::Type{} ? "" : " ",
                       type == dns::Type{} ? "" : dns::type_name(type));
  }
  static std::string example_of(const dns::Question& question) {
    return fmt::format("{} {}", dig_name(question.name), dns::type_name(question.type));
  }

  // Nothing from it, nobody who asks again: the capture sees one direction only. In a tunnel that
  // is the rule where each way has a key of its own (RFC 2890).
  static bool is_one_sided(const ServerKey& key, const Tally& tally) {
    const std::uint64_t enough = key.tunnel == 0 ? unseen_queries : 1;
    return tally.answered == 0 && tally.repeated == 0 && tally.unanswered >= enough &&
           tally.failed == tally.failed_alone && tally.saved == 0;
  }

  bool is_worth_a_finding(const ServerKey& key, const Tally& tally) const {
    if (in_vain(tally) == 0 || is_one_sided(key, tally)) return false;
    return tally.failed >= min_lookups_ || tally.saved > 0 || tally.silences.outages() > 0 ||
           tally.recent.worst_percent() >= share_;
  }

  // The queries it left without an answer while their clients waited.
  static std::uint64_t in_vain(const Tally& tally) {
    return tally.unanswered + tally.first_attempts_lost + tally.silences.too_late();
  }

  // Names of addresses are for logs and for people: where they do not resolve, programs get slow.
  Severity severity_of(const ServerKey& key, const Tally& tally) const {
    const Severity severity = severity_of_any(key, tally);
    return tally.forward == 0 ? std::min(severity, Severity::warning) : severity;
  }
  // A server that answers nobody is unusable now, unless another one answers in its place.
  Severity severity_of_any(const ServerKey& key, const Tally& tally) const {
    const bool down = tally.silences.is_out();
    if (tally.failed > tally.failed_alone) {
      return down && tally.saved == 0 ? Severity::critical : Severity::error;
    }
    if (tally.too_late > 0) return Severity::error;
    const std::uint64_t worst = tally.recent.worst_percent();
    if (tally.failed > 0 && tally.saved == 0 && !down && worst < share_) return Severity::note;
    // A notification or update that nobody answers is told again, and hurts no user.
    const bool is_query = key.opcode == static_cast<std::uint16_t>(dns::Opcode::query);
    if (is_query && (down || worst >= 50)) return Severity::error;
    return Severity::warning;
  }

  // A query sent again by a timer had no answer. One that is asked anew may have had one that this
  // capture does not hold, unless it holds what others answered to its client.
  bool are_answers_captured(const Tally& tally) const {
    const auto clients = tally.clients.top();
    return tally.answered > 0 || std::ranges::any_of(clients, [this](const auto& client) {
             return heard_.test(place_of(client.first));
           });
  }
  // A capture that loses packets at random lacks as many queries as answers. What answers a query
  // with another name was asked for.
  bool lacks_packets(const ServerKey& key, const Tally& tally) const {
    if (tally.other_question > 0) return false;
    const Unasked* const unasked = unasked_.find(key);
    return unasked != nullptr && 2 * unasked->answers >= tally.unanswered;
  }
  Confidence confidence_of(const ServerKey& key, const Tally& tally) const {
    const bool is_repeated = 2 * tally.repeated >= tally.unanswered;
    const bool is_missed =
        tally.saved > 0 || (are_answers_captured(tally) &&
                            (tally.failed > tally.failed_alone || in_vain(tally) >= few));
    return is_repeated || (is_missed && !lacks_packets(key, tally)) ? Confidence::probable
                                                                    : Confidence::possible;
  }
  static std::size_t place_of(const IpAddress& client) {
    return KeyHash<IpAddress>{}(client) % heard_places;
  }

  Finding describe(const Scene& scene, const ServerKey& key, const Tally& tally) const {
    const std::string server = key.server.to_string();
    const std::string address = key.server.address.to_string();
    Finding finding;
    finding.entity = fmt::format("{}/{}/{}/{}", server, key.transport, key.opcode, key.tunnel);
    finding.tunnel = key.tunnel;
    finding.title = title(key, tally);
    if (2 * tally.wrong_source >= tally.unanswered && tally.wrong_source > 0) {
      finding.variant = "answered-from-wrong-address";
      finding.title = fmt::format("{} answers from another address", address);
    } else if (2 * tally.other_question >= tally.unanswered && tally.other_question > 0) {
      finding.variant = "answered-other-question";
      finding.title = fmt::format("{} answers what it was not asked", address);
    }
    finding.severity = severity_of(key, tally);
    finding.confidence = confidence_of(key, tally);
    finding.count = in_vain(tally);
    finding.of = tally.decided;
    finding.unit = "query";
    if (tally.is_sampled) {
      finding.caveats.push_back({"sampled",
                                 "a flood of queries: one in 16 was followed, except the first of "
                                 "clients that had answers before; counts are estimates"});
    }
    if (tally.answered_before > 0) {
      finding.before = fmt::format("{} answered, median {}", plural(tally.answered_before, "query"),
                                   rough_duration(tally.latency_before.percentile(50)));
    }
    tally.queries.fill(finding);
    const bool recovered = tally.last_answer > tally.last_silence;
    finding.state = recovered || scene.now - tally.last_silence > seconds{60}
                        ? FindingState::ended
                        : FindingState::ongoing;
    finding.who.push_back(who("client", tally.clients));
    finding.who.push_back(who("server", key.server));
    finding.who.push_back(who("name", tally.names));
    finding.capture_filter = fmt::format(
        "host {} and {} port {}", address,
        key.transport == transport_number(Transport::tcp) ? "tcp" : "udp", key.server.port);
    finding.measures = {{"lookups_failed", static_cast<std::int64_t>(tally.failed)},
                        {"lookups_answered_too_late", static_cast<std::int64_t>(tally.too_late)},
                        {"lookups_saved", static_cast<std::int64_t>(tally.saved)},
                        {"worst_time_lost_ns", tally.time_lost.count()}};
    if (const Silence* outage = tally.silences.longest()) {
      finding.measures.push_back({"outages", static_cast<std::int64_t>(tally.silences.outages())});
      finding.measures.push_back({"longest_outage_ns", outage->length().count()});
      // An outage lasts until the answer that shows its end, which may be later than any query.
      finding.last = std::max(finding.last, outage->first + outage->length());
    }
    if (tally.large_unanswered > 0) {
      finding.measures.push_back(
          {"large_offers_unanswered", static_cast<std::int64_t>(tally.large_unanswered)});
    }
    add_causes(finding, key, tally);
    if (finding.variant.empty()) {
      add_vantage(finding, vantage_of(scene, key, tally), "queries",
                  {"path-loss", "path-interrupted", "large-answers-lost"});
    }
    if (finding.confidence == Confidence::possible && lacks_packets(key, tally)) {
      finding.caveats.push_back(
          {"unasked", fmt::format("{} to queries that are missing here: the capture lost packets, "
                                  "perhaps the answers to these as well",
                                  plural(unasked_.find(key)->answers, "answer"))});
    } else if (tally.failed_alone > 0 && tally.failed == tally.failed_alone) {
      finding.caveats.push_back({"not-repeated",
                                 "no client asked again, so an answer that this "
                                 "capture missed would look the same"});
    } else if (finding.confidence == Confidence::possible) {
      finding.caveats.push_back({"nothing-heard",
                                 "no answer of anyone to these clients was seen: a capture of one "
                                 "direction looks the same"});
    }
    const std::string question = question_of(tally);
    finding.next = {fmt::format("dig @{} {} +tries=1 +time=3", address, question),
                    fmt::format("dig @{} {} +tcp", address, question),
                    fmt::format("ip route get {}", address)};
    return finding;
  }

  // Where it was captured; unknown where clients differ.
  static Vantage vantage_of(const Scene& scene, const ServerKey& key, const Tally& tally) {
    std::set<Vantage> places;
    for (const auto& [client, count] : tally.clients.top()) {
      places.insert(scene.vantage_of(client, key.server.address, key.tunnel));
    }
    return places.size() == 1 ? *places.begin() : Vantage::unknown;
  }

  static std::string title(const ServerKey& key, const Tally& tally) {
    const std::string address = key.server.address.to_string();
    const auto opcode = static_cast<dns::Opcode>(key.opcode);
    const bool is_query = opcode == dns::Opcode::query;
    if (tally.answered == 0) {
      return fmt::format("{} answers no DNS {}{}", address,
                         is_query ? "query" : dns::opcode_name(opcode),
                         key.transport == transport_number(Transport::tcp) ? " over TCP" : "");
    }
    std::string what = is_query ? "queries" : dns::opcode_name(opcode);
    if (key.transport == transport_number(Transport::tcp)) what += " over TCP";
    if (tally.silences.is_out()) return fmt::format("{} stopped answering DNS {}", address, what);
    if (const Silence* outage = tally.silences.longest()) {
      return fmt::format("{} answered no DNS {} for {}", address, what,
                         rough_duration(outage->length()));
    }
    return fmt::format("{} leaves DNS {} unanswered", address, what);
  }

  static void add_causes(Finding& finding, const ServerKey& key, const Tally& tally) {
    const std::string address = key.server.address.to_string();
    const bool silent_now = tally.last_silence > tally.last_answer;
    if (finding.variant == "answered-other-question") {
      finding.causes.push_back(
          {"other-question", "something on the way, or the server, changes the name",
           fmt::format(
               "what came for {} has the right ports and id but is about {}, and the client "
               "must drop that",
               plural(tally.other_question, "query"), tally.other_name.to_string()),
           fmt::format("dig @{} {} +tcp", address, question_of(tally))});
      return;
    }
    if (!finding.variant.empty()) {
      const std::string other = tally.wrong_server.address.to_string();
      finding.causes.push_back(
          {"wrong-source-address", "the server has several addresses and answers from another",
           fmt::format("{} answered {} in its place, and the client must drop that", other,
                       plural(tally.wrong_source, "query")),
           fmt::format("dig @{} {}", other, question_of(tally))});
      return;
    }
    if (tally.servfail >= few && 5 * tally.servfail >= tally.answered) {
      finding.causes.push_back({"resolver-upstream", "the resolver waits for other servers in vain",
                                fmt::format("{} of its {} were SERVFAIL", grouped(tally.servfail),
                                            plural(tally.answered, "answer")),
                                fmt::format("dig @{} . NS", address)});
    }
    add_name_causes(finding, address, tally);
    add_kind_causes(finding, address, tally);
    if (!silent_now && tally.first_answer < tally.last_silence) add_load_causes(finding, tally);
    if (silent_now) {
      const std::string since = tally.answered == 0
                                    ? "no response from it is in this capture"
                                    : fmt::format("nothing from it after its last of {}",
                                                  plural(tally.answered, "response"));
      finding.causes.push_back({"server-down", "the server or its host is down", since,
                                fmt::format("ping -c 3 {}", address)});
      finding.causes.push_back({"filtered", "a filter drops UDP port 53 on the way",
                                "silence, not a refusal",
                                fmt::format("dig @{} . NS +tcp", address)});
    } else if (const Silence* outage = tally.silences.longest()) {
      add_outage_causes(finding, address, tally, *outage);
    } else if (tally.last_silence < tally.first_answer && tally.unanswered >= few) {
      finding.causes.push_back(
          {"server-started", "the server, or the way to it, came up in this capture",
           fmt::format("not one of {} was answered at first, then {} were",
                       plural(in_vain(tally), "query"), grouped(tally.answered)),
           "uptime"});
    } else {
      if (is_split_by_a_race(tally)) {
        finding.causes.push_back(
            {"pair-race", "a NAT or firewall on the way loses one of two queries from one port",
             fmt::format("{} were the second of A and AAAA sent at once, of which the first was "
                         "answered, and their repeats were answered at once",
                         plural(tally.split_seconds, "lost query")),
             "conntrack -S"});
      }
      if (is_slow_again(tally)) {
        finding.causes.push_back(
            {"server-slow", "the server is slow, and clients ask again before it answers",
             fmt::format("what was asked again took {} even then, other answers {} (medians): "
                         "after a loss it would be as fast as those",
                         rough_duration(tally.latency_again.percentile(50)),
                         rough_duration(usual_latency(tally).percentile(50))),
             fmt::format("dig @{} {} +tries=1 +time=15", address, question_of(tally))});
      }
      finding.causes.push_back({"path-loss", "packets are lost on the path", loss_of(tally),
                                fmt::format("mtr -rwbzc 100 {}", address)});
      const bool is_explained =
          std::any_of(finding.causes.begin(), finding.causes.end() - 1,
                      [](const Cause& cause) { return cause.id != "large-answers-lost"; });
      if (!is_explained) {
        finding.causes.push_back({"server-overloaded", "the server drops queries under load",
                                  "silence comes and goes", ""});
      }
    }
  }

  // Of what was answered without being asked again.
  static const LatencyHistogram& usual_latency(const Tally& tally) {
    return tally.latency_since.count() >= tally.latency_before.count() ? tally.latency_since
                                                                       : tally.latency_before;
  }

  // Five times as slow as usual, and by 100 ms (detectors.md, section 4.4). Whose first query was
  // lost has an answer to the second like everybody else.
  static bool is_slow_again(const Tally& tally) {
    const LatencyHistogram& usual = usual_latency(tally);
    if (tally.latency_again.count() < few || usual.count() < few) return false;
    const Duration again = tally.latency_again.percentile(50);
    return again >= 5 * usual.percentile(50) && again - usual.percentile(50) >= milliseconds{100};
  }

  static std::string loss_of(const Tally& tally) {
    if (tally.unanswered == 0) {
      return fmt::format("{} of {} were answered only when asked again",
                         grouped(tally.first_attempts_lost), grouped(tally.decided));
    }
    const std::string again =
        tally.first_attempts_lost == 0
            ? ""
            : fmt::format(", {} of them only when asked again", grouped(tally.first_attempts_lost));
    return fmt::format("{} of {} were answered{}{}", grouped(tally.answered),
                       grouped(tally.decided),
                       tally.answered_before > 0 ? ", before and after" : "", again);
  }

  // It is silent about certain names.
  static void add_name_causes(Finding& finding, const std::string& address, const Tally& tally) {
    const auto names = tally.names.top(TopList<dns::Name>::capacity);
    const std::string name = names.empty() ? "" : dig_name(names[0].first);
    const bool are_private =
        tally.names.is_exact() && names.size() >= 2 &&
        std::ranges::all_of(names, [](const auto& each) { return is_private_reverse(each.first); });
    if (are_private) {
      finding.causes.push_back(
          {"private-reverse-names", "nobody answers for the names of private addresses",
           fmt::format("all {} names are such (RFC 6303: resolvers should answer them themselves)",
                       grouped(names.size())),
           fmt::format("dig @{} {} PTR", address, name)});
    } else if (tally.unanswered >= few && tally.first_attempts_lost == 0 &&
               tally.answered >= answers_that_tell && tally.clues.are_questions_silent()) {
      finding.causes.push_back(
          {"names-unresolved", "the server gets no answer about certain names from others",
           fmt::format("{} asked {} times in vain; {} about others were answered",
                       plural(tally.clues.silent_question_count, "question"),
                       grouped(tally.clues.silent_attempts), plural(tally.answered, "query")),
           fmt::format("dig +trace {}", name)});
    }
  }

  // Only questions of a certain kind are lost.
  static void add_kind_causes(Finding& finding, const std::string& address, const Tally& tally) {
    const Clues& clues = tally.clues;
    // What was answered when it was asked again in the same way was not lost for what it was.
    if (tally.answered == 0 || tally.unanswered == 0 || tally.first_attempts_lost > 0) return;
    if (tally.large_unanswered == tally.unanswered && tally.large_repeat_answered == 0 &&
        clues.silent_attempts >= silent_large_offers && clues.largest_answer <= safe_answer) {
      finding.causes.push_back(
          {"large-answers-lost", "large answers are lost on the path",
           fmt::format("every silent query offered to take more than 1,400 "
                       "bytes; the largest answer had {}",
                       grouped(clues.largest_answer)),
           fmt::format("dig @{} {} +bufsize=1232", address, question_of(tally))});
    }
    if (tally.unanswered < few) return;
    const auto clients = tally.clients.top(TopList<IpAddress>::capacity);
    const bool had_answers = std::any_of(clients.begin(), clients.end(), [&](const auto& client) {
      return clues.was_answered(client.first);
    });
    if (tally.clients.is_exact() && !had_answers) {
      finding.causes.push_back(
          {"clients-filtered",
           "a filter or access list drops what these clients ask, or a route back is missing",
           fmt::format("{} without a single answer, while others had {}",
                       plural(tally.clients.distinct(), "client"),
                       plural(tally.answered, "answer")),
           fmt::format("ip route get {}", clients.front().first.to_string())});
    }
    if (clues.silent_with_edns == tally.unanswered && clues.answered_with_edns == 0) {
      finding.causes.push_back({"edns-dropped", "a box or the server drops queries with EDNS",
                                "every silent query had an OPT record, and no answered one had",
                                fmt::format("dig @{} {} +noedns", address, question_of(tally))});
    }
    if (clues.is_type_silent()) {
      const std::string type = dns::type_name(clues.silent_type);
      finding.causes.push_back(
          {"type-dropped", fmt::format("a box or the server drops questions for {}", type),
           fmt::format("all {} silent queries ask for it; {} for other types were answered",
                       grouped(tally.unanswered), grouped(tally.answered)),
           fmt::format("dig @{} {}", address, question_of(tally))});
    }
  }

  // Loss takes the first and the second of a pair alike, and other queries too; a race between two
  // packets of a new UDP flow for its conntrack entry takes the second. Five of five, or seven of
  // eight, are chance in one of thirty captures.
  static bool is_split_by_a_race(const Tally& tally) {
    const std::uint64_t split = tally.split_firsts + tally.split_seconds;
    return tally.split_seconds >= 5 && tally.split_seconds >= 7 * tally.split_firsts &&
           10 * split >= 9 * (tally.saved + tally.failed + tally.too_late);
  }

  // Queries are lost when there are many.
  static void add_load_causes(Finding& finding, const Tally& tally) {
    const RecentShare::Seconds rates = tally.recent.by_second();
    if (tally.unanswered < few) return;
    if (rates.slips_in_silence >= few && 5 * rates.slips_in_silence >= 4 * rates.slips &&
        10 * rates.slips_in_silence >= tally.unanswered) {
      finding.causes.push_back(
          {"rate-limited", "the server limits the rate of its responses",
           fmt::format("in the same seconds it told clients {} times, with empty answers, to come "
                       "back over TCP",
                       grouped(rates.slips_in_silence)),
           ""});
    }
    const Duration before = tally.latency_before.percentile(50);
    const Duration since = tally.latency_since.percentile(50);
    if (tally.latency_before.count() >= few && tally.latency_since.count() >= few &&
        since >= 2 * before && since - before >= milliseconds{10}) {
      finding.causes.push_back({"server-overloaded", "the server drops queries under load",
                                fmt::format("its answers got slower, from {} to {}",
                                            rough_duration(before), rough_duration(since)),
                                ""});
    } else if (rates.calm >= few &&
               rates.silent_queries * rates.calm >= 4 * rates.calm_queries * rates.silent) {
      finding.causes.push_back({"too-many-queries",
                                "something limits the rate of queries, or drops them under load",
                                fmt::format("{} queries in a second with silence, {} in others",
                                            grouped(rates.silent_queries / rates.silent),
                                            grouped(rates.calm_queries / rates.calm)),
                                ""});
    }
  }

  // It was out of service, and is not any more.
  static void add_outage_causes(Finding& finding, const std::string& address, const Tally& tally,
                                const Silence& outage) {
    const std::string silent = fmt::format(
        "not one response for {} while {} came in{}; answers {}after it",
        rough_duration(outage.length()), plural(outage.unanswered + outage.repeated, "query"),
        tally.silences.outages() == 1 ? "" : ", and other outages besides",
        outage.after ? "before and " : "");
    if (outage.too_late > 0) {
      finding.causes.push_back(
          {"server-stalled", "the server stood still and then went on",
           fmt::format("{}; {} of the queries got their answers when it was over", silent,
                       grouped(outage.too_late)),
           "journalctl -k -S -1h"});
      return;
    }
    finding.causes.push_back({"path-interrupted", "the way to the server was interrupted",
                              fmt::format("{}, none of them late", silent),
                              fmt::format("mtr -rwbzc 100 {}", address)});
    finding.causes.push_back({"server-down", "the server was down, or restarted",
                              "a server that starts anew knows nothing of older queries",
                              "uptime"});
  }

  const std::uint64_t min_lookups_;
  const std::uint64_t share_;
  TallyMap<ServerKey, Tally> servers_;
  std::bitset<heard_places> heard_;  // clients that somebody answered, by hash
  struct Unanswered {
    std::uint64_t hash = 0;
    Timestamp asked{};
  };
  std::array<Unanswered, 1024> unanswered_{};  // of late, by hash, the newer wins
  TallyMap<StrayKey, Stray> strays_{1024};
  TallyMap<ServerKey, Unasked> unasked_{1024};
};

}  // namespace

DetectorEntry dns_unanswered() {
  return {"dns-unanswered", "note to critical", "queries that no server answered", Basis::absence,
          make_detector<DnsUnanswered>};
}

}  // namespace wirefault
