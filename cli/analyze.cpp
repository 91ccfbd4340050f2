// `wirefault analyze FILE...`: reads capture files and reports what failed.
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>

#include "capture/source.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "detectors/judgement.h"
#include "detectors/wording.h"
#include "dissectors/tracking.h"
#include "report/json.h"
#include "report/select.h"
#include "report/text.h"

namespace wirefault::cli {
namespace {

// As typed.
struct Arguments {
  std::vector<std::string> files;
  std::vector<std::string> read;  // -r, tcpdump's way to name a file
  std::string files_from;
  bool each = false;
  std::string filter;
  std::string filter_file;
  std::string from;
  std::string to;
  std::vector<std::string> only;
  std::vector<std::string> skip;
  std::vector<std::string> set;
  std::string max_mem = "256M";
  std::vector<std::string> hosts;
  std::vector<std::string> names;
  std::vector<std::string> ports;
  std::string min_severity = "note";
  std::string min_confidence = "possible";
  std::vector<std::string> outputs;
  std::string limit;
  bool all = false;
  std::string zone = "utc";
  std::string color = "auto";
  bool no_color = false;
  bool quiet = false;
  bool verbose = false;
  std::string fail_on;
  bool strict = false;
  bool no_names = false;  // -n, tcpdump's: always so
};

enum class Format { text, json };

struct Output {
  Format format = Format::text;
  std::string name;                  // empty: standard output
  std::unique_ptr<OutputFile> file;  // null: standard output
};

// What the arguments amount to.
struct Plan {
  std::vector<std::string> files;
  FileOptions file_options;
  std::optional<TimeBound> from;
  std::optional<TimeBound> to;
  std::vector<std::string> detectors;
  std::vector<std::string> overrides;
  std::size_t memory = 0;
  Selection selection;
  TextOptions text;
  std::vector<Output> outputs;
  std::optional<Severity> fail_on;
  bool each = false;
  bool strict = false;
  bool quiet = false;
  bool verbose = false;
};

std::string read_text_file(const std::string& name) {
  std::ifstream file{name == "-" ? "/dev/stdin" : name, std::ios::binary};
  if (!file) throw Error{fmt::format("cannot open {}: {}", name, std::strerror(errno))};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::string filter_of(const Arguments& arguments) {
  if (arguments.filter_file.empty()) return arguments.filter;
  if (!arguments.filter.empty()) throw Error{"-f and -F cannot both be given"};
  std::string filter = read_text_file(arguments.filter_file);
  while (!filter.empty() && (filter.back() == '\n' || filter.back() == ' ')) filter.pop_back();
  return filter;
}

// The name in the same directory that is nearest to one that does not exist.
std::string advice_for_missing(const std::string& name) {
  const std::filesystem::path path{name};
  const std::filesystem::path directory = path.has_parent_path() ? path.parent_path() : ".";
  std::vector<std::string> found;
  std::error_code problem;
  for (std::filesystem::directory_iterator entry{directory, problem}, end; !problem && entry != end;
       entry.increment(problem)) {
    found.push_back(entry->path().filename().string());
    if (found.size() == 10'000) break;
  }
  std::sort(found.begin(), found.end());  // ties must not depend on the order of the directory
  const std::vector<std::string_view> candidates(found.begin(), found.end());
  const std::string advice = did_you_mean(path.filename().string(), candidates, "");
  if (advice.empty() || !path.has_parent_path()) return advice;
  const std::size_t at = advice.find(": ") + 2;
  return advice.substr(0, at) + (path.parent_path() / advice.substr(at)).string();
}

void check_exists(const std::string& name) {
  if (name == "-" && isatty(STDIN_FILENO) != 0) {
    throw Error{"standard input is a terminal, not a capture",
                "  as in:  ssh HOST sudo tcpdump -U -w - | wirefault analyze -"};
  }
  struct stat status {};
  if (name == "-" || stat(name.c_str(), &status) == 0) return;
  throw Error{fmt::format("cannot open {}: {}", name, std::strerror(errno)),
              errno == ENOENT ? advice_for_missing(name) : std::string{}};
}

std::vector<std::string> files_of(const Arguments& arguments) {
  std::vector<std::string> files = arguments.read;
  files.insert(files.end(), arguments.files.begin(), arguments.files.end());
  if (!arguments.files_from.empty()) {
    const std::string list = read_text_file(arguments.files_from);
    for (std::size_t start = 0; start < list.size();) {
      const std::size_t end = std::min(list.find('\n', start), list.size());
      if (end > start) files.push_back(list.substr(start, end - start));
      start = end + 1;
    }
    if (files.empty()) throw Error{fmt::format("{} names no file", arguments.files_from)};
  }
  if (files.empty()) {
    throw Error{"no capture file was named",
                "  run:   wirefault analyze FILE...    (- is standard input)"};
  }
  if (std::count(files.begin(), files.end(), "-") > 1) {
    throw Error{"standard input can be read only once"};
  }
  return files;
}

Output parse_output(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string format = text.substr(0, colon);
  Output output;
  if (colon != text.npos) output.name = text.substr(colon + 1);
  if (output.name == "-") output.name.clear();
  if (colon != text.npos && output.name.empty() && !text.ends_with('-')) {
    throw Error{fmt::format("-o {} lacks the name of a file", text)};
  }
  constexpr std::string_view formats[] = {"text", "json"};
  if (format == "json") {
    output.format = Format::json;
  } else if (format != "text") {
    const std::string advice =
        format.ends_with(".json")
            ? fmt::format("  did you mean: -o json:{}", text)
            : did_you_mean(format, formats, "  wanted: -o text or -o json, with :FILE for a file");
    throw Error{fmt::format("no output format is called '{}'", format), advice};
  }
  return output;
}

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return std::filesystem::equivalent(a, b, ignored);
}

std::vector<Output> outputs_of(const Arguments& arguments, const std::vector<std::string>& files) {
  std::vector<Output> outputs;
  for (const std::string& text : arguments.outputs) outputs.push_back(parse_output(text));
  if (outputs.empty()) outputs.emplace_back();
  const auto to_stdout = std::count_if(outputs.begin(), outputs.end(),
                                       [](const Output& output) { return output.name.empty(); });
  if (to_stdout > 1) {
    throw Error{"only one report can go to standard output",
                "  as in:  -o text -o json:report.json"};
  }
  for (Output& output : outputs) {
    if (output.name.empty()) continue;
    for (const std::string& file : files) {
      if (is_same_file(file, output.name)) {
        throw Error{fmt::format("{} is to be read and would be overwritten", output.name)};
      }
    }
    output.file = std::make_unique<OutputFile>(output.name);
  }
  return outputs;
}

bool wants_color(const Arguments& arguments) {
  if (arguments.no_color || arguments.color == "never") return false;
  if (arguments.color == "always") return true;
  if (arguments.color != "auto") {
    throw Error{fmt::format("--color cannot be '{}'", arguments.color),
                "  wanted: auto, always, never"};
  }
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string_view{value == nullptr ? "" : value};
  };
  if (!variable("NO_COLOR").empty()) return false;  // no-color.org
  const std::string_view force = variable("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return terminal_width() != 0 && variable("TERM") != "dumb";
}

TextOptions text_options(const Arguments& arguments) {
  TextOptions options;
  if (const std::size_t width = terminal_width()) {
    options.terminal = true;
    options.width = std::clamp<std::size_t>(width, 40, 120);  // longer lines are hard to read
    options.limit = 10;
  }
  options.color = wants_color(arguments);
  options.all = arguments.all;
  if (arguments.zone == "local") {
    options.zone = Zone::local;
  } else if (arguments.zone != "utc") {
    throw Error{fmt::format("--tz cannot be '{}'", arguments.zone), "  wanted: utc, local"};
  }
  if (!arguments.limit.empty()) options.limit = parse_number("--limit", arguments.limit, 1'000'000);
  return options;
}

Selection selection_of(const Arguments& arguments) {
  Selection selection;
  selection.min_severity = parse_severity("--min-severity", arguments.min_severity);
  selection.min_confidence = parse_confidence("--min-confidence", arguments.min_confidence);
  selection.hosts = arguments.hosts;
  selection.names = arguments.names;
  for (const std::string& port : arguments.ports) {
    selection.ports.push_back(static_cast<std::uint16_t>(parse_number("--port", port, 65535)));
  }
  check(selection);
  return selection;
}

// What the reader asked for, in their words: a report of a part must say that it is one.
std::string narrowing(const Arguments& arguments) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view option, const std::string& value) {
    if (!value.empty()) parts.push_back(fmt::format("{} {}", option, value));
  };
  const auto add_all = [&](std::string_view option, const std::vector<std::string>& values) {
    add(option, fmt::format("{}", fmt::join(values, ",")));
  };
  add_all("--only", arguments.only);
  add_all("--skip", arguments.skip);
  add_all("--host", arguments.hosts);
  add_all("--name", arguments.names);
  add_all("--port", arguments.ports);
  if (arguments.min_severity != "note") add("--min-severity", arguments.min_severity);
  if (arguments.min_confidence != "possible") add("--min-confidence", arguments.min_confidence);
  add("-f", filter_of(arguments));
  add("--from", arguments.from);
  add("--to", arguments.to);
  return fmt::format("{}", fmt::join(parts, " "));
}

Plan plan_of(const Arguments& arguments) {
  Plan plan;
  plan.file_options.filter = filter_of(arguments);
  plan.text = text_options(arguments);
  plan.text.narrowed_by = narrowing(arguments);
  if (!arguments.from.empty()) plan.from = parse_time("--from", arguments.from, plan.text.zone);
  if (!arguments.to.empty()) plan.to = parse_time("--to", arguments.to, plan.text.zone);
  if (!arguments.only.empty() || !arguments.skip.empty()) {
    plan.detectors = choose_detectors(arguments.only, arguments.skip);
  }
  plan.overrides = arguments.set;
  plan.memory = parse_size("--max-mem", arguments.max_mem);
  plan.selection = selection_of(arguments);
  if (!arguments.fail_on.empty()) plan.fail_on = parse_severity("--fail-on", arguments.fail_on);
  plan.each = arguments.each;
  plan.strict = arguments.strict;
  plan.quiet = arguments.quiet;
  plan.verbose = arguments.verbose && !arguments.quiet;
  plan.files = files_of(arguments);
  plan.outputs = outputs_of(arguments, plan.files);
  return plan;
}

// What went wrong on the way to a report that is made all the same.
struct Trouble {
  std::vector<std::string> failures;  // files that could not be read, or not to their end
  bool was_interrupted = false;
};

// Opens what can be opened: one bad name among many must not cost the others. Throws the first
// problem when nothing is left.
std::unique_ptr<Source> open_what_can_be(const Plan& plan, const std::vector<std::string>& files,
                                         Trouble& trouble) {
  std::vector<std::string> good;
  std::optional<Error> first_problem;
  const auto note = [&](const Error& error) {
    if (files.size() > 1) complain(error);
    trouble.failures.push_back(error.what());
    if (!first_problem) first_problem = error;
  };
  for (const std::string& file : files) {
    try {
      check_exists(file);
      // A pipe can be opened only once: it is left to the second look.
      if (files.size() > 1 && std::filesystem::is_regular_file(file)) {
        open_files({file}, plan.file_options);
      }
      good.push_back(file);
    } catch (const Error& error) {
      note(error);
    }
  }
  if (good.empty()) throw *first_problem;
  return open_files(good, plan.file_options);
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

HashKey random_key() {
  HashKey key;
  if (getrandom(&key, sizeof key, 0) != sizeof key) throw Error{"the system gives no random bytes"};
  return key;
}

void add_note(Quality& quality, std::string_view kind, std::string text) {
  quality.notes.insert(quality.notes.begin(), {kind, Grade::degraded, 0, std::move(text)});
  quality.grade = std::max(quality.grade, Grade::degraded);
}

Result analyze(const Plan& plan, const std::vector<std::string>& files, Trouble& trouble) {
  Settings settings{plan.overrides};
  Judgement judgement{settings, {plan.memory, plan.detectors}};
  Tracking tracking{settings, {plan.memory, random_key()}, judgement};
  settings.check_all_known();

  const std::unique_ptr<Source> source = open_what_can_be(plan, files, trouble);
  Window window{plan};
  Progress progress{!plan.quiet};
  std::uint64_t packets = 0;
  try {
    for (auto batch = source->next(); !batch.empty() && !interrupted(); batch = source->next()) {
      tracking.add(window.inside(batch));
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
  tracking.finish();
  Result result = judgement.result(source->sources());
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

std::string report(const Plan& plan, const Output& output, const Result& result,
                   std::size_t left_out) {
  if (output.format == Format::json) return json_report(result);
  TextOptions options = plan.text;
  options.left_out = left_out;
  if (output.file) {  // no terminal
    options.width = 80;
    options.terminal = options.color = false;
  }
  return text_report(result, options);
}

// Input that --strict does not put up with.
bool is_incomplete(const Result& result) {
  return std::any_of(result.sources.begin(), result.sources.end(),
                     [](const SourceInfo& source) { return source.cut_short.has_value(); });
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
          write_stdout(text);
        }
      }
    } catch (const Error& error) {
      // One of several reports that cannot be made does not cost the others.
      if (groups.size() == 1 || error.status() == ExitStatus::output_not_written) throw;
      complain(error);
      status = worse(status, error.status());
    }
    if (interrupted()) break;
  }
  for (std::size_t i = 0; i < plan.outputs.size(); ++i) {
    if (plan.outputs[i].file) plan.outputs[i].file->write(texts[i]);
  }
  return status;
}

// Lists are given by repeating the option or with commas; a file name after one is a file name.
CLI::Option* add_list(CLI::App* app, const std::string& name, std::vector<std::string>& values,
                      const std::string& help) {
  return app->add_option(name, values, help)->allow_extra_args(false)->delimiter(',');
}

}  // namespace

