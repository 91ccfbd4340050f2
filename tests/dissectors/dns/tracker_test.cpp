#include "dissectors/dns/tracker.h"

#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

struct Listener final : FactListener {
  std::uint64_t flood = 0;  // queries that the unanswered facts stand for
  std::uint64_t known = 0;
  std::uint64_t strays = 0;
  std::uint64_t lost_track_of = 0;
  void on_dns_transaction(const dns::Transaction& fact) override {
    if (fact.outcome != dns::Outcome::unanswered) return;
    const bool is_known = fact.client.address == *IpAddress::parse("192.0.2.1");
    (is_known ? known : flood) += fact.weight;
  }
  void on_dns_stray_response(const dns::StrayResponse&) override { ++strays; }
  void on_capture_ended(const CaptureSummary& summary) override { lost_track_of = summary.evicted; }
};

Octets answer(std::uint16_t port, std::uint16_t id) {
  return udp(53, port,
             be(id, 2) + hex("8180 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 "
                             "0001"));
}

}  // namespace

TEST_CASE("a flood of queries is sampled, and pushes nobody out who had answers",
          "[dissectors][dns]") {
  Listener listener;
  Wire wire{listener, std::size_t{4} << 20};
  const auto ask = [&](double when, const std::string& client, std::uint16_t port,
                       std::uint16_t id) {
    wire.send(when,
              ethernet(ip_datagram({.source = client, .identification = id}, dns_query(port, id))));
  };
  const auto reply = [&](double when, const std::string& client, std::uint16_t port,
                         std::uint16_t id) {
    wire.send(when, ethernet(ip_datagram(
                        {.source = "198.51.100.1", .destination = client, .identification = id},
                        answer(port, id))));
  };
  ask(0, "192.0.2.1", 40000, 1);
  reply(0.01, "192.0.2.1", 40000, 1);

  constexpr std::uint16_t flood = 6000;
  for (std::uint16_t i = 0; i < flood; ++i) {
    const std::string client = fmt::format("198.18.{}.{}", i / 200, 1 + i % 200);
    ask(1 + i * 0.0001, client, static_cast<std::uint16_t>(1024 + i * 7), i);
    if (i > flood - 100) reply(1 + i * 0.0001, client, static_cast<std::uint16_t>(1024 + i * 7), i);
    if (i % 1000 == 500) {
      const auto id = static_cast<std::uint16_t>(10000 + i);
      ask(1 + i * 0.0001, "192.0.2.1", id, id);
    }
  }
  wire.wait(60);
  wire.finish();
  CHECK(listener.known == 6);
  CHECK(listener.flood > flood / 2);
  CHECK(listener.flood < flood * 2);
  CHECK(listener.strays == 0);
  CHECK(listener.lost_track_of > 0);
}

TEST_CASE("a flood from a network whose clients had answers pushes nobody out either",
          "[dissectors][dns]") {
  Listener listener;
  Wire wire{listener, std::size_t{4} << 20};
  const auto ask = [&](double when, const std::string& client, std::uint16_t port,
                       std::uint16_t id) {
    wire.send(when,
              ethernet(ip_datagram({.source = client, .identification = id}, dns_query(port, id))));
  };
  const auto had_an_answer = [&](double when, const std::string& client) {
    ask(when, client, 40000, 1);
    wire.send(
        when + 0.001,
        ethernet(ip_datagram({.source = "198.51.100.1", .destination = client, .identification = 1},
                             answer(40000, 1))));
  };
  had_an_answer(0, "192.0.2.1");
  for (int i = 1; i <= 200; ++i) had_an_answer(0.1 + i * 0.002, fmt::format("198.18.0.{}", i));

  constexpr std::uint16_t flood = 6000;
  for (std::uint16_t i = 0; i < flood; ++i) {
    ask(1 + i * 0.0001, fmt::format("198.18.0.{}", 1 + i % 200),
        static_cast<std::uint16_t>(1024 + i * 7), i);
    if (i % 1000 == 500) {
      const auto id = static_cast<std::uint16_t>(10000 + i);
      ask(1 + i * 0.0001, "192.0.2.1", id, id);
    }
  }
  wire.wait(60);
  wire.finish();
  CHECK(listener.known == 6);
  CHECK(listener.flood > flood / 2);
  CHECK(listener.flood < flood * 2);
}

}  // namespace wirefault::test
