// `wirefault show CAPTURE... FINDING`: one finding in full, and its worst exchange as a ladder.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <optional>

#include "cli/file_analysis.h"
#include "cli/interrupt.h"
#include "cli/plan.h"
#include "cli/verbs.h"
#include "detectors/wording.h"
#include "report/ladder.h"
#include "report/text.h"

namespace wirefault::cli {
namespace {

std::string lower(std::string_view text) {
  std::string lowered;
  for (const char c : text) {
    lowered += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return lowered;
}

// F3, f3, 3, or the start of its stable fingerprint, as JSON reports have it.
bool is_called(const Finding& finding, std::string_view wanted) {
  const std::string name = lower(wanted);
  if (name == lower(finding.id) || "f" + name == lower(finding.id)) return true;
  return name.size() >= 6 && fmt::format("{:016x}", finding.fp).starts_with(name);
}

const Finding& finding_called(const Result& result, const std::string& wanted) {
  const auto found =
      std::find_if(result.findings.begin(), result.findings.end(),
                   [&](const Finding& finding) { return is_called(finding, wanted); });
  if (found != result.findings.end()) return *found;
  if (result.findings.empty()) {
    throw Error{fmt::format("there is no finding {}: nothing was found", printable(wanted))};
  }
  throw Error{
      fmt::format("there is no finding {}", printable(wanted)),
      fmt::format("  found:  {}{}; with other options there may be others",
                  result.findings.front().id,
                  result.findings.size() == 1 ? std::string{}
                                              : fmt::format(" to {}", result.findings.back().id))};
}

std::string ladder(const Plan& plan, const Finding& finding) {
  const PacketRef wanted = worst_packet(finding);
  if (!wanted.exists()) return {};
  std::optional<PacketWords> worst;
  read_again(plan, [&](const Packet& packet) {
    if (packet.ref == wanted) worst = words_of(packet);
  });
  if (!worst) return {};
  Exchange exchange{finding, *worst};
  read_again(plan, [&](const Packet& packet) { exchange.take(words_of(packet)); });
  std::string text;
  for (const std::string& line : exchange.draw(std::max<std::size_t>(plan.text.width, 60))) {
    text += line + "\n";
  }
  return text;
}

ExitStatus run(Arguments& arguments) {
  if (arguments.files.size() + arguments.read.size() < 2 || arguments.files.empty()) {
    throw Error{"show which finding of which capture?",
                "  as in:  wirefault show edge.pcapng F1\n  IDs:    wirefault analyze edge.pcapng"};
  }
  const std::string wanted = arguments.files.back();
  arguments.files.pop_back();
  const Plan plan = plan_of(arguments);
  for (const std::string& file : plan.files) {
    if (!is_pipe(file)) continue;
    throw Error{fmt::format("{} can be read only once, and show reads twice",
                            file == "-" ? "standard input" : file),
                "  save the capture to a file first"};
  }
  catch_interrupts();
  Trouble trouble;
  const Result result = analyze(plan, plan.files, trouble);
  const Finding& finding = finding_called(result, wanted);
  const std::string drawn = ladder(plan, finding);
  write_stdout(capture_text(result, plan.text) + "\n" + finding_text(finding, plan.text) +
               (drawn.empty() ? "" : "\n" + drawn));
  if (!trouble.failures.empty()) return ExitStatus::usage;
  return trouble.was_interrupted ? ExitStatus::interface_vanished : ExitStatus::finished;
}

}  // namespace

Verb add_show(CLI::App& program) {
  CLI::App* app = program.add_subcommand("show", "one finding in full, its worst exchange drawn");
  const auto arguments = std::make_shared<Arguments>();
  app->add_option("FILE", arguments->files, "capture files, and last the finding: F1");
  add_window_arguments(*app, *arguments);
  add_detector_arguments(*app, *arguments);
  add_look_arguments(*app, *arguments);
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace wirefault::cli
