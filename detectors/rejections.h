// What the detectors of ICMP rejections keep of one reporter: who was turned away from what, and
// whether it mattered.
#pragma once

#include "detectors/detector.h"
#include "detectors/flow_key.h"
#include "detectors/silences.h"

namespace wirefault {

struct RejectionKey {
  std::uint64_t tunnel = 0;
  IpAddress reporter;
  std::uint16_t kind = 0;  // icmp::ErrorKind
  std::uint32_t port = 0;  // of the reporter, where each is a case of its own
  friend auto operator<=>(const RejectionKey&, const RejectionKey&) = default;
};

class Rejections {
 public:
  // False for what rejects nothing that anyone wanted: the answers to traceroute, what a client
  // that has hung up says of a late answer, what a connection that is open survives.
  static bool counts(const icmp::Error& error);
  // A datagram sent in answer to one that came from that very port. Once or twice it is late: who
  // had asked is gone.
  static bool is_late_reply(const icmp::Error& error);

  // Worth a note at most.
  bool is_healthy() const;
  void add(const icmp::Error& error);
  // An attempt to connect that one of these errors ended.
  void add_failed_attempt(const tcp::Handshake& handshake);

  // One source that tries much and insists on nothing.
  bool is_scan(const Scene& scene, std::uint64_t tunnel) const;
  // The connections and lookups that came to nothing.
  std::uint64_t failures() const { return failed_attempts_ + queries_; }

  // The sender went on after it was told, and had time to hear it.
  bool was_told_in_vain() const;
  std::uint64_t count() const { return errors_.count(); }
  Timestamp last() const { return last_; }
  // Times that an error came after the other side itself had sent such packets again.
  std::uint64_t relapses() const { return relapses_; }

  bool is_one_service() const { return servers_.distinct() == 1; }
  bool is_one_host() const { return hosts_.distinct() == 1; }
  std::uint64_t hosts() const { return hosts_.distinct(); }
  const TopList<Endpoint>& servers() const { return servers_; }
  const TopList<IpAddress>& host_list() const { return hosts_; }
  const TopList<IpAddress>& clients() const { return clients_; }
  std::uint8_t protocol() const { return protocol_; }
  bool has_queries() const { return queries_ > 0; }
  bool all_in_one_burst() const { return burst_ >= 3; }

  // Everything but entity, title, causes and next.
  void fill(Finding& finding, const Scene& scene, std::uint64_t tunnel) const;

 private:
  Severity severity(const Scene& scene, std::uint64_t tunnel) const;

  Evidence errors_;
  TopList<Endpoint> servers_;
  TopList<IpAddress> hosts_;
  TopList<IpAddress> clients_;
  std::uint64_t queries_ = 0;   // DNS
  std::uint64_t attempts_ = 0;  // errors that hit a TCP connection attempt
  std::uint64_t failed_attempts_ = 0;
  std::uint64_t others_ = 0;
  std::uint64_t discoveries_ = 0;  // of the others
  std::uint64_t burst_ = 0;        // most errors in one millisecond
  std::uint64_t run_ = 0;
  std::uint64_t relapses_ = 0;
  std::vector<Sighting> relapsed_;  // the first errors of the first of them
  Timestamp last_{};
  std::uint8_t protocol_ = 0;
};

// The services from which packets were turned away, and how those fared that wanted them.
class RejectedServices {
 public:
  void add(const icmp::Error& error);
  void note_answer(const dns::Transaction& transaction);
  void note_answer(const tcp::ServiceSecond& second);
  // Such as an application waits for.
  void add(const dns::Lookup& lookup);

  // What was rejected has answered since.
  bool is_repaired(const Rejections& rejections, std::uint64_t tunnel) const;
  // That a DNS server answers nobody, and no other answers in its place, is worse than its errors
  // tell.
  void rate(Finding& finding, const Rejections& rejections, std::uint64_t tunnel) const;

 private:
  struct Service {
    Timestamp last_answer{};
    Silence silence;          // since then; of lookups that failed
    std::uint64_t saved = 0;  // lookups, by another server
  };

  void note_answer(const ServiceKey& key, Timestamp when);

  TallyMap<ServiceKey, Service> services_{1024};
};

}  // namespace wirefault
