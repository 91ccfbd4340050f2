// `wirefault list`: what the program knows, by name.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/layout.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "detectors/judgement.h"
#include "dissectors/tracking.h"

namespace wirefault::cli {
namespace {

constexpr std::string_view formats =
    R"(Read, recognised by content and not by name:
  pcap             either byte order, microseconds or nanoseconds
  pcapng           several sections and interfaces, mixed link types
  gzip, zstd, lz4  any of the above, compressed
Link types:
  Ethernet, Linux cooked v1 and v2, raw IP, null/loopback, PPP,
  802.11 with radiotap (data frames)
Encapsulations:
  802.1Q, QinQ, MPLS, PPPoE, GRE, VXLAN, Geneve, IP-in-IP
Written (-o):
  text             for people; may change
  json             for programs; schema "wirefault/1"
)";

std::string detectors() {
  std::vector<std::vector<std::string>> rows{{"NAME", "SEVERITY", "WHAT"}};
  for (const DetectorEntry& entry : catalogue()) {
    rows.push_back(
        {std::string{entry.id}, std::string{entry.severities}, std::string{entry.summary}});
  }
  return in_columns(rows, screen_width());
}

// Settings are declared by whoever reads them, so all readers are made once.
std::string settings() {
  Settings declared;
  Judgement judgement{declared, {}};
  const Tracking tracking{declared, {}, judgement};
  std::vector<std::vector<std::string>> rows;
  for (const Settings::Declared& setting : declared.declared()) {
    rows.push_back({setting.name, setting.standard, setting.help});
  }
  std::sort(rows.begin(), rows.end());
  rows.insert(rows.begin(), {"NAME", "DEFAULT", "WHAT"});
  return in_columns(rows, screen_width());
}

ExitStatus list(const std::string& what) {
  constexpr std::string_view lists[] = {"detectors", "formats", "settings"};
  if (what == "detectors") {
    write_stdout(detectors());
  } else if (what == "formats") {
    write_stdout(formats);
  } else if (what == "settings") {
    write_stdout(settings());
  } else {
    throw Error{
        what.empty() ? std::string{"list what?"} : fmt::format("there is no list of '{}'", what),
        did_you_mean(what, lists, "  wanted: detectors, formats, settings")};
  }
  return ExitStatus::finished;
}

}  // namespace

Verb add_list(CLI::App& program) {
  CLI::App* app = program.add_subcommand("list", "what there is, by name");
  const auto what = std::make_shared<std::string>();
  app->add_option("WHAT", *what, "detectors, formats or settings");
  return {app, [what] { return list(*what); }};
}

}  // namespace wirefault::cli
