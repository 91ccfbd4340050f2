// The live screen as lines of text: health on top, the open findings in the middle, the selected
// one in full below, the keys at the bottom. A pure function of what there is to show and of how
// the user has chosen to see it: it knows no terminal and no clock.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "detectors/board.h"
#include "report/ladder.h"
#include "report/live_status.h"
#include "report/words.h"

namespace wirefault {

enum class View : std::uint8_t {
  list,
  detail,   // the selected finding in full, with its worst exchange as a ladder
  explain,  // its detector's page
  copied,   // it as Markdown, to be taken with the mouse where the clipboard is out of reach
  help,
};

enum class Sort : std::uint8_t { worst, newest, most };

struct ScreenState {
  View view = View::list;
  Sort sort = Sort::worst;
  std::string filter{};    // words; a row that is listed holds all of them
  bool is_typing = false;  // the filter, at the bottom of the screen
  std::string message{};   // one line, until the next key

  std::vector<std::size_t> order{};  // keys of Board::rows(), as they are listed
  std::size_t selected = 0;          // one of `order`, unless that is empty
  bool has_chosen = false;           // until then the topmost is selected
  // Of the selected one, as it was when `detail` was opened; null where its packets are gone.
  std::shared_ptr<const Exchange> exchange{};
  std::size_t scroll = 0;           // first line shown of a view that is longer than the screen
  std::set<std::size_t> cleared{};  // rows that were over when the user had enough of them
  std::size_t hidden = 0;           // rows that are not listed: filtered, or cleared
  Duration sorted_at{};
};

// Lists what the board has by now. Rows that are new go to the end and no row changes its place,
// but every five seconds, or when asked to, when all are sorted anew. `up` is LiveStatus::up.
void arrange(ScreenState& state, const Board& board, Duration up, bool sort_now = false);

struct ScreenSize {
  std::size_t width = 80;
  std::size_t height = 24;
};

struct ScreenLook {
  bool color = false;  // of the severity words; nothing is told by colour alone
  bool utf8 = false;   // blocks in the sparklines
  Zone zone = Zone::utc;
};

// Exactly `height` lines of at most `width` columns. They hold printable ASCII, block characters
// where `utf8`, and SGR sequences (ECMA-48, 8.3.117) where `color`: no other byte, whatever the
// names on the wire are.
std::vector<std::string> draw_screen(const LiveStatus& status, const Board& board,
                                     const ScreenState& state, ScreenSize size,
                                     const ScreenLook& look = {});

// How far a view other than the list can be scrolled, in lines, and how many it shows at once.
struct ScrollRange {
  std::size_t last = 0;
  std::size_t page = 1;
};
ScrollRange scroll_range(const LiveStatus& status, const Board& board, const ScreenState& state,
                         ScreenSize size);

}  // namespace wirefault
