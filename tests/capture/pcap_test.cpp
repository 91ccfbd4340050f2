#include "tests/support/capture_files.h"
#include "tests/support/catch.h"

using namespace wirefault;
using namespace wirefault::tests;
using std::chrono::nanoseconds;

namespace {

const std::string frame = "\x02\x01\x02\x03\x04\x05\x06\x07\x08\x09 a frame";

std::int64_t since_epoch(const KeptPacket& kept) {
  return kept.packet.time.time_since_epoch().count();
}

}  // namespace

TEST_CASE("pcap files of either byte order and resolution read alike", "[capture]") {
  const bool is_big_endian = GENERATE(false, true);
  const bool is_nanoseconds = GENERATE(false, true);
  PcapOptions options;
  options.is_big_endian = is_big_endian;
  options.magic = is_nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
  options.link_type = 113;
  options.snap_length = 96;
  const std::uint32_t fraction = is_nanoseconds ? 123'456'000 : 123'456;
  PcapFile file{options};
  file.packet(1'700'000'000, fraction, frame).record(1'700'000'001, 0, frame.size(), 1500, frame);

  const WholeCapture capture = read_all(file.bytes());

  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].bytes == frame);
  CHECK(capture.packets[0].packet.original_length == frame.size());
  CHECK(since_epoch(capture.packets[0]) == 1'700'000'000'123'456'000);
  CHECK(capture.packets[1].packet.original_length == 1500);
  CHECK(capture.packets[1].packet.ref == PacketRef{0, 2});
  CHECK(capture.packets[1].packet.link_type == LinkType::linux_sll);
  const SourceInfo& info = capture.sources[0];
  CHECK(info.format == "pcap");
  CHECK(info.packets == 2);
  CHECK(info.bytes == file.bytes().size());
  CHECK(info.interfaces.at(0).snap_length == 96);
  CHECK_FALSE(info.cut_short.has_value());
}

TEST_CASE("pcap files of Kuznetzov's libpcap have longer record headers", "[capture]") {
  PcapOptions options;
  options.magic = 0xa1b2cd34;
  const WholeCapture capture =
      read_all(PcapFile{options}.packet(1, 2, frame).packet(3, 4, "b").bytes());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].bytes == frame);
  CHECK(capture.packets[1].bytes == "b");
}

TEST_CASE("old pcap files have the lengths of a record the other way round", "[capture]") {
  const std::string kept = frame.substr(0, 10);
  const auto lengths = [&](unsigned minor, std::uint64_t first, std::uint64_t second) {
    PcapOptions options;
    options.minor = minor;
    const WholeCapture capture =
        read_all(PcapFile{options}.record(1, 0, first, second, kept).packet(2, 0, frame).bytes());
    REQUIRE(capture.packets.size() == 2);
    CHECK(capture.packets[0].bytes == kept);
    CHECK(capture.packets[1].bytes == frame);
    return capture.packets[0].packet.original_length;
  };
  CHECK(lengths(2, 60, 10) == 60);
  CHECK(lengths(3, 60, 10) == 60);
  CHECK(lengths(3, 10, 60) == 60);
  CHECK(lengths(4, 10, 60) == 60);
}

TEST_CASE("pcap link types are read without the bits for the frame check sequence", "[capture]") {
  PcapOptions options;
  options.link_type = 0x44000001;  // 4 words of it, and it is there
  const WholeCapture capture = read_all(PcapFile{options}.packet(1, 2, frame).bytes());
  CHECK(capture.packets.at(0).packet.link_type == LinkType::ethernet);
}

