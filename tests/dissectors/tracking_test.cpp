#include "dissectors/tracking.h"

#include "tests/support/catch.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

struct Listener final : FactListener {
  CaptureSummary summary;
  void on_capture_ended(const CaptureSummary& ended) override { summary = ended; }
};

constexpr std::uint8_t ip_in_ip = 4;

Octets in_tunnels(int depth, Octets datagram) {
  for (int i = 0; i < depth; ++i) {
    datagram = ip_datagram(
        {.source = "203.0.113.1", .destination = "203.0.113.2", .protocol = ip_in_ip}, datagram);
  }
  return datagram;
}

CaptureSummary summary_of(const Octets& datagram) {
  Listener listener;
  Wire wire{listener};
  wire.send(0, ethernet(datagram));
  wire.finish();
  return listener.summary;
}

TEST_CASE("tunnels in tunnels are opened three deep", "[dissectors]") {
  const Octets query = ip_datagram({}, dns_query(40000, 1));
  for (const int depth : {0, 1, 2, 3}) {
    CAPTURE(depth);
    CHECK(summary_of(in_tunnels(depth, query)).dns_queries == 1);
  }
  const CaptureSummary deeper = summary_of(in_tunnels(4, query));
  CHECK(deeper.dns_queries == 0);
  CHECK(deeper.packets == 1);
}

TEST_CASE("a tunnel that is not opened is named", "[dissectors]") {
  const CaptureSummary summary = summary_of(ip_datagram({}, udp(40000, 2152, Octets(40))));
  CHECK(summary.not_dissected == decltype(summary.not_dissected){{"GTP-U", 1}});
}

}  // namespace
}  // namespace wirefault::test
