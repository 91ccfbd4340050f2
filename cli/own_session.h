// The ssh session that the user watches through: its packets are made by showing packets, so they
// are left out.
#pragma once

#include <optional>
#include <string>

namespace wirefault::cli {

struct OwnSession {
  std::string client;  // "192.0.2.9:51022", for people
  std::string filter;  // BPF that matches its packets
};

// From SSH_CONNECTION, here or, since sudo clears it, in the environment of a parent process.
std::optional<OwnSession> own_session();

// From what SSH_CONNECTION says: "192.0.2.9 51022 192.0.2.1 22". Nothing for anything else: it is
// text that anybody may have set.
std::optional<OwnSession> parse_session(const std::string& connection);

}  // namespace wirefault::cli
