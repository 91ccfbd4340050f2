// The options of `live`, as typed and as what they amount to.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "capture/evidence_files.h"
#include "capture/live.h"
#include "cli/arguments.h"
#include "cli/own_session.h"
#include "cli/plan.h"
#include "cli/sandbox.h"

namespace wirefault::cli {

struct LiveArguments : Arguments {
  std::string interface;
  std::vector<std::string> words;  // a filter, as tcpdump takes it
  std::string snap_length;
  std::string buffer;
  bool not_promiscuous = false;
  bool no_auto_filter = false;
  std::string count;
  std::string duration;
  std::string until;
  bool plain = false;
  std::vector<std::string> logs;
  std::string metrics;
  std::string write;
  std::string rotate_size;
  std::string rotate_seconds;
  std::string most_files;
  bool force = false;
  std::string user;
  std::string sandbox;
  bool sandbox_status = false;
};

void add_live_arguments(CLI::App& app, LiveArguments& arguments);

struct LivePlan {
  LiveOptions capture;
  std::optional<OwnSession> session;  // that is left out
  std::optional<std::uint64_t> most_packets;
  std::optional<Duration> duration;
  std::optional<Severity> until;
  bool has_screen = false;
  std::vector<std::string> logs;  // of JSON lines, appended to
  std::string metrics;            // empty: none
  std::optional<EvidenceOptions> evidence;
  SandboxMode sandbox = SandboxMode::enforce;
  SandboxUser user;
  bool sandbox_status = false;
};

// `plan` is what the common options amount to. Throws Error.
LivePlan live_plan_of(const LiveArguments& arguments, const Plan& plan);

}  // namespace wirefault::cli
