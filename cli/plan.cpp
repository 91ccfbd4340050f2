#include "cli/plan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>

#include "capture/filter.h"
#include "capture/shell_word.h"

namespace wirefault::cli {
namespace {

std::string read_text_file(const std::string& name) {
  if (std::filesystem::is_directory(name)) throw Error{fmt::format("{} is a directory", name)};
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

// tcpdump takes words behind its options for a filter.
void refuse_filter_among(const std::vector<std::string>& read,
                         const std::vector<std::string>& files) {
  const auto exists = [](const std::string& name) {
    std::error_code ignored;
    return name == "-" || std::filesystem::exists(name, ignored);
  };
  auto first = files.end();
  while (first != files.begin() && !exists(*(first - 1))) --first;
  if (first == files.end()) return;
  const std::string words = fmt::format("{}", fmt::join(first, files.end(), " "));
  try {
    Filter{words};
  } catch (const Error&) {
    return;  // of names that are wrong, reading tells more
  }
  std::string command = fmt::format("  run:   wirefault analyze -f {}", shell_word(words));
  for (const std::string& name : read) command += " " + shell_word(name);
  for (auto name = files.begin(); name != first; ++name) command += " " + shell_word(*name);
  if (read.empty() && first == files.begin()) command += " FILE";
  throw Error{fmt::format("'{}' is a filter, and no file", words), command};
}

std::vector<std::string> files_of(const Arguments& arguments) {
  refuse_filter_among(arguments.read, arguments.files);
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
  const auto from_stdin = std::count(files.begin(), files.end(), "-");
  if (from_stdin > 1) throw Error{"standard input can be read only once"};
  if (from_stdin == 1 && isatty(STDIN_FILENO) != 0) {
    throw Error{"standard input is a terminal, not a capture",
                "  as in:  ssh HOST sudo tcpdump -U -w - | wirefault analyze -"};
  }
  return files;
}

Output parse_output(const std::string& text, bool is_live) {
  const std::size_t colon = text.find(':');
  const std::string format = text.substr(0, colon);
  Output output;
  if (colon != text.npos) output.name = text.substr(colon + 1);
  if (output.name == "-") output.name.clear();
  if (colon != text.npos && output.name.empty() && !text.ends_with('-')) {
    throw Error{fmt::format("-o {} lacks the name of a file", text)};
  }
  constexpr std::string_view formats[] = {"text", "json", "jsonl"};
  const std::span<const std::string_view> known{formats, is_live ? 3u : 2u};
  if (format == "json") {
    output.format = Format::json;
  } else if (format == "jsonl" && is_live) {
    output.format = Format::jsonl;
  } else if (format != "text") {
    const std::string advice =
        format.ends_with(".json")
            ? fmt::format("  did you mean: -o json:{}", text)
            : did_you_mean(format, known,
                           fmt::format("  wanted: -o {}, with :FILE for a file",
                                       is_live ? "text, jsonl or json" : "text or -o json"));
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
  for (const std::string& text : arguments.outputs)
    outputs.push_back(parse_output(text, arguments.is_live));
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
    if (!arguments.is_live) output.file = std::make_unique<OutputFile>(output.name);
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
  options.terminal = terminal_width() != 0;
  options.width = screen_width();
  if (options.terminal && !arguments.all) options.limit = 10;
  if (arguments.all || !arguments.limit.empty()) options.most_of_kind = 0;
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

}  // namespace

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
  if (!arguments.is_live) plan.files = files_of(arguments);
  plan.outputs = outputs_of(arguments, plan.files);
  return plan;
}

}  // namespace wirefault::cli
