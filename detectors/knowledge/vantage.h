// Where between two hosts the capture was taken: that decides what a packet that never came can
// mean.
//
// Where one of the two is the machine that captured, that settles it. Else each opened connection
// votes. Its handshake does by time: what is near answers at once. Let a be
// the time from SYN to SYN-ACK and b that from SYN-ACK to ACK; near the client b is much the
// shorter, near the server a is. Its SYNs do by hop limit: one that nobody has lowered yet was
// captured where it was sent. The majority wins; a tie is unknown.
//
// Blind spots: hosts on the loopback interface, or so close to each other that their own delays
// weigh more than the wire's, are no evidence.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "detectors/tally_map.h"
#include "dissectors/own_addresses.h"
#include "dissectors/tcp/facts.h"

namespace wirefault {

enum class Vantage : std::uint8_t { near_client, near_server, middle, unknown };
constexpr std::size_t known_vantages = 3;  // those before unknown

// "near-client"
std::string_view name_of(Vantage vantage);

// How many routers a packet has passed, from the hop limits that stacks begin with: 64, 128, 255.
constexpr int hops_passed(std::uint8_t hop_limit) {
  return (hop_limit <= 64 ? 64 : hop_limit <= 128 ? 128 : 255) - hop_limit;
}

struct VantageVotes {
  std::array<std::uint64_t, known_vantages> by_time{};  // by Vantage
  std::array<std::uint64_t, known_vantages> by_hop_limit{};
  Duration to_answer{};               // a and b of the last handshake that voted
  Duration to_acknowledgment{};       // likewise
  std::uint8_t server_hop_limit = 0;  // of the server's last SYN-ACK; 0: not seen

  VantageVotes& operator+=(const VantageVotes& other);
  std::uint64_t all() const;
  // What more than half of all votes are for.
  Vantage winner() const;
};

// Who opened connections to whom.
struct ClientAndServer {
  std::uint64_t tunnel = 0;
  IpAddress client;
  IpAddress server;
  std::array<std::uint8_t, 4> padding{};
  friend auto operator<=>(const ClientAndServer&, const ClientAndServer&) = default;
};

// What the votes amounted to when it was made.
class VantageMap {
 public:
  // `own`: the addresses of the machine that captured, as far as known.
  VantageMap(const TallyMap<ClientAndServer, VantageVotes>& pairs, std::vector<IpAddress> own);

  // Where the pair's own votes decide nothing, those of the server with all clients do, or of the
  // client with all servers.
  Vantage of(const IpAddress& client, const IpAddress& server, std::uint64_t tunnel) const;
  // Of the SYN-ACKs of a server; 0 where none was seen.
  std::uint8_t hop_limit_of(const IpAddress& server, std::uint64_t tunnel) const;
  // What more than half of the pairs with a winner have in common.
  Vantage of_most() const;

  struct Pair {
    ClientAndServer key;
    VantageVotes votes;
    Vantage place = Vantage::unknown;
  };
  // Those with most votes first, equal ones in key order.
  std::vector<Pair> major(std::size_t most) const;
  const std::vector<IpAddress>& own() const { return own_; }
  std::uint64_t pairs_at(Vantage vantage) const { return at_[static_cast<std::size_t>(vantage)]; }

 private:
  bool is_own(const IpAddress& address) const;
  Vantage at_own(const ClientAndServer& key) const;
  Vantage winner(const ClientAndServer& key) const;

  std::vector<IpAddress> own_;
  std::vector<Pair> pairs_;
  // Pairs, and under the unspecified address of IPv4 in the place of either end the sum over it.
  std::map<ClientAndServer, VantageVotes> votes_;
  std::array<std::uint64_t, known_vantages + 1> at_{};
};

class Vantages {
 public:
  void add(const tcp::Opened& opened);
  VantageMap map(const std::vector<IpAddress>& own) const { return {pairs_, own}; }

 private:
  TallyMap<ClientAndServer, VantageVotes> pairs_{2048};
};

}  // namespace wirefault
