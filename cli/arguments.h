// The options of the verbs that analyse packets, as typed.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace wirefault::cli {

struct Arguments {
  bool is_live = false;
  std::vector<std::string> files;
  std::vector<std::string> read;  // -r, tcpdump's way to name a file
  std::string files_from;
  bool each = false;
  std::string config;  // read before the others are, see config.h
  std::string filter;
  std::string filter_file;
  std::string from;
  std::string to;
  std::vector<std::string> only;
  std::vector<std::string> skip;
  std::vector<std::string> set;
  std::string max_mem = "256M";
  std::vector<std::string> hosts;
  std::vector<std::string> names;
  std::vector<std::string> ports;
  std::string min_severity = "note";
  std::string min_confidence = "possible";
  std::vector<std::string> outputs;
  std::string limit;
  bool all = false;
  std::string zone = "utc";
  std::string color = "auto";
  bool no_color = false;
  bool quiet = false;
  bool verbose = false;
  std::string fail_on;
  bool strict = false;
  // -n and -l, tcpdump's: always so.
  bool no_names = false;
  bool by_line = false;
};

// Make `app` read its options into `arguments`, which must outlive it: those about capture files,
// and those that are the same wherever packets come from.
void add_file_arguments(CLI::App& app, Arguments& arguments);
void add_common_arguments(CLI::App& app, Arguments& arguments);

// Parts of these: which packets of files, which of them and how they are judged, how it looks.
void add_window_arguments(CLI::App& app, Arguments& arguments);
void add_detector_arguments(CLI::App& app, Arguments& arguments);
void add_look_arguments(CLI::App& app, Arguments& arguments);

}  // namespace wirefault::cli
