// `wirefault analyze FILE...`: reads capture files and reports what failed.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>

#include "cli/engine.h"
#include "cli/file_analysis.h"
#include "cli/interrupt.h"
#include "cli/plan.h"
#include "cli/verbs.h"

namespace wirefault::cli {
namespace {

ExitStatus status_of(const Plan& plan, const Result& result, const Trouble& trouble) {
  if (!trouble.failures.empty()) return ExitStatus::usage;
  if (trouble.was_interrupted) return ExitStatus::interface_vanished;
  if (plan.strict && is_incomplete(result)) return ExitStatus::input_incomplete;
  const auto is_bad = [&](const Finding& finding) { return finding.severity >= *plan.fail_on; };
  if (plan.fail_on && std::any_of(result.findings.begin(), result.findings.end(), is_bad)) {
    return ExitStatus::finding_at_fail_on;
  }
  return ExitStatus::finished;
}

// Of several reports, what a script most needs to know: first what was not done, then what was
// found.
ExitStatus worse(ExitStatus a, ExitStatus b) {
  constexpr ExitStatus order[] = {ExitStatus::usage, ExitStatus::interface_vanished,
                                  ExitStatus::input_incomplete, ExitStatus::finding_at_fail_on};
  for (const ExitStatus status : order) {
    if (a == status || b == status) return status;
  }
  return ExitStatus::finished;
}

ExitStatus run(const Arguments& arguments) {
  Plan plan = plan_of(arguments);
  catch_interrupts();
  std::vector<std::vector<std::string>> groups;
  if (plan.each) {
    for (const std::string& file : plan.files) groups.push_back({file});
  } else {
    groups.push_back(plan.files);
  }
  ExitStatus status = ExitStatus::finished;
  std::vector<std::string> texts(plan.outputs.size());
  // An output that cannot be written does not cost the others.
  std::optional<Error> unwritten;
  const auto try_to = [&unwritten](auto write) {
    try {
      write();
    } catch (const Error& error) {
      if (!unwritten) unwritten = error;
    }
  };
  for (const std::vector<std::string>& files : groups) {
    Trouble trouble;
    try {
      Result result = analyze(plan, files, trouble);
      const std::size_t left_out = keep_only(plan.selection, result);
      status = worse(status, status_of(plan, result, trouble));
      for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
        const Output& output = plan.outputs[i];
        std::string text = report(plan, output, result, left_out);
        const bool first = &files == &groups.front();
        if (output.format == Format::text && !first) text.insert(0, 1, '\n');
        if (output.file) {
          texts[i] += text;
        } else {
          try_to([&] { write_stdout(text); });
        }
      }
    } catch (const Error& error) {
      // One of several reports that cannot be made does not cost the others.
      if (groups.size() == 1) throw;
      complain(error);
      status = worse(status, error.status());
    }
    if (interrupted() || unwritten) break;
  }
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    if (plan.outputs[i].file) try_to([&] { plan.outputs[i].file->write(texts[i]); });
  }
  if (unwritten) throw Error{*unwritten};
  return status;
}

}  // namespace

Verb add_analyze(CLI::App& program) {
  CLI::App* app = program.add_subcommand("analyze", "read capture files and report what failed");
  const auto arguments = std::make_shared<Arguments>();
  add_file_arguments(*app, *arguments);
  add_common_arguments(*app, *arguments);
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace wirefault::cli
