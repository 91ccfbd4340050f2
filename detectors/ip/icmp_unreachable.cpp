// Names who said that a destination cannot be reached, and what was turned away.
//
// On the wire: a packet leaves, and a router or the destination itself returns an ICMP error
// (network, host, protocol or port unreachable) that quotes it. Only errors count whose quoted
// packet is in this capture and opened a conversation: a query, a connection attempt, a datagram
// that asked something. Severity comes from what was lost: connections and lookups that failed.
//
// Blind spots: who limits the rate of its errors, as all do, rejects more than it says; who sends
// none at all is left to the detectors of silence.

#include <fmt/format.h>

#include "detectors/detector.h"
#include "detectors/rejections.h"

namespace wirefault {
namespace {

using icmp::ErrorKind;

class IcmpUnreachable final : public Detector {
 public:
  explicit IcmpUnreachable(Setup& setup)
      // Fewer come to any host as answers to packets that others sent in its name.
      : min_strays_{setup.count("min-strays", 10,
                                "errors about packets that are not in the capture before they are "
                                "told")} {}

  void on_icmp_error(const icmp::Error& error) override {
    if (!is_ours(error.kind)) return;
    RejectionKey key = key_of(error.tunnel, error.reporter, error.kind);
    if (Rejections::counts(error)) {
      reporters_[key].add(error);
      services_.add(error);
    } else if (Rejections::is_late_reply(error)) {
      key.port = error.destination_port;
      late_[key].add(error);
    }
  }

  void on_icmp_stray_error(const icmp::StrayError& stray) override {
    const icmp::Error& error = stray.error;
    if (!is_ours(error.kind)) return;
    strays_[key_of(error.tunnel, error.reporter, error.kind)].add(error);
  }

  void on_tcp_handshake(const tcp::Handshake& handshake) override {
    if (handshake.outcome != tcp::HandshakeOutcome::rejected || !is_ours(handshake.error)) return;
    Rejections* tally =
        reporters_.find(key_of(handshake.opening.tunnel, handshake.rejecter, handshake.error));
    if (tally != nullptr) tally->add_failed_attempt(handshake);
  }

  void on_dns_transaction(const dns::Transaction& transaction) override {
    services_.note_answer(transaction);
  }

  void on_dns_lookup(const dns::Lookup& lookup) override { services_.add(lookup); }

  void on_tcp_service_second(const tcp::ServiceSecond& second) override {
    services_.note_answer(second);
  }

  void judge(const Scene& scene, std::vector<Finding>& findings) const override {
    for (const auto& [key, tally] : reporters_.sorted()) {
      findings.push_back(describe(scene, *key, *tally));
    }
    for (const auto& [key, tally] : late_.sorted()) {
      if (tally->was_told_in_vain()) findings.push_back(describe_late(scene, *key, *tally));
    }
    for (const auto& [key, tally] : strays_.sorted()) {
      if (tally->count() >= min_strays_) findings.push_back(describe_strays(scene, *key, *tally));
    }
  }

  std::uint64_t evicted() const override { return reporters_.evicted(); }

 private:
  static bool is_ours(ErrorKind kind) {
    return kind >= ErrorKind::net_unreachable && kind <= ErrorKind::other_unreachable &&
           kind != ErrorKind::admin_prohibited;
  }
  static RejectionKey key_of(std::uint64_t tunnel, const IpAddress& reporter, ErrorKind kind) {
    return {tunnel, reporter, static_cast<std::uint16_t>(kind), 0};
  }

  Finding describe(const Scene& scene, const RejectionKey& key, const Rejections& tally) const {
    const auto kind = static_cast<ErrorKind>(key.kind);
    const std::string reporter = key.reporter.to_string();
    Finding finding;
    finding.entity = fmt::format("{}/{}/{}", reporter, icmp::error_name(kind), key.tunnel);
    finding.tunnel = key.tunnel;
    finding.title = title(kind, reporter, tally);
    tally.fill(finding, scene, key.tunnel);
    services_.rate(finding, tally, key.tunnel);
    if (services_.is_repaired(tally, key.tunnel)) finding.state = FindingState::ended;
    finding.who.push_back(who("router", key.reporter));
    finding.capture_filter = key.reporter.is_v6()
                                 ? fmt::format("icmp6 and src host {} and ip6[40] == 1", reporter)
                                 : fmt::format("icmp[0] == 3 and src host {}", reporter);
    add_causes(finding, kind, key, tally);
    return finding;
  }

  // Somebody left a conversation, and the other side goes on.
  static Finding describe_late(const Scene& scene, const RejectionKey& key,
                               const Rejections& tally) {
    const Endpoint left = tally.servers().top(1).front().first;
    const std::string sender = tally.clients().top(1).front().first.to_string();
    Finding finding;
    finding.entity = fmt::format("{}/late/{}", left.to_string(), key.tunnel);
    finding.tunnel = key.tunnel;
    finding.variant = "late";
    finding.title = short_title("", left.to_string(), " is closed by now: port unreachable");
    tally.fill(finding, scene, key.tunnel);
    finding.severity = Severity::note;
    const std::string path = fmt::format("{} > {}", sender, left.to_string());
    finding.who = {Who{"path", {{path, tally.count()}}, tally.clients().distinct()}};
    finding.measures.clear();
    finding.capture_filter = fmt::format("host {} and (udp port {} or icmp or icmp6)",
                                         left.address.to_string(), left.port);
    finding.causes = {
        {"peer-gone", "the program that had this port has ended, or given up",
         fmt::format("it had sent from there before; {} goes on all the same", sender),
         fmt::format("ss -lunp 'sport = :{}'  # on {}", left.port, left.address.to_string())}};
    finding.next = {fmt::format("ss -unp  # on {}", sender)};
    return finding;
  }

