// Runs a program the way a user would, and says what came of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wirefault::tests {

struct ProcessResult {
  int status;  // exit status, or 128 plus the signal that ended it
  std::string out;
  std::string err;
};

// `command` is the program, looked up in PATH, and its arguments; the file `input` becomes its
// standard input. Killed after a minute.
ProcessResult run(const std::vector<std::string>& command,
                  const std::filesystem::path& input = "/dev/null");

// Whether a process, of ours or of another, is gone after a while.
bool ends(int process);

// Removed, with what is in it, at the end of the scope.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const std::string& content);

}  // namespace wirefault::tests
