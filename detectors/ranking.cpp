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

// Those that are kept from something. Whoever asked once for what nobody ever got may be a stranger
// who tries one address after the other.
std::uint64_t clients_of(const Finding& finding) {
  std::uint64_t most = 0;
  for (const Who& who : finding.who) {
    if (who.role == "client") most = std::max(most, who.distinct);
  }
  for (const Measure& each : finding.measures) {
    if (each.key == "lone_attempts") most -= std::min(most, static_cast<std::uint64_t>(each.value));
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

// What is put together of all but a detector's worst findings, the first of them the worst.
struct Tail {
  Finding sum;
  std::uint64_t merged = 0;
  struct Role {
    std::string_view name;
    std::map<std::string, std::uint64_t> members;
    std::uint64_t distinct = 0;   // of the finding with most
    bool is_approximate = false;  // not all that are concerned are among the members
  };
  std::vector<Role> roles;

  void add(Finding&& finding) {
    if (++merged == 1) {
      sum = std::move(finding);
      for (const Who& each : sum.who) add(each);
      return;
    }
    sum.count += finding.count;
    sum.of += finding.of;
    sum.lower_bound |= finding.lower_bound;
    sum.first = std::min(sum.first, finding.first);
    sum.last = std::max(sum.last, finding.last);
    sum.frames_total += finding.frames_total;
    sum.frames.insert(sum.frames.end(), finding.frames.begin(), finding.frames.end());
    for (const Who& each : finding.who) add(each);
  }

  Finding finish() && {
    if (merged == 1) return std::move(sum);
    std::sort(sum.frames.begin(), sum.frames.end());
    sum.frames.erase(std::unique(sum.frames.begin(), sum.frames.end()), sum.frames.end());
    if (sum.frames.size() > most_frames) sum.frames.resize(most_frames);
    sum.who.clear();
    for (const Role& role : roles) sum.who.push_back(most_concerned(role));
    sum.variant = others;
    sum.entity = others;
    sum.title = fmt::format("{} more findings of this kind", merged);
    sum.display_filter = frame_filter(sum.frames);
    sum.capture_filter.clear();
    sum.causes.clear();
    sum.next.clear();
    return std::move(sum);
  }

 private:
  void add(const Who& from) {
    auto role = std::find_if(roles.begin(), roles.end(),
                             [&](const Role& each) { return each.name == from.role; });
    if (role == roles.end()) role = roles.insert(role, {from.role, {}});
    for (const Who::Member& member : from.top) role->members[member.text] += member.count;
    role->distinct = std::max(role->distinct, from.distinct);
    role->is_approximate |= from.is_approximate || from.distinct > from.top.size();
  }

  static Who most_concerned(const Role& role) {
    Who made{role.name, {}, std::max(role.distinct, role.members.size()), role.is_approximate};
    for (const auto& [text, count] : role.members) made.top.push_back({text, count});
    std::sort(made.top.begin(), made.top.end(), [](const Who::Member& a, const Who::Member& b) {
      return a.count != b.count ? a.count > b.count : a.text < b.text;
    });
    if (made.top.size() > most_members) made.top.resize(most_members);
    return made;
  }
};

}  // namespace

void merge_tails(std::vector<Finding>& findings) {
  std::sort(findings.begin(), findings.end(), is_placed_before);
  std::map<std::string_view, std::size_t> seen;
  std::map<std::string_view, Tail> tails;
  std::vector<Finding> kept;
  for (Finding& finding : findings) {
    if (++seen[finding.detector] < most_of_one_detector) {
      kept.push_back(std::move(finding));
    } else {
      tails[finding.detector].add(std::move(finding));
    }
  }
  for (auto& [detector, tail] : tails) kept.push_back(std::move(tail).finish());
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
