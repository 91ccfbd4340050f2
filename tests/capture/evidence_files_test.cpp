#include "capture/evidence_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <new>
#include <set>

#include "capture/error.h"
#include "tests/support/capture_files.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace wirefault::tests {
namespace {

constexpr Timestamp start{Duration{1'700'000'000'000'000'000}};  // 2023-11-14 22:13:20 UTC
constexpr Duration millisecond = std::chrono::milliseconds{1};

std::vector<InterfaceInfo> ethernet() {
  InterfaceInfo interface;
  interface.name = "eth0";
  interface.snap_length = 262144;
  return {interface};
}

Packet packet_of(const std::string& bytes, Timestamp time) {
  Packet packet;
  packet.bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
  packet.original_length = static_cast<std::uint32_t>(bytes.size());
  packet.time = time;
  return packet;
}

std::set<std::string> files_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    names.insert(entry.path().filename());
  }
  return names;
}

std::vector<KeptPacket> packets_in(const std::filesystem::path& path) {
  const WholeCapture capture = read_all(read_file(path));
  CHECK_FALSE(capture.sources[0].cut_short);
  return capture.packets;
}

// Names as the programs say them, with what stands for the folder.
std::vector<std::string> command(const std::vector<std::string>& words,
                                 const std::filesystem::path& folder) {
  std::vector<std::string> result;
  for (const std::string& word : words) {
    const bool is_name = word.starts_with('@');
    result.push_back(is_name ? (folder / word.substr(1)).string() : word);
  }
  return result;
}

ProcessResult write_evidence(std::vector<std::string> words, const std::string& folder) {
  words.insert(words.begin(), WIREFAULT_WRITE_EVIDENCE);
  return run(command(words, folder));
}

std::size_t kept(const ProcessResult& result) {
  return std::strtoul(result.out.c_str(), nullptr, 10);
}

