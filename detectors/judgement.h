// From facts to findings: hands every fact to knowledge and to the detectors, and gathers what they
// conclude. This is all that a report needs to be made from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "detectors/catalogue.h"
#include "detectors/knowledge/dns_legs.h"
#include "detectors/knowledge/stalls.h"
#include "detectors/latency.h"
#include "detectors/result.h"
#include "dissectors/facts.h"
#include "dissectors/settings.h"

namespace wirefault {

struct JudgementOptions {
  std::size_t memory = std::size_t{256} << 20;  // of the whole process; knowledge takes its share
  std::vector<std::string> detectors;           // ids to run; empty: all
};

class Judgement final : public FactListener {
 public:
  Judgement(Settings& settings, const JudgementOptions& options);

  void on_dns_transaction(const dns::Transaction& transaction) override;
  void on_dns_stray_response(const dns::StrayResponse& stray) override;
  void on_dns_addresses(const dns::AddressSet& addresses) override;
  void on_tcp_handshake(const tcp::Handshake& handshake) override;
  void on_tcp_overdue(const tcp::Handshake& handshake) override;
  void on_tcp_opened(const tcp::Opened& opened) override;
  void on_tcp_service_second(const tcp::ServiceSecond& second) override;
  void on_tcp_crowd(const tcp::Crowd& crowd) override;
  void on_tcp_source_second(const tcp::SourceSecond& second) override;
  void on_ip_fragmented_datagram(const ip::FragmentedDatagram& datagram) override;
  void on_icmp_error(const icmp::Error& error) override;
  void on_icmp_stray_error(const icmp::StrayError& stray) override;
  void on_icmp_echo_answered(const icmp::EchoAnswered& echo) override;
  void on_arp(const link::ArpSeen& arp) override;
  void on_icmp_path_mtu(const icmp::PathMtu& path) override;
  void on_tcp_retransmission(const tcp::Retransmission& fact) override;
  void on_tcp_spurious_retransmission(const tcp::SpuriousRetransmission& fact) override;
  void on_tcp_out_of_order(const tcp::OutOfOrder& fact) override;
  void on_tcp_size_stall(const tcp::SizeStall& fact) override;
  void on_tcp_connection_ended(const tcp::ConnectionEnded& fact) override;
  void on_second(const SecondPassed& second) override;
  void on_capture_ended(const CaptureSummary& summary) override;

  // What all of it amounts to, once the capture has ended. `sources` are the capture's own.
  Result result(const std::vector<SourceInfo>& sources) const { return result(sources, summary_); }
  // And what it amounts to so far, with what has been seen up to now: what is likely to come of
  // that which is not settled included.
  Result result(const std::vector<SourceInfo>& sources, const CaptureSummary& summary) const;

 private:
  // Hands what knowledge makes of the facts to the detectors.
  class Fanout final : public KnowledgeListener {
   public:
    Fanout(const Audience& audience, dns::Actions& actions)
        : audience_{audience}, actions_{actions} {}
    void on_dns_lookup(const dns::Lookup& lookup) override;
    void on_dns_action(const dns::Action& action) override;
    void on_connect_failure(const tcp::ConnectFailure& failure) override;

   private:
    const Audience& audience_;
    dns::Actions& actions_;
  };

  // Of the detectors that hear what knowledge says, copies that have been told what it would say if
  // nothing more came; at their places in detectors_, null for the others.
  std::vector<std::unique_ptr<Detector>> foresee(Timestamp now) const;

  // Who said what of whom.
  struct IcmpKey {
    IpAddress sender;
    IpAddress about;
    std::uint16_t kind = 0;  // icmp::ErrorKind
    friend auto operator<=>(const IcmpKey&, const IcmpKey&) = default;
  };
  void count(const icmp::Error& error) {
    icmp_errors_.add({error.reporter, error.destination, static_cast<std::uint16_t>(error.kind)});
  }

  std::vector<const DetectorEntry*> entries_;  // of the detectors, in the same order
  std::vector<std::unique_ptr<Detector>> detectors_;
  Audience audience_;
  dns::Legs legs_;
  dns::Lookups lookups_;
  dns::Actions actions_;
  Fanout fanout_{audience_, actions_};
  tcp::Scanners scanners_;
  tcp::ConnectFailures connect_failures_;
  PathSizes path_sizes_;
  Stalls stalls_;
  Vantages vantages_;

  Counts counts_;
  TopList<IcmpKey> icmp_errors_;
  CaptureSummary summary_;
  Timestamp now_{};
  bool ended_ = false;
};

}  // namespace wirefault
