// What holds when a packet gets the better of a parser: nothing but what is already open. Entered
// once, after the interface, the report and the evidence are open, before the first packet is read.
//
// Nothing of ours that parses is included here, and nothing here allocates for, reads or trusts
// what came from the wire. capabilities(7), landlock(7), seccomp(2), prctl(2); by raw system calls.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wirefault {

enum class SandboxMode : std::uint8_t {
  enforce,      // a layer that cannot be had is an Error; but for Landlock in a kernel without it
  best_effort,  // a layer that cannot be had is told
  off,
};

// In the order in which they are put on: each needs what the next ones take away.
enum class SandboxLayer : std::uint8_t {
  descriptors,    // only those that are named, and 0 to 2, stay open
  user,           // not root, no group but one
  capabilities,   // none, and none to be gained
  memory,         // no core dump, no reading by other processes of the user
  no_privileges,  // none by running another program (no_new_privs)
  files,          // none to be opened (Landlock)
  calls,          // only those that watching needs (seccomp)
};
constexpr std::size_t sandbox_layers = 7;
// "descriptors", as --sandbox-status has it.
std::string_view word(SandboxLayer layer);

struct SandboxUser {
  uid_t uid = 65534;  // nobody; the kernel's own number for a user that it does not know
  gid_t gid = 65534;
};

struct SandboxOptions {
  SandboxMode mode = SandboxMode::enforce;
  SandboxUser user;                   // taken on when root runs this
  std::vector<int> keep;              // descriptors that stay open
  std::vector<int> mute;              // of those, the ones to which nothing can be written or sent
  bool kill = false;                  // a call that is refused ends the process: for tests
  std::vector<SandboxLayer> without;  // left out: how tests show that each layer holds
};

struct SandboxStatus {
  struct Layer {
    SandboxLayer layer;
    bool in_force = false;
    std::string text;  // what holds, as the kernel says it; or why it does not
  };
  SandboxMode mode = SandboxMode::off;
  std::vector<Layer> layers;  // none when off

  bool is_complete() const;
  // A line per layer, for --sandbox-status.
  std::string text() const;
  // For one line of the screen: "sandboxed", "no sandbox", "sandbox without files, calls".
  std::string summary() const;
};

// "enforce", "best-effort", "off". Empty: enforce for root, best-effort for others. Throws Error.
SandboxMode sandbox_mode(std::string_view text);

// "pcap", "1000", "1000:1000". Names are looked up in /etc/passwd and nowhere else: asking the
// system's name services would run their code as root. A number alone is the group as well. Throws
// Error: not found, or root.
SandboxUser sandbox_user(const std::string& text);

// `setcap cap_net_raw=p` gives the right to capture to be taken: takes it. False: there is none.
bool raise_capture_capability();

// Throws Error as the mode says, and when this process has more than one thread. What remains of
// the process can neither open nor start anything, from then on.
SandboxStatus enter_sandbox(const SandboxOptions& options);

}  // namespace wirefault
