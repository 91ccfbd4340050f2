// Enters the sandbox as `wirefault live` does, and then tries what an intruder would, and what the
// program needs. Exit status 0: all of the former failed, for want of permission, and all of the
// latter worked; 1: not so; 2: the sandbox refused to be entered.
//
//   sandbox_probe DIRECTORY [--mode M] [--user U] [--kill] [--without LAYER,..] [--try NAME,..]
//
// DIRECTORY is a new one, and writable. --without leaves layers out, --try keeps to some attempts:
// a layer that holds is the one whose absence makes an attempt succeed that fails with it.
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "capture/error.h"
#include "cli/sandbox.h"

namespace wirefault {
namespace {

// What is open before the sandbox is entered, and where files are.
struct Scene {
  std::string directory;
  std::string program;  // a copy of this one, setuid when root made it
  int folder = -1;
  int evidence = -1;
  int status = -1;                     // /proc/self/status
  int leaked = -1;                     // inherited, and not named as one to keep
  std::array<int, 2> capture{-1, -1};  // a pair of sockets, of which the first is mute
  std::array<int, 2> opener{-1, -1};   // another
  int packets = -1;                    // a packet socket, when there is the right to make one
};

int outcome(long result) {
  return result < 0 ? errno : 0;
}

// Runs `step` in a child; its exit status is the outcome.
template <class Step>
int in_child(Step step) {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) _exit(step());
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

int try_setuid_program(const Scene& scene) {
  return in_child([&] {
    execl(scene.program.c_str(), scene.program.c_str(), "--am-i-root", nullptr);
    return errno;
  });
}

int try_to_be_traced(const Scene&) {
  const pid_t self = getpid();
  return in_child([&] { return outcome(ptrace(PTRACE_SEIZE, self, nullptr, nullptr)); });
}

int try_io_uring(const Scene&) {
  io_uring_params parameters{};
  return outcome(syscall(SYS_io_uring_setup, 1, &parameters));
}

int try_perf(const Scene&) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.exclude_kernel = 1;
  return outcome(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0));
}

int try_reading_memory(const Scene&) {
  char here = 0, there = 0;
  const iovec to{&here, 1}, from{&there, 1};
  return outcome(process_vm_readv(getpid(), &to, 1, &from, 1, 0));
}

int try_new_code(const Scene&) {
  return mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
              0) == MAP_FAILED
             ? errno
             : 0;
}

