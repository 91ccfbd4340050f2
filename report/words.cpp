#include "report/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace wirefault {
namespace {

struct Civil {
  std::tm fields{};
  std::int64_t nanoseconds = 0;
  std::string offset;  // "Z", "+02:00"
};

Civil civil(Timestamp time, Zone zone) {
  using namespace std::chrono;
  const auto since_epoch = time.time_since_epoch();
  const auto whole = floor<seconds>(since_epoch);
  Civil result;
  result.nanoseconds = (since_epoch - whole).count();
  const std::time_t stamp = static_cast<std::time_t>(whole.count());
  if (zone == Zone::utc) {
    gmtime_r(&stamp, &result.fields);
    result.offset.push_back('Z');
  } else {
    localtime_r(&stamp, &result.fields);
    const long minutes_east = result.fields.tm_gmtoff / 60;
    const long size = std::abs(minutes_east);
    result.offset =
        fmt::format("{}{:02}:{:02}", minutes_east < 0 ? '-' : '+', size / 60, size % 60);
  }
  return result;
}

std::string date_text(const Civil& moment) {
  return fmt::format("{:04}-{:02}-{:02}", moment.fields.tm_year + 1900, moment.fields.tm_mon + 1,
                     moment.fields.tm_mday);
}

std::string time_text(const Civil& moment) {
  return fmt::format("{:02}:{:02}:{:02}", moment.fields.tm_hour, moment.fields.tm_min,
                     moment.fields.tm_sec);
}

}  // namespace

std::string_view word(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
    case Severity::critical:
      return "critical";
  }
  return "note";
}

std::string_view word(Confidence confidence) {
  switch (confidence) {
    case Confidence::possible:
      return "possible";
    case Confidence::probable:
      return "probable";
    case Confidence::certain:
      return "certain";
  }
  return "possible";
}

std::string_view word(FindingState state) {
  return state == FindingState::ongoing ? "ongoing" : "ended";
}

std::string in_color(Severity severity, std::string_view text) {
  std::string_view code = "36";
  if (severity == Severity::critical) code = "1;31";
  if (severity == Severity::error) code = "31";
  if (severity == Severity::warning) code = "33";
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

std::string how_many(const Finding& finding) {
  if (finding.count == 0 && finding.of == 0) return {};
  const std::string_view at_least = finding.lower_bound ? "at least " : "";
  if (finding.of == 0) return fmt::format("{}{}", at_least, plural(finding.count, finding.unit));
  return fmt::format("{}{} of {}", at_least, grouped(finding.count),
                     plural(finding.of, finding.unit));
}

std::string rfc3339(Timestamp time) {
  const Civil moment = civil(time, Zone::utc);
  return fmt::format("{}T{}.{:09}Z", date_text(moment), time_text(moment), moment.nanoseconds);
}

std::string clock_text(Timestamp time, Zone zone) {
  const Civil moment = civil(time, zone);
  return time_text(moment) + moment.offset;
}

std::string exact_clock_text(Timestamp time, Zone zone) {
  const Civil moment = civil(time, zone);
  return fmt::format("{}.{:03}{}", time_text(moment), moment.nanoseconds / 1'000'000,
                     moment.offset);
}

std::string date_clock_text(Timestamp time, Zone zone) {
  const Civil moment = civil(time, zone);
  return fmt::format("{} {}{}", date_text(moment), time_text(moment), moment.offset);
}

bool same_day(Timestamp a, Timestamp b, Zone zone) {
  return date_text(civil(a, zone)) == date_text(civil(b, zone));
}

std::vector<std::string> fold(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    const std::size_t space = text.find(' ');
    std::string_view part = text.substr(0, space);
    text.remove_prefix(space == text.npos ? text.size() : space + 1);
    if (part.empty()) continue;
    if (!lines.back().empty() && lines.back().size() + 1 + part.size() > width) {
      lines.emplace_back();
    }
    if (!lines.back().empty()) lines.back() += ' ';
    while (part.size() > width) {
      lines.back() += part.substr(0, width);
      part.remove_prefix(width);
      lines.emplace_back();
    }
    lines.back() += part;
  }
  if (lines.size() > 1 && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string shorten_middle(std::string_view text, std::size_t width) {
  if (text.size() <= width) return std::string{text};
  const std::size_t colon = text.rfind(':');
  const std::string_view port = colon == text.npos ? std::string_view{} : text.substr(colon);
  if (width < port.size() + 3) return std::string{text};
  return fmt::format("{}..{}", text.substr(0, width - port.size() - 2), port);
}

}  // namespace wirefault
