#include "detectors/catalogue.h"

#include <vector>

namespace wirefault {

std::span<const DetectorEntry> catalogue() {
  static const std::vector<DetectorEntry> entries = [] {
    std::vector<DetectorEntry> made;
    const auto list = [&made](DetectorEntry entry()) { made.push_back(entry()); };
    // One line per detector: its entry function is declared right where it is called, so that a
    // detector needs no header. The parity test finds a forgotten line.
    // clang-format off
    extern DetectorEntry dns_unanswered(); list(dns_unanswered);
    extern DetectorEntry dns_servfail(); list(dns_servfail);
    extern DetectorEntry dns_servfail_storm(); list(dns_servfail_storm);
    extern DetectorEntry dns_refused(); list(dns_refused);
    extern DetectorEntry dns_fragmented_response_loss(); list(dns_fragmented_response_loss);
    extern DetectorEntry ip_fragment_loss(); list(ip_fragment_loss);
    extern DetectorEntry icmp_frag_needed(); list(icmp_frag_needed);
    extern DetectorEntry icmp_unreachable(); list(icmp_unreachable);
    extern DetectorEntry icmp_admin_prohibited(); list(icmp_admin_prohibited);
    extern DetectorEntry port_scan(); list(port_scan);
    extern DetectorEntry tcp_refused(); list(tcp_refused);
    extern DetectorEntry tcp_syn_flood(); list(tcp_syn_flood);
    extern DetectorEntry tcp_syn_timeout(); list(tcp_syn_timeout);
    extern DetectorEntry tcp_retransmission(); list(tcp_retransmission);
    extern DetectorEntry tcp_out_of_order(); list(tcp_out_of_order);
    extern DetectorEntry pmtu_blackhole(); list(pmtu_blackhole);
    // clang-format on
    return made;
  }();
  return entries;
}

}  // namespace wirefault
