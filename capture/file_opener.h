// Makes files in one folder: directly, or by a process of its own that still can after the sandbox
// has closed the file system to this one. It looks at no packet, and includes nothing that does.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capture/file_descriptor.h"

namespace wirefault {

// Which file it is, whatever stands under its name by now.
struct FileId {
  std::uint64_t device = 0;
  std::uint64_t number = 0;

  friend bool operator==(const FileId&, const FileId&) = default;
};

// "a/b.pcapng" is file "b.pcapng" in folder "a"; "b.pcapng" is in ".".
struct FilePath {
  explicit FilePath(std::string_view path);

  std::string folder;
  std::string name;        // empty when the path ends in a slash
  bool is_public = false;  // for others to read
};

// Names are those of files in the folder: anything else (a slash, "..") is EINVAL. Errors are those
// of errno, 0 when it worked.
class FileOpener {
 public:
  struct Created {
    int error = 0;
    FileDescriptor file;  // for writing, mode 0600; 0644 where the path is public
    FileId id;
  };
  struct Found {
    int error = 0;  // ENOENT: nothing of that name
    FileId id;      // of a symbolic link, the link's own
  };

  virtual ~FileOpener() = default;

  // EEXIST when there is anything of that name, be it a symbolic link to nowhere.
  virtual Created create(const std::string& name) = 0;
  virtual Found find(const std::string& name) = 0;
  // Regular files only; EEXIST for anything else.
  virtual int remove(const std::string& name) = 0;
  // Replaces what stands under `to`.
  virtual int rename(const std::string& from, const std::string& to) = 0;

  // A process killed in the middle of a write leaves a part of it. What is returned is to be told,
  // after each write, the size of the file so far: should we be killed, the file is cut to that.
  // Ends with the next file watched. Null where nobody is there to do it.
  virtual std::atomic<std::uint64_t>* watch(const FileDescriptor& file) = 0;
  // Puts a file that is complete on the disk and closes it, now or a little later: a capture must
  // not wait for a disk.
  virtual void retire(FileDescriptor file) = 0;
  // The error of a file retired earlier, told once.
  virtual int late_error() = 0;
};

// In this process. Throws Error when there is no such folder.
std::unique_ptr<FileOpener> open_folder(const std::string& path);

// In another one, which can do the above and nothing else: it has no capability but, where a folder
// is another user's, that to write there (CAP_DAC_OVERRIDE); no new privileges; and, where the
// kernel has them, Landlock and seccomp. It ends when this object does, or this process.
class OpenerProcess {
 public:
  // Names in each folder are to begin with the name given for it, which may be empty. Forks: to be
  // made while there is one thread, before any large table and before privileges are given up.
  // Throws Error.
  explicit OpenerProcess(const std::vector<FilePath>& files);
  ~OpenerProcess();  // waits until retired files are on the disk
  OpenerProcess(const OpenerProcess&) = delete;
  OpenerProcess& operator=(const OpenerProcess&) = delete;

  // That of the file at this place in the list; valid as long as this object.
  FileOpener& folder(std::size_t index) { return *folders_.at(index); }
  pid_t pid() const { return pid_; }
  int descriptor() const;  // that must stay open

 private:
  class Connection;
  class Folder;

  pid_t pid_ = -1;
  std::unique_ptr<Connection> connection_;
  std::vector<std::unique_ptr<FileOpener>> folders_;
};

}  // namespace wirefault
