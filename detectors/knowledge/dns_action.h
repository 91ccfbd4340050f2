// Actions: what one call of an application wanted. A getaddrinfo() on a host with two resolvers and
// one search suffix made 4 lookups and 16 SERVFAIL responses (measured): one user, one failure.
//
// An action joins the lookups in trouble of one client that start within dns.action-window of each
// other and whose names are equal (A, AAAA and HTTPS of one name) or differ only by an appended
// search suffix.
#pragma once

#include <vector>

#include "detectors/knowledge/dns_lookup.h"
#include "detectors/tally_map.h"

namespace wirefault::dns {

struct Action {
  IpAddress client;
  std::uint64_t tunnel = 0;
  Name name;  // the shortest of them: as typed, before search suffixes
  Type type{};
  bool recursion_desired = false;
  Timestamp asked{};
  std::uint32_t lookups = 0;
  std::uint32_t failed = 0;    // of those
  std::uint32_t servfail = 0;  // responses
  Endpoint responder;          // of the first failure response
  Sighting first_failure;

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

 private:
  static constexpr std::size_t most_open = 4096;

  Duration window_;
  std::vector<Action> open_;  // in order of their first lookup's end
};

}  // namespace wirefault::dns
