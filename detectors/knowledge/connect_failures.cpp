#include "detectors/knowledge/connect_failures.h"

#include "detectors/audience.h"

namespace wirefault::tcp {
namespace {

using std::chrono::seconds;

// A client with several addresses turns to the next within 250 ms (RFC 8305, section 5) to some
// seconds after it has given one up.
constexpr Duration turning_time = seconds{2};
constexpr std::size_t most_held = 1024;
// Openings of one client to one port that are remembered. A client with more of them than this in
// a minute is a proxy or worse: whether one of them stands for another cannot be told.
constexpr std::size_t most_remembered = 16;

IpAddress any_of_family(bool is_v6) {
  constexpr std::array<std::uint8_t, 16> unspecified{};
  return is_v6 ? IpAddress::v6(unspecified.data()) : IpAddress{};
}

bool is_failure(HandshakeOutcome outcome) {
  switch (outcome) {
    case HandshakeOutcome::refused:
    case HandshakeOutcome::silent:
    case HandshakeOutcome::unacknowledged:
    case HandshakeOutcome::rejected:
      return true;
    default:
      return false;
  }
}

}  // namespace

void ConnectFailures::add(const Handshake& handshake, KnowledgeListener& listener) {
  if (!is_failure(handshake.outcome) || handshake.syns.empty()) return;
  if (held_.size() == most_held) release(listener);
  held_.emplace_back().handshake = handshake;
}

void ConnectFailures::add(const Opened& opened) {
  remember(opened.initiator.address, opened);
  remember(any_of_family(opened.initiator.address.is_v6()), opened);
}

void ConnectFailures::remember(const IpAddress& client, const Opened& opened) {
  History& history = histories_[{opened.tunnel, client, opened.responder.port}];
  if (history.size() == most_remembered) history.pop_front();
  history.push_back(opened);
}

// Asked a little before or some time after the one that failed, at another address.
void ConnectFailures::look_for_alternative(ConnectFailure& failure) const {
  const Handshake& handshake = failure.handshake;
  const IpAddress& client = handshake.initiator().address;
  const std::uint16_t port = handshake.responder().port;
  const std::uint64_t tunnel = handshake.opening.tunnel;
  const Timestamp earliest = handshake.asked() - turning_time;
  const auto syns = handshake.syns.kept();
  const Duration last_gap =
      syns.size() < 2 ? Duration::zero() : syns.back().time - syns[syns.size() - 2].time;
  const Timestamp latest =
      handshake.syns.last().time + std::max<Duration>(turning_time, 2 * last_gap);
  const auto suits = [&](const Opened& opened) {
    return opened.responder.address != handshake.responder().address && opened.asked >= earliest &&
           opened.asked <= latest;
  };

  const Opened* found = nullptr;
  if (const History* own = histories_.find({tunnel, client, port})) {
    for (const Opened& opened : *own) {
      if (found == nullptr && suits(opened)) found = &opened;
    }
  }
  // A host has an address of each family, and which belong together is not in the packets. Only
  // where one client alone opened such a connection is it likely the same.
  const History* others = histories_.find({tunnel, any_of_family(!client.is_v6()), port});
  if (found == nullptr && others != nullptr) {
    for (const Opened& opened : *others) {
      if (!suits(opened)) continue;
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
  look_for_alternative(failure);
  listener.on_connect_failure(failure);
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
