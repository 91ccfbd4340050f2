// Tells the second leg of a query from the first where a capture point sees both: before and behind
// a NAT, the same message passes twice, and only one of them is a client's question.
//
// The legs have the server, the id and the question in common, their clients' addresses differ, and
// milliseconds lie between them. What is said of the first that comes up is believed; the second is
// a copy. A leg in trouble is no copy of one that was answered at once: then the packet was lost
// between the two, and the trouble is real.
//
// Forwarders ask anew, with another id and another server: theirs are queries in their own right,
// and incidents say which follows from which.
#pragma once

#include <cstdint>
#include <vector>

#include "dissectors/dns/facts.h"

namespace wirefault::dns {

class Legs {
 public:
  Legs() : recent_(2 * recent_count) {}

  // To be asked of every fact about a transaction, in order.
  bool is_copy(const Transaction& transaction);

 private:
  static constexpr std::size_t recent_count = 1024;

  struct Leg {
    std::uint64_t hash = 0;  // of what legs have in common
    IpAddress client;
    Timestamp asked{};
  };
  // By hash, the newer wins; those in trouble behind the others, as they live longer.
  std::vector<Leg> recent_;
};

}  // namespace wirefault::dns
