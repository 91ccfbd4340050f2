#include "detectors/board.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace wirefault {

std::vector<BoardEvent> Board::take(const Result& result, Timestamp now, bool is_last) {
  using Kind = BoardEvent::Kind;
  std::vector<BoardEvent> events;
  const auto tell = [&](Kind kind, std::size_t at) {
    BoardRow& row = rows_.at(at);
    const std::uint64_t count = row.finding.count;
    events.push_back({kind, at, count - std::min(count, row.told_count)});
    row.told = now;
    row.told_count = std::max(row.told_count, count);
    row.told_severity = row.finding.severity;
  };
  const std::int64_t passed_ms =
      std::max<std::int64_t>((now - before_) / std::chrono::milliseconds{1}, 1);
  for (auto& [number, row] : rows_) row.is_made = false;
  for (const Finding& finding : result.findings) {
    const auto [known, is_new] = by_fingerprint_.try_emplace(finding.fp, last_row_ + 1);
    const std::size_t at = known->second;
    BoardRow& row = rows_[at];
    row.is_made = true;
    const std::uint64_t grown = finding.count - std::min(finding.count, row.finding.count);
    std::string id = is_new ? fmt::format("F{}", at) : std::move(row.finding.id);
    row.finding = finding;
    row.finding.id = std::move(id);
    if (grown != 0 || is_new) row.changed = now;
    const bool is_ongoing = finding.state == FindingState::ongoing;
    if (is_ongoing) row.has_lasted = true;
    const bool is_quiet = is_last || now - row.changed >= quiet_time;
    const bool goes_on = is_ongoing || (!row.has_lasted && !is_quiet);
    if (is_new) {
      last_row_ = at;
      row.opened = now;
      ++opened_[finding.detector];
      tell(Kind::open, at);
      // At the very end, what is over opens and closes at once: both are told.
      row.is_open = goes_on;
      if (!goes_on) tell(Kind::close, at);
      continue;
    }
    row.per_second = grown * 1000 / static_cast<std::uint64_t>(passed_ms);
    const Duration interval = row.is_open ? update_interval : quiet_time;
    if (goes_on != row.is_open) {
      row.is_open = goes_on;
      tell(goes_on ? Kind::open : Kind::close, at);
    } else if (row.is_open && finding.severity > row.told_severity) {
      tell(Kind::update, at);
    } else if (row.changed > row.told && (is_last || now - row.told >= interval)) {
      tell(Kind::update, at);
    }
  }
  for (auto& [number, row] : rows_) {
    if (row.is_made || !row.is_open) continue;
    row.is_open = false;
    row.per_second = 0;
    tell(Kind::close, number);
  }
  before_ = now;
  // Of one row, what opens comes before what closes.
  std::sort(events.begin(), events.end(), [](const BoardEvent& a, const BoardEvent& b) {
    return std::pair{a.row, a.kind} < std::pair{b.row, b.kind};
  });
  if (rows_.size() > most_rows) drop_oldest(now);
  return events;
}

// Those whose closing is told just now stay, so that it can be.
void Board::drop_oldest(Timestamp now) {
  for (auto row = rows_.begin(); row != rows_.end() && rows_.size() > most_rows;) {
    if (row->second.is_made || row->second.told == now) {
      ++row;
    } else {
      by_fingerprint_.erase(row->second.finding.fp);
      row = rows_.erase(row);
    }
  }
}

void Board::rename(Result& result) const {
  std::map<std::string, std::string> names;
  for (Finding& finding : result.findings) {
    const auto known = by_fingerprint_.find(finding.fp);
    if (known == by_fingerprint_.end()) continue;
    const std::string& id = rows_.at(known->second).finding.id;
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
