#include "dissectors/tcp/rollup.h"

#include <bit>

namespace wirefault::tcp {
namespace {

using std::chrono::seconds;

Timestamp second_of_time(Timestamp now) {
  return std::chrono::floor<seconds>(now);
}

std::uint64_t hash_of_target(const Endpoint& target) {
  return stable_hash(Bytes{reinterpret_cast<const std::uint8_t*>(&target), sizeof target});
}

}  // namespace

Services::Services(std::size_t budget, const HashKey& key, FactListener& listener)
    : key_{key},
      listener_{listener},
      table_{std::min<std::size_t>(65536, budget / decltype(table_)::entry_cost())} {}

Services::Entry* Services::find(const Endpoint& service, std::uint64_t tunnel,
                                std::uint64_t& hash) {
  if (last_ != nullptr && last_->counts.service == service && last_->counts.tunnel == tunnel) {
    return last_;
  }
  hash = hash_of(service, tunnel);
  Entry* found = table_.find(hash, [&](const Entry& entry) {
    return entry.counts.service == service && entry.counts.tunnel == tunnel;
  });
  if (found != nullptr) last_ = found;
  return found;
}

Services::Entry& Services::at(const Endpoint& service, std::uint64_t tunnel, Timestamp now) {
  std::uint64_t hash = 0;
  Entry* entry = find(service, tunnel, hash);
  if (entry == nullptr) {
    if (table_.full()) {
      Entry* oldest = table_.oldest(idle);
      if (oldest == nullptr) oldest = table_.oldest(active);
      if (oldest->active) tell(*oldest);
      table_.erase(*oldest);
    }
    entry = last_ = &table_.insert(hash, idle);
    entry->counts.service = service;
    entry->counts.tunnel = tunnel;
  }
  if (!entry->active) {
    entry->active = true;
    entry->counts.begin = second_of_time(now);
    table_.move_to(*entry, active);
  }
  return *entry;
}

void Services::release(const Endpoint& service, std::uint64_t tunnel) {
  std::uint64_t hash = 0;
  Entry* entry = find(service, tunnel, hash);
  if (entry != nullptr && entry->resident > 0) --entry->resident;
}

void Services::add_member(Entry& entry, std::uint64_t hash, const CrowdMember& member) {
  if (!entry.counts.first.seen.exists()) entry.counts.first = member;
  if (entry.crowd == 0) {
    if (entry.counts.new_syns + entry.counts.stray_syn_acks < crowd_begins) return;
    if (free_crowds_.empty()) {
      if (crowds_.size() == most_crowds) return;
      crowds_.emplace_back();
      free_crowds_.push_back(static_cast<std::uint32_t>(crowds_.size()));
    }
    entry.crowd = free_crowds_.back();
    free_crowds_.pop_back();
  }
  Crowd& crowd = crowds_[entry.crowd - 1];
  ++crowd.members;
  crowd.sample.add(hash, member);
  const Bytes address{reinterpret_cast<const std::uint8_t*>(&member.address),
                      sizeof member.address};
  crowd.sources.add(stable_hash(address));
}

void Services::tell(Entry& entry) {
  ServiceSecond& counts = entry.counts;
  listener_.on_tcp_service_second(counts);
  if (entry.crowd != 0) {
    Crowd& crowd = crowds_[entry.crowd - 1];
    crowd.service = counts.service;
    crowd.tunnel = counts.tunnel;
    crowd.begin = counts.begin;
    listener_.on_tcp_crowd(crowd);
    crowd.members = 0;
    crowd.sample.clear();
    crowd.sources.clear();
    free_crowds_.push_back(entry.crowd);
    entry.crowd = 0;
  }
  entry.active = false;
  const Endpoint service = counts.service;
  const std::uint64_t tunnel = counts.tunnel;
  counts = ServiceSecond{};
  counts.service = service;
  counts.tunnel = tunnel;
}

void Services::flush() {
  while (Entry* entry = table_.oldest(active)) {
    tell(*entry);
    table_.move_to(*entry, idle);
  }
}

Sources::Sources(std::size_t budget, FactListener& listener)
    : listener_{listener},
      bucket_count_{std::bit_floor(std::max<std::size_t>(budget / sizeof(Bucket), 16))},
      buckets_{zeroed_pages<Bucket>(bucket_count_)} {}

Sources::Bucket& Sources::bucket_of(const IpAddress& source, std::uint64_t tunnel) {
  const Bytes address{reinterpret_cast<const std::uint8_t*>(&source), sizeof source};
  return buckets_.get()[stable_hash(address, tunnel) & (bucket_count_ - 1)];
}

Sources::Entry* Sources::find(Bucket& bucket, const IpAddress& source, std::uint64_t tunnel,
                              Timestamp now) {
  for (Entry& entry : bucket) {
    if (entry.targets == 0 || entry.source != source || entry.tunnel != tunnel) continue;
    if (now - entry.last > memory) entry.targets = 0;
    return entry.targets == 0 ? nullptr : &entry;
  }
  return nullptr;
}

void Sources::add(const IpAddress& source, std::uint64_t tunnel, const FailedAttempt& attempt,
                  Timestamp now) {
  Bucket& bucket = bucket_of(source, tunnel);
  Entry* entry = find(bucket, source, tunnel, now);
  if (entry == nullptr) {
    entry = &*std::min_element(bucket.begin(), bucket.end(), [](const Entry& a, const Entry& b) {
      return a.targets != b.targets ? a.targets < b.targets : a.last < b.last;
    });
    *entry = Entry{};
    entry->source = source;
    entry->tunnel = tunnel;
  }
  entry->last = now;
  if (entry->targets > few) return add(second_of(*entry, now), attempt);

  for (std::uint8_t i = 0; i < entry->targets; ++i) {
    if (entry->first[i].responder == attempt.responder) return;
  }
  if (entry->targets++ < few) {
    entry->first[entry->targets - std::size_t{1}] = attempt;
    return;
  }
  any_watched_ = true;
  SourceSecond& second = second_of(*entry, now);
  for (const FailedAttempt& earlier : entry->first) add(second, earlier);
  add(second, attempt);
}

void Sources::succeed(const IpAddress& source, std::uint64_t tunnel, Timestamp now) {
  if (!any_watched_) return;
  const Entry* entry = find(bucket_of(source, tunnel), source, tunnel, now);
  if (entry != nullptr && entry->targets > few) ++second_of(*entry, now).succeeded;
}

SourceSecond& Sources::second_of(const Entry& entry, Timestamp now) {
  for (SourceSecond& second : told_next_) {
    if (second.source == entry.source && second.tunnel == entry.tunnel) return second;
  }
  if (told_next_.size() == most_told) flush();
  SourceSecond& made = told_next_.emplace_back();
  made.source = entry.source;
  made.tunnel = entry.tunnel;
  made.begin = second_of_time(now);
  return made;
}

void Sources::add(SourceSecond& second, const FailedAttempt& attempt) {
  ++second.attempts;
  second.sample.add(hash_of_target(attempt.responder), attempt);
}

void Sources::flush() {
  for (const SourceSecond& second : told_next_) listener_.on_tcp_source_second(second);
  told_next_.clear();
}

}  // namespace wirefault::tcp
