// Sources that try one port or host after another: port scans, worms, inventories. Their refusals
// and silences are nobody's failure, so detectors of failures ask here whom to leave out.
//
// A scan is many distinct targets within five minutes and hardly any success. What a client repeats
// it wants; so silent hosts of which each was asked again and again make no scan, unless they are
// neighbours, or ports of one host: that is an uplink that broke.
#pragma once

#include <deque>
#include <map>

#include "detectors/evidence.h"
#include "detectors/tally_map.h"
#include "dissectors/icmp/facts.h"
#include "dissectors/link/facts.h"
#include "dissectors/settings.h"
#include "dissectors/tcp/facts.h"

namespace wirefault::tcp {

struct ScannerKey {
  std::uint64_t tunnel = 0;
  IpAddress source;
  std::array<std::uint8_t, 6> padding{};
  friend auto operator<=>(const ScannerKey&, const ScannerKey&) = default;
};

// How targets are tried. No connection begins with a segment that is neither SYN nor ACK; sent to a
// closed port it draws an RST, and to an open one nothing (RFC 9293, section 3.10.7).
enum class Probe : std::uint8_t { syn, null, fin, xmas, odd, udp };
constexpr std::size_t probe_kinds = 6;

// What one source did in vain. `scan` is none until it is too much.
struct Scan {
  enum class Kind : std::uint8_t { none, vertical, horizontal };

  Kind kind = Kind::none;
  IpAddress host;          // vertical: whose ports
  std::uint16_t port = 0;  // horizontal: which port
  std::uint64_t attempts = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t refused = 0;  // of the attempts that were looked at
  std::uint64_t reset = 0;    // by the source, after a SYN-ACK
  std::uint64_t silent = 0;
  std::array<std::uint64_t, probe_kinds> probes{};  // likewise, by kind
  DistinctCount targets;
  TopList<IpAddress> hosts;
  Evidence evidence;

  struct Target {
    Endpoint responder;
    Timestamp when{};
    bool insisted = false;  // asked more than once and got no answer
  };
  std::deque<Target> recent;
  bool misses_peers = false;  // no scan: see Scanners::misses_peers
  std::uint64_t recent_succeeded = 0;

  bool is_healthy() const { return attempts == 0; }
};

struct MacKey {
  std::uint64_t tunnel = 0;
  link::MacAddress mac;
  std::array<std::uint8_t, 2> padding{};
  friend auto operator<=>(const MacKey&, const MacKey&) = default;
};

// Whom one station asked for by ARP. A scan once it asks for many in a moment, most of whom nobody
// has: a router that has forgotten all its neighbours asks for those that answer.
struct ArpScan {
  struct Target {
    IpAddress address;
    Sighting asked;
    bool is_answered = false;
  };
  std::deque<Target> recent;  // distinct, within ten seconds
  bool is_scan = false;
  std::uint64_t requests = 0;
  std::uint64_t answered = 0;
  TopList<IpAddress> targets;  // from the first of the scan on
  TopList<IpAddress> askers;   // the sender's own addresses
  Evidence evidence;
};

class Scanners {
 public:
  explicit Scanners(Settings& settings);

  void add(const SourceSecond& second);
  // An error about a datagram to a port where nobody listens.
  void add(const icmp::Error& error);
  void add(const link::ArpSeen& arp);

  bool is_scanner(const IpAddress& source, std::uint64_t tunnel) const;
  // Peers of a swarm come and go: the source failed at hosts far apart, each at a port of its own.
  bool misses_peers(const IpAddress& source, std::uint64_t tunnel) const;
  const TallyMap<ScannerKey, Scan>& scans() const { return scans_; }
  const TallyMap<MacKey, ArpScan>& arp_scans() const { return arp_scans_; }

 private:
  void add(Scan& scan, const FailedAttempt& attempt, Probe probe) const;
  void look_at(Scan& scan) const;
  static void add_to(ArpScan& scan, const ArpScan::Target& target);
  static bool misses_peers(const Scan& scan);

  const std::uint64_t ports_;
  const std::uint64_t hosts_;
  const Duration window_;
  const std::uint64_t arp_targets_;
  TallyMap<ScannerKey, Scan> scans_{1024};
  TallyMap<MacKey, ArpScan> arp_scans_{512};
};

}  // namespace wirefault::tcp
