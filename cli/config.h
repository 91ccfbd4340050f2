// A file with what somebody always wants: options by their long names, in TOML. What is typed wins.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace wirefault::cli {

// The words that the configuration file stands for, of the options of `app` that are not among the
// `typed` words. The file is the one of --config, else wirefault/config.toml of the user (XDG Base
// Directory Specification), else /etc/wirefault.toml; there need be none. Options of the program's
// other verbs may stand in it as well. Throws Error, with the line where there is one.
std::vector<std::string> configured_words(const CLI::App& program, const CLI::App& app,
                                          const std::vector<std::string>& typed);

}  // namespace wirefault::cli