TEST_CASE("without rotation there is one file, and it is private", "[capture]") {
  const TemporaryDirectory directory;
  const auto result = write_evidence({"@a.pcapng", "1000"}, directory / "");
  CHECK(result.status == 0);
  CHECK(result.out == "1000\n\n");
  CHECK(packets_in(directory / "a.pcapng").size() == 1000);
  struct stat status {};
  REQUIRE(stat((directory / "a.pcapng").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);
  const auto info = run({"capinfos", directory / "a.pcapng"});
  CHECK(info.status == 0);
}

// The packets, of which there are 5.6 MB, are the same for both; the formats are not, but the last
// file is never at an edge.
TEST_CASE("files that grow to a size are named and kept as tcpdump does", "[capture]") {
  const std::string files = GENERATE("", "1", "2", "3", "10", "11", "101");
  CAPTURE(files);
  const TemporaryDirectory directory;
  const TemporaryDirectory theirs;
  PcapFile capture;
  for (std::uint32_t i = 0; i < 4000; ++i) {
    capture.packet(i / 1000, i % 1000 * 1000, std::string(1400, '\0'));
  }
  write_file(theirs / "in", capture.bytes());
  std::vector<std::string> tcpdump =
      command({"tcpdump", "-Z", "root", "-r", "@in", "-w", "@a.pcap", "-C", "1"}, theirs / "");
  if (geteuid() != 0) tcpdump.erase(tcpdump.begin() + 1, tcpdump.begin() + 3);
  std::vector<std::string> ours{"@a.pcap", "4000", "-C", "1000000"};
  if (!files.empty()) {
    tcpdump.insert(tcpdump.end(), {"-W", files});
    ours.insert(ours.end(), {"-W", files});
  }
  REQUIRE(run(tcpdump).status == 0);
  const auto result = write_evidence(ours, directory / "");
  CHECK(result.out == "4000\n\n");

  std::set<std::string> expected = files_in(theirs / "");
  expected.erase("in");
  CHECK(files_in(directory / "") == expected);
  std::uint64_t received = 0;
  std::size_t packets = 0;
  for (const std::string& name : expected) {
    const auto read = read_all(read_file(directory / name));
    CHECK(std::filesystem::file_size(directory / name) < 1'002'000);
    received += read.sources[0].interfaces.at(0).received.value();
    packets += read.packets.size();
  }
  // What each file tells of its own time adds up.
  if (files.empty()) CHECK(received == 4000);
  if (files.empty()) CHECK(packets == 4000);
}

TEST_CASE("files of a duration are named by the time of their first packet", "[capture]") {
  setenv("TZ", "UTC", 1);
  const TemporaryDirectory directory;
  SECTION("as many as there are") {
    const auto result = write_evidence({"@a-%H%M%S.pcapng", "4500", "-G", "2"}, directory / "");
    CHECK(result.out == "4500\n\n");
    CHECK(files_in(directory / "") ==
          std::set<std::string>{"a-221320.pcapng", "a-221322.pcapng", "a-221324.pcapng"});
    CHECK(packets_in(directory / "a-221322.pcapng").size() == 2000);
  }
  SECTION("or as were asked for") {
    const auto result =
        write_evidence({"@a-%H%M%S.pcapng", "9000", "-G", "2", "-W", "2"}, directory / "");
    CHECK(result.out == "4000\n\n");
    CHECK(files_in(directory / "") == std::set<std::string>{"a-221320.pcapng", "a-221322.pcapng"});
  }
  SECTION("with a ring of sizes in each duration") {
    const auto result =
        write_evidence({"@a-%S-", "4000", "-G", "2", "-C", "1000000", "-W", "2"}, directory / "");
    CHECK(result.out == "4000\n\n");
    CHECK(files_in(directory / "") ==
          std::set<std::string>{"a-20-0", "a-20-1", "a-22-0", "a-22-1"});
  }
  SECTION("while the name stays the same, so does the file") {
    const auto result = write_evidence({"@a-%M", "4500", "-G", "2"}, directory / "");
    CHECK(result.out == "4500\n\n");
    CHECK(files_in(directory / "") == std::set<std::string>{"a-13"});
    CHECK(packets_in(directory / "a-13").size() == 4500);
  }
  SECTION("unless it may be replaced") {
    const auto result =
        write_evidence({"@a-%M", "4500", "-G", "2", "--force", "1"}, directory / "");
    CHECK(result.out == "4500\n\n");
    CHECK(files_in(directory / "") == std::set<std::string>{"a-13"});
    CHECK(packets_in(directory / "a-13").size() == 500);
  }
  unsetenv("TZ");
}

TEST_CASE("what stood there before is never overwritten", "[capture]") {
  const TemporaryDirectory directory;
  const std::string folder = directory / "";
  SECTION("a file is a reason not to start") {
    write_file(directory / "a", "precious");
    const auto result = write_evidence({"@a", "10"}, folder);
    CHECK(result.status == 2);
    CHECK(result.err.find("/a exists\n  name another file with -w, or replace it with --force") !=
          std::string::npos);
    CHECK(read_file(directory / "a") == "precious");
  }
  SECTION("nor are the later files of a ring") {
    write_file(directory / "a2", "precious");
    const auto result = write_evidence({"@a", "10", "-C", "1000000", "-W", "3"}, folder);
    CHECK(result.status == 2);
    CHECK(files_in(folder) == std::set<std::string>{"a2"});
  }
  SECTION("one that comes while we write ends the evidence") {
    write_file(directory / "a2", "precious");
    const auto result = write_evidence({"@a", "4000", "-C", "1000000"}, folder);
    CHECK(result.status == 4);
    CHECK(result.out.find("a2: something else has that name already") != std::string::npos);
    CHECK(read_file(directory / "a2") == "precious");
    CHECK(packets_in(directory / "a").size() + packets_in(directory / "a1").size() == kept(result));
  }
  SECTION("force replaces files") {
    write_file(directory / "a", "of another run");
    const auto result = write_evidence({"@a", "10", "--force"}, folder);
    CHECK(result.status == 0);
    CHECK(packets_in(directory / "a").size() == 10);
  }
  SECTION("symbolic links are not followed, and stay") {
    write_file(directory / "target", "precious");
    const std::string target = GENERATE("target", "nowhere");
    std::filesystem::create_symlink(target, directory / "a");
    CHECK(write_evidence({"@a", "10"}, folder).status == 2);
    CHECK(write_evidence({"@a", "10", "--force"}, folder).status == 2);
    CHECK(std::filesystem::is_symlink(directory / "a"));
    CHECK(read_file(directory / "target") == "precious");
    CHECK_FALSE(std::filesystem::exists(directory / "nowhere"));
  }
}

TEST_CASE("options that make no names are refused", "[capture]") {
  EvidenceOptions options;
  options.file = "folder/";
  CHECK_THROWS_AS(names_of(options), Error);
  options.file = "a%H/b%M.pcapng";
  CHECK(names_of(options).name == "b%M.pcapng");
  options.rotate_interval = std::chrono::seconds{1};
  CHECK_THROWS_AS(names_of(options), Error);
  options.file = "a/b.pcapng";
  CHECK_THROWS_AS(names_of(options), Error);  // the next would be the same
  options.force = true;
  CHECK(names_of(options).name == "b.pcapng");
  options.force = false;
  options.file = "a/b%M.pcapng";
  CHECK(names_of(options).name == "b");
  options.most_files = 1'000'000;
  CHECK_THROWS_AS(names_of(options), Error);
}

bool can_trace() {
  return run({"strace", "-o", "/dev/null", "true"}).status == 0;
}

// Writes 4,000 packets to "a"; what is injected concerns writes to that file only.
ProcessResult write_with_injected(const std::string& injected, const std::string& folder) {
  // The leak sanitizer cannot work while another process traces.
  return run(command(
      {"strace", "-f", "-o", "/dev/null", "-E", "ASAN_OPTIONS=detect_leaks=0", "-P", "@a", "-e",
       "trace=write", "-e", "inject=write:" + injected, WIREFAULT_WRITE_EVIDENCE, "@a", "4000"},
      folder));
}

TEST_CASE("a write that fails ends the file, whichever it is, and not the run", "[capture]") {
  if (!can_trace()) {
    WARN("skipped: strace cannot be used here");
    return;
  }
  const std::string error = GENERATE("ENOSPC", "EIO", "EDQUOT");
  for (int failing = 1; failing <= 20; ++failing) {
    if (error != "ENOSPC" && failing % 7 != 1) continue;
    CAPTURE(error, failing);
    const TemporaryDirectory directory;
    const auto result =
        write_with_injected(fmt::format("error={}:when={}", error, failing), directory / "");
    if (failing == 1) {  // the file's header: we do not start
      CHECK(result.status == 2);
      CHECK(files_in(directory / "").empty());
      continue;
    }
    CHECK(result.status == 4);
    CHECK(packets_in(directory / "a").size() == kept(result));
    CHECK(kept(result) < 4000);
    const auto info = run({"capinfos", "-c", directory / "a"});
    CHECK(info.status == 0);
    CHECK(info.err.empty());
  }
}

TEST_CASE("a write that is interrupted goes on", "[capture]") {
  if (!can_trace()) {
    WARN("skipped: strace cannot be used here");
    return;
  }
  const TemporaryDirectory directory;
  const auto result = write_with_injected("error=EINTR:when=2+3", directory / "");
  CHECK(result.out == "4000\n\n");
  CHECK(packets_in(directory / "a").size() == 4000);
}

// The system writes a part of what it is handed, then refuses.
TEST_CASE("a full disk ends the file with its last whole packet", "[capture]") {
  const TemporaryDirectory directory;
  const auto disk = directory / "disk";
  std::filesystem::create_directory(disk);
  if (geteuid() != 0 || mount("none", disk.c_str(), "tmpfs", 0, "size=1048576") != 0) {
    WARN("skipped: needs root, to mount a small file system");
    return;
  }
  const auto result = write_evidence({"@a", "4000"}, disk);
  CHECK(result.status == 4);
  CHECK(result.out.find("256 KiB are to stay free") != std::string::npos);
  CHECK(packets_in(disk / "a").size() == kept(result));
  CHECK(kept(result) > 300);
  // A quarter of it.
  CHECK(std::filesystem::file_size(disk / "a") < 1048576 * 3 / 4);

  std::filesystem::remove(disk / "a");
  const auto folder = open_folder(disk);
  EvidenceOptions options;
  options.file = disk / "a";
  options.keep_free = 0;
  EvidenceFiles evidence{options, *folder, ethernet(), start};
  const std::string bytes(1001, 'x');
  for (int i = 0; i < 2000; ++i) evidence.add(packet_of(bytes, start + i * millisecond));
  evidence.close();
  REQUIRE(evidence.failure());
  CHECK(*evidence.failure() == (disk / "a").string() + ": No space left on device");
  CHECK(packets_in(disk / "a").size() == evidence.packets());
  CHECK(evidence.packets() > 900);
  const auto info = run({"capinfos", "-c", disk / "a"});
  CHECK(info.status == 0);
  CHECK(umount2(disk.c_str(), MNT_DETACH) == 0);
}

TEST_CASE("a limit to the size of files ends the file", "[capture]") {
  const TemporaryDirectory directory;
  const auto result = run(command(
      {"sh", "-c", "ulimit -f 400; exec \"$0\" \"$@\"", WIREFAULT_WRITE_EVIDENCE, "@a", "4000"},
      directory / ""));
  CHECK(result.status == 4);
  CHECK(result.out.find("a: File too large") != std::string::npos);
  CHECK(packets_in(directory / "a").size() == kept(result));
  CHECK(kept(result) > 100);
}

// The child's clock goes a millisecond for each packet, and is where the parent can read it.
TEST_CASE("a kill at any moment loses a second of packets at most", "[capture]") {
  struct Shared {
    std::atomic<std::int64_t> clock{-1};
    pid_t opener = 0;
  };
  void* const memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  for (int attempt = 0; attempt < 30; ++attempt) {
    auto& shared = *new (memory) Shared;
    auto& clock = shared.clock;
    const TemporaryDirectory directory;
    EvidenceOptions options;
    options.file = directory / "a";
    options.rotate_bytes = 200'000;
    const pid_t child = fork();
    if (child == 0) {
      try {
        OpenerProcess opener{{names_of(options)}};
        shared.opener = opener.pid();
        EvidenceFiles evidence{options, opener.folder(0), ethernet(), start};
        const std::string bytes(60, 'x');
        for (std::int64_t now = 0;; ++now) {
          evidence.add(packet_of(bytes, start + now * millisecond));
          if (now % 250 == 0) evidence.flush_if_due(now * millisecond);
          clock = now;
        }
      } catch (...) {
      }
      _exit(1);
    }
    while (clock < 100) usleep(100);
    usleep(static_cast<useconds_t>(attempt * 700));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(ends(shared.opener));  // it cuts off what was half written

    std::size_t packets = 0;
    for (const std::string& name : files_in(directory / "")) {
      CAPTURE(name);
      if (std::filesystem::file_size(directory / name) > 0) {  // it has just been made
        packets += packets_in(directory / name).size();
      }
      if (attempt % 10 != 0) continue;
      CHECK(run({"capinfos", "-c", directory / name}).status == 0);
      CHECK(run({"tshark", "-r", directory / name, "-c", "1"}).status == 0);
    }
    CAPTURE(clock.load(), packets);
    CHECK(static_cast<std::int64_t>(packets) + 1000 >= clock);
  }
  munmap(memory, sizeof(Shared));
}

TEST_CASE("packets are saved with comments, from wherever they came", "[capture]") {
  const TemporaryDirectory directory;
  const auto folder = open_folder(directory / "");
  std::vector<SourceInfo> sources(2);
  sources[0].interfaces = ethernet();
  sources[1].interfaces = ethernet();
  InterfaceInfo tunnel;
  tunnel.name = "tun0";
  tunnel.link_type = LinkType::raw;
  sources[1].interfaces.push_back(tunnel);
  const std::string bytes(60, 'x');
  CommentedPacket first{packet_of(bytes, start), "wirefault F1"};
  first.packet.ref = PacketRef{1, 7};
  first.packet.interface = 1;
  first.packet.link_type = LinkType::raw;
  CommentedPacket second{packet_of(bytes, start + millisecond), ""};
  second.packet.ref = PacketRef{0, 3};
  const std::vector<CommentedPacket> packets{first, second, first};

  CHECK_FALSE(save_packets(*folder, "F1.pcapng", packets, sources));
  const auto capture = read_all(read_file(directory / "F1.pcapng"));
  REQUIRE(capture.packets.size() == 3);
  REQUIRE(capture.sources[0].interfaces.size() == 2);
  CHECK(capture.sources[0].interfaces[0].name == "tun0");
  CHECK(capture.packets[0].packet.link_type == LinkType::raw);
  CHECK(capture.packets[1].packet.link_type == LinkType::ethernet);
  const auto comments = run({"tshark", "-r", directory / "F1.pcapng", "-T", "fields", "-e",
                             "frame.comment", "-Y", "frame.comment contains \"wirefault F1\""});
  CHECK(comments.out == "wirefault F1\nwirefault F1\n");

  CHECK(save_packets(*folder, "F1.pcapng", packets, sources) ==
        "F1.pcapng: something else has that name already");
  CHECK_FALSE(save_packets(*folder, "F1.pcapng", std::span{packets}.first(1), sources, true));
  CHECK(packets_in(directory / "F1.pcapng").size() == 1);
}

}  // namespace
}  // namespace wirefault::tests
