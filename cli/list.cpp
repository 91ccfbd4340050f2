// `wirefault list`: what the program knows, by name.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include "capture/live.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "detectors/judgement.h"
#include "detectors/wording.h"
#include "dissectors/tracking.h"
#include "report/layout.h"

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

// Long enough to count packets by, short enough to wait for.
constexpr std::chrono::milliseconds counted_for{500};

std::string interfaces() {
  const std::vector<LiveInterface> before = live_interfaces();
  std::this_thread::sleep_for(counted_for);
  std::vector<std::vector<std::string>> rows{
      {"NAME", "STATE", "LINK", "PACKETS/S", "ADDRESSES", "NOTE"}};
  const auto rate = [](std::uint64_t more) { return grouped(more * 1000 / counted_for.count()); };
  std::uint64_t all = 0;
  for (const LiveInterface& now : live_interfaces()) {
    const auto then = std::find_if(before.begin(), before.end(), [&](const LiveInterface& each) {
      return each.name == now.name;
    });
    const std::uint64_t more =
        then == before.end() ? 0 : now.packets - std::min(now.packets, then->packets);
    all += more;
    rows.push_back({now.name, now.is_up ? "up" : "down", now.link, rate(more),
                    fmt::format("{}", fmt::join(now.addresses, " ")),
                    now.is_default ? "default route" : ""});
  }
  rows.push_back({"any", "-", "cooked", rate(all), "all of the above", "packets may show twice"});
  const std::string refusal = why_capture_is_refused();
  return in_columns(rows, screen_width()) +
         (refusal.empty()
              ? "capture: allowed. Use: wirefault live -i NAME\n"
              : fmt::format("capture: not allowed: {}. Use: sudo wirefault live -i NAME\n",
                            refusal));
}

ExitStatus list(const std::string& what) {
  constexpr std::string_view lists[] = {"detectors", "formats", "interfaces", "settings"};
  if (what == "detectors") {
    write_stdout(detectors());
  } else if (what == "formats") {
    write_stdout(formats);
  } else if (what == "interfaces") {
    write_stdout(interfaces());
  } else if (what == "settings") {
    write_stdout(settings());
  } else {
    throw Error{
        what.empty() ? std::string{"list what?"} : fmt::format("there is no list of '{}'", what),
        did_you_mean(what, lists, "  wanted: detectors, formats, interfaces, settings")};
  }
  return ExitStatus::finished;
}

}  // namespace

Verb add_list(CLI::App& program) {
  CLI::App* app = program.add_subcommand("list", "what there is, by name");
  const auto what = std::make_shared<std::string>();
  app->add_option("WHAT", *what, "detectors, formats, interfaces or settings");
  return {app, [what] { return list(*what); }};
}

}  // namespace wirefault::cli
