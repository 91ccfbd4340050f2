// write_manual FORMAT: writes the manual page (`man`) or a completion (`bash`, `zsh`, `fish`) to
// standard output, from the options that the program has. Built to be run by the build, and not
// installed.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "cli/verbs.h"

namespace wirefault::cli {
namespace {

// The day on which the words below were last changed.
constexpr std::string_view manual_date = "2026-11-21";

struct OptionText {
  std::vector<std::string> names;  // "-r", "--read"; none: a positional
  std::string value;               // "FILE"; empty: takes none
  std::string help;
  std::string group;
};

struct VerbText {
  std::string name;
  std::string summary;
  std::vector<OptionText> options;  // in groups, as --help has them
  std::vector<OptionText> words;    // those without a name

  std::string synopsis() const {
    std::string text = name + " [options]";
    for (const OptionText& word : words) text += fmt::format(" [{}]", word.value);
    return text;
  }
};

OptionText text_of(const CLI::Option& option) {
  OptionText text;
  for (const std::string& name : option.get_snames()) text.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) text.names.push_back("--" + name);
  if (text.names.empty()) {
    text.value = option.get_name(true);
  } else if (option.get_type_size() != 0) {
    text.value = option.get_type_name();
  }
  text.help = option.get_description();
  text.group = option.get_group();
  return text;
}

VerbText text_of(const CLI::App& app) {
  VerbText verb{app.get_name(), app.get_description(), {}, {}};
  for (const std::string& group : app.get_groups()) {
    if (group.empty()) continue;  // hidden
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_group() != group) continue;
      (option->get_positional() ? verb.words : verb.options).push_back(text_of(*option));
    }
  }
  return verb;
}

std::vector<VerbText> verbs() {
  CLI::App program{"", "wirefault"};
  std::vector<VerbText> texts;
  for (const Verb& verb : add_verbs(program)) texts.push_back(text_of(*verb.app));
  return texts;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// For roff: no hyphenation marks, no line taken for a request.
std::string roff(std::string text) {
  text = replaced(replaced(std::move(text), "\\", "\\e"), "-", "\\-");
  return text.starts_with('.') || text.starts_with('\'') ? "\\&" + text : text;
}

std::string roff_option(const OptionText& option) {
  std::string text = ".TP\n";
  std::string names;
  for (const std::string& name : option.names) {
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", roff(name));
  }
  if (!option.value.empty()) {
    names += fmt::format("{}\\fI{}\\fR", names.empty() ? "" : " ", roff(option.value));
  }
  return text + names + "\n" + roff(option.help) + "\n";
}

std::string roff_verb(const VerbText& verb) {
  std::string text =
      fmt::format(".SS wirefault {}\n{}\n", roff(verb.synopsis()), roff(verb.summary) + ".");
  for (const OptionText& word : verb.words) text += roff_option(word);
  std::string group;
  for (const OptionText& option : verb.options) {
    if (option.group != group) text += fmt::format(".PP\n{}:\n", roff(option.group));
    group = option.group;
    text += roff_option(option);
  }
  return text;
}

constexpr std::string_view manual_start = R"(.SH NAME
wirefault \- find DNS and TCP failures in live traffic or in capture files
.SH SYNOPSIS
.B wirefault
.I COMMAND
[options] [words]
.br
.B wirefault \-r
.I FILE
.br
.B wirefault \-i
.I IF
.SH DESCRIPTION
wirefault reads packets and says what failed on the wire: which DNS and TCP
failures there were, worst first, who suffered, since when, how many of how
many, which packets prove it, what probably caused it, and how far the capture
can be trusted.
It sends nothing, and looks up no name.
.SH COMMANDS
)";

