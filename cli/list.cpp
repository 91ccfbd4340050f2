// `wirefault list`: what the program knows, by name.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
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

using Json = nlohmann::ordered_json;

struct Known {
  std::string_view name;
  std::string_view what;
};
constexpr Known files[] = {
    {"pcap", "either byte order, microseconds or nanoseconds"},
    {"pcapng", "several sections and interfaces, mixed link types"},
    {"gzip", "either of them, compressed"},
    {"zstd", "either of them, compressed"},
    {"lz4", "either of them, compressed"},
};
constexpr std::string_view links[] = {"Ethernet",
                                      "Linux cooked v1 and v2",
                                      "raw IP",
                                      "null/loopback",
                                      "PPP",
                                      "Cisco HDLC",
                                      "PPI",
                                      "NFLOG",
                                      "802.11, radiotap (data frames)"};
constexpr std::string_view encapsulations[] = {"802.1Q", "QinQ",   "MPLS",     "PPPoE", "GRE",
                                               "VXLAN",  "Geneve", "IP-in-IP", "ERSPAN"};
constexpr Known outputs[] = {
    {"text", "for people; may change"},
    {"json", "for programs; schema \"wirefault/1\""},
};

std::string in_columns_below(std::string_view heading, std::span<const Known> all) {
  std::vector<std::vector<std::string>> rows;
  for (const Known& each : all) rows.push_back({std::string{each.name}, std::string{each.what}});
  return fmt::format("{}\n{}", heading, in_columns(rows, screen_width(), 2));
}

std::string in_a_line_below(std::string_view heading, std::span<const std::string_view> all) {
  return fmt::format("{}\n{}", heading,
                     in_columns({{fmt::format("{}", fmt::join(all, ", "))}}, screen_width(), 2));
}

std::string formats() {
  return in_columns_below("Read, recognised by content and not by name:", files) +
         in_a_line_below("Link types:", links) +
         in_a_line_below("Encapsulations:", encapsulations) +
         in_columns_below("Written (-o):", outputs);
}

Json formats_json() {
  const auto named = [](std::span<const Known> all) {
    Json list = Json::array();
    for (const Known& each : all) list.push_back({{"name", each.name}, {"what", each.what}});
    return list;
  };
  return {{"files", named(files)},
          {"link_types", links},
          {"encapsulations", encapsulations},
          {"outputs", named(outputs)}};
}

std::string detectors() {
  std::vector<std::vector<std::string>> rows{{"NAME", "SEVERITY", "WHAT"}};
  for (const DetectorEntry& entry : catalogue()) {
    rows.push_back(
        {std::string{entry.id}, std::string{entry.severities}, std::string{entry.summary}});
  }
  return in_columns(rows, screen_width());
}

Json detectors_json() {
  Json list = Json::array();
  for (const DetectorEntry& entry : catalogue()) {
    list.push_back({{"name", entry.id}, {"severity", entry.severities}, {"what", entry.summary}});
  }
  return list;
}

// Settings are declared by whoever reads them, so all readers are made once. By name.
std::vector<Settings::Declared> declared_settings() {
  Settings settings;
  Judgement judgement{settings, {}};
  const Tracking tracking{settings, {}, judgement};
  std::vector<Settings::Declared> declared = settings.declared();
  std::ranges::sort(declared, {}, &Settings::Declared::name);
  return declared;
}

std::string settings() {
  std::vector<std::vector<std::string>> rows{{"NAME", "DEFAULT", "WHAT"}};
  for (const Settings::Declared& setting : declared_settings()) {
    rows.push_back({setting.name, setting.standard, setting.help});
  }
  return in_columns(rows, screen_width());
}

Json settings_json() {
  Json list = Json::array();
  for (const Settings::Declared& setting : declared_settings()) {
    list.push_back({{"name", setting.name}, {"default", setting.standard}, {"what", setting.help}});
  }
  return list;
}

