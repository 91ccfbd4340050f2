// The capture filter of a finding is for the next capture on the same wire: it must find there what
// proves the finding, behind VLAN tags and labels too.
#include <cstring>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/samples.h"

namespace wirefault::tests {
namespace {

// Each frame of an Ethernet capture with this between its addresses and its EtherType.
std::string tagged(const std::string& capture, const std::string& tag) {
  std::string made = capture.substr(0, 24);
  const auto word = [&capture](std::size_t at) {
    std::uint32_t value = 0;
    std::memcpy(&value, &capture[at], sizeof value);
    return value;
  };
  for (std::size_t at = 24; at + 16 <= capture.size();) {
    const std::uint32_t kept = word(at + 8);
    const auto length = static_cast<std::uint32_t>(tag.size());
    const std::uint32_t sizes[] = {kept + length, word(at + 12) + length};
    made += capture.substr(at, 8);
    made.append(reinterpret_cast<const char*>(sizes), sizeof sizes);
    made += capture.substr(at + 16, 12) + tag + capture.substr(at + 28, kept - 12);
    at += 16 + kept;
  }
  return made;
}

std::string be16(std::size_t value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}

// Each packet of an Ethernet capture inside of another one, as a tunnel's two ends send it.
struct Wrapping {
  std::string_view name;
  std::size_t removed;  // of the frame: its Ethernet header, or nothing
  std::string header;   // of the tunnel, behind IP; for UDP without the UDP header
  std::uint8_t protocol;
  std::uint16_t udp_port = 0;
  bool is_v6 = false;
  char last_octet = 1;  // of the outer hosts: this and the next
};

std::string wrapped(const std::string& frame, const Wrapping& how) {
  using namespace std::string_literals;
  std::string inside = how.header + frame.substr(how.removed);
  if (how.udp_port != 0) {
    inside = "\xc3\x50"s + be16(how.udp_port) + be16(8 + inside.size()) + "\0\0"s + inside;
  }
  const std::string hosts[] = {std::string(1, how.last_octet),
                               std::string(1, static_cast<char>(how.last_octet + 1))};
  const std::string macs = "\x02\0\x5e\0\x53\x0a\x02\0\x5e\0\x53\x0b"s;
  if (how.is_v6) {
    // As Linux has it: a destination option limits the tunnels in one another (RFC 2473).
    const std::string limit =
        std::string(1, static_cast<char>(how.protocol)) + "\0\4\1\4\1\0"s + std::string(1, '\0');
    const std::string network = "\x20\x01\x0d\xb8"s + std::string(11, '\0');
    return macs + "\x86\xdd\x60\0\0\0"s + be16(limit.size() + inside.size()) + "\x3c\x40"s +
           network + hosts[0] + network + hosts[1] + limit + inside;
  }
  const std::string network = "\xcb\x00\x71"s;
  return macs + "\x08\0\x45\0"s + be16(20 + inside.size()) + "\0\0\0\0\x40"s +
         std::string(1, static_cast<char>(how.protocol)) + "\0\0"s + network + hosts[0] + network +
         hosts[1] + inside;
}

// The IPv4 packets of a capture in a tunnel, and once more in a neighbour's: with the same
// addresses but identifications of their own, so that they are no copies.
std::string in_tunnels(const std::string& capture, const Wrapping& how) {
  Wrapping other = how;
  other.last_octet = 7;
  std::string made = capture.substr(0, 24);
  const auto add = [&](std::size_t at, const std::string& frame) {
    const auto length = static_cast<std::uint32_t>(frame.size());
    const std::uint32_t sizes[] = {length, length};
    made += capture.substr(at, 8);
    made.append(reinterpret_cast<const char*>(sizes), sizeof sizes);
    made += frame;
  };
  for (std::size_t at = 24; at + 16 <= capture.size();) {
    std::uint32_t kept = 0;
    std::memcpy(&kept, &capture[at + 8], sizeof kept);
    std::string frame = capture.substr(at + 16, kept);
    if (static_cast<unsigned char>(frame[12]) == 8 && frame[13] == 0) {
      add(at, wrapped(frame, how));
      // One more or less, and the checksum right again (RFC 1624).
      const int more = (frame[19] & 1) != 0 ? -1 : 1;
      frame[19] = static_cast<char>(frame[19] + more);
      frame[25] = static_cast<char>(frame[25] - more);
      add(at, wrapped(frame, other));
    }
    at += 16 + kept;
  }
  return made;
}

std::uint64_t packets_in(const std::filesystem::path& file, const std::string& filter) {
  const ProcessResult result =
      run({WIREFAULT_PROGRAM, "analyze", "-o", "json", "-f", filter, file});
  INFO(filter << "\n" << result.err);
  REQUIRE(result.status == 0);
  return nlohmann::json::parse(result.out)["counts"]["packets"];
}

TEST_CASE("a finding's capture filter finds its packets behind tags as it does without",
          "[whole]") {
  using namespace std::string_literals;
  const std::string vlan = "\x81\x00\x00\x07"s;
  const std::string provider = "\x88\xa8\x00\x09"s;
  std::size_t filters = 0;
  for (const char* name : {"dns-unanswered/fires-server-down", "dns-refused/fires",
                           "dns-servfail-storm/fires", "tcp-refused/fires", "tcp-syn-timeout/fires",
                           "icmp-frag-needed/fires-ignored", "tcp-retransmission/fires"}) {
    for (const std::filesystem::path& each : sample_captures()) {
      if (sample_name(each) != name || each.extension() != ".pcap") continue;
      for (const std::string& tag : {std::string{}, vlan, provider + vlan}) {
        TemporaryDirectory directory;
        const auto file = directory / "tagged.pcap";
        write_file(file, tagged(read_file(each), tag));
        const ProcessResult result = run({WIREFAULT_PROGRAM, "analyze", "-o", "json", file});
        const auto report = nlohmann::json::parse(result.out);
        REQUIRE(!report["findings"].empty());
        for (const auto& finding : report["findings"]) {
          INFO(name << " " << tag.size() << " " << finding["capture_filter"]);
          // Of another kind than this one, such as of ARP, some have none.
          if (!finding["capture_filter"].is_string()) continue;
          CHECK(packets_in(file, finding["capture_filter"]) >= finding["frames_total"]);
          ++filters;
        }
      }
    }
  }
  CHECK(filters >= 21);
}

TEST_CASE("a finding's capture filter finds its packets in a tunnel", "[whole]") {
  using namespace std::string_literals;
  const std::vector<Wrapping> tunnels{
      {"IP in IP", 14, "", 4},
      {"GRE", 14, "\0\0\x08\0"s, 47},
      {"GRE", 0, "\0\0\x65\x58"s, 47},
      {"ERSPAN 42", 0, "\x10\0\x88\xbe\0\0\0\1\x10\0\0\x2a\0\0\0\0"s, 47},
      {"VXLAN 42", 0, "\x08\0\0\0\0\0\x2a\0"s, 17, 4789},
      {"VXLAN 42", 0, "\x08\0\0\0\0\0\x2a\0"s, 17, 8472},
      {"Geneve 42", 0, "\0\0\x65\x58\0\0\x2a\0"s, 17, 6081},
      {"GRE", 14, "\0\0\x08\0"s, 47, 0, true},
  };
  const std::string vlan = "\x81\x00\x00\x07"s;
  std::size_t filters = 0;
  for (const char* name : {"dns-unanswered/fires-server-down", "dns-servfail-storm/fires",
                           "tcp-refused/fires", "tcp-syn-timeout/fires"}) {
    for (const std::filesystem::path& each : sample_captures()) {
      if (sample_name(each) != name || each.extension() != ".pcap") continue;
      const std::string capture = read_file(each);
      for (const Wrapping& how : tunnels) {
        for (const bool is_tagged : {false, true}) {
          TemporaryDirectory directory;
          const auto file = directory / "tunnel.pcap";
          const std::string made = in_tunnels(capture, how);
          write_file(file, is_tagged ? tagged(made, vlan) : made);
          const ProcessResult result = run({WIREFAULT_PROGRAM, "analyze", "-o", "json", file});
          const auto report = nlohmann::json::parse(result.out);
          INFO(name << " in " << how.name);
          REQUIRE(!report["findings"].empty());
          for (const auto& finding : report["findings"]) {
            INFO(name << " " << how.name << " " << finding["capture_filter"]);
            const std::uint64_t found = packets_in(file, finding["capture_filter"]);
            CHECK(found >= finding["frames_total"]);
            const auto& who = finding["who"].back();
            if (who["role"] == "tunnel") {
              CHECK(found == report["counts"]["packets"].get<std::uint64_t>() / 2);
              CHECK(who["top"][0]["text"].get<std::string>().starts_with(std::string{how.name} +
                                                                         " between "));
              ++filters;
            }
          }
        }
      }
    }
  }
  CHECK(filters >= 2 * 2 * 3 * tunnels.size());
}

}  // namespace
}  // namespace wirefault::tests
