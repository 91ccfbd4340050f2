// Several captures of one machine, one after the other.
#include "tests/support/capture_files.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/wire.h"

namespace wirefault::tests {
namespace {

using namespace test;

// A query of 192.0.2.10 for a name of one letter, and, where wanted, its answer.
void add_query(PcapFile& file, std::uint32_t second, char letter, bool answered) {
  const Octets question =
      hex("01") + Octets{static_cast<std::uint8_t>(letter)} + hex("07 6578616d706c65 00 0001 0001");
  const Octets id = be(static_cast<std::uint8_t>(letter), 2);
  const Octets counts = hex("0001 0000 0000 0000");
  const auto add = [&](const Octets& datagram) {
    file.packet(second, 0, {datagram.begin(), datagram.end()});
  };
  add(ip_datagram({.source = "192.0.2.10", .destination = "198.51.100.53"},
                  udp(40000, 53, id + hex("0100") + counts + question)));
  if (!answered) return;
  add(ip_datagram({.source = "198.51.100.53", .destination = "192.0.2.10"},
                  udp(53, 40000, id + hex("8180") + counts + question)));
}

TEST_CASE("what a capture did not wait for is not answered by the next one", "[whole]") {
  const TemporaryDirectory directory;
  constexpr std::uint32_t start = 1'700'000'000;
  PcapFile monday{{.link_type = 101}};
  add_query(monday, start, 'a', true);
  add_query(monday, start + 10, 'b', false);
  add_query(monday, start + 12, 'b', false);
  PcapFile tuesday{{.link_type = 101}};
  PcapFile both = monday;
  for (PcapFile* file : {&tuesday, &both}) add_query(*file, start + 86400, 'c', true);
  for (PcapFile* file : {&tuesday, &both}) add_query(*file, start + 86401, 'd', true);
  write_file(directory / "monday.pcap", monday.bytes());
  write_file(directory / "tuesday.pcap", tuesday.bytes());
  write_file(directory / "both.pcap", both.bytes());

  const std::string program = WIREFAULT_PROGRAM;
  const auto apart =
      run({program, "analyze", directory / "monday.pcap", directory / "tuesday.pcap"});
  CHECK(apart.out.find("No failures found") != std::string::npos);
  const auto together = run({program, "analyze", directory / "both.pcap"});
  CHECK(together.out.find("dns-unanswered") != std::string::npos);
}

}  // namespace
}  // namespace wirefault::tests
