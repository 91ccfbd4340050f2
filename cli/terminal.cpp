#include "cli/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "capture/error.h"

namespace wirefault::cli {
namespace {

// Alternate screen, no wrapping at the right margin, no cursor, all blank.
constexpr std::string_view enter_sequence = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[2J";
constexpr std::string_view leave_sequence = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
// Ends a control sequence of which the rest never comes: ECMA-48, 8.3.6.
constexpr std::string_view cancel = "\x18";

// A terminal may claim any size; nobody reads a line of a thousand columns.
constexpr std::size_t most_columns = 1000;
constexpr std::size_t most_rows = 500;
constexpr std::size_t most_unsent = std::size_t{1} << 20;

// What a crash has to undo. Written before `entered` is, read by signal handlers only.
termios modes_before{};
volatile std::sig_atomic_t entered = -1;  // the terminal's descriptor; -1: nothing to undo

constexpr std::array fatal_signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT};

// Runs once for a signal; raised again, or met again where raising is forbidden, it ends the
// program.
void on_fatal(int signal) {
  const int file = entered;
  if (file >= 0) {
    entered = -1;
    [[maybe_unused]] const ssize_t written =
        write(file, leave_sequence.data(), leave_sequence.size());
    tcsetattr(file, TCSANOW, &modes_before);
  }
  if (raise(signal) != 0 && signal == SIGQUIT) _exit(128 + SIGQUIT);
}

void catch_fatal_signals() {
  struct sigaction action {};
  action.sa_handler = on_fatal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : fatal_signals) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler == SIG_DFL) sigaction(signal, &action, nullptr);
  }
  // Giving a terminal back from the background is meant.
  std::signal(SIGTTOU, SIG_IGN);
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

Terminal::Terminal(const std::string& name)
    : file_{open(name.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)} {
  if (file_ < 0 || tcgetattr(file_, &modes_before) != 0) {
    const int problem = errno;
    if (file_ >= 0) close(file_);
    throw Error{fmt::format("cannot use the terminal {}: {}", name, std::strerror(problem)),
                "  without a screen:  --plain"};
  }
  catch_fatal_signals();
  enter();
}

Terminal::~Terminal() {
  leave();
  close(file_);
}

void Terminal::enter() {
  termios modes = modes_before;
  modes.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);
  modes.c_iflag &= ~static_cast<tcflag_t>(IXON);
  modes.c_cc[VMIN] = 1;
  modes.c_cc[VTIME] = 0;
  // Stopping by a key would leave the shell with our screen.
  modes.c_cc[VSUSP] = _POSIX_VDISABLE;
  entered = file_;
  tcsetattr(file_, TCSANOW, &modes);
  shown_.clear();
  unsent_ += enter_sequence;
  flush();
}

// Gives up after a moment: a terminal that takes nothing must not keep the summary back.
void Terminal::leave() {
  if (entered < 0) return;
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::milliseconds{300};
  const auto drain = [&] {
    while (is_behind() && !is_gone_) {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return;
      pollfd writable{file_, POLLOUT, 0};
      poll(&writable, 1, static_cast<int>(left.count()));
      flush();
    }
  };
  drain();
  if (is_behind()) unsent_ = cancel;
  unsent_ += leave_sequence;
  drain();
  tcsetattr(file_, TCSANOW, &modes_before);
  entered = -1;
}

void Terminal::resume() {
  if (is_gone_) return;
  unsent_.clear();
  unsent_ += cancel;
  enter();
}

ScreenSize Terminal::size() {
  winsize told{};
  ScreenSize now;
  if (ioctl(file_, TIOCGWINSZ, &told) == 0 && told.ws_col != 0 && told.ws_row != 0) {
    now = {std::min<std::size_t>(told.ws_col, most_columns),
           std::min<std::size_t>(told.ws_row, most_rows)};
  }
  if (now.width != size_.width || now.height != size_.height) shown_.clear();
  size_ = now;
  return now;
}

std::string Terminal::read() {
  std::array<char, 256> buffer;
  while (!is_gone_) {
    const ssize_t count = ::read(file_, buffer.data(), buffer.size());
    if (count > 0) return {buffer.data(), static_cast<std::size_t>(count)};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) return {};
    is_gone_ = true;  // hung up
  }
  return {};
}

void Terminal::draw(const std::vector<std::string>& lines) {
  flush();
  if (is_gone_ || is_behind()) return;
  const bool from_scratch = shown_.size() != lines.size();
  if (from_scratch) {
    unsent_ += "\x1b[2J";
    shown_.assign(lines.size(), {});
  }
  for (std::size_t row = 0; row < lines.size(); ++row) {
    if (shown_[row] == lines[row]) continue;
    // Erased first: behind a line that fills its row, erasing takes its last column.
    unsent_ += fmt::format("\x1b[{};1H\x1b[K{}", row + 1, lines[row]);
  }
  shown_ = lines;
  flush();
}

void Terminal::send(std::string_view sequence) {
  if (!is_gone_ && unsent_.size() < most_unsent) unsent_ += sequence;
  flush();
}

void Terminal::flush() {
  std::size_t sent = 0;
  while (!is_gone_ && sent < unsent_.size()) {
    const ssize_t count = ::write(file_, unsent_.data() + sent, unsent_.size() - sent);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno == EAGAIN) {
      break;
    } else if (errno != EINTR) {
      is_gone_ = true;
    }
  }
  unsent_.erase(0, sent);
  if (is_gone_) unsent_.clear();
}

std::unique_ptr<Terminal> open_screen() {
  if (isatty(STDOUT_FILENO) == 0 || variable("TERM") == "dumb") return nullptr;
  const pid_t foreground = tcgetpgrp(STDOUT_FILENO);
  if (foreground > 0 && foreground != getpgrp()) return nullptr;
  for (const char* name : {"/dev/tty", "/proc/self/fd/1"}) {
    try {
      return std::make_unique<Terminal>(name);
    } catch (const Error&) {  // there is another
    }
  }
  return nullptr;
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = variable(name);
    if (value.empty()) continue;
    std::string lower{value};
    for (char& character : lower) {
      if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + 32);
    }
    return lower.find("utf-8") != lower.npos || lower.find("utf8") != lower.npos;
  }
  return false;
}

}  // namespace wirefault::cli
