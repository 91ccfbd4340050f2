// The program: finds the verb, runs it, and turns what went wrong into words and an exit status.
#include <fmt/format.h>

#include <csignal>
#include <span>

#include "cli/output.h"
#include "cli/verbs.h"

namespace wirefault::cli {
namespace {

ExitStatus run(int argc, char** argv) {
  CLI::App program{"find DNS and TCP failures in capture files", "wirefault"};
  program.set_version_flag("--version", "wirefault " WIREFAULT_VERSION);
  program.require_subcommand(1);
  const Verb verbs[] = {add_explain(program), add_list(program)};
  try {
    program.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    write_stdout(program.help());
    return ExitStatus::finished;
  } catch (const CLI::CallForVersion& version) {
    write_stdout(fmt::format("{}\n", version.what()));
    return ExitStatus::finished;
  } catch (const CLI::ParseError& error) {
    throw Error{error.what(), "  run:   wirefault --help"};
  }
  for (const Verb& verb : verbs) {
    if (verb.app->parsed()) return verb.run();
  }
  return ExitStatus::usage;
}

}  // namespace
}  // namespace wirefault::cli

int main(int argc, char** argv) {
  using namespace wirefault;
  // A reader that leaves and a file-size limit are told by write(), and handled there.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return static_cast<int>(cli::run(argc, argv));
  } catch (const Error& error) {
    cli::write_stderr(fmt::format("wirefault: {}\n", error.what()));
    if (!error.advice().empty()) cli::write_stderr(fmt::format("{}\n", error.advice()));
    return static_cast<int>(error.status());
  }
}
