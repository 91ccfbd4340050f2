#include "tests/support/catch.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

// Datagrams of one UDP flow that forbid fragmentation, and a router that takes 1400 bytes.
struct Case {
  WireBench bench{"icmp-frag-needed"};
  std::uint32_t id = 1;

  Octets datagram(std::size_t length) {
    return ip_datagram({.identification = ++id, .dont_fragment = true},
                       udp(5000, 6000, pattern(length - 28)));
  }
  void send(double seconds, std::size_t length) {
    bench.wire.send(seconds, ethernet(datagram(length)));
  }
  void refuse(double seconds, std::size_t length, std::uint32_t mtu = 1400) {
    const Header back{.source = "192.0.2.254",
                      .destination = "192.0.2.1",
                      .protocol = ip::protocol::icmp,
                      .identification = ++id};
    bench.wire.send(seconds, ethernet(ip_datagram(back, icmp_error(3, 4, datagram(length), mtu))));
  }
  Finding only() {
    const auto found = bench.findings();
    REQUIRE(found.size() == 1);
    return found[0];
  }
};

}  // namespace

TEST_CASE("a sender that adapts is a note", "[detectors][icmp-frag-needed]") {
  Case c;
  c.send(0, 1500);
  c.refuse(0.01, 1500);
  c.send(0.02, 1400);
  c.send(5, 1400);
  const Finding finding = c.only();
  CHECK(finding.variant.empty());
  CHECK(finding.severity == Severity::note);
  CHECK(finding.title == "the path to 198.51.100.1 takes 1400 bytes");
  CHECK(finding.display_filter == "frame.number in {2}");
}

TEST_CASE("a sender that goes on with the same size ignores it", "[detectors][icmp-frag-needed]") {
  Case c;
  c.send(0, 1500);
  c.refuse(0.01, 1500);
  for (const double seconds : {0.3, 0.6, 1.5, 3.0, 6.0}) c.send(seconds, 1500);
  const Finding finding = c.only();
  CHECK(finding.variant == "ignored");
  // UDP: many a server cannot do otherwise.
  CHECK(finding.severity == Severity::warning);
  CHECK(finding.display_filter == "frame.number in {2, 5, 6, 7}");
}

TEST_CASE("what offload will cut is not too large", "[detectors][icmp-frag-needed]") {
  Case c;
  c.send(0, 1500);
  c.refuse(0.01, 1500);
  for (const double seconds : {2.0, 3.0, 4.0, 5.0}) c.send(seconds, 2776);
  CHECK(c.only().variant.empty());
}

TEST_CASE("a router older than RFC 1191 means the next plateau", "[detectors][icmp-frag-needed]") {
  Case c;
  c.send(0, 1500);
  c.refuse(0.01, 1500, 0);
  c.send(0.02, 1492);
  CHECK(c.only().title == "the path to 198.51.100.1 takes 1492 bytes");
}

TEST_CASE("a size that no link has is suspect, and binds nobody", "[detectors][icmp-frag-needed]") {
  Case c;
  c.send(0, 1500);
  c.refuse(0.01, 1500, 48);
  for (const double seconds : {2.0, 3.0, 4.0}) c.send(seconds, 1500);
  const Finding finding = c.only();
  CHECK(finding.variant == "forged");
  CHECK(finding.severity == Severity::note);
}

namespace {

// A TCP client whose full segments a router refuses; repeated by its timer all the same.
struct Transfer {
  WireBench bench{"icmp-frag-needed"};
  std::uint32_t id = 1;

  static Octets segment(std::uint32_t sequence, std::size_t payload) {
    return be(5000, 2) + be(80, 2) + be(sequence, 4) + be(901, 4) + hex("5010 ffff 0000 0000") +
           pattern(payload);
  }
  Octets datagram(std::uint32_t sequence, std::size_t payload) {
    return ip_datagram(
        {.protocol = ip::protocol::tcp, .identification = ++id, .dont_fragment = true},
        segment(sequence, payload));
  }
  void send(double seconds, std::uint32_t sequence, std::size_t payload) {
    bench.wire.send(seconds, ethernet(datagram(sequence, payload)));
  }
  void acknowledge(double seconds, std::uint32_t sequence) {
    const Octets ack =
        be(80, 2) + be(5000, 2) + be(901, 4) + be(sequence, 4) + hex("5010 ffff 0000 0000");
    bench.wire.send(seconds, ethernet(ip_datagram({.source = "198.51.100.1",
                                                   .destination = "192.0.2.1",
                                                   .protocol = ip::protocol::tcp,
                                                   .identification = ++id},
                                                  ack)));
  }
  void refuse(double seconds, std::uint32_t sequence, std::size_t payload, std::uint32_t mtu) {
    const Header back{.source = "192.0.2.254",
                      .destination = "192.0.2.1",
                      .protocol = ip::protocol::icmp,
                      .identification = ++id};
    const Octets error = icmp_error(3, 4, datagram(sequence, payload), mtu);
    bench.wire.send(seconds, ethernet(ip_datagram(back, error)));
  }
};

}  // namespace

TEST_CASE("segments that were joined on the way and refused are no matter of the path's MTU",
          "[detectors][icmp-frag-needed]") {
  Transfer c;
  c.send(0, 1, 100);
  c.acknowledge(0.02, 101);
  c.send(0.1, 101, 1460);
  c.send(0.1001, 1561, 200);
  c.refuse(0.12, 101, 1660, 1500);
  c.send(1.3, 101, 1460);
  c.acknowledge(1.32, 1561);
  c.send(1.33, 1561, 200);
  c.acknowledge(1.35, 1761);
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "merged");
  CHECK(found[0].severity == Severity::warning);
  CHECK(found[0].causes[0].id == "merging-box");
  REQUIRE(found[0].who.size() == 4);
  CHECK(found[0].who[1].role == "client");
  CHECK(found[0].who[1].top[0].text == "192.0.2.1");
}

TEST_CASE("a sender that waits for its timer is slow to obey", "[detectors][icmp-frag-needed]") {
  Transfer c;
  c.send(0, 1, 100);
  c.acknowledge(0.02, 101);
  c.send(0.1, 101, 1460);
  c.refuse(0.12, 101, 1460, 1400);
  const bool waits = GENERATE(true, false);
  c.send(waits ? 1.3 : 0.121, 101, 1460);
  c.acknowledge(1.32, 1561);
  const auto found = c.bench.findings();
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == (waits ? "slow" : ""));
  CHECK(found[0].severity == (waits ? Severity::warning : Severity::note));
}

// 68 bytes: RFC 791, section 3.2.
TEST_CASE("the smallest size that a link may have is believed", "[detectors][icmp-frag-needed]") {
  Case c;
  c.send(0, 1500);
  c.refuse(0.01, 1500, 68);
  c.send(0.02, 68);
  CHECK(c.only().variant != "forged");
}

TEST_CASE("messages about a flow that was not seen are not believed",
          "[detectors][icmp-frag-needed]") {
  Case c;
  c.refuse(0, 1500);
  CHECK(c.bench.findings().empty());
}

}  // namespace wirefault::test