int try_code_of_data(const Scene&) {
  void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

int try_core_dump(const Scene&) {
  const rlimit some{0, 4096};
  return outcome(setrlimit(RLIMIT_CORE, &some));
}

int try_mount(const Scene& scene) {
  if (mount("none", scene.directory.c_str(), "tmpfs", 0, nullptr) != 0) return errno;
  umount(scene.directory.c_str());
  return 0;
}

int try_exec(const Scene& scene) {
  execl(scene.program.c_str(), scene.program.c_str(), "--escaped", nullptr);
  return errno;
}

struct Attempt {
  std::string_view name;
  int (*attempt)(const Scene&);  // 0: it could be done; else errno
};

// What opens a descriptor leaves it open: the process is about to end.
constexpr Attempt forbidden[] = {
    {"leaked-descriptor",
     [](const Scene& s) {
       return outcome(fcntl(s.leaked, F_GETFD));
     }},  // before its number is taken again
    {"open-file", [](const Scene&) { return outcome(open("/etc/passwd", O_RDONLY)); }},
    {"open-private",  // of root, and for root alone
     [](const Scene& s) { return outcome(open((s.directory + "/private").c_str(), O_RDONLY)); }},
    {"create-file",
     [](const Scene& s) { return outcome(openat(s.folder, "new", O_CREAT | O_WRONLY, 0600)); }},
    {"unlink", [](const Scene& s) { return outcome(unlinkat(s.folder, "victim", 0)); }},
    {"rename", [](const Scene& s) { return outcome(renameat(s.folder, "a", s.folder, "b")); }},
    {"mkdir", [](const Scene& s) { return outcome(mkdirat(s.folder, "folder", 0700)); }},
    {"chroot", [](const Scene& s) { return outcome(chroot(s.directory.c_str())); }},
    {"mount", try_mount},
    {"socket-inet", [](const Scene&) { return outcome(socket(AF_INET, SOCK_DGRAM, 0)); }},
    {"socket-inet6", [](const Scene&) { return outcome(socket(AF_INET6, SOCK_STREAM, 0)); }},
    {"socket-unix", [](const Scene&) { return outcome(socket(AF_UNIX, SOCK_STREAM, 0)); }},
    {"socket-netlink", [](const Scene&) { return outcome(socket(AF_NETLINK, SOCK_RAW, 0)); }},
    {"socket-packet", [](const Scene&) { return outcome(socket(AF_PACKET, SOCK_RAW, 0)); }},
    {"fork", [](const Scene&) { return in_child([] { return 0; }); }},
    {"unshare", [](const Scene&) { return outcome(unshare(CLONE_NEWUSER)); }},
    {"kill", [](const Scene&) { return outcome(kill(1, 0)); }},
    {"kill-group", [](const Scene&) { return outcome(kill(0, 0)); }},
    {"ptrace", [](const Scene&) { return outcome(ptrace(PTRACE_CONT, 1, nullptr, nullptr)); }},
    {"be-traced", try_to_be_traced},
    {"read-memory", try_reading_memory},
    {"core-dump", try_core_dump},
    {"setuid", [](const Scene&) { return outcome(setuid(0)); }},
    {"setgid", [](const Scene&) { return outcome(setgid(0)); }},
    {"bpf", [](const Scene&) { return outcome(syscall(SYS_bpf, 0, nullptr, 0)); }},
    {"io-uring", try_io_uring},
    {"perf", try_perf},
    {"userfaultfd", [](const Scene&) { return outcome(syscall(SYS_userfaultfd, 1)); }},
    {"memfd", [](const Scene&) { return outcome(memfd_create("code", 0)); }},
    {"new-code", try_new_code},
    {"code-of-data", try_code_of_data},
    {"write-to-capture", [](const Scene& s) { return outcome(write(s.capture[0], "x", 1)); }},
    {"send-to-capture", [](const Scene& s) { return outcome(send(s.capture[0], "x", 1, 0)); }},
    {"second-number", [](const Scene& s) { return outcome(dup(s.capture[0])); }},
    {"terminal-input", [](const Scene&) { return outcome(ioctl(0, TIOCSTI, "x")); }},
    {"setuid-program", try_setuid_program},
    {"execve", try_exec},  // last: one that succeeds is the end of the others
};

std::string read_at_start(int file) {
  std::string text(8192, '\0');
  const ssize_t size = pread(file, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

// "1" of "NoNewPrivs:\t1\n"
std::string field(const std::string& text, std::string_view name) {
  const std::size_t start = text.find(fmt::format("\n{}:", name));
  if (start == text.npos) return "?";
  const std::size_t value = text.find_first_not_of(" \t", start + name.size() + 2);
  return text.substr(value, text.find('\n', value) - value);
}

bool has_no_rights(const Scene& scene) {
  const std::string status = read_at_start(scene.status);
  const std::string none = "0000000000000000";
  return field(status, "CapInh") == none && field(status, "CapPrm") == none &&
         field(status, "CapEff") == none && field(status, "CapAmb") == none &&
         field(status, "NoNewPrivs") == "1" && field(status, "Seccomp") == "2";
}

// For root alone: others keep their groups, and a bounding set that is of no use.
bool is_nobody(const Scene& scene) {
  const std::string status = read_at_start(scene.status);
  const std::string nobody = "65534\t65534\t65534\t65534";
  return field(status, "Uid") == nobody && field(status, "Gid") == nobody &&
         field(status, "Groups").find_first_of("0123456789") == std::string::npos &&
         field(status, "CapBnd") == "0000000000000000";
}

bool can_wait(const Scene& scene) {
  pollfd file{scene.evidence, POLLOUT, 0};
  const timespec moment{0, 1000};
  timespec now{};
  return poll(&file, 1, 1000) == 1 && clock_gettime(CLOCK_MONOTONIC, &now) == 0 &&
         nanosleep(&moment, nullptr) == 0;
}

bool can_record(const Scene& scene) {
  return write(scene.evidence, "packet", 6) == 6 && ftruncate(scene.evidence, 3) == 0 &&
         fdatasync(scene.evidence) == 0 && lseek(scene.evidence, 0, SEEK_END) == 3;
}

// What the program does all the time without asking for it.
bool can_compute(const Scene&) {
  const std::vector<char> much(std::size_t{64} << 20, 'x');
  const std::time_t then = 1'700'000'000;
  std::tm fields{};
  localtime_r(&then, &fields);
  try {
    throw std::runtime_error{"caught"};
  } catch (const std::runtime_error&) {
    return much.back() == 'x' && fields.tm_year == 123;
  }
}

bool can_ask_terminal(const Scene& scene) {
  winsize size{};
  // Not a terminal: it is the kernel's driver that says so, and not the sandbox.
  return ioctl(scene.evidence, TIOCGWINSZ, &size) != 0 && errno == ENOTTY &&
         isatty(scene.evidence) == 0 && errno == ENOTTY;
}

// A descriptor that another process opened comes in a message.
bool can_take_descriptor(const Scene& scene) {
  char byte = 'x';
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &scene.evidence, sizeof(int));
  if (sendmsg(scene.opener[0], &message, 0) != 1) return false;
  control.fill(0);
  if (recvmsg(scene.opener[1], &message, MSG_CMSG_CLOEXEC) != 1) return false;
  int received = -1;
  std::memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
  return write(received, "more", 4) == 4 && close(received) == 0;
}

bool can_count_packets(const Scene& scene) {
  if (scene.packets < 0) return true;  // nobody may, here
  tpacket_stats told{};
  socklen_t size = sizeof told;
  sock_filter reject[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program{1, reject};
  return getsockopt(scene.packets, SOL_PACKET, PACKET_STATISTICS, &told, &size) == 0 &&
         setsockopt(scene.packets, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

volatile std::sig_atomic_t signals = 0;

bool can_signal_itself(const Scene&) {
  raise(SIGUSR1);
  return signals == 1;
}

struct Need {
  std::string_view name;
  bool (*works)(const Scene&);
  bool of_root = false;
};

constexpr Need needed[] = {
    {"no-rights", has_no_rights},
    {"nobody", is_nobody, true},
    {"wait", can_wait},
    {"record", can_record},
    {"compute", can_compute},
    {"ask-terminal", can_ask_terminal},
    {"take-descriptor", can_take_descriptor},
    {"count-packets", can_count_packets},
    {"signal-itself", can_signal_itself},
};

void say(const std::string& text) {
  if (write(STDOUT_FILENO, text.data(), text.size()) < 0) _exit(3);
}

int must_open(const std::string& path, int flags, mode_t mode = 0) {
  const int file = open(path.c_str(), flags, mode);
  if (file < 0) throw Error{path + ": " + std::strerror(errno)};
  return file;
}

Scene prepare(const std::string& directory) {
  Scene scene;
  scene.directory = directory;
  // Open to all: what then cannot be done is the sandbox's doing.
  chmod(directory.c_str(), 0777);
  umask(0);
  for (const char* name : {"victim", "a"}) close(must_open(directory + "/" + name, O_CREAT, 0666));
  close(must_open(directory + "/private", O_CREAT | O_WRONLY, 0600));
  scene.program = directory + "/program";
  std::filesystem::copy_file("/proc/self/exe", scene.program);
  chmod(scene.program.c_str(), 04755);
  scene.folder = must_open(directory, O_RDONLY | O_DIRECTORY);
  scene.evidence = must_open(directory + "/evidence", O_CREAT | O_RDWR, 0600);
  scene.status = must_open("/proc/self/status", O_RDONLY);
  scene.leaked = must_open("/dev/null", O_RDONLY);
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, scene.opener.data()) != 0) throw Error{"socketpair"};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, scene.capture.data()) != 0) throw Error{"socketpair"};
  say(raise_capture_capability() ? "may capture\n" : "may not capture\n");
  scene.packets = socket(AF_PACKET, SOCK_RAW, 0);
  struct sigaction action {};
  action.sa_handler = [](int) { signals = signals + 1; };
  sigaction(SIGUSR1, &action, nullptr);
  return scene;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

struct Plan {
  SandboxOptions sandbox;
  std::vector<std::string> names;  // empty: all
};

Plan plan_of(const std::vector<std::string>& words) {
  Plan plan;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--kill") {
      plan.sandbox.kill = true;
      continue;
    }
    if (i + 1 == words.size()) throw Error{words[i] + "?"};
    const std::string& value = words[i + 1];
    if (words[i] == "--mode") plan.sandbox.mode = sandbox_mode(value);
    if (words[i] == "--user") plan.sandbox.user = sandbox_user(value);
    if (words[i] == "--try") plan.names = split(value);
    if (words[i] == "--without") {
      for (const std::string& name : split(value)) {
        for (std::size_t layer = 0; layer < sandbox_layers; ++layer) {
          if (word(static_cast<SandboxLayer>(layer)) == name) {
            plan.sandbox.without.push_back(static_cast<SandboxLayer>(layer));
          }
        }
      }
    }
    ++i;
  }
  return plan;
}