  Finding describe_strays(const Scene& scene, const RejectionKey& key,
                          const Rejections& tally) const {
    Finding finding = describe(scene, key, tally);
    finding.entity += "/stray";
    finding.variant = "stray";
    finding.severity = Severity::note;
    finding.measures.clear();
    finding.caveats.insert(
        finding.caveats.begin(),
        {"not-captured",
         "the packets that are quoted are not in this capture: whether they were "
         "sent, and what became of it, cannot be told"});
    return finding;
  }

  static std::string title(ErrorKind kind, const std::string& reporter, const Rejections& tally) {
    const Endpoint service = tally.servers().top(1).front().first;
    const std::string what =
        tally.is_one_host() ? service.address.to_string() : plural(tally.hosts(), "host");
    switch (kind) {
      case ErrorKind::net_unreachable:
        return fmt::format("{} has no route to {}", reporter, what);
      case ErrorKind::port_unreachable:
        return tally.is_one_service()
                   ? fmt::format("{} is closed: port unreachable", service.to_string())
                   : fmt::format("{} rejects packets: port unreachable", what);
      case ErrorKind::protocol_unreachable:
        return short_title("", what,
                           " refuses " + protocol_text(tally.protocol()) +
                               (refuses_at_times(tally) ? " at times" : ""));
      default:
        return fmt::format("{} cannot reach {}", reporter, what);
    }
  }

  static bool refuses_at_times(const Rejections& tally) {
    return tally.is_one_host() && tally.relapses() > 0;
  }

  // "protocol 41 (IPv6 in IP)"
  static std::string protocol_text(std::uint8_t protocol) {
    const std::string name = ip::protocol_name(protocol);
    return name.starts_with("protocol") ? name : fmt::format("protocol {} ({})", protocol, name);
  }

  static void add_causes(Finding& finding, ErrorKind kind, const RejectionKey& key,
                         const Rejections& tally) {
    const Endpoint service = tally.servers().top(1).front().first;
    const std::string target = service.address.to_string();
    const std::string reporter = key.reporter.to_string();
    const bool by_itself = key.reporter == service.address;
    const bool is_udp = tally.protocol() == ip::protocol::udp;
    switch (kind) {
      case ErrorKind::net_unreachable:
        finding.causes.push_back({"no-route", fmt::format("{} lost its route", reporter),
                                  "it says so itself, at once",
                                  fmt::format("ip route get {}", target)});
        break;
      case ErrorKind::port_unreachable:
        if (by_itself && is_udp) {
          finding.causes.push_back(
              {"service-down",
               tally.has_queries() ? "no DNS server runs there" : "nothing listens on that port",
               "the destination itself says so",
               fmt::format("ss -lunp 'sport = :{}'  # on the server", service.port)});
        }
        finding.causes.push_back({"firewall-reject", "a firewall rejects the packets",
                                  by_itself ? "a host's own firewall can answer like this"
                                            : fmt::format("{} is not the destination", reporter),
                                  "nft list ruleset"});
        break;
      case ErrorKind::protocol_unreachable:
        if (refuses_at_times(tally)) {
          finding.causes.push_back(
              {"refused-at-times",
               fmt::format("{} takes {} at times and refuses it at others", target,
                           protocol_text(tally.protocol())),
               fmt::format("{} it refused it after it had sent such packets itself",
                           plural(tally.relapses(), "time")),
               "ip -d tunnel show"});
        } else if (by_itself) {
          finding.causes.push_back({"protocol-off",
                                    fmt::format("{} has no tunnel or service set up for {}", target,
                                                protocol_text(tally.protocol())),
                                    "the destination itself says so", "ip -d tunnel show"});
        }
        finding.causes.push_back({"firewall-reject", "a firewall rejects the protocol",
                                  by_itself ? "a host's own firewall can answer like this"
                                            : fmt::format("{} is not the destination", reporter),
                                  "nft list ruleset"});
        break;
      default:
        finding.causes.push_back(
            {"host-down", fmt::format("{} is down or not on that link", target),
             tally.all_in_one_burst()
                 ? "several errors in one millisecond: they waited for the same "
                   "ARP or neighbour answer that never came"
                 : fmt::format("{} says it cannot deliver", reporter),
             fmt::format("ip neigh show {}", target)});
    }
    finding.next = {fmt::format("ip route get {}", target), fmt::format("ping -c 3 {}", target),
                    fmt::format("tracepath -n {}", target)};
  }

  const std::uint64_t min_strays_;
  TallyMap<RejectionKey, Rejections> reporters_{1024};
  RejectedServices services_;
  // Worth a note at most, so what is given up of them is no loss.
  TallyMap<RejectionKey, Rejections> late_{256};
  TallyMap<RejectionKey, Rejections> strays_{256};
};

}  // namespace

DetectorEntry icmp_unreachable() {
  return {"icmp-unreachable", "note to critical",
          "destinations that a router or host calls unreachable", Basis::presence,
          make_detector<IcmpUnreachable>};
}

}  // namespace wirefault
