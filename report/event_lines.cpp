#include "report/event_lines.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/json.h"

namespace wirefault {
namespace {

std::string_view word(BoardEvent::Kind kind) {
  switch (kind) {
    case BoardEvent::Kind::open:
      return "open";
    case BoardEvent::Kind::update:
      return "update";
    case BoardEvent::Kind::close:
      return "close";
  }
  return "update";
}

}  // namespace

std::string event_line(const BoardEvent& event, const Board& board, Timestamp now,
                       const EventLineOptions& options) {
  const Finding& finding = board.rows().at(event.row).finding;
  const std::string_view severity = word(finding.severity);
  std::string line = fmt::format(
      "{} {:<6} {} {} {} {}", exact_clock_text(now, options.zone), word(event.kind), finding.id,
      options.color ? in_color(finding.severity, severity) : std::string{severity},
      finding.detector, printable(finding.title));
  if (const std::string number = how_many(finding); !number.empty()) {
    line += fmt::format(" ({})", number);
  }
  if (event.kind == BoardEvent::Kind::close) {
    line += fmt::format(" lasted {}", rough_duration(finding.last - finding.first));
  }
  return line + "\n";
}

std::string json_line(const BoardEvent& event, const Board& board, Timestamp now) {
  Finding finding = board.rows().at(event.row).finding;
  // One that the analysis no longer makes was still going on when it last did.
  if (event.kind == BoardEvent::Kind::close) finding.state = FindingState::ended;
  // An incident belongs to one report: its name is none in a stream.
  finding.incident.clear();
  return json_event(word(event.kind), now, event.grown_by, finding);
}

}  // namespace wirefault
