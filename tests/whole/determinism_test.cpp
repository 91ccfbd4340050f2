// The same packets give the same report, however they arrive and whatever key the tables hash with
// (each run draws a new one).
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/samples.h"

namespace wirefault::tests {
namespace {

std::string analyze(const std::filesystem::path& capture,
                    const std::filesystem::path& input = "/dev/null") {
  const ProcessResult result = run({WIREFAULT_PROGRAM, "analyze", "-o", "json", capture}, input);
  CHECK(result.status == 0);
  return result.out;
}

// The report without what describes the file itself: its name, format and compression.
nlohmann::ordered_json without_sources(const std::string& report) {
  auto json = nlohmann::ordered_json::parse(report);
  json.erase("sources");
  return json;
}

std::string through_fifo(const std::filesystem::path& capture, const std::filesystem::path& fifo) {
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  std::thread writer{[&] { std::ofstream{fifo, std::ios::binary} << read_file(capture); }};
  const std::string report = analyze(fifo);
  writer.join();
  std::filesystem::remove(fifo);
  return report;
}

TEST_CASE("a report does not depend on the run", "[whole]") {
  for (const auto& capture : sample_captures()) {
    CAPTURE(sample_name(capture));
    const std::string report = analyze(capture);
    CHECK(report == analyze(capture));
    CHECK(report == analyze(capture));
  }
}

TEST_CASE("a report does not depend on how the packets arrive", "[whole]") {
  const TemporaryDirectory directory;
  for (const auto& capture : sample_captures()) {
    CAPTURE(sample_name(capture));
    const auto report = without_sources(analyze(capture));
    CHECK(report == without_sources(analyze("-", capture)));
    CHECK(report == without_sources(through_fifo(capture, directory / "fifo")));
    const auto compressed = directory / "capture.pcap.gz";
    write_file(compressed, run({"gzip", "-c", capture}).out);
    CHECK(report == without_sources(analyze(compressed)));
  }
}

TEST_CASE("a report does not depend on the capture format", "[whole]") {
  const TemporaryDirectory directory;
  const auto converted = directory / "converted.pcapng";
  for (const auto& capture : sample_captures()) {
    if (capture.extension() != ".pcap") continue;
    CAPTURE(sample_name(capture));
    const std::string report = analyze(capture);
    // A capture that breaks off in the middle of a record has no twin.
    if (!nlohmann::json::parse(report)["sources"][0]["cut_short"].is_null()) continue;
    run({"editcap", "-F", "pcapng", capture, converted});
    CHECK(without_sources(report) == without_sources(analyze(converted)));
  }
}

}  // namespace
}  // namespace wirefault::tests
