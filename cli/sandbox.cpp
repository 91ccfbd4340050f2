#include "cli/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>

#include "capture/error.h"
#include "cli/call_filter.h"

namespace wirefault {
namespace {

// Why a layer could not be had. Caught in enter_sandbox, where the mode decides.
struct Refusal {
  std::string why;
  bool is_known_gap = false;  // the kernel has no such thing: nobody can be told to mend it
};

[[noreturn]] void refused(std::string_view what) {
  throw Refusal{fmt::format("{}: {}", what, std::strerror(errno))};
}

bool is_root() {
  uid_t real = 0, effective = 0, saved = 0;
  getresuid(&real, &effective, &saved);
  return real == 0 || effective == 0 || saved == 0;
}

std::string close_memory() {
  rlimit limit{0, 0};
  if (setrlimit(RLIMIT_CORE, &limit) != 0) refused("core dumps stay possible");
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) refused("memory stays readable");
  if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0 ||
      prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) {
    throw Refusal{"still to be read"};
  }
  return "no core dumps; closed to other processes of the user";
}

void close_range_of(unsigned first, unsigned last) {
  if (first > last) return;
  if (syscall(SYS_close_range, first, last, 0) == 0) return;
  if (errno != ENOSYS) refused("close_range");
  // Before Linux 5.9. A limit that was lowered leaves higher descriptors open; nobody does.
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t end = std::min<rlim_t>(limit.rlim_cur, 1U << 20);
  for (rlim_t each = first; each < end && each <= last; ++each) close(static_cast<int>(each));
}

std::string close_others(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned first = 3;
  unsigned kept = 0;
  for (const int each : keep) {
    if (each < 0 || static_cast<unsigned>(each) < first) continue;
    const auto descriptor = static_cast<unsigned>(each);
    close_range_of(first, descriptor - 1);
    first = descriptor + 1;
    ++kept;
  }
  close_range_of(first, UINT_MAX);
  return fmt::format("0 to 2 and {} more; all others closed", kept);
}

void change_user(const SandboxUser& user) {
  if (setgroups(0, nullptr) != 0) refused("groups cannot be left");
  if (setresgid(user.gid, user.gid, user.gid) != 0) {
    refused(fmt::format("cannot become group {}", user.gid));
  }
  if (setresuid(user.uid, user.uid, user.uid) != 0) {
    refused(fmt::format("cannot become user {}", user.uid));
  }
}

std::string told_user() {
  std::array<uid_t, 3> uid{};
  std::array<gid_t, 3> gid{};
  getresuid(&uid[0], &uid[1], &uid[2]);
  getresgid(&gid[0], &gid[1], &gid[2]);
  if (std::find(uid.begin(), uid.end(), 0U) != uid.end()) throw Refusal{"still root"};
  const int groups = getgroups(0, nullptr);
  return fmt::format("uid {}, gid {}, {}", uid[1], gid[1],
                     groups == 0 ? "no other groups" : fmt::format("{} groups", groups));
}

using CapabilitySets = std::array<__user_cap_data_struct, 2>;  // of 32 capabilities each

CapabilitySets capability_sets() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  CapabilitySets sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) refused("capget");
  return sets;
}

void set_capabilities(const CapabilitySets& sets) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  if (syscall(SYS_capset, &header, sets.data()) != 0) refused("capset");
}

// The kernel knows more than our headers do: up to the first that it does not know.
template <class Visit>
void for_each_in_bounding_set(Visit visit) {
  for (unsigned long each = 0; each < 64; ++each) {
    const int state = prctl(PR_CAPBSET_READ, each, 0, 0, 0);
    if (state < 0) return;
    if (state == 1) visit(each);
  }
}

// Before the user is changed: needs CAP_SETPCAP. Who is not root cannot, and with no_new_privs has
// no use for what is in it.
std::string empty_bounding_set() {
  for_each_in_bounding_set([](unsigned long each) {
    if (prctl(PR_CAPBSET_DROP, each, 0, 0, 0) != 0) refused("bounding set");
  });
  return {};
}

std::string drop_capabilities() {
  // EINVAL: Linux before 4.3, which has no ambient ones.
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) {
    refused("ambient capabilities");
  }
  set_capabilities({});
  for (const auto& half : capability_sets()) {
    if ((half.effective | half.permitted | half.inheritable) != 0) throw Refusal{"some are left"};
  }
  bool is_empty = true;
  for_each_in_bounding_set([&](unsigned long) { is_empty = false; });
  return is_empty ? "none; bounding set empty" : "none";
}

std::string give_up_privileges() {
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) refused("no_new_privs");
  if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) throw Refusal{"no_new_privs is not set"};
  return "none by running a program (no_new_privs)";
}

