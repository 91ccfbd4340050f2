#include "cli/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

namespace wirefault::cli {
namespace {

volatile std::sig_atomic_t is_interrupted = 0;
volatile std::sig_atomic_t is_snapshot_wanted = 0;
volatile std::sig_atomic_t is_continued = 0;
int nothing_to_read = -1;

// Standard input is put at its end, so that a read that begins only now returns as well.
void on_signal(int) {
  const int kept = errno;
  is_interrupted = 1;
  if (nothing_to_read >= 0) dup2(nothing_to_read, STDIN_FILENO);
  errno = kept;
}

}  // namespace

void catch_interrupts() {
  nothing_to_read = open("/dev/null", O_RDONLY | O_CLOEXEC);
  struct sigaction action {};
  action.sa_handler = on_signal;
  // Without SA_RESTART: a read that waits is interrupted.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    // Under nohup a hang-up stays ignored. A shell's background job has SIGINT ignored, and is
    // still to end by it, as tcpdump does.
    if (signal != SIGHUP || before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

bool interrupted() {
  return is_interrupted != 0;
}

void catch_snapshots() {
  struct sigaction action {};
  action.sa_handler = [](int) { is_snapshot_wanted = 1; };
  sigaction(SIGUSR1, &action, nullptr);
}

void catch_continuations() {
  struct sigaction action {};
  action.sa_handler = [](int) { is_continued = 1; };
  sigaction(SIGCONT, &action, nullptr);
}

bool continued() {
  const bool was = is_continued != 0;
  is_continued = 0;
  return was;
}

bool snapshot_wanted() {
  const bool wanted = is_snapshot_wanted != 0;
  is_snapshot_wanted = 0;
  return wanted;
}

}  // namespace wirefault::cli
