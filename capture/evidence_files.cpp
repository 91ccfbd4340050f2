#include "capture/evidence_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <utility>

#include "capture/error.h"

namespace wirefault {
namespace {

// How long packets may wait for a system call of their own. With the quarter of a second that the
// caller has, and as much for a slow disk, it is a second at most.
constexpr Duration flush_interval = std::chrono::milliseconds{500};

// Of a run, whose names are kept to know them again; and of a ring.
constexpr std::size_t most_names = 100'000;

std::string path_of(const std::string& folder, const std::string& name) {
  if (folder == ".") return name;
  return folder.ends_with('/') ? folder + name : fmt::format("{}/{}", folder, name);
}

std::string reason_of(int error) {
  if (error == EINVAL) return "that is no name of a file";
  if (error == EEXIST) return "something else has that name already";
  if (error == EPIPE) return "the process that opens files has ended";
  return std::strerror(error);
}

// Local time, as tcpdump has it. Empty when the name would be too long.
std::string expand(const std::string& format, std::chrono::seconds since_epoch) {
  const std::time_t stamp = static_cast<std::time_t>(since_epoch.count());
  std::tm fields{};
  localtime_r(&stamp, &fields);
  std::array<char, 256> name{};
  return {name.data(), std::strftime(name.data(), name.size(), format.c_str(), &fields)};
}

std::chrono::seconds whole_seconds(Timestamp time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
}

// 0 for 1 file, 1 up to 10, 2 up to 100: as tcpdump has it.
int digits_for(std::uint32_t files) {
  int digits = 0;
  for (std::uint32_t last = files > 0 ? files - 1 : 0; last > 0; last /= 10) ++digits;
  return digits;
}

std::optional<std::uint64_t> grown(const std::optional<std::uint64_t>& now,
                                   const std::optional<std::uint64_t>& before) {
  if (!now) return std::nullopt;
  return *now - std::min(*now, before.value_or(0));
}

}  // namespace

FilePath names_of(const EvidenceOptions& options) {
  FilePath path{options.file};
  if (path.name.empty())
    throw Error{fmt::format("-w {}: the name of a file is missing", options.file)};
  if (options.most_files > most_names) {
    throw Error{fmt::format("-W {}: at most {} files", options.most_files, most_names)};
  }
  if (options.rotate_interval.count() > 0) {
    if (path.folder.find('%') != path.folder.npos) {
      throw Error{
          fmt::format("-w {}: with -G, only the name of the file may hold the time, not that "
                      "of its folder",
                      options.file)};
    }
    if (path.name.find('%') == path.name.npos && !options.force) {
      throw Error{
          fmt::format("-w {}: with -G, each file would replace the one before it", options.file),
          "  put the time into its name, as in evidence-%Y%m%d-%H%M%S.pcapng, or replace "
          "with --force"};
    }
    path.name.resize(std::min(path.name.find('%'), path.name.size()));
  }
  return path;
}

EvidenceFiles::EvidenceFiles(const EvidenceOptions& options, FileOpener& folder,
                             const std::vector<InterfaceInfo>& interfaces, Timestamp now)
    : options_{options},
      folder_{folder},
      interfaces_{interfaces},
      started_{whole_seconds(now)},
      last_time_{now} {
  // Reads the time zone, a file, while files can be read. strftime() looks for it again, in vain
  // later, unless it is named.
  setenv("TZ", ":/etc/localtime", 0);
  tzset();
  if (!options_.force) refuse_files_in_the_way();
  open();
  if (failure_) throw Error{fmt::format("cannot write {}", *failure_)};
}

EvidenceFiles::~EvidenceFiles() {
  close();
}

// A run shall not come upon them after an hour.
void EvidenceFiles::refuse_files_in_the_way() {
  const std::uint64_t known_names = is_ring()                   ? options_.most_files
                                    : options_.rotate_bytes > 0 ? 2
                                                                : 1;
  for (std::uint64_t number = 0; number < known_names; ++number) {
    const std::string name = file_name(number);
    if (folder_.find(name).error == 0) {
      throw Error{fmt::format("{} exists", path_of(FilePath{options_.file}.folder, name)),
                  "  name another file with -w, or replace it with --force"};
    }
  }
}

void EvidenceFiles::add(const Packet& packet) {
  if (!writer_) return;
  rotate_if_due(packet.time);
  if (!writer_) return;
  declare_interfaces();
  writer_->add(packet, packet.interface);
  last_time_ = packet.time;
  if (writer_->failure()) folder_.retire(finish_file());
}

void EvidenceFiles::flush_if_due(Duration monotonic) {
  if (!flushed_) flushed_ = monotonic;
  if (!writer_ || monotonic - *flushed_ < flush_interval) return;
  flushed_ = monotonic;
  writer_->flush();
  if (writer_->failure()) folder_.retire(finish_file());
}

void EvidenceFiles::close() {
  if (!writer_) return;
  const FileDescriptor file = finish_file();
  if (!failure_ && fdatasync(file.get()) != 0) fail(std::strerror(errno));
}

// In tcpdump's order: when both are due, the time counts.
void EvidenceFiles::rotate_if_due(Timestamp now) {
  if (options_.rotate_interval.count() > 0 &&
      whole_seconds(now) - started_ >= options_.rotate_interval) {
    const std::string before = file_name(0);
    started_ = whole_seconds(now);
    // A file is not lost to the next one of its name: it goes on until the time changes the name.
    if (options_.force || file_name(0) != before) start_next_interval();
  }
  if (writer_ && options_.rotate_bytes > 0 && writer_->size() > options_.rotate_bytes) {
    ++number_;
    if (is_ring() && number_ >= options_.most_files) number_ = 0;
    start_next_file();
  }
}

void EvidenceFiles::start_next_interval() {
  ++intervals_;
  number_ = 0;
  is_complete_ =
      options_.rotate_bytes == 0 && options_.most_files > 0 && intervals_ >= options_.most_files;
  start_next_file();
}

void EvidenceFiles::start_next_file() {
  folder_.retire(finish_file());
  if (!failure_ && !is_complete_) open();
  if (const int problem = folder_.late_error(); problem != 0 && !failure_) {
    writer_.reset();
    fail(fmt::format("a file before it: {}", std::strerror(problem)));
  }
}

void EvidenceFiles::open() {
  name_ = file_name(number_);
  if (const auto reason = try_to_open()) fail(*reason);
}

std::optional<std::string> EvidenceFiles::try_to_open() {
  const FileOpener::Found found = folder_.find(name_);
  if (found.error == 0) {
    if (is_in_the_way(name_, found.id)) return reason_of(EEXIST);
    if (const int problem = folder_.remove(name_)) return reason_of(problem);
  }
  FileOpener::Created created = folder_.create(name_);
  if (created.error != 0) return reason_of(created.error);
  // Names with the time in them begin with the oldest, mostly.
  if (made_.size() == most_names) made_.erase(made_.begin());
  made_[name_] = created.id;

  std::atomic<std::uint64_t>* const whole_size = folder_.watch(created.file);
  writer_.emplace(std::move(created.file), options_.keep_free, whole_size);
  at_start_of_file_.clear();
  declare_interfaces();
  writer_->flush();
  if (writer_->failure()) {
    const std::string reason = *writer_->failure();
    writer_.reset();
    folder_.remove(name_);
    return reason;
  }
  ++files_;
  return std::nullopt;
}

bool EvidenceFiles::is_in_the_way(const std::string& name, FileId found) const {
  const auto ours = made_.find(name);
  return !options_.force && (ours == made_.end() || ours->second != found);
}

void EvidenceFiles::declare_interfaces() {
  while (at_start_of_file_.size() < interfaces_.size()) {
    const InterfaceInfo& interface = interfaces_[at_start_of_file_.size()];
    writer_->add_interface(interface);
    at_start_of_file_.push_back(interface);
  }
}

// The file, with all that is to be in it.
FileDescriptor EvidenceFiles::finish_file() {
  for (std::uint32_t i = 0; i < at_start_of_file_.size(); ++i) {
    const InterfaceInfo& before = at_start_of_file_[i];
    InterfaceInfo counts;
    counts.received = grown(interfaces_[i].received, before.received);
    counts.dropped_by_interface =
        grown(interfaces_[i].dropped_by_interface, before.dropped_by_interface);
    counts.dropped_by_kernel = grown(interfaces_[i].dropped_by_kernel, before.dropped_by_kernel);
    writer_->add_statistics(i, counts, last_time_);
  }
  FileDescriptor file = writer_->release();
  packets_ += writer_->packets();
  if (writer_->failure()) fail(*writer_->failure());
  writer_.reset();
  return file;
}

void EvidenceFiles::fail(std::string_view reason) {
  failure_ = fmt::format("{}: {}", path_of(FilePath{options_.file}.folder, name_), reason);
}

std::string EvidenceFiles::file_name(std::uint64_t number) const {
  std::string name = FilePath{options_.file}.name;
  if (options_.rotate_interval.count() > 0) name = expand(name, started_);
  if (options_.rotate_bytes == 0) return name;
  const int digits = digits_for(options_.most_files);
  return number == 0 && digits == 0 ? name : fmt::format("{}{:0{}}", name, number, digits);
}

std::optional<std::string> save_packets(FileOpener& folder, const std::string& name,
                                        std::span<const CommentedPacket> packets,
                                        const std::vector<SourceInfo>& sources, bool force) {
  if (force) folder.remove(name);  // what cannot be removed is still there for create()
  FileOpener::Created created = folder.create(name);
  if (created.error != 0) return fmt::format("{}: {}", name, reason_of(created.error));

  PcapngWriter writer{std::move(created.file)};
  std::map<std::pair<std::uint16_t, std::uint16_t>, std::uint32_t> numbers;
  for (const auto& [packet, comment] : packets) {
    const auto [number, is_new] = numbers.try_emplace({packet.ref.source(), packet.interface},
                                                      static_cast<std::uint32_t>(numbers.size()));
    if (is_new)
      writer.add_interface(sources.at(packet.ref.source()).interfaces.at(packet.interface));
    writer.add(packet, number->second, comment);
  }
  folder.retire(writer.release());
  if (!writer.failure()) return std::nullopt;
  folder.remove(name);
  return fmt::format("{}: {}", name, *writer.failure());
}

}  // namespace wirefault
