#include "cli/replaced_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "cli/output.h"

namespace wirefault::cli {

ReplacedFile::ReplacedFile(const std::string& path, FileOpener& folder)
    : path_{path},
      name_{FilePath{path}.name},
      temporary_{fmt::format("{}.partial-{}", name_, getpid())},
      folder_{folder} {
  if (name_.empty()) throw Error{fmt::format("{} is no name of a file", path)};
}

void ReplacedFile::write(std::string_view text) {
  FileOpener::Created made = folder_.create(temporary_);
  if (made.error == EEXIST && folder_.remove(temporary_) == 0) made = folder_.create(temporary_);
  if (made.error != 0) cannot_write(path_, made.error);
  if (const int problem = write_all(made.file.get(), text)) {
    folder_.remove(temporary_);
    cannot_write(path_, problem);
  }
  made.file.reset();
  if (const int problem = folder_.rename(temporary_, name_)) cannot_write(path_, problem);
}

}  // namespace wirefault::cli
