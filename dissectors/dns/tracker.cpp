#include "dissectors/dns/tracker.h"

#include <algorithm>
#include <optional>

#include "dissectors/dns/name_hash.h"

namespace wirefault::dns {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// These come without a question section when the server could not or would not read the query.
bool may_lack_question(Rcode rcode) {
  return rcode == Rcode::formerr || rcode == Rcode::notimp || rcode == Rcode::refused ||
         rcode == Rcode::servfail;
}

// Whether `message` can be about `asked`.
bool fits(const Message& message, const Question& asked) {
  if (message.repeats(asked)) return true;
  const Parsed<Question> question = message.question();
  if (question) {
    return question->type == asked.type && question->klass == asked.klass &&
           question->name == asked.name;
  }
  // No question, or one that our snap length cut: address, ports and id must do.
  return message.is_response() &&
         (question.flaw() == Flaw::cut_short || may_lack_question(message.rcode()));
}

constexpr std::uint32_t sample_rate = 16;
// Part of the table that clients of one network may take.
constexpr std::size_t network_share = 16;

// The place of a client among the bits.
std::uint64_t number_of(const IpAddress& client) {
  QuickHash quick;
  quick.add(client.bytes());
  return quick.value() >> 48;
}

Response describe(const Message& message, const Carriage& carriage) {
  Response response;
  response.seen = carriage.seen;
  response.fragmented = carriage.fragmented;
  response.rcode = message.rcode();
  response.authoritative = message.authoritative();
  response.truncated = message.truncated();
  response.recursion_available = message.recursion_available();
  response.answers = message.answer_count();
  response.size =
      static_cast<std::uint16_t>(std::min<std::uint32_t>(message.payload().length, 65535));
  // The OPT record stands at the end of a message. Walking to it pays only where it can matter.
  if (message.rcode() != Rcode::noerror && message.additional_count() > 0) {
    const Parsed<std::optional<Edns>> edns = message.edns();
    if (edns && edns->has_value()) {
      response.rcode = message.full_rcode(*edns);
      for (std::uint8_t i = 0; i < (*edns)->extended_error_count; ++i) {
        response.extended_errors[i] = (*edns)->extended_errors[i].code;
      }
      response.extended_error_count = (*edns)->extended_error_count;
    }
  }
  return response;
}

}  // namespace

Tracker::Tracker(Settings& settings, std::size_t budget, const HashKey& key, FactListener& listener)
    // Slow enough to be felt, and rare enough that facts about it cost nothing.
    : notice_after_{settings.duration("dns", "notice-after", seconds{1},
                                      "time without a response after which a query is in trouble")},
      // glibc and systemd-resolved repeat after 5 s; the slack makes the repeat the same
      // transaction. RFC 1035, section 4.2.1 says 2 to 5 s.
      answer_timeout_{
          settings.duration("dns", "answer-timeout", milliseconds{5500},
                            "time without a response after which a query is unanswered")},
      // BIND gives up, and Zeek forgets, after 10 s.
      late_window_{settings.duration("dns", "late-window", seconds{10},
                                     "time after that in which a response still counts as late")},
      key_{key},
      listener_{listener},
      // RFC-scale traffic needs no more; detectors.md puts the upper bound here.
      table_{std::min<std::size_t>(131072, budget / decltype(table_)::entry_cost())} {}

void Tracker::add(const Message& message, const Carriage& carriage, std::uint64_t conversation) {
  const std::uint64_t hash = hash_of(conversation, carriage.transport, message.id());
  if (message.is_response()) {
    add_response(message, carriage, hash);
  } else {
    add_query(message, carriage, hash);
  }
}

