#include "cli/arguments.h"

#include <fmt/format.h>

namespace wirefault::cli {
namespace {

// Lists are given by repeating the option or with commas; a file name after one is a file name.
CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                      const std::string& help) {
  return app.add_option(name, values, help)->allow_extra_args(false)->delimiter(',');
}

}  // namespace

void add_file_arguments(CLI::App& app, Arguments& to) {
  app.add_option("FILE", to.files, "pcap or pcapng, also gzip, zstd, lz4; - is stdin");
  add_window_arguments(app, to);
  app.add_option("--files-from", to.files_from, "a file with one name a line")
      ->type_name("LIST")
      ->group("Input");
  app.add_flag("--each", to.each, "one report for each file, not one timeline")->group("Input");
}

void add_window_arguments(CLI::App& app, Arguments& to) {
  app.add_option("-r,--read", to.read, "a file, as tcpdump names it")
      ->allow_extra_args(false)
      ->type_name("FILE")
      ->group("Input");
  app.add_option("--from", to.from, "from 10:10:10, 2024-05-01T10:10:10Z or +5m on")
      ->type_name("T")
      ->group("Input");
  app.add_option("--to", to.to, "to this time")->type_name("T")->group("Input");
}

void add_detector_arguments(CLI::App& app, Arguments& to) {
  app.add_option("-f,--filter", to.filter, "look only at packets that match, as tcpdump")
      ->type_name("BPF")
      ->group("Input");
  app.add_option("-F", to.filter_file, "the same, from a file")->type_name("FILE")->group("Input");

  app.add_option("--config", to.config, "options to take where none are given, in TOML")
      ->type_name("FILE")
      ->group("Input");

  add_list(app, "--only", to.only, "run only these; * stands for any text")
      ->type_name("D,..")
      ->group("Detectors");
  add_list(app, "--skip", to.skip, "do not run these")->type_name("D,..")->group("Detectors");
  app.add_option("--set", to.set, "a setting; see: wirefault list settings")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE")
      ->group("Detectors");
  app.add_option("--max-mem", to.max_mem, "memory of the whole process (256M)")
      ->type_name("SIZE")
      ->group("Detectors");
}

void add_look_arguments(CLI::App& app, Arguments& to) {
  app.add_option("--tz", to.zone, "times in utc or local")->type_name("ZONE")->group("Report");
  app.add_option("--color", to.color, "auto, always or never")->type_name("WHEN")->group("Report");
  app.add_flag("--no-color", to.no_color, "the same as --color never")->group("Report");
  app.add_flag("-q,--quiet", to.quiet, "no progress on stderr")->group("Report");
  app.add_flag("-n", to.no_names, "for tcpdump's habit: names are never looked up")->group("");
  app.add_flag("-l", to.by_line, "for tcpdump's habit: lines never wait")->group("");
}

void add_common_arguments(CLI::App& app, Arguments& to) {
  add_detector_arguments(app, to);
  add_list(app, "--host", to.hosts, "findings about this address or prefix")
      ->type_name("A[/n]")
      ->group("Which findings");
  add_list(app, "--name", to.names, "findings about this DNS name or those below it")
      ->type_name("N")
      ->group("Which findings");
  add_list(app, "--port", to.ports, "findings about services on this port")
      ->type_name("P")
      ->group("Which findings");
  app.add_option("--min-severity", to.min_severity, "critical, error, warning or note")
      ->type_name("S")
      ->group("Which findings");
  app.add_option("--min-confidence", to.min_confidence, "certain, probable or possible")
      ->type_name("C")
      ->group("Which findings");

  app.add_option(
         "-o,--output", to.outputs,
         fmt::format("{}; repeat for several", to.is_live ? "text, jsonl or json" : "text or json"))
      ->allow_extra_args(false)
      ->type_name("FMT[:FILE]")
      ->group("Report");
  app.add_flag("--all", to.all, "every finding in full")->group("Report");
  app.add_option("--limit", to.limit, "findings in the table, however many of a kind")
      ->type_name("N")
      ->group("Report");
  add_look_arguments(app, to);
  app.add_flag("-v,--verbose", to.verbose, "how long it took, on stderr")->group("Report");

  app.add_option("--fail-on", to.fail_on, "exit with 1 when a finding is this bad or worse")
      ->type_name("S")
      ->group("Exit status");
  app.add_flag("--strict", to.strict, "exit with 3 when the input is incomplete")
      ->group("Exit status");
  app.footer(
      "Exit status: 0 done, whatever was found; 1 see --fail-on; 2 could not be done;\n"
      "3 see --strict; 4 a report could not be written; 5 reading was interrupted.");
}

}  // namespace wirefault::cli
