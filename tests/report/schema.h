// Whether what a format promises to programs is as its schema says.
#pragma once

#include <string>

#include "tests/support/process.h"

namespace wirefault::tests {

// Empty: it is. "skipped" when that cannot be checked here. `source` is the top of the source tree.
inline std::string schema_problems(const std::string& source, const std::string& schema,
                                   const std::string& text) {
  const TemporaryDirectory directory;
  write_file(directory / "report.json", text);
  const auto result = run({"python3", source + "/tests/report/validate.py",
                           source + "/report/" + schema, directory / "report.json"});
  if (result.status == 77 || result.status == 127) return "skipped";
  return result.status == 0 ? "" : result.out + result.err;
}

}  // namespace wirefault::tests
