// The world refuses: no such file, no permission, an unknown setting. Thrown, and caught once in
// main, which prints it and ends with its exit status. Odd traffic is never an Error.
#pragma once

#include <stdexcept>
#include <string>

namespace wirefault {

// The exit statuses of the program; scripts rely on them.
enum class ExitStatus : int {
  finished = 0,
  finding_at_fail_on = 1,
  usage = 2,             // also: unreadable or unrecognised input, bad filter, no permission
  input_incomplete = 3,  // with --strict
  output_not_written = 4,
  interface_vanished = 5,
  internal_inconsistency = 70,
};

class Error : public std::runtime_error {
 public:
  // `message` says what is wrong, in one line and without "error:"; `advice`, may be empty, holds
  // further lines, ready to print, that say what to do.
  explicit Error(const std::string& message, std::string advice = {},
                 ExitStatus status = ExitStatus::usage)
      : std::runtime_error{message}, advice_{std::move(advice)}, status_{status} {}

  const std::string& advice() const { return advice_; }
  ExitStatus status() const { return status_; }

 private:
  std::string advice_;
  ExitStatus status_;
};

}  // namespace wirefault
