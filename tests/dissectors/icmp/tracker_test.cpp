#include "dissectors/icmp/tracker.h"

#include "tests/support/catch.h"
#include "tests/support/wire.h"

namespace wirefault::test {
namespace {

struct Listener final : FactListener {
  std::vector<icmp::EchoAnswered> echoes;
  CaptureSummary summary;
  void on_capture_ended(const CaptureSummary& said) override { summary = said; }
  void on_icmp_echo_answered(const icmp::EchoAnswered& fact) override { echoes.push_back(fact); }
};

}  // namespace

TEST_CASE("echoes that are answered are told of once a second", "[dissectors][icmp]") {
  Listener listener;
  Wire wire{listener};
  const auto send = [&](double when, bool is_reply, std::uint16_t id) {
    wire.send(when, ethernet(ip_datagram({.source = is_reply ? "198.51.100.1" : "192.0.2.1",
                                          .destination = is_reply ? "192.0.2.1" : "198.51.100.1",
                                          .protocol = ip::protocol::icmp,
                                          .identification = static_cast<std::uint32_t>(100 * when)},
                                         hex(is_reply ? "0000 0000" : "0800 0000") + be(id, 2) +
                                             hex("0001") + pattern(56))));
  };
  send(1, true, 7);  // before anybody asked
  CHECK(listener.echoes.empty());
  for (int i = 0; i < 20; ++i) {
    send(2 + 0.1 * i, false, 7);
    send(2.05 + 0.1 * i, true, 7);
  }
  wire.finish();
  REQUIRE(listener.echoes.size() == 2);
  CHECK(listener.echoes[0].asker == *IpAddress::parse("192.0.2.1"));
  CHECK(listener.echoes[0].answerer == *IpAddress::parse("198.51.100.1"));
  CHECK(listener.echoes[0].request.packet.number() == 2);
  CHECK(listener.echoes[0].reply.packet.number() == 3);
}

TEST_CASE("errors about answers that came too late are not about unknown packets",
          "[dissectors][icmp]") {
  Listener listener;
  Wire wire{listener};
  for (const std::uint16_t source : {std::uint16_t{53}, std::uint16_t{5000}}) {
    const Octets late = ip_datagram({.source = "198.51.100.1", .destination = "192.0.2.1"},
                                    udp(source, 40000, pattern(40)));
    wire.send(1, ethernet(ip_datagram({.protocol = ip::protocol::icmp, .identification = source},
                                      icmp_error(3, 3, late))));
  }
  wire.finish();
  CHECK(listener.summary.icmp_errors == 2);
  CHECK(listener.summary.icmp_unmatched == 1);
}

}  // namespace wirefault::test