constexpr std::string_view manual_end = R"(.SH EXIT STATUS
.TP
0
Done, whatever was found.
.TP
1
With \fB\-\-fail\-on\fR: there is such a finding.
.TP
2
It could not be done: options, an input that cannot be read, no permission, a
sandbox that cannot be entered.
.TP
3
With \fB\-\-strict\fR: the input was incomplete.
.TP
4
A report or evidence file could not be written; the analysis is complete.
.TP
5
The interface vanished, or reading was interrupted; what came before is
reported.
.TP
70
The program found itself inconsistent.
.SH SIGNALS
.TP
SIGINT, SIGTERM, SIGHUP
End the reading, not the report. The second one ends the program at once.
.TP
SIGUSR1
Writes a report of what has been found so far, while
.B wirefault live
goes on.
.SH SECURITY
.B wirefault live
opens the interface and its files, and gives up every right before it looks at
the first packet: it becomes another user (as root: nobody, or that of
\fB\-Z\fR), without groups and capabilities, can open no file (Landlock), start
no program and no process, make no socket, and send nothing through the one it
has (seccomp).
Files that are made later, as in a ring of evidence files, are made by a second
process, which can do that and nothing else, and sees no packet.
As root, a layer that cannot be had ends the program with status 2, unless
\fB\-\-sandbox\fR says otherwise; only Landlock may be missing, in a kernel
without it. \fB\-\-sandbox\-status\fR tells what holds, layer by layer.
.PP
Names for \fB\-Z\fR are looked up in /etc/passwd and nowhere else; users that
are kept elsewhere are given by number, as in \fB\-Z 1000:1000\fR.
.PP
Without root, the right to capture is enough:
.PP
.in +4n
.nf
chgrp wireshark /usr/bin/wirefault
chmod 0750 /usr/bin/wirefault
setcap cap_net_raw=p /usr/bin/wirefault
.fi
.in
.PP
Analysing files needs no right at all.
.SH ENVIRONMENT
.TP
NO_COLOR
When set and not empty: no colours.
.TP
TZ
The time zone of \fB\-\-tz local\fR.
.TP
XDG_CONFIG_HOME
Where \fIwirefault/config.toml\fR is looked for (\fI~/.config\fR).
.SH FILES
.TP
\fIwirefault/config.toml\fR of the user, else \fI/etc/wirefault.toml\fR
Options by their long names, in TOML, such as
.B min-severity = "error"
or
.BR "skip = [\[dq]tcp\-*\[dq]]" .
What is typed wins. What is read, and which files are written, is said on the
command line only.
.TP
.I wirefault@.service
Watches an interface all the time, with the packets of the last 2 GB:
.B systemctl enable \-\-now wirefault@eth0
.SH EXAMPLES
.TP
.B wirefault analyze edge\-7.pcapng
What failed in a capture.
.TP
.B wirefault live \-i eth0
What fails now.
.TP
.B wirefault live \-i eth0 \-\-until error \-w proof.pcapng port 53
Waits for DNS to fail again, and keeps the packets.
.TP
.B ssh HOST sudo tcpdump \-U \-w \- | wirefault analyze \-
What fails on a host without wirefault.
.SH SEE ALSO
.BR tcpdump (8),
.BR tshark (1),
.BR pcap\-filter (7),
.BR setcap (8),
.BR systemd\-analyze (1)
)";

std::string manual() {
  std::string text = fmt::format(".TH WIREFAULT 1 {} \"wirefault {}\" \"User Commands\"\n",
                                 manual_date, WIREFAULT_VERSION);
  text += manual_start;
  for (const VerbText& verb : verbs()) text += roff_verb(verb);
  return text + std::string{manual_end};
}

// What a value can be, for the shells to offer.
struct Values {
  enum class Kind { unknown, files, words, command };
  Kind kind = Kind::unknown;
  std::string_view text;  // words, with blanks between; or a command that prints them
};

