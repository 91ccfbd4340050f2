// Findings while the capture goes on: which of them are new, have grown, or are over. A report asks
// once, at the end; a live view asks again and again, and what it shows must keep its name and its
// place from one time to the next.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "detectors/result.h"

namespace wirefault {

// One finding as it stands now. Rows are never dropped while the capture runs: what a user has seen
// he can look up again.
struct BoardRow {
  Finding finding;      // its id in order of opening, never renumbered
  Timestamp opened{};   // when it was first reported, by the packet clock; not finding.first
  Timestamp changed{};  // when its count last grew
  bool is_open = true;  // ongoing; false once it is over
  std::uint64_t per_second = 0;  // by which its count grew of late
};

struct BoardEvent {
  enum class Kind : std::uint8_t { open, update, close };
  Kind kind = Kind::open;
  std::size_t row = 0;  // index into Board::rows()
};

class Board {
 public:
  // Takes in what the analysis says at `now` (packet time), once a second or less often. Gives the
  // new findings their ids and returns what has happened, in the order of the rows. A finding whose
  // count grew is an `update`, at most every `update_interval`; one that has ended, or that the
  // analysis no longer makes, is a `close`; should it come back, it is an `open` of the same row.
  std::vector<BoardEvent> take(const Result& result, Timestamp now);

  // Gives the findings of `result`, all of them on the board, the ids that they have here.
  void rename(Result& result) const;

  // In order of opening: the index of a row never changes.
  const std::vector<BoardRow>& rows() const { return rows_; }

  static constexpr Duration update_interval = std::chrono::seconds{30};

 private:
  std::map<std::uint64_t, std::size_t> by_fingerprint_;
  std::vector<BoardRow> rows_;
  std::vector<Timestamp> told_;  // when each row was last told of
  Timestamp before_{};           // `now` of the last time
};

}  // namespace wirefault
