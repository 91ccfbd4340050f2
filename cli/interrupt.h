// Ctrl-C, SIGTERM and SIGHUP end the reading, not the report: what was found is still printed. The
// second signal of a kind ends the program at once.
#pragma once

namespace wirefault::cli {

void catch_interrupts();
bool interrupted();

// SIGUSR1 asks for a report of what is known so far. True once for each time it came.
void catch_snapshots();
bool snapshot_wanted();

// SIGCONT: the shell has had the terminal meanwhile. True once for each time it came.
void catch_continuations();
bool continued();

}  // namespace wirefault::cli
