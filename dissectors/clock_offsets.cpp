#include "dissectors/clock_offsets.h"

#include <algorithm>
#include <tuple>

namespace wirefault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t max_pairs = 64;

// Stamps of the same packet at two places scatter by less than this.
constexpr Duration tolerance = milliseconds{2};

// Smaller offsets change nothing that we say.
constexpr Duration smallest_offset = milliseconds{1};

// No packet takes longer from one place to another: RFC 6298, section 2, waits as long for the
// answer before anything is known of the way.
constexpr Duration longest_way = seconds{1};

// Pairs in a row that equality alone has found, before they prove an offset: retransmissions come
// at regular times, too, but not one after each packet.
constexpr std::uint32_t enough_equal = 8;

// Pairs before an offset is told of.
constexpr std::uint64_t enough_pairs = 3;

constexpr std::uint8_t both_directions = 3;

}  // namespace

bool ClockOffsets::Track::is_proven() const {
  return agreeing >= enough_equal;
}

// Nothing, unless every offset that is possible is one.
std::optional<Duration> ClockOffsets::ClockPair::estimate() const {
  const Track& beside = tracks[same_hop];
  const Track& down_way = tracks[down];
  const Track& up_way = tracks[up];
  if (beside.pairs + down_way.pairs + up_way.pairs < enough_pairs) return {};
  Duration least{};
  Duration most{};
  Duration value{};
  if (beside.is_proven()) {
    const Duration unsure = beside.directions == both_directions ? Duration{} : longest_way;
    least = beside.least - unsure;
    most = beside.most + unsure;
    value = beside.apart;
  } else if (down_way.is_proven() && up_way.is_proven()) {
    std::tie(least, most) = std::minmax(up_way.most, down_way.least);
    value = least + (most - least) / 2;
  } else if (down_way.is_proven()) {
    value = most = down_way.least;
    least = most - longest_way;
  } else if (up_way.is_proven()) {
    value = least = up_way.most;
    most = least + longest_way;
  }
  if (least <= smallest_offset && most >= -smallest_offset) return {};
  return value;
}

// Puts the smaller clock first.
ClockOffsets::Way ClockOffsets::normalise(Stamp& first, Stamp& second) {
  if (first.clock > second.clock) std::swap(first, second);
  if (first.hop_limit == second.hop_limit) return same_hop;
  return first.hop_limit > second.hop_limit ? down : up;
}

// Where the pair is, pairs_.size() if nowhere.
std::size_t ClockOffsets::find(std::uint16_t smaller, std::uint16_t larger) const {
  std::size_t at = 0;
  while (at < pairs_.size() && (pairs_[at].smaller != smaller || pairs_[at].larger != larger)) ++at;
  return at;
}

void ClockOffsets::learn(Stamp first, Stamp second, bool is_sure, bool is_up) {
  const Way way = normalise(first, second);
  const std::size_t at = find(first.clock, second.clock);
  if (at == max_pairs) return;
  if (at == pairs_.size()) pairs_.push_back({first.clock, second.clock, {}, {}});
  ClockPair& pair = pairs_[at];
  Track& track = pair.tracks[way];
  const Duration apart = second.time - first.time;
  const bool agrees = track.agreeing > 0 && std::chrono::abs(apart - track.apart) <= tolerance;
  if (!agrees && !is_sure && track.is_proven()) return;
  if (!agrees) track.agreeing = 0;
  track.agreeing = std::min(track.agreeing + (is_sure ? enough_equal : 1), 2 * enough_equal);
  track.apart = apart;
  // One that equality alone has found may be another packet.
  if (!is_sure && !track.is_proven()) return;
  ++track.pairs;
  track.directions = static_cast<std::uint8_t>(track.directions | (is_up ? 1 : 2));
  track.least = std::min(track.least, apart);
  track.most = std::max(track.most, apart);
  if (const auto estimate = pair.estimate()) pair.offset = estimate;
}

bool ClockOffsets::fit(Stamp first, Stamp second) const {
  const Way way = normalise(first, second);
  const std::size_t at = find(first.clock, second.clock);
  if (at == pairs_.size()) return false;
  const Track& track = pairs_[at].tracks[way];
  return track.is_proven() && std::chrono::abs(second.time - first.time - track.apart) <= tolerance;
}

bool ClockOffsets::correct(Duration longest_step_back) {
  bool is_news = false;
  for (const ClockPair& pair : pairs_) {
    if (!pair.offset || longest_step_back < std::chrono::abs(*pair.offset) / 2) continue;
    const Duration by = *pair.offset + correction(pair.smaller);
    const auto known =
        std::ranges::find(corrections_, pair.larger, &std::pair<std::uint16_t, Duration>::first);
    if (known != corrections_.end()) {
      known->second = by;
    } else {
      corrections_.emplace_back(pair.larger, by);
      is_news = true;
    }
  }
  return is_news;
}

Duration ClockOffsets::correction(std::uint16_t clock) const {
  const auto known =
      std::ranges::find(corrections_, clock, &std::pair<std::uint16_t, Duration>::first);
  return known == corrections_.end() ? Duration{} : known->second;
}

std::vector<ClockOffset> ClockOffsets::found() const {
  std::vector<ClockOffset> offsets;
  for (const ClockPair& pair : pairs_) {
    if (!pair.offset) continue;
    const bool is_corrected = std::ranges::any_of(
        corrections_, [&](const auto& correction) { return correction.first == pair.larger; });
    offsets.push_back({pair.larger, pair.smaller, *pair.offset, is_corrected});
  }
  return offsets;
}

}  // namespace wirefault
