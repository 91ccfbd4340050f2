#include "dissectors/udp/datagram.h"

#include "tests/support/catch.h"
#include "tests/support/octets.h"

using namespace wirefault;
using test::hex;
using test::Octets;

TEST_CASE("the UDP length is held against what IP carries", "[dissectors]") {
  struct Row {
    const char* what;
    const char* length;
    std::size_t captured;
    std::uint32_t carried;
    Flaw flaw;
    std::uint32_t payload;
    std::size_t payload_captured;
  };
  const std::vector<Row> rows{
      {"header only", "0008", 8, 8, Flaw::none, 0, 0},
      {"below the header", "0007", 8, 8, Flaw::udp_length, 0, 0},
      {"zero in a short datagram", "0000", 8, 8, Flaw::udp_length, 0, 0},
      {"zero in a jumbogram", "0000", 3000, 3000, Flaw::none, 2992, 2992},
      {"just all", "000c", 12, 12, Flaw::none, 4, 4},
      {"more than IP carries", "000d", 12, 12, Flaw::udp_length, 0, 0},
      {"less than IP carries", "000b", 12, 12, Flaw::none, 3, 3},
      {"payload cut", "0064", 12, 100, Flaw::none, 92, 4},
      {"payload gone", "0064", 8, 100, Flaw::none, 92, 0},
      {"header cut", "0064", 7, 100, Flaw::cut_short, 0, 0},
      {"header impossible", "0064", 7, 7, Flaw::udp_length, 0, 0},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    Octets bytes = hex("9c40 0035") + hex(row.length) + hex("abcd") + test::zeros(3000);
    bytes.resize(row.captured);
    const test::Exact exact{bytes};
    const auto datagram = udp::Datagram::parse({exact, row.carried});
    REQUIRE(datagram.flaw() == row.flaw);
    if (!datagram) continue;
    CHECK(datagram->source_port == 40000);
    CHECK(datagram->destination_port == 53);
    CHECK(datagram->checksum == 0xabcd);
    CHECK(datagram->payload.length == row.payload);
    CHECK(datagram->payload.bytes.size() == row.payload_captured);
  }
}

TEST_CASE("a first fragment shows its ports and a payload that goes on", "[dissectors]") {
  const Octets bytes = hex("0035 9c40 0fa0 0000") + test::zeros(16);
  CHECK(udp::Datagram::parse(test::whole(bytes)).flaw() == Flaw::udp_length);
  const auto datagram = udp::Datagram::parse_first_fragment(test::whole(bytes));
  REQUIRE(datagram);
  CHECK(datagram->source_port == 53);
  CHECK(datagram->payload.length == 4000 - 8);
  CHECK(datagram->payload.bytes.size() == 16);
  CHECK(datagram->payload.is_cut());
}