Values values_of(std::string_view type) {
  using enum Values::Kind;
  struct Row {
    std::string_view type;
    Values values;
  };
  static constexpr Row rows[] = {
      {"FILE", {files, {}}},
      {"LIST", {files, {}}},
      {"S", {words, "critical error warning note"}},
      {"C", {words, "certain probable possible"}},
      {"ZONE", {words, "utc local"}},
      {"WHEN", {words, "auto always never"}},
      {"MODE", {words, "enforce best-effort off"}},
      {"FMT[:FILE]", {words, "text json jsonl"}},
      {"jsonl:FILE", {words, "jsonl:"}},
      {"WHAT", {words, "detectors formats interfaces settings"}},
      {"IF", {command, "ls /sys/class/net"}},
      {"USER", {command, "cut -d: -f1 /etc/passwd"}},
      {"D,..", {command, "wirefault list detectors 2>/dev/null | sed '1d; s/ .*//'"}},
      {"DETECTOR", {command, "wirefault list detectors 2>/dev/null | sed '1d; s/ .*//'"}},
      {"NAME=VALUE", {command, "wirefault list settings 2>/dev/null | sed '1d; s/ .*/=/'"}},
  };
  const auto row = std::find_if(std::begin(rows), std::end(rows),
                                [&](const Row& candidate) { return candidate.type == type; });
  return row == std::end(rows) ? Values{} : row->values;
}

