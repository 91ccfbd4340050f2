#include "detectors/board.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wirefault {

std::vector<BoardEvent> Board::take(const Result& result, Timestamp now) {
  using Kind = BoardEvent::Kind;
  std::vector<BoardEvent> events;
  std::vector<bool> is_made(rows_.size(), false);
  const std::int64_t passed_ms =
      std::max<std::int64_t>((now - before_) / std::chrono::milliseconds{1}, 1);
  for (const Finding& finding : result.findings) {
    const bool goes_on = finding.state == FindingState::ongoing;
    const auto [known, is_new] = by_fingerprint_.try_emplace(finding.fp, rows_.size());
    const std::size_t at = known->second;
    if (is_new) {
      rows_.push_back({finding, now, now, goes_on, 0});
      rows_.back().finding.id = fmt::format("F{}", at + 1);
      told_.push_back(now);
      is_made.push_back(true);
      events.push_back({Kind::open, at});
      // What is over when it is first seen opens and closes at once: both are told.
      if (!goes_on) events.push_back({Kind::close, at});
      continue;
    }
    is_made[at] = true;
    BoardRow& row = rows_[at];
    const std::uint64_t grown = finding.count - std::min(finding.count, row.finding.count);
    row.per_second = grown * 1000 / static_cast<std::uint64_t>(passed_ms);
    std::string id = std::move(row.finding.id);
    row.finding = finding;
    row.finding.id = std::move(id);
    if (grown != 0) row.changed = now;
    if (goes_on != row.is_open) {
      row.is_open = goes_on;
      told_[at] = now;
      events.push_back({goes_on ? Kind::open : Kind::close, at});
    } else if (row.changed > told_[at] && now - told_[at] >= update_interval) {
      told_[at] = now;
      events.push_back({Kind::update, at});
    }
  }
  for (std::size_t at = 0; at < rows_.size(); ++at) {
    if (is_made[at] || !rows_[at].is_open) continue;
    rows_[at].is_open = false;
    rows_[at].per_second = 0;
    told_[at] = now;
    events.push_back({Kind::close, at});
  }
  before_ = now;
  // Of one row, what opens comes before what closes.
  std::sort(events.begin(), events.end(), [](const BoardEvent& a, const BoardEvent& b) {
    return std::pair{a.row, a.kind} < std::pair{b.row, b.kind};
  });
  return events;
}

void Board::rename(Result& result) const {
  std::map<std::string, std::string> names;
  for (Finding& finding : result.findings) {
    const auto known = by_fingerprint_.find(finding.fp);
    if (known == by_fingerprint_.end()) continue;
    const std::string& id = rows_[known->second].finding.id;
    names[finding.id] = id;
    finding.id = id;
  }
  for (Incident& incident : result.incidents) {
    if (const auto root = names.find(incident.root); root != names.end()) {
      incident.root = root->second;
    }
    for (std::string& id : incident.findings) {
      if (const auto name = names.find(id); name != names.end()) id = name->second;
    }
  }
}

}  // namespace wirefault