// landlock_ruleset_attr as of ABI 6; Debian 12's header ends after the first. A kernel is told only
// as much of it as it knows.
struct LandlockRuleset {
  std::uint64_t files;
  std::uint64_t net;
  std::uint64_t scopes;
};

LandlockRuleset everything_of(long abi) {
  LandlockRuleset ruleset{0x1fff, 0, 0};                 // ABI 1: execute to make_sym
  if (abi >= 2) ruleset.files |= 1U << 13;               // refer
  if (abi >= 3) ruleset.files |= 1U << 14;               // truncate
  if (abi >= 4) ruleset.net = (1U << 0) | (1U << 1);     // TCP bind and connect
  if (abi >= 5) ruleset.files |= 1U << 15;               // ioctl of devices
  if (abi >= 6) ruleset.scopes = (1U << 0) | (1U << 1);  // abstract sockets, signals
  return ruleset;
}

std::size_t size_at(long abi) {
  if (abi >= 6) return sizeof(LandlockRuleset);
  return abi >= 4 ? 2 * sizeof(std::uint64_t) : sizeof(std::uint64_t);
}

// No rule is added: nothing that is restricted is allowed anywhere. What is open stays as it is.
std::string restrict_files() {
  const long abi =
      syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
    throw Refusal{"this kernel has no Landlock", true};
  }
  if (abi < 1) refused("Landlock");
  const LandlockRuleset wanted = everything_of(abi);
  const long ruleset = syscall(SYS_landlock_create_ruleset, &wanted, size_at(abi), 0);
  if (ruleset < 0) refused("Landlock");
  const long result = syscall(SYS_landlock_restrict_self, ruleset, 0);
  const int why = errno;
  close(static_cast<int>(ruleset));
  errno = why;
  if (result != 0) refused("Landlock");
  const int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root >= 0 || errno != EACCES) throw Refusal{"Landlock is on, and / can be opened"};
  return fmt::format("none can be opened, made or removed (Landlock ABI {})", abi);
}

std::string restrict_calls(const SandboxOptions& options) {
  std::vector<sock_filter> filter = call_filter({options.mute, options.kill});
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) {
    refused("seccomp");
  }
  if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER) throw Refusal{"seccomp is not on"};
  return fmt::format("those that watching needs, others {} (seccomp)",
                     options.kill ? "end the program" : "fail");
}

// Landlock and capabilities are a thread's own: another one would stay outside.
void check_alone() {
  const std::unique_ptr<DIR, int (*)(DIR*)> tasks{opendir("/proc/self/task"), closedir};
  if (!tasks) return;  // no /proc here, as in an empty root directory
  int threads = -2;    // . and ..
  while (readdir(tasks.get()) != nullptr) ++threads;
  if (threads != 1) throw Error{"sandbox: entered with more than one thread"};
}

class Entry {
 public:
  explicit Entry(const SandboxOptions& options) : options_{options} {
    status_.mode = options.mode;
    for (std::size_t i = 0; i < sandbox_layers; ++i) {
      const auto layer = static_cast<SandboxLayer>(i);
      const bool is_wanted =
          std::find(options.without.begin(), options.without.end(), layer) == options.without.end();
      status_.layers.push_back({layer, is_wanted, is_wanted ? "" : "left out"});
    }
  }

  SandboxStatus enter() {
    using enum SandboxLayer;
    const bool was_root = is_root();
    apply(descriptors, [&] { return close_others(options_.keep); });
    apply(capabilities, [&] { return was_root ? empty_bounding_set() : std::string{}; });
    apply(user, [&] {
      if (was_root) change_user(options_.user);
      return told_user();
    });
    apply(capabilities, [] { return drop_capabilities(); });
    // Not earlier: a change of the user sets it anew.
    apply(memory, [] { return close_memory(); });
    apply(no_privileges, [] { return give_up_privileges(); });
    apply(files, [] { return restrict_files(); });
    apply(calls, [&] { return restrict_calls(options_); });
    return status_;
  }

 private:
  // A layer of several steps is in force when none of them failed.
  template <class Step>
  void apply(SandboxLayer layer, Step step) {
    SandboxStatus::Layer& entry = status_.layers[static_cast<std::size_t>(layer)];
    if (!entry.in_force) return;
    try {
      entry.text = step();
    } catch (const Refusal& refusal) {
      if (options_.mode == SandboxMode::enforce && !refusal.is_known_gap) {
        throw Error{fmt::format("sandbox: {}: {}", word(layer), refusal.why),
                    "  to go on with what can be had:  --sandbox best-effort\n"
                    "  to go on without:               --sandbox off"};
      }
      entry.in_force = false;
      entry.text = refusal.why;
    }
  }

