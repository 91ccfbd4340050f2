// What each key does to the live screen.
#pragma once

#include "cli/keys.h"
#include "report/screen.h"

namespace wirefault::cli {

// What is left to the caller: it owns the capture, the terminal and the files.
enum class ScreenAction : std::uint8_t {
  none,
  quit,
  pause,          // hold the picture, or let it go on
  draw_exchange,  // of the finding at state.selected, which is now shown in full: state.exchange
  save_evidence,  // of the finding at state.selected; the outcome goes into state.message
  copy,           // that finding, as Markdown, to the clipboard
};

// `status` and `board` are those on the screen, `size` is its.
ScreenAction press(ScreenState& state, const Key& key, const LiveStatus& status, const Board& board,
                   ScreenSize size);

// Puts `text` on the clipboard of the user's own machine, through ssh as well, where the terminal
// allows it: OSC 52, as xterm's ctlseqs has it.
std::string clipboard_sequence(std::string_view text);

}  // namespace wirefault::cli
