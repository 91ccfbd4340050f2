#include "report/markdown.h"

#include <fmt/format.h>

#include <algorithm>

namespace wirefault {
namespace {

// Prose: what Markdown would take for its own is escaped, and so is what HTML would.
std::string prose(std::string_view text) {
  std::string escaped;
  for (const char character : printable(text)) {
    if (character == '<') {
      escaped += "&lt;";
    } else if (character == '&') {
      escaped += "&amp;";
    } else {
      if (std::string_view{"\\`*_[]|#~@!>"}.find(character) != std::string_view::npos)
        escaped += '\\';
      escaped += character;
    }
  }
  return escaped;
}

// Code, fenced by more backticks than the longest run in it (CommonMark 0.31, section 6.1).
std::string code(std::string_view text) {
  const std::string shown = printable(text);
  std::size_t longest = 0;
  std::size_t run = 0;
  for (const char character : shown) {
    run = character == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  return longest == 0 ? fence + shown + fence : fmt::format("{} {} {}", fence, shown, fence);
}

std::string who_text(const Who& who) {
  std::string text;
  for (const Who::Member& member : who.top) {
    text += fmt::format("{}{}", text.empty() ? "" : ", ", code(member.text));
    if (member.count != 0) text += fmt::format(" ({})", grouped(member.count));
  }
  if (who.distinct > who.top.size()) {
    text += fmt::format(", {} more", grouped(who.distinct - who.top.size()));
  }
  return text;
}

}  // namespace

std::string finding_markdown(const Finding& finding, Zone zone) {
  std::string text = fmt::format("**{} {}**: {} ({}, {})\n\n", finding.id, word(finding.severity),
                                 prose(finding.title), finding.detector, word(finding.confidence));
  const auto item = [&](std::string_view label, std::string_view value) {
    if (!value.empty()) text += fmt::format("- {}: {}\n", label, value);
  };
  item("count", how_many(finding));
  item("when", fmt::format("{} to {}{}", date_clock_text(finding.first, zone),
                           date_clock_text(finding.last, zone),
                           finding.state == FindingState::ongoing ? ", not over" : ""));
  item("before", prose(finding.before));
  for (const Who& who : finding.who) item(who.role, who_text(who));
  for (const Cause& cause : finding.causes) {
    item("likely", cause.why.empty() ? prose(cause.text)
                                     : fmt::format("{}: {}", prose(cause.text), prose(cause.why)));
  }
  for (const Caveat& caveat : finding.caveats) item("caveat", prose(caveat.text));
  if (!finding.display_filter.empty()) item("filter", code(finding.display_filter));
  for (const std::string& step : finding.next) item("next", code(step));
  return text;
}

}  // namespace wirefault
