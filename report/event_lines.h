// Findings as they come and go, a line each: what a live capture says in a pipe or a log.
#pragma once

#include <string>

#include "detectors/board.h"
#include "report/words.h"

namespace wirefault {

struct EventLineOptions {
  Zone zone = Zone::utc;
  bool color = false;  // of the severity word
};

// "10:10:14.204Z open   F1 error dns-unanswered 192.0.2.53 stopped answering (3 of 3 queries)"
// `now` is what the board was asked at. Ends with a newline; printable ASCII but for the colour.
std::string event_line(const BoardEvent& event, const Board& board, Timestamp now,
                       const EventLineOptions& options = {});

// The same for programs: one JSON object a line, as report/wirefault-event-1.schema.json says.
std::string json_line(const BoardEvent& event, const Board& board, Timestamp now);

}  // namespace wirefault
