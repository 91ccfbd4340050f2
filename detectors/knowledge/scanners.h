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

class Scanners {
 public:
  explicit Scanners(Settings& settings);

  void add(const SourceSecond& second);
  // An error about a datagram to a port where nobody listens.
  void add(const icmp::Error& error);

  bool is_scanner(const IpAddress& source, std::uint64_t tunnel) const;
  // Peers of a swarm come and go: the source failed at hosts far apart, each at a port of its own.
  bool misses_peers(const IpAddress& source, std::uint64_t tunnel) const;
  const TallyMap<ScannerKey, Scan>& scans() const { return scans_; }

 private:
  void add(Scan& scan, const FailedAttempt& attempt, Probe probe) const;
  void look_at(Scan& scan) const;
  static bool misses_peers(const Scan& scan);

  const std::uint64_t ports_;
  const std::uint64_t hosts_;
  const Duration window_;
  TallyMap<ScannerKey, Scan> scans_{1024};
};

}  // namespace wirefault::tcp
