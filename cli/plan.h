// What the options of `analyze` and `live` amount to, once all of them have been understood.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capture/source.h"
#include "cli/arguments.h"
#include "cli/output.h"
#include "cli/words.h"
#include "report/select.h"
#include "report/text.h"

namespace wirefault::cli {

enum class Format { text, json, jsonl };

struct Output {
  Format format = Format::text;
  std::string name;                  // empty: standard output
  std::unique_ptr<OutputFile> file;  // null: standard output, or to be opened by the verb
};

struct Plan {
  std::vector<std::string> files;
  FileOptions file_options;
  std::optional<TimeBound> from;
  std::optional<TimeBound> to;
  std::vector<std::string> detectors;
  std::vector<std::string> overrides;
  std::size_t memory = 0;
  Selection selection;
  TextOptions text;
  std::vector<Output> outputs;
  std::optional<Severity> fail_on;
  bool each = false;
  bool strict = false;
  bool quiet = false;
  bool verbose = false;
};

// Throws Error for what cannot be understood or done. Reports to files are opened here, before an
// hour of reading; but not those of a live capture, which cannot be put in their places by a
// process that has shut itself in.
Plan plan_of(const Arguments& arguments);

}  // namespace wirefault::cli
