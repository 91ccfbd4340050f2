#include "cli/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <limits>

#include "capture/error.h"
#include "capture/suggest.h"
#include "detectors/catalogue.h"

namespace wirefault::cli {
namespace {

[[noreturn]] void refuse(std::string_view option, std::string_view text, std::string_view wanted) {
  throw Error{fmt::format("{} cannot be '{}'", option, text), fmt::format("  wanted: {}", wanted)};
}

template <class Word, std::size_t size>
Word parse_word(std::string_view option, std::string_view text,
                const std::array<Word, size>& words) {
  std::vector<std::string_view> known;
  for (const Word candidate : words) {
    if (word(candidate) == text) return candidate;
    known.push_back(word(candidate));
  }
  const std::string_view near = closest(text, known);
  refuse(option, text,
         near.empty() ? fmt::format("{}", fmt::join(known, ", "))
                      : fmt::format("{}; did you mean {}?", fmt::join(known, ", "), near));
}

// Takes a number off the front of `text`.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

// "5m30s", "1h", "250ms"
std::optional<Duration> parse_duration(std::string_view text) {
  using namespace std::chrono;
  // Thirty years; and added to any time of a packet it stays a time.
  constexpr Duration most = seconds{1'000'000'000};
  Duration sum{};
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    if (sum > most) return std::nullopt;
    const auto number = take_number(text);
    if (!number || *number > 1'000'000'000) return std::nullopt;
    const std::size_t length = std::min(text.find_first_of("0123456789"), text.size());
    const std::string_view unit = text.substr(0, length);
    const auto amount = static_cast<std::int64_t>(*number);
    if (unit == "ms") {
      sum += milliseconds{amount};
    } else if (unit == "s") {
      sum += seconds{amount};
    } else if (unit == "m" && amount < 10'000'000) {
      sum += minutes{amount};
    } else if (unit == "h" && amount < 100'000) {
      sum += hours{amount};
    } else {
      return std::nullopt;
    }
    text.remove_prefix(length);
  }
  return sum;
}

// ".5" and ".204113000" at the front of `text`, in nanoseconds.
std::optional<Duration> take_fraction(std::string_view& text) {
  if (!text.starts_with('.')) return Duration{};
  text.remove_prefix(1);
  std::int64_t nanoseconds = 0;
  std::int64_t unit = 100'000'000;
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    nanoseconds += unit * (text[digits] - '0');
    unit /= 10;
    ++digits;
  }
  if (digits == 0 || digits > 9) return std::nullopt;
  text.remove_prefix(digits);
  return Duration{nanoseconds};
}

std::int64_t seconds_since_epoch(std::tm fields, Zone zone) {
  fields.tm_isdst = -1;
  return static_cast<std::int64_t>(zone == Zone::utc ? timegm(&fields) : mktime(&fields));
}

}  // namespace

Severity parse_severity(std::string_view option, std::string_view text) {
  return parse_word(
      option, text,
      std::array{Severity::critical, Severity::error, Severity::warning, Severity::note});
}

Confidence parse_confidence(std::string_view option, std::string_view text) {
  return parse_word(option, text,
                    std::array{Confidence::certain, Confidence::probable, Confidence::possible});
}

std::uint64_t parse_number(std::string_view option, std::string_view text, std::uint64_t most) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  if (!number || !rest.empty() || *number > most) {
    refuse(option, text, fmt::format("a whole number, 0 to {}", most));
  }
  return *number;
}

std::size_t parse_size(std::string_view option, std::string_view text) {
  std::string_view rest = text;
  const auto number = take_number(rest);
  unsigned shift = 0;
  if (rest == "K" || rest == "KiB") shift = 10;
  if (rest == "M" || rest == "MiB") shift = 20;
  if (rest == "G" || rest == "GiB") shift = 30;
  if (!number || (shift == 0 && !rest.empty()) ||
      *number > (std::numeric_limits<std::uint64_t>::max() >> shift)) {
    refuse(option, text, "a size such as 256M or 1G");
  }
  const std::uint64_t size = *number << shift;
  constexpr std::uint64_t least = std::uint64_t{16} << 20;
  constexpr std::uint64_t most = std::uint64_t{1} << 40;
  if (size < least || size > most) refuse(option, text, "16M to 1024G");
  return size;
}

Timestamp TimeBound::resolve(Timestamp first_packet, Zone zone) const {
  if (from == From::epoch) return Timestamp{offset};
  if (from == From::start_of_capture) return first_packet + offset;
  const auto whole = std::chrono::floor<std::chrono::seconds>(first_packet.time_since_epoch());
  const std::time_t stamp = static_cast<std::time_t>(whole.count());
  std::tm fields{};
  if (zone == Zone::utc) {
    gmtime_r(&stamp, &fields);
  } else {
    localtime_r(&stamp, &fields);
  }
  fields.tm_hour = fields.tm_min = fields.tm_sec = 0;
  return Timestamp{std::chrono::seconds{seconds_since_epoch(fields, zone)} + offset};
}

