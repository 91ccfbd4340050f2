// How every report writes times and foreign text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "capture/timestamp.h"
#include "detectors/finding.h"
#include "detectors/wording.h"

namespace wirefault {

std::string_view word(Severity severity);
std::string_view word(Confidence confidence);
std::string_view word(FindingState state);

// The colour of a severity's word, by the eight that every terminal has.
std::string in_color(Severity severity, std::string_view text);

// "1,843 of 1,851 queries", "at least 64 queries", empty where there is nothing to count.
std::string how_many(const Finding& finding);

// 2024-05-01T10:10:10.204113000Z
std::string rfc3339(Timestamp time);

enum class Zone { utc, local };

// 10:10:10Z, or with the offset where the zone is local: never bare.
std::string clock_text(Timestamp time, Zone zone);
// 10:10:10.204Z
std::string exact_clock_text(Timestamp time, Zone zone);
// 2024-05-01 10:10:10Z
std::string date_clock_text(Timestamp time, Zone zone);
// Whether the two fall on one day: then a report gives the date once.
bool same_day(Timestamp a, Timestamp b, Zone zone);

// Lines of at most `width` columns, broken at spaces, and inside a word only where the word is
// longer than a line. Never empty.
std::vector<std::string> fold(std::string_view text, std::size_t width);

// Cuts an address that is longer than `width` in its middle, never in its port:
// "[2001:db8::..:1]:53".
std::string shorten_middle(std::string_view text, std::size_t width);

}  // namespace wirefault
