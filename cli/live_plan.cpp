#include "cli/live_plan.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <tuple>

#include "capture/shell_word.h"
#include "detectors/wording.h"

namespace wirefault::cli {
namespace {

constexpr std::uint64_t largest_snap_length = 262144;

std::string chosen_interface(const LiveArguments& arguments) {
  if (!arguments.interface.empty()) return arguments.interface;
  std::string found = default_interface();
  if (found.empty()) {
    throw Error{"there is no default route, so which interface is meant is not known",
                "  run:   wirefault list interfaces\n  then:  wirefault live -i NAME"};
  }
  return found;
}

LiveOptions capture_of(const LiveArguments& arguments, const std::string& filter) {
  LiveOptions capture;
  capture.interface = chosen_interface(arguments);
  capture.filter = filter;
  capture.promiscuous = !arguments.not_promiscuous;
  if (!arguments.snap_length.empty()) {
    // tcpdump's 0: as much as there is.
    const auto length = parse_number("-s", arguments.snap_length, largest_snap_length);
    capture.snap_length = static_cast<std::uint32_t>(length == 0 ? largest_snap_length : length);
  }
  if (!arguments.buffer.empty()) {
    constexpr std::uint64_t most_kib = 1 << 20;
    capture.buffer = parse_number("-B", arguments.buffer, most_kib) * 1024;
  }
  return capture;
}

// A file is no filter: whoever names one wants it read.
void check_is_filter(const std::vector<std::string>& words) {
  std::error_code ignored;
  if (words.empty() || words.front().find_first_of("./") == std::string::npos ||
      !std::filesystem::is_regular_file(words.front(), ignored)) {
    return;
  }
  throw Error{
      fmt::format("{} is a file, and live listens to an interface", printable(words.front())),
      fmt::format("  did you mean: wirefault analyze {}", shell_word(words.front()))};
}

// tcpdump counts in millions of bytes, or as a letter behind the number says.
std::uint64_t rotate_bytes(std::string text) {
  std::uint64_t unit = 1'000'000;
  if (text.ends_with("iB")) text.resize(text.size() - 2);  // 100MiB
  constexpr std::string_view letters = "kmg";
  if (!text.empty()) {
    const char last = static_cast<char>(text.back() | 0x20);
    if (const auto at = letters.find(last); at != letters.npos) {
      unit = std::uint64_t{1024} << (10 * at);
      text.pop_back();
    }
  }
  const std::uint64_t size = parse_number("-C", text, 1'000'000'000) * unit;
  if (size == 0) throw Error{"-C 0 leaves no room in any file"};
  return size;
}

std::optional<EvidenceOptions> evidence_of(const LiveArguments& arguments) {
  if (arguments.write.empty()) {
    for (const auto& [option, value] : {std::pair{"-C", arguments.rotate_size},
                                        {"-G", arguments.rotate_seconds},
                                        {"-W", arguments.most_files}}) {
      if (!value.empty()) throw Error{fmt::format("{} needs -w FILE", option)};
    }
    return std::nullopt;
  }
  if (arguments.write == "-") {
    throw Error{"packets are kept in files, not on standard output",
                "  as in:  -w FILE    or:  tcpdump -U -w - | wirefault analyze -"};
  }
  if (!arguments.most_files.empty() && arguments.rotate_size.empty() &&
      arguments.rotate_seconds.empty()) {
    throw Error{"-W counts the files of -C or -G"};
  }
  EvidenceOptions evidence;
  evidence.file = arguments.write;
  evidence.force = arguments.force;
  if (!arguments.rotate_size.empty()) evidence.rotate_bytes = rotate_bytes(arguments.rotate_size);
  if (!arguments.rotate_seconds.empty()) {
    evidence.rotate_interval =
        std::chrono::seconds{parse_number("-G", arguments.rotate_seconds, 1'000'000'000)};
  }
  if (!arguments.most_files.empty()) {
    evidence.most_files =
        static_cast<std::uint32_t>(parse_number("-W", arguments.most_files, 1'000'000'000));
  }
  for (const auto& [option, value, is_zero] :
       {std::tuple{"-G", &arguments.rotate_seconds, evidence.rotate_interval.count() == 0},
        {"-W", &arguments.most_files, evidence.most_files == 0}}) {
    if (!value->empty() && is_zero) throw Error{fmt::format("{} cannot be 0", option)};
  }
  return evidence;
}

std::vector<std::string> logs_of(const LiveArguments& arguments) {
  std::vector<std::string> logs;
  for (const std::string& text : arguments.logs) {
    constexpr std::string_view prefix = "jsonl:";
    if (!text.starts_with(prefix) || text.size() == prefix.size()) {
      throw Error{fmt::format("--log cannot be '{}'", text), "  as in:  --log jsonl:FILE"};
    }
    logs.push_back(text.substr(prefix.size()));
  }
  return logs;
}

bool wants_screen(const LiveArguments& arguments, const Plan& plan) {
  const bool text_on_stdout = std::any_of(plan.outputs.begin(), plan.outputs.end(), [](auto& each) {
    return each.name.empty() && each.format == Format::text;
  });
  const char* terminal = std::getenv("TERM");
  return !arguments.plain && text_on_stdout && isatty(STDIN_FILENO) != 0 &&
         isatty(STDOUT_FILENO) != 0 &&
         std::string_view{terminal == nullptr ? "" : terminal} != "dumb";
}

// One file for two things would leave neither.
void check_all_differ(const LiveArguments& arguments, const Plan& plan, const LivePlan& live) {
  std::vector<std::string> files = live.logs;
  for (const Output& output : plan.outputs) files.push_back(output.name);
  files.push_back(live.metrics);
  files.push_back(arguments.write);
  std::erase(files, "");
  for (std::string& file : files) file = std::filesystem::absolute(file).lexically_normal();
  std::sort(files.begin(), files.end());
  const auto twice = std::adjacent_find(files.begin(), files.end());
  if (twice != files.end()) throw Error{fmt::format("{} is to be written twice", *twice)};
}

}  // namespace

void add_live_arguments(CLI::App& app, LiveArguments& to) {
  app.add_option("FILTER", to.words, "the last words: look only at packets that match");
  app.add_option("-i,--interface", to.interface, "where to listen (that of the default route)")
      ->type_name("IF")
      ->group("Input");
  app.add_option("-s,--snaplen", to.snap_length, "bytes kept of each packet (262144)")
      ->type_name("BYTES")
      ->group("Input");
  app.add_option("-B,--buffer-size", to.buffer, "the kernel's ring for packets (16384)")
      ->type_name("KiB")
      ->group("Input");
  app.add_flag("-p,--no-promiscuous-mode", to.not_promiscuous,
               "only what this host would get anyway")
      ->group("Input");
  app.add_flag("--no-auto-filter", to.no_auto_filter, "look at the own ssh session too")
      ->group("Input");
  app.add_option("-c,--count", to.count, "stop after so many packets")
      ->type_name("N")
      ->group("When to stop");
  app.add_option("--for", to.duration, "stop after this time: 60s, 5m")
      ->type_name("TIME")
      ->group("When to stop");
  app.add_option("--until", to.until, "stop at the first finding this bad or worse")
      ->type_name("S")
      ->group("When to stop");
  app.add_option("-w,--write", to.write, "keep the packets in a pcapng file")
      ->type_name("FILE")
      ->group("Evidence");
  app.add_option("-C,--rotate-size", to.rotate_size, "a new file after millions of bytes")
      ->type_name("SIZE")
      ->group("Evidence");
  app.add_option("-G,--rotate-seconds", to.rotate_seconds,
                 "a new file after this time; -w may hold %H%M%S")
      ->type_name("SECONDS")
      ->group("Evidence");
  app.add_option("-W,--file-count", to.most_files, "with -C: a ring of so many files")
      ->type_name("N")
      ->group("Evidence");
  app.add_flag("--force", to.force, "files that exist may be replaced")->group("Evidence");
  app.add_flag("--plain", to.plain, "lines, also on a terminal")->group("Report");
  app.add_option("--log", to.logs, "what opens and closes, as JSON lines, beside the rest")
      ->allow_extra_args(false)
      ->type_name("jsonl:FILE")
      ->group("Report");
  app.add_option("--metrics", to.metrics, "numbers for Prometheus, replaced every ten seconds")
      ->type_name("FILE")
      ->group("Report");
  app.add_option("-Z,--relinquish-privileges", to.user, "the user to become when root (nobody)")
      ->type_name("USER")
      ->group("Safety");
  app.add_option("--sandbox", to.sandbox, "enforce (as root), best-effort or off")
      ->type_name("MODE")
      ->group("Safety");
  app.add_flag("--sandbox-status", to.sandbox_status, "say what holds, on stderr")->group("Safety");
}

LivePlan live_plan_of(const LiveArguments& arguments, const Plan& plan) {
  check_is_filter(arguments.words);
  LivePlan live;
  live.capture = capture_of(arguments, plan.file_options.filter);
  if (!arguments.no_auto_filter) {
    live.session = own_session();
    if (live.session) live.capture.without = live.session->filter;
  }
  if (!arguments.count.empty()) {
    live.most_packets = parse_number("-c", arguments.count, std::uint64_t{1} << 62);
    if (*live.most_packets == 0) throw Error{"-c 0 would look at nothing"};
  }
  if (!arguments.duration.empty()) live.duration = parse_duration("--for", arguments.duration);
  if (!arguments.until.empty()) live.until = parse_severity("--until", arguments.until);
  live.has_screen = wants_screen(arguments, plan);
  live.logs = logs_of(arguments);
  live.metrics = arguments.metrics;
  live.evidence = evidence_of(arguments);
  live.sandbox = sandbox_mode(arguments.sandbox);
  if (!arguments.user.empty()) {
    if (live.sandbox == SandboxMode::off) {
      throw Error{"-Z needs the sandbox, which --sandbox off leaves out"};
    }
    live.user = sandbox_user(arguments.user);
  }
  live.sandbox_status = arguments.sandbox_status;
  check_all_differ(arguments, plan, live);
  return live;
}

}  // namespace wirefault::cli
