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
  const std::pair<std::uint16_t, const char*> tunnels[] = {
      {2152, "GTP-U"}, {3544, "Teredo"}, {1701, "L2TP"}, {4790, "VXLAN-GPE"}};
  for (const auto& [port, name] : tunnels) {
    const CaptureSummary summary = summary_of(ip_datagram({}, udp(40000, port, Octets(40))));
    CHECK(summary.not_dissected == decltype(summary.not_dissected){{name, 1}});
  }
}

struct Outcomes final : FactListener {
  std::vector<dns::Outcome> seen;
  std::uint64_t seconds = 0;
  void on_dns_transaction(const dns::Transaction& transaction) override {
    if (transaction.outcome != dns::Outcome::waiting) seen.push_back(transaction.outcome);
  }
  void on_second(const SecondPassed&) override { ++seconds; }
};

TEST_CASE("deadlines pass on a wire on which nothing moves", "[dissectors]") {
  Outcomes outcomes;
  Wire wire{outcomes};
  wire.pass(0);  // before the first packet there is no time
  CHECK(outcomes.seconds == 0);
  wire.send(10, ethernet(ip_datagram({}, dns_query(40000, 1))));
  wire.pass(14);
  CHECK(outcomes.seen.empty());
  wire.pass(40);
  REQUIRE(outcomes.seen.size() == 1);
  CHECK(outcomes.seen[0] == dns::Outcome::unanswered);
  CHECK(outcomes.seconds == 30);
  wire.pass(20);  // and never goes back
  CHECK(outcomes.seconds == 30);
}

TEST_CASE("what was seen can be asked for while the capture goes on", "[dissectors]") {
  Outcomes outcomes;
  Wire wire{outcomes};
  wire.send(10, ethernet(ip_datagram({}, dns_query(40000, 1))));
  wire.send(11, ethernet(ip_datagram({}, udp(40000, 2152, Octets(40)))));
  for (int again = 0; again < 2; ++again) {
    const CaptureSummary summary = wire.summary();
    CHECK(summary.dns_queries == 1);
    CHECK(summary.packets == 2);
    CHECK(summary.not_dissected == decltype(summary.not_dissected){{"GTP-U", 1}});
    CHECK(summary.last == Wire::at(11));
  }
}

}  // namespace
}  // namespace wirefault::test
