// A terminal without anybody in front of it: what a user would type, and what he would see.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "tests/support/catch.h"

namespace wirefault::tests {

// The end of the user: keys in, picture out.
class UserEnd {
 public:
  explicit UserEnd(unsigned short columns = 80, unsigned short rows = 24)
      : end_{posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)} {
    REQUIRE(end_ >= 0);
    REQUIRE(grantpt(end_) == 0);
    REQUIRE(unlockpt(end_) == 0);
    name_ = ptsname(end_);
    // Held open, so that the terminal outlives the screen.
    other_end_ = open(name_.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    REQUIRE(other_end_ >= 0);
    resize(columns, rows);
  }
  ~UserEnd() {
    hang_up();
    close(other_end_);
  }
  UserEnd(const UserEnd&) = delete;
  UserEnd& operator=(const UserEnd&) = delete;

  const std::string& name() const { return name_; }

  void resize(unsigned short columns, unsigned short rows) {
    winsize size{};
    size.ws_col = columns;
    size.ws_row = rows;
    REQUIRE(ioctl(end_, TIOCSWINSZ, &size) == 0);
  }
  void type(std::string_view text) {
    REQUIRE(write(end_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void hang_up() {
    if (end_ >= 0) close(end_);
    end_ = -1;
  }
  // All that has arrived by now.
  std::string seen() {
    std::string text;
    char buffer[4096];
    pollfd readable{end_, POLLIN, 0};
    while (poll(&readable, 1, 20) == 1) {
      const ssize_t count = ::read(end_, buffer, sizeof buffer);
      if (count <= 0) break;
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return text;
  }
  termios modes() const {
    termios now{};
    REQUIRE(tcgetattr(other_end_, &now) == 0);
    return now;
  }

 private:
  int end_;
  int other_end_ = -1;
  std::string name_;
};

// As much of a terminal as our screen needs: what it would show after all it was sent.
class Emulator {
 public:
  void take(std::string_view text) {
    unread_ += text;
    std::size_t at = 0;
    while (at < unread_.size()) {
      const std::size_t used = step(std::string_view{unread_}.substr(at));
      if (used == 0) break;
      at += used;
    }
    unread_.erase(0, at);
  }
  std::string line(std::size_t row) const {
    const auto found = rows_.find(row);
    return found == rows_.end() ? std::string{} : found->second;
  }
  bool is_alternate() const { return is_alternate_; }
  const std::string& clipboard() const { return clipboard_; }
  bool shows(std::string_view text) const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const auto& row) { return row.second.find(text) != text.npos; });
  }

 private:
  std::size_t step(std::string_view text) {
    if (text[0] != '\x1b') {
      std::string& line = rows_[row_];
      line.resize(std::max(line.size(), column_ + 1), ' ');
      line[column_++] = text[0];
      return 1;
    }
    const bool is_command = text.size() > 1 && text[1] == ']';
    const std::size_t end = text.find_first_of(is_command ? "\x07" : "hlHJKm", 1);
    if (end == text.npos) return 0;
    if (is_command) {
      clipboard_ = text.substr(2, end - 2);
      return end + 1;
    }
    const std::string sequence{text.substr(1, end)};
    if (sequence == "[2J") rows_.clear();
    if (sequence == "[K") rows_[row_].resize(column_);
    if (sequence == "[?1049h") is_alternate_ = true;
    if (sequence == "[?1049l") is_alternate_ = false;
    if (sequence.back() == 'H') {
      row_ = static_cast<std::size_t>(std::atoi(sequence.c_str() + 1)) - 1;
      column_ = 0;
    }
    return end + 1;
  }

  std::string unread_;
  std::string clipboard_;
  std::map<std::size_t, std::string> rows_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  bool is_alternate_ = false;
};

}  // namespace wirefault::tests
