// What `cmake --install` puts where, and that the manual page and the completions know each option
// that --help knows.
#include <cctype>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace wirefault::tests {
namespace {

namespace fs = std::filesystem;

const std::string program = WIREFAULT_PROGRAM;

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

// Whether `name` stands there, and not only as a part of a longer one.
bool has_option(const std::string& text, const std::string& name) {
  const auto is_part = [](char c) {
    return c == '-' || std::isalnum(static_cast<unsigned char>(c)) != 0;
  };
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_part(text[at - 1])) && (end == text.size() || !is_part(text[end]))) {
      return true;
    }
  }
  return false;
}

bool is_here(const std::string& tool, const std::string& what_for) {
  if (run({"sh", "-c", "command -v " + tool}).status == 0) return true;
  WARN("skipped: no " << tool << " here, " << what_for);
  return false;
}

std::vector<std::string> verbs() {
  std::vector<std::string> found;
  const std::string help = run({program, "--help"}).out;
  const std::regex line{"\n  ([a-z]+) +[^ ]"};
  for (std::sregex_iterator each{help.begin(), help.end(), line}, end; each != end; ++each) {
    found.push_back((*each)[1]);
  }
  return found;
}

// "-r" and "--read" of a line "  -r,--read FILE    a file".
std::set<std::string> options_of(const std::string& verb) {
  std::set<std::string> found;
  const std::string help = run({program, verb, "--help"}).out;
  const std::regex line{"\n  (-[^ ]+)"};
  const std::regex name{"--?[A-Za-z][a-z-]*"};
  for (std::sregex_iterator each{help.begin(), help.end(), line}, end; each != end; ++each) {
    const std::string names = (*each)[1];
    for (std::sregex_iterator one{names.begin(), names.end(), name}, last; one != last; ++one) {
      found.insert(one->str());
    }
  }
  return found;
}

// The part of `text` from `start` to `end`, or to its own end.
std::string part(const std::string& text, const std::string& start, const std::string& end) {
  const std::size_t from = text.find(start);
  if (from == text.npos) return {};
  return text.substr(from, text.find(end, from + start.size()) - from);
}

struct Installed {
  Installed() : prefix{directory / "usr"} {
    result = run({"cmake", "--install", fs::path{program}.parent_path().string(), "--prefix",
                  prefix.string()});
    manual = run({"gzip", "-dc", file("share/man/man1/wirefault.1.gz")}).out;
  }
  std::string file(const std::string& name) const { return (prefix / name).string(); }

  TemporaryDirectory directory;
  fs::path prefix;
  ProcessResult result;
  std::string manual;
};

const std::string bash_file = "share/bash-completion/completions/wirefault";
const std::string zsh_file = "share/zsh/site-functions/_wirefault";
const std::string fish_file = "share/fish/vendor_completions.d/wirefault.fish";

}  // namespace

TEST_CASE("an installation has its program, manual, completions, unit, schemas and licence",
          "[whole]") {
  const Installed installed;
  INFO(installed.result.err);
  REQUIRE(installed.result.status == 0);
  for (const std::string& name :
       {std::string{"bin/wirefault"}, std::string{"share/man/man1/wirefault.1.gz"}, bash_file,
        zsh_file, fish_file, std::string{"lib/systemd/system/wirefault@.service"},
        std::string{"share/doc/wirefault/copyright"},
        std::string{"share/doc/wirefault/changelog.gz"},
        std::string{"share/wirefault/schema/wirefault-1.schema.json"}}) {
    INFO(name);
    CHECK(fs::file_size(installed.file(name)) > 100);
  }
  CHECK(run({installed.file("bin/wirefault"), "--version"}).status == 0);
}