Duration parse_duration(std::string_view option, std::string_view text) {
  const auto duration = parse_duration(text);
  if (!duration || *duration <= Duration::zero()) {
    throw Error{fmt::format("{} cannot be '{}'", option, text), "  as in:  90s, 5m, 1h30m, 250ms"};
  }
  return *duration;
}

TimeBound parse_time(std::string_view option, std::string_view text, Zone zone) {
  constexpr std::string_view wanted =
      "a time such as 2024-05-01T10:10:10Z or 10:10:10, or +5m from the start";
  if (text.starts_with('+')) {
    const auto offset = parse_duration(text.substr(1));
    if (!offset) refuse(option, text, wanted);
    return {TimeBound::From::start_of_capture, *offset};
  }
  const std::string copy{text};
  std::tm fields{};
  bool has_date = true;
  const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &fields);
  if (end == nullptr) end = strptime(copy.c_str(), "%Y-%m-%d %H:%M:%S", &fields);
  if (end == nullptr) {
    has_date = false;
    fields = {};
    end = strptime(copy.c_str(), "%H:%M:%S", &fields);
    if (end == nullptr) end = strptime(copy.c_str(), "%H:%M", &fields);
  }
  if (end == nullptr) refuse(option, text, wanted);
  std::string_view rest{end};
  const auto fraction = take_fraction(rest);
  std::tm offset{};
  const bool has_offset = rest.starts_with('+') || rest.starts_with('-');
  if (has_offset) end = strptime(rest.data() + 1, "%H:%M", &offset);
  const bool understood = fraction && (rest.empty() || rest == "Z" ||
                                       (has_date && has_offset && end != nullptr && *end == '\0'));
  if (!understood) refuse(option, text, wanted);
  const Duration time_of_day = std::chrono::hours{fields.tm_hour} +
                               std::chrono::minutes{fields.tm_min} +
                               std::chrono::seconds{fields.tm_sec} + *fraction;
  if (!has_date) return {TimeBound::From::day_of_capture, time_of_day};
  std::int64_t seconds = seconds_since_epoch(fields, rest.empty() ? zone : Zone::utc);
  const std::int64_t east = (offset.tm_hour * 60 + offset.tm_min) * 60;
  if (has_offset) seconds -= rest.front() == '-' ? -east : east;
  if (seconds < 0 || seconds > 9'000'000'000) refuse(option, text, wanted);
  return {TimeBound::From::epoch, std::chrono::seconds{seconds} + *fraction};
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  // Where the last star stood, and how much of the text it has swallowed so far.
  std::size_t star = pattern.npos, swallowed = 0, at = 0, in_text = 0;
  while (in_text < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      swallowed = in_text;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[in_text])) {
      ++at;
      ++in_text;
    } else if (star != pattern.npos) {
      at = star + 1;
      in_text = ++swallowed;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == pattern.npos;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                         std::string_view otherwise) {
  const std::string_view near = closest(word, candidates);
  return near.empty() ? std::string{otherwise} : fmt::format("  did you mean: {}", near);
}

std::vector<std::string> choose_detectors(const std::vector<std::string>& only,
                                          const std::vector<std::string>& skip) {
  std::vector<std::string_view> ids;
  for (const DetectorEntry& entry : catalogue()) ids.push_back(entry.id);
  const auto matching = [&](const std::vector<std::string>& patterns) {
    std::vector<std::string_view> found;
    for (const std::string& pattern : patterns) {
      const std::size_t before = found.size();
      std::copy_if(ids.begin(), ids.end(), std::back_inserter(found),
                   [&](std::string_view id) { return matches_glob(pattern, id); });
      if (found.size() == before) {
        throw Error{fmt::format("no detector is called '{}'", pattern),
                    did_you_mean(pattern, ids, "  run:   wirefault list detectors")};
      }
    }
    return found;
  };
  const std::vector<std::string_view> wanted = only.empty() ? ids : matching(only);
  const std::vector<std::string_view> unwanted = matching(skip);
  const auto contains = [](const std::vector<std::string_view>& list, std::string_view id) {
    return std::find(list.begin(), list.end(), id) != list.end();
  };
  std::vector<std::string> chosen;
  for (const std::string_view id : ids) {
    if (contains(wanted, id) && !contains(unwanted, id)) chosen.emplace_back(id);
  }
  if (chosen.empty()) throw Error{"--only and --skip leave no detector to run"};
  return chosen;
}

}  // namespace wirefault::cli
