// The system calls that watching an interface needs once everything is open, as a BPF program for
// the kernel's seccomp (linux/seccomp.h). An allow list: what is not named in call_filter.cpp is
// refused, so a call that a later kernel invents is refused as well.
#pragma once

#include <linux/filter.h>

#include <span>
#include <vector>

namespace wirefault {

struct CallFilterOptions {
  // Descriptors to which nothing can be written or sent: a packet socket would put it on the wire.
  std::span<const int> mute;
  // A call that is refused ends the process (SIGSYS) and does not only fail (EPERM): a test then
  // cannot miss it.
  bool kill = false;
};

// For the architecture that this is compiled for; calls of any other end the process. Throws Error
// where the architecture is one that nobody has tried.
std::vector<sock_filter> call_filter(const CallFilterOptions& options);

}  // namespace wirefault