TEST_CASE("each option of --help is in the manual and in the completions", "[whole]") {
  const Installed installed;
  // Without changes of the font and marks of hyphens.
  const std::string manual = std::regex_replace(installed.manual, std::regex{R"(\\f[BIR]|\\)"}, "");
  const std::string bash = read_file(installed.file(bash_file));
  const std::string zsh = read_file(installed.file(zsh_file));
  const std::string fish = read_file(installed.file(fish_file));
  REQUIRE(verbs().size() >= 4);
  for (const std::string& verb : verbs()) {
    const std::string in_manual = part(manual, ".SS wirefault " + verb + " ", "\n.S");
    const std::string in_bash = part(bash, "    " + verb + ")\n", "\n      fi ;;");
    const std::string in_zsh = part(zsh, "    " + verb + ")\n", " ;;\n");
    const std::set<std::string> options = options_of(verb);
    CHECK(options.contains("--help"));
    for (const std::string& option : options) {
      INFO(verb << " " << option);
      CHECK(has_option(in_manual, option));
      CHECK(has_option(in_bash, option));
      CHECK(has_option(in_zsh, option));
      const bool is_long = option.starts_with("--");
      const std::regex line{"__fish_seen_subcommand_from " + verb + "'[^\n]* -" +
                            (is_long ? "l " : "s ") + option.substr(is_long ? 2 : 1) + "[ \n]"};
      CHECK(std::regex_search(fish, line));
    }
  }
}

TEST_CASE("the manual page renders without a warning", "[whole]") {
  const Installed installed;
  REQUIRE(has(installed.manual, ".SH NAME"));
  const auto page = (installed.directory / "wirefault.1").string();
  write_file(page, installed.manual);
  if (is_here("mandoc", "so it cannot check the page")) {
    const ProcessResult lint = run({"mandoc", "-T", "lint", "-W", "warning", page});
    CHECK(lint.out + lint.err == "");
  }
  if (is_here("man", "so it cannot render the page")) {
    const ProcessResult rendered =
        run({"env", "LC_ALL=C.UTF-8", "MANWIDTH=80", "man", "--warnings=w", "-l", page});
    CHECK(rendered.err == "");
    CHECK(has(rendered.out, "EXIT STATUS"));
    CHECK(has(rendered.out, "--sandbox-status"));
  }
}

TEST_CASE("each shell understands its completion", "[whole]") {
  const Installed installed;
  const std::string script =
      "PATH=" + installed.file("bin") + ":$PATH; source " + installed.file(bash_file) +
      "; offer() { COMP_WORDS=(\"$@\") COMP_CWORD=$(($#-1)); _wirefault; echo \"${COMPREPLY[*]}\"; "
      "}"
      "; offer wirefault an; offer wirefault analyze --min-sev; offer wirefault live --sandbox b"
      "; offer wirefault explain tcp-ref";
  CHECK(run({"bash", "-c", script}).out == "analyze\n--min-severity\nbest-effort\ntcp-refused\n");
  if (is_here("zsh", "so its completion is not read")) {
    CHECK(run({"zsh", "-n", installed.file(zsh_file)}).status == 0);
  }
  if (is_here("fish", "so its completion is not read")) {
    const ProcessResult offered =
        run({"fish", "-c",
             "source " + installed.file(fish_file) +
                 "; complete -C 'wirefault live --sandbox b'; complete -C 'wirefault an'"});
    CHECK(offered.out.starts_with("best-effort\t"));
    CHECK(has(offered.out, "\nanalyze\t"));
    CHECK(offered.err == "");
  }
}

TEST_CASE("the unit runs the program with options that it has, and with few rights", "[whole]") {
  const Installed installed;
  const std::string unit = installed.file("lib/systemd/system/wirefault@.service");
  std::string command = part(read_file(unit), "ExecStart=wirefault live", "\nRestart");
  REQUIRE(command.size() > 50);
  const std::set<std::string> options = options_of("live");
  const std::regex option{" (--?[A-Za-z][a-z-]*)"};
  for (std::sregex_iterator each{command.begin(), command.end(), option}, end; each != end;
       ++each) {
    INFO((*each)[1]);
    CHECK(options.contains((*each)[1]));
  }
  if (!is_here("systemd-analyze", "so the unit is not rated")) return;
  const auto instance = (installed.directory / "wirefault@eth0.service").string();
  fs::copy_file(unit, instance);
  const ProcessResult rated =
      run({"systemd-analyze", "security", "--offline=yes", "--threshold=20", instance});
  INFO(rated.out << rated.err);
  CHECK(rated.status == 0);
  CHECK(has(rated.out, "Overall exposure level"));
}

}  // namespace wirefault::tests
