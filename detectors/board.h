// Findings while the capture goes on: which of them are new, have grown, or are over. A report asks
// once, at the end; a live view asks again and again, and what it shows must keep its name and its
// place from one time to the next.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "detectors/result.h"

namespace wirefault {

// One finding as it stands now.
struct BoardRow {
  Finding finding;      // its id in order of opening, never renumbered
  Timestamp opened{};   // when it was first reported, by the packet clock; not finding.first
  Timestamp changed{};  // when its count last grew
  bool is_open = true;  // ongoing; false once it is over
  std::uint64_t per_second = 0;  // by which its count grew of late

  Timestamp told{};  // when an event last was of it, and what was told of it then
  std::uint64_t told_count = 0;
  Severity told_severity = Severity::note;
  bool has_lasted = false;  // it was ongoing when the analysis told of it
  bool is_made = true;      // by the analysis, when it last was asked
};

struct BoardEvent {
  enum class Kind : std::uint8_t { open, update, close };
  Kind kind = Kind::open;
  std::size_t row = 0;         // a key of Board::rows()
  std::uint64_t grown_by = 0;  // its count, since the event before this one
};

class Board {
 public:
  // Takes in what the analysis says at `now` (packet time), once a second or less often. Gives the
  // new findings their ids and returns what has happened, in the order of the rows. A finding whose
  // count grew is an `update`, at most every `update_interval`; one that got worse is one at once;
  // one that has ended, or that the analysis no longer makes, is a `close`; should it come back, it
  // is an `open` of the same row. What is over each time it is heard of (a lookup that failed) is
  // open until nothing is added to it for `quiet_time`. Numbers that are settled only after the
  // close are an `update` that much later. `is_last`: nothing more will come, and all is told.
  std::vector<BoardEvent> take(const Result& result, Timestamp now, bool is_last = false);

  // Gives the findings of `result`, all of them on the board, the ids that they have here.
  void rename(Result& result) const;

  // By number, which is that of the id. What a user has seen he can look up again for long: only
  // of findings that the analysis no longer makes are the oldest dropped, when there are too many.
  const std::map<std::size_t, BoardRow>& rows() const { return rows_; }
  const BoardRow* find(std::size_t row) const {
    const auto found = rows_.find(row);
    return found == rows_.end() ? nullptr : &found->second;
  }

  // Findings that were opened so far, by detector.
  const std::map<std::string_view, std::uint64_t>& opened() const { return opened_; }

  static constexpr std::size_t most_rows = 1000;
  static constexpr Duration update_interval = std::chrono::seconds{30};
  // Longer than anything waits for its answer that clients do not repeat: the trackers' deadlines
  // are 3 to 5 s, and resolver libraries ask again after 5 s.
  static constexpr Duration quiet_time = std::chrono::seconds{10};

 private:
  void drop_oldest(Timestamp now);

  std::map<std::uint64_t, std::size_t> by_fingerprint_;
  std::map<std::size_t, BoardRow> rows_;
  std::size_t last_row_ = 0;
  std::map<std::string_view, std::uint64_t> opened_;
  Timestamp before_{};  // `now` of the last time
};

}  // namespace wirefault
