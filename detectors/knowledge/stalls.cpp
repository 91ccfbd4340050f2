#include "detectors/knowledge/stalls.h"

#include <algorithm>
#include <set>
#include <utility>

namespace wirefault {
namespace {

constexpr std::uint16_t clearly_smaller = 100;
// At whatever rate a path loses: that of ten packets the five large ones are lost and the five
// small ones are not happens by chance less than once in 2^10 times.
constexpr std::uint32_t telling = 5;
constexpr std::uint16_t least_segment = 40;
constexpr Duration one_moment = std::chrono::seconds{1};
constexpr std::uint8_t stalled_chain = 2;
// As the retransmission timer doubles (RFC 6298, section 5.5).
constexpr int next_wait = 3;

}  // namespace

bool SizeHole::covers(Timestamp when) const {
  return std::any_of(stalls.begin(), stalls.end(),
                     [&](const Stall* each) { return each->covers(when); });
}

void PathStalls::add(const tcp::Retransmission& fact) {
  const FlowKey flow = FlowKey::of(fact.flow);
  if (fact.kind == tcp::RepeatKind::rto) end_before(flow, fact.offset);
  if (fact.kind == tcp::RepeatKind::rto && fact.chain >= stalled_chain) {
    Stall& stall = stall_of(fact, flow);
    stall.in_vain = std::max<std::uint16_t>(stall.in_vain, fact.chain);
    stall.size = std::min(stall.size, fact.ip_length);
    stall.last = fact.repetition.time - fact.gap;
    stall.tried = fact.repetition.time;
    stall.meanwhile.smaller += stall.before_last_try_.arrived;
    stall.meanwhile.smaller_lost += stall.before_last_try_.lost;
    stall.before_last_try_ = std::exchange(stall.after_last_try_, {});
    stall.meanwhile.as_large =
        stall.large_arrived_ != Timestamp{} && stall.large_arrived_ <= stall.last;
    if (stall.seen.size() < most_seen) stall.seen.push_back(fact.repetition);
  } else if (fact.ip_length < Stall::large) {
    for (Stall& each : stalls_) {
      if (!each.arrived && fact.ip_length + clearly_smaller <= each.size) {
        ++each.after_last_try_.lost;
      }
    }
  } else if (fact.kind == tcp::RepeatKind::fast && fact.duplicate_acks >= 3 &&
             fact.totals.delivered_size >= fact.ip_length) {
    // What was sent behind it arrived, and is as large.
    add_passage(flow, fact.original.time, fact.repetition.time, fact.ip_length);
  }
}

Stall& PathStalls::stall_of(const tcp::Retransmission& fact, const FlowKey& flow) {
  const auto found = std::find_if(stalls_.begin(), stalls_.end(), [&](const Stall& each) {
    return each.first == fact.original.time && each.flow == flow;
  });
  if (found != stalls_.end()) return *found;
  if (stalls_.size() >= most_stalls) {
    stalls_.erase(
        std::min_element(stalls_.begin(), stalls_.end(),
                         [](const Stall& a, const Stall& b) { return a.in_vain < b.in_vain; }));
  }
  Stall made;
  made.flow = flow;
  made.sender_is_initiator = fact.flow.sender_is_initiator;
  made.offset = fact.offset;
  made.first = fact.original.time;
  made.tried = fact.repetition.time;
  made.idle_before = fact.idle_before;
  made.size = fact.ip_length;
  made.seen.push_back(fact.original);
  for (const Passage& each : recent_) note(each, made);
  stalls_.push_back(std::move(made));
  return stalls_.back();
}

// The head of the line has moved on: what it was has arrived, when it was sent last.
void PathStalls::end_before(const FlowKey& flow, std::uint64_t offset) {
  for (Stall& each : stalls_) {
    if (each.arrived || each.flow != flow || each.offset >= offset) continue;
    each.arrived = true;
    add_passage(flow, each.tried, each.tried, each.size);
  }
}

void PathStalls::add(const tcp::SizeStall& fact) {
  for (Stall& each : stalls_) {
    if (each.offset != fact.offset || each.flow != FlowKey::of(fact.flow)) continue;
    each.is_first_large = true;
    each.answered = each.answered || fact.sign_of_life.exists();
  }
}

void PathStalls::add_passage(const FlowKey& flow, Timestamp first, Timestamp last,
                             std::uint16_t size) {
  // Of a connection that is stuck itself, what arrives may be smaller.
  const bool is_stuck = std::any_of(stalls_.begin(), stalls_.end(), [&](const Stall& each) {
    return !each.arrived && each.flow == flow && each.first < first && first <= each.tried;
  });
  if (is_stuck) return;
  const Passage passage{flow, first, last, size};
  for (Stall& each : stalls_) note(passage, each);
  if (recent_.size() >= most_recent) recent_.erase(recent_.begin());
  recent_.push_back(passage);
}

void PathStalls::note(const Passage& passage, Stall& stall) {
  if (stall.arrived || passage.first < stall.first || passage.flow == stall.flow) return;
  if (passage.size >= stall.size) {
    if (stall.large_arrived_ == Timestamp{}) stall.large_arrived_ = passage.last;
    stall.large_arrived_ = std::min(stall.large_arrived_, passage.last);
  } else if (passage.size + clearly_smaller <= stall.size) {
    std::uint32_t& arrived = passage.last <= stall.last    ? stall.meanwhile.smaller
                             : passage.last <= stall.tried ? stall.before_last_try_.arrived
                                                           : stall.after_last_try_.arrived;
    // The handshake, and data where there was any.
    arrived += passage.size == 0 ? 1u : 2u;
    stall.meanwhile.smaller_size =
        std::max({stall.meanwhile.smaller_size, passage.size, least_segment});
  }
}

const Stall* PathStalls::longest_of(const FlowKey& flow) const {
  const Stall* longest = nullptr;
  for (const Stall& each : stalls_) {
    if (each.flow == flow && (longest == nullptr || each.in_vain > longest->in_vain)) {
      longest = &each;
    }
  }
  return longest;
}

bool PathStalls::covers(Timestamp when) const {
  return std::any_of(stalls_.begin(), stalls_.end(),
                     [&](const Stall& each) { return each.covers(when); });
}

SizeHole PathStalls::hole() const {
  SizeHole hole;
  bool answered = false;
  std::set<FlowKey> lively;
  for (const Stall& each : stalls_) {
    if (!each.is_large() || each.in_vain < telling || each.meanwhile.smaller < telling ||
        !each.meanwhile.only_smaller()) {
      continue;
    }
    hole.stalls.push_back(&each);
    hole.lost_size = hole.lost_size == 0 ? each.size : std::min(hole.lost_size, each.size);
    hole.in_vain += each.in_vain;
    if (each.meanwhile.smaller > hole.meanwhile.smaller) hole.meanwhile = each.meanwhile;
    answered = answered || each.answered;
    if (each.is_first_large && each.idle_before < one_moment) lively.insert(each.flow);
  }
  // A connection that is not heard of again may have been forgotten while others were not; but not
  // two of them at the moment when each sends its first large segment.
  return answered || lively.size() >= 2 ? hole : SizeHole{};
}

void Stalls::add(const tcp::Retransmission& fact) {
  using tcp::RepeatKind;
  const bool tells =
      fact.kind == RepeatKind::rto || fact.kind == RepeatKind::fast || fact.kind == RepeatKind::tlp;
  if (!tells || fact.side != tcp::LossSide::downstream || !fact.sees_acks ||
      fact.refused != Timestamp{} || !fact.original.exists()) {
    return;
  }
  const PathKey path = PathKey::of(fact.flow);
  if (fact.kind == RepeatKind::rto && fact.chain >= stalled_chain) {
    awaited_ = std::max(awaited_, fact.repetition.time + next_wait * fact.gap);
    paths_[path].add(fact);
  } else if (PathStalls* known = paths_.find(path)) {
    known->add(fact);
  }
}

void Stalls::add(const tcp::SizeStall& fact) {
  if (fact.state != tcp::SizeStallState::stuck) return;
  if (PathStalls* known = paths_.find(PathKey::of(fact.flow))) known->add(fact);
}

void Stalls::add(const tcp::ConnectionEnded& ended) {
  if (ended.last > awaited_ || ended.joined_midway || ended.is_one_sided()) return;
  const auto pass = [&](const FlowKey& flow, const tcp::FlowTotals& totals) {
    PathStalls* path = paths_.find(PathKey::of(flow));
    if (path != nullptr && !totals.outstanding) {
      path->add_passage(flow, ended.first, ended.last, totals.delivered_size);
    }
  };
  pass(FlowKey::of(ended.from_initiator), ended.initiator);
  pass(FlowKey::against(ended.from_initiator), ended.responder);
}

}  // namespace wirefault
