#include "capture/file_opener.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <regex>

#include "capture/error.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace wirefault::tests {
namespace {

std::string status_of(pid_t process) {
  return read_file("/proc/" + std::to_string(process) + "/status");
}

// What /proc says of it, such as "NoNewPrivs".
std::string field(const std::string& status, const std::string& name) {
  std::smatch found;
  return std::regex_search(status, found, std::regex{"(^|\n)" + name + ":\\s*([^\n]*)"})
             ? found[2].str()
             : "";
}

FilePath in(const TemporaryDirectory& directory, const std::string& name) {
  return FilePath{(directory / name).string()};
}

// Both kinds do the same.
class Openers {
 public:
  Openers() : process_{{FilePath{path("")}}}, local_{open_folder(path(""))} {}
  FileOpener& any() { return GENERATE(0, 1) == 0 ? process_.folder(0) : *local_; }
  std::string path(const std::string& name) { return directory_ / name; }

 private:
  TemporaryDirectory directory_;
  OpenerProcess process_;
  std::unique_ptr<FileOpener> local_;
};

TEST_CASE("files are made, found, renamed and removed", "[capture]") {
  Openers openers;
  FileOpener& folder = openers.any();
  FileOpener::Created created = folder.create("a.pcapng");
  REQUIRE(created.error == 0);
  REQUIRE(write(created.file.get(), "hello", 5) == 5);
  REQUIRE(ftruncate(created.file.get(), 4) == 0);
  CHECK((fcntl(created.file.get(), F_GETFD) & FD_CLOEXEC) != 0);
  struct stat status {};
  REQUIRE(stat(openers.path("a.pcapng").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  CHECK(FileId{status.st_dev, status.st_ino} == created.id);
  folder.retire(std::move(created.file));

  CHECK(folder.create("a.pcapng").error == EEXIST);
  CHECK(folder.find("a.pcapng").id == created.id);
  CHECK(folder.rename("a.pcapng", "b.pcapng") == 0);
  CHECK(folder.find("a.pcapng").error == ENOENT);
  CHECK(folder.find("b.pcapng").id == created.id);
  CHECK(read_file(openers.path("b.pcapng")) == "hell");
  CHECK(folder.remove("b.pcapng") == 0);
  CHECK(folder.remove("b.pcapng") == ENOENT);
  CHECK(folder.late_error() == 0);
}

TEST_CASE("links are not followed, and only files are removed", "[capture]") {
  Openers openers;
  FileOpener& folder = openers.any();
  write_file(openers.path("target"), "precious");
  std::filesystem::create_symlink("target", openers.path("link"));
  std::filesystem::create_symlink("nowhere", openers.path("dangling"));
  std::filesystem::create_directory(openers.path("folder"));
  CHECK(folder.create("link").error == EEXIST);
  CHECK(folder.create("dangling").error == EEXIST);
  CHECK(folder.remove("link") == EEXIST);
  CHECK(folder.remove("folder") == EEXIST);
  CHECK(folder.find("link").id != folder.find("target").id);
  CHECK(read_file(openers.path("target")) == "precious");
}

TEST_CASE("names that lead out of the folder are refused", "[capture]") {
  Openers openers;
  FileOpener& folder = openers.any();
  for (const std::string name : {"", ".", "..", "../x", "/etc/x", "a/b", "a/"}) {
    CAPTURE(name);
    CHECK(folder.create(name).error == EINVAL);
    CHECK(folder.find(name).error == EINVAL);
    CHECK(folder.remove(name) == EINVAL);
    CHECK(folder.rename("a", name) == EINVAL);
  }
  CHECK(folder.create(std::string{"a\0b", 3}).error == EINVAL);
  CHECK(folder.create(std::string(256, 'a')).error == EINVAL);
  CHECK(folder.create(std::string(255, 'a')).error == 0);
}

TEST_CASE("the process that opens files touches only names that begin as agreed", "[capture]") {
  const TemporaryDirectory directory;
  const TemporaryDirectory elsewhere;
  write_file(directory / "other", "precious");
  OpenerProcess process{{in(directory, "ring.pcapng"), in(elsewhere, "metrics")}};
  CHECK(process.folder(0).create("ring.pcapng07").error == 0);
  CHECK(process.folder(0).create("metrics").error == EINVAL);
  CHECK(process.folder(0).remove("other") == EINVAL);
  CHECK(process.folder(0).rename("ring.pcapng07", "other") == EINVAL);
  CHECK(process.folder(1).create("metrics.partial").error == 0);
  CHECK(process.folder(1).rename("metrics.partial", "metrics") == 0);
  CHECK(std::filesystem::exists(elsewhere / "metrics"));
}

TEST_CASE("the process that opens files can do little else", "[capture]") {
  const TemporaryDirectory directory;
  const FileDescriptor inherited{open("/dev/null", O_RDONLY)};
  OpenerProcess process{{in(directory, "a")}};
  const std::string status = status_of(process.pid());
  CHECK(field(status, "NoNewPrivs") == "1");
  CHECK(field(status, "Seccomp") == "2");
  // The folder is ours: no capability is needed.
  CHECK(field(status, "CapEff") == "0000000000000000");
  CHECK(field(status, "CapPrm") == "0000000000000000");
  if (geteuid() == 0) CHECK(field(status, "CapBnd") == "0000000000000000");
  // The socket and the folder.
  std::size_t open_files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator{"/proc/" + std::to_string(process.pid()) + "/fd"}) {
    ++open_files;
    CHECK(entry.exists());
  }
  CHECK(open_files == 2);
}

TEST_CASE("root's process keeps the capability to write in the folders of others", "[capture]") {
  if (geteuid() != 0) {
    WARN("skipped: needs root");
    return;
  }
  const TemporaryDirectory directory;
  const std::string users = directory / "users";
  std::filesystem::create_directory(users);
  REQUIRE(chown(users.c_str(), 65534, 65534) == 0);
  REQUIRE(chmod(users.c_str(), 0700) == 0);
  OpenerProcess process{{FilePath{users + "/a"}}};
  CHECK(field(status_of(process.pid()), "CapEff") == "0000000000000002");  // CAP_DAC_OVERRIDE
  CHECK(process.folder(0).create("a").error == 0);
}

TEST_CASE("a process that has ended is an error of each request", "[capture]") {
  const TemporaryDirectory directory;
  OpenerProcess process{{in(directory, "a")}};
  kill(process.pid(), SIGKILL);
  waitpid(process.pid(), nullptr, 0);
  CHECK(process.folder(0).create("a").error == EPIPE);
  CHECK(process.folder(0).remove("a") == EPIPE);
}

TEST_CASE("signals from the terminal leave the process that opens files at work", "[capture]") {
  const TemporaryDirectory directory;
  OpenerProcess process{{in(directory, "a")}};
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1}) kill(process.pid(), number);
  CHECK(process.folder(0).create("a").error == 0);
}

