#include "detectors/knowledge/vantage.h"

#include <algorithm>
#include <numeric>

namespace wirefault {
namespace {

// One leg is the shorter by so much that the capture was taken at its end.
constexpr int much_shorter = 5;
// Hosts themselves take some ten microseconds to answer.
constexpr Duration shortest_round_trip = std::chrono::microseconds{100};

std::size_t index(Vantage vantage) {
  return static_cast<std::size_t>(vantage);
}

Vantage by_time(const tcp::Opened& opened) {
  if (!opened.is_timed) return Vantage::unknown;
  const Duration to_answer = opened.answered - opened.asked;
  const Duration to_acknowledgment = opened.opened - opened.answered;
  if (to_answer < Duration::zero() || to_acknowledgment < Duration::zero() ||
      to_answer + to_acknowledgment < shortest_round_trip) {
    return Vantage::unknown;
  }
  if (much_shorter * to_acknowledgment < to_answer) return Vantage::near_client;
  if (much_shorter * to_answer < to_acknowledgment) return Vantage::near_server;
  return Vantage::middle;
}

// Near both is near neither.
Vantage nearer(bool at_client, bool at_server) {
  return at_client == at_server ? Vantage::unknown
         : at_client            ? Vantage::near_client
                                : Vantage::near_server;
}

Vantage by_hop_limit(const tcp::Opened& opened) {
  return nearer(is_unrouted(opened.initiator_hop_limit), is_unrouted(opened.responder_hop_limit));
}

// What has more than half of all, counts being by Vantage.
template <class Counts>
Vantage majority(const Counts& counts) {
  const auto all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (2 * counts[i] > all) return static_cast<Vantage>(i);
  }
  return Vantage::unknown;
}

}  // namespace

std::string_view name_of(Vantage vantage) {
  switch (vantage) {
    case Vantage::near_client:
      return "near-client";
    case Vantage::near_server:
      return "near-server";
    case Vantage::middle:
      return "middle";
    case Vantage::unknown:
      break;
  }
  return "unknown";
}

VantageVotes& VantageVotes::operator+=(const VantageVotes& other) {
  for (std::size_t i = 0; i < known_vantages; ++i) {
    by_time[i] += other.by_time[i];
    by_hop_limit[i] += other.by_hop_limit[i];
  }
  if (other.server_hop_limit != 0) server_hop_limit = other.server_hop_limit;
  return *this;
}

std::uint64_t VantageVotes::all() const {
  return std::accumulate(by_time.begin(), by_time.end(), std::uint64_t{0}) +
         std::accumulate(by_hop_limit.begin(), by_hop_limit.end(), std::uint64_t{0});
}

Vantage VantageVotes::winner() const {
  std::array<std::uint64_t, known_vantages> votes = by_time;
  for (std::size_t i = 0; i < known_vantages; ++i) votes[i] += by_hop_limit[i];
  return majority(votes);
}

void Vantages::add(const tcp::Opened& opened) {
  const Vantage time = by_time(opened);
  const Vantage hop_limit = by_hop_limit(opened);
  if (time == Vantage::unknown && hop_limit == Vantage::unknown) return;
  const IpAddress& client = opened.initiator.address;
  const IpAddress& server = opened.responder.address;
  if (client.is_loopback() || client == server) return;
  VantageVotes& votes = pairs_[{opened.tunnel, client, server}];
  if (opened.responder_hop_limit != 0) votes.server_hop_limit = opened.responder_hop_limit;
  if (hop_limit != Vantage::unknown) ++votes.by_hop_limit[index(hop_limit)];
  if (time == Vantage::unknown) return;
  ++votes.by_time[index(time)];
  votes.to_answer = opened.answered - opened.asked;
  votes.to_acknowledgment = opened.opened - opened.answered;
}

VantageMap::VantageMap(const TallyMap<ClientAndServer, VantageVotes>& pairs,
                       std::vector<IpAddress> own)
    : own_{std::move(own)} {
  for (const auto& [key, votes] : pairs.sorted()) {
    const Vantage settled = at_own(*key);
    const Vantage place = settled == Vantage::unknown ? votes->winner() : settled;
    pairs_.push_back({*key, *votes, place});
    ++at_[index(place)];
    votes_[*key] += *votes;
    votes_[{key->tunnel, key->client, {}}] += *votes;
    votes_[{key->tunnel, {}, key->server}] += *votes;
  }
}

bool VantageMap::is_own(const IpAddress& address) const {
  return std::find(own_.begin(), own_.end(), address) != own_.end();
}

// Addresses inside of a tunnel are another network's.
Vantage VantageMap::at_own(const ClientAndServer& key) const {
  if (key.tunnel != 0) return Vantage::unknown;
  return nearer(is_own(key.client), is_own(key.server));
}

Vantage VantageMap::winner(const ClientAndServer& key) const {
  const auto found = votes_.find(key);
  return found == votes_.end() ? Vantage::unknown : found->second.winner();
}

Vantage VantageMap::of(const IpAddress& client, const IpAddress& server,
                       std::uint64_t tunnel) const {
  const ClientAndServer pair{tunnel, client, server};
  const Vantage settled = at_own(pair);
  if (settled != Vantage::unknown) return settled;
  const Vantage own = winner(pair);
  if (own != Vantage::unknown) return own;
  // Others tell of one end only, so only that the capture is near that end.
  return nearer(winner({tunnel, client, {}}) == Vantage::near_client,
                winner({tunnel, {}, server}) == Vantage::near_server);
}

std::uint8_t VantageMap::hop_limit_of(const IpAddress& server, std::uint64_t tunnel) const {
  const auto found = votes_.find({tunnel, {}, server});
  return found == votes_.end() ? std::uint8_t{0} : found->second.server_hop_limit;
}

Vantage VantageMap::of_most() const {
  return majority(std::array{at_[0], at_[1], at_[2]});
}

std::vector<VantageMap::Pair> VantageMap::major(std::size_t most) const {
  std::vector<Pair> pairs = pairs_;
  std::sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return a.votes.all() != b.votes.all() ? a.votes.all() > b.votes.all() : a.key < b.key;
  });
  if (pairs.size() > most) pairs.resize(most);
  return pairs;
}

}  // namespace wirefault