Tracker::Found Tracker::find(std::uint64_t hash, const Endpoint& client, const Endpoint& server,
                             const Message& message) {
  Found found;
  found.open = table_.find(hash, [&](Entry& entry) {
    const Transaction& candidate = entry.transaction;
    if (entry.hash != hash || candidate.id != message.id() || candidate.client != client ||
        candidate.server != server || candidate.opcode != message.opcode()) {
      return false;
    }
    if (!candidate.odd_question && !fits(message, candidate.question)) return false;
    if (entry.list != ghosts) return true;
    if (found.ghost == nullptr) found.ghost = &entry;
    return false;  // an open one may still come
  });
  return found;
}

void Tracker::add_query(const Message& message, const Carriage& carriage, std::uint64_t hash) {
  if (carriage.destination.address.is_multicast()) return;
  const Endpoint& client = carriage.source;
  const Endpoint& server = carriage.destination;
  if (Entry* open = find(hash, client, server, message).open) {
    open->transaction.queries.add(carriage.seen);
    open->transaction.deadline = carriage.seen.time + answer_timeout_;
    move(*open, open->transaction.noticed ? noticed : fresh);
    return;
  }
  const Parsed<Question> question = message.question();
  static const Question none;
  const std::uint32_t weight =
      weigh(client, question ? *question : none, message.id(), carriage.seen.time);
  if (weight == 0) {
    ++counters_.refused;
    left_out_ = carriage.seen.time;
    return;
  }
  if (table_.full()) make_room();
  Entry& entry = table_.insert(hash, fresh);
  ++counters_.inserted;
  entry.hash = hash;
  Transaction& made = entry.transaction;
  made.weight = weight;
  made.client = client;
  made.server = server;
  made.tunnel = carriage.tunnel;
  made.transport = carriage.transport;
  made.id = message.id();
  made.opcode = message.opcode();
  made.recursion_desired = message.recursion_desired();
  made.checking_disabled = message.checking_disabled();
  made.odd_question = message.question_count() != 1 || !question;
  if (question) made.question = *question;
  made.question_hash = wirefault::hash_of(made.question);
  made.edns = message.edns_offer();
  made.queries.add(carriage.seen);
  made.deadline = carriage.seen.time + answer_timeout_;
  next_deadline_ = std::min(next_deadline_, due(entry));
}

void Tracker::add_response(const Message& message, const Carriage& carriage, std::uint64_t hash) {
  const Endpoint& client = carriage.destination;
  const Endpoint& server = carriage.source;
  const auto [entry, ghost] = find(hash, client, server, message);

  if (entry == nullptr && ghost == nullptr) {
    if (left_out_ && carriage.seen.time - *left_out_ < answer_timeout_ + late_window_) return;
    StrayResponse stray;
    stray.client = client;
    stray.server = server;
    stray.tunnel = carriage.tunnel;
    stray.transport = carriage.transport;
    stray.id = message.id();
    const Parsed<Question> question = message.question();
    stray.has_question = static_cast<bool>(question);
    if (question) stray.question = *question;
    stray.response = describe(message, carriage);
    listener_.on_dns_stray_response(stray);
    return;
  }

  if (entry == nullptr && ghost->transaction.outcome == Outcome::answered) {
    ++ghost->transaction.responses;
    return;
  }
  const bool ambiguous =
      entry != nullptr && ghost != nullptr && ghost->transaction.outcome == Outcome::unanswered;
  if (ambiguous) {
    // The response may be for either; the older one was perhaps answered after all.
    ghost->transaction.amends = true;
    settle(ghost->transaction, Outcome::untrusted, carriage.seen.time);
    ++counters_.closed;
    table_.erase(*ghost);
  }
  remember(client.address);
  Entry& matched = entry != nullptr ? *entry : *ghost;
  Transaction& transaction = matched.transaction;
  transaction.has_response = true;
  transaction.response = describe(message, carriage);
  transaction.response_fragment = {};
  transaction.latency_ambiguous = ambiguous;
  transaction.amends = entry == nullptr;
  ++transaction.responses;
  settle(transaction, entry != nullptr ? Outcome::answered : Outcome::late, carriage.seen.time);
  if (message.answer_count() > 1 && message.rcode() == Rcode::noerror) {
    const AddressSet addresses = addresses_of(message);
    if (addresses.count > 1) listener_.on_dns_addresses(addresses);
  }
  if (transaction.queries.count() > 1 && transaction.outcome == Outcome::answered) {
    // Whether this was the late answer to the first attempt shows when the second is answered too.
    move(matched, ghosts);
    return;
  }
  ++counters_.closed;
  table_.erase(matched);
}

