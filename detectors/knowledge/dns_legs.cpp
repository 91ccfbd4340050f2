#include "detectors/knowledge/dns_legs.h"

#include "dissectors/hash.h"

namespace wirefault::dns {
namespace {

// A NAT takes microseconds; the rest is for capture points with a queue between them.
constexpr Duration most_apart = std::chrono::milliseconds{50};

std::uint64_t hash_of(const Transaction& transaction, bool in_trouble) {
  const auto server = transaction.server.address.words();
  QuickHash quick;
  quick.add(server[0], server[1]);
  quick.add(transaction.tunnel,
            std::uint64_t{transaction.id} << 32 | std::uint64_t{transaction.server.port} << 16 |
                static_cast<std::uint64_t>(transaction.opcode) << 1 | (in_trouble ? 1 : 0));
  quick.add(transaction.question_hash, 0);
  return quick.value();
}

}  // namespace

bool Legs::is_copy(const Transaction& transaction) {
  const bool in_trouble = transaction.noticed || transaction.outcome == Outcome::waiting;
  const std::uint64_t hash = hash_of(transaction, in_trouble);
  Leg& leg = recent_[hash % recent_count + (in_trouble ? recent_count : 0)];
  const Timestamp asked = transaction.asked();
  const Duration apart = leg.asked < asked ? asked - leg.asked : leg.asked - asked;
  if (leg.hash == hash && leg.client != transaction.client.address && apart <= most_apart) {
    return true;
  }
  leg = {hash, transaction.client.address, asked};
  return false;
}

}  // namespace wirefault::dns
