#include "detectors/knowledge/dns_action.h"

#include <algorithm>
#include <iterator>

#include "detectors/audience.h"
#include "detectors/knowledge/dns_search.h"

namespace wirefault::dns {
namespace {

// Lookups of one action end within a few retry rounds of each other; after this no more will come.
constexpr Duration settling_time = std::chrono::seconds{30};

// The same for all names that may belong to one action: none continues another without its first
// label.
std::uint64_t action_hash(const IpAddress& client, std::uint64_t tunnel, const Name& name) {
  std::uint64_t hash = stable_hash(client.bytes(), tunnel);
  for (const std::uint8_t octet : name.wire().first(name.wire()[0] + std::size_t{1})) {
    hash = stable_hash(std::uint64_t{folded(octet)}, hash);
  }
  return hash;
}

template <class T, std::size_t N>
void add_once(std::array<T, N>& list, std::uint8_t& count, const T& value) {
  if (std::find(list.begin(), list.begin() + count, value) != list.begin() + count) return;
  if (count < N) list[count++] = value;
}

void add_server(Action& action, const LookupServer& server) {
  for (LookupServer& known : std::span{action.servers}.first(action.server_count)) {
    if (known.server != server.server) continue;
    known.failure_responses += server.failure_responses;
    return;
  }
  if (action.server_count < action.servers.size()) action.servers[action.server_count++] = server;
}

// One server failed it, and another had the answer.
bool was_saved_elsewhere(const Lookup& lookup) {
  if (lookup.end != LookupEnd::resolved || lookup.resolver == Endpoint{}) return false;
  return std::ranges::none_of(lookup.asked_servers(), [&](const LookupServer& asked) {
    return asked.failure_responses > 0 && asked.server.address == lookup.resolver.address;
  });
}

}  // namespace

Actions::Actions(Settings& settings)
    : window_{settings.duration("dns", "action-window", action_time,
                                "time within which lookups belong to one action")} {}

void Actions::add(const Lookup& lookup, KnowledgeListener& listener) {
  if (lookup.end == LookupEnd::undecided || lookup.was_answered_otherwise()) return;
  const std::uint64_t hash = action_hash(lookup.client, lookup.tunnel, lookup.question.name);
  Action* mine = find(lookup, hash);
  if (mine == nullptr) {
    if (open_.size() == most_open) close(open_.begin(), listener);
    mine = &open(lookup, hash);
  }
  Action& action = *mine;
  if (lookup.question.name.size() < action.name.size()) action.name = lookup.question.name;
  action.asked = std::min(action.asked, lookup.asked());
  action.calls_lost =
      action.lookups == 0 ? lookup.calls_lost : std::min(action.calls_lost, lookup.calls_lost);
  ++action.lookups;
  if (lookup.end == LookupEnd::failed) ++action.failed;
  if (was_saved_elsewhere(lookup)) action.saved_elsewhere = true;
  action.servfail += lookup.servfail;
  if (lookup.servfail > 0) action.attempts += lookup.attempts;
  for (const Sighting& failure : lookup.failures.kept()) action.failures.add(failure);
  add_once(action.types, action.type_count, lookup.question.type);
  for (std::uint8_t i = 0; i < lookup.extended_error_count; ++i) {
    add_once(action.extended_errors, action.extended_error_count, lookup.extended_errors[i]);
  }
  for (const LookupServer& server : lookup.asked_servers()) {
    if (server.failure_responses > 0) add_server(action, server);
  }
}

Action* Actions::find(const Lookup& lookup, std::uint64_t hash) {
  const auto numbers = numbers_.find(hash);
  if (numbers == numbers_.end()) return nullptr;
  for (const std::uint64_t number : numbers->second) {
    Action& action = open_.at(number);
    const Duration apart = action.asked < lookup.asked() ? lookup.asked() - action.asked
                                                         : action.asked - lookup.asked();
    if (action.client == lookup.client && action.tunnel == lookup.tunnel && apart <= window_ &&
        continues(action.name, lookup.question.name)) {
      return &action;
    }
  }
  return nullptr;
}

Action& Actions::open(const Lookup& lookup, std::uint64_t hash) {
  const std::uint64_t number = opened_++;
  numbers_[hash].push_back(number);
  Action& action = open_[number];
  action.client = lookup.client;
  action.tunnel = lookup.tunnel;
  action.name = lookup.question.name;
  action.recursion_desired = lookup.recursion_desired;
  action.asked = lookup.asked();
  return action;
}

Actions::Open::iterator Actions::close(Open::iterator closed, KnowledgeListener& listener) {
  const Action& action = closed->second;
  listener.on_dns_action(action);
  const auto numbers = numbers_.find(action_hash(action.client, action.tunnel, action.name));
  std::erase(numbers->second, closed->first);
  if (numbers->second.empty()) numbers_.erase(numbers);
  return open_.erase(closed);
}

void Actions::pass(Timestamp now, KnowledgeListener& listener) {
  for (auto action = open_.begin(); action != open_.end();) {
    const bool is_due = action->second.asked + settling_time <= now;
    action = is_due ? close(action, listener) : std::next(action);
  }
}

void Actions::finish(KnowledgeListener& listener) {
  while (!open_.empty()) close(open_.begin(), listener);
}

}  // namespace wirefault::dns
