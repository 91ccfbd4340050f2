#include <limits>

#include "tests/support/capture_files.h"
#include "tests/support/catch.h"

using namespace wirefault;
using namespace wirefault::tests;

namespace {

using Options = PcapngFile::Options;

// Option codes.
constexpr unsigned if_name = 2;
constexpr unsigned if_tsresol = 9;
constexpr unsigned if_filter = 11;
constexpr unsigned if_tsoffset = 14;
constexpr unsigned epb_flags = 2;
constexpr unsigned epb_dropcount = 4;
constexpr unsigned isb_ifrecv = 4;
constexpr unsigned isb_ifdrop = 5;
constexpr unsigned isb_osdrop = 7;

constexpr std::int64_t latest = std::int64_t{1} << 62;  // that a capture may have

std::int64_t since_epoch(const KeptPacket& kept) {
  return kept.packet.time.time_since_epoch().count();
}

PcapngFile one_interface(const std::string& options = {}) {
  PcapngFile file;
  file.section().interface(1, 262144, options);
  return file;
}

std::string resolution(unsigned value) {
  return Options{}.u8(if_tsresol, value).end();
}

}  // namespace

TEST_CASE("pcapng packets of either byte order read alike", "[capture]") {
  const bool is_big_endian = GENERATE(false, true);
  PcapngFile file;
  const std::string interface = Options{is_big_endian}
                                    .add(if_name, "eth0")
                                    .add(if_filter, std::string{"\0udp port 53", 12})
                                    .end();
  const std::string inbound = Options{is_big_endian}.u32(epb_flags, 1).end();
  const std::string outbound = Options{is_big_endian}.u32(epb_flags, 2).u64(epb_dropcount, 7).end();
  const std::string counted =
      Options{is_big_endian}.u64(isb_ifrecv, 100).u64(isb_ifdrop, 1).u64(isb_osdrop, 9).end();
  file.section(is_big_endian)
      .interface(1, 96, interface)
      .packet(0, 1'700'000'000'123'456, "first", inbound)
      .packet_of_lengths(0, 1'700'000'001'000'000, 3, 1500, "two", outbound)
      .packet(0, 1'700'000'002'000'000, "four")
      .statistics(0, counted);

  const WholeCapture capture = read_all(file.bytes());

  REQUIRE(capture.packets.size() == 3);
  CHECK(capture.packets[0].bytes == "first");
  CHECK(since_epoch(capture.packets[0]) == 1'700'000'000'123'456'000);
  CHECK(capture.packets[0].packet.direction == Direction::inbound);
  CHECK(capture.packets[1].packet.direction == Direction::outbound);
  CHECK(capture.packets[1].packet.original_length == 1500);
  CHECK(capture.packets[2].packet.direction == Direction::unknown);
  CHECK(capture.packets[2].packet.ref == PacketRef{0, 3});
  const SourceInfo& info = capture.sources[0];
  CHECK(info.format == "pcapng");
  CHECK(info.packets_dropped == 7);
  REQUIRE(info.interfaces.size() == 1);
  CHECK(info.interfaces[0].name == "eth0");
  CHECK(info.interfaces[0].filter == "udp port 53");
  CHECK(info.interfaces[0].snap_length == 96);
  CHECK(info.interfaces[0].received == 100u);
  CHECK(info.interfaces[0].dropped_by_interface == 1u);
  CHECK(info.interfaces[0].dropped_by_kernel == 9u);
  CHECK_FALSE(info.cut_short.has_value());
}

TEST_CASE("pcapng interfaces differ in link type, snap length and clock", "[capture]") {
  PcapngFile file;
  file.section()
      .interface(1, 65535)
      .interface(101, 0, Options{}.u8(if_tsresol, 9).u64(if_tsoffset, 1'000'000'000).end())
      .packet(1, 5, "raw")
      .packet(0, 5, "ethernet");
  const auto capture = read_all(file.bytes());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].packet.link_type == LinkType::raw);
  CHECK(capture.packets[0].packet.interface == 1);
  CHECK(since_epoch(capture.packets[0]) == 1'000'000'000'000'000'005);
  CHECK(capture.packets[1].packet.link_type == LinkType::ethernet);
  CHECK(since_epoch(capture.packets[1]) == 5000);
}

TEST_CASE("a pcapng section starts anew, in its own byte order", "[capture]") {
  PcapngFile file;
  file.section(false).interface(1).interface(101).packet(1, 1, "a");
  file.section(true).interface(113).packet(0, 2, "b");
  const auto capture = read_all(file.bytes());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[1].bytes == "b");
  CHECK(capture.packets[1].packet.link_type == LinkType::linux_sll);
  CHECK(capture.packets[1].packet.ref.number() == 2);
  // Interfaces of all sections stand in one list.
  CHECK(capture.packets[1].packet.interface == 2);
  CHECK(capture.sources[0].interfaces.size() == 3);
}

TEST_CASE("pcapng ticks become nanoseconds", "[capture]") {
  struct Case {
    unsigned resolution;
    std::uint64_t ticks;
    std::int64_t nanoseconds;
  };
  const auto c = GENERATE(values<Case>({
      {0, 3, 3'000'000'000},
      {3, 1'500, 1'500'000'000},
      {9, 1'700'000'000'123'456'789, 1'700'000'000'123'456'789},
      {12, 1'234'567'890'123, 1'234'567'890},
      {19, 15'000'000'000'000'000'000u, 1'500'000'000},
      {0x80 | 10, 1536, 1'500'000'000},
      {0x80 | 63, (std::uint64_t{3} << 62), 1'500'000'000},
      // Past the year 2262 a time stays at the end; it does not turn round.
      {0, 0xffffffffffffffff, latest},
      {6, 0xffffffffffffffff, latest},
      {9, 0xffffffffffffffff, latest},
  }));
  CAPTURE(c.resolution, c.ticks);
  const auto capture =
      read_all(one_interface(resolution(c.resolution)).packet(0, c.ticks, "a").bytes());
  CHECK(since_epoch(capture.packets.at(0)) == c.nanoseconds);
  CHECK(capture.packets.at(0).packet.has_time);
}

TEST_CASE("times that no capture has are kept within those that one may have", "[capture]") {
  const std::uint64_t offset = GENERATE(0x7fffffffffffffffu, 0x8000000000000000u);
  const auto capture =
      read_all(one_interface(Options{}.u64(if_tsoffset, offset).end()).packet(0, 1, "a").bytes());
  const bool is_negative = offset >> 63 != 0;
  CHECK(since_epoch(capture.packets.at(0)) == (is_negative ? 0 : latest));
  CHECK(capture.sources[0].corrected_times == 1);
}

TEST_CASE("pcapng packets without a time bear that of the frame before", "[capture]") {
  SECTION("simple packets") {
    const auto capture = read_all(
        one_interface().packet(0, 7, "a").simple_packet(4, "four").packet(0, 8, "b").bytes());
    REQUIRE(capture.packets.size() == 3);
    CHECK_FALSE(capture.packets[1].packet.has_time);
    CHECK(capture.packets[1].bytes == "four");
    CHECK(since_epoch(capture.packets[1]) == 7000);
    CHECK(capture.packets[2].packet.has_time);
    CHECK(capture.sources[0].without_time == 1);
  }
  SECTION("an absurd resolution") {
    const unsigned absurd = GENERATE(20u, 127u, 0x80u | 64u, 0xffu);
    const auto capture = read_all(one_interface(resolution(absurd)).packet(0, 7, "a").bytes());
    CHECK_FALSE(capture.packets.at(0).packet.has_time);
    CHECK(capture.sources[0].without_time == 1);
    CHECK_FALSE(capture.sources[0].cut_short.has_value());
  }
}

TEST_CASE("a simple packet is as long as the snap length lets it be", "[capture]") {
  PcapngFile file;
  file.section().interface(1, 4).simple_packet(1500, "cut!");
  const auto capture = read_all(file.bytes());
  CHECK(capture.packets.at(0).bytes == "cut!");
  CHECK(capture.packets.at(0).packet.original_length == 1500);
}

TEST_CASE("obsolete packet blocks are packets", "[capture]") {
  const auto capture = read_all(one_interface()
                                    .obsolete_packet(0, 3, 9, "old")
                                    .obsolete_packet(0, 0xffff, 9, "drops unknown")
                                    .bytes());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].bytes == "old");
  CHECK(since_epoch(capture.packets[0]) == 9000);
  CHECK(capture.sources[0].packets_dropped == 3);
}

TEST_CASE("pcapng captured length above the original is put right and counted", "[capture]") {
  const auto capture =
      read_all(one_interface().packet_of_lengths(0, 1, 4, 1, "four").packet(0, 2, "b").bytes());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].packet.original_length == 4);
  CHECK(capture.sources[0].corrected_lengths == 1);
}

TEST_CASE("damaged pcapng options cost no packet", "[capture]") {
  const std::string too_long = FileWriter{}.u16(2).u16(400).raw("1234").bytes();
  const auto capture =
      read_all(one_interface().packet(0, 1, "a", too_long).packet(0, 2, "b").bytes());
  CHECK(capture.packets.size() == 2);
  CHECK_FALSE(capture.sources[0].cut_short.has_value());
}

TEST_CASE("a pcapng option counts up to its length, and at that length alone", "[capture]") {
  const auto drops = [](unsigned count) { return FileWriter{}.u64(count).bytes(); };
  const auto dropped = [](const std::string& options) {
    return read_all(one_interface().packet(0, 1, "abcd", options).bytes())
        .sources[0]
        .packets_dropped;
  };
  CHECK(dropped(PcapngFile::Options{}.add(4, drops(7)).end()) == 7);
  // Behind one that needs padding, and twice.
  CHECK(dropped(PcapngFile::Options{}.add(1, "hello").add(4, drops(7)).add(4, drops(5)).end()) ==
        12);
  // The list may end without its end, and nothing behind the end counts.
  CHECK(dropped(FileWriter{}.u16(4).u16(8).raw(drops(7)).bytes()) == 7);
  CHECK(dropped(PcapngFile::Options{}.end() + PcapngFile::Options{}.add(4, drops(7)).end()) == 0);
  CHECK(dropped(PcapngFile::Options{}.add(4, "1234567").end()) == 0);
}

TEST_CASE("unknown pcapng blocks are passed over, however long", "[capture]") {
  const auto capture = read_all(
      one_interface().block(0x0badcafe, std::string(3'000'000, 'x')).packet(0, 1, "a").bytes());
  CHECK(capture.packets.size() == 1);
  CHECK_FALSE(capture.sources[0].cut_short.has_value());
}

// Each damage follows one good packet and is followed by another: what comes before counts, what
// comes after would be a guess.
TEST_CASE("a pcapng block that cannot be right ends the file there", "[capture]") {
  struct Case {
    std::string name;
    std::string block;
    std::string reason;
  };
  const auto word = [](std::uint32_t value) { return FileWriter{}.u32(value).bytes(); };
  const PcapngFile little;
  const auto c = GENERATE_COPY(values<Case>({
      {"length 0", word(6) + word(0) + word(0), "block length 0 is impossible"},
      {"length 13", word(6) + word(13) + std::string(5, '\0'), "block length 13 is impossible"},
      {"length 2^32-16", word(6) + word(0xfffffff0) + std::string(50, '\0'),
       "block length 4294967280 is impossible"},
      {"above 16 MiB", word(6) + word(16'777'220) + std::string(50, '\0'),
       "block length 16777220 is impossible"},
      {"trailer", word(6) + word(16) + word(0) + word(99), "the two lengths of a block differ"},
      {"undeclared interface", PcapngFile{}.packet(7, 1, "a").bytes(),
       "packet of an interface that was never declared"},
      {"captured above block", PcapngFile{}.packet_of_lengths(0, 1, 5000, 5000, "a").bytes(),
       "captured length exceeds the block"},
      {"captured above all limits",
       PcapngFile{}.packet_of_lengths(0, 1, 262'145, 262'145, std::string(262'145, 'x')).bytes(),
       "captured length is impossible"},
      {"packet block of 8 bytes", PcapngFile{}.block(6, "12345678").bytes(),
       "packet block too short for its header"},
      {"simple packet of no bytes", PcapngFile{}.block(3, "").bytes(),
       "packet block too short for its header"},
      {"simple packet above block", PcapngFile{}.simple_packet(100, "a").bytes(),
       "captured length exceeds the block"},
      {"interface of 4 bytes", PcapngFile{}.block(1, "1234").bytes(),
       "interface description too short"},
      {"statistics of nobody", PcapngFile{}.statistics(3, "").bytes(),
       "statistics of an interface that was never declared"},
      {"section without magic", PcapngFile{}.block(0x0a0d0d0a, std::string(16, 'x')).bytes(),
       "section header without a byte-order magic"},
      {"section of version 9", PcapngFile{}.section(false, 9).bytes(),
       "section of an unknown version"},
      {"section too short", word(0x0a0d0d0a) + word(16) + word(0x1a2b3c4d) + word(16),
       "section header too short"},
  }));
  CAPTURE(c.name);
  PcapngFile file = one_interface();
  file.packet(0, 1, "good");
  const std::size_t good = file.bytes().size();
  file.raw(c.block).packet(0, 2, "after");
  const auto capture = read_all(file.bytes());
  CHECK(capture.packets.size() == 1);
  REQUIRE(capture.sources[0].cut_short.has_value());
  CHECK(capture.sources[0].cut_short->offset == good);
  CHECK(capture.sources[0].cut_short->reason == c.reason);
}

TEST_CASE("a pcapng packet before any interface ends the file there", "[capture]") {
  PcapngFile file;
  file.section().packet(0, 1, "a");
  const auto capture = read_all(file.bytes());
  CHECK(capture.packets.empty());
  REQUIRE(capture.sources[0].cut_short.has_value());
  CHECK(capture.sources[0].cut_short->offset == 28);
}

TEST_CASE("interfaces without end are not kept without end", "[capture]") {
  PcapngFile file;
  file.section();
  for (int i = 0; i < 9000; ++i) file.interface();
  const auto capture = read_all(file.bytes());
  CHECK(capture.sources[0].interfaces.size() == 8192);
  CHECK(capture.sources[0].cut_short->reason == "more than 8192 interfaces");
}

TEST_CASE("every beginning of a pcapng file gives its complete records", "[capture]") {
  PcapngFile file;
  std::vector<std::size_t> ends;     // of blocks
  std::vector<std::size_t> packets;  // before that end
  const auto end = [&](std::size_t count) {
    ends.push_back(file.bytes().size());
    packets.push_back(count);
  };
  file.section();
  end(0);
  file.interface(1, 0, Options{}.add(if_name, "eth0").end());
  end(0);
  file.packet(0, 1, "first", Options{}.u32(epb_flags, 1).end());
  end(1);
  file.block(0xbad, "custom");
  end(1);
  file.simple_packet(3, "two");
  end(2);
  file.statistics(0, Options{}.u64(isb_ifdrop, 1).end());
  end(2);
  for (std::size_t size = ends[0]; size <= file.bytes().size(); ++size) {
    CAPTURE(size);
    const auto capture = read_all(file.bytes().substr(0, size), 5);
    const auto after = std::ranges::upper_bound(ends, size);
    const auto index = static_cast<std::size_t>(after - ends.begin()) - 1;
    CHECK(capture.packets.size() == packets[index]);
    const auto& cut_short = capture.sources[0].cut_short;
    CHECK(cut_short.has_value() == (ends[index] != size));
    if (cut_short) CHECK(cut_short->offset == ends[index]);
  }
}