TEST_CASE("the process that opens files ends with us", "[capture]") {
  const TemporaryDirectory directory;
  pid_t opener = 0;
  SECTION("when the object does") {
    const OpenerProcess process{{in(directory, "a")}};
    opener = process.pid();
  }
  SECTION("when we are killed") {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    const pid_t parent = fork();
    if (parent == 0) {
      try {
        const OpenerProcess process{{in(directory, "a")}};
        const pid_t number = process.pid();
        if (write(ends[1], &number, sizeof number) == sizeof number) raise(SIGKILL);
      } catch (...) {
      }
      _exit(1);
    }
    close(ends[1]);
    REQUIRE(read(ends[0], &opener, sizeof opener) == sizeof opener);
    waitpid(parent, nullptr, 0);
    close(ends[0]);
  }
  REQUIRE(opener > 0);
  CHECK(ends(opener));
}

TEST_CASE("a file whose writer is killed is cut to what was whole", "[capture]") {
  const TemporaryDirectory directory;
  std::array<int, 2> ends_of_pipe{};
  REQUIRE(pipe(ends_of_pipe.data()) == 0);
  const pid_t writer = fork();
  if (writer == 0) {
    try {
      OpenerProcess process{{in(directory, "a")}};
      const pid_t number = process.pid();
      const auto created = process.folder(0).create("a");
      auto* const whole_size = process.folder(0).watch(created.file);
      const bool is_written = write(created.file.get(), "whole and half", 14) == 14;
      *whole_size = 5;
      if (is_written && write(ends_of_pipe[1], &number, sizeof number) > 0) raise(SIGKILL);
    } catch (...) {
    }
    _exit(1);
  }
  close(ends_of_pipe[1]);
  pid_t opener = 0;
  REQUIRE(read(ends_of_pipe[0], &opener, sizeof opener) == sizeof opener);
  close(ends_of_pipe[0]);
  waitpid(writer, nullptr, 0);
  CHECK(ends(opener));
  CHECK(read_file(directory / "a") == "whole");
}

TEST_CASE("a folder that is not there is an error at once", "[capture]") {
  CHECK_THROWS_AS(open_folder("/nonexistent"), Error);
  CHECK_THROWS_AS(OpenerProcess({FilePath{"/nonexistent/a"}}), Error);
}

TEST_CASE("paths are a folder and a name", "[capture]") {
  CHECK(FilePath{"a"}.folder == ".");
  CHECK(FilePath{"a"}.name == "a");
  CHECK(FilePath{"/a"}.folder == "/");
  CHECK(FilePath{"b/c/a"}.folder == "b/c");
  CHECK(FilePath{"b/"}.name.empty());
}

}  // namespace
}  // namespace wirefault::tests