  const SandboxOptions& options_;
  SandboxStatus status_;
};

std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  // The highest means "leave it as it is" to the calls that take it.
  if (problem != std::errc{} || end != text.data() + text.size() || value == UINT32_MAX) {
    return std::nullopt;
  }
  return value;
}

// "name:password:uid:gid:..."
std::optional<SandboxUser> parse_entry(std::string_view line, std::string_view name) {
  std::array<std::string_view, 4> fields;
  for (std::string_view& field : fields) {
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return std::nullopt;
    field = line.substr(0, colon);
    line.remove_prefix(colon + 1);
  }
  const auto uid = parse_id(fields[2]);
  const auto gid = parse_id(fields[3]);
  if (fields[0] != name || !uid || !gid) return std::nullopt;
  return SandboxUser{*uid, *gid};
}

std::optional<SandboxUser> look_up(std::string_view name) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file{std::fopen("/etc/passwd", "re"), std::fclose};
  if (!file) return std::nullopt;
  std::array<char, 4096> line{};
  while (std::fgets(line.data(), line.size(), file.get()) != nullptr) {
    if (const auto user = parse_entry(line.data(), name)) return user;
  }
  return std::nullopt;
}

std::optional<SandboxUser> parse_numbers(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto uid = parse_id(text.substr(0, colon));
  const auto gid = colon == text.npos ? uid : parse_id(text.substr(colon + 1));
  if (!uid || !gid) return std::nullopt;
  return SandboxUser{*uid, *gid};
}

}  // namespace

std::string_view word(SandboxLayer layer) {
  switch (layer) {
    case SandboxLayer::memory:
      return "memory";
    case SandboxLayer::descriptors:
      return "descriptors";
    case SandboxLayer::user:
      return "user";
    case SandboxLayer::capabilities:
      return "capabilities";
    case SandboxLayer::no_privileges:
      return "privileges";
    case SandboxLayer::files:
      return "files";
    case SandboxLayer::calls:
      return "calls";
  }
  return {};
}

bool SandboxStatus::is_complete() const {
  return !layers.empty() &&
         std::all_of(layers.begin(), layers.end(), [](const Layer& each) { return each.in_force; });
}

std::string SandboxStatus::text() const {
  if (mode == SandboxMode::off) return "sandbox: off\n";
  std::string text =
      fmt::format("sandbox: {}\n", mode == SandboxMode::enforce ? "enforce" : "best-effort");
  for (const Layer& each : layers) {
    text += fmt::format("  {:<3} {:<13} {}\n", each.in_force ? "yes" : "NO", word(each.layer),
                        each.text);
  }
  return text;
}

std::string SandboxStatus::summary() const {
  if (layers.empty()) return "no sandbox";
  if (is_complete()) return "sandboxed";
  std::vector<std::string_view> missing;
  for (const Layer& each : layers) {
    if (!each.in_force) missing.push_back(word(each.layer));
  }
  return fmt::format("sandbox without {}", fmt::join(missing, ", "));
}

SandboxMode sandbox_mode(std::string_view text) {
  if (text.empty()) return is_root() ? SandboxMode::enforce : SandboxMode::best_effort;
  if (text == "enforce") return SandboxMode::enforce;
  if (text == "best-effort") return SandboxMode::best_effort;
  if (text == "off") return SandboxMode::off;
  throw Error{fmt::format("--sandbox cannot be '{}'", text), "  wanted: enforce, best-effort, off"};
}

SandboxUser sandbox_user(const std::string& text) {
  std::optional<SandboxUser> user = parse_numbers(text);
  if (!user) user = look_up(text);
  if (!user) {
    throw Error{fmt::format("no user '{}' in /etc/passwd", text),
                "  users of a directory service by number, as in:  -Z 1000:1000"};
  }
  if (user->uid == 0 || user->gid == 0) {
    throw Error{fmt::format("-Z {} is root or its group: nothing would be given up", text)};
  }
  return *user;
}

bool raise_capture_capability() {
  try {
    CapabilitySets sets = capability_sets();
    auto& half = sets[CAP_TO_INDEX(CAP_NET_RAW)];
    const std::uint32_t bit = CAP_TO_MASK(CAP_NET_RAW);
    if ((half.permitted & bit) == 0) return false;
    if ((half.effective & bit) != 0) return true;
    half.effective |= bit;
    set_capabilities(sets);
    return true;
  } catch (const Refusal&) {
    return false;
  }
}

SandboxStatus enter_sandbox(const SandboxOptions& options) {
  if (options.mode == SandboxMode::off) return {};
  check_alone();
  // The rules of the time zone are read when they are first needed: now, while files can be.
  tzset();
  return Entry{options}.enter();
}

}  // namespace wirefault
