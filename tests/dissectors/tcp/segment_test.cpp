#include "dissectors/tcp/segment.h"

#include "tests/support/catch.h"
#include "tests/support/octets.h"

using namespace wirefault;
using test::hex;
using test::Octets;
using test::whole;

namespace {

// A header with these options, padded as the data offset needs it, and this payload.
Octets segment(Octets options, std::size_t payload = 0, const char* flags = "10") {
  while (options.size() % 4 != 0) options.push_back(0);
  const auto words = static_cast<std::uint8_t>(5 + options.size() / 4);
  Octets bytes = hex("9c40 01bb 00000064 000000c8") +
                 Octets{static_cast<std::uint8_t>(words << 4)} + hex(flags) + hex("7fff abcd 0000");
  return bytes + options + test::zeros(payload);
}

}  // namespace

TEST_CASE("a TCP segment", "[dissectors]") {
  const auto parsed = tcp::Segment::parse(whole(segment({}, 10, "19")));
  REQUIRE(parsed);
  CHECK(parsed->source_port == 40000);
  CHECK(parsed->destination_port == 443);
  CHECK(parsed->sequence == 100);
  CHECK(parsed->acknowledgment == 200);
  CHECK(parsed->window == 0x7fff);
  CHECK(parsed->header_length == 20);
  CHECK(parsed->has(tcp::fin | tcp::ack | tcp::psh));
  CHECK_FALSE(parsed->has(tcp::syn));
  CHECK(parsed->payload.length == 10);
  CHECK(parsed->sequence_length() == 11);  // FIN counts
}

TEST_CASE("the data offset is held against the header and what IP carries", "[dissectors]") {
  const auto flaw = [](std::uint8_t words, std::size_t captured, std::uint32_t carried) {
    Octets bytes = segment(test::zeros(40), 20);
    bytes[12] = static_cast<std::uint8_t>(words << 4);
    bytes.resize(captured);
    const test::Exact exact{bytes};
    return tcp::Segment::parse({exact, carried}).flaw();
  };
  CHECK(flaw(5, 20, 20) == Flaw::none);
  CHECK(flaw(4, 20, 20) == Flaw::tcp_offset);
  CHECK(flaw(0, 20, 20) == Flaw::tcp_offset);
  CHECK(flaw(6, 20, 20) == Flaw::tcp_offset);
  CHECK(flaw(15, 60, 60) == Flaw::none);
  CHECK(flaw(15, 59, 59) == Flaw::tcp_offset);
  CHECK(flaw(15, 20, 60) == Flaw::none);  // the options are cut, the rest is there
  CHECK(flaw(5, 19, 19) == Flaw::tcp_offset);
  CHECK(flaw(5, 19, 20) == Flaw::cut_short);
}

TEST_CASE("the options of a SYN", "[dissectors]") {
  const auto parsed = tcp::Segment::parse(
      whole(segment(hex("020405b4 0402 080a0000000100000000 01 030307 2202"), 0, "02")));
  REQUIRE(parsed);
  const tcp::Options& options = parsed->options;
  CHECK(options.has_mss);
  CHECK(options.mss == 1460);
  CHECK(options.sack_permitted);
  CHECK(options.has_timestamps);
  CHECK(options.timestamp == 1);
  CHECK(options.timestamp_echo == 0);
  CHECK(options.has_window_scale);
  CHECK(options.window_scale == 7);
  CHECK(options.has_fast_open);
  CHECK_FALSE(options.is_malformed);
  CHECK(parsed->sequence_length() == 1);
}

TEST_CASE("timestamps read alike in their usual place and in any other", "[dissectors]") {
  for (const char* text : {"0101 080a 11223344 55667788", "080a 11223344 55667788 0101",
                           "01 080a 11223344 55667788 00"}) {
    const auto parsed = tcp::Segment::parse(whole(segment(hex(text), 5)));
    REQUIRE(parsed);
    CHECK(parsed->options.has_timestamps);
    CHECK(parsed->options.timestamp == 0x11223344);
    CHECK(parsed->options.timestamp_echo == 0x55667788);
    CHECK_FALSE(parsed->options.is_malformed);
    CHECK(parsed->payload.length == 5);
  }
}

TEST_CASE("SACK blocks in the order sent", "[dissectors]") {
  const auto parsed = tcp::Segment::parse(whole(segment(
      hex("0101 0522 0000000100000002 0000000300000004 0000000500000006 0000000700000008"))));
  REQUIRE(parsed);
  REQUIRE(parsed->options.sack_count == 4);
  CHECK(parsed->options.sack[0].begin == 1);
  CHECK(parsed->options.sack[0].end == 2);
  CHECK(parsed->options.sack[3].end == 8);
}

TEST_CASE("options are read up to the first that cannot be", "[dissectors]") {
  struct Row {
    const char* what;
    const char* options;
    bool is_malformed;
  };
  const std::vector<Row> rows{
      {"length 0", "02040200 0500", true},
      {"length 1", "02040200 0501", true},
      {"length beyond the header", "02040200 050a", true},
      {"MSS of 3 bytes", "02040200 020300 00", true},
      {"window scale of 4 bytes", "02040200 03040000", true},
      {"SACK of half a block", "02040200 0506 00000000 0000", true},
      {"SACK of nothing", "02040200 0502", true},
      {"timestamps of 9 bytes", "02040200 0809 00000000000000", true},
      {"unknown, whole", "02040200 fd04abcd", false},
      {"padding that is not zero", "02040200 00ffffff", false},
      {"kind without length", "02040200 010101 05", true},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const auto parsed = tcp::Segment::parse(whole(segment(hex(row.options))));
    REQUIRE(parsed);
    CHECK(parsed->options.is_malformed == row.is_malformed);
    CHECK(parsed->options.mss == 512);
  }
}

TEST_CASE("a shift above 14 is 14", "[dissectors]") {
  CHECK(tcp::Segment::parse(whole(segment(hex("0303ff"))))->options.window_scale == 14);
  CHECK(tcp::Segment::parse(whole(segment(hex("03030e"))))->options.window_scale == 14);
  CHECK(tcp::Segment::parse(whole(segment(hex("03030d"))))->options.window_scale == 13);
}

TEST_CASE("TCP options that our capture cut are not malformed", "[dissectors]") {
  const Octets bytes = segment(hex("0101 080a 11223344 55667788"), 100);
  for (std::size_t captured = 20; captured < 32; ++captured) {
    const test::Exact exact{Bytes{bytes}.first(captured)};
    const auto parsed = tcp::Segment::parse({exact, 132});
    REQUIRE(parsed);
    CHECK(parsed->options.is_cut);
    CHECK_FALSE(parsed->options.is_malformed);
    CHECK_FALSE(parsed->options.has_timestamps);
    CHECK(parsed->payload.length == 100);
    CHECK(parsed->payload.bytes.empty());
  }
}

TEST_CASE("combinations of flags that nobody honest sends", "[dissectors]") {
  const auto is_illegal = [](const char* flags) {
    return tcp::Segment::parse(whole(segment({}, 0, flags)))->has_illegal_flags();
  };
  for (const char* flags : {"03", "06", "00", "28", "ff"}) CHECK(is_illegal(flags));
  for (const char* flags : {"02", "12", "10", "18", "11", "04", "14", "c2", "01"})
    CHECK_FALSE(is_illegal(flags));
}
