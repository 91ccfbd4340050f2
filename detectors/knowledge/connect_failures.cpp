#include "detectors/knowledge/connect_failures.h"

#include <cstdlib>
#include <set>

#include "detectors/audience.h"
#include "dissectors/tcp/sequence.h"

namespace wirefault::tcp {
namespace {

using std::chrono::seconds;

// A client with several addresses turns to the next within 250 ms (RFC 8305, section 5) to some
// seconds after it has given one up.
constexpr Duration turning_time = seconds{2};
// As soon as that after a refusal: it is known at once, and the next address is tried then.
constexpr Duration turning_at_once = seconds{1};
constexpr std::size_t most_held = 1024;
// For how long a server may hold the timestamp of an earlier connection against a client: its
// TIME-WAIT, RFC 7323, section 5.
constexpr Duration clock_memory = seconds{60};

// Routes change by a hop or two; probes along the path (RFC 792, time exceeded) and SYNs that
// others forge come with any hop limit.
constexpr int same_path_hops = 2;

bool may_be_one_host(std::uint8_t hop_limit, std::uint8_t other) {
  return hop_limit == 0 || other == 0 || std::abs(int{hop_limit} - int{other}) <= same_path_hops;
}
// What is kept of a pair that got through: part of its hash, and the hop limit.
std::uint32_t tag_of(std::uint64_t hash, std::uint8_t hop_limit) {
  return static_cast<std::uint32_t>(hash >> 40) << 8 | hop_limit;
}

IpAddress any_of_family(bool is_v6) {
  constexpr std::array<std::uint8_t, 16> unspecified{};
  return is_v6 ? IpAddress::v6(unspecified.data()) : IpAddress{};
}

bool is_failure(HandshakeOutcome outcome) {
  switch (outcome) {
    case HandshakeOutcome::refused:
    case HandshakeOutcome::silent:
    case HandshakeOutcome::abandoned:
    case HandshakeOutcome::unacknowledged:
    case HandshakeOutcome::rejected:
      return true;
    default:
      return false;
  }
}

}  // namespace

void ConnectFailures::add_overdue(const Handshake& handshake) {
  ConnectFailure& failure = overdue_[key_of(handshake)];
  failure.handshake = handshake;
  complete(failure);
}

void ConnectFailures::add(const Handshake& handshake, KnowledgeListener& listener) {
  const AttemptKey key = key_of(handshake);
  const ConnectFailure* overdue = overdue_.empty() ? nullptr : overdue_.find(key);
  if (is_failure(handshake.outcome) && !handshake.syns.empty()) {
    if (held_.size() == most_held) release(listener);
    held_.push_back(overdue == nullptr ? ConnectFailure{} : *overdue);
    held_.back().handshake = handshake;
  }
  if (overdue != nullptr) overdue_.erase(key);
}

void ConnectFailures::add(const Opened& opened) {
  const std::uint8_t hop_limit = opened.initiator_hop_limit;
  if (opened.is_timed) {
    remember_answer(hash_of_pair(opened.initiator, opened.responder, opened.tunnel), hop_limit);
  }
  remember_answer(hash_of_pair(opened.initiator, {opened.responder.address, 0}, opened.tunnel),
                  hop_limit);
  remember(opened.initiator.address, opened);
  remember(any_of_family(opened.initiator.address.is_v6()), opened);
}

void ConnectFailures::remember_answer(std::uint64_t hash, std::uint8_t hop_limit) {
  answered_[hash % answered_count] = tag_of(hash, hop_limit);
}

bool ConnectFailures::was_answered(const Handshake& handshake, const Endpoint& responder) const {
  const std::uint64_t hash =
      hash_of_pair(handshake.initiator(), responder, handshake.opening.tunnel);
  const std::uint32_t tag = answered_[hash % answered_count];
  if (tag >> 8 != tag_of(hash, 0) >> 8) return false;
  const std::uint8_t hop_limit = handshake.opening.initiator_syn.hop_limit;
  if (may_be_one_host(hop_limit, static_cast<std::uint8_t>(tag & 0xff))) return true;
  // Behind one address there may be several hosts.
  const History* own = histories_.find(
      {handshake.opening.tunnel, handshake.initiator().address, handshake.responder().port});
  return own != nullptr && std::any_of(own->begin(), own->end(), [&](const Opened& opened) {
           return opened.responder.address == responder.address &&
                  may_be_one_host(hop_limit, opened.initiator_hop_limit);
         });
}

void ConnectFailures::remember(const IpAddress& client, const Opened& opened) {
  histories_[{opened.tunnel, client, opened.responder.port}].add(opened);
}

void ConnectFailures::History::add(const Opened& opened) {
  if (count_ == opened_.size()) {
    std::copy(begin() + 1, end(), opened_.begin());
    count_ = most - 1;
  }
  opened_[count_++] = opened;
}

void ConnectFailures::compare(ConnectFailure& failure) const {
  const Handshake& failed = failure.handshake;
  failure.was_answered = was_answered(failed, failed.responder());
  failure.host_worked = was_answered(failed, {failed.responder().address, 0});
  const History* own =
      histories_.find({failed.opening.tunnel, failed.initiator().address, failed.responder().port});
  if (own == nullptr) return;
  for (const Opened& opened : *own) {
    if (opened.responder != failed.responder()) continue;
    failure.service_worked = true;
    const Duration earlier = failed.asked() - opened.asked;
    if (opened.has_timestamp && failed.opening.initiator_syn.has_timestamps &&
        earlier >= Duration::zero() && earlier <= clock_memory &&
        newer_by(opened.timestamp, failed.opening.initiator_syn.timestamp) > 0) {
      failure.newer_clock_worked = true;
    }
  }
}

// The first that the initiator opened since of those that DNS gives together with the one that
// failed.
const Opened* ConnectFailures::sibling_in(const History& own, const Handshake& failed,
                                          Timestamp latest) const {
  const std::span<const IpAddress> siblings = siblings_.of(failed.responder().address);
  for (const Opened& opened : own) {
    const IpAddress& address = opened.responder.address;
    if (opened.asked >= failed.asked() && opened.asked <= latest &&
        address != failed.responder().address &&
        std::ranges::find(siblings, address) != siblings.end()) {
      return &opened;
    }
  }
  return nullptr;
}

// What the initiator turned to. Where DNS does not tell what belongs together, another address
// counts when it is the only one that the initiator opened since, and it had not been in use
// before: a browser that talks to several sites has not given one up for another.
void ConnectFailures::look_for_alternative(ConnectFailure& failure) const {
  if (failure.has_alternative) return;
  const Handshake& handshake = failure.handshake;
  const IpAddress& client = handshake.initiator().address;
  const IpAddress& failed = handshake.responder().address;
  const std::uint16_t port = handshake.responder().port;
  const std::uint64_t tunnel = handshake.opening.tunnel;
  const auto syns = handshake.syns.kept();
  const Duration last_gap =
      syns.size() < 2 ? Duration::zero() : syns.back().time - syns[syns.size() - 2].time;
  const Timestamp latest =
      handshake.syns.last().time + std::max<Duration>(turning_time, 2 * last_gap);

  const History* own = histories_.find({tunnel, client, port});
  const Opened* found = own == nullptr ? nullptr : sibling_in(*own, handshake, latest);
  if (found == nullptr && own != nullptr && siblings_.of(failed).empty() &&
      own->reaches_back_to(handshake.asked())) {
    std::set<IpAddress> in_use{failed};
    for (const Opened& opened : *own) {
      if (opened.asked < handshake.asked()) in_use.insert(opened.responder.address);
    }
    for (const Opened& opened : *own) {
      if (opened.asked > latest || in_use.contains(opened.responder.address)) continue;
      if (found != nullptr && found->responder != opened.responder) return;
      if (found == nullptr) found = &opened;
    }
  }
  // A host has an address of each family, and which belong together is not in the packets; nor do
  // A and AAAA come in one response. Only where one client alone opened such a connection is it
  // likely the same.
  const History* others = histories_.find({tunnel, any_of_family(!client.is_v6()), port});
  if (found == nullptr && others != nullptr &&
      others->reaches_back_to(handshake.asked() - turning_time)) {
    for (const Opened& opened : *others) {
      if (opened.asked < handshake.asked() - turning_time || opened.asked > latest) continue;
      if (found != nullptr && found->initiator.address != opened.initiator.address) return;
      if (found == nullptr) found = &opened;
    }
  }
  if (found == nullptr) return;
  failure.has_alternative = true;
  failure.alternative = found->responder;
  failure.time_lost = std::max(found->opened - handshake.asked(), Duration::zero());
}

void ConnectFailures::release(KnowledgeListener& listener) {
  ConnectFailure failure = held_.front();
  held_.pop_front();
  complete(failure);
  listener.on_connect_failure(failure);
}

void ConnectFailures::tell_unsettled(Timestamp now, KnowledgeListener& listener) const {
  for (ConnectFailure failure : held_) {
    const bool is_refused = failure.handshake.outcome == HandshakeOutcome::refused;
    if (is_refused && now - failure.handshake.settled < turning_at_once) continue;
    complete(failure);
    listener.on_connect_failure(failure);
  }
  for (const auto& [key, overdue] : overdue_.sorted()) {
    ConnectFailure failure = *overdue;
    failure.may_open = true;
    complete(failure);
    listener.on_connect_failure(failure);
  }
}

void ConnectFailures::pass(Timestamp now, KnowledgeListener& listener) {
  while (!held_.empty() && held_.front().handshake.settled + 2 * turning_time <= now) {
    release(listener);
  }
}

void ConnectFailures::finish(KnowledgeListener& listener) {
  while (!held_.empty()) release(listener);
}

}  // namespace wirefault::tcp
