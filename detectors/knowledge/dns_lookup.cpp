#include "detectors/knowledge/dns_lookup.h"

#include <algorithm>

#include "detectors/audience.h"
#include "detectors/knowledge/dns_search.h"
#include "dissectors/hash.h"

namespace wirefault::dns {
namespace {

// Names the lookup a transaction belongs to. Unkeyed: what this finds must not depend on a seed.
std::uint64_t lookup_hash(const Transaction& transaction, std::uint64_t question) {
  const auto client = transaction.client.address.words();
  QuickHash hash;
  hash.add(client[0], client[1]);
  hash.add(transaction.tunnel, question);
  return hash.value();
}

bool has_response(const Transaction& transaction) {
  return transaction.outcome == Outcome::answered || transaction.outcome == Outcome::late;
}

bool is_usable(const Transaction& transaction) {
  if (!has_response(transaction)) return false;
  const Response& response = transaction.response;
  return (response.rcode == Rcode::noerror && !response.truncated) ||
         response.rcode == Rcode::nxdomain;
}

LookupServer* server_entry(Lookup& lookup, const Transaction& transaction) {
  for (LookupServer& entry : std::span{lookup.servers}.first(lookup.server_count)) {
    if (entry.server == transaction.server && entry.transport == transaction.transport) {
      return &entry;
    }
  }
  if (lookup.server_count == Lookup::max_servers) return nullptr;
  LookupServer& made = lookup.servers[lookup.server_count++];
  made.server = transaction.server;
  made.transport = transaction.transport;
  return &made;
}

// An answer that uses this up comes in fragments on most paths.
bool invites_fragments(const Transaction& transaction) {
  return transaction.transport == Transport::udp && transaction.edns.udp_payload_size > 1400;
}

// A quarter of the budget is the cache of recent successes: 4 MiB of the default 31.
constexpr std::size_t success_share = 8;

std::size_t power_of_two_below(std::size_t number) {
  std::size_t power = 1;
  while (power * 2 <= number) power *= 2;
  return power;
}

}  // namespace

Lookups::Lookups(Settings& settings, std::size_t budget)
    // Longer than glibc's 10 s between two rounds over two servers (measured).
    : gap_{settings.duration("dns", "lookup-gap", std::chrono::seconds{15},
                             "pause after which the same question is a new lookup")},
      records_{budget / success_share * (success_share - 1) / Table<Record>::entry_cost()},
      present_(std::size_t{1} << 17),
      bucket_count_{power_of_two_below(budget / success_share / sizeof(Bucket))},
      successes_{zeroed_pages<Bucket>(bucket_count_)},
      failing_{zeroed_pages<Record*>(failing_count)} {}

void Lookups::add(const Transaction& transaction, KnowledgeListener& listener) {
  if (transaction.odd_question || transaction.opcode != Opcode::query ||
      transaction.outcome == Outcome::repeat_answered) {
    return;
  }
  const std::uint64_t hash = lookup_hash(transaction, transaction.question_hash);
  const bool usable = is_usable(transaction);
  const std::uint64_t alike = alike_hash(transaction.client.address, transaction.question.name);
  const bool any_alike = present(alike) != 0;
  Record* record = any_alike ? find(transaction, hash) : nullptr;
  if (usable) {
    remember_success(hash, transaction);
    if (any_alike) note_other_form(failing(alike), transaction);
    if (record == nullptr) return;
  } else if (record == nullptr) {
    const bool in_trouble = transaction.outcome == Outcome::waiting ||
                            transaction.outcome == Outcome::unanswered ||
                            transaction.outcome == Outcome::rejected || has_response(transaction);
    if (!in_trouble) return;
    record = &record_of(transaction, hash, alike, listener);
  }
  begin_call(*record, transaction.asked());
  if (transaction.outcome == Outcome::waiting) {
    ask(*record, transaction);
    ++record->open;
  } else {
    if (!transaction.noticed) ask(*record, transaction);
    settle(*record, transaction);
  }
}

Lookups::Record* Lookups::find(const Transaction& transaction, std::uint64_t hash) {
  Record* record = records_.find(hash, [&](const Record& candidate) {
    return candidate.hash == hash && candidate.lookup.client == transaction.client.address &&
           candidate.lookup.question.name == transaction.question.name;
  });
  if (record == nullptr) return nullptr;
  const Timestamp asked = transaction.asked();
  const Lookup& lookup = record->lookup;
  const bool is_over = is_told(*record) && asked >= lookup.asked() + gap_;
  const bool belongs = asked <= lookup.last_asked + gap_ && !is_over &&
                       (!record->resolved || asked <= lookup.resolved_by.time);
  return belongs ? record : nullptr;
}

// Whether every server asked so far has said that it fails: the client waits for nothing more.
bool Lookups::is_told(const Record& record) {
  const Lookup& lookup = record.lookup;
  return record.open == 0 && !record.resolved && lookup.unanswered == 0 && lookup.undecided == 0 &&
         lookup.settled != Timestamp{};
}

void Lookups::begin_call(Record& record, Timestamp asked) {
  if (!is_told(record) || asked < record.lookup.settled + retry_time) return;
  if (!record.answered_otherwise) ++record.lookup.calls_lost;
  record.answered_otherwise = false;
}

// Whatever is answered is looked up so: as short as can be.
std::uint64_t Lookups::alike_hash(const IpAddress& asking, const Name& name) {
  using hash_detail::word;
  constexpr std::uint64_t lower_case = 0x2020202020202020;
  const std::uint8_t* const label = name.wire().data();
  const std::uint64_t start = label[0] >= 7   ? word(label, 8)
                              : label[0] >= 3 ? word(label, 4)
                              : label[0] >= 1 ? word(label, 2)
                                              : 0;
  const auto client = asking.words();
  QuickHash hash;
  hash.add(client[0] ^ (start | lower_case), client[1]);
  return hash.value();
}

void Lookups::add_failing(Record& record) {
  Record*& newest = failing(record.alike);
  record.older_form = newest;
  record.form_link = &newest;
  if (newest != nullptr) newest->form_link = &record.older_form;
  newest = &record;
}

void Lookups::drop_failing(const Record& record) {
  *record.form_link = record.older_form;
  if (record.older_form != nullptr) record.older_form->form_link = record.form_link;
}

// A resolver library that got SERVFAIL for a name tries the next form of it: with another search
// suffix, or as typed. Where that has an answer, the call is none the worse.
void Lookups::note_other_form(Record* form, const Transaction& transaction) {
  if (transaction.response.rcode != Rcode::noerror) return;
  const Question& question = transaction.question;
  const Timestamp asked = transaction.asked();
  for (std::size_t seen = 0; form != nullptr && seen < most_forms; ++seen) {
    const Lookup& lookup = form->lookup;
    if (lookup.client == transaction.client.address && lookup.tunnel == transaction.tunnel &&
        lookup.question.type == question.type &&
        lookup.question.name.size() != question.name.size() && asked >= lookup.last_asked &&
        asked <= lookup.last_asked + action_time &&
        continues(lookup.question.name, question.name)) {
      form->answered_otherwise = true;
    }
    form = form->older_form;
  }
}

Lookups::Record& Lookups::record_of(const Transaction& transaction, std::uint64_t hash,
                                    std::uint64_t alike, KnowledgeListener& listener) {
  // An older record of the same question has come to its end: this transaction does not belong.
  if (Record* old = records_.find(hash, [&](const Record& other) { return other.hash == hash; })) {
    close(*old, listener);
  }
  if (records_.full()) {
    ++evicted_;
    Record& oldest = *records_.oldest();
    ++oldest.lookup.undecided;
    close(oldest, listener);
  }
  Record& record = records_.insert(hash);
  if (std::uint8_t& records = present(alike); records < too_many) ++records;
  record.hash = hash;
  record.alike = alike;
  record.lookup.client = transaction.client.address;
  record.lookup.tunnel = transaction.tunnel;
  record.lookup.question = transaction.question;
  record.lookup.recursion_desired = transaction.recursion_desired;
  record.lookup.last_asked = transaction.asked();
  // Another server had answered before this one was known to be slow.
  if (const Success* success = success_since(hash, transaction.asked())) {
    record.resolved = true;
    record.lookup.resolved_by.time = success->at;
    record.lookup.resolved_attempt =
        std::max(transaction.asked(), success->at - std::chrono::microseconds{success->latency_us});
  }
  record.lookup.pair = pair_of(transaction);
  return record;
}

// Of the last success only the time is known, so it must be looked for before there is another.
Pair Lookups::pair_of(const Transaction& transaction) {
  // glibc and musl send both within microseconds.
  constexpr Duration together = std::chrono::milliseconds{5};
  Question question = transaction.question;
  if (question.type != Type::a && question.type != Type::aaaa) return Pair::none;
  question.type = question.type == Type::a ? Type::aaaa : Type::a;
  const Timestamp asked = transaction.asked();
  const Success* other =
      success_since(lookup_hash(transaction, wirefault::hash_of(question)), asked - together);
  if (other == nullptr) return Pair::none;
  const Duration apart = other->at - std::chrono::microseconds{other->latency_us} - asked;
  if (apart > together || apart < -together) return Pair::none;
  return apart > Duration::zero() ? Pair::first : Pair::second;
}

void Lookups::ask(Record& record, const Transaction& transaction) {
  record.lookup.queries.add(transaction.queries.first());
  ++record.lookup.attempts;
  record.lookup.last_asked = std::max(record.lookup.last_asked, transaction.asked());
  records_.move_to(record, 0);
}

void Lookups::settle(Record& record, const Transaction& transaction) {
  Lookup& lookup = record.lookup;
  LookupServer* server = server_entry(lookup, transaction);
  if (transaction.amends) {
    // It was counted as unanswered before; the client may by then have given up all the same.
    if (lookup.unanswered > 0) --lookup.unanswered;
    if (server != nullptr && server->unanswered > 0) --server->unanswered;
  } else {
    for (const Sighting& again : transaction.queries.kept().subspan(1)) lookup.queries.add(again);
    lookup.attempts += transaction.queries.count() - 1;
    lookup.last_asked = std::max(lookup.last_asked, transaction.queries.last().time);
    if (transaction.noticed && record.open > 0) --record.open;
    if (server != nullptr) {
      ++server->transactions;
      server->attempts += transaction.queries.count();
    }
  }
  lookup.settled = std::max(lookup.settled, transaction.settled);

  if (is_usable(transaction)) {
    if (transaction.outcome == Outcome::late) ++lookup.late;
    if (!record.resolved || transaction.response.seen.time < lookup.resolved_by.time) {
      record.resolved = true;
      lookup.resolved_by = transaction.response.seen;
      lookup.resolver = transaction.server;
      lookup.resolved_attempt = transaction.queries.last().time;
      lookup.resolved_smaller = !invites_fragments(transaction);
      lookup.resolved_late = transaction.outcome == Outcome::late;
    }
    return;
  }
  switch (transaction.outcome) {
    case Outcome::unanswered:
      ++lookup.unanswered;
      if (invites_fragments(transaction)) ++lookup.large_unanswered;
      if (server != nullptr) ++server->unanswered;
      return;
    case Outcome::rejected:
      ++lookup.rejected;
      return;
    case Outcome::answered:
    case Outcome::late:
      break;
    default:
      ++lookup.undecided;
      return;
  }

  const Response& response = transaction.response;
  if (response.rcode == Rcode::noerror) {
    ++lookup.truncated;
    return;
  }
  if (response.rcode == Rcode::servfail) {
    ++lookup.servfail;
  } else if (response.rcode == Rcode::refused) {
    ++lookup.refused;
  } else {
    ++lookup.other_failures;
  }
  lookup.failures.add(response.seen);
  if (record.form_link == nullptr) add_failing(record);
  for (const std::uint16_t code : response.errors()) {
    const auto known = std::span{lookup.extended_errors}.first(lookup.extended_error_count);
    if (std::find(known.begin(), known.end(), code) != known.end()) continue;
    if (lookup.extended_error_count == lookup.extended_errors.size()) break;
    lookup.extended_errors[lookup.extended_error_count++] = code;
  }
  if (server != nullptr) {
    ++server->failure_responses;
    server->last_rcode = response.rcode;
  }
}

// Says how the lookup ended, `lookup` being the record's or a copy of that.
void Lookups::conclude(const Record& record, Lookup& lookup) {
  if (record.resolved) {
    lookup.end = LookupEnd::resolved;
    lookup.settled = lookup.resolved_by.time;
  } else {
    lookup.end = record.open > 0 || lookup.undecided > 0 ? LookupEnd::undecided : LookupEnd::failed;
    if (lookup.end == LookupEnd::failed && !record.answered_otherwise) ++lookup.calls_lost;
  }
}

void Lookups::close(Record& record, KnowledgeListener& listener) {
  conclude(record, record.lookup);
  listener.on_dns_lookup(record.lookup);
  if (record.form_link != nullptr) drop_failing(record);
  if (std::uint8_t& records = present(record.alike); records < too_many) --records;
  records_.erase(record);
}

void Lookups::pass(Timestamp now, KnowledgeListener& listener) {
  // A transaction asked just within the gap is heard of only when it waits or is settled.
  while (Record* oldest = records_.oldest()) {
    if (oldest->open > 0 || oldest->lookup.last_asked + gap_ + notice_slack > now) break;
    close(*oldest, listener);
  }
}

void Lookups::tell_unsettled(Timestamp now, KnowledgeListener& listener) const {
  for (const Record* record = records_.oldest(); record != nullptr;
       record = records_.after(*record)) {
    if (record->open > 0 || record->lookup.settled + turning_time > now) continue;
    Lookup lookup = record->lookup;
    conclude(*record, lookup);
    listener.on_dns_lookup(lookup);
  }
}

void Lookups::finish(KnowledgeListener& listener) {
  while (Record* oldest = records_.oldest()) close(*oldest, listener);
}

void Lookups::remember_success(std::uint64_t hash, const Transaction& transaction) {
  const Timestamp at = transaction.response.seen.time;
  const Duration latency = at - transaction.queries.last().time;
  const auto latency_us = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(latency / std::chrono::microseconds{1}, 0, 0xffffffff));
  // Its bucket is hardly ever in the processor's cache: it is on its way there while others wait.
  __builtin_prefetch(&bucket_of(hash));
  NewSuccess& oldest = new_successes_[next_new_];
  next_new_ = (next_new_ + 1) % new_successes_.size();
  enter(oldest);
  oldest = {hash, {static_cast<std::uint32_t>(hash >> 32), latency_us, at}};
}

void Lookups::enter(NewSuccess& entered) {
  if (entered.success.at == Timestamp{}) return;
  const Success& success = entered.success;
  Bucket& bucket = bucket_of(entered.hash);
  Success* victim = &bucket[0];
  for (Success& known : bucket) {
    if (known.tag == success.tag) {
      known = {known.tag, success.latency_us, std::max(known.at, success.at)};
      entered.success.at = Timestamp{};
      return;
    }
    if (known.at < victim->at) victim = &known;
  }
  *victim = success;
  entered.success.at = Timestamp{};
}

const Lookups::Success* Lookups::success_since(std::uint64_t hash, Timestamp asked) {
  for (std::size_t i = 0; i < new_successes_.size(); ++i) {
    enter(new_successes_[(next_new_ + i) % new_successes_.size()]);
  }
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (const Success& success : bucket_of(hash)) {
    if (success.tag == tag && success.at >= asked) return &success;
  }
  return nullptr;
}

}  // namespace wirefault::dns
