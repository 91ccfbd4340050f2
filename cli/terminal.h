// A terminal as a screen: raw keys in, lines out. Plain ECMA-48, since a box in trouble may have no
// terminfo. Nothing here ever waits for the terminal: a slow one misses pictures, one that is gone
// is told of and nothing else happens.
#pragma once

#include <termios.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "report/screen.h"

namespace wirefault::cli {

// One at a time. While it lives, the terminal is in raw mode, without echo, on its alternate
// screen; Ctrl-C is still a signal. Destruction gives it back as it was, and so does a crash.
class Terminal {
 public:
  // Opened anew by its name, so that its not blocking is nobody else's business. Throws Error.
  explicit Terminal(const std::string& name);
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // To be polled for input, and for output while is_behind().
  int descriptor() const { return file_; }

  // As it is now; to be asked again after SIGWINCH. Another size than before is drawn from scratch.
  ScreenSize size();
  // What was typed; empty: nothing.
  std::string read();

  // Sends what differs from what the terminal shows. Left out while it is behind.
  void draw(const std::vector<std::string>& lines);
  // A control sequence that shows nothing, such as for the clipboard.
  void send(std::string_view sequence);
  // What the terminal has not taken yet; to be called when it takes more.
  void flush();
  bool is_behind() const { return !unsent_.empty(); }

  // It hung up. Everything but the destructor does nothing from then on.
  bool is_gone() const { return is_gone_; }

  // After SIGCONT: the shell has had the terminal for itself.
  void resume();

 private:
  void enter();
  void leave();

  int file_ = -1;
  bool is_gone_ = false;
  ScreenSize size_{};
  std::vector<std::string> shown_;  // once what is unsent has arrived; empty: anything
  std::string unsent_;
};

// The terminal that the user sees, if there is one that can be a screen: standard output is one,
// and ours (not the job's before us), and TERM is not "dumb". Null otherwise.
std::unique_ptr<Terminal> open_screen();

// Whether the locale, by its variables, is one of UTF-8.
bool locale_is_utf8();

}  // namespace wirefault::cli
