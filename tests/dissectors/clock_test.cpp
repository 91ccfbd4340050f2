#include "dissectors/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "tests/support/catch.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

Timestamp at(std::int64_t seconds) {
  return Timestamp{std::chrono::seconds{seconds}};
}

Octets answer(std::uint16_t port, std::uint16_t id) {
  return udp(53, port,
             be(id, 2) + hex("8180 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 "
                             "0001"));
}

}  // namespace

TEST_CASE("the clock is the largest time seen", "[dissectors][clock]") {
  Clock clock;
  CHECK(clock.see(at(100)) == at(100));
  CHECK(clock.see(at(99)) == at(99));
  CHECK(clock.now() == at(100));
  CHECK(clock.see(at(130)) == at(130));
  CHECK(!clock.has_restarted());
}

TEST_CASE("one wild stamp moves the clock nowhere", "[dissectors][clock]") {
  Clock clock;
  clock.see(at(100000));
  SECTION("ahead") {
    CHECK(clock.see(at(200000)) == at(100000));
    CHECK(clock.see(at(100001)) == at(100001));
  }
  SECTION("ahead, confirmed") {
    CHECK(clock.see(at(200000)) == at(100000));
    CHECK(clock.see(at(200001)) == at(200001));
    CHECK(!clock.has_restarted());
  }
  SECTION("back") {
    CHECK(clock.see(at(50000)) == at(100000));
    CHECK(clock.see(at(100001)) == at(100001));
    CHECK(clock.see(at(50001)) == at(100001));
    CHECK(!clock.has_restarted());
  }
  SECTION("back, confirmed: time starts anew") {
    CHECK(clock.see(at(50000)) == at(100000));
    CHECK(clock.see(at(50001)) == at(50001));
    CHECK(clock.has_restarted());
    CHECK(clock.see(at(50002)) == at(50002));
    CHECK(!clock.has_restarted());
  }
  SECTION("packets out of order by a second or two never do") {
    for (std::int64_t i = 0; i < 10; ++i) {
      CHECK(clock.see(at(100000 - 2)) == at(100000 - 2));
      CHECK(clock.now() == at(100000));
      CHECK(!clock.has_restarted());
    }
  }
}

TEST_CASE("what was asked before the clock was set back is not unanswered", "[dissectors][clock]") {
  WireBench bench{"dns-unanswered"};
  const auto ask = [&](double when, std::uint16_t id) {
    bench.wire.send(when, ethernet(ip_datagram({.identification = id}, dns_query(40000, id))));
  };
  const auto reply = [&](double when, std::uint16_t id) {
    bench.wire.send(
        when, ethernet(ip_datagram(
                  {.source = "198.51.100.1", .destination = "192.0.2.1", .identification = id},
                  answer(40000, id))));
  };
  const double back = GENERATE(0.0, 30.0, 3600.0);
  for (std::uint16_t id = 1; id <= 10; ++id) {
    const double when = 4000 + id - (id > 5 ? back : 0);
    ask(when, id);
    reply(when + 0.02, id);
  }
  ask(4006 - back, 20);  // and the capture ends
  CHECK(bench.findings(0).empty());
}

// Each connection is opened within 20 ms, by a client that comes back every 5 ms. Whatever is asked
// after the clock was set back must not count as old at once.
TEST_CASE("a busy server is not flooded because the clock was set back", "[dissectors][clock]") {
  WireBench bench{"tcp-syn-flood"};
  const double back = GENERATE(0.0, 0.5, 2.0, 4.9);
  struct Sent {
    double when = 0;
    int connection = 0;
    int step = 0;
  };
  std::vector<Sent> packets;
  for (int i = 0; i < 4000; ++i) {
    for (int step = 0; step < 3; ++step)
      packets.push_back({4000 + 0.005 * i + 0.01 * step, i, step});
  }
  std::ranges::sort(packets, {}, [](const Sent& packet) {
    return std::tuple{packet.when, packet.connection, packet.step};
  });
  for (const Sent& packet : packets) {
    const double when = packet.when - (packet.when > 4010 ? back : 0);
    const auto port = static_cast<std::uint16_t>(20000 + packet.connection);
    const bool answers = packet.step == 1;
    const auto number = static_cast<std::uint32_t>(3 * packet.connection + packet.step + 1);
    // SYN, SYN-ACK, ACK.
    const std::string_view flags =
        std::array<std::string_view, 3>{"02", "12", "10"}.at(static_cast<std::size_t>(packet.step));
    const Octets segment =
        (answers ? be(80, 2) + be(port, 2) + be(5000, 4) + be(1001, 4)
                 : be(port, 2) + be(80, 2) + be(packet.step == 0 ? 1000 : 1001, 4) +
                       be(packet.step == 0 ? 0 : 5001, 4)) +
        hex(fmt::format("50{} ffff 0000 0000", flags));
    bench.wire.send(when,
                    ethernet(ip_datagram({.source = answers ? "198.51.100.1" : "192.0.2.1",
                                          .destination = answers ? "192.0.2.1" : "198.51.100.1",
                                          .protocol = ip::protocol::tcp,
                                          .identification = number},
                                         segment)));
  }
  CHECK(bench.findings(0).empty());
}

TEST_CASE("a capture lasts until the largest time in it", "[dissectors][clock]") {
  struct Listener final : FactListener {
    CaptureSummary summary;
    void on_capture_ended(const CaptureSummary& ended) override { summary = ended; }
  };
  Listener listener;
  Wire wire{listener};
  for (const double when : {4000.0, 4001.0, 1000.0, 1001.0, 1002.0}) {
    wire.send(when, ethernet(ip_datagram({.identification = 1}, udp(7, 8, pattern(4)))));
  }
  wire.finish();
  CHECK(listener.summary.first == Wire::at(1000));
  CHECK(listener.summary.last == Wire::at(4001));
}

TEST_CASE("a trickle of SYNs after the clock was set back is no flood", "[dissectors][clock]") {
  WireBench bench{"tcp-syn-flood"};
  const auto syn = [&](double when, int i) {
    const std::string source = fmt::format("198.18.{}.{}", i / 200, 1 + i % 200);
    bench.wire.send(when, ethernet(ip_datagram({.source = source,
                                                .protocol = ip::protocol::tcp,
                                                .identification = static_cast<std::uint32_t>(i)},
                                               tcp_syn(static_cast<std::uint16_t>(2000 + i), 80))));
  };
  syn(4000, 0);
  for (int i = 1; i < 900; ++i) syn(1000 + i, i);
  CHECK(bench.findings(60).empty());
}

}  // namespace wirefault::test
