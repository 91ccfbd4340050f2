#include "capture/file_opener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <type_traits>

#include "capture/error.h"

namespace wirefault {
namespace {

// A name of a file in a folder, with its final zero. NAME_MAX is 255.
using Name = std::array<char, 256>;

bool is_plain(std::string_view name) {
  return !name.empty() && name.size() < std::tuple_size_v<Name> && name != "." && name != ".." &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

// Packets and reports are their owner's; what is for others, umask(2) permitting, is for all.
constexpr mode_t private_mode = S_IRUSR | S_IWUSR;
constexpr mode_t public_mode = private_mode | S_IRGRP | S_IROTH;

// What is done in a folder, on either side of the socket. No heap: the process that serves requests
// has few system calls left.

int create_in(int folder, const char* name, mode_t mode, FileId& id) {
  const int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  struct stat status {};
  if (file >= 0 && fstat(file, &status) == 0) id = {status.st_dev, status.st_ino};
  return file;
}

int find_in(int folder, const char* name, FileId& id) {
  struct stat status {};
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  id = {status.st_dev, status.st_ino};
  return 0;
}

int remove_in(int folder, const char* name) {
  struct stat status {};
  if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return EEXIST;
  return unlinkat(folder, name, 0) == 0 ? 0 : errno;
}

int rename_in(int folder, const char* from, const char* to) {
  return renameat(folder, from, folder, to) == 0 ? 0 : errno;
}

FileDescriptor open_directory(const std::string& path) {
  FileDescriptor folder{open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!folder.is_open()) {
    throw Error{fmt::format("cannot write in {}: {}", path, std::strerror(errno))};
  }
  return folder;
}

class LocalFolder final : public FileOpener {
 public:
  explicit LocalFolder(const std::string& path) : folder_{open_directory(path)} {}

  Created create(const std::string& name) override {
    if (!is_plain(name)) return {EINVAL, {}, {}};
    Created created;
    created.file = FileDescriptor{create_in(folder_.get(), name.c_str(), private_mode, created.id)};
    if (!created.file.is_open()) created.error = errno;
    return created;
  }
  Found find(const std::string& name) override {
    if (!is_plain(name)) return {EINVAL, {}};
    Found found;
    found.error = find_in(folder_.get(), name.c_str(), found.id);
    return found;
  }
  int remove(const std::string& name) override {
    return is_plain(name) ? remove_in(folder_.get(), name.c_str()) : EINVAL;
  }
  int rename(const std::string& from, const std::string& to) override {
    if (!is_plain(from) || !is_plain(to)) return EINVAL;
    return rename_in(folder_.get(), from.c_str(), to.c_str());
  }
  std::atomic<std::uint64_t>* watch(const FileDescriptor&) override { return nullptr; }
  void retire(FileDescriptor file) override {
    if (fdatasync(file.get()) != 0) late_error_ = errno;
  }
  int late_error() override { return std::exchange(late_error_, 0); }

 private:
  FileDescriptor folder_;
  int late_error_ = 0;
};

// --- Both sides of the socket ---

enum class Operation : std::uint8_t { create, find, remove, rename, watch, retire, stop };

struct Request {
  Operation operation{};
  std::uint8_t place = 0;
  Name name{};
  Name to{};
};

struct Reply {
  int error = 0;
  int late_error = 0;
  FileId id;
};

static_assert(std::is_trivially_copyable_v<Request> && std::is_trivially_copyable_v<Reply>);

// One message with at most one file beside it. Returns 0 or an errno.
template <typename Message>
int send_message(int socket, Message& message, int file = -1) {
  iovec part{&message, sizeof message};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> beside{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (file >= 0) {
    header.msg_control = beside.data();
    header.msg_controllen = beside.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof file);
    std::memcpy(CMSG_DATA(rights), &file, sizeof file);
  }
  while (sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// EPIPE when the other side has gone.
template <typename Message>
int receive_message(int socket, Message& message, FileDescriptor& file) {
  iovec part{&message, sizeof message};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> beside{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = beside.data();
  header.msg_controllen = beside.size();
  ssize_t count;
  while ((count = recvmsg(socket, &header, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno != EINTR) return errno;
  }
  const cmsghdr* const rights = CMSG_FIRSTHDR(&header);
  if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS) {
    int number;
    std::memcpy(&number, CMSG_DATA(rights), sizeof number);
    file = FileDescriptor{number};
  }
  if (count == 0) return EPIPE;
  return static_cast<std::size_t>(count) == sizeof message ? 0 : EBADMSG;
}

// Of the file watched, how much is whole. In memory that both sides see; the highest value while
// there is nothing to cut.
using WholeSize = std::atomic<std::uint64_t>;
static_assert(WholeSize::is_always_lock_free);
constexpr std::uint64_t all_of_it = std::numeric_limits<std::uint64_t>::max();

// --- The other process ---

// A folder, and what names in it must begin with.
struct Place {
  int folder;
  std::string_view beginning;
  mode_t mode = private_mode;  // of the files made there
};

void ignore_signals() {
  // Ctrl-C goes to all processes of the terminal, SIGTERM to all of a service; whoever they are
  // meant for may still have a file to rotate.
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ}) {
    std::signal(number, SIG_IGN);
  }
}

// All but these, which are sorted: not the capture, and no end of a pipe whose reader waits for us.
void close_all_but(std::span<const int> kept) {
  unsigned first = 0;
  const auto close_from = [&first](unsigned last) {
    if (first > last || close_range(first, last, 0) == 0) return;
    // Linux before 5.9. We have just begun, and opened few.
    for (unsigned i = first; i <= std::min(last, 4096u); ++i) close(static_cast<int>(i));
  };
  for (const int number : kept) {
    const auto next = static_cast<unsigned>(number);
    if (next > 0) close_from(next - 1);
    first = next + 1;
  }
  close_from(~0u);
}

bool set_capabilities(std::uint32_t effective, std::uint32_t permitted) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  // Capabilities above 31 are in the second element: none.
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  data[0].effective = effective;
  data[0].permitted = permitted;
  return syscall(SYS_capset, &header, data.data()) == 0;
}

std::uint32_t permitted_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  return syscall(SYS_capget, &header, data.data()) == 0 ? data[0].permitted : 0;
}

bool give_up_capabilities(std::span<const Place> places) {
  for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; ++i) {
    prctl(PR_CAPBSET_DROP, i, 0, 0, 0);  // needs CAP_SETPCAP, without which there is little to drop
  }
  const std::uint32_t write_anywhere =
      permitted_capabilities() & (std::uint32_t{1} << CAP_DAC_OVERRIDE);
  if (!set_capabilities(0, write_anywhere)) return false;
  const bool may_write = std::ranges::all_of(places, [](const Place& place) {
    return faccessat(place.folder, ".", W_OK | X_OK, AT_EACCESS) == 0;
  });
  return may_write ? set_capabilities(0, 0) : set_capabilities(write_anywhere, write_anywhere);
}

// File operations other than these requests' are refused, as far as the kernel knows them, and
// these in other folders.
void confine_to(std::span<const Place> places) {
  constexpr std::uint64_t access_truncate = std::uint64_t{1} << 14;  // since version 3
  const long version =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return;
  std::uint64_t known = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1;
  if (version >= 2) known |= LANDLOCK_ACCESS_FS_REFER;
  if (version >= 3) known |= access_truncate;
  landlock_ruleset_attr handled{};
  handled.handled_access_fs = known;
  const FileDescriptor rules{
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0))};
  if (!rules.is_open()) return;
  for (const Place& place : places) {
    landlock_path_beneath_attr allowed{};
    // A file keeps what it was opened with: whoever writes it also cuts it.
    allowed.allowed_access = known & (LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE |
                                      LANDLOCK_ACCESS_FS_WRITE_FILE | access_truncate);
    allowed.parent_fd = place.folder;
    syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &allowed, 0);
  }
  syscall(SYS_landlock_restrict_self, rules.get(), 0);
}

