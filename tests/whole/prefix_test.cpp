// A capture may end anywhere. Whatever is left of it is analysed, and an end that comes too early
// is never taken for a failure: a sample in which nothing is wrong stays that way when it is cut
// short.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/samples.h"

namespace wirefault::tests {
namespace {

constexpr std::size_t pcap_header_size = 24;
constexpr std::size_t record_header_size = 16;
constexpr std::size_t cuts_per_sample = 5;

// Where each record of a little-endian pcap file ends.
std::vector<std::size_t> record_ends(const std::string& capture) {
  std::vector<std::size_t> ends;
  std::size_t at = pcap_header_size;
  while (at + record_header_size <= capture.size()) {
    std::uint32_t captured = 0;
    std::memcpy(&captured, capture.data() + at + 8, sizeof captured);
    at += record_header_size + captured;
    if (at <= capture.size()) ends.push_back(at);
  }
  return ends;
}

// Evenly spread ends of records, and one byte short of each.
std::vector<std::size_t> cuts(const std::string& capture) {
  const std::vector<std::size_t> ends = record_ends(capture);
  const std::size_t stride = std::max<std::size_t>(1, ends.size() / cuts_per_sample);
  std::vector<std::size_t> cuts;
  for (std::size_t i = 0; i + 1 < ends.size(); i += stride) {
    cuts.push_back(ends[i]);
    cuts.push_back(ends[i] - 1);
  }
  return cuts;
}

nlohmann::json analyze(const std::filesystem::path& capture) {
  const ProcessResult result = run({WIREFAULT_PROGRAM, "analyze", "-o", "json", capture});
  REQUIRE(result.status == 0);
  return nlohmann::json::parse(result.out);
}

std::set<std::string> detectors(const nlohmann::json& report) {
  std::set<std::string> names;
  for (const auto& finding : report["findings"]) names.insert(finding["detector"]);
  return names;
}

// What a cut capture accuses somebody of, though its whole does not.
std::vector<std::string> invented(const nlohmann::json& cut, const nlohmann::json& whole) {
  const std::set<std::string> known = detectors(whole);
  std::vector<std::string> titles;
  for (const auto& finding : cut["findings"]) {
    if (finding["severity"] == "note" || known.contains(finding["detector"])) continue;
    titles.push_back(finding["detector"].get<std::string>() + ": " +
                     finding["title"].get<std::string>());
  }
  return titles;
}

TEST_CASE("a capture cut anywhere is analysed, and its end accuses nobody", "[whole]") {
  const TemporaryDirectory directory;
  const auto cut_capture = directory / "cut.pcap";
  for (const auto& sample : sample_captures()) {
    if (sample.extension() != ".pcap") continue;
    const std::string capture = read_file(sample);
    const auto whole = analyze(sample);
    const bool is_quiet = sample.stem().string().starts_with("quiet");
    for (const std::size_t size : cuts(capture)) {
      CAPTURE(sample_name(sample), size);
      write_file(cut_capture, capture.substr(0, size));
      const auto report = analyze(cut_capture);
      if (is_quiet) CHECK(invented(report, whole) == std::vector<std::string>{});
    }
  }
}

TEST_CASE("too little for a capture is refused with a message", "[whole]") {
  const TemporaryDirectory directory;
  const auto cut_capture = directory / "cut.pcap";
  const std::string capture = read_file(sample_captures().front());
  for (const std::size_t size : {0u, 1u, 3u, 4u, 23u}) {
    CAPTURE(size);
    write_file(cut_capture, capture.substr(0, size));
    const ProcessResult result = run({WIREFAULT_PROGRAM, "analyze", "-o", "json", cut_capture});
    CHECK(result.status == 2);
    CHECK(result.out == "");
    CHECK(result.err.find("cut.pcap") != std::string::npos);
  }
}

}  // namespace
}  // namespace wirefault::tests
