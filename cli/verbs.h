// The verbs of the command line. Each adds itself, with its options, to the program and hands back
// what is to run when the user asked for it.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <vector>

#include "capture/error.h"

namespace wirefault::cli {

struct Verb {
  CLI::App* app = nullptr;  // owned by the program it was added to
  std::function<ExitStatus()> run;
};

Verb add_analyze(CLI::App& program);
Verb add_explain(CLI::App& program);
Verb add_live(CLI::App& program);
Verb add_list(CLI::App& program);
Verb add_show(CLI::App& program);

// All of them, in the order of the manual.
std::vector<Verb> add_verbs(CLI::App& program);

}  // namespace wirefault::cli
