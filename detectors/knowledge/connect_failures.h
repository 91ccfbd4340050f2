// Failed attempts to connect, with what their initiator did about it: whether it opened a
// connection to the same port of another address, as clients do that were given several addresses
// (Happy Eyeballs, RFC 8305, or one after the other): by DNS responses where they are in the
// capture, else by a guess. Trackers see one address pair at a time, so this is where the two meet.
// Failures are held back for as long as the other attempt may take; how things stand until then can
// be asked.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <vector>

#include "detectors/knowledge/siblings.h"
#include "detectors/tally_map.h"
#include "dissectors/facts.h"

namespace wirefault {
class KnowledgeListener;  // detectors/audience.h
}

namespace wirefault::tcp {

struct ConnectFailure {
  Handshake handshake;
  bool may_open = false;  // overdue, and not settled
  // The initiator opened a connection to the same port of another address instead.
  bool has_alternative = false;
  Endpoint alternative;
  Duration time_lost{};  // from the first SYN of the failed attempt to that
  // The initiator had a SYN-ACK of the service, ever, and acknowledged it; and what it sent then
  // came as far as this: probes with a small hop limit, and what others forge, do not.
  bool was_answered = false;
  bool host_worked = false;  // it had opened a connection to that host, at any port
  // Of the connections that the same initiator did open to the same service, as far as remembered.
  bool service_worked = false;
  bool newer_clock_worked = false;  // shortly before, and its SYN had a later timestamp
};

class ConnectFailures {
 public:
  ConnectFailures() : answered_(answered_count) {}

  void add(const Handshake& handshake, KnowledgeListener& listener);
  void add_overdue(const Handshake& handshake);
  void add(const Opened& opened);
  void add(const dns::AddressSet& addresses) { siblings_.add(addresses); }
  void pass(Timestamp now, KnowledgeListener& listener);
  void finish(KnowledgeListener& listener);

  // As it looks now: the attempts that are overdue, and the failures held back.
  bool has_unsettled() const { return !overdue_.empty() || !held_.empty(); }
  void tell_unsettled(Timestamp now, KnowledgeListener& listener) const;

 private:
  static constexpr std::size_t answered_count = 65536;

  struct AttemptKey {
    std::uint64_t tunnel = 0;
    Endpoint initiator;
    Endpoint responder;
    friend auto operator<=>(const AttemptKey&, const AttemptKey&) = default;
  };
  static AttemptKey key_of(const Handshake& handshake) {
    return {handshake.opening.tunnel, handshake.initiator(), handshake.responder()};
  }

  // By who it is and whom he asks, at a port or (port 0) at any: the hash of that, as far as
  // nothing took its place.
  static std::uint64_t hash_of_pair(const Endpoint& initiator, const Endpoint& responder,
                                    std::uint64_t tunnel) {
    return KeyHash<AttemptKey>{}({tunnel, {initiator.address, 0}, responder});
  }
  void remember_answer(std::uint64_t hash, std::uint8_t hop_limit);
  bool was_answered(const Handshake& handshake, const Endpoint& responder) const;

  // Who opened connections to a port: one client, or, under the unspecified address of a family,
  // any client of that family.
  struct ClientPort {
    std::uint64_t tunnel = 0;
    IpAddress client;
    std::uint16_t port = 0;
    std::uint32_t padding = 0;
    friend auto operator<=>(const ClientPort&, const ClientPort&) = default;
  };
  // The latest. Contiguous, and not touched before it is used: most clients open few.
  class History {
   public:
    History() {}
    void add(const Opened& opened);
    const Opened* begin() const { return end() - std::min(count_, most); }
    const Opened* end() const { return opened_.data() + count_; }
    // Whether none that was asked for since then is forgotten.
    bool reaches_back_to(Timestamp when) const { return count_ < most || begin()->asked < when; }

   private:
    // A client with more of them in a minute is a proxy or worse: whether one of them stands for
    // another cannot be told.
    static constexpr std::size_t most = 16;

    std::size_t count_ = 0;
    union {
      std::array<Opened, most + most / 2> opened_;
    };
  };

  void remember(const IpAddress& client, const Opened& opened);
  void compare(ConnectFailure& failure) const;
  const Opened* sibling_in(const History& own, const Handshake& failed, Timestamp latest) const;
  void look_for_alternative(ConnectFailure& failure) const;
  void complete(ConnectFailure& failure) const {
    compare(failure);
    look_for_alternative(failure);
  }
  void release(KnowledgeListener& listener);

  TallyMap<ClientPort, History> histories_{1024};
  std::vector<std::uint32_t> answered_;
  dns::Siblings siblings_;
  // As they were seen when they became overdue: what their initiators had opened by then may be
  // forgotten when they are settled.
  TallyMap<AttemptKey, ConnectFailure> overdue_{1024};
  std::deque<ConnectFailure> held_;  // in the order in which they were settled
};

}  // namespace wirefault::tcp
