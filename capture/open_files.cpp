#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>

#include "capture/capture_file.h"
#include "capture/error.h"
#include "capture/shell_word.h"
#include "capture/source.h"
#include "capture/suggest.h"

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

// Several files as one timeline. Each gives its packets in its own order; of the packets that come
// next in their files, the earliest is the next in the timeline, and of equally early ones that of
// the file named first.
//
// A rotated capture is hundreds of files of which hardly two overlap, so a file is only looked at
// when it is named, and opened again when the timeline has come to its first packet. What cannot be
// opened twice stays open.
class MergedFiles final : public Source {
 public:
  MergedFiles(const std::vector<std::string>& names, const FileOptions& options)
      : filter_{options.filter.empty() ? nullptr : std::make_unique<Filter>(options.filter)},
        sources_(names.size()) {
    for (std::size_t i = 0; i < names.size(); ++i) look_at(static_cast<std::uint16_t>(i), names[i]);
    std::ranges::sort(waiting_, std::ranges::greater{}, &Waiting::first_time);
  }

  std::span<const Packet> next() override {
    batch_.clear();
    for (Input& input : inputs_) input.refill();
    std::erase_if(inputs_, [](const Input& input) { return input.ahead.empty(); });
    // A file's next batch takes the place of the packets handed out from its last.
    while (!batch_.is_full()) {
      open_due();
      const auto earliest = std::ranges::min_element(inputs_, {}, &Input::key);
      if (earliest == inputs_.end()) break;
      batch_.add(earliest->ahead.front());
      earliest->ahead = earliest->ahead.subspan(1);
      if (earliest->ahead.empty()) break;
    }
    return batch_.packets();
  }

  const std::vector<SourceInfo>& sources() const override { return sources_; }

 private:
  struct Input {
    std::uint16_t source;
    std::unique_ptr<CaptureFile> file;
    std::span<const Packet> ahead;

    void refill() {
      if (ahead.empty()) ahead = file->next();
    }
    std::pair<Timestamp, std::uint16_t> key() const { return {ahead.front().time, source}; }
  };
  struct Waiting {
    std::uint16_t source;
    Timestamp first_time;
  };

  std::unique_ptr<CaptureFile> open(std::uint16_t source, const std::string& name, Filter* filter) {
    sources_[source] = SourceInfo{};
    return std::make_unique<CaptureFile>(open_byte_stream(name), name, source, filter,
                                         sources_[source]);
  }

  void look_at(std::uint16_t source, const std::string& name) {
    struct stat status {};
    const bool can_be_opened_twice =
        name != "-" && stat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode);
    if (!can_be_opened_twice) {
      add_input(source, open(source, name, filter_.get()));
      return;
    }
    const auto file = open(source, name, nullptr);
    const std::span<const Packet> first = file->next();
    if (!first.empty()) waiting_.push_back({source, first.front().time});
  }

  void open_due() {
    while (!waiting_.empty() && is_due(waiting_.back())) {
      const std::uint16_t source = waiting_.back().source;
      waiting_.pop_back();
      const std::string name = sources_[source].name;
      add_input(source, open(source, name, filter_.get()));
    }
  }

  bool is_due(const Waiting& waiting) const {
    return std::ranges::none_of(
        inputs_, [&](const Input& input) { return input.ahead.front().time < waiting.first_time; });
  }

  void add_input(std::uint16_t source, std::unique_ptr<CaptureFile> file) {
    Input input{source, std::move(file), {}};
    input.refill();
    if (!input.ahead.empty()) inputs_.push_back(std::move(input));
  }

  std::unique_ptr<Filter> filter_;
  std::vector<SourceInfo> sources_;
  std::vector<Input> inputs_;     // open, each with at least one packet ahead
  std::vector<Waiting> waiting_;  // the earliest last
  Batch batch_;
};

std::string names_nearby(const std::string& missing) {
  const std::filesystem::path path{missing};
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator{folder, error}) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  const std::vector<std::string_view> candidates{names.begin(), names.end()};
  const std::string_view meant = closest(path.filename().string(), candidates);
  if (meant.empty()) return {};
  return fmt::format("  did you mean: {}", (path.parent_path() / meant).string());
}

// What a look at the name tells, so that a mistyped third file stops us before work on the first.
void check_readable(const std::string& name) {
  if (name == "-") return;
  struct stat status {};
  if (stat(name.c_str(), &status) != 0) {
    const int reason = errno;
    throw Error{fmt::format("cannot open {}: {}", name, std::strerror(reason)),
                reason == ENOENT ? names_nearby(name) : std::string{}};
  }
  if (S_ISDIR(status.st_mode)) {
    throw Error{
        fmt::format("{} is a directory", name),
        fmt::format("  name the files in it, as in:  wirefault analyze {}/*", shell_word(name))};
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
  constexpr std::size_t most_files = std::numeric_limits<std::uint16_t>::max();
  if (names.empty()) throw Error{"no capture file named"};
  if (names.size() > most_files) throw Error{fmt::format("more than {} files", most_files)};
  if (std::ranges::count(names, "-") > 1) throw Error{"standard input can be read only once"};
  for (const std::string& name : names) check_readable(name);
  if (names.size() == 1) return open_stream(open_byte_stream(names[0]), names[0], options);
  return std::make_unique<MergedFiles>(names, options);
}

}  // namespace wirefault
