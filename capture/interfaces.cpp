#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

#include "capture/live.h"

namespace wirefault {
namespace {

std::string read_word(const std::string& path) {
  std::ifstream file{path};
  std::string word;
  file >> word;
  return word;
}

std::uint64_t read_number(const std::string& path) {
  return std::strtoull(read_word(path).c_str(), nullptr, 10);
}

// ARPHRD_ numbers, linux/if_arp.h.
std::string link_name(const std::string& type) {
  if (type == "1") return "Ethernet";
  if (type == "772") return "loopback";
  if (type == "65534") return "raw IP";
  if (type == "512") return "PPP";
  if (type == "768" || type == "776" || type == "778") return "tunnel";
  return "type " + type;
}

int prefix_length(const sockaddr* mask) {
  if (mask == nullptr) return 0;
  int length = 0;
  if (mask->sa_family == AF_INET) {
    length = std::popcount(reinterpret_cast<const sockaddr_in*>(mask)->sin_addr.s_addr);
  } else if (mask->sa_family == AF_INET6) {
    for (const std::uint8_t byte : reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr.s6_addr) {
      length += std::popcount(byte);
    }
  }
  return length;
}

std::string address_text(const ifaddrs& entry) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const sockaddr* address = entry.ifa_addr;
  const void* bytes =
      address->sa_family == AF_INET
          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr)
          : &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (inet_ntop(address->sa_family, bytes, text.data(), text.size()) == nullptr) return {};
  return fmt::format("{}/{}", text.data(), prefix_length(entry.ifa_netmask));
}

// /proc/net/route: name, destination and gateway in hexadecimal, flags, and, sixth, the metric.
std::string default_interface_v4() {
  std::ifstream routes{"/proc/net/route"};
  std::string line;
  std::getline(routes, line);
  std::string best;
  std::uint64_t lowest = std::numeric_limits<std::uint64_t>::max();
  while (std::getline(routes, line)) {
    std::istringstream fields{line};
    std::string name, destination, gateway, flags, references, uses, mask;
    std::uint64_t metric = 0;
    fields >> name >> destination >> gateway >> flags >> references >> uses >> metric >> mask;
    if (!fields || destination != "00000000" || mask != "00000000" || metric >= lowest) continue;
    best = name;
    lowest = metric;
  }
  return best;
}

// /proc/net/ipv6_route: destination, its length, two more of these, gateway, metric, two counters,
// flags, name. The kernel keeps an unreachable default route on lo.
std::string default_interface_v6() {
  std::ifstream routes{"/proc/net/ipv6_route"};
  std::string line;
  while (std::getline(routes, line)) {
    std::istringstream fields{line};
    std::array<std::string, 10> field;
    for (std::string& each : field) fields >> each;
    if (fields && field[0] == std::string(32, '0') && field[1] == "00" && field[9] != "lo") {
      return field[9];
    }
  }
  return {};
}

}  // namespace

std::string default_interface() {
  const std::string v4 = default_interface_v4();
  return v4.empty() ? default_interface_v6() : v4;
}

// A packet socket is all that a capture needs a right for.
std::string why_capture_is_refused() {
  const int socket = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (socket < 0) return errno == EPERM ? "needs CAP_NET_RAW" : std::strerror(errno);
  close(socket);
  return {};
}

std::vector<LiveInterface> live_interfaces() {
  std::vector<LiveInterface> found;
  const std::string by_default = default_interface();
  if (struct if_nameindex* names = if_nameindex(); names != nullptr) {
    for (const struct if_nameindex* each = names; each->if_name != nullptr; ++each) {
      LiveInterface made;
      made.name = each->if_name;
      const std::string folder = "/sys/class/net/" + made.name;
      made.link = link_name(read_word(folder + "/type"));
      made.is_default = made.name == by_default;
      made.packets = read_number(folder + "/statistics/rx_packets") +
                     read_number(folder + "/statistics/tx_packets");
      found.push_back(made);
    }
    if_freenameindex(names);
  }
  ifaddrs* addresses = nullptr;
  if (getifaddrs(&addresses) == 0) {
    for (const ifaddrs* each = addresses; each != nullptr; each = each->ifa_next) {
      const auto interface = std::find_if(found.begin(), found.end(), [&](const auto& candidate) {
        return candidate.name == each->ifa_name;
      });
      if (interface == found.end()) continue;
      interface->is_up = interface->is_up || (each->ifa_flags & IFF_UP) != 0;
      if (each->ifa_addr == nullptr) continue;
      const auto family = each->ifa_addr->sa_family;
      if (family == AF_INET || family == AF_INET6) {
        interface->addresses.push_back(address_text(*each));
      }
    }
    freeifaddrs(addresses);
  }
  return found;
}

}  // namespace wirefault
