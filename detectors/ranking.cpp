#include "detectors/ranking.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "detectors/wording.h"
#include "dissectors/hash.h"

namespace wirefault {
namespace {

constexpr std::size_t most_of_one_detector = 20;
constexpr std::size_t most_frames = 1000;
constexpr std::size_t most_members = 5;

constexpr std::string_view others = "others";

// What merge_tails() made of many: their sum says nothing of how bad each is.
bool is_tail(const Finding& finding) {
  return finding.entity == others && finding.variant == others;
}

std::uint64_t clients_of(const Finding& finding) {
  std::uint64_t most = 0;
  for (const Who& who : finding.who) {
    if (who.role == "client") most = std::max(most, who.distinct);
  }
  return most;
}

auto place(const Finding& finding) {
  return std::tuple{-static_cast<int>(finding.severity),
                    is_tail(finding),
                    ~clients_of(finding),
                    -static_cast<int>(finding.confidence),
                    ~finding.count,
                    finding.first,
                    finding.detector,
                    finding.variant,
                    std::string_view{finding.entity}};
}

bool is_placed_before(const Finding& a, const Finding& b) {
  return place(a) < place(b);
}

void add_who(std::vector<Who>& to, const Who& from) {
  const auto same =
      std::find_if(to.begin(), to.end(), [&](const Who& each) { return each.role == from.role; });
  if (same == to.end()) {
    to.push_back(from);
    return;
  }
  same->is_approximate |= from.is_approximate;
  for (const Who::Member& member : from.top) {
    const auto known =
        std::find_if(same->top.begin(), same->top.end(),
                     [&](const Who::Member& each) { return each.text == member.text; });
    if (known != same->top.end()) {
      known->count += member.count;
    } else {
      ++same->distinct;
      if (same->top.size() < most_members) same->top.push_back(member);
    }
  }
}

// Takes `from` into `into`, the worse of the two.
void absorb(Finding& into, const Finding& from) {
  into.count += from.count;
  into.of += from.of;
  into.lower_bound |= from.lower_bound;
  into.first = std::min(into.first, from.first);
  into.last = std::max(into.last, from.last);
  into.frames_total += from.frames_total;
  into.frames.insert(into.frames.end(), from.frames.begin(), from.frames.end());
  std::sort(into.frames.begin(), into.frames.end());
  into.frames.erase(std::unique(into.frames.begin(), into.frames.end()), into.frames.end());
  if (into.frames.size() > most_frames) into.frames.resize(most_frames);
  for (const Who& each : from.who) add_who(into.who, each);
}

}  // namespace

void merge_tails(std::vector<Finding>& findings) {
  std::sort(findings.begin(), findings.end(), is_placed_before);
  std::map<std::string_view, std::size_t> seen;
  std::map<std::string_view, Finding> tails;
  std::map<std::string_view, std::uint64_t> merged;
  std::vector<Finding> kept;
  for (Finding& finding : findings) {
    if (++seen[finding.detector] < most_of_one_detector) {
      kept.push_back(std::move(finding));
    } else if (++merged[finding.detector] == 1) {
      tails[finding.detector] = std::move(finding);
    } else {
      absorb(tails[finding.detector], finding);
    }
  }
  for (auto& [detector, tail] : tails) {
    if (merged[detector] > 1) {
      tail.variant = others;
      tail.entity = others;
      tail.title = fmt::format("{} more findings of this kind", merged[detector]);
      tail.display_filter = frame_filter(tail.frames);
      tail.causes.clear();
      tail.next.clear();
    }
    kept.push_back(std::move(tail));
  }
  findings = std::move(kept);
}

void rank(std::vector<Finding>& findings) {
  for (Finding& finding : findings) {
    // An absence that nothing corroborates never says more than "warning".
    if (finding.confidence == Confidence::possible) {
      finding.severity = std::min(finding.severity, Severity::warning);
    }
    finding.fp =
        stable_hash(finding.entity, stable_hash(finding.variant, stable_hash(finding.detector)));
  }
  std::sort(findings.begin(), findings.end(), is_placed_before);
  std::uint64_t number = 0;
  for (Finding& finding : findings) finding.id = fmt::format("F{}", ++number);
}

}  // namespace wirefault