int probe(const std::string& directory, Plan plan) {
  const bool is_root = geteuid() == 0;
  const Scene scene = prepare(directory);
  plan.sandbox.keep = {scene.folder,     scene.evidence,  scene.status,    scene.capture[0],
                       scene.capture[1], scene.opener[0], scene.opener[1], scene.packets};
  plan.sandbox.mute = {scene.capture[0]};
  const SandboxStatus status = enter_sandbox(plan.sandbox);
  say(status.text());

  const auto is_wanted = [&](std::string_view name) {
    return plan.names.empty() ||
           std::find(plan.names.begin(), plan.names.end(), name) != plan.names.end();
  };
  bool holds = true;
  for (const Need& need : needed) {
    if (!is_wanted(need.name) || (need.of_root && !is_root)) continue;
    const bool works = need.works(scene);
    holds = holds && works;
    say(fmt::format("{:<9} {}\n", works ? "works" : "BROKEN", need.name));
  }
  for (const Attempt& attempt : forbidden) {
    if (!is_wanted(attempt.name)) continue;
    const int problem = attempt.attempt(scene);
    // Failing for any other reason shows nothing.
    const bool is_refused = problem == EPERM || problem == EACCES ||
                            (problem == EBADF && attempt.name == "leaked-descriptor");
    holds = holds && is_refused;
    say(fmt::format("{:<9} {}: {}\n", is_refused ? "refused" : "POSSIBLE", attempt.name,
                    problem == 0 ? "done" : std::strerror(problem)));
  }
  return holds ? 0 : 1;
}

}  // namespace
}  // namespace wirefault

int main(int argc, char** argv) {
  const std::vector<std::string> words{argv + 1, argv + argc};
  // What an attempt has started says whether it was worth it.
  if (words.at(0) == "--am-i-root") return geteuid() == 0 ? 0 : EPERM;
  if (words.at(0) == "--escaped") {
    wirefault::say("POSSIBLE  execve: done\n");
    return 1;
  }
  try {
    return wirefault::probe(words.at(0), wirefault::plan_of({words.begin() + 1, words.end()}));
  } catch (const wirefault::Error& error) {
    wirefault::say(fmt::format("{}\n{}\n", error.what(), error.advice()));
    return static_cast<int>(error.status());
  }
}
