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
    extern DetectorEntry dns_fragmented_response_loss(); list(dns_fragmented_response_loss);
    extern DetectorEntry tcp_retransmission(); list(tcp_retransmission);
    extern DetectorEntry tcp_out_of_order(); list(tcp_out_of_order);
    extern DetectorEntry pmtu_blackhole(); list(pmtu_blackhole);
    // clang-format on
    return made;
  }();
  return entries;
}

}  // namespace wirefault