void Tracker::retire(Entry& ghost, Timestamp when) {
  Transaction& transaction = ghost.transaction;
  if (transaction.outcome == Outcome::answered &&
      transaction.responses < transaction.queries.count() &&
      when - transaction.response.seen.time >= notice_after_) {
    settle(transaction, Outcome::repeat_answered, transaction.response.seen.time);
  }
  table_.erase(ghost);
}

// Queries are found by their id. Where that was not quoted, the few that wait are looked through.
Tracker::Entry* Tracker::find_quoted(const Rejected& rejected) {
  constexpr int most_looked_at = 1024;
  const auto fits = [&rejected](const Entry& entry) {
    const Transaction& open = entry.transaction;
    return entry.list != ghosts && open.transport == Transport::udp &&
           open.client == rejected.client && open.server == rejected.server &&
           open.tunnel == rejected.tunnel && (!rejected.has_id || open.id == rejected.id);
  };
  if (rejected.has_id) {
    const std::uint64_t conversation =
        Conversation{rejected.client, rejected.server, rejected.tunnel}.hash(key_);
    return table_.find(hash_of(conversation, Transport::udp, rejected.id), fits);
  }
  int looked_at = 0;
  for (const List list : {noticed, fresh}) {
    for (Entry* entry = table_.oldest(list); entry != nullptr; entry = table_.after(*entry)) {
      if (fits(*entry)) return entry;
      if (++looked_at == most_looked_at) return nullptr;
    }
  }
  return nullptr;
}

void Tracker::note_response_fragment(const Carriage& response, std::uint16_t id) {
  Rejected quoted;
  quoted.client = response.destination;
  quoted.server = response.source;
  quoted.tunnel = response.tunnel;
  quoted.has_id = true;
  quoted.id = id;
  Entry* entry = find_quoted(quoted);
  if (entry != nullptr) entry->transaction.response_fragment = response.seen;
}

void Tracker::lose(const Endpoint& client, const Endpoint& server, std::uint64_t tunnel,
                   std::uint16_t id, Rejection how, const Sighting& seen) {
  const std::uint64_t conversation = Conversation{client, server, tunnel}.hash(key_);
  Entry* entry = table_.find(hash_of(conversation, Transport::tcp, id), [&](const Entry& each) {
    const Transaction& open = each.transaction;
    return each.list != ghosts && open.transport == Transport::tcp && open.client == client &&
           open.server == server && open.tunnel == tunnel && open.id == id;
  });
  if (entry == nullptr) return;
  if (how == Rejection::none) {
    entry->is_unreadable = true;
    return;
  }
  Transaction& transaction = entry->transaction;
  transaction.rejection = how;
  transaction.rejected_by = seen;
  transaction.rejecter = server.address;
  settle(transaction, Outcome::rejected, seen.time);
  ++counters_.closed;
  table_.erase(*entry);
}

Sighting Tracker::reject(const Rejected& rejected) {
  Entry* entry = find_quoted(rejected);
  if (entry == nullptr) return {};
  Transaction& transaction = entry->transaction;
  const Sighting asked = transaction.queries.last();
  if (!rejected.is_final) return asked;
  transaction.rejection = Rejection::icmp_error;
  transaction.rejected_by = rejected.seen;
  transaction.rejecter = rejected.rejecter;
  settle(transaction, Outcome::rejected, rejected.seen.time);
  ++counters_.closed;
  table_.erase(*entry);
  return asked;
}

void Tracker::settle(Transaction& transaction, Outcome outcome, Timestamp when) {
  transaction.outcome = outcome;
  transaction.settled = when;
  listener_.on_dns_transaction(transaction);
}

