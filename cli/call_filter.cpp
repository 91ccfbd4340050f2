#include "cli/call_filter.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "capture/error.h"

namespace wirefault {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t architecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t architecture = 0;
#endif

// Numbers with this bit are x32's, which shares its architecture with x86-64.
constexpr std::uint32_t x32_bit = 0x40000000;

// termios2, by which a C library newer than Debian 12's sets a terminal (asm-generic/ioctls.h).
constexpr std::uint32_t tcgets2 = 0x802c542a;
constexpr std::uint32_t tcsets2 = 0x402c542b;
constexpr std::uint32_t tcsetsw2 = 0x402c542c;
constexpr std::uint32_t tcsetsf2 = 0x402c542d;

// Instructions are laid down one behind the other. Each call has a block that ends with a verdict,
// and is jumped over, the call's number untouched, when the call is another.
class Program {
 public:
  explicit Program(std::uint32_t refusal) : refusal_{refusal} {
    load(offsetof(seccomp_data, arch));
    add(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0);
    add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    load(offsetof(seccomp_data, nr));
    add(BPF_JMP | BPF_JGE | BPF_K, x32_bit, 0, 1);
    add(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  }

  void allow(std::initializer_list<long> calls) {
    for (const long call : calls) {
      add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 1);
      add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    }
  }

  // Arguments that the kernel takes as int are compared by their lower half, as it does.
  void allow_if(long call, unsigned argument, std::initializer_list<std::uint32_t> values) {
    const std::size_t start = begin(call);
    load_argument(argument);
    for (const std::uint32_t value : values) allow_equal(value);
    end(start);
  }

  void allow_unless(long call, unsigned argument, std::span<const int> values) {
    const std::size_t start = begin(call);
    load_argument(argument);
    for (const int value : values) {
      add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(value), 0, 1);
      add(BPF_RET | BPF_K, refusal_);
    }
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    end(start);
  }

  void allow_with_bits(long call, unsigned argument, std::uint32_t bits) {
    const std::size_t start = begin(call);
    load_argument(argument);
    add(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    end(start);
  }

  void allow_without_bits(long call, unsigned argument, std::uint32_t bits) {
    const std::size_t start = begin(call);
    load_argument(argument);
    add(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    end(start);
  }

  // getsockopt and setsockopt: the second argument is the level, the third the option.
  void allow_option(long call, std::uint32_t level, std::uint32_t option) {
    const std::size_t start = begin(call);
    load_argument(1);
    add(BPF_JMP | BPF_JEQ | BPF_K, level, 0, 3);
    load_argument(2);
    allow_equal(option);
    // Not a refusal yet: another option of the same call may follow.
    load(offsetof(seccomp_data, nr));
    set_jump(start);
  }

  std::vector<sock_filter> finish() {
    add(BPF_RET | BPF_K, refusal_);
    return instructions_;
  }

 private:
  void add(unsigned code, std::uint32_t value, std::uint8_t if_true = 0,
           std::uint8_t if_false = 0) {
    instructions_.push_back({static_cast<std::uint16_t>(code), if_true, if_false, value});
  }
  void load(std::size_t offset) {
    add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  }
  // The lower half: both architectures are little-endian.
  void load_argument(unsigned argument) {
    load(offsetof(seccomp_data, args) + argument * sizeof(std::uint64_t));
  }
  void allow_equal(std::uint32_t value) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    add(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  }

  std::size_t begin(long call) {
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 0);
    return instructions_.size();
  }
  void end(std::size_t start) {
    add(BPF_RET | BPF_K, refusal_);
    set_jump(start);
  }
  void set_jump(std::size_t start) {
    instructions_[start - 1].jf = static_cast<std::uint8_t>(instructions_.size() - start);
  }

  const std::uint32_t refusal_;
  std::vector<sock_filter> instructions_;
};

// Those of every packet and tick first: the kernel walks the list from its beginning.
void allow_frequent(Program& program, std::span<const int> mute) {
  program.allow({__NR_ppoll, __NR_read, __NR_clock_gettime});
#ifdef __NR_poll
  program.allow({__NR_poll});
#endif
  program.allow_option(__NR_getsockopt, SOL_PACKET, PACKET_STATISTICS);
  program.allow({__NR_pread64, __NR_recvfrom, __NR_recvmsg, __NR_readv});
  for (const long call :
       {__NR_write, __NR_writev, __NR_pwrite64, __NR_pwritev, __NR_sendmsg, __NR_sendto}) {
    program.allow_unless(call, 0, mute);
  }
}

void allow_memory_and_time(Program& program) {
  program.allow({__NR_brk, __NR_munmap, __NR_mremap, __NR_madvise, __NR_futex, __NR_sched_yield,
                 __NR_getrandom, __NR_clock_nanosleep, __NR_nanosleep, __NR_clock_getres,
                 __NR_gettimeofday, __NR_getrusage});
#ifdef __NR_time
  program.allow({__NR_time});
#endif
  // No new code, neither mapped nor made of data.
  program.allow_without_bits(__NR_mmap, 2, PROT_EXEC);
  program.allow_without_bits(__NR_mprotect, 2, PROT_EXEC);
}

void allow_open_files(Program& program) {
  program.allow({__NR_lseek, __NR_fstat, __NR_fstatfs, __NR_fsync, __NR_fdatasync, __NR_ftruncate,
                 __NR_fallocate, __NR_close});
  // This is how glibc asks about a descriptor. A path beside it cannot be told apart; it gives no
  // more than size and times of a file.
  program.allow_with_bits(__NR_newfstatat, 3, AT_EMPTY_PATH);
  // Not F_SETOWN, which sends signals, and not F_DUPFD, by which a mute descriptor gets a second
  // number.
  program.allow_if(__NR_fcntl, 1, {F_GETFD, F_SETFD, F_GETFL, F_SETFL});
  // libpcap asks for the interface's flags when it goes down; the screen for its size and modes.
  program.allow_if(__NR_ioctl, 1,
                   {SIOCGIFFLAGS, SIOCGIFNAME, TIOCGWINSZ, TCGETS, TCSETS, TCSETSW, TCSETSF,
                    tcgets2, tcsets2, tcsetsw2, tcsetsf2});
  program.allow_option(__NR_getsockopt, SOL_SOCKET, SO_ERROR);
  // At the end the capture refuses all, and is then read to its end.
  program.allow_option(__NR_setsockopt, SOL_SOCKET, SO_ATTACH_FILTER);
}

void allow_signals_and_end(Program& program) {
  program.allow({__NR_rt_sigreturn, __NR_rt_sigprocmask, __NR_rt_sigaction, __NR_sigaltstack,
                 __NR_restart_syscall, __NR_getpid, __NR_gettid, __NR_exit, __NR_exit_group});
  // abort() and raise(): signals to this process, and to no other.
  program.allow_if(__NR_tgkill, 0, {static_cast<std::uint32_t>(getpid())});
  program.allow_if(__NR_prctl, 0, {PR_GET_SECCOMP});
}

}  // namespace

std::vector<sock_filter> call_filter(const CallFilterOptions& options) {
  if (architecture == 0) throw Error{"no list of system calls for this processor"};
  Program program{options.kill ? SECCOMP_RET_KILL_PROCESS
                               : SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA)};
  allow_frequent(program, options.mute);
  allow_memory_and_time(program);
  allow_open_files(program);
  allow_signals_and_end(program);
  return program.finish();
}

}  // namespace wirefault
