// The packets of a run, kept in files with tcpdump's meaning of -w, -C, -G and -W. Whatever goes
// wrong with a file while packets come ends the files, never the run.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/file_opener.h"
#include "capture/packet.h"
#include "capture/pcapng_writer.h"
#include "capture/source.h"

namespace wirefault {

struct EvidenceOptions {
  std::string file;                        // -w
  std::uint64_t rotate_bytes = 0;          // -C; 0: files of any size
  std::chrono::seconds rotate_interval{};  // -G; 0: files of any duration
  // -W; 0: any number. With rotate_bytes a ring: after so many files the first is written anew.
  // Otherwise, with rotate_interval, there are no more than so many.
  std::uint32_t most_files = 0;
  bool force = false;                      // files of other runs may be replaced
  std::optional<std::uint64_t> keep_free;  // by default least_free_space()
};

// What the names begin with, for the OpenerProcess. Throws Error for options that make no names.
FilePath names_of(const EvidenceOptions& options);

// A file of this run may be replaced by one of the same name, as those of a ring are. Anything else
// under a name is left alone without `force`, and with it too unless it is a regular file.
class EvidenceFiles {
 public:
  // `folder` is that of names_of(options).folder, and outlives this. `now` is the time of day.
  // Makes the first file. Throws Error when that fails or a file is in the way.
  EvidenceFiles(const EvidenceOptions& options, FileOpener& folder,
                const std::vector<InterfaceInfo>& interfaces, Timestamp now);
  ~EvidenceFiles();  // close()
  EvidenceFiles(const EvidenceFiles&) = delete;
  EvidenceFiles& operator=(const EvidenceFiles&) = delete;

  // The interfaces as they are now: more than before or the same, and their counters. What the
  // counters have grown by while a file was written is told at its end.
  void note(const std::vector<InterfaceInfo>& interfaces) { interfaces_ = interfaces; }

  // packet.interface is an index into the interfaces noted last.
  void add(const Packet& packet);

  // To be called, with the time of any monotonic clock, every quarter of a second or more often:
  // then no more than the last second is missing should the process be killed.
  void flush_if_due(Duration monotonic);

  // Writes what is left, and puts it on the disk.
  void close();

  // -G with -W: the last file is complete, and the run with it.
  bool is_complete() const { return is_complete_; }
  // Why no more packets are kept; one line that names the file.
  const std::optional<std::string>& failure() const { return failure_; }

  // In all files together, also those written anew since.
  std::uint64_t packets() const { return packets_ + (writer_ ? writer_->packets() : 0); }
  std::uint64_t files() const { return files_; }
  const std::string& name() const { return name_; }  // of the file now, without the folder
  int descriptor() const { return writer_ ? writer_->descriptor() : -1; }

 private:
  bool is_ring() const { return options_.rotate_bytes > 0 && options_.most_files > 0; }
  std::string file_name(std::uint64_t number) const;
  bool is_in_the_way(const std::string& name, FileId found) const;
  void refuse_files_in_the_way();
  void rotate_if_due(Timestamp now);
  void open();
  std::optional<std::string> try_to_open();
  void declare_interfaces();
  FileDescriptor finish_file();
  void start_next_interval();
  void start_next_file();
  void fail(std::string_view reason);

  EvidenceOptions options_;
  FileOpener& folder_;
  std::vector<InterfaceInfo> interfaces_;
  std::vector<InterfaceInfo> at_start_of_file_;  // those declared in it
  std::map<std::string, FileId> made_;
  std::optional<PcapngWriter> writer_;
  std::string name_;
  std::uint64_t number_ = 0;        // of the file, by rotate_bytes
  std::uint64_t intervals_ = 0;     // of rotate_interval, that are over
  std::chrono::seconds started_{};  // of the interval, since 1970
  std::optional<Duration> flushed_;
  Timestamp last_time_{};
  std::uint64_t packets_ = 0;  // in complete files
  std::uint64_t files_ = 0;
  bool is_complete_ = false;
  std::optional<std::string> failure_;
};

struct CommentedPacket {
  Packet packet;
  std::string comment;  // may be empty
};

// Puts packets into a file of their own, in this order; `sources` are those they came from. Returns
// why there is no such file now.
std::optional<std::string> save_packets(FileOpener& folder, const std::string& name,
                                        std::span<const CommentedPacket> packets,
                                        const std::vector<SourceInfo>& sources, bool force = false);

}  // namespace wirefault