// Further system calls fail with EPERM.
void allow_few_system_calls() {
#if defined(__x86_64__)
  constexpr std::uint32_t machine = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  constexpr std::uint32_t machine = AUDIT_ARCH_AARCH64;
#else
  constexpr std::uint32_t machine = 0;
#endif
  if (machine == 0) return;
  constexpr auto allowed = std::to_array<std::uint32_t>(
      {SYS_recvmsg, SYS_sendmsg, SYS_openat, SYS_newfstatat, SYS_fstat, SYS_unlinkat,
#ifdef SYS_renameat
       SYS_renameat,
#endif
       SYS_renameat2, SYS_fdatasync, SYS_ftruncate, SYS_close, SYS_exit_group, SYS_rt_sigreturn,
       SYS_restart_syscall});
  constexpr std::size_t before = 3;
  constexpr std::size_t length = before + allowed.size() + 2;
  std::array<sock_filter, length> program{};
  const auto deny = static_cast<std::uint8_t>(length - 2);
  const auto allow = static_cast<std::uint8_t>(length - 1);
  const auto load = [](std::size_t offset) {
    return sock_filter{BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
  };
  // A jump counts from the instruction after it.
  program[0] = load(offsetof(seccomp_data, arch));
  program[1] = {BPF_JMP | BPF_JEQ | BPF_K, 0, static_cast<std::uint8_t>(deny - 2), machine};
  program[2] = load(offsetof(seccomp_data, nr));
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    const std::size_t at = before + i;
    program[at] = {BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint8_t>(allow - at - 1), 0,
                   allowed[i]};
  }
  program[deny] = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM};
  program[allow] = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
  sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0);
}

