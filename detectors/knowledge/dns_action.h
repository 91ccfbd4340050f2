// Actions: what one call of an application wanted. A getaddrinfo() on a host with two resolvers and
// one search suffix made 4 lookups and 16 SERVFAIL responses (measured): one user, one failure.
//
// An action joins the lookups in trouble of one client that start within dns.action-window of each
// other and whose names are equal (A, AAAA and HTTPS of one name) or differ only by an appended
// search suffix.
#pragma once

#include <array>
#include <map>
#include <span>
#include <unordered_map>
#include <vector>

#include "detectors/knowledge/dns_lookup.h"
#include "detectors/tally_map.h"

namespace wirefault::dns {

struct Action {
  IpAddress client;
  std::uint64_t tunnel = 0;
  Name name;                    // the shortest of them: as typed, before search suffixes
  std::array<Type, 4> types{};  // of the lookups, as many as fit
  std::uint8_t type_count = 0;
  bool recursion_desired = false;
  Timestamp asked{};
  std::uint32_t lookups = 0;
  std::uint32_t failed = 0;                                 // of those
  std::uint32_t calls_lost = 0;                             // as of each of them
  bool saved_elsewhere = false;                             // by a server that did not fail it
  std::uint32_t servfail = 0;                               // responses
  std::uint32_t attempts = 0;                               // that ended so
  std::array<LookupServer, Lookup::max_servers> servers{};  // those that failed it
  std::uint8_t server_count = 0;
  std::array<std::uint16_t, 4> extended_errors{};  // RFC 8914
  std::uint8_t extended_error_count = 0;
  Sightings<16> failures;  // responses that were of no use

  std::span<const LookupServer> responders() const { return {servers.data(), server_count}; }
  std::span<const std::uint16_t> errors() const {
    return {extended_errors.data(), extended_error_count};
  }

  // Every lookup failed, and SERVFAIL is all that came back.
  bool is_servfail() const { return failed == lookups && servfail > 0; }
};

class Actions {
 public:
  explicit Actions(Settings& settings);

  // Lookups in, in the order in which they ended.
  void add(const Lookup& lookup, KnowledgeListener& listener);
  void pass(Timestamp now, KnowledgeListener& listener);
  void finish(KnowledgeListener& listener);
  bool empty() const { return open_.empty(); }

 private:
  static constexpr std::size_t most_open = 4096;

  using Open = std::map<std::uint64_t, Action>;  // by number, in order of their first lookup's end

  // The open action that `lookup` belongs to, or null.
  Action* find(const Lookup& lookup, std::uint64_t hash);
  Action& open(const Lookup& lookup, std::uint64_t hash);
  Open::iterator close(Open::iterator closed, KnowledgeListener& listener);

  Duration window_;
  Open open_;
  std::uint64_t opened_ = 0;
  // Numbers of the open ones, oldest first, by client and first label, which all names of an action
  // share: a storm has thousands of them.
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> numbers_;
};

}  // namespace wirefault::dns
