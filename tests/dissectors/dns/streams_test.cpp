#include "dissectors/dns/streams.h"

#include "tests/support/catch.h"
#include "tests/support/wire.h"

namespace wirefault::test {
namespace {

struct Listener final : FactListener {
  std::vector<dns::Transaction> settled;
  void on_dns_transaction(const dns::Transaction& fact) override {
    if (fact.outcome != dns::Outcome::waiting) settled.push_back(fact);
  }
};

// One connection of a client to a DNS server, opened at once.
struct Conversation {
  Listener listener;
  Wire wire{listener};
  std::uint32_t client_next = 1;
  std::uint32_t server_next = 1;

  Conversation() {
    segment(0, true, 0, 2);
    segment(0.01, false, 0, 0x12);
  }
  void segment(double when, bool by_client, std::uint32_t sequence, std::uint8_t flags,
               const Octets& payload = {}) {
    const Octets header = be(by_client ? 40000 : 53, 2) + be(by_client ? 53 : 40000, 2) +
                          be(sequence, 4) + be(1, 4) + hex("50") + be(flags, 1) +
                          hex("ffff 0000 0000");
    const std::uint32_t number = ++packets_;
    wire.send(when, ethernet(ip_datagram({.source = by_client ? "192.0.2.1" : "198.51.100.1",
                                          .destination = by_client ? "198.51.100.1" : "192.0.2.1",
                                          .protocol = ip::protocol::tcp,
                                          .identification = number},
                                         header + payload)));
  }
  static Octets message(std::uint16_t id, bool is_response) {
    const Octets bytes = be(id, 2) + hex(is_response ? "8180" : "0100") +
                         hex("0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 0001");
    return be(bytes.size(), 2) + bytes;
  }
  void ask(double when, std::uint16_t id) {
    const Octets bytes = message(id, false);
    segment(when, true, client_next, 0x18, bytes);
    client_next += static_cast<std::uint32_t>(bytes.size());
  }
  void answer(double when, std::uint16_t id, bool is_captured = true) {
    const Octets bytes = message(id, true);
    if (is_captured) segment(when, false, server_next, 0x18, bytes);
    server_next += static_cast<std::uint32_t>(bytes.size());
  }
  void hang_up(double when, bool by_client, std::uint8_t flags = 0x11) {
    segment(when, by_client, by_client ? client_next : server_next, flags);
  }
  dns::Transaction only() {
    wire.wait(60);
    wire.finish();
    REQUIRE(listener.settled.size() == 1);
    return listener.settled[0];
  }

 private:
  std::uint32_t packets_ = 0;
};

}  // namespace

TEST_CASE("a query over TCP that is answered", "[dissectors][dns]") {
  Conversation c;
  c.ask(1, 7);
  c.answer(1.1, 7);
  c.hang_up(1.2, false);
  CHECK(c.only().outcome == dns::Outcome::answered);
}

TEST_CASE("a server that hangs up rejects what is open", "[dissectors][dns]") {
  Conversation c;
  c.ask(1, 7);
  const bool by_reset = GENERATE(false, true);
  c.hang_up(1.2, false, by_reset ? 0x14 : 0x11);
  const dns::Transaction fact = c.only();
  CHECK(fact.outcome == dns::Outcome::rejected);
  CHECK(fact.rejection == (by_reset ? dns::Rejection::reset : dns::Rejection::closed));
  CHECK(fact.rejected_by.packet.number() == 4);
}

TEST_CASE("a client that hangs up was left without an answer", "[dissectors][dns]") {
  Conversation c;
  c.ask(1, 7);
  c.hang_up(4, true);
  c.hang_up(4.1, false);
  CHECK(c.only().outcome == dns::Outcome::unanswered);
}

TEST_CASE("an answer that the capture lost is not missing", "[dissectors][dns]") {
  Conversation c;
  c.ask(1, 7);
  c.answer(1.1, 7, false);
  SECTION("something comes behind it") {
    c.segment(1.2, false, c.server_next, 0x18, pattern(20));
  }
  SECTION("the end of the connection comes behind it") {
    c.hang_up(1.2, false);
  }
  CHECK(c.only().outcome == dns::Outcome::untrusted);
}

TEST_CASE("an answer that was sent again is an answer", "[dissectors][dns]") {
  Conversation c;
  c.ask(1, 7);
  const std::uint32_t start = c.server_next;
  c.answer(1.1, 7, false);
  c.segment(1.2, false, c.server_next, 0x18, pattern(20));
  c.segment(1.4, false, start, 0x18, Conversation::message(7, true));
  CHECK(c.only().outcome == dns::Outcome::answered);
}

}  // namespace wirefault::test
