#include "cli/own_session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

#include "dissectors/address.h"

namespace wirefault::cli {
namespace {

constexpr std::string_view variable = "SSH_CONNECTION=";
// Shells, sudo, a multiplexer: nobody nests deeper.
constexpr int most_parents = 32;

std::string slurp(const std::string& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

std::optional<std::string> connection_of(int process) {
  const std::string environment = slurp(fmt::format("/proc/{}/environ", process));
  for (std::size_t at = 0; at < environment.size();) {
    const std::size_t end = std::min(environment.find('\0', at), environment.size());
    const std::string_view entry{environment.data() + at, end - at};
    if (entry.starts_with(variable)) return std::string{entry.substr(variable.size())};
    at = end + 1;
  }
  return std::nullopt;
}

// The fourth field of stat, behind a name in parentheses that may hold anything.
int parent_of(int process) {
  const std::string stat = slurp(fmt::format("/proc/{}/stat", process));
  const std::size_t end = stat.rfind(')');
  if (end == stat.npos) return 0;
  std::istringstream rest{stat.substr(end + 1)};
  std::string state;
  int parent = 0;
  rest >> state >> parent;
  return parent;
}

std::optional<Endpoint> endpoint(std::string address, const std::string& port) {
  if (const std::size_t zone = address.find('%'); zone != address.npos) address.resize(zone);
  const auto parsed = IpAddress::parse(address);
  std::uint16_t number = 0;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (!parsed || problem != std::errc{} || end != port.data() + port.size()) return std::nullopt;
  return Endpoint{*parsed, number};
}

}  // namespace

std::optional<OwnSession> parse_session(const std::string& connection) {
  std::istringstream fields{connection};
  std::string client, client_port, server, server_port;
  fields >> client >> client_port >> server >> server_port;
  const auto from = endpoint(client, client_port);
  const auto to = endpoint(server, server_port);
  if (!from || !to) return std::nullopt;
  return OwnSession{
      from->to_string(),
      fmt::format("tcp and host {} and port {} and host {} and port {}", from->address.to_string(),
                  from->port, to->address.to_string(), to->port)};
}

std::optional<OwnSession> own_session() {
  if (const char* own = std::getenv("SSH_CONNECTION")) return parse_session(own);
  int process = getppid();
  for (int i = 0; i < most_parents && process > 1; ++i, process = parent_of(process)) {
    if (const auto found = connection_of(process)) return parse_session(*found);
  }
  return std::nullopt;
}

}  // namespace wirefault::cli