constexpr std::size_t most_places = 256;  // as many as a request can name

bool confine(int socket, std::span<const Place> places) {
  std::array<int, most_places + 1> kept{};
  kept[0] = socket;
  std::ranges::transform(places, &kept[1], &Place::folder);
  const std::span<int> all{kept.data(), places.size() + 1};
  std::ranges::sort(all);
  close_all_but(all);
  prctl(PR_SET_NAME, "wirefault-files", 0, 0, 0);
  if (!give_up_capabilities(places)) return false;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  confine_to(places);
  allow_few_system_calls();
  return true;
}

class Service {
 public:
  Service(int socket, std::span<const Place> places, const WholeSize& whole_size)
      : socket_{socket}, places_{places}, whole_size_{whole_size} {}

  // Until the other side closes the socket.
  void run() {
    while (true) {
      Request request;
      FileDescriptor file;
      const int problem = receive_message(socket_, request, file);
      if (request.operation == Operation::stop) return;
      if (problem != 0) return cut_watched_file();
      if (request.operation == Operation::watch) {
        watched_ = std::move(file);
        continue;
      }
      if (request.operation == Operation::retire) {
        if (fdatasync(file.get()) != 0) late_error_ = errno;
        continue;
      }
      FileDescriptor made;
      Reply reply = serve(request, made);
      reply.late_error = std::exchange(late_error_, 0);
      if (send_message(socket_, reply, made.get()) != 0) return;
    }
  }

 private:
  // The other side has died.
  void cut_watched_file() const {
    struct stat status {};
    if (!watched_.is_open() || fstat(watched_.get(), &status) != 0) return;
    const std::uint64_t whole = whole_size_;
    if (static_cast<std::uint64_t>(status.st_size) <= whole) return;
    if (ftruncate(watched_.get(), static_cast<off_t>(whole)) == 0) fdatasync(watched_.get());
  }

  Reply serve(const Request& request, FileDescriptor& made) const {
    Reply reply;
    if (!may_touch(request.place, request.name) ||
        (request.operation == Operation::rename && !may_touch(request.place, request.to))) {
      reply.error = EINVAL;
      return reply;
    }
    const char* const name = request.name.data();
    const int folder = places_[request.place].folder;
    switch (request.operation) {
      case Operation::create:
        made = FileDescriptor{create_in(folder, name, places_[request.place].mode, reply.id)};
        if (!made.is_open()) reply.error = errno;
        break;
      case Operation::find:
        reply.error = find_in(folder, name, reply.id);
        break;
      case Operation::remove:
        reply.error = remove_in(folder, name);
        break;
      case Operation::rename:
        reply.error = rename_in(folder, name, request.to.data());
        break;
      case Operation::watch:
      case Operation::retire:
      case Operation::stop:
        break;
    }
    return reply;
  }

  bool may_touch(std::size_t place, const Name& name) const {
    // Without a final zero it is too long to be plain.
    const std::string_view text{
        name.data(), static_cast<std::size_t>(std::ranges::find(name, '\0') - name.begin())};
    return place < places_.size() && is_plain(text) && text.starts_with(places_[place].beginning);
  }

  int socket_;
  std::span<const Place> places_;
  const WholeSize& whole_size_;
  FileDescriptor watched_;
  int late_error_ = 0;
};

[[noreturn]] void become_opener(int socket, std::span<const Place> places,
                                const WholeSize& whole_size) {
  ignore_signals();
  const bool is_confined = confine(socket, places);
  Reply ready;
  ready.error = is_confined ? 0 : EPERM;
  if (send_message(socket, ready) == 0 && is_confined) Service{socket, places, whole_size}.run();
  _exit(0);
}

}  // namespace

// --- This process ---

