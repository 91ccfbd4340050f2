#include "detectors/knowledge/path_sizes.h"

#include "tests/support/catch.h"
#include "tests/support/tcp_facts.h"

namespace wirefault::test {
namespace {

const PathKey down{0, *IpAddress::parse("198.51.100.53"), *IpAddress::parse("192.0.2.10")};
const PathKey up{0, down.receiver, down.sender};

tcp::ConnectionEnded ended(std::uint16_t delivered_down, std::uint16_t delivered_up = 0) {
  tcp::ConnectionEnded fact;
  fact.from_initiator = upload_of(download());
  fact.responder.delivered_size = delivered_down;
  fact.initiator.delivered_size = delivered_up;
  return fact;
}

tcp::SizeStall stall(std::uint16_t lost, tcp::SizeStallState state, std::uint8_t repeats = 3) {
  tcp::SizeStall fact;
  fact.flow = download();
  fact.state = state;
  fact.lost_size = lost;
  fact.delivered_size = 252;
  fact.repeats = repeats;
  return fact;
}

// The first fragment came, of a datagram whose size is known when `total` is given.
ip::FragmentedDatagram fragmented(ip::FragmentOutcome outcome, std::uint32_t total = 0) {
  ip::FragmentedDatagram fact;
  fact.source = down.sender;
  fact.destination = down.receiver;
  fact.outcome = outcome;
  fact.total_length = total;
  fact.largest_packet = 1500;
  fact.fragment_count = 1;
  fact.fragments[0].length = 1480;
  return fact;
}

std::string packets(const PathSizes& sizes) {
  return sizes.find(down)->packet.window().to_string();
}
std::string datagrams(const PathSizes& sizes) {
  return sizes.find(down)->datagram.window().to_string();
}

}  // namespace

TEST_CASE("what was acknowledged passes in its direction", "[detectors][path-sizes]") {
  PathSizes sizes;
  sizes.add(ended(1400, 700));
  CHECK(sizes.find(down)->packet.window().passed == 1400);
  CHECK(sizes.find(up)->packet.window().passed == 700);
  CHECK(packets(sizes).empty());
}

TEST_CASE("what any path takes is not kept", "[detectors][path-sizes]") {
  PathSizes sizes;
  sizes.add(ended(576, 576));
  CHECK(sizes.find(down) == nullptr);
}

TEST_CASE("a stall says what is lost, other connections what passes", "[detectors][path-sizes]") {
  using tcp::SizeStallState;
  PathSizes sizes;
  sizes.add(stall(1500, SizeStallState::stuck));
  CHECK(packets(sizes) == "up to 252 bytes pass, from 1500 on they are lost");
  sizes.add(ended(1400));
  CHECK(packets(sizes) == "up to 1400 bytes pass, from 1500 on they are lost");
  SECTION("a larger one that got through disproves it") {
    sizes.add(ended(1500));
    CHECK(packets(sizes).empty());
  }
  SECTION("so does the tracker") {
    sizes.add(stall(1500, SizeStallState::disproved));
    CHECK(packets(sizes).empty());
  }
  SECTION("a smaller one that was lost narrows it") {
    sizes.add(stall(1450, SizeStallState::hole, 0));
    CHECK(packets(sizes) == "up to 1400 bytes pass, from 1450 on they are lost");
  }
}

TEST_CASE("datagrams in fragments have sizes of their own", "[detectors][path-sizes]") {
  using ip::FragmentOutcome;
  PathSizes sizes;
  sizes.add(fragmented(FragmentOutcome::complete, 2000));
  CHECK(sizes.find(down)->packet.window().passed == 1500);
  CHECK(sizes.find(down)->datagram.window().passed == 2020);
  for (int i = 0; i < 2; ++i) sizes.add(fragmented(FragmentOutcome::incomplete, 3000));
  CHECK(datagrams(sizes).empty());
  sizes.add(fragmented(FragmentOutcome::incomplete, 3100));
  CHECK(datagrams(sizes) == "up to 2020 bytes pass, from 3120 on they are lost");
  CHECK(packets(sizes).empty());
}

TEST_CASE("one that its receiver complains of is proof enough", "[detectors][path-sizes]") {
  PathSizes sizes;
  ip::FragmentedDatagram lost = fragmented(ip::FragmentOutcome::incomplete);
  sizes.add(lost);
  CHECK(datagrams(sizes).empty());
  lost.amends = true;
  lost.amended = ip::FragmentOutcome::incomplete;
  lost.confirmed_by = {PacketRef{0, 9}, Timestamp{}};
  sizes.add(lost);
  CHECK(datagrams(sizes) == "from 1501 bytes on they are lost");
}

TEST_CASE("a large answer passes, unless the client asked again", "[detectors][path-sizes]") {
  PathSizes sizes;
  Frames frames;
  const bool again = GENERATE(false, true);
  dns::Transaction answer = answered(frames, {}, 1.0, 1.1);
  answer.server.address = down.sender;
  answer.response.size = 1204;
  if (again) answer.queries.add(frames.at(1.05));
  sizes.add(answer);
  REQUIRE((sizes.find(down) == nullptr) == again);
  if (!again) CHECK(sizes.find(down)->datagram.window().passed == 1232);
}

TEST_CASE("the least that routers report counts", "[detectors][path-sizes]") {
  PathSizes sizes;
  icmp::PathMtu told;
  told.source = down.sender;
  told.destination = down.receiver;
  for (const std::uint32_t mtu : {1450u, 1400u, 1420u}) {
    told.mtu = mtu;
    sizes.add(told);
  }
  CHECK(sizes.find(down)->reported == 1400);
}

}  // namespace wirefault::test
