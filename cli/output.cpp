#include "cli/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "report/words.h"

namespace wirefault::cli {
int write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

[[noreturn]] void cannot_write(std::string_view where, int problem) {
  throw Error{fmt::format("cannot write to {}: {}", where, std::strerror(problem)),
              {},
              ExitStatus::output_not_written};
}

void write_stdout(std::string_view text) {
  const int problem = write_all(STDOUT_FILENO, text);
  if (problem != 0 && problem != EPIPE) cannot_write("standard output", problem);
}

void write_stderr(std::string_view text) {
  write_all(STDERR_FILENO, text);
}

void complain(const Error& error) {
  write_stderr(fmt::format("wirefault: {}\n", printable(error.what())));
  for (std::string_view rest = error.advice(); !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    write_stderr(fmt::format("{}\n", printable(rest.substr(0, end))));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

OutputFile::OutputFile(std::string name) : name_{std::move(name)} {
  struct stat status {};
  const bool exists = stat(name_.c_str(), &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) {
    file_ = open(name_.c_str(), O_WRONLY | O_CLOEXEC);
  } else {
    temporary_ = fmt::format("{}.partial-{}", name_, getpid());
    file_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  }
  if (file_ < 0) {
    const int problem = errno;
    temporary_.clear();
    fail(problem);
  }
}

OutputFile::~OutputFile() {
  if (file_ >= 0) close(file_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void OutputFile::write(std::string_view text) {
  if (const int problem = write_all(file_, text)) fail(problem);
  // A full disk may show only here.
  const int file = file_;
  file_ = -1;
  if (close(file) != 0) fail(errno);
  if (temporary_.empty()) return;
  if (std::rename(temporary_.c_str(), name_.c_str()) != 0) fail(errno);
  temporary_.clear();
}

void OutputFile::fail(int problem) const {
  cannot_write(name_, problem);
}

void PatientOutput::add(std::string_view line) {
  if (is_gone_) return;
  while (waiting_.size() + line.size() > most_waiting) {
    // A line that has begun must be told to its end.
    const std::size_t from = is_within_line_ ? waiting_.find('\n') + 1 : 0;
    const std::size_t end = waiting_.find('\n', from);
    if (end == waiting_.npos) break;
    waiting_.erase(from, end + 1 - from);
    ++lost_;
  }
  waiting_ += line;
}

// A pipe that is said to be writable takes this much without waiting, pipe(7).
bool PatientOutput::flush() {
  while (!waiting_.empty() && !is_gone_) {
    pollfd ready{file_, POLLOUT, 0};
    if (poll(&ready, 1, 0) <= 0 || (ready.revents & (POLLOUT | POLLERR)) == 0) return true;
    take(::write(file_, waiting_.data(), std::min<std::size_t>(waiting_.size(), PIPE_BUF)));
  }
  return !is_gone_;
}

void PatientOutput::finish() {
  while (!waiting_.empty() && !is_gone_) {
    take(::write(file_, waiting_.data(), waiting_.size()));
  }
}

void PatientOutput::take(ssize_t written) {
  if (written < 0) {
    if (errno == EINTR || errno == EAGAIN) return;
    if (errno != EPIPE) problem_ = errno;
    is_gone_ = true;
    waiting_.clear();
    return;
  }
  const auto size = static_cast<std::size_t>(written);
  if (size > 0) is_within_line_ = waiting_[size - 1] != '\n';
  waiting_.erase(0, size);
}

std::size_t terminal_width() {
  if (isatty(STDOUT_FILENO) == 0) return 0;
  winsize size{};
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return known ? size.ws_col : 80;
}

std::size_t screen_width() {
  const std::size_t width = terminal_width();
  return width == 0 ? 80 : std::clamp<std::size_t>(width, 40, 120);
}

}  // namespace wirefault::cli
