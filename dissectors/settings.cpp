#include "dissectors/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "capture/error.h"
#include "capture/suggest.h"

namespace wirefault {
namespace {

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Duration> parse_duration(std::string_view text) {
  double number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || !(number >= 0) || number > 1e7) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  double seconds = 0;
  if (unit == "ms") {
    seconds = 0.001;
  } else if (unit == "s") {
    seconds = 1;
  } else if (unit == "m") {
    seconds = 60;
  } else if (unit == "h") {
    seconds = 3600;
  } else {
    return std::nullopt;
  }
  return std::chrono::round<Duration>(std::chrono::duration<double>(number * seconds));
}

[[noreturn]] void refuse(const std::string& name, const std::string& value,
                         std::string_view wanted) {
  throw Error{fmt::format("setting {} cannot be '{}'", name, value),
              fmt::format("  wanted: {}", wanted)};
}

}  // namespace

Settings::Settings(const std::vector<std::string>& overrides) {
  for (const std::string& text : overrides) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error{fmt::format("'{}' is not a setting", text), "  write: --set NAME=VALUE"};
    }
    overrides_[text.substr(0, equals)] = text.substr(equals + 1);
  }
}

const std::string* Settings::find(const std::string& name) const {
  const auto found = overrides_.find(name);
  return found == overrides_.end() ? nullptr : &found->second;
}

void Settings::declare(std::string name, std::string value, std::string standard,
                       std::string_view help) {
  declared_.push_back({std::move(name), std::move(value), std::move(standard), std::string{help}});
}

std::uint64_t Settings::count(std::string_view owner, std::string_view name, std::uint64_t standard,
                              std::string_view help) {
  const std::string full = fmt::format("{}.{}", owner, name);
  std::uint64_t value = standard;
  if (const std::string* text = find(full)) {
    const auto parsed = parse_count(*text);
    if (!parsed) refuse(full, *text, "a whole number");
    value = *parsed;
  }
  declare(full, fmt::format("{}", value), fmt::format("{}", standard), help);
  return value;
}

std::uint64_t Settings::percent(std::string_view owner, std::string_view name,
                                std::uint64_t standard, std::string_view help) {
  const std::string full = fmt::format("{}.{}", owner, name);
  std::uint64_t value = standard;
  if (const std::string* text = find(full)) {
    std::string_view digits = *text;
    if (digits.ends_with('%')) digits.remove_suffix(1);
    const auto parsed = parse_count(digits);
    if (!parsed || *parsed > 100) refuse(full, *text, "a whole percentage, 0% to 100%");
    value = *parsed;
  }
  declare(full, fmt::format("{}%", value), fmt::format("{}%", standard), help);
  return value;
}

Duration Settings::duration(std::string_view owner, std::string_view name, Duration standard,
                            std::string_view help) {
  const std::string full = fmt::format("{}.{}", owner, name);
  Duration value = standard;
  if (const std::string* text = find(full)) {
    const auto parsed = parse_duration(*text);
    if (!parsed) refuse(full, *text, "a time with its unit, such as 250ms, 5.5s or 2m");
    value = *parsed;
  }
  declare(full, duration_text(value), duration_text(standard), help);
  return value;
}

void Settings::check_all_known() const {
  std::vector<std::string_view> known;
  for (const Declared& declared : declared_) known.push_back(declared.name);
  for (const auto& [name, value] : overrides_) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string_view near = closest(name, known);
    throw Error{fmt::format("no setting is called '{}'", name),
                near.empty() ? std::string{"  run:   wirefault list settings"}
                             : fmt::format("  did you mean: {}", near)};
  }
}

std::vector<std::string> Settings::overrides() const {
  std::vector<std::string> texts;
  for (const auto& [name, value] : overrides_) texts.push_back(fmt::format("{}={}", name, value));
  return texts;
}

std::string duration_text(Duration duration) {
  using namespace std::chrono;
  if (duration >= minutes{2} && duration % minutes{1} == Duration::zero()) {
    return fmt::format("{}m", duration / minutes{1});
  }
  if (duration % milliseconds{1} != Duration::zero()) {
    return fmt::format("{}us", duration / microseconds{1});
  }
  if (duration < seconds{1} && duration != Duration::zero()) {
    return fmt::format("{}ms", duration / milliseconds{1});
  }
  const std::int64_t fraction = duration % seconds{1} / milliseconds{1};
  if (fraction == 0) return fmt::format("{}s", duration / seconds{1});
  std::string text = fmt::format("{}.{:03}", duration / seconds{1}, fraction);
  while (text.ends_with('0')) text.pop_back();
  return text + "s";
}

}  // namespace wirefault
