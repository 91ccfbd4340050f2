// The program: finds the verb, runs it, and turns what went wrong into words and an exit status.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <initializer_list>
#include <ios>
#include <new>
#include <vector>

#include "capture/shell_word.h"
#include "cli/config.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "cli/words.h"

namespace wirefault::cli {
namespace {

constexpr std::string_view usage =
    R"(wirefault - find DNS and TCP failures in live traffic or in capture files

usage: wirefault COMMAND [options] [FILE...]

  analyze     read capture files (- is stdin) and report what failed
  show        one finding of a capture file, its worst exchange drawn
  live        watch an interface and report what fails
  explain     what a detector means, when it is wrong, what to check next
  list        detectors | formats | interfaces | settings

shortcuts     wirefault -r FILE = analyze FILE      wirefault -i IF = live -i IF
more          wirefault COMMAND --help, wirefault --version
exit status   0 done, whatever was found; 1 see --fail-on; 2 could not be done;
              3 see --strict; 4 a report could not be written; 5 interrupted
)";

constexpr std::string_view verb_names[] = {"analyze", "show", "live", "explain", "list"};

std::filesystem::file_type type_of(const std::string& name) {
  std::error_code ignored;
  return std::filesystem::status(name, ignored).type();
}

// The first word decides. There is no verb for "anything else": none could ever be added safely.
void check_verb(const std::string& word) {
  if (std::find(std::begin(verb_names), std::end(verb_names), word) != std::end(verb_names)) return;
  if (word.starts_with('-') && word != "-") {
    throw Error{fmt::format("{} comes after a command", word),
                "  as in:  wirefault analyze -o json FILE\n  run:    wirefault --help"};
  }
  using std::filesystem::file_type;
  const file_type type = type_of(word);
  if (type == file_type::directory) {
    throw Error{
        fmt::format("{} is a directory", word),
        fmt::format("  name the files in it, as in:  wirefault analyze {}/*", shell_word(word))};
  }
  if (type != file_type::not_found && type != file_type::none) {
    throw Error{fmt::format("{} is a file", word),
                fmt::format("  did you mean: wirefault analyze {}", shell_word(word))};
  }
  throw Error{fmt::format("no command is called '{}'", word),
              did_you_mean(word, verb_names, "  run:   wirefault --help")};
}

// A shell's variable that is not set would otherwise pass for "not asked for". As with tcpdump,
// only an empty filter is one that lets all through.
void check_none_empty(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string before = i == 0 ? "" : words[i - 1];
    if (!words[i].empty() || before == "-f" || before == "--filter") continue;
    throw Error{before.starts_with('-') ? fmt::format("{} is followed by an empty word", before)
                                        : "one of the words is empty",
                "  a variable of the shell that is not set?"};
  }
}

// tcpdump's `-r FILE` and `-i IF` without a verb.
bool is_shortcut(const std::vector<std::string>& words,
                 std::initializer_list<std::string_view> options) {
  return words.front().starts_with('-') &&
         std::any_of(words.begin(), words.end(), [&](const std::string& word) {
           return std::any_of(options.begin(), options.end(),
                              [&](std::string_view option) { return word.starts_with(option); });
         });
}

// Habits from other programs that deserve more than "unknown".
std::string_view known_habit(std::string_view option) {
  if (option == "-Y")
    return "  display filters are Wireshark's; here: -f BPF, --only, --host, --name";
  if (option == "-i") {
    return "  for an interface run:  wirefault live -i IF";
  }
  if (option == "-w") return "  nothing is recorded; a report goes to a file with:  -o text:FILE";
  return {};
}

[[noreturn]] void refuse_option(const CLI::App& app, const std::string& word) {
  const std::string name = word.substr(0, word.find('='));
  if (!name.starts_with('-')) {
    throw Error{fmt::format("'{}' is one word too many", word),
                fmt::format("  run:   wirefault {} --help", app.get_name())};
  }
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& text : option->get_lnames()) known.push_back("--" + text);
  }
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  const std::string help = fmt::format("  run:   wirefault {} --help", app.get_name());
  const std::string_view habit = known_habit(name);
  throw Error{fmt::format("no option is called {}", name),
              habit.empty() ? did_you_mean(name, candidates, help) : std::string{habit}};
}

// CLI11 leaves two lines between groups, and marks what can be repeated in a way nobody knows.
std::string help_of(const CLI::App& app) {
  std::string text = app.help("wirefault");
  for (const std::string_view noise : {"\n\n\n", " ... "}) {
    for (std::size_t at = text.find(noise); at != text.npos; at = text.find(noise)) {
      noise[0] == '\n' ? text.erase(at, 1) : text.replace(at, noise.size(), "     ");
    }
  }
  return text;
}

ExitStatus run(std::vector<std::string> words) {
  if (words.empty()) {
    write_stderr(usage);
    return ExitStatus::usage;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    write_stdout(usage);
    return ExitStatus::finished;
  }
  if (words[0] == "--version" || words[0] == "-V") {
    write_stdout("wirefault " WIREFAULT_VERSION "\n");
    return ExitStatus::finished;
  }
  check_none_empty(words);
  if (is_shortcut(words, {"-r", "-nr", "--read"})) words.insert(words.begin(), "analyze");
  if (is_shortcut(words, {"-i", "-ni", "--interface"})) words.insert(words.begin(), "live");
  check_verb(words[0]);

  CLI::App program{"", "wirefault"};
  program.require_subcommand(1);
  program.get_formatter()->column_width(30);
  const std::vector<Verb> verbs = add_verbs(program);
  const Verb& verb = *std::find_if(verbs.begin(), verbs.end(), [&](const Verb& candidate) {
    return candidate.app->get_name() == words[0];
  });
  verb.app->allow_extras();  // so that they can be refused in our words
  if (verb.app->get_option_no_throw("--config") != nullptr) {
    const std::vector<std::string> configured = configured_words(program, *verb.app, words);
    words.insert(words.begin() + 1, configured.begin(), configured.end());
  }
  std::reverse(words.begin(), words.end());
  try {
    program.parse(words);
  } catch (const CLI::CallForHelp&) {
    write_stdout(help_of(*verb.app));
    return ExitStatus::finished;
  } catch (const CLI::ParseError& error) {
    throw Error{error.what(), fmt::format("  run:   wirefault {} --help", verb.app->get_name())};
  }
  const std::vector<std::string> extras = verb.app->remaining();
  if (!extras.empty()) refuse_option(*verb.app, extras.front());
  return verb.run();
}

}  // namespace
}  // namespace wirefault::cli

int main(int argc, char** argv) {
  using namespace wirefault;
  // A reader that leaves and a file-size limit are told by write(), and handled there.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return static_cast<int>(cli::run({argv + std::min(argc, 1), argv + argc}));
  } catch (const Error& error) {
    cli::complain(error);
    return static_cast<int>(error.status());
  } catch (const std::ios_base::failure& error) {
    cli::write_stderr(fmt::format("wirefault: {}\n", error.what()));
    return static_cast<int>(ExitStatus::usage);
  } catch (const std::bad_alloc&) {
    cli::write_stderr("wirefault: not enough memory\n  try a smaller --max-mem\n");
    return static_cast<int>(ExitStatus::usage);
  }
}
