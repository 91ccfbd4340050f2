#include "detectors/silences.h"

#include <algorithm>

namespace wirefault {

void Silence::add_lookup(std::uint64_t hash) {
  const auto known = lookups.begin() + lookup_count;
  if (lookup_count == lookups.size() || std::find(lookups.begin(), known, hash) != known) return;
  lookups[lookup_count++] = hash;
}

void Silences::close(Timestamp response) {
  Silence& given_up = past_[next_];
  if (given_up.is_outage()) {
    ++forgotten_;
    forgotten_too_late_ += given_up.too_late;
    if (longest_forgotten_.length() < given_up.length()) longest_forgotten_ = given_up;
  }
  open_.until = response;
  given_up = open_;
  next_ = (next_ + 1) % past_.size();
  open_ = {};
  open_.after = response;
}

Silence* Silences::of(Timestamp asked) {
  if (!open_.after || asked > *open_.after) return &open_;
  for (Silence& past : past_) {
    if (past.until && asked < *past.until && (!past.after || asked > *past.after)) return &past;
  }
  return nullptr;
}

const Silence* Silences::longest() const {
  const Silence* longest = longest_forgotten_.is_outage() ? &longest_forgotten_ : nullptr;
  const auto consider = [&](const Silence& silence) {
    if (!silence.is_outage()) return;
    if (longest == nullptr || longest->length() < silence.length()) longest = &silence;
  };
  for (const Silence& past : past_) consider(past);
  consider(open_);
  return longest;
}

std::uint64_t Silences::outages() const {
  const auto outage = [](const Silence& silence) { return silence.is_outage(); };
  const auto past = std::count_if(past_.begin(), past_.end(), outage);
  return forgotten_ + static_cast<std::uint64_t>(past) + (is_out() ? 1 : 0);
}

std::uint64_t Silences::too_late() const {
  std::uint64_t sum = forgotten_too_late_;
  for (const Silence& past : past_) {
    if (past.is_outage()) sum += past.too_late;
  }
  return sum;
}

}  // namespace wirefault
