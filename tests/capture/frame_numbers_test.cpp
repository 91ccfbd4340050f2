// Frame numbers are what a user types into Wireshark: they must be Wireshark's own.
#include <sstream>

#include "tests/support/capture_files.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

using namespace wirefault;
using namespace wirefault::tests;

namespace {

const std::string frame(60, 'x');

// Every kind of block that might count, each followed by a packet with a length of its own.
std::string every_kind_of_block() {
  constexpr std::uint32_t private_enterprise_number = 32473;  // for documentation, RFC 5612
  const std::string custom =
      FileWriter{}.u32(private_enterprise_number).raw("whatever it is").bytes();
  const std::string sysdig =
      FileWriter{}.u16(0).u64(1).u64(1).u32(26).u16(1).u32(1).raw(std::string(40, 'x')).bytes();
  const std::vector<std::pair<std::uint32_t, std::string>> blocks = {
      {4, FileWriter{}.u32(0).bytes()},                               // name resolution
      {5, FileWriter{}.u32(0).u64(0).bytes()},                        // interface statistics
      {7, std::string(40, 'x')},                                      // IRIG timestamp
      {8, std::string(40, 'x')},                                      // ARINC 429
      {9, "__REALTIME_TIMESTAMP=1700000000000000\n\n"},               // systemd journal
      {10, FileWriter{}.u32(0x544c534b).u32(4).raw("abcd").bytes()},  // decryption secrets
      {0x0bad, custom},
      {0x40000bad, custom},
      {0x201, std::string(40, 'x')},  // sysdig machine info
      {0x204, sysdig},
      {0x216, sysdig},
      {0x217, std::string(40, 'x')},
      {0x221, sysdig},
      {0x0badcafe, std::string(40, 'x')},
      {0x80000001, std::string(40, 'x')},
  };
  PcapngFile file;
  file.section().block(0x0bad, custom).interface();
  unsigned length = 60;
  for (const auto& [type, body] : blocks) {
    file.block(type, body).packet_of_lengths(0, 1, frame.size(), ++length, frame);
  }
  file.simple_packet(frame.size(), frame).obsolete_packet(0, 0, 1, frame);
  file.packet_of_lengths(0, 1, frame.size(), ++length, frame);
  file.section(true).interface(101).packet_of_lengths(0, 1, frame.size(), ++length, frame);
  return file.bytes();
}

}  // namespace

TEST_CASE("frames are numbered as tshark numbers them", "[capture]") {
  if (run({"tshark", "--version"}).status != 0) {
    WARN("skipped: tshark is not installed");
    return;
  }
  const TemporaryDirectory directory;
  const std::string name = directory / "capture.pcapng";
  write_file(name, every_kind_of_block());
  const ProcessResult theirs = run({"tshark", "-n", "-r", name, "-Y", "frame.len >= 60", "-T",
                                    "fields", "-e", "frame.number", "-e", "frame.len"});
  REQUIRE(theirs.status == 0);

  std::ostringstream ours;
  for (const KeptPacket& kept : read_all(every_kind_of_block()).packets) {
    ours << kept.packet.ref.number() << '\t' << kept.packet.original_length << '\n';
  }
  CHECK(ours.str() == theirs.out);
}