TEST_CASE("a pcap record that claims too much is kept, put right and counted", "[capture]") {
  SECTION("captured length above the original length") {
    const auto capture = read_all(PcapFile{}.record(1, 0, frame.size(), 1, frame).bytes());
    CHECK(capture.packets.at(0).bytes == frame);
    CHECK(capture.packets.at(0).packet.original_length == frame.size());
    CHECK(capture.sources[0].corrected_lengths == 1);
  }
  SECTION("a fraction of more than a second stays in its second") {
    const auto capture =
        read_all(PcapFile{}.packet(10, 4'000'000'000, frame).packet(11, 999'999, frame).bytes());
    CHECK(since_epoch(capture.packets.at(0)) == 10'999'999'000);
    CHECK(since_epoch(capture.packets.at(1)) == 11'999'999'000);
    CHECK(capture.sources[0].corrected_times == 1);
  }
  SECTION("longer than the snap length") {
    PcapOptions options;
    options.snap_length = 4;
    CHECK(read_all(PcapFile{options}.packet(1, 0, frame).bytes()).packets.at(0).bytes == frame);
  }
}

TEST_CASE("pcap times go back and forth as the file says", "[capture]") {
  const auto capture = read_all(
      PcapFile{}.packet(100, 0, "a").packet(5, 0, "b").packet(0xffffffff, 999'999, "c").bytes());
  CHECK(since_epoch(capture.packets.at(1)) == 5'000'000'000);
  CHECK(since_epoch(capture.packets.at(2)) == 4'294'967'295'999'999'000);
}

TEST_CASE("an empty pcap packet is a packet", "[capture]") {
  const auto capture = read_all(PcapFile{}.record(1, 0, 0, 54, "").packet(2, 0, "b").bytes());
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].bytes.empty());
  CHECK(capture.packets[0].packet.original_length == 54);
}

TEST_CASE("a pcap file of headers alone has no packets and is whole", "[capture]") {
  const auto capture = read_all(PcapFile{}.bytes());
  CHECK(capture.packets.empty());
  CHECK_FALSE(capture.sources[0].cut_short.has_value());
}

TEST_CASE("an impossible captured length ends a pcap file there", "[capture]") {
  const std::uint32_t length = GENERATE(262'145u, 0x7fffffffu, 0xffffffffu);
  PcapFile file;
  file.packet(1, 0, frame);
  const std::size_t good = file.bytes().size();
  // What follows looks like records again; to go on would be a guess.
  file.record(2, 0, length, frame.size(), frame).packet(3, 0, frame);
  const auto capture = read_all(file.bytes());
  CHECK(capture.packets.size() == 1);
  REQUIRE(capture.sources[0].cut_short.has_value());
  CHECK(capture.sources[0].cut_short->offset == good);
  CHECK(capture.sources[0].cut_short->reason ==
        "captured length " + std::to_string(length) + " is impossible");
}

TEST_CASE("the longest packet there may be is read", "[capture]") {
  const std::string longest(262'144, 'x');
  const auto capture = read_all(PcapFile{}.packet(1, 0, longest).packet(2, 0, "b").bytes(), 1000);
  REQUIRE(capture.packets.size() == 2);
  CHECK(capture.packets[0].bytes == longest);
}

// Complete records are kept, and a cut is told exactly when one goes through a record.
TEST_CASE("every beginning of a pcap file gives its complete records", "[capture]") {
  std::vector<std::size_t> ends;
  PcapFile file;
  ends.push_back(file.bytes().size());
  for (const std::string bytes : {"first", "", "the third packet"}) {
    file.packet(1, 0, bytes);
    ends.push_back(file.bytes().size());
  }
  for (std::size_t size = ends[0]; size <= file.bytes().size(); ++size) {
    CAPTURE(size);
    const auto capture = read_all(file.bytes().substr(0, size), 5);
    const auto complete = std::ranges::count_if(ends, [&](auto end) { return end <= size; }) - 1;
    CHECK(capture.packets.size() == static_cast<std::size_t>(complete));
    const bool is_cut = std::ranges::find(ends, size) == ends.end();
    const auto& cut_short = capture.sources[0].cut_short;
    CHECK(cut_short.has_value() == is_cut);
    if (is_cut) CHECK(cut_short->offset == ends[static_cast<std::size_t>(complete)]);
  }
}

TEST_CASE("packets are the same however the bytes arrive", "[capture]") {
  PcapFile file;
  for (unsigned i = 0; i < 1000; ++i) file.packet(i, i, std::string(i % 400, 'x'));
  const auto whole = read_all(file.bytes());
  REQUIRE(whole.packets.size() == 1000);
  for (const std::size_t chunk : {1u, 7u, 4096u}) {
    const auto pieces = read_all(file.bytes(), chunk);
    REQUIRE(pieces.packets.size() == 1000);
    CHECK(std::ranges::equal(whole.packets, pieces.packets, [](const auto& a, const auto& b) {
      return a.bytes == b.bytes && a.packet.ref == b.packet.ref && a.packet.time == b.packet.time;
    }));
  }
}
