// What the sandbox forbids and what it lets through, tried by sandbox_probe inside of it; and for
// each layer an attempt that succeeds when that layer alone is taken out.
#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <regex>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace wirefault::tests {
namespace {

const std::string probe_program = WIREFAULT_SANDBOX_PROBE;

bool is_root() {
  return geteuid() == 0;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

// `prefix` is a command that runs another, as `setpriv` does. Leaks are looked for by a thread and
// by tracing: neither can be had in a sandbox.
ProcessResult probe(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& prefix = {},
                    const std::string& program = probe_program) {
  const TemporaryDirectory directory;
  chmod((directory / "").c_str(), 0777);
  std::vector<std::string> command{"env", "ASAN_OPTIONS=detect_leaks=0"};
  command.insert(command.end(), prefix.begin(), prefix.end());
  command.push_back(program);
  command.push_back((directory / "").string());
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command);
}

const std::vector<std::string> as_user{"setpriv", "--reuid=4000", "--regid=4000", "--clear-groups"};

struct Removal {
  std::string layer;
  std::string attempt;
  std::string also_without;  // layers that would forbid it as well
  bool needs_root;
};

const Removal removals[] = {
    {"memory", "be-traced", "user,calls", false},
    {"descriptors", "leaked-descriptor", "", false},
    {"user", "open-private", "files,calls", true},
    {"capabilities", "socket-packet", "user,calls", true},
    {"privileges", "setuid-program", "files,calls", true},
    {"files", "open-file", "calls", false},
    {"files", "create-file", "calls", false},
    {"files", "unlink", "calls", false},
    {"calls", "socket-inet", "", false},
    {"calls", "fork", "", false},
    {"calls", "new-code", "", false},
    {"calls", "write-to-capture", "", false},
};

}  // namespace

TEST_CASE("the sandbox forbids all that an intruder would try, and the program still works",
          "[cli]") {
  const ProcessResult result = probe({});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
  CHECK_FALSE(has(result.out, "POSSIBLE"));
  CHECK_FALSE(has(result.out, "BROKEN"));
  CHECK(has(result.out, "refused   open-file"));
  CHECK(has(result.out, "works     record"));
  if (is_root()) CHECK(has(result.out, "uid 65534, gid 65534, no other groups"));
}

TEST_CASE("each layer of the sandbox forbids what no other does", "[cli]") {
  for (const Removal& removal : removals) {
    if (removal.needs_root && !is_root()) {
      WARN("skipped, needs root: without " << removal.layer);
      continue;
    }
    const std::string others = removal.also_without.empty() ? "none" : removal.also_without;
    INFO(removal.layer << " and " << removal.attempt);
    const ProcessResult with = probe({"--try", removal.attempt, "--without", others});
    INFO(with.out);
    if (has(with.out, "has no Landlock")) {
      WARN("skipped: this kernel has no Landlock");
      continue;
    }
    CHECK(with.status == 0);
    CHECK(has(with.out, "refused   " + removal.attempt));
    const ProcessResult without =
        probe({"--try", removal.attempt, "--without", removal.layer + "," + others});
    INFO(without.out);
    CHECK(without.status == 1);
    CHECK(has(without.out, "POSSIBLE  " + removal.attempt + ": done"));
    CHECK(has(without.out, "NO  " + removal.layer));
  }
}

TEST_CASE("a call that is not on the list can end the program", "[cli]") {
  CHECK(probe({"--kill", "--try", "socket-inet"}).status == 128 + 31);  // SIGSYS
  CHECK(probe({"--kill", "--try", "record,compute,signal-itself"}).status == 0);
}

