// The report for people: the answer first, then the proof, in lines that fit the screen.
#pragma once

#include <string>

#include "detectors/result.h"
#include "report/words.h"

namespace wirefault {

struct TextOptions {
  std::size_t width = 80;        // no line is longer; at least 40
  bool terminal = false;         // addresses that do not fit may be cut in their middle
  bool color = false;            // of the severity words; nothing is told by colour alone
  bool all = false;              // every finding in full
  std::size_t limit = 0;         // findings in the table; 0: all
  std::size_t most_of_kind = 5;  // of one detector in the table; 0: all
  bool live = false;             // the capture goes on: what is not over still happens
  Zone zone = Zone::utc;
  // What narrowed the report, as the user wrote it ("--only dns-*"), and how many findings that
  // left out: a report must not read as "nothing is wrong" because of what was not asked.
  std::string narrowed_by{};
  std::size_t left_out = 0;
};

// Ends with a newline. Whatever is not printable ASCII is escaped, whoever wrote it.
std::string text_report(const Result& result, const TextOptions& options = {});

// How the report begins: what was read, and how far it can be trusted.
std::string capture_text(const Result& result, const TextOptions& options = {});

// One finding in full, as the report has it.
std::string finding_text(const Finding& finding, const TextOptions& options = {});

}  // namespace wirefault
