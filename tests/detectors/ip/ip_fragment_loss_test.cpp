#include "tests/support/catch.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

struct Case {
  WireBench bench{"ip-fragment-loss"};
  const Octets whole = udp(5000, 6000, pattern(3000));

  Octets fragment(std::uint32_t id, std::size_t i) const {
    return ip_datagram(
        {.identification = id, .offset = static_cast<std::uint32_t>(1400 * i), .more = i < 2},
        slice(whole, 1400 * i, 1400));
  }
  void send(double seconds, std::uint32_t id, std::vector<std::size_t> fragments) {
    for (const std::size_t i : fragments) bench.wire.send(seconds, ethernet(fragment(id, i)));
  }
  // The receiver gives up on `id`.
  void complain(double seconds, std::uint32_t id) {
    bench.wire.send(seconds, ethernet(ip_datagram({.source = "198.51.100.1",
                                                   .destination = "192.0.2.1",
                                                   .protocol = ip::protocol::icmp,
                                                   .identification = 900 + id},
                                                  icmp_error(11, 1, fragment(id, 0)))));
  }
  Finding only() {
    const auto found = bench.findings();
    REQUIRE(found.size() == 1);
    return found[0];
  }
};

}  // namespace

TEST_CASE("one loss that the receiver complains of is an error", "[detectors][ip-fragment-loss]") {
  Case c;
  c.send(0, 1, {0});
  c.complain(31.4, 1);
  const Finding finding = c.only();
  CHECK(finding.variant == "only-first");
  CHECK(finding.severity == Severity::error);
  CHECK(finding.confidence == Confidence::certain);
  CHECK(finding.count == 1);
  CHECK(finding.of == 1);
  CHECK(finding.display_filter == "frame.number in {1, 2}");
}

TEST_CASE("seen whole here, given up there", "[detectors][ip-fragment-loss]") {
  Case c;
  c.send(0, 1, {0, 1, 2});
  c.send(0, 2, {0, 1, 2});
  c.complain(31.4, 1);
  const Finding finding = c.only();
  CHECK(finding.variant == "lost-beyond");
  CHECK(finding.count == 1);
  CHECK(finding.of == 2);
}

TEST_CASE("unconfirmed losses need to be a habit", "[detectors][ip-fragment-loss]") {
  Case c;
  const std::uint32_t lost = GENERATE(2u, 3u);
  for (std::uint32_t id = 1; id <= lost; ++id) c.send(id, id, {0, 2});
  const auto found = c.bench.findings();
  REQUIRE(found.size() == (lost == 3 ? 1 : 0));
  if (lost == 3) {
    CHECK(found[0].variant == "missing-middle");
    CHECK(found[0].severity == Severity::warning);
    CHECK(found[0].confidence == Confidence::possible);
  }
}

TEST_CASE("when only first fragments exist the capture filter is to blame",
          "[detectors][ip-fragment-loss]") {
  Case c;
  for (std::uint32_t id = 1; id <= 10; ++id) c.send(id, id, {0});
  CHECK(c.bench.findings().empty());
}

TEST_CASE("a filter on a port leaves out later fragments, though ICMP be let in",
          "[detectors][ip-fragment-loss]") {
  Case c;
  for (std::uint32_t id = 1; id <= 10; ++id) c.send(id, id, {0});
  c.bench.wire.send(60, ethernet(ip_datagram({.protocol = ip::protocol::icmp},
                                             hex("0800 0000 0001 0001") + pattern(8))));
  SECTION("whoever talks uses port 6000") {
    for (std::uint16_t i = 0; i < 6; ++i) {
      const auto port = static_cast<std::uint16_t>(40000 + i);
      c.bench.wire.send(
          21, ethernet(ip_datagram({.identification = 100u + i}, udp(port, 6000, pattern(9)))));
    }
    CHECK(c.bench.findings(0).empty());
  }
  SECTION("other ports are there as well") {
    c.bench.wire.send(61, ethernet(ip_datagram({.identification = 100}, udp(7, 8, pattern(9)))));
    CHECK(c.only().variant == "only-first");
  }
}

TEST_CASE("a tunnel that makes packets too large is named", "[detectors][ip-fragment-loss]") {
  WireBench bench{"ip-fragment-loss"};
  const Octets vxlan = udp(50000, 4789, pattern(2000));
  for (std::uint32_t id = 1; id <= 4; ++id) {
    bench.wire.send(
        id, ethernet(ip_datagram({.identification = id, .more = true}, slice(vxlan, 0, 1480))));
  }
  bench.wire.send(
      9, ethernet(ip_datagram({.identification = 9, .offset = 1480}, slice(vxlan, 1480, 520))));
  const auto found = bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].causes.at(0).id == "tunnel-mtu");
  const auto service = std::find_if(found[0].who.begin(), found[0].who.end(),
                                    [](const Who& who) { return who.role == "service"; });
  REQUIRE(service != found[0].who.end());
  CHECK(service->top.at(0).text == "UDP port 4789");
  CHECK(service->top.at(0).count == 4);
}

TEST_CASE("a capture that ends early accuses nobody of what may come",
          "[detectors][ip-fragment-loss]") {
  Case c;
  for (std::uint32_t id = 1; id <= 10; ++id) c.send(0.01 * id, id, {0, 2});
  c.bench.wire.wait(4);
  CHECK(c.bench.findings(0).empty());
}

}  // namespace wirefault::test
