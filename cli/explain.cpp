// `wirefault explain DETECTOR`: the detector's page.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "capture/suggest.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "detectors/pages.h"
#include "report/layout.h"

namespace wirefault::cli {
namespace {

ExitStatus explain(const std::string& name) {
  const auto pages = detector_pages();
  const auto page = std::find_if(pages.begin(), pages.end(), [&](const DetectorPage& candidate) {
    return candidate.detector == name;
  });
  if (page != pages.end()) {
    write_stdout(page_text(page->text, screen_width()));
    return ExitStatus::finished;
  }
  std::vector<std::string_view> names;
  for (const DetectorPage& candidate : pages) names.push_back(candidate.detector);
  const std::string_view near = closest(name, names);
  throw Error{fmt::format("no detector is called '{}'", name),
              near.empty() ? std::string{"  run:   wirefault list detectors"}
                           : fmt::format("  did you mean: wirefault explain {}", near)};
}

}  // namespace

Verb add_explain(CLI::App& program) {
  CLI::App* app = program.add_subcommand("explain", "what a detector means and what to check next");
  const auto name = std::make_shared<std::string>();
  app->add_option("DETECTOR", *name, "its name, as reports and `list detectors` give it")
      ->required();
  return {app, [name] { return explain(*name); }};
}

}  // namespace wirefault::cli
