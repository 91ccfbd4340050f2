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

}  // namespace
}  // namespace wirefault::tests