class OpenerProcess::Connection {
 public:
  explicit Connection(FileDescriptor socket) : socket_{std::move(socket)} {
    void* const memory =
        mmap(nullptr, sizeof(WholeSize), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw Error{"cannot share memory with another process"};
    whole_size_ = new (memory) WholeSize{all_of_it};
    // A remote file system may stop to answer. Whoever waits for it analyses nothing meanwhile.
    const timeval patience{5, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  }

  ~Connection() { munmap(whole_size_, sizeof(WholeSize)); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int descriptor() const { return socket_.get(); }

  int send(Request request, int file = -1) {
    if (!socket_.is_open()) return EPIPE;
    const int problem = send_message(socket_.get(), request, file);
    if (problem != 0) socket_.reset();
    return problem == EAGAIN ? ETIMEDOUT : problem;
  }

  // An answer that comes too late would be taken for the next one's: there is none then.
  Reply receive(FileDescriptor& file) {
    Reply reply;
    const int problem = socket_.is_open() ? receive_message(socket_.get(), reply, file) : EPIPE;
    if (problem != 0) {
      socket_.reset();
      reply = {};
      reply.error = problem == EAGAIN ? ETIMEDOUT : problem;
    }
    if (reply.late_error != 0) late_error_ = reply.late_error;
    return reply;
  }

  Reply ask(const Request& request, FileDescriptor& file) {
    const int problem = send(request);
    if (problem == 0) return receive(file);
    Reply reply;
    reply.error = problem;
    return reply;
  }

  WholeSize& whole_size() { return *whole_size_; }

  void set_late_error(int error) { late_error_ = error; }
  int late_error() { return std::exchange(late_error_, 0); }

 private:
  FileDescriptor socket_;
  WholeSize* whole_size_;
  int late_error_ = 0;
};

class OpenerProcess::Folder final : public FileOpener {
 public:
  Folder(Connection& connection, std::uint8_t index) : connection_{connection}, index_{index} {}

  Created create(const std::string& name) override {
    Created created;
    const Reply reply = ask(Operation::create, name, {}, created.file);
    created.error = reply.error;
    created.id = reply.id;
    if (created.error == 0 && !created.file.is_open()) created.error = EMFILE;
    return created;
  }
  Found find(const std::string& name) override {
    FileDescriptor none;
    const Reply reply = ask(Operation::find, name, {}, none);
    return {reply.error, reply.id};
  }
  int remove(const std::string& name) override {
    FileDescriptor none;
    return ask(Operation::remove, name, {}, none).error;
  }
  int rename(const std::string& from, const std::string& to) override {
    FileDescriptor none;
    return is_plain(to) ? ask(Operation::rename, from, to, none).error : EINVAL;
  }
  std::atomic<std::uint64_t>* watch(const FileDescriptor& file) override {
    // Requests are served in order, and all of them before the other side sees that we have died.
    connection_.whole_size() = all_of_it;
    Request request;
    request.operation = Operation::watch;
    connection_.send(request, file.get());
    return &connection_.whole_size();
  }
  void retire(FileDescriptor file) override {
    Request request;
    request.operation = Operation::retire;
    if (const int problem = connection_.send(request, file.get())) {
      connection_.set_late_error(problem);
    }
  }
  int late_error() override { return connection_.late_error(); }

 private:
  Reply ask(Operation operation, std::string_view name, std::string_view to, FileDescriptor& file) {
    if (!is_plain(name)) {
      Reply refused;
      refused.error = EINVAL;
      return refused;
    }
    Request request;
    request.operation = operation;
    request.place = index_;
    std::ranges::copy(name, request.name.begin());
    std::ranges::copy(to, request.to.begin());
    return connection_.ask(request, file);
  }

  Connection& connection_;
  std::uint8_t index_;
};

OpenerProcess::OpenerProcess(const std::vector<FilePath>& files) {
  if (files.size() > most_places) throw Error{"files are to be written in too many places"};
  std::vector<FileDescriptor> opened;
  std::vector<Place> places;
  for (const FilePath& file : files) {
    places.push_back({opened.emplace_back(open_directory(file.folder)).get(), file.name,
                      file.is_public ? public_mode : private_mode});
  }
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw Error{fmt::format("cannot make a pair of sockets: {}", std::strerror(errno))};
  }
  connection_ = std::make_unique<Connection>(FileDescriptor{ends[0]});
  const FileDescriptor theirs{ends[1]};
  std::fflush(nullptr);
  pid_ = fork();
  if (pid_ < 0) {
    throw Error{fmt::format("cannot start the process that opens files: {}", std::strerror(errno))};
  }
  if (pid_ == 0) become_opener(theirs.get(), places, connection_->whole_size());

  FileDescriptor none;
  if (connection_->receive(none).error != 0) {
    throw Error{"cannot confine the process that opens files"};
  }
  for (std::size_t i = 0; i < files.size(); ++i) {
    folders_.push_back(std::make_unique<Folder>(*connection_, static_cast<std::uint8_t>(i)));
  }
}

// Its end of the socket closes when it ends. No wait(): the sandbox need not allow that.
OpenerProcess::~OpenerProcess() {
  Request request;
  request.operation = Operation::stop;
  FileDescriptor none;
  connection_->ask(request, none);
}

int OpenerProcess::descriptor() const {
  return connection_->descriptor();
}

std::unique_ptr<FileOpener> open_folder(const std::string& path) {
  return std::make_unique<LocalFolder>(path);
}

FilePath::FilePath(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const bool has_folder = slash != path.npos;
  folder = std::string{has_folder ? path.substr(0, std::max<std::size_t>(slash, 1)) : "."};
  name = std::string{has_folder ? path.substr(slash + 1) : path};
}

}  // namespace wirefault
