// Results go out whole or not at all, and a reader who has seen enough may leave.
#pragma once

#include <string>
#include <string_view>

#include "capture/error.h"

namespace wirefault::cli {

// Writes to standard output at once. A reader that has gone (`| head`) is fine and ends nothing;
// throws Error with ExitStatus::output_not_written for anything else, such as a full disk.
void write_stdout(std::string_view text);

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

// Columns of the terminal that standard output is, or 0 when it is none.
std::size_t terminal_width();
// Columns to write for: those of the terminal, but never so many that lines are hard to read; 80
// elsewhere.
std::size_t screen_width();

}  // namespace wirefault::cli
