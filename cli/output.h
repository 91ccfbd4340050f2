// Results go out whole or not at all, and a reader who has seen enough may leave.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "capture/error.h"

namespace wirefault::cli {

// Writes to standard output at once. A reader that has gone (`| head`) is fine and ends nothing;
// throws Error with ExitStatus::output_not_written for anything else, such as a full disk.
void write_stdout(std::string_view text);

// Writes all of it, however long that takes. Returns 0, or the errno of the write that failed.
int write_all(int file, std::string_view text);
// Throws Error with ExitStatus::output_not_written.
[[noreturn]] void cannot_write(std::string_view where, int problem);

// Messages for the person at the terminal. Never fails.
void write_stderr(std::string_view text);

// Tells the person what is wrong and what to do about it.
void complain(const Error& error);

// A file that appears under its name only when it is complete. Opened before the analysis, so that
// a directory that cannot be written to is known before an hour of reading. Names of devices and
// pipes are written to directly.
class OutputFile {
 public:
  // Throws Error with ExitStatus::output_not_written.
  explicit OutputFile(std::string name);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // All of it, once. Throws Error with ExitStatus::output_not_written; what stood under the name
  // before is then untouched.
  void write(std::string_view text);

 private:
  [[noreturn]] void fail(int problem) const;

  std::string name_;
  std::string temporary_;  // empty: none, or already renamed
  int file_ = -1;
};

// What goes to somebody who may be slower than the wire, such as the reader of a pipe: it waits
// here, and never keeps the capture waiting.
class PatientOutput {
 public:
  explicit PatientOutput(int file) : file_{file} {}

  // The oldest lines give way when too much waits.
  void add(std::string_view line);
  // Writes as much as is taken at once. False when nobody is there to take it any more.
  bool flush();
  // All of it, however long that takes.
  void finish();

  bool is_gone() const { return is_gone_; }     // its reader, or the place to write to
  std::uint64_t lost() const { return lost_; }  // lines
  // Why nothing can be written any more, such as a full disk; 0: nothing is wrong, or the reader
  // has gone.
  int problem() const { return problem_; }

 private:
  static constexpr std::size_t most_waiting = std::size_t{1} << 20;

  void take(ssize_t written);

  int file_;
  std::string waiting_;
  bool is_within_line_ = false;  // the start of the first line is written already
  bool is_gone_ = false;
  std::uint64_t lost_ = 0;
  int problem_ = 0;
};

// Columns of the terminal that standard output is, or 0 when it is none.
std::size_t terminal_width();
// Columns to write for: those of the terminal, but never so many that lines are hard to read; 80
// elsewhere.
std::size_t screen_width();

}  // namespace wirefault::cli
