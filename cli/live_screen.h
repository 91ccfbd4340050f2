// The live screen as the capture's loop sees it: shown something once a second, asked now and then
// what the user wants.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/keys.h"
#include "cli/screen_keys.h"
#include "cli/terminal.h"
#include "report/screen.h"

namespace wirefault::cli {

class LiveScreen {
 public:
  // `board` must outlive this.
  LiveScreen(std::unique_ptr<Terminal> terminal, const ScreenLook& look, const Board& board);

  // Once a second, and once at the start. While the user holds the picture still, nothing new is
  // looked at.
  void show(const LiveStatus& status);

  // What the user wants of the caller.
  struct Wish {
    enum class Kind : std::uint8_t { quit, save_evidence, draw_exchange };
    Kind kind = Kind::quit;
    std::size_t row = 0;  // of Board::rows()
  };
  // To be called whenever the loop comes by: does nothing unless a moment has
  // passed. Reads keys, follows the terminal's size, sends what waits to be sent.
  std::vector<Wish> update();

  // What draw_exchange asked for; null where its packets are gone.
  void draw(std::shared_ptr<const Exchange> exchange);
  // One line at the bottom, until the next key.
  void say(std::string message);

  // What to poll, for input, and for output while is_behind(). The loop may also just come by five
  // times a second.
  int descriptor() const { return terminal_->descriptor(); }
  bool is_behind() const { return terminal_->is_behind(); }
  // The terminal hung up: nobody looks any more.
  bool is_gone() const { return terminal_->is_gone(); }
  // After SIGCONT.
  void resume();

 private:
  using Clock = std::chrono::steady_clock;

  const Board& board() const { return held_ ? *held_ : board_; }
  void take(const Key& key, std::vector<Wish>& wishes);
  void draw();

  std::unique_ptr<Terminal> terminal_;
  const ScreenLook look_;
  KeyDecoder decoder_;
  ScreenState state_;
  LiveStatus status_;
  const Board& board_;
  std::optional<Board> held_;  // while the picture is held still
  ScreenSize size_;
  Clock::time_point updated_{};
  Clock::time_point typed_{};
};

}  // namespace wirefault::cli
