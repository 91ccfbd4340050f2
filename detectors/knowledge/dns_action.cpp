#include "detectors/knowledge/dns_action.h"

#include <algorithm>
#include <cstring>

#include "detectors/detector.h"

namespace wirefault::dns {
namespace {

// Lookups of one action end within a few retry rounds of each other; after this no more will come.
constexpr Duration settling_time = std::chrono::seconds{30};

// Equal, or one continues the other: www. and www.corp.example. after the search list was applied.
bool continues(const Name& a, const Name& b) {
  const Name& shorter = a.size() <= b.size() ? a : b;
  const Name& longer = a.size() <= b.size() ? b : a;
  if (shorter.is_root()) return longer.is_root();
  const int extra = longer.label_count() - shorter.label_count();
  if (extra < 0) return false;
  // The leading labels of the longer name are what is left without its last `extra` labels.
  const Bytes head = longer.wire().first(shorter.size() - 1);
  return std::equal(head.begin(), head.end(), shorter.wire().begin(),
                    [](std::uint8_t x, std::uint8_t y) {
                      const auto folded = [](std::uint8_t c) {
                        return c >= 'A' && c <= 'Z' ? static_cast<std::uint8_t>(c | 0x20) : c;
                      };
                      return folded(x) == folded(y);
                    });
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

}  // namespace

Actions::Actions(Settings& settings)
    // Measured with glibc: A and AAAA leave together, a whole round of SERVFAILs takes 84 ms.
    : window_{settings.duration("dns", "action-window", std::chrono::seconds{2},
                                "time within which lookups belong to one action")} {}

void Actions::add(const Lookup& lookup, KnowledgeListener& listener) {
  if (lookup.end == LookupEnd::undecided) return;
  const auto mine = std::find_if(open_.begin(), open_.end(), [&](const Action& action) {
    return action.client == lookup.client && action.tunnel == lookup.tunnel &&
           std::max(action.asked, lookup.asked()) - std::min(action.asked, lookup.asked()) <=
               window_ &&
           continues(action.name, lookup.question.name);
  });
  if (mine == open_.end() && open_.size() == most_open) {
    listener.on_dns_action(open_.front());
    open_.erase(open_.begin());
  }
  Action& action = mine != open_.end() ? *mine : open_.emplace_back();
  if (action.lookups == 0) {
    action.client = lookup.client;
    action.tunnel = lookup.tunnel;
    action.name = lookup.question.name;
    action.recursion_desired = lookup.recursion_desired;
    action.asked = lookup.asked();
  } else {
    if (lookup.question.name.size() < action.name.size()) action.name = lookup.question.name;
    action.asked = std::min(action.asked, lookup.asked());
  }
  ++action.lookups;
  if (lookup.end == LookupEnd::failed) ++action.failed;
  action.servfail += lookup.servfail;
  for (const Sighting& failure : lookup.failures.kept()) action.failures.add(failure);
  add_once(action.types, action.type_count, lookup.question.type);
  for (std::uint8_t i = 0; i < lookup.extended_error_count; ++i) {
    add_once(action.extended_errors, action.extended_error_count, lookup.extended_errors[i]);
  }
  for (const LookupServer& server : lookup.asked_servers()) {
    if (server.failure_responses > 0) add_server(action, server);
  }
}

void Actions::pass(Timestamp now, KnowledgeListener& listener) {
  const auto due = std::stable_partition(open_.begin(), open_.end(), [&](const Action& action) {
    return action.asked + settling_time <= now;
  });
  for (auto action = open_.begin(); action != due; ++action) listener.on_dns_action(*action);
  open_.erase(open_.begin(), due);
}

void Actions::finish(KnowledgeListener& listener) {
  for (const Action& action : open_) listener.on_dns_action(action);
  open_.clear();
}

}  // namespace wirefault::dns
