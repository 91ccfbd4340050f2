#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "capture/capture_file.h"
#include "capture/error.h"
#include "capture/source.h"

namespace wirefault {
namespace {

class SingleFile final : public Source {
 public:
  SingleFile(std::unique_ptr<ByteStream> stream, const std::string& name,
             const FileOptions& options)
      : filter_{options.filter.empty() ? nullptr : std::make_unique<Filter>(options.filter)},
        sources_(1),
        file_{std::move(stream), name, 0, filter_.get(), sources_[0]} {}

  std::span<const Packet> next() override { return file_.next(); }
  const std::vector<SourceInfo>& sources() const override { return sources_; }

 private:
  std::unique_ptr<Filter> filter_;
  std::vector<SourceInfo> sources_;
  CaptureFile file_;
};

// What a look at the name tells, so that a mistyped third file stops us before work on the first.
void check_readable(const std::string& name) {
  if (name == "-") return;
  struct stat status {};
  if (stat(name.c_str(), &status) != 0) {
    throw Error{fmt::format("cannot open {}: {}", name, std::strerror(errno))};
  }
  if (S_ISDIR(status.st_mode)) {
    throw Error{fmt::format("{} is a directory", name),
                fmt::format("  name the files in it, as in:  wirefault analyze {}/*", name)};
  }
  if (access(name.c_str(), R_OK) != 0) {
    throw Error{fmt::format("cannot open {}: {}", name, std::strerror(errno))};
  }
}

}  // namespace

std::unique_ptr<Source> open_stream(std::unique_ptr<ByteStream> stream, const std::string& name,
                                    const FileOptions& options) {
  return std::make_unique<SingleFile>(std::move(stream), name, options);
}

std::unique_ptr<Source> open_files(const std::vector<std::string>& names,
                                   const FileOptions& options) {
  for (const std::string& name : names) check_readable(name);
  if (names.size() != 1) throw Error{"several files at once are not read yet"};
  return open_stream(open_byte_stream(names[0]), names[0], options);
}

}  // namespace wirefault
