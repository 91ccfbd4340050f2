#include "detectors/knowledge/vantage.h"

#include <algorithm>

#include "detectors/quality.h"
#include "tests/support/catch.h"
#include "tests/support/tcp_facts.h"

namespace wirefault::test {
namespace {

constexpr std::string_view client = "192.0.2.1";
constexpr std::string_view server = "198.51.100.1";

IpAddress address(std::string_view text) {
  return *IpAddress::parse(text);
}

// SYN to SYN-ACK and SYN-ACK to ACK, in milliseconds; and the hop limits of the two SYNs.
struct Seen {
  double to_answer = 10;
  double to_acknowledgment = 10;
  std::uint8_t client_hops = 60;
  std::uint8_t server_hops = 60;
  bool is_timed = true;
};

tcp::Opened opened(const Seen& seen, std::string_view from = client, std::string_view to = server) {
  tcp::Opened fact;
  fact.initiator = {address(from), 40000};
  fact.responder = {address(to), 443};
  fact.asked = at(1);
  fact.answered = at(1 + seen.to_answer / 1000);
  fact.opened = at(1 + (seen.to_answer + seen.to_acknowledgment) / 1000);
  fact.is_timed = seen.is_timed;
  fact.initiator_hop_limit = seen.client_hops;
  fact.responder_hop_limit = seen.server_hops;
  return fact;
}

Vantage place_of(const Vantages& vantages, std::string_view from = client,
                 std::string_view to = server) {
  return vantages.map({}).of(address(from), address(to), 0);
}

Vantage after(std::initializer_list<Seen> handshakes) {
  Vantages vantages;
  for (const Seen& each : handshakes) vantages.add(opened(each));
  return place_of(vantages);
}

TEST_CASE("the shorter leg of a handshake is the nearer end", "[detectors][vantage]") {
  CHECK(after({}) == Vantage::unknown);
  CHECK(after({{20, 0.1}}) == Vantage::near_client);
  CHECK(after({{0.1, 20}}) == Vantage::near_server);
  CHECK(after({{10, 12}}) == Vantage::middle);
  SECTION("a fifth is not short enough") {
    CHECK(after({{20, 4}}) == Vantage::middle);
    CHECK(after({{20, 3.9}}) == Vantage::near_client);
  }
  SECTION("repetitions tell nothing of the distance") {
    CHECK(after({{.to_answer = 1000, .to_acknowledgment = 1, .is_timed = false}}) ==
          Vantage::unknown);
  }
  SECTION("neither does what is as fast as the hosts themselves") {
    CHECK(after({{0.04, 0.005}}) == Vantage::unknown);
  }
}

TEST_CASE("a hop limit that nobody lowered tells where it was sent", "[detectors][vantage]") {
  for (const std::uint8_t fresh : std::array<std::uint8_t, 3>{64, 128, 255}) {
    CHECK(after({{.client_hops = fresh, .is_timed = false}}) == Vantage::near_client);
    CHECK(after({{.server_hops = fresh, .is_timed = false}}) == Vantage::near_server);
    CHECK(after({{.client_hops = fresh, .server_hops = 64, .is_timed = false}}) ==
          Vantage::unknown);
  }
}

TEST_CASE("the majority wins and a tie is unknown", "[detectors][vantage]") {
  CHECK(after({{20, 1}, {20, 1}, {1, 20}}) == Vantage::near_client);
  CHECK(after({{20, 1}, {1, 20}}) == Vantage::unknown);
  CHECK(after({{20, 1, 60, 64}}) == Vantage::unknown);
}

TEST_CASE("a pair without votes goes by what others tell of its ends", "[detectors][vantage]") {
  Vantages vantages;
  SECTION("other clients of the server") {
    vantages.add(opened({0.1, 20}, "192.0.2.7"));
    vantages.add(opened({0.1, 20}, "192.0.2.8"));
    CHECK(place_of(vantages) == Vantage::near_server);
    CHECK(place_of(vantages, client, "198.51.100.2") == Vantage::unknown);
  }
  SECTION("other servers of the client") {
    vantages.add(opened({20, 0.1}, client, "198.51.100.2"));
    CHECK(place_of(vantages) == Vantage::near_client);
  }
  SECTION("that another pair was seen from its far end says nothing") {
    vantages.add(opened({20, 0.1}, "192.0.2.7"));
    CHECK(place_of(vantages) == Vantage::unknown);
  }
}

TEST_CASE("whose machine captured needs no vote", "[detectors][vantage]") {
  Vantages vantages;
  vantages.add(opened({0.1, 20}));
  const auto place = [&](const std::vector<IpAddress>& own, std::uint64_t tunnel = 0) {
    return vantages.map(own).of(address(client), address(server), tunnel);
  };
  CHECK(place({}) == Vantage::near_server);
  CHECK(place({address(client)}) == Vantage::near_client);
  CHECK(vantages.map({address(client)}).of_most() == Vantage::near_client);
  SECTION("also of a pair that opened no connection") {
    const VantageMap map = vantages.map({address("192.0.2.9")});
    CHECK(map.of(address("192.0.2.9"), address("203.0.113.1"), 0) == Vantage::near_client);
    CHECK(map.of(address("203.0.113.1"), address("192.0.2.9"), 0) == Vantage::near_server);
  }
  SECTION("but near both is near neither") {
    CHECK(place({address(client), address(server)}) == Vantage::near_server);
  }
  SECTION("nor is the same address in a tunnel") {
    CHECK(place({address(client)}, 7) == Vantage::unknown);
  }
}

TEST_CASE("the capture was taken where most pairs say", "[detectors][vantage]") {
  Vantages vantages;
  for (int i = 0; i < 3; ++i) vantages.add(opened({20, 0.1, 64}, "192.0.2.7"));
  vantages.add(opened({20, 0.1}, "192.0.2.8"));
  vantages.add(opened({10, 10}, "192.0.2.9"));
  const CaptureVantage said = capture_vantage(vantages.map({}));
  CHECK(said.place == "near-client");
  CHECK(said.near_client == 2);
  CHECK(said.middle == 1);
  REQUIRE(said.pairs.size() == 3);
  CHECK(said.pairs[0].client == "192.0.2.7");
  CHECK(said.pairs[0].by_time == 3);
  CHECK(said.pairs[0].by_hop_limit == 3);
  CHECK(said.pairs[0].to_answer_ns == 20000000);
}

// The server's data is lost behind the capture point.
TEST_CASE("the vantage says at whose end data gets lost", "[detectors][vantage]") {
  const std::unique_ptr<Detector> detector = make(entry_of("tcp-retransmission"));
  Frames frames;
  for (std::uint32_t i = 0; i < 4; ++i) {
    detector->on_tcp_retransmission(repetition(frames, tcp::RepeatKind::fast, 60 + i));
  }
  Vantages vantages;
  std::string_view where;
  SECTION("unknown") {
    where = "the originals passed here: lost between here and the receiver";
  }
  SECTION("near the client") {
    vantages.add(opened({20, 0.1}, "192.0.2.10", "198.51.100.53"));
    where = "the originals passed here, near the receiver: lost between here and the receiver";
  }
  SECTION("near the server") {
    vantages.add(opened({0.1, 20}, "192.0.2.10", "198.51.100.53"));
    where = "the originals passed here, near the sender: lost between here and the receiver";
  }
  const VantageMap map = vantages.map({});
  Scene scene{at(100), true};
  scene.vantages = &map;
  std::vector<Finding> found;
  detector->judge(scene, found);
  REQUIRE(found.size() == 1);
  const auto& causes = found[0].causes;
  const auto loss = std::ranges::find(causes, "random-loss", &Cause::id);
  REQUIRE(loss != causes.end());
  CHECK(loss->why.ends_with(where));
}

TEST_CASE("near the server an unanswered query is not the path's doing", "[detectors][vantage]") {
  const std::unique_ptr<Detector> detector = make(entry_of("dns-unanswered"));
  Frames frames;
  for (int i = 0; i < 10; ++i) {
    if (i % 2 == 0) {
      detector->on_dns_transaction(unanswered(frames, {}, {i * 10.0, i * 10.0 + 5}));
    } else {
      detector->on_dns_transaction(answered(frames, {}, i * 10.0, i * 10.0 + 0.01));
    }
  }
  Vantages vantages;
  const auto judge = [&] {
    const VantageMap map = vantages.map({});
    Scene scene{at(200), true};
    scene.vantages = &map;
    std::vector<Finding> found;
    detector->judge(scene, found);
    REQUIRE(found.size() == 1);
    return found[0];
  };
  const auto has = [](const Finding& finding, std::string_view cause) {
    return std::any_of(finding.causes.begin(), finding.causes.end(),
                       [&](const Cause& each) { return each.id == cause; });
  };
  const Finding blind = judge();
  CHECK(has(blind, "path-loss"));
  vantages.add(opened({0.1, 20}, "192.0.2.99", "198.51.100.53"));
  const Finding finding = judge();
  CHECK_FALSE(has(finding, "path-loss"));
  CHECK(has(finding, "server-overloaded"));
  CHECK(finding.severity == blind.severity);
  CHECK(finding.confidence == blind.confidence);
}

}  // namespace
}  // namespace wirefault::test
