#include "tests/support/expectation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <set>

#include "capture/error.h"
#include "tests/support/analysis.h"
#include "tests/support/process.h"

namespace wirefault::test {
namespace {

[[noreturn]] void malformed(const std::string& file, const std::string& what) {
  throw Error{fmt::format("{}: {}", file, what)};
}

std::int64_t number_in(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) throw Error{fmt::format("'{}' is not a number", text)};
  return value;
}

// 3, ">=3", "<=3", "3..5", "100 +- 5%", "100 +- 5".
bool matches_number(const toml::node& wanted, std::uint64_t got) {
  const auto value = static_cast<std::int64_t>(got);
  if (const auto exact = wanted.value_exact<std::int64_t>()) return value == *exact;
  const std::string text = wanted.value_or(std::string{});
  if (text.starts_with(">=")) return value >= number_in(std::string_view{text}.substr(2));
  if (text.starts_with("<=")) return value <= number_in(std::string_view{text}.substr(2));
  if (const auto dots = text.find(".."); dots != std::string::npos) {
    return value >= number_in(text) && value <= number_in(std::string_view{text}.substr(dots + 2));
  }
  if (const auto around = text.find("+-"); around != std::string::npos) {
    const std::int64_t middle = number_in(text);
    std::int64_t slack = number_in(std::string_view{text}.substr(around + 2));
    if (text.ends_with('%')) slack = middle * slack / 100;
    return value >= middle - slack && value <= middle + slack;
  }
  return value == number_in(text);
}

std::string severity_word(Severity severity) {
  constexpr std::array words{"note", "warning", "error", "critical"};
  return words[static_cast<std::size_t>(severity)];
}
std::string confidence_word(Confidence confidence) {
  constexpr std::array words{"possible", "probable", "certain"};
  return words[static_cast<std::size_t>(confidence)];
}

const std::set<std::string> scope_keys{"client", "server", "service", "address", "name",
                                       "zone",   "path",   "link",    "mac"};

bool in_scope(const toml::table& expect, const Finding& finding) {
  if (finding.detector != expect["detector"].value_or(std::string{})) return false;
  if (const auto variant = expect["variant"].value<std::string>()) {
    if (finding.variant != *variant) return false;
  }
  for (const auto& [key, value] : expect) {
    if (!scope_keys.contains(std::string{key.str()})) continue;
    const std::string wanted = value.value_or(std::string{});
    const bool named = std::any_of(finding.who.begin(), finding.who.end(), [&](const Who& who) {
      return who.role == key.str() &&
             std::any_of(who.top.begin(), who.top.end(),
                         [&](const Who::Member& member) { return member.text == wanted; });
    });
    if (!named) return false;
  }
  return true;
}

// What of `expect` a finding in its scope does not meet.
std::vector<std::string> differences(const toml::table& expect, const Finding& finding) {
  std::vector<std::string> told;
  const auto word = [&](const char* key, const std::string& got) {
    const auto wanted = expect[key].value<std::string>();
    if (wanted && *wanted != got)
      told.push_back(fmt::format("{} is {}, not {}", key, got, *wanted));
  };
  word("severity", severity_word(finding.severity));
  word("confidence", confidence_word(finding.confidence));
  word("state", finding.state == FindingState::ongoing ? "ongoing" : "ended");
  word("cause", finding.causes.empty() ? "none" : std::string{finding.causes.front().id});
  const auto number = [&](const char* key, std::uint64_t got) {
    if (const toml::node* wanted = expect.get(key); wanted && !matches_number(*wanted, got)) {
      told.push_back(fmt::format("{} is {}", key, got));
    }
  };
  number("count", finding.count);
  number("of", finding.of);
  if (const toml::array* frames = expect["frames"].as_array()) {
    for (const toml::node& frame : *frames) {
      const auto wanted = static_cast<std::uint64_t>(frame.value_or(std::int64_t{0}));
      const bool there = std::any_of(finding.frames.begin(), finding.frames.end(),
                                     [&](PacketRef ref) { return ref.number() == wanted; });
      if (!there) told.push_back(fmt::format("frame {} is missing", wanted));
    }
  }
  return told;
}

std::string short_form(const Finding& finding) {
  std::string who;
  for (const Who& each : finding.who) {
    if (!each.top.empty()) who += fmt::format(" {}={}", each.role, each.top.front().text);
  }
  std::vector<std::uint64_t> frames;
  for (const PacketRef ref : finding.frames) {
    if (frames.size() < 12) frames.push_back(ref.number());
  }
  return fmt::format("{}{}{} {} {}:{} {} of {} frames [{}]", finding.detector,
                     finding.variant.empty() ? "" : "/", finding.variant,
                     severity_word(finding.severity), confidence_word(finding.confidence), who,
                     finding.count, finding.of, fmt::join(frames, " "));
}

const std::set<std::string> known_keys{"schema", "capture", "sha256",  "level", "exact",
                                       "ignore", "options", "quality", "expect"};
const std::set<std::string> known_expect_keys{
    "detector", "variant", "severity", "confidence", "state",  "count",  "of",
    "frames",   "cause",   "note",     "todo",       "client", "server", "service",
    "address",  "name",    "zone",     "path",       "link",   "mac"};

void check_keys(const std::string& file, const toml::table& table,
                const std::set<std::string>& known) {
  for (const auto& [key, value] : table) {
    if (!known.contains(std::string{key.str()})) {
      malformed(file, fmt::format("line {}: unknown key '{}'", value.source().begin.line,
                                  std::string_view{key.str()}));
    }
  }
}

std::vector<std::string> settings_in(const std::string& file, const toml::table& table) {
  std::vector<std::string> settings;
  const toml::array* options = table["options"].as_array();
  for (std::size_t i = 0; options != nullptr && i < options->size(); ++i) {
    if (options->get(i)->value_or(std::string{}) != "--set" || i + 1 == options->size()) {
      malformed(file, "options may only hold \"--set\", \"NAME=VALUE\"");
    }
    settings.push_back(options->get(++i)->value_or(std::string{}));
  }
  return settings;
}

void check_quality(const toml::table& wanted, const Result& result,
                   std::vector<std::string>& unmet) {
  for (const auto& [key, value] : wanted) {
    const std::string name{key.str()};
    if (name == "truncated") {
      const bool truncated =
          std::any_of(result.sources.begin(), result.sources.end(),
                      [](const SourceInfo& s) { return s.cut_short.has_value(); });
      if (truncated != value.value_or(false)) {
        unmet.push_back(fmt::format("quality: truncated is {}", truncated));
      }
      continue;
    }
    const auto found = result.quality.numbers.find(name);
    if (found == result.quality.numbers.end()) {
      unmet.push_back(fmt::format("quality: nothing is called {}", name));
    } else if (!matches_number(value, found->second)) {
      unmet.push_back(fmt::format("quality: {} is {}", name, found->second));
    }
  }
}

Severity severity_of(const std::string& word) {
  if (word == "note") return Severity::note;
  if (word == "warning") return Severity::warning;
  if (word == "error") return Severity::error;
  return Severity::critical;
}

}  // namespace

