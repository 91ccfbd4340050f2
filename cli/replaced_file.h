// A report or a set of numbers that takes the place of the one before, whole, as often as wanted;
// also by a process that can open nothing itself any more.
#pragma once

#include <string>
#include <string_view>

#include "capture/file_opener.h"

namespace wirefault::cli {

class ReplacedFile {
 public:
  // `path` is what the user gave, for messages; `folder`, that of FilePath{path}, outlives this.
  ReplacedFile(const std::string& path, FileOpener& folder);

  // Throws Error with ExitStatus::output_not_written; what stood there before is then untouched.
  void write(std::string_view text);

 private:
  std::string path_;
  std::string name_;
  std::string temporary_;
  FileOpener& folder_;
};

}  // namespace wirefault::cli