std::string joined_names(const std::vector<OptionText>& options, std::string_view between) {
  std::vector<std::string> names;
  for (const OptionText& option : options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return fmt::format("{}", fmt::join(names, between));
}

std::string verb_names(const std::vector<VerbText>& all) {
  std::string names;
  for (const VerbText& verb : all) names += (names.empty() ? "" : " ") + verb.name;
  return names;
}

std::string bash_values(const std::string& type) {
  const Values values = values_of(type);
  switch (values.kind) {
    case Values::Kind::files:
      return "compopt -o default";
    case Values::Kind::words:
      return fmt::format("_wirefault_offer '{}'", values.text);
    case Values::Kind::command:
      return fmt::format("_wirefault_offer \"$({})\"", values.text);
    case Values::Kind::unknown:
      break;
  }
  return ":";
}

std::string bash() {
  const std::vector<VerbText> all = verbs();
  std::string text = R"(# bash completion of wirefault

_wirefault_offer() {
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_wirefault() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
  COMPREPLY=()
)";
  text += fmt::format(
      "  if ((COMP_CWORD == 1)); then\n    _wirefault_offer '{} --help --version'\n    return\n"
      "  fi\n  case ${{COMP_WORDS[1]}} in\n",
      verb_names(all));
  for (const VerbText& verb : all) {
    text += fmt::format("    {})\n      case $before in\n", verb.name);
    for (const OptionText& option : verb.options) {
      if (option.value.empty()) continue;
      text += fmt::format("        {}) {}; return ;;\n", joined_names({option}, "|"),
                          bash_values(option.value));
    }
    text += fmt::format(
        "      esac\n      if [[ $current == -?* ]]; then\n        _wirefault_offer '{}'\n"
        "      else\n        {}\n      fi ;;\n",
        joined_names(verb.options, " "),
        verb.words.empty() ? ":" : bash_values(verb.words.front().value));
  }
  return text + "  esac\n}\n\ncomplete -F _wirefault wirefault\n";
}

std::string zsh_quoted(std::string text) {
  return replaced(std::move(text), "'", "'\\''");
}

std::string zsh_values(const std::string& type) {
  const Values values = values_of(type);
  switch (values.kind) {
    case Values::Kind::files:
      return "_files";
    case Values::Kind::words:
      return fmt::format("({})", values.text);
    case Values::Kind::command:
      return zsh_quoted(fmt::format("{{_wirefault_offer \"$({})\"}}", values.text));
    case Values::Kind::unknown:
      break;
  }
  return " ";
}

// Colons and brackets end a part of a specification.
std::string zsh_part(std::string text) {
  for (const std::string_view special : {":", "[", "]"}) {
    text = replaced(std::move(text), special, fmt::format("\\{}", special));
  }
  return zsh_quoted(std::move(text));
}

std::string zsh() {
  const std::vector<VerbText> all = verbs();
  std::string text =
      "#compdef wirefault\n\n_wirefault_offer() {\n  local -a offered=(${(f)1})\n"
      "  compadd -a offered\n}\n\n_wirefault() {\n  if ((CURRENT == 2)); then\n"
      "    local -a commands=(\n";
  for (const VerbText& verb : all) {
    text += fmt::format("      '{}:{}'\n", verb.name, zsh_part(verb.summary));
  }
  text +=
      "    )\n    _describe command commands\n    _arguments --help --version\n    return\n  fi\n"
      "  local verb=$words[2]\n  shift words\n  ((CURRENT--))\n  case $verb in\n";
  for (const VerbText& verb : all) {
    text += fmt::format("    {})\n      _arguments -s \\\n", verb.name);
    for (const OptionText& option : verb.options) {
      const std::string names = joined_names({option}, ",");
      const std::string value = option.value.empty() ? ""
                                                     : fmt::format(":{}:{}", zsh_part(option.value),
                                                                   zsh_values(option.value));
      text += fmt::format("        '*'{}'[{}]{}' \\\n",
                          option.names.size() > 1 ? fmt::format("{{{}}}", names) : names,
                          zsh_part(option.help), value);
    }
    const std::string words = verb.words.empty() ? "" : verb.words.front().value;
    text += fmt::format("        '*:{}:{}' ;;\n", words, zsh_values(words));
  }
  return text + "  esac\n}\n\n_wirefault \"$@\"\n";
}

std::string fish_quoted(std::string text) {
  return "'" + replaced(replaced(std::move(text), "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_values(const std::string& type) {
  const Values values = values_of(type);
  switch (values.kind) {
    case Values::Kind::files:
      return " -F";
    case Values::Kind::words:
      return " -a " + fish_quoted(std::string{values.text});
    case Values::Kind::command:
      return " -a " + fish_quoted(fmt::format("({})", values.text));
    case Values::Kind::unknown:
      break;
  }
  return "";
}

std::string fish() {
  const std::vector<VerbText> all = verbs();
  std::string text = "# fish completion of wirefault\n\ncomplete -c wirefault -f\n";
  for (const VerbText& verb : all) {
    text += fmt::format("complete -c wirefault -n __fish_use_subcommand -a {} -d {}\n", verb.name,
                        fish_quoted(verb.summary));
  }
  for (const std::string_view name : {"help", "version"}) {
    text += fmt::format("complete -c wirefault -n __fish_use_subcommand -l {}\n", name);
  }
  for (const VerbText& verb : all) {
    const std::string start =
        fmt::format("complete -c wirefault -n '__fish_seen_subcommand_from {}'", verb.name);
    for (const OptionText& option : verb.options) {
      text += start;
      for (const std::string& name : option.names) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      if (!option.value.empty()) {
        const bool is_file = values_of(option.value).kind == Values::Kind::files;
        text += (is_file ? " -r" : " -x") + fish_values(option.value);
      }
      text += " -d " + fish_quoted(option.help) + "\n";
    }
    if (!verb.words.empty()) text += start + fish_values(verb.words.front().value) + "\n";
  }
  return text;
}

}  // namespace
}  // namespace wirefault::cli

int main(int argc, char** argv) {
  using namespace wirefault::cli;
  const std::string_view format = argc == 2 ? argv[1] : "";
  std::string text;
  if (format == "man") text = manual();
  if (format == "bash") text = bash();
  if (format == "zsh") text = zsh();
  if (format == "fish") text = fish();
  if (text.empty() || std::fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      std::fflush(stdout) != 0) {
    std::fputs("usage: write_manual man|bash|zsh|fish >FILE\n", stderr);
    return 2;
  }
  return 0;
}