TEST_CASE("what cannot be had is refused, or told", "[cli]") {
  // Without no_new_privs an ordinary process may restrict neither files nor calls.
  const ProcessResult enforced = probe({"--without", "privileges"});
  INFO(enforced.out);
  CHECK(enforced.status == 2);
  CHECK(has(enforced.out, "sandbox: files: Landlock: Operation not permitted"));
  CHECK(has(enforced.out, "--sandbox best-effort"));
  const ProcessResult best =
      probe({"--without", "privileges", "--mode", "best-effort", "--try", "record"});
  INFO(best.out);
  CHECK(best.status == 0);
  CHECK(has(best.out, "NO  files         Landlock: Operation not permitted"));
  CHECK(has(best.out, "NO  calls         seccomp: "));
  const ProcessResult off = probe({"--mode", "off", "--try", "open-file"});
  CHECK(off.status == 1);
  CHECK(has(off.out, "sandbox: off"));
}

TEST_CASE("root that may not change the user is told so", "[cli]") {
  if (!is_root()) {
    WARN("skipped, needs root");
    return;
  }
  const std::vector<std::string> weak{"setpriv", "--bounding-set=-setuid,-setgid",
                                      "--inh-caps=-setuid,-setgid"};
  const ProcessResult enforced = probe({}, weak);
  INFO(enforced.out);
  CHECK(enforced.status == 2);
  CHECK(has(enforced.out, "sandbox: user: groups cannot be left: Operation not permitted"));
  const ProcessResult best = probe({"--mode", "best-effort", "--try", "no-rights"}, weak);
  INFO(best.out);
  CHECK(has(best.out, "NO  user          groups cannot be left"));
  CHECK(best.status == 0);
}

TEST_CASE("the sandbox holds for users other than root, with the right to capture or without",
          "[cli]") {
  if (!is_root()) {
    WARN("skipped, needs root");
    return;
  }
  const ProcessResult plain = probe({}, as_user);
  INFO(plain.out << plain.err);
  CHECK(plain.status == 0);
  CHECK(has(plain.out, "may not capture"));
  CHECK(has(plain.out, "uid 4000, gid 4000"));

  // setcap cap_net_raw=p
  const TemporaryDirectory directory;
  chmod((directory / "").c_str(), 0755);
  const std::string program = (directory / "probe").string();
  std::filesystem::copy_file(probe_program, program);
  vfs_cap_data capability{};
  capability.magic_etc = VFS_CAP_REVISION_2;
  capability.data[0].permitted = 1U << CAP_NET_RAW;
  if (setxattr(program.c_str(), "security.capability", &capability, sizeof capability, 0) != 0) {
    WARN("skipped: no file capabilities here");
    return;
  }
  const ProcessResult capable = probe({}, as_user, program);
  INFO(capable.out << capable.err);
  CHECK(capable.status == 0);
  CHECK(has(capable.out, "may capture"));
}

TEST_CASE("the user to become is a name of /etc/passwd or a number, and not root", "[cli]") {
  if (!is_root()) {
    WARN("skipped, needs root");
    return;
  }
  CHECK(has(probe({"--user", "4001", "--try", "wait"}).out, "uid 4001, gid 4001,"));
  CHECK(has(probe({"--user", "4001:4002", "--try", "wait"}).out, "uid 4001, gid 4002,"));
  CHECK(has(probe({"--user", "daemon", "--try", "wait"}).out, "uid 1, gid 1,"));
  for (const char* refused :
       {"root", "0", "0:5", "5:0", "nobody-of-that-name", "4294967295", "-1", "1:", ":1", ""}) {
    INFO(refused);
    CHECK(probe({"--user", refused, "--try", "wait"}).status == 2);
  }
}

TEST_CASE("what opens and drops includes nothing that parses", "[cli]") {
  const std::set<std::string> known{"capture/error.h", "cli/sandbox.h", "cli/call_filter.h"};
  for (const char* name : {"sandbox.h", "sandbox.cpp", "call_filter.h", "call_filter.cpp"}) {
    const std::string text = read_file(WIREFAULT_SOURCE_DIR "/cli/" + std::string{name});
    const std::regex include{"#include \"([^\"]*)\""};
    for (std::sregex_iterator each{text.begin(), text.end(), include}, end; each != end; ++each) {
      CHECK(known.count((*each)[1]) == 1);
    }
  }
}

}  // namespace wirefault::tests
