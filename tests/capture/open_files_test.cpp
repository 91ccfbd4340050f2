#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <random>
#include <thread>

#include "capture/error.h"
#include "tests/support/capture_files.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

using namespace wirefault;
using namespace wirefault::tests;

namespace {

// Does not compress well, or compressed data would have no middle to be damaged in.
std::string large_capture() {
  PcapFile file;
  std::mt19937 random{1};
  for (unsigned i = 0; i < 5000; ++i) {
    std::string bytes(i % 400, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random() & 0x7f);
    file.packet(1'700'000'000 + i, i, bytes);
  }
  return file.bytes();
}

// Compressed by the tool of that name, as users do.
std::string compressed(const std::string& bytes, const std::vector<std::string>& command) {
  const TemporaryDirectory directory;
  write_file(directory / "input", bytes);
  const ProcessResult result = run(command, directory / "input");
  REQUIRE(result.status == 0);
  return result.out;
}

bool are_same(const WholeCapture& a, const WholeCapture& b) {
  return std::ranges::equal(a.packets, b.packets, [](const KeptPacket& x, const KeptPacket& y) {
    return x.bytes == y.bytes && x.packet.ref == y.packet.ref && x.packet.time == y.packet.time;
  });
}

struct Refusal {
  std::string message;
  std::string advice;
};

Refusal refusal(const std::vector<std::string>& names, const FileOptions& options = {}) {
  try {
    read_all(*open_files(names, options));
  } catch (const Error& error) {
    CHECK(error.status() == ExitStatus::usage);
    return {error.what(), error.advice()};
  }
  FAIL("was read");
  return {};
}

Refusal refusal_of(const std::string& bytes) {
  try {
    read_all(bytes);
  } catch (const Error& error) {
    return {error.what(), error.advice()};
  }
  FAIL("was read");
  return {};
}

std::vector<std::uint64_t> seconds(const WholeCapture& capture) {
  std::vector<std::uint64_t> all;
  for (const KeptPacket& kept : capture.packets) {
    all.push_back(
        static_cast<std::uint64_t>(kept.packet.time.time_since_epoch().count() / 1'000'000'000));
  }
  return all;
}

}  // namespace

TEST_CASE("compressed captures read like plain ones", "[capture]") {
  const std::string plain = large_capture();
  const auto [name, command] = GENERATE(table<std::string, std::vector<std::string>>({
      {"gzip", {"gzip", "-c"}},
      {"zstd", {"zstd", "-qc"}},
      {"lz4", {"lz4", "-qc"}},
  }));
  const std::string stored = compressed(plain, command);
  const auto expected = read_all(plain);
  REQUIRE(expected.packets.size() == 5000);

  const std::size_t chunk = GENERATE(SIZE_MAX, std::size_t{100});
  const auto capture = read_all(stored, chunk);
  CHECK(are_same(capture, expected));
  CHECK(capture.sources[0].compression == name);
  CHECK(capture.sources[0].bytes == plain.size());
  CHECK_FALSE(capture.sources[0].cut_short.has_value());
}

TEST_CASE("members and frames of compression in a row are one stream", "[capture]") {
  const std::string plain = large_capture();
  const auto command =
      GENERATE(values<std::vector<std::string>>({{"gzip", "-c"}, {"zstd", "-qc"}, {"lz4", "-qc"}}));
  const std::size_t middle = plain.size() / 2;
  const std::string stored =
      compressed(plain.substr(0, middle), command) + compressed(plain.substr(middle), command);
  const auto capture = read_all(stored);
  CHECK(are_same(capture, read_all(plain)));
  CHECK_FALSE(capture.sources[0].cut_short.has_value());
}

TEST_CASE("a compressed capture that was cut gives the packets before the cut", "[capture]") {
  const auto command = GENERATE(
      values<std::vector<std::string>>({{"gzip", "-c"}, {"zstd", "-qc"}, {"lz4", "-qc", "-B4"}}));
  const std::string plain = large_capture();
  const std::string stored = compressed(plain, command);
  const auto capture = read_all(stored.substr(0, stored.size() - 20));
  CHECK(capture.packets.size() > 1000);
  CHECK(capture.packets.size() < 5000);
  REQUIRE(capture.sources[0].cut_short.has_value());
  CHECK(capture.sources[0].cut_short->reason == "the compressed file is incomplete");
}

TEST_CASE("damage in the middle of compressed data ends the capture there", "[capture]") {
  const std::string plain = large_capture();
  std::string stored = compressed(plain, {"gzip", "-c"});
  stored[stored.size() / 2] ^= 0x55;
  stored[stored.size() / 2 + 1] ^= 0x55;
  const auto capture = read_all(stored);
  CHECK(capture.packets.size() < 5000);
  CHECK(capture.sources[0].cut_short.has_value());
}

TEST_CASE("bytes after the end of gzip data", "[capture]") {
  const std::string stored = compressed(large_capture(), {"gzip", "-c"});
  SECTION("zeros fill up a block") {
    CHECK_FALSE(read_all(stored + std::string(512, '\0')).sources[0].cut_short.has_value());
  }
  SECTION("anything else is told") {
    const auto capture = read_all(stored + "and more");
    CHECK(capture.packets.size() == 5000);
    REQUIRE(capture.sources[0].cut_short.has_value());
    CHECK(capture.sources[0].cut_short->reason ==
          "something that is not gzip data follows the gzip data");
  }
}

TEST_CASE("a zstd window that would need much memory is refused with the way out", "[capture]") {
  // The window in the header counts, not the size of the data.
  const std::string stored = compressed(large_capture(), {"zstd", "-qc", "--long=27"});
  const Refusal refused = refusal_of(stored);
  CHECK(refused.message == "memory needs a zstd window above 8 MiB, which is not allotted");
  CHECK(refused.advice == "  run:   zstd -dc --long=31 memory | wirefault analyze -");
}

TEST_CASE("a FIFO reads like the file", "[capture]") {
  const std::string plain = large_capture();
  const TemporaryDirectory directory;
  const auto fifo = directory / "fifo";
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  std::thread writer{[&] { std::ofstream{fifo, std::ios::binary} << plain; }};
  const auto capture = read_all(*open_files({fifo}));
  writer.join();
  CHECK(are_same(capture, read_all(plain)));
  CHECK(capture.sources[0].file_size == 0);
}

TEST_CASE("several files are one timeline", "[capture]") {
  const TemporaryDirectory directory;
  write_file(directory / "a",
             PcapFile{}.packet(1, 0, "a").packet(5, 0, "a").packet(9, 0, "a").bytes());
  write_file(directory / "b", PcapFile{}.packet(1, 0, "b").packet(4, 0, "b").bytes());
  write_file(directory / "c", PcapFile{}.packet(20, 0, "c").packet(21, 0, "c").bytes());
  write_file(directory / "none", PcapFile{}.bytes());
  const auto capture = read_all(
      *open_files({directory / "c", directory / "b", directory / "none", directory / "a"}));

  // At one time the file named first goes first.
  CHECK(seconds(capture) == std::vector<std::uint64_t>{1, 1, 4, 5, 9, 20, 21});
  CHECK(capture.packets.at(0).bytes == "b");
  CHECK(capture.packets.at(1).bytes == "a");
  CHECK(capture.packets.at(4).packet.ref == PacketRef{3, 3});
  REQUIRE(capture.sources.size() == 4);
  CHECK(capture.sources[0].packets == 2);
  CHECK(capture.sources[2].packets == 0);
  CHECK(capture.sources[3].packets == 3);
}

TEST_CASE("a lone file keeps its order, and each file does in a timeline", "[capture]") {
  const TemporaryDirectory directory;
  write_file(directory / "a",
             PcapFile{}.packet(5, 0, "a").packet(3, 0, "a").packet(9, 0, "a").bytes());
  write_file(directory / "b", PcapFile{}.packet(4, 0, "b").packet(6, 0, "b").bytes());
  CHECK(seconds(read_all(*open_files({directory / "a"}))) == std::vector<std::uint64_t>{5, 3, 9});
  CHECK(seconds(read_all(*open_files({directory / "a", directory / "b"}))) ==
        std::vector<std::uint64_t>{4, 5, 3, 6, 9});
}

TEST_CASE("a timeline of large files is complete and in order", "[capture]") {
  const auto distinct = [](std::size_t i) { return std::to_string(i) + std::string(1000, 'x'); };
  const TemporaryDirectory directory;
  std::vector<std::string> names;
  for (unsigned f = 0; f < 3; ++f) {
    PcapFile file;
    for (unsigned i = 0; i < 1000; ++i) file.packet(3 * i + f, 0, distinct(3 * i + f));
    names.push_back(directory / std::to_string(f));
    write_file(names.back(), file.bytes());
  }
  const auto capture = read_all(*open_files(names));
  REQUIRE(capture.packets.size() == 3000);
  std::size_t right = 0;
  for (std::size_t i = 0; i < 3000; ++i) right += capture.packets[i].bytes == distinct(i) ? 1u : 0u;
  CHECK(right == 3000);
}

// Two of a rotated capture overlap at most; all of them open at once would not fit a process.
TEST_CASE("a capture of very many files opens few at once", "[capture]") {
  const TemporaryDirectory directory;
  std::vector<std::string> names;
  for (unsigned f = 0; f < 1500; ++f) {
    names.push_back(directory / std::to_string(f));
    write_file(names.back(), PcapFile{}.packet(f, 0, "x").bytes());
  }
  CHECK(read_all(*open_files(names)).packets.size() == 1500);
}

TEST_CASE("what cannot be opened is told before any file is read", "[capture]") {
  const TemporaryDirectory directory;
  write_file(directory / "edge-7.pcap", PcapFile{}.bytes());
  const std::string good = directory / "edge-7.pcap";
  SECTION("missing") {
    const Refusal refused = refusal({good, directory / "edge-8.pcapx"});
    CHECK(refused.message ==
          "cannot open " + (directory / "edge-8.pcapx").string() + ": No such file or directory");
    CHECK(refused.advice == "  did you mean: " + good);
  }
  SECTION("a directory") {
    const std::string folder = (directory / "").string();
    CHECK(refusal({good, folder}).message == folder + " is a directory");
  }
  SECTION("standard input twice") {
    CHECK(refusal({"-", good, "-"}).message == "standard input can be read only once");
  }
}

TEST_CASE("what is no capture file is named, with the way to make one of it", "[capture]") {
  const TemporaryDirectory directory;
  const std::string name = directory / "file";
  struct Case {
    std::string bytes;
    std::string message;
    std::string advice;
  };
  const auto c = GENERATE(values<Case>({
      {"", "is empty", ""},
      {std::string{"\xfd"
                   "7zXZ\0 and so on",
                   15},
       "is xz-compressed, which is not read directly",
       "  run:   xz -dc FILE | wirefault analyze -"},
      {"BZh91AY&SY", "is bzip2-compressed, which is not read directly",
       "  run:   bzip2 -dc FILE | wirefault analyze -"},
      {std::string{"snoop\0\0\0\0\0\0\2", 12}, "is a snoop capture, which is not read directly",
       "  run:   editcap -F pcapng FILE - | wirefault analyze -"},
      {std::string{"GMBU\0\0\0\0", 8}, "is a Network Monitor 2 capture, which is not read directly",
       "  run:   editcap -F pcapng FILE - | wirefault analyze -"},
      {std::string(100, '\0'),
       "is not a capture file: it begins with 00 00 00 00, which is neither pcap nor pcapng",
       "  if another tool wrote it (ERF, for one), convert it:\n"
       "  run:   editcap -F pcapng FILE - | wirefault analyze -"},
      {"10:10:10.204 IP 192.0.2.1 > 192.0.2.53: 1+ A? example.com.\n",
       "is not a capture file: it begins like a text",
       "  packets printed by tcpdump or tshark do not hold enough; write a capture with:\n"
       "         tcpdump -w capture.pcap"},
      {PcapFile{}.bytes().substr(0, 20), "is cut inside its file header", ""},
      {PcapFile{{.major = 9, .minor = 9}}.bytes(),
       "is a pcap file of version 9.9; only version 2 is known", ""},
      {PcapFile{{.link_type = 0x02c50001}}.bytes(),
       "has a damaged file header: link type 0x02c50001", ""},
      {PcapngFile{}.section().bytes().substr(0, 20), "is cut inside its section header", ""},
      {PcapngFile{}.section(true, 2).bytes(),
       "is a pcapng file of version 2; only version 1 is known", ""},
      {PcapngFile{}.block(0x0a0d0d0a, std::string(16, 'x')).bytes(),
       "begins like a pcapng file, but has no byte-order magic", ""},
      {"\x1f\x8b\x08", "cannot be read: the compressed file is incomplete", ""},
  }));
  write_file(name, c.bytes);
  const Refusal refused = refusal({name});
  std::string advice = c.advice;
  if (const auto at = advice.find("FILE"); at != std::string::npos) advice.replace(at, 4, name);
  CHECK(refused.message == name + " " + c.message);
  CHECK(refused.advice == advice);
}
