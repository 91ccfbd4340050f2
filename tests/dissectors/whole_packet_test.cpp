// Every view over the seeds of the fuzzer: one packet, made by hand, for each way in which we can
// be sent something, most of them with the same DNS query at the bottom.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "tests/support/catch.h"
#include "tests/support/dissect_everything.h"
#include "tests/support/octets.h"

using namespace wirefault;
using test::Everything;
using test::Octets;

namespace {

std::map<std::string, Octets> seeds(const char* target) {
  std::map<std::string, Octets> all;
  const auto folder =
      std::filesystem::path{WIREFAULT_SOURCE_DIR} / "tests" / "fuzz" / "corpus" / target;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    std::ifstream file{entry.path(), std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{file}, {}};
    all[entry.path().filename()] = Octets(content.begin(), content.end());
  }
  REQUIRE_FALSE(all.empty());
  return all;
}

// The first two bytes of a seed are its link type, the third is for the fuzzer.
constexpr std::size_t seed_header = 3;

Everything dissect(const Octets& seed, std::size_t captured, std::size_t length) {
  const test::Exact exact{Bytes{seed}.subspan(seed_header, captured)};
  const Bytes bytes = exact;
  Packet packet = test::packet(bytes, static_cast<LinkType>(be16(seed.data())));
  packet.original_length = static_cast<std::uint32_t>(length);
  Everything everything;
  everything.packet(packet);
  return everything;
}

}  // namespace

TEST_CASE("sound packets are read to the bottom without a flaw", "[dissectors]") {
  struct Row {
    const char* seed;
    std::size_t datagrams;
    std::size_t names;
  };
  const std::vector<Row> rows{
      {"eth_dns_query", 1, 2}, {"eth_dns_response", 1, 4},
      {"v6_dns", 1, 2},        {"v6_ext", 1, 2},
      {"tcp_dns", 1, 2},       {"vlan2", 1, 2},
      {"mpls", 1, 2},          {"mplspw", 1, 2},
      {"pppoe", 1, 2},         {"gre", 2, 2},
      {"greeth", 2, 2},        {"vxlan", 2, 2},
      {"geneve", 2, 2},        {"sll", 1, 2},
      {"sll2", 1, 2},          {"raw4", 1, 2},
      {"raw6", 1, 2},          {"null", 1, 2},
      {"loop", 1, 2},          {"ppp", 1, 2},
      {"chdlc", 1, 2},         {"nflog", 1, 2},
      {"wifi", 1, 2},          {"radiotap", 1, 2},
      {"icmp_unreach", 1, 2},  {"ipip4", 4, 0},  // a fifth datagram lies deeper than we go
  };
  const auto all = seeds("packet");
  for (const Row& row : rows) {
    INFO(row.seed);
    const Octets& seed = all.at(row.seed);
    const std::size_t size = seed.size() - seed_header;
    const Everything everything = dissect(seed, size, size);
    CHECK(everything.flaw == Flaw::none);
    CHECK(everything.datagrams == row.datagrams);
    CHECK(everything.names == row.names);
  }
}

// The classic false alarm: a small snap length that looks like broken senders.
TEST_CASE("no snap length makes a sound packet look malformed", "[dissectors]") {
  for (const auto& [name, seed] : seeds("packet")) {
    const std::size_t size = seed.size() - seed_header;
    if (dissect(seed, size, size).flaw != Flaw::none) continue;
    for (std::size_t captured = 0; captured < size; ++captured) {
      INFO(name << ", " << captured << " of " << size);
      const Flaw flaw = dissect(seed, captured, size).flaw;
      if (flaw != Flaw::none && flaw != Flaw::cut_short) FAIL(flaw_code(flaw));
    }
  }
  for (const auto& [name, seed] : seeds("dns_message")) {
    const Bytes message = Bytes{seed}.subspan(1);
    for (std::size_t captured = 0; captured < message.size(); ++captured) {
      INFO(name << ", " << captured << " of " << message.size());
      const test::Exact exact{message.first(captured)};
      Everything everything;
      everything.dns_message({exact, static_cast<std::uint32_t>(message.size())});
      CHECK(everything.flaw == Flaw::cut_short);
    }
  }
}

// Nothing to assert but that the sanitizers stay silent: each prefix in a buffer of its own size,
// as if it had been sent like that, and with each byte of its start replaced.
TEST_CASE("no prefix and no wrong byte leads out of the packet", "[dissectors]") {
  std::size_t read = 0;
  for (const auto& [name, seed] : seeds("packet")) {
    const std::size_t size = seed.size() - seed_header;
    for (std::size_t captured = 0; captured < size; ++captured)
      read += dissect(seed, captured, captured).octets;
    Octets changed = seed;
    for (std::size_t at = seed_header; at < seed.size(); ++at) {
      for (const int value : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
        changed[at] = static_cast<std::uint8_t>(value);
        read += dissect(changed, size, size).octets;
      }
      changed[at] = seed[at];
    }
  }
  CHECK(read > 0);
}
