#include "dissectors/quality.h"

#include <algorithm>

#include "dissectors/hash.h"

namespace wirefault {
namespace {

using std::chrono::seconds;

// Traffic this dense does not pause for seconds without a reason.
constexpr std::int64_t steady_rate = 20;  // packets per second
constexpr Duration steady_time = seconds{5};
constexpr Duration silence = seconds{5};
constexpr Duration dense_time = seconds{1};

// Longer pauses are a sleeping machine, several captures in one file, or a clock set right.
constexpr Duration suspended = std::chrono::hours{1};

constexpr std::size_t max_encrypted_servers = 16;
constexpr std::size_t max_encrypted_flows = 4096;

}  // namespace

void QualityGauge::note_silence(const Packet& packet, Timestamp time) {
  // The first packet of a file may follow on another file.
  if (last_ != Timestamp{} && time - last_ >= suspended && packet.ref.number() > 1) {
    ++quality_.pauses;
    if (time - last_ > quality_.longest_pause) {
      quality_.longest_pause = time - last_;
      quality_.paused_until = packet.ref;
    }
  }
  const Duration steady = last_ - steady_from_;
  const bool is_dense =
      last_ != Timestamp{} && steady >= dense_time &&
      static_cast<std::int64_t>(since_silence_) >= steady_rate * (steady / seconds{1});
  if (is_dense) {
    ++quality_.breaks;
    quality_.broken_off += time - last_;
    quality_.longest_break = std::max(quality_.longest_break, time - last_);
    quality_.last_break = last_;
  }
  if (is_dense && steady >= steady_time && time - last_ >= silence) {
    if (time - last_ >= suspended) {
      ++quality_.clock_steps;
    } else {
      ++quality_.silences;
    }
    if (time - last_ < suspended && time - last_ > quality_.longest_silence) {
      quality_.longest_silence = time - last_;
      quality_.silent_from = last_;
    }
  }
  steady_from_ = time;
  since_silence_ = 0;
}

void QualityGauge::narrow_ports(std::uint16_t source, std::uint16_t destination) {
  if (!ports_seen_) {
    ports_seen_ = true;
    candidates_ = {source, destination};
  }
  for (std::uint16_t& candidate : candidates_) {
    if (candidate != source && candidate != destination) candidate = 0;
  }
  ports_settled_ = candidates_[0] == 0 && candidates_[1] == 0;
  // A lone conversation has two; the service's is the smaller.
  const auto [low, high] = std::minmax(candidates_[0], candidates_[1]);
  quality_.common_port = low != 0 ? low : high;
  const std::uint16_t other = quality_.common_port == source ? destination : source;
  for (std::uint16_t& known : others_) {
    if (known == other) return;
    if (known == 0) {
      known = other;
      return;
    }
  }
  quality_.has_many_ports = true;
  if (low == 0) only_port_ = high;
}

void QualityGauge::count_encrypted(const Endpoint& source, const Endpoint& destination) {
  const bool to_server = destination.port == dns_over_tls_port;
  const Endpoint& client = to_server ? source : destination;
  const Endpoint& server = to_server ? destination : source;
  if (encrypted_flows_.size() == max_encrypted_flows) return;
  const std::uint64_t flow =
      stable_hash(client.address.bytes(), stable_hash(server.address.bytes(), client.port));
  if (!encrypted_flows_.insert(flow).second) return;
  const auto known = quality_.encrypted_dns.find(server);
  if (known != quality_.encrypted_dns.end()) {
    ++known->second;
  } else if (quality_.encrypted_dns.size() < max_encrypted_servers) {
    quality_.encrypted_dns.emplace(server, 1);
  }
}

}  // namespace wirefault
