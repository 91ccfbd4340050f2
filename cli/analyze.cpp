// `wirefault analyze FILE...`: reads capture files and reports what failed.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>

#include "cli/engine.h"
#include "cli/interrupt.h"
#include "cli/plan.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "detectors/wording.h"

namespace wirefault::cli {
namespace {

// What went wrong on the way to a report that is made all the same.
struct Trouble {
  std::vector<std::string> failures;  // files that could not be read, or not to their end
  bool was_interrupted = false;
};

bool is_pipe(const std::string& name) {
  using std::filesystem::file_type;
  std::error_code ignored;
  const file_type type = std::filesystem::status(name, ignored).type();
  return name == "-" || type == file_type::fifo || type == file_type::character;
}

// Opens what can be opened: one bad file among many must not cost the others.
std::unique_ptr<Source> open_what_can_be(const Plan& plan, const std::vector<std::string>& files,
                                         Trouble& trouble) {
  if (files.size() == 1) return open_files(files, plan.file_options);
  std::vector<std::string> good;
  for (const std::string& file : files) {
    try {
      // A pipe cannot be opened twice, and is believed.
      if (!is_pipe(file)) open_files({file}, plan.file_options);
      good.push_back(file);
    } catch (const Error& error) {
      complain(error);
      trouble.failures.emplace_back(error.what());
    }
  }
  if (good.empty()) throw Error{"none of the files can be read"};
  return open_files(good, plan.file_options);
}

// A FIFO opens only when somebody writes to it, and a pipe may stay silent.
std::unique_ptr<Source> open_unless_interrupted(const Plan& plan,
                                                const std::vector<std::string>& files,
                                                Trouble& trouble) {
  try {
    return open_what_can_be(plan, files, trouble);
  } catch (const Error&) {
    if (!interrupted()) throw;
    throw Error{"interrupted before the first packet", {}, ExitStatus::interface_vanished};
  }
}

// Lets through the packets between --from and --to.
class Window {
 public:
  explicit Window(const Plan& plan) : plan_{plan} {}

  std::span<const Packet> inside(std::span<const Packet> packets) {
    if (!plan_.from && !plan_.to) return packets;
    if (!known_) {
      const Zone zone = plan_.text.zone;
      if (plan_.from) from_ = plan_.from->resolve(packets.front().time, zone);
      if (plan_.to) to_ = plan_.to->resolve(packets.front().time, zone);
      known_ = true;
    }
    kept_.clear();
    std::copy_if(packets.begin(), packets.end(), std::back_inserter(kept_),
                 [&](const Packet& packet) { return from_ <= packet.time && packet.time <= to_; });
    return kept_;
  }

 private:
  const Plan& plan_;
  bool known_ = false;
  Timestamp from_ = Timestamp::min();
  Timestamp to_ = Timestamp::max();
  std::vector<Packet> kept_;
};

void add_note(Quality& quality, std::string_view kind, std::string text) {
  quality.notes.insert(quality.notes.begin(), {kind, Grade::degraded, 0, std::move(text)});
  quality.grade = std::max(quality.grade, Grade::degraded);
}

Result analyze(const Plan& plan, const std::vector<std::string>& files, Trouble& trouble) {
  Engine engine{plan};
  const std::unique_ptr<Source> source = open_unless_interrupted(plan, files, trouble);
  Window window{plan};
  Progress progress{!plan.quiet};
  std::uint64_t packets = 0;
  try {
    for (auto batch = source->next(); !batch.empty() && !interrupted(); batch = source->next()) {
      engine.tracking.add(window.inside(batch));
      packets += batch.size();
      progress.update(packets, source->sources());
    }
  } catch (const Error& error) {
    progress.clear();
    complain(error);
    trouble.failures.push_back(error.what());
  }
  progress.clear();
  trouble.was_interrupted = interrupted();
  engine.tracking.finish();
  Result result = engine.result(source->sources());
  for (const std::string& failure : trouble.failures)
    add_note(result.quality, "unreadable", failure);
  if (trouble.was_interrupted) {
    add_note(result.quality, "interrupted",
             fmt::format("reading was stopped after {}; the rest was not looked at",
                         plural(packets, "packet")));
  }
  if (plan.verbose) {
    const double seconds = progress.elapsed().count();
    write_stderr(
        fmt::format("wirefault: {} in {:.2f} s, {} packets/s\n", plural(packets, "packet"), seconds,
                    grouped(static_cast<std::uint64_t>(static_cast<double>(packets) / seconds))));
  }
  return result;
}

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
