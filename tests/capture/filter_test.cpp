#include "capture/error.h"
#include "tests/support/capture_files.h"
#include "tests/support/catch.h"

using namespace wirefault;
using namespace wirefault::tests;

namespace {

// IPv4 and UDP from 192.0.2.1 to 192.0.2.53, of this port.
std::string datagram(unsigned port) {
  const auto big = [] { return FileWriter{true}; };
  return big().u8(0x45).u8(0).u16(28).u16(1).u16(0).u8(64).u8(17).u16(0).bytes() +
         big().u32(0xc0000201).u32(0xc0000235).u16(40'000).u16(port).u16(8).u16(0).bytes();
}
const std::string ethernet =
    FileWriter{true}.u32(0x02000000).u32(0x00010200).u32(1).u16(0x0800).bytes();
const std::string cooked = FileWriter{true}.u16(0).u16(1).u16(6).u64(0).u16(0x0800).bytes();

std::vector<std::uint64_t> frames(const std::string& file, const std::string& filter) {
  FileOptions options;
  options.filter = filter;
  std::vector<std::uint64_t> numbers;
  for (const KeptPacket& kept : read_all(file, SIZE_MAX, options).packets) {
    numbers.push_back(kept.packet.ref.number());
  }
  return numbers;
}

std::string advice_for(const std::string& filter) {
  try {
    frames(PcapFile{}.bytes(), filter);
  } catch (const Error& error) {
    CHECK(std::string{error.what()} == "capture filter not understood");
    return error.advice();
  }
  return "understood";
}

}  // namespace

TEST_CASE("a filter is compiled for each link type it meets", "[capture]") {
  PcapngFile file;
  file.section().interface(1).interface(101).interface(113);
  for (const unsigned port : {53u, 80u}) {
    file.packet(0, 1, ethernet + datagram(port));
    file.packet(1, 1, datagram(port));
    file.packet(2, 1, cooked + datagram(port));
  }
  using Frames = std::vector<std::uint64_t>;
  CHECK(frames(file.bytes(), "udp port 53") == Frames{1, 2, 3});
  CHECK(frames(file.bytes(), "port 80") == Frames{4, 5, 6});
  CHECK(frames(file.bytes(), "host 192.0.2.53 and port domain") == Frames{1, 2, 3});
  CHECK(frames(file.bytes(), "tcp") == Frames{});
  CHECK(frames(file.bytes(), "") == Frames{1, 2, 3, 4, 5, 6});
}

TEST_CASE("packets that a filter leaves out are counted all the same", "[capture]") {
  PcapFile file;
  for (int i = 0; i < 1000; ++i) file.packet(1, 0, ethernet + datagram(i == 900 ? 53 : 80));
  FileOptions options;
  options.filter = "port 53";
  const auto capture = read_all(file.bytes(), SIZE_MAX, options);
  REQUIRE(capture.packets.size() == 1);
  CHECK(capture.packets[0].packet.ref.number() == 901);
  CHECK(capture.sources[0].packets == 1000);
}

TEST_CASE("a filter that a link type has no fields for is an error, not silence", "[capture]") {
  PcapFile file{{.link_type = 101}};
  file.packet(1, 0, datagram(53));
  CHECK_THROWS_AS(frames(file.bytes(), "ether host 02:00:00:00:00:01"), Error);
}

TEST_CASE("a wrong filter is refused with a caret under the place", "[capture]") {
  struct Refusal {
    std::string filter;
    std::size_t place;
    std::string complaint;
  };
  const auto refusal = GENERATE(values<Refusal>({
      {"tcp prot 443", 4, "syntax error; did you mean 'port'?"},
      {"port 53 adn tcp", 8, "syntax error; did you mean 'and'?"},
      {"port 53 and", 11, "the filter ends too early"},
      {"tcp port 53 )", 12, "syntax error"},
      {"udp port htpp", 9, "unknown port 'htpp'"},
      {"host 192.0.2.300", 5, "invalid IPv4 address '192.0.2.300'"},
  }));
  CHECK(advice_for(refusal.filter) == "    " + refusal.filter + "\n    " +
                                          std::string(refusal.place, ' ') + "^ " +
                                          refusal.complaint);
  // One line, whatever it was written on: the caret would point elsewhere.
  CHECK(advice_for("tcp port\n53 )") == advice_for("tcp port 53 )"));
}

// libpcap would ask the resolver: traffic of ours on the network under suspicion.
TEST_CASE("names of hosts in filters are never looked up", "[capture]") {
  const std::string name =
      GENERATE("www.example.com", "1.example.com", "localhost", "4a.example", "a:b.example");
  for (const std::string before : {"host ", "src ", "net ", "not ", "port 53 or host ",
                                   "port 53 and host 192.0.2.1 or ", "port 53 and tcp or ", ""}) {
    CAPTURE(before, name);
    const std::string advice = advice_for(before + name);
    CHECK(advice.find("names are not looked up") != std::string::npos);
  }
}

TEST_CASE("the whole language of filters goes through", "[capture]") {
  const std::string filter = GENERATE(
      "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn", "vlan 100 and ip6", "ether[0] & 1 = 0",
      "port (http or https) and not host 2001:db8::1", "ip proto \\tcp", "ether proto 0x0806",
      "ether host 02-00-5e-10-00-01", "net 192.0.2.0/24", "net 192.0.2.0 mask 255.255.255.0",
      "portrange 1024-2048", "src or dst port 53", "icmp[icmptype] != icmp-echo", "greater 100",
      "len <= 60 && !arp", "ip6 proto 58 and ip6[40] = 1", "wlan type mgt subtype beacon",
      "tcp[13:1] = 2", "udp[8:2] == 0xabcd", "type mgt");
  CAPTURE(filter);
  PcapFile file{{.link_type = filter.find("type mgt") != std::string::npos ? 127u : 1u}};
  CHECK_NOTHROW(frames(file.packet(1, 0, "x").bytes(), filter));
}