// Long enough to count packets by, short enough to wait for.
constexpr std::chrono::milliseconds counted_for{500};

struct CountedInterface {
  LiveInterface interface;
  std::uint64_t packets_per_second = 0;
};

std::vector<CountedInterface> counted_interfaces() {
  const std::vector<LiveInterface> before = live_interfaces();
  std::this_thread::sleep_for(counted_for);
  std::vector<CountedInterface> counted;
  for (const LiveInterface& now : live_interfaces()) {
    const auto then = std::ranges::find(before, now.name, &LiveInterface::name);
    const std::uint64_t more =
        then == before.end() ? 0 : now.packets - std::min(now.packets, then->packets);
    counted.push_back({now, more * 1000 / counted_for.count()});
  }
  return counted;
}

std::string interfaces() {
  std::vector<std::vector<std::string>> rows{
      {"NAME", "STATE", "LINK", "PACKETS/S", "ADDRESSES", "NOTE"}};
  std::uint64_t all = 0;
  for (const auto& [interface, rate] : counted_interfaces()) {
    all += rate;
    rows.push_back({interface.name, interface.is_up ? "up" : "down", interface.link, grouped(rate),
                    fmt::format("{}", fmt::join(interface.addresses, " ")),
                    interface.is_default ? "default route" : ""});
  }
  rows.push_back(
      {"any", "-", "cooked", grouped(all), "all of the above", "packets may show twice"});
  const std::string refusal = why_capture_is_refused();
  return in_columns(rows, screen_width()) +
         (refusal.empty()
              ? "capture: allowed. Use: wirefault live -i NAME\n"
              : fmt::format("capture: not allowed: {}. Use: sudo wirefault live -i NAME\n",
                            refusal));
}

// Names are bytes that somebody else chose.
Json interfaces_json() {
  Json list = Json::array();
  for (const auto& [interface, rate] : counted_interfaces()) {
    list.push_back({{"name", printable(interface.name)},
                    {"up", interface.is_up},
                    {"link", interface.link},
                    {"packets_per_second", rate},
                    {"addresses", interface.addresses},
                    {"default_route", interface.is_default}});
  }
  return list;
}

struct List {
  std::string_view name;
  std::string (*text)();
  Json (*json)();
};
constexpr List lists[] = {{"detectors", detectors, detectors_json},
                          {"formats", formats, formats_json},
                          {"interfaces", interfaces, interfaces_json},
                          {"settings", settings, settings_json}};

ExitStatus list(const std::string& what, const std::string& output) {
  const auto* found = std::ranges::find(lists, what, &List::name);
  if (found == std::end(lists)) {
    std::vector<std::string_view> names;
    for (const List& each : lists) names.push_back(each.name);
    throw Error{
        what.empty() ? std::string{"list what?"} : fmt::format("there is no list of '{}'", what),
        did_you_mean(what, names, "  wanted: detectors, formats, interfaces, settings")};
  }
  if (output == "json") {
    const Json document{{"schema", "wirefault-list/1"}, {what, found->json()}};
    write_stdout(document.dump(1) + "\n");
  } else if (output == "text") {
    write_stdout(found->text());
  } else {
    constexpr std::string_view known[] = {"text", "json"};
    throw Error{fmt::format("no output format is called '{}'", output),
                did_you_mean(output, known, "  wanted: text, json")};
  }
  return ExitStatus::finished;
}

}  // namespace

Verb add_list(CLI::App& program) {
  CLI::App* app = program.add_subcommand("list", "what there is, by name");
  const auto what = std::make_shared<std::string>();
  const auto output = std::make_shared<std::string>("text");
  app->add_option("WHAT", *what, "detectors, formats, interfaces or settings");
  app->add_option("-o,--output", *output, "text or json")->type_name("FMT");
  return {app, [what, output] { return list(*what, *output); }};
}

}  // namespace wirefault::cli
