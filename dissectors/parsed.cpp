#include "dissectors/parsed.h"

#include <array>

namespace wirefault {

std::string_view flaw_code(Flaw flaw) {
  static constexpr std::array<std::string_view, flaw_count> codes{
      "",
      "snaplen",
      "eth-short",
      "vlan-depth",
      "ip-version",
      "ip-hlen",
      "ip-totlen",
      "ip-checksum",
      "ip6-ext-loop",
      "frag-unaligned",
      "frag-oversize",
      "udp-len",
      "udp-checksum",
      "tcp-offset",
      "tcp-option",
      "tcp-flags-illegal",
      "icmp-short",
      "icmp-quote",
      "arp-size",
      "dhcp-cookie",
      "dhcp-option",
      "dns-short",
      "dns-count",
      "dns-label",
      "dns-pointer-forward",
      "dns-pointer-loop",
      "dns-name-long",
      "dns-rdlength",
      "dns-opt-multiple",
      "dns-tcp-length",
      "dns-budget",
      "tunnel-header",
  };
  return codes[static_cast<std::size_t>(flaw)];
}

}  // namespace wirefault
