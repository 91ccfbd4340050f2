#include "cli/verbs.h"

namespace wirefault::cli {

std::vector<Verb> add_verbs(CLI::App& program) {
  return {add_analyze(program), add_show(program), add_live(program), add_explain(program),
          add_list(program)};
}

}  // namespace wirefault::cli
