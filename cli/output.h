// Results go out whole or not at all, and a reader who has seen enough may leave.
#pragma once

#include <string>
#include <string_view>

namespace wirefault::cli {

// Writes to standard output at once. A reader that has gone (`| head`) is fine and ends nothing;
// throws Error with ExitStatus::output_not_written for anything else, such as a full disk.
void write_stdout(std::string_view text);

// Messages for the person at the terminal. Never fails.
void write_stderr(std::string_view text);

}  // namespace wirefault::cli
