#include "capture/pcapng_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/capture_files.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace wirefault::tests {
namespace {

FileDescriptor new_file(const std::filesystem::path& path) {
  return FileDescriptor{open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
}

InterfaceInfo interface_named(const std::string& name, LinkType link_type,
                              std::uint32_t snap_length) {
  InterfaceInfo interface;
  interface.name = name;
  interface.link_type = link_type;
  interface.snap_length = snap_length;
  return interface;
}

Packet packet_of(const std::string& bytes, std::int64_t time) {
  Packet packet;
  packet.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  packet.original_length = static_cast<std::uint32_t>(bytes.size());
  packet.time = Timestamp{Duration{time}};
  return packet;
}

constexpr std::int64_t noon = 1'700'000'000'123'456'789;

// Two interfaces, three packets: cut, with and without comments and directions.
void write_example(const std::filesystem::path& path) {
  PcapngWriter writer{new_file(path), 0};
  InterfaceInfo ethernet = interface_named("eth0", LinkType::ethernet, 96);
  ethernet.filter = "udp port 53";
  writer.add_interface(ethernet);
  writer.add_interface(interface_named("tun0", LinkType::raw, 262144));
  const std::string frame(61, '\1');  // no multiple of four: padded
  const std::string datagram = "\x45" + std::string(19, '\0');
  Packet first = packet_of(frame, noon);
  first.original_length = 1500;
  first.direction = Direction::inbound;
  writer.add(first, 0, "wirefault F1: the query that nobody answered");
  Packet second = packet_of(datagram, noon + 1);
  second.direction = Direction::outbound;
  writer.add(second, 1);
  writer.add(packet_of(frame, noon - 1'000'000'000), 0);
  ethernet.received = 100;
  ethernet.dropped_by_interface = 3;
  ethernet.dropped_by_kernel = 7;
  writer.add_statistics(0, ethernet, Timestamp{Duration{noon}});
  writer.release();
  CHECK(writer.packets() == 3);
  CHECK_FALSE(writer.failure());
  CHECK(writer.size() == std::filesystem::file_size(path));
}

// A line per packet, the fields separated by a bar.
std::string tshark(const std::filesystem::path& file, const std::vector<std::string>& fields) {
  std::vector<std::string> command{"tshark", "-n", "-r", file, "-T", "fields", "-E", "separator=|"};
  for (const std::string& field : fields) command.insert(command.end(), {"-e", field});
  const auto result = run(command);
  CHECK(result.status == 0);
  return result.out;
}

TEST_CASE("what was written is read back the same", "[capture]") {
  const TemporaryDirectory directory;
  const auto path = directory / "a.pcapng";
  write_example(path);
  const auto capture = read_all(read_file(path));

  REQUIRE(capture.packets.size() == 3);
  CHECK(capture.packets[0].bytes == std::string(61, '\1'));
  CHECK(capture.packets[0].packet.original_length == 1500);
  CHECK(capture.packets[0].packet.direction == Direction::inbound);
  CHECK(capture.packets[0].packet.time.time_since_epoch().count() == noon);
  CHECK(capture.packets[0].packet.link_type == LinkType::ethernet);
  CHECK(capture.packets[1].packet.interface == 1);
  CHECK(capture.packets[1].packet.link_type == LinkType::raw);
  CHECK(capture.packets[1].packet.direction == Direction::outbound);
  CHECK(capture.packets[1].bytes.size() == 20);
  CHECK(capture.packets[2].packet.direction == Direction::unknown);
  CHECK(capture.packets[2].packet.time.time_since_epoch().count() == noon - 1'000'000'000);

  const SourceInfo& info = capture.sources[0];
  CHECK_FALSE(info.cut_short);
  REQUIRE(info.interfaces.size() == 2);
  CHECK(info.interfaces[0].name == "eth0");
  CHECK(info.interfaces[0].filter == "udp port 53");
  CHECK(info.interfaces[0].snap_length == 96);
  CHECK(info.interfaces[0].received == 100u);
  CHECK(info.interfaces[0].dropped_by_interface == 3u);
  CHECK(info.interfaces[0].dropped_by_kernel == 7u);
  CHECK(info.interfaces[1].name == "tun0");
  CHECK(info.interfaces[1].link_type == LinkType::raw);
  CHECK_FALSE(info.interfaces[1].received);
}

TEST_CASE("Wireshark's programs read what was written", "[capture]") {
  const TemporaryDirectory directory;
  const auto path = directory / "a.pcapng";
  write_example(path);

  CHECK(tshark(path, {"frame.time_epoch", "frame.interface_name", "frame.packet_flags", "frame.len",
                      "frame.comment"}) ==
        "1700000000.123456789|eth0|0x00000001|1500|wirefault F1: the query that nobody answered\n"
        "1700000000.123456790|tun0|0x00000002|20|\n"
        "1699999999.123456789|eth0||61|\n");

  const auto info = run({"capinfos", path});
  CHECK(info.status == 0);
  for (const std::string expected :
       {"Capture application: wirefault " WIREFAULT_VERSION, "Capture oper-sys:    Linux ",
        "Capture hardware:    ", "Name = eth0", "Filter string = udp port 53", "Name = tun0",
        "Time precision = nanoseconds (9)", "Capture length = 96", "Number of stat entries = 1"}) {
    INFO(info.out);
    CHECK(info.out.find(expected) != std::string::npos);
  }
}

TEST_CASE("the longest packets and comments are written whole", "[capture]") {
  const TemporaryDirectory directory;
  const auto path = directory / "a.pcapng";
  PcapngWriter writer{new_file(path), 0};
  writer.add_interface(interface_named("lo", LinkType::ethernet, 262144));
  const std::string longest(262144, 'x');
  for (int i = 0; i < 5; ++i) writer.add(packet_of(longest, i), 0, std::string(70000, 'c'));
  writer.add(packet_of({}, 6), 0);
  writer.release();
  const auto capture = read_all(read_file(path));
  REQUIRE(capture.packets.size() == 6);
  CHECK(capture.packets[4].bytes == longest);
  CHECK(tshark(path, {"frame.comment"}).substr(0, 65536) == std::string(65535, 'c') + "\n");
}

// The system writes what fits, and refuses the rest.
TEST_CASE("a file that may grow no further ends with its last whole block", "[capture]") {
  const TemporaryDirectory directory;
  const auto path = directory / "a.pcapng";
  const rlim_t limit = GENERATE(rlim_t{1}, 300, 1000, 100'000, 131'072, 150'003);
  CAPTURE(limit);
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{limit, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  PcapngWriter writer{new_file(path), 0};
  writer.add_interface(interface_named("eth0", LinkType::ethernet, 262144));
  for (int i = 0; i < 1000; ++i) writer.add(packet_of(std::string(333, 'x'), i), 0);
  writer.release();
  setrlimit(RLIMIT_FSIZE, &before);

  CHECK(writer.failure() == "File too large");
  CHECK(writer.size() == std::filesystem::file_size(path));
  CHECK(writer.size() <= limit);
  CHECK(writer.size() + 400 > limit);  // no more than a block is given away
  if (writer.size() == 0) return;
  const auto capture = read_all(read_file(path));
  CHECK(capture.packets.size() == writer.packets());
  CHECK_FALSE(capture.sources[0].cut_short);
}

TEST_CASE("a part of the file system stays free", "[capture]") {
  const TemporaryDirectory directory;
  PcapngWriter writer{new_file(directory / "a.pcapng"), std::uint64_t{1} << 60};
  writer.flush();
  REQUIRE(writer.failure());
  CHECK(writer.failure()->find(" MiB are to stay free") != std::string::npos);
  CHECK(writer.size() == 0);
  CHECK(std::filesystem::file_size(directory / "a.pcapng") == 0);
}

}  // namespace
}  // namespace wirefault::tests
