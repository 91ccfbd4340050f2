// Names the filters that turn packets away and say so.
//
// On the wire: a packet leaves, and an ICMP error "administratively prohibited" (IPv4 type 3 codes
// 9, 10, 13; IPv6 type 1 codes 1, 5) comes back that quotes it. Only errors about conversations in
// this capture count, and of those only about the packets that began them.
//
// Blind spots: most filters drop without a word, and RFC 1812 lets them; errors are limited in
// rate. A scanner meets the same filters as a user: many services, none of them tried twice, is a
// note.

#include <fmt/format.h>

#include "detectors/detector.h"
#include "detectors/rejections.h"

namespace wirefault {
namespace {

using icmp::ErrorKind;

class IcmpAdminProhibited final : public Detector {
 public:
  explicit IcmpAdminProhibited(Setup&) {}

  void on_icmp_error(const icmp::Error& error) override {
    if (error.kind != ErrorKind::admin_prohibited || !Rejections::counts(error)) return;
    reporters_[{error.tunnel, error.reporter, 0, 0}].add(error);
    services_.add(error);
  }

  void on_dns_transaction(const dns::Transaction& transaction) override {
    services_.note_answer(transaction);
  }

  void on_dns_lookup(const dns::Lookup& lookup) override { services_.add(lookup); }

  void on_tcp_handshake(const tcp::Handshake& handshake) override {
    if (handshake.outcome != tcp::HandshakeOutcome::rejected ||
        handshake.error != ErrorKind::admin_prohibited) {
      return;
    }
    Rejections* tally = reporters_.find({handshake.opening.tunnel, handshake.rejecter, 0, 0});
    if (tally != nullptr) tally->add_failed_attempt(handshake);
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : reporters_.sorted()) {
      findings.push_back(describe(scene, *key, *tally));
    }
  }

  std::uint64_t evicted() const override { return reporters_.evicted(); }

 private:
  Finding describe(const Scene& scene, const RejectionKey& key, const Rejections& tally) const {
    const std::string reporter = key.reporter.to_string();
    const Endpoint service = tally.servers().top(1).front().first;
    const std::string target = service.address.to_string();
    const bool by_itself = key.reporter == service.address;
    Finding finding;
    finding.entity = fmt::format("{}/{}", reporter, key.tunnel);
    finding.tunnel = key.tunnel;
    const std::string what = tally.is_one_service()
                                 ? fmt::format("{} port {}", target, service.port)
                                 : plural(tally.servers().distinct(), "service");
    finding.title = by_itself && tally.is_one_service()
                        ? fmt::format("{} prohibits access to port {}", reporter, service.port)
                        : fmt::format("{} prohibits access to {}", reporter, what);
    tally.fill(finding, scene, key.tunnel);
    services_.rate(finding, tally, key.tunnel);
    finding.who.push_back(who("router", key.reporter));
    finding.capture_filter = key.reporter.is_v6()
                                 ? fmt::format("icmp6 and src host {} and ip6[40] == 1", reporter)
                                 : fmt::format("icmp[0] == 3 and src host {}", reporter);
    if (by_itself) {
      finding.causes.push_back({"host-firewall", fmt::format("the firewall of {}", reporter),
                                "the host that was asked says it itself", "nft list ruleset"});
    } else {
      finding.causes.push_back({"path-filter", fmt::format("a filter on {}", reporter),
                                fmt::format("{} lies on the path to {}", reporter, target),
                                "nft list ruleset"});
    }
    if (tally.protocol() == ip::protocol::udp) {
      finding.next.push_back(service.port == 53
                                 ? fmt::format("dig @{} . NS +tries=1", target)
                                 : fmt::format("nc -uvz -w3 {} {}", target, service.port));
    } else if (tally.protocol() == ip::protocol::tcp) {
      finding.next.push_back(fmt::format("nc -vz -w3 {} {}", target, service.port));
    }
    finding.next.push_back(fmt::format("tracepath -n {}", target));
    return finding;
  }

  TallyMap<RejectionKey, Rejections> reporters_{1024};
  RejectedServices services_;
};

}  // namespace

DetectorEntry icmp_admin_prohibited() {
  return {"icmp-admin-prohibited", "note to critical",
          "packets that a filter turned away, saying so", Basis::presence,
          make_detector<IcmpAdminProhibited>};
}

}  // namespace wirefault
