// What scripts and people at a terminal rely on: exit statuses, where text goes, and that every
// refusal says what to do instead. All through the real program.
#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/samples.h"

namespace wirefault::tests {
namespace {

const std::string program = WIREFAULT_PROGRAM;
const std::string folder = WIREFAULT_SOURCE_DIR "/samples/dns-unanswered/";
const std::string fires = "fires.pcap";
const std::string quiet = "quiet-answered.pcap";
const std::string torn = "cut-torn.pcap";

// In the samples' folder: lines must not depend on where the source lies. `environment` holds
// NAME=VALUE.
ProcessResult wirefault(const std::vector<std::string>& arguments,
                        const std::vector<std::string>& environment = {},
                        const std::string& input = "/dev/null") {
  // No configuration file of whoever runs the tests.
  std::vector<std::string> command{"env", "-C", folder, "XDG_CONFIG_HOME=/nonexistent"};
  command.insert(command.end(), environment.begin(), environment.end());
  command.push_back(program);
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(command, input);
}

// With "$W" for the program and "$1" for a file.
ProcessResult shell(const std::string& script, const std::string& file = fires) {
  return run({"bash", "-c", "cd " + folder + "; W=" + program + "; " + script, "bash", file});
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

std::size_t occurrences(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++count;
  return count;
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0, start = 0;
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', start)) {
    longest = std::max(longest, at - start);
    start = at + 1;
  }
  return longest;
}

}  // namespace

TEST_CASE("help tells the exit statuses", "[cli]") {
  for (const auto& arguments : {std::vector<std::string>{"--help"}, {"analyze", "--help"}}) {
    const ProcessResult help = wirefault(arguments);
    CHECK(help.status == 0);
    for (const char* status : {"0 done", "1 see --fail-on", "3 see --strict", "4 a report"}) {
      CHECK(has(help.out, status));
    }
    CHECK(longest_line(help.out) <= 80);
  }
}

TEST_CASE("findings alone do not fail; --fail-on makes them", "[cli]") {
  CHECK(wirefault({"analyze", fires}).status == 0);
  CHECK(wirefault({"analyze", fires, "--fail-on", "note"}).status == 1);
  CHECK(wirefault({"analyze", quiet, "--fail-on", "note"}).status == 0);
  CHECK(wirefault({"analyze", fires, "--fail-on", "note", "--host", "203.0.113.77"}).status == 0);
}

TEST_CASE("a capture that breaks off is reported, and fails only when asked", "[cli]") {
  const ProcessResult lenient = wirefault({"analyze", torn});
  CHECK(lenient.status == 0);
  CHECK(has(lenient.out, "breaks off at byte"));
  CHECK(wirefault({"analyze", torn, "--strict"}).status == 3);
  CHECK(wirefault({"analyze", quiet, "--strict"}).status == 0);
}

TEST_CASE("with --strict, packets that the capture lost count as well", "[cli]") {
  // A section, an Ethernet interface, a packet of 60 zeros, and statistics with if_drop.
  const auto u32 = [](std::uint32_t value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const auto block = [&](std::uint32_t type, const std::string& body) {
    const std::string length = u32(static_cast<std::uint32_t>(body.size() + 12));
    return u32(type) + length + body + length;
  };
  const auto capture = [&](std::uint32_t drops) {
    return block(0x0a0d0d0a, u32(0x1a2b3c4d) + u32(1) + u32(~0U) + u32(~0U)) +
           block(1, u32(1) + u32(0)) +
           block(6, u32(0) + u32(0) + u32(0) + u32(60) + u32(60) + std::string(60, '\0')) +
           block(5, u32(0) + u32(0) + u32(0) + u32(5 | 8 << 16) + u32(drops) + u32(0) + u32(0));
  };
  const TemporaryDirectory directory;
  const std::string file = directory / "drops.pcapng";
  write_file(file, capture(0));
  CHECK(wirefault({"analyze", file, "--strict"}).status == 0);
  write_file(file, capture(7));
  CHECK(wirefault({"analyze", file, "--strict"}).status == 3);
  CHECK(wirefault({"analyze", file}).status == 0);
}

TEST_CASE("with --strict, a link type that nobody knows counts as well", "[cli]") {
  const auto u32 = [](std::uint32_t value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const TemporaryDirectory directory;
  const std::string file = directory / "odd.pcap";
  const std::uint32_t user15 = 162;
  write_file(file, u32(0xa1b2c3d4) + u32(2 | 4 << 16) + u32(0) + u32(0) + u32(65535) + u32(user15) +
                       u32(1) + u32(0) + u32(60) + u32(60) + std::string(60, '\0'));
  CHECK(wirefault({"analyze", file}).status == 0);
  CHECK(wirefault({"analyze", file, "--strict"}).status == 3);
}

// Every row: what was typed, and what must be said about it on standard error with status 2.
TEST_CASE("what cannot be done says why and what to do instead", "[cli]") {
  struct Row {
    std::vector<std::string> arguments;
    std::string_view said;
  };
  const Row rows[] = {
      {{}, "usage: wirefault COMMAND"},
      {{"analyse", fires}, "no command is called 'analyse'\n  did you mean: analyze\n"},
      {{fires}, "fires.pcap is a file\n  did you mean: wirefault analyze "},
      {{"/tmp"}, "/tmp is a directory\n  name the files in it, as in:  wirefault analyze /tmp/*"},
      {{"-o", "json", fires}, "-o comes after a command\n  as in:  wirefault analyze -o json FILE"},
      {{"analyze"}, "no capture file was named\n  run:   wirefault analyze FILE"},
      {{"analyze", ""}, "one of the words is empty\n  a variable of the shell that is not set?\n"},
      {{"analyze", fires, "--name", ""}, "--name is followed by an empty word\n"},
      {{"analyze", "-r", fires, "udp", "port", "53"},
       "'udp port 53' is a filter, and no file\n  run:   wirefault analyze -f 'udp port 53' "},
      {{"analyze", "tcp"},
       "'tcp' is a filter, and no file\n  run:   wirefault analyze -f tcp FILE"},
      {{"analyze", "tcp.pcap"}, "tcp.pcap: No such file or directory"},
      {{"analyze", "fire.pcap"}, "fire.pcap: No such file or directory\n  did you mean: "},
      {{"analyze", "."}, "is a directory\n"},
      {{"analyze", "README.md"}, "is not a capture file"},
      {{"analyze", "/dev/null"}, "is empty"},
      {{"analyze", "-", "-"}, "standard input can be read only once"},
      {{"analyze", fires, "--min-sevrity", "error"},
       "no option is called --min-sevrity\n  did you mean: --min-severity\n"},
      {{"analyze", fires, "-Y", "dns"}, "display filters are Wireshark's; here: -f BPF"},
      {{"analyze", fires, "-i", "eth0"}, "for an interface run:  wirefault live -i IF"},
      {{"analyze", fires, "--min-severity", "eror"}, "note; did you mean error?\n"},
      {{"analyze", fires, "--min-confidence", "high"}, "wanted: certain, probable, possible\n"},
      {{"analyze", fires, "--fail-on", "bad"}, "--fail-on cannot be 'bad'\n"},
      {{"analyze", fires, "-o", "jsn"}, "no output format is called 'jsn'\n  did you mean: json\n"},
      {{"analyze", fires, "-o", "x.json"}, "  did you mean: -o json:x.json\n"},
      {{"analyze", fires, "-o", "json:"}, "-o json: lacks the name of a file\n"},
      {{"analyze", fires, "-o", "text", "-o", "json"}, "only one report can go to standard output"},
      {{"analyze", fires, "-o", "json:" + fires}, "is to be read and would be overwritten\n"},
      {{"analyze", fires, "--only", "dns-unansered"},
       "no detector is called 'dns-unansered'\n  did you mean: dns-unanswered\n"},
      {{"analyze", fires, "--skip", "nothing-*"}, "no detector is called 'nothing-*'\n  run:   "},
      {{"analyze", fires, "--skip", "*"}, "--only and --skip leave no detector to run\n"},
      {{"analyze", fires, "--set", "dns.answer-timout=3s"}, "  did you mean: dns.answer-timeout\n"},
      {{"analyze", fires, "--set", "dns.answer-timeout=3"}, "such as 250ms, 5.5s or 2m\n"},
      {{"analyze", fires, "--set", "dns.answer-timeout"}, "  write: --set NAME=VALUE\n"},
      {{"analyze", fires, "-f", "tcp prot 443"}, "syntax error; did you mean 'port'?\n"},
      {{"analyze", fires, "-f", "tcp", "-F", "x"}, "-f and -F cannot both be given\n"},
      {{"analyze", fires, "-F", "/nonexistent"}, "cannot open /nonexistent: No such file"},
      {{"analyze", fires, "--host", "www.example.com"}, "for a DNS name: --name\n"},
      {{"analyze", fires, "--port", "70000"}, "a whole number, 0 to 65535\n"},
      {{"analyze", fires, "--from", "yesterday"}, "wanted: a time such as 2024-05-01T10:10:10Z"},
      {{"analyze", fires, "--from", "+1000000000s1000000000s1s"}, "wanted: a time such as "},
      {{"analyze", fires, "--from", "+5"}, "wanted: a time such as 2024-05-01T10:10:10Z"},
      {{"analyze", fires, "--limit", "ten"}, "--limit cannot be 'ten'\n"},
      {{"analyze", fires, "--limit"}, "--limit: 1 required N missing\n"},
      {{"analyze", fires, "--max-mem", "lots"}, "wanted: a size such as 256M or 1G\n"},
      {{"analyze", fires, "--max-mem", "1K"}, "wanted: 16M to 1024G\n"},
      {{"analyze", fires, "--tz", "mars"}, "wanted: utc, local\n"},
      {{"analyze", fires, "--color", "red"}, "wanted: auto, always, never\n"},
      {{"show"}, "show which finding of which capture?\n  as in:  wirefault show edge.pcapng F1\n"},
      {{"show", fires}, "show which finding of which capture?\n"},
      {{"show", fires, "F99"}, "there is no finding F99\n  found:  F1; with"},
      {{"show", quiet, "F1"}, "there is no finding F1: nothing was found\n"},
      {{"show", "/dev/null", "F1"}, "/dev/null can be read only once, and show reads twice\n"},
      {{"list"}, "list what?\n  wanted: detectors, formats, interfaces, settings\n"},
      {{"list", "detector"}, "there is no list of 'detector'\n  did you mean: detectors\n"},
      {{"list", "formats", "more"}, "'more' is one word too many\n"},
      {{"explain"}, "DETECTOR is required\n"},
      {{"explain", "dns-unaswered"}, "  did you mean: wirefault explain dns-unanswered\n"},
      {{"explain", "DNS-UNANSWERED"}, "  did you mean: wirefault explain dns-unanswered\n"},
      {{"list", "detectors", "-o", "jsn"},
       "no output format is called 'jsn'\n  did you mean: json"},
      {{"explain", "quux"}, "no detector is called 'quux'\n  run:   wirefault list detectors\n"},
  };
  for (const Row& row : rows) {
    const ProcessResult result = wirefault(row.arguments);
    CAPTURE(row.said, result.err, result.status);
    CHECK(result.status == 2);
    CHECK(has(result.err, row.said));
    CHECK(result.out == "");
  }
}

TEST_CASE("help fits the screen and goes to standard output", "[cli]") {
  for (const char* verb : {"analyze", "show", "explain", "list"}) {
    const ProcessResult result = wirefault({verb, "--help"});
    CHECK(result.status == 0);
    CHECK(has(result.out, std::string{"Usage: wirefault "} + verb));
    CHECK(longest_line(result.out) <= 80);
    CHECK(has(wirefault({"--help"}).out, std::string{"\n  "} + verb + " "));
  }
  CHECK(wirefault({"--version"}).out == "wirefault " WIREFAULT_VERSION "\n");
}

TEST_CASE("explain and list fit the screen", "[cli]") {
  const ProcessResult page = wirefault({"explain", "dns-unanswered"});
  CHECK(page.status == 0);
  CHECK(page.out.starts_with("dns-unanswered\n"));
  CHECK(longest_line(page.out) <= 80);
  for (const char* what : {"detectors", "formats", "settings"}) {
    const ProcessResult result = wirefault({"list", what});
    CHECK(result.status == 0);
    CHECK(longest_line(result.out) <= 80);
  }
  CHECK(has(wirefault({"list", "settings"}).out, "dns.answer-timeout "));
  CHECK(has(wirefault({"list", "detectors"}).out, "\ndns-unanswered "));
}

TEST_CASE("show has the finding in full and its worst exchange as a ladder", "[cli]") {
  const ProcessResult shown = wirefault({"show", fires, "F1"});
  CHECK(shown.status == 0);
  CHECK(shown.err == "");
  CHECK(longest_line(shown.out) <= 80);
  CHECK(shown.out.starts_with("fires.pcap  8 packets "));
  CHECK(has(shown.out, "\ncapture: "));
  CHECK(has(shown.out, "\nF1  "));
  CHECK(has(shown.out, "\n  time        192.0.2.10 "));
  CHECK(has(shown.out, "? "));
  CHECK(has(shown.out, "\nwhat the client felt: no answer; asked "));
  CHECK(wirefault({"show", fires, "f1"}).out == shown.out);
  CHECK(wirefault({"show", "-r", fires, "1"}).out == shown.out);
}

TEST_CASE("show draws a ladder for the worst finding of every sample", "[cli]") {
  for (const auto& capture : sample_captures()) {
    if (!capture.filename().string().starts_with("fires")) continue;
    CAPTURE(capture);
    const ProcessResult shown = wirefault({"show", capture.string(), "F1"});
    CHECK(shown.status == 0);
    CHECK(has(shown.out, "\n  time        "));
    CHECK(longest_line(shown.out) <= 80);
  }
}

TEST_CASE("the shortcut of tcpdump's habit", "[cli]") {
  const std::string report = wirefault({"analyze", fires}).out;
  CHECK(wirefault({"-r", fires}).out == report);
  CHECK(wirefault({"-n", "-r", fires}).out == report);
  CHECK(wirefault({"-nr", fires}).out == report);
  CHECK(wirefault({"-n", "-l", "-r", fires}).out == report);
  CHECK(wirefault({"analyze", "-r", fires}).out == report);
}

TEST_CASE("one bad file among several costs nothing that was found", "[cli]") {
  const ProcessResult result = wirefault({"analyze", "README.md", fires});
  CHECK(result.status == 2);
  CHECK(has(result.err, "README.md is not a capture file"));
  CHECK(has(result.out, "README.md is not a capture file"));
  CHECK(has(result.out, "\nF1  "));
}

TEST_CASE("one report for each file, or one for all", "[cli]") {
  CHECK(occurrences(wirefault({"analyze", fires, quiet}).out, "capture: ") == 1);
  const ProcessResult each = wirefault({"analyze", "--each", fires, quiet});
  CHECK(each.status == 0);
  CHECK(each.out == wirefault({"analyze", fires}).out + "\n" + wirefault({"analyze", quiet}).out);
  const ProcessResult with_bad = wirefault({"analyze", "--each", "/nonexistent", fires});
  CHECK(with_bad.status == 2);
  CHECK(has(with_bad.out, "\nF1  "));
}

TEST_CASE("files are named by a list or come from standard input", "[cli]") {
  const TemporaryDirectory directory;
  write_file(directory / "list", quiet + "\n\n" + fires + "\n");
  const ProcessResult listed = wirefault({"analyze", "--files-from", directory / "list"});
  CHECK(listed.out == wirefault({"analyze", quiet, fires}).out);
  const ProcessResult piped = wirefault({"analyze", "-"}, {}, folder + fires);
  CHECK(piped.status == 0);
  CHECK(piped.out.starts_with("standard input  "));
}

TEST_CASE("reports go to files, whole or not at all", "[cli]") {
  const TemporaryDirectory directory;
  const std::string json = directory / "report.json";
  const std::string text = directory / "report.txt";
  const ProcessResult both =
      wirefault({"analyze", fires, "-o", "json:" + json, "-o", "text:" + text});
  CHECK(both.status == 0);
  CHECK(both.out == "");
  CHECK(read_file(json) == wirefault({"analyze", fires, "-o", "json"}).out);
  CHECK(read_file(text) == wirefault({"analyze", fires}).out);

  const ProcessResult nowhere = wirefault({"analyze", fires, "-o", "json:/nonexistent/report"});
  CHECK(nowhere.status == 4);
  CHECK(has(nowhere.err, "cannot write to /nonexistent/report: No such file or directory\n"));
  CHECK(wirefault({"analyze", fires, "-o", "json:/dev/full"}).status == 4);
  const ProcessResult limited = run({"bash", "-c",
                                     "ulimit -f 1; " + program + " analyze " + folder + fires +
                                         " -o json:" + std::string{directory / "big.json"}});
  CHECK(limited.status == 4);
  CHECK_FALSE(std::filesystem::exists(directory / "big.json"));
  std::size_t left = 0;
  for (const auto& entry : std::filesystem::directory_iterator{directory / "."}) {
    if (has(entry.path().filename(), "partial")) ++left;
  }
  CHECK(left == 0);
}

TEST_CASE("a full standard output is an error, a reader that left is none", "[cli]") {
  const ProcessResult full = shell("$W analyze $1 >/dev/full");
  CHECK(full.status == 4);
  CHECK(full.err == "wirefault: cannot write to standard output: No space left on device\n");
  const ProcessResult left =
      shell("exec 3> >(exec true); sleep 0.3; $W analyze $1 >&3; echo status $?");
  CHECK(left.out == "status 0\n");
  CHECK(left.err == "");
}

TEST_CASE("an output that cannot be written does not cost the others", "[cli]") {
  const TemporaryDirectory directory;
  const std::string json = directory / "good.json";
  const ProcessResult result =
      wirefault({"analyze", "-o", "text:/dev/full", "-o", "json:" + json, fires});
  CHECK(result.status == 4);
  CHECK(has(read_file(json), "\"findings\":"));
}

TEST_CASE("a directory in place of a filter or a list is refused", "[cli]") {
  for (const char* option : {"-F", "--files-from"}) {
    const ProcessResult result = wirefault({"analyze", option, "/tmp", fires});
    CHECK(result.status == 2);
    CHECK(result.err == "wirefault: /tmp is a directory\n");
  }
}

TEST_CASE("the report does not depend on standard error", "[cli]") {
  CHECK(shell("$W analyze $1 2>&-").out == wirefault({"analyze", fires}).out);
  const ProcessResult result = wirefault({"analyze", fires});
  CHECK(result.err == "");
  CHECK(has(wirefault({"analyze", "-v", fires}).err, " packets/s\n"));
}

TEST_CASE("stopped from outside, what was found is reported", "[cli]") {
  const TemporaryDirectory directory;
  // More than a pipe holds, so that a finished write proves that reading had begun.
  std::string capture = read_file(folder + fires);
  const std::string records = capture.substr(24);
  while (capture.size() < 300'000) capture += records;
  write_file(directory / "big.pcap", capture);
  for (const char* signal : {"TERM", "HUP"}) {
    const std::string fifo = directory / (std::string{"fifo-"} + signal);
    const ProcessResult result =
        run({"bash", "-c",
             "mkfifo $3; $1 analyze - < $3 & exec 4> $3; cat $2 >&4; kill -$4 $!; wait $!", "bash",
             program, directory / "big.pcap", fifo, signal});
    CHECK(result.status == 5);
    CHECK(has(result.out, "Reading was stopped after "));
    CHECK(has(result.out, "\nF1  "));
  }
}

TEST_CASE("an empty filter lets all through, as with tcpdump", "[cli]") {
  CHECK(wirefault({"analyze", "-f", "", fires}).out == wirefault({"analyze", fires}).out);
}

TEST_CASE("a filter from a file that cannot be one is refused at once", "[cli]") {
  const TemporaryDirectory directory;
  const std::string file = directory / "filter";
  write_file(file, std::string("tcp\0or udp", 10));
  const ProcessResult binary = wirefault({"analyze", fires, "-F", file});
  CHECK(binary.status == 2);
  CHECK(has(binary.err, "a capture filter is text"));

  std::string ports = "port 1";
  for (int port = 2; port <= 30000; ++port) ports += fmt::format(" or {}", port);
  write_file(file, ports);
  const ProcessResult huge = wirefault({"analyze", fires, "-F", file});
  CHECK(huge.status == 2);
  CHECK(has(huge.err, "is too long: at most 4096\n"));
  CHECK(has(huge.err, "portrange"));
}

// Once it sleeps, with its handlers in place, it waits for the FIFO.
TEST_CASE("the first signal ends the wait for a FIFO", "[cli]") {
  const std::string until_it_waits =
      " p=$!; until grep -q '^State:.S' /proc/$p/status && "
      "(( 0x$(sed -n 's/^SigCgt:.//p' /proc/$p/status) & 1 << 14 )); do :; done; kill $p; wait $p";
  const TemporaryDirectory directory;
  const ProcessResult unopened =
      shell("mkfifo $1; $W analyze $1 &" + until_it_waits, directory / "unopened");
  CHECK(unopened.status == 5);
  CHECK(unopened.err == "wirefault: interrupted before the first packet\n");
  const ProcessResult silent =
      shell("mkfifo $1; $W analyze $1 & exec 4> $1; cat " + fires + " >&4;" + until_it_waits,
            directory / "silent");
  CHECK(silent.status == 5);
  CHECK(has(silent.out, "Reading was stopped after "));
  CHECK(has(silent.out, "\nF1  "));
}

TEST_CASE("severity words are colored on request or on a terminal, never against it", "[cli]") {
  const auto colored = [](const ProcessResult& result) { return has(result.out, "\x1b["); };
  CHECK_FALSE(colored(wirefault({"analyze", fires})));
  CHECK(colored(wirefault({"analyze", fires, "--color", "always"})));
  CHECK(colored(wirefault({"analyze", fires}, {"CLICOLOR_FORCE=1"})));
  CHECK_FALSE(colored(wirefault({"analyze", fires}, {"CLICOLOR_FORCE=1", "NO_COLOR=1"})));
  CHECK_FALSE(colored(wirefault({"analyze", fires, "--no-color"}, {"CLICOLOR_FORCE=1"})));

  const auto on_terminal = [](const std::string& prefix) {
    return run({"script", "-qec",
                "stty cols 60; " + prefix + program + " analyze " + folder + fires, "/dev/null"});
  };
  const ProcessResult terminal = on_terminal("TERM=xterm NO_COLOR= ");
  if (terminal.status == 127) {
    WARN("skipped: script(1) is not installed");
    return;
  }
  CHECK(colored(terminal));
  CHECK(longest_line(on_terminal("TERM=dumb ").out) <= 61);  // and a carriage return
  CHECK_FALSE(colored(on_terminal("TERM=dumb ")));
  CHECK_FALSE(colored(on_terminal("TERM=xterm NO_COLOR=1 ")));
}

TEST_CASE("a part of the packets, by filter or by time", "[cli]") {
  CHECK(has(wirefault({"analyze", fires, "-f", "udp port 99"}).out, " 0 of 8 packets"));
  const TemporaryDirectory directory;
  write_file(directory / "filter", "udp port 53\n");
  CHECK(has(wirefault({"analyze", fires, "-F", directory / "filter"}).out, "-f udp port 53"));
  const std::string late = wirefault({"analyze", fires, "--from", "+1h"}).out;
  CHECK(has(late, " 0 of 8 packets"));
  CHECK(has(late, "Asked for --from +1h only."));
  CHECK(has(wirefault({"analyze", fires, "--from", "2020-01-01T00:00:00Z"}).out,
            "fires.pcap  8 packets  "));
  CHECK(has(wirefault({"analyze", fires, "--to", "2020-01-01 00:00:00"}).out, " 0 of 8 packets"));
  CHECK(has(wirefault({"analyze", fires, "--from", "00:00:00", "--to", "23:59:59.5"}).out,
            "fires.pcap  8 packets  "));
}

TEST_CASE("asking for less says so", "[cli]") {
  CHECK(has(wirefault({"analyze", fires, "--only", "dns-unanswered"}).out, "\nF1  "));
  const std::string none = wirefault({"analyze", fires, "--host", "203.0.113.77"}).out;
  CHECK(has(none, "No failures found within what was asked for.\n"));
  CHECK(has(none, "Asked for --host 203.0.113.77 only: 1 other finding not shown.\n"));
  CHECK(has(wirefault({"analyze", fires, "--set", "dns.answer-timeout=3s"}).out,
            "\nset: dns.answer-timeout=3s\n"));
}

TEST_CASE("the JSON of a real capture is as the schema says", "[cli]") {
  const TemporaryDirectory directory;
  for (const std::string& file : {fires, quiet, torn}) {
    const std::string name = directory / "report.json";
    REQUIRE(wirefault({"analyze", file, "-o", "json:" + name}).status == 0);
    const ProcessResult result =
        run({"python3", WIREFAULT_SOURCE_DIR "/tests/report/validate.py",
             WIREFAULT_SOURCE_DIR "/report/wirefault-1.schema.json", name});
    if (result.status == 77 || result.status == 127) {
      WARN("skipped: python3-jsonschema is not installed");
      return;
    }
    CAPTURE(file, result.out);
    CHECK(result.status == 0);
  }
}

TEST_CASE("a configuration file gives options, and what is typed wins", "[cli]") {
  const TemporaryDirectory directory;
  const std::string file = directory / "config.toml";
  const auto with = [&](const std::string& text, std::vector<std::string> more = {}) {
    write_file(file, text);
    more.insert(more.begin(), {"analyze", fires, "--config", file});
    return wirefault(more);
  };
  const std::string plain = wirefault({"analyze", fires}).out;
  CHECK(with("# nothing\n").out == plain);
  const std::string both =
      with("set = [\"dns.answer-timeout=3s\"]\nlimit = 5\nmin-severity = \"note\"\n").out;
  CHECK(has(both, "\nset: dns.answer-timeout=3s\n"));
  CHECK(with("output = \"json\"\n").out.starts_with("{"));
  CHECK(with("output = \"json\"\n", {"-otext"}).out == plain);
  CHECK(with("only = [\"tcp-*\"]\n", {"--only=dns-unanswered"}).out ==
        wirefault({"analyze", fires, "--only", "dns-unanswered"}).out);
  CHECK(with("strict = true\nfail-on = \"error\"\n").status == 1);
  CHECK(with("plain = true\n").out == plain);  // of `live`

  const std::pair<std::string, std::string_view> refused[] = {
      {"limit = 1\nmin-severty = \"note\"\n",
       "config.toml:2: no option for a configuration file is called 'min-severty'\n"
       "  did you mean: min-severity\n"},
      {"filter = \"tcp\"\n", "config.toml:1: no option for a configuration file is called"},
      {"metrics = \"x\"\n", "config.toml:1: no option for a configuration file is called"},
      {"output = \"json:x\"\n", "config.toml:1: a configuration file chooses a format"},
      {"strict = 3\n", "config.toml:1: this is no value for 'strict'\n  wanted: true or false\n"},
      {"limit = 1.5\n", "config.toml:1: this is no value for 'limit'\n"},
      {"limit = \n", "config.toml:1: "},
      {"max-mem = \"lots\"\n", "wanted: a size such as 256M or 1G\n"},
  };
  for (const auto& [text, said] : refused) {
    const ProcessResult result = with(text);
    CAPTURE(text, result.err);
    CHECK(result.status == 2);
    CHECK(has(result.err, said));
  }
  CHECK(has(wirefault({"analyze", fires, "--config", "/nonexistent"}).err,
            "cannot open /nonexistent: No such file"));
}

TEST_CASE("a configuration file is found where the user's are", "[cli]") {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "wirefault");
  write_file(directory / "wirefault" / "config.toml", "output = \"json\"\n");
  const std::string home = "XDG_CONFIG_HOME=" + std::string{directory / ""};
  const auto run_there = [&](const std::vector<std::string>& words) {
    return wirefault(words, {home});
  };
  CHECK(run_there({"analyze", fires}).out.starts_with("{"));
  CHECK_FALSE(run_there({"analyze", fires, "-o", "text"}).out.starts_with("{"));
  CHECK_FALSE(run_there({"analyze", fires, "--config", "/dev/null"}).out.starts_with("{"));
  CHECK(run_there({"explain", "dns-unanswered"}).status == 0);
}

TEST_CASE("lists as JSON are as their schema says", "[cli]") {
  const TemporaryDirectory directory;
  const std::string name = directory / "list.json";
  for (const std::string what : {"detectors", "formats", "interfaces", "settings"}) {
    const ProcessResult listed = wirefault({"list", what, "-o", "json"});
    REQUIRE(listed.status == 0);
    CHECK(has(listed.out, "\"" + what + "\": "));
    write_file(name, listed.out);
    const ProcessResult result =
        run({"python3", WIREFAULT_SOURCE_DIR "/tests/report/validate.py",
             WIREFAULT_SOURCE_DIR "/report/wirefault-list-1.schema.json", name});
    if (result.status == 77 || result.status == 127) {
      WARN("skipped: python3-jsonschema is not installed");
      return;
    }
    CAPTURE(what, result.out);
    CHECK(result.status == 0);
  }
  CHECK(has(wirefault({"list", "detectors", "-o", "json"}).out, "\"name\": \"dns-unanswered\""));
  CHECK(has(wirefault({"list", "formats", "-o", "json"}).out, "\"ERSPAN\""));
}

TEST_CASE("the README shows what the program prints", "[cli]") {
  const ProcessResult result =
      run({"python3", WIREFAULT_SOURCE_DIR "/tests/cli/readme.py", program});
  if (result.status == 127) {
    WARN("skipped: python3 is not installed");
    return;
  }
  CAPTURE(result.out, result.err);
  CHECK(result.status == 0);
  if (result.status == 0 && !result.out.empty()) WARN(result.out);
}

}  // namespace wirefault::tests