Verb add_analyze(CLI::App& program) {
  CLI::App* app = program.add_subcommand("analyze", "read capture files and report what failed");
  const auto arguments = std::make_shared<Arguments>();
  Arguments& to = *arguments;

  app->add_option("FILE", to.files, "pcap or pcapng, also gzip, zstd, lz4; - is stdin");
  app->add_option("-r,--read", to.read, "a file, as tcpdump names it")
      ->allow_extra_args(false)
      ->type_name("FILE")
      ->group("Input");
  app->add_option("--files-from", to.files_from, "a file with one name a line")
      ->type_name("LIST")
      ->group("Input");
  app->add_flag("--each", to.each, "one report for each file, not one timeline")->group("Input");
  app->add_option("-f,--filter", to.filter, "look only at packets that match, as tcpdump")
      ->type_name("BPF")
      ->group("Input");
  app->add_option("-F", to.filter_file, "the same, from a file")->type_name("FILE")->group("Input");
  app->add_option("--from", to.from, "from this time: 10:10:10, 2024-05-01T10:10:10Z, +5m")
      ->type_name("T")
      ->group("Input");
  app->add_option("--to", to.to, "to this time")->type_name("T")->group("Input");

  add_list(app, "--only", to.only, "run only these; * stands for any text")
      ->type_name("D,..")
      ->group("Detectors");
  add_list(app, "--skip", to.skip, "do not run these")->type_name("D,..")->group("Detectors");
  app->add_option("--set", to.set, "a setting; see: wirefault list settings")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE")
      ->group("Detectors");
  app->add_option("--max-mem", to.max_mem, "memory of the whole process (256M)")
      ->type_name("SIZE")
      ->group("Detectors");

  add_list(app, "--host", to.hosts, "findings about this address or prefix")
      ->type_name("A[/n]")
      ->group("Which findings");
  add_list(app, "--name", to.names, "findings about this DNS name or those below it")
      ->type_name("N")
      ->group("Which findings");
  add_list(app, "--port", to.ports, "findings about services on this port")
      ->type_name("P")
      ->group("Which findings");
  app->add_option("--min-severity", to.min_severity, "critical, error, warning or note")
      ->type_name("S")
      ->group("Which findings");
  app->add_option("--min-confidence", to.min_confidence, "certain, probable or possible")
      ->type_name("C")
      ->group("Which findings");

  app->add_option("-o,--output", to.outputs, "text or json; repeat for several")
      ->allow_extra_args(false)
      ->type_name("FMT[:FILE]")
      ->group("Report");
  app->add_flag("--all", to.all, "every finding in full")->group("Report");
  app->add_option("--limit", to.limit, "findings in the table (10 on a terminal)")
      ->type_name("N")
      ->group("Report");
  app->add_option("--tz", to.zone, "times in utc or local")->type_name("ZONE")->group("Report");
  app->add_option("--color", to.color, "auto, always or never")->type_name("WHEN")->group("Report");
  app->add_flag("--no-color", to.no_color, "the same as --color never")->group("Report");
  app->add_flag("-q,--quiet", to.quiet, "no progress on stderr")->group("Report");
  app->add_flag("-v,--verbose", to.verbose, "how long it took, on stderr")->group("Report");
  app->add_flag("-n", to.no_names, "for tcpdump's habit: names are never looked up")->group("");

  app->add_option("--fail-on", to.fail_on, "exit with 1 when a finding is this bad or worse")
      ->type_name("S")
      ->group("Exit status");
  app->add_flag("--strict", to.strict, "exit with 3 when the input is incomplete")
      ->group("Exit status");
  app->footer(
      "Exit status: 0 done, whatever was found; 1 see --fail-on; 2 could not be done;\n"
      "3 see --strict; 4 a report could not be written; 5 reading was interrupted.");
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace wirefault::cli
