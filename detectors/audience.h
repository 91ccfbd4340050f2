// Who hears what: a fact is told to those detectors that override its handler. Most facts concern
// one or two of them, and healthy traffic has facts by the million.
#pragma once

#include <tuple>
#include <type_traits>
#include <vector>

#include "detectors/knowledge/connect_failures.h"
#include "detectors/knowledge/dns_action.h"
#include "detectors/knowledge/dns_lookup.h"
#include "dissectors/facts.h"

namespace wirefault {

// Facts of a higher kind, made by knowledge from those of the trackers: what spans address pairs.
class KnowledgeListener : public FactListener {
 public:
  virtual void on_dns_lookup(const dns::Lookup&) {}
  virtual void on_dns_action(const dns::Action&) {}
  virtual void on_connect_failure(const tcp::ConnectFailure&) {}
};

// Whether D overrides a handler: where it does not, the handler is declared by a base of it.
template <class D, class Declarer, class Fact>
constexpr bool hears(void (Declarer::*)(const Fact&)) {
  return std::is_same_v<D, Declarer>;
}

class Audience {
 public:
  // D is the class of the detector itself: its handlers tell what it wants to hear. Each handler of
  // KnowledgeListener has a line here.
  template <class D>
  void admit(D& detector) {
    admit(detector, &D::on_dns_transaction);
    admit(detector, &D::on_dns_stray_response);
    admit(detector, &D::on_dns_lookup);
    admit(detector, &D::on_dns_action);
    admit(detector, &D::on_tcp_handshake);
    admit(detector, &D::on_tcp_opened);
    admit(detector, &D::on_tcp_service_second);
    admit(detector, &D::on_tcp_crowd);
    admit(detector, &D::on_tcp_source_second);
    admit(detector, &D::on_tcp_retransmission);
    admit(detector, &D::on_tcp_spurious_retransmission);
    admit(detector, &D::on_tcp_out_of_order);
    admit(detector, &D::on_tcp_size_stall);
    admit(detector, &D::on_tcp_connection_ended);
    admit(detector, &D::on_connect_failure);
    admit(detector, &D::on_ip_fragmented_datagram);
    admit(detector, &D::on_icmp_error);
    admit(detector, &D::on_icmp_stray_error);
    admit(detector, &D::on_icmp_echo_answered);
    admit(detector, &D::on_icmp_path_mtu);
    admit(detector, &D::on_second);
    admit(detector, &D::on_capture_ended);
  }

  // In the order in which they were admitted.
  template <class Listener, class Fact>
  void tell(void (Listener::*hear)(const Fact&), const Fact& fact) const {
    for (KnowledgeListener* listener : std::get<Listeners<Fact>>(listeners_)) {
      (listener->*hear)(fact);
    }
  }

  // Whether D hears what knowledge makes of facts, of which there are some that are not settled.
  template <class D>
  static constexpr bool hears_knowledge =
      hears<D>(&D::on_dns_lookup) || hears<D>(&D::on_dns_action) ||
      hears<D>(&D::on_connect_failure);

 private:
  template <class Fact>
  struct Listeners : std::vector<KnowledgeListener*> {};

  template <class D, class Declarer, class Fact>
  void admit(D& detector, void (Declarer::*)(const Fact&)) {
    // As hears() has it.
    if constexpr (std::is_same_v<D, Declarer>) {
      std::get<Listeners<Fact>>(listeners_).push_back(&detector);
    }
  }

  std::tuple<Listeners<dns::Transaction>, Listeners<dns::StrayResponse>, Listeners<dns::Lookup>,
             Listeners<dns::Action>, Listeners<tcp::Handshake>, Listeners<tcp::Opened>,
             Listeners<tcp::ServiceSecond>, Listeners<tcp::Crowd>, Listeners<tcp::SourceSecond>,
             Listeners<tcp::Retransmission>, Listeners<tcp::SpuriousRetransmission>,
             Listeners<tcp::OutOfOrder>, Listeners<tcp::SizeStall>, Listeners<tcp::ConnectionEnded>,
             Listeners<tcp::ConnectFailure>, Listeners<ip::FragmentedDatagram>,
             Listeners<icmp::Error>, Listeners<icmp::StrayError>, Listeners<icmp::EchoAnswered>,
             Listeners<icmp::PathMtu>, Listeners<SecondPassed>, Listeners<CaptureSummary>>
      listeners_;
};

}  // namespace wirefault