std::vector<std::string> unmet(const std::string& file) {
  const toml::parse_result parsed = toml::parse_file(file);
  const toml::table& table = parsed;
  check_keys(file, table, known_keys);
  const std::string capture = (std::filesystem::path{file}.parent_path() /
                               table["capture"].value_or(std::string{"missing"}))
                                  .string();
  const Result result = analyze({capture}, {settings_in(file, table)});

  std::vector<std::string> told;
  if (const toml::table* quality = table["quality"].as_table()) {
    check_quality(*quality, result, told);
  }
  std::set<const Finding*> expected;
  if (const toml::array* expects = table["expect"].as_array()) {
    for (const toml::node& node : *expects) {
      const toml::table& expect = *node.as_table();
      check_keys(file, expect, known_expect_keys);
      std::vector<const Finding*> candidates;
      for (const Finding& finding : result.findings) {
        if (in_scope(expect, finding)) candidates.push_back(&finding);
      }
      const bool forbidden = expect["count"].value<std::int64_t>() == 0;
      const Severity level = severity_of(table["level"].value_or(std::string{"note"}));
      std::vector<std::string> problems;
      if (forbidden) {
        for (const Finding* finding : candidates) {
          if (finding->severity >= level) problems.push_back(short_form(*finding));
        }
      } else if (candidates.empty()) {
        problems.push_back("not found");
      } else {
        // The candidate that fits best is the one meant.
        const Finding* best = nullptr;
        for (const Finding* finding : candidates) {
          const auto differs = differences(expect, *finding);
          if (best == nullptr || differs.size() < problems.size()) {
            best = finding;
            problems = differs;
          }
        }
        expected.insert(best);
        if (!problems.empty()) problems.push_back(fmt::format("got {}", short_form(*best)));
      }
      const bool todo = expect["todo"].value_or(false);
      for (const std::string& problem : problems) {
        if (!todo) {
          told.push_back(fmt::format("line {}: {}: {}", expect.source().begin.line,
                                     expect["detector"].value_or(std::string{}), problem));
        }
      }
    }
  }
  if (table["exact"].value_or(false)) {
    std::set<std::string> ignored;
    if (const toml::array* ignore = table["ignore"].as_array()) {
      for (const toml::node& id : *ignore) ignored.insert(id.value_or(std::string{}));
    }
    const Severity level = severity_of(table["level"].value_or(std::string{"note"}));
    for (const Finding& finding : result.findings) {
      if (finding.severity >= level && !expected.contains(&finding) &&
          !ignored.contains(std::string{finding.detector})) {
        told.push_back(fmt::format("not expected: {}", short_form(finding)));
      }
    }
  }
  return told;
}

}  // namespace wirefault::test