void Tracker::move(Entry& entry, List list) {
  entry.list = list;
  table_.move_to(entry, list);
  next_deadline_ = std::min(next_deadline_, due(entry));
}

Timestamp Tracker::due(const Entry& entry) const {
  switch (entry.list) {
    case fresh:
      return entry.transaction.queries.last().time + notice_after_;
    case noticed:
      return entry.transaction.deadline;
    default:
      return entry.transaction.deadline + late_window_;
  }
}

bool Tracker::is_admitted(const IpAddress& client, Timestamp now) {
  // By then nothing is left of what filled the table.
  if (now - last_full_ > answer_timeout_ + late_window_) admitted_.fill(0);
  last_full_ = now;
  const std::uint64_t number = number_of(client);
  if ((answered_clients_[number / 64] >> number % 64 & 1) == 0) return false;
  const IpAddress network = client.network(client.is_v6() ? 7 : 3);
  return ++admitted_[number_of(network) % admitted_.size()] <= table_.capacity() / network_share;
}

// All are unkeyed, so that the sample is the same in every run.
std::uint32_t Tracker::weigh(const Endpoint& client, const Question& question, std::uint16_t id,
                             Timestamp now) {
  if (table_.size() * 4 < table_.capacity() * 3) return 1;
  if (is_admitted(client.address, now)) return 1;
  QuickHash quick;
  quick.add(client.address.bytes());
  quick.add(std::uint64_t{client.port} << 16 | id, question.name.size());
  quick.add(question.name.wire());
  return quick.value() % sample_rate == 0 ? sample_rate : 0;
}

void Tracker::remember(const IpAddress& client) {
  const std::uint64_t number = number_of(client);
  answered_clients_[number / 64] |= std::uint64_t{1} << number % 64;
}

// Ghosts first: what they still know is the least.
void Tracker::make_room() {
  for (const List list : {ghosts, fresh, noticed}) {
    Entry* oldest = table_.oldest(list);
    if (oldest == nullptr) continue;
    ++counters_.evicted;
    if (list == ghosts) {
      retire(*oldest, oldest->transaction.settled);
    } else {
      settle(oldest->transaction, Outcome::evicted, oldest->transaction.deadline);
      table_.erase(*oldest);
    }
    return;
  }
}

void Tracker::expire_due(Timestamp now) {
  for (;;) {
    Entry* first = nullptr;
    for (std::uint8_t list = 0; list < list_count; ++list) {
      Entry* oldest = table_.oldest(list);
      if (oldest != nullptr && (first == nullptr || due(*oldest) < due(*first))) first = oldest;
    }
    if (first == nullptr || due(*first) > now) {
      next_deadline_ = first == nullptr ? Timestamp::max() : due(*first);
      return;
    }
    Transaction& transaction = first->transaction;
    if (first->list == fresh) {
      if (!transaction.noticed) settle(transaction, Outcome::waiting, due(*first));
      transaction.noticed = true;
      move(*first, noticed);
    } else if (first->list == noticed && first->is_unreadable) {
      settle(transaction, Outcome::untrusted, transaction.deadline);
      ++counters_.expired;
      table_.erase(*first);
    } else if (first->list == noticed) {
      settle(transaction, Outcome::unanswered, transaction.deadline);
      move(*first, ghosts);
    } else {
      ++counters_.expired;
      retire(*first, due(*first));
    }
  }
}

void Tracker::finish(Timestamp end) {
  expire(end);
  while (Entry* ghost = table_.oldest(ghosts)) {
    ++counters_.expired;
    retire(*ghost, end);
  }
  for (const List list : {noticed, fresh}) {
    while (Entry* open = table_.oldest(list)) {
      settle(open->transaction, Outcome::capture_ended, end);
      ++counters_.closed;
      table_.erase(*open);
    }
  }
}

}  // namespace wirefault::dns
