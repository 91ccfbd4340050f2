#include "cli/config.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "capture/error.h"
#include "cli/words.h"

namespace wirefault::cli {
namespace {

// By the groups of the help. What is to be read, and what is to be written where, is said anew each
// time: a file that is found by itself must not make anybody overwrite something.
constexpr std::array<std::string_view, 4> groups{"Detectors", "Which findings", "Report",
                                                 "Exit status"};

struct File {
  std::string name;
  std::string text;
};

std::optional<File> read(const std::string& name, bool is_needed) {
  std::error_code ignored;
  if (!is_needed && !std::filesystem::exists(name, ignored)) return std::nullopt;
  if (std::filesystem::is_directory(name, ignored)) {
    throw Error{fmt::format("{} is a directory, and no configuration file", name)};
  }
  std::ifstream file{name, std::ios::binary};
  if (!file) throw Error{fmt::format("cannot open {}: {}", name, std::strerror(errno))};
  return File{name, {std::istreambuf_iterator<char>{file}, {}}};
}

std::optional<std::string> value_of(const std::vector<std::string>& typed,
                                    const std::string& option) {
  for (std::size_t i = 0; i < typed.size(); ++i) {
    if (typed[i] == option && i + 1 < typed.size()) return typed[i + 1];
    if (typed[i].starts_with(option + "=")) return typed[i].substr(option.size() + 1);
  }
  return std::nullopt;
}

std::optional<File> find_file(const std::vector<std::string>& typed) {
  if (const auto named = value_of(typed, "--config")) return read(*named, true);
  // Nobody's environment chooses for a program that has more rights than they.
  const auto variable = [](const char* name) {
    const char* value = secure_getenv(name);
    return std::string{value == nullptr ? "" : value};
  };
  std::string folder = variable("XDG_CONFIG_HOME");
  if (folder.empty() && !variable("HOME").empty()) folder = variable("HOME") + "/.config";
  if (folder.starts_with('/')) {
    if (auto file = read(folder + "/wirefault/config.toml", false)) return file;
  }
  return read("/etc/wirefault.toml", false);
}

bool may_stand_there(const CLI::Option* option) {
  if (option == nullptr) return false;
  const std::string& name = option->get_lnames().front();
  return name != "log" && name != "metrics" &&
         std::ranges::find(groups, option->get_group()) != groups.end();
}

bool is_typed(const CLI::Option& option, const std::vector<std::string>& typed) {
  return std::ranges::any_of(typed, [&](const std::string& word) {
    const auto is_long = [&](const std::string& name) {
      return word == "--" + name || word.starts_with("--" + name + "=");
    };
    const auto is_short = [&](const std::string& name) { return word.starts_with("-" + name); };
    return std::ranges::any_of(option.get_lnames(), is_long) ||
           (!word.starts_with("--") && std::ranges::any_of(option.get_snames(), is_short));
  });
}

// One entry of the file.
class Entry {
 public:
  Entry(const File& file, const toml::key& key, const toml::node& value)
      : file_{file}, key_{key.str()}, value_{value}, line_{key.source().begin.line} {}

  [[noreturn]] void refuse(const std::string& why, const std::string& advice) const {
    throw Error{fmt::format("{}:{}: {}", file_.name, line_, why), advice};
  }

  void refuse_unknown(const CLI::App& app) const {
    std::vector<std::string_view> known;
    for (const CLI::Option* option : app.get_options()) {
      if (!option->get_lnames().empty() && may_stand_there(option)) {
        known.push_back(option->get_lnames().front());
      }
    }
    refuse(fmt::format("no option for a configuration file is called '{}'", key_),
           did_you_mean(key_, known, "  those of --help but its input and what it records"));
  }

  void add_words(const CLI::Option& option, std::vector<std::string>& words) const {
    if (const toml::array* list = value_.as_array()) {
      for (const toml::node& each : *list) add_word(option, each, words);
    } else {
      add_word(option, value_, words);
    }
  }

 private:
  void add_word(const CLI::Option& option, const toml::node& value,
                std::vector<std::string>& words) const {
    const bool is_flag = option.get_items_expected_max() == 0;
    if (is_flag && value.is_boolean()) {
      if (value.value_or(false)) words.push_back("--" + key_);
    } else if (!is_flag && value.is_string()) {
      const std::string text = value.value_or(std::string{});
      if (key_ == "output" && text.find(':') != text.npos) {
        refuse("a configuration file chooses a format, and no file to write", "");
      }
      words.push_back(fmt::format("--{}={}", key_, text));
    } else if (!is_flag && value.is_integer()) {
      words.push_back(fmt::format("--{}={}", key_, value.value_or(std::int64_t{0})));
    } else {
      refuse(fmt::format("this is no value for '{}'", key_),
             is_flag ? "  wanted: true or false" : "  wanted: text, a whole number or a list");
    }
  }

  const File& file_;
  std::string key_;
  const toml::node& value_;
  toml::source_index line_;
};

}  // namespace

std::vector<std::string> configured_words(const CLI::App& program, const CLI::App& app,
                                          const std::vector<std::string>& typed) {
  std::vector<std::string> words;
  const std::optional<File> file = find_file(typed);
  if (!file) return words;
  toml::table table;
  try {
    table = toml::parse(file->text);
  } catch (const toml::parse_error& error) {
    throw Error{
        fmt::format("{}:{}: {}", file->name, error.source().begin.line, error.description())};
  }
  for (const auto& [key, value] : table) {
    const Entry entry{*file, key, value};
    const std::string option = "--" + std::string{key.str()};
    const auto has_it = [&](const CLI::App* verb) {
      return may_stand_there(verb->get_option_no_throw(option));
    };
    if (!std::ranges::any_of(program.get_subcommands(nullptr), has_it)) entry.refuse_unknown(app);
    const CLI::Option* known = app.get_option_no_throw(option);
    if (may_stand_there(known) && !is_typed(*known, typed)) entry.add_words(*known, words);
  }
  return words;
}

}  // namespace wirefault::cli
