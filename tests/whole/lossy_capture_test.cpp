// A capture that loses half of the packets itself, one by one or in a row, must not call any of
// them unanswered, and must know about how much it lost.
#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include "tests/support/analysis.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

namespace fs = std::filesystem;

struct Capture {
  std::string header;
  std::vector<std::string> records;
};

Capture read(const fs::path& file) {
  constexpr std::size_t file_header = 24;
  constexpr std::size_t record_header = 16;
  std::ifstream stream{file, std::ios::binary};
  const std::string all{std::istreambuf_iterator<char>{stream}, {}};
  Capture capture{all.substr(0, file_header), {}};
  for (std::size_t at = file_header; at + record_header <= all.size();) {
    std::uint32_t kept = 0;
    std::memcpy(&kept, &all[at + 8], sizeof kept);
    capture.records.push_back(all.substr(at, record_header + kept));
    at += record_header + kept;
  }
  return capture;
}

// Half of the packets, about: in runs of up to `longest_run` that are kept or lost.
Capture halved(const Capture& whole, unsigned longest_run, unsigned seed) {
  std::mt19937 random{seed};
  Capture half{whole.header, {}};
  bool keeps = false;
  for (unsigned left = 0; const std::string& record : whole.records) {
    if (left == 0) {
      keeps = longest_run == 1 ? random() % 2 == 0 : !keeps;
      left = 1 + static_cast<unsigned>(random() % longest_run);
    }
    --left;
    if (keeps) half.records.push_back(record);
  }
  return half;
}

Result analyze(const Capture& capture) {
  const tests::TemporaryDirectory directory;
  const std::string file = directory / "half.pcap";
  std::string all = capture.header;
  for (const std::string& record : capture.records) all += record;
  tests::write_file(file, all);
  return test::analyze({file});
}

TEST_CASE("what only the capture lost is never more than possible", "[whole][samples]") {
  for (const char* file : {"bulk", "web", "masqueraded", "forwarded"}) {
    const Capture whole = read(in_source(fmt::format("samples/healthy/{}.pcap", file)));
    for (const unsigned longest_run : {1u, 20u}) {
      for (unsigned seed = 0; seed < 10; ++seed) {
        for (const Finding& finding : analyze(halved(whole, longest_run, seed)).findings) {
          INFO(file << ", runs of " << longest_run << ", seed " << seed << ": " << finding.title);
          CHECK(finding.confidence == Confidence::possible);
          CHECK(finding.severity <= Severity::warning);
        }
      }
    }
  }
}

// DNS alone has no acknowledgments: answers to what was never asked say it.
TEST_CASE("what only a capture of DNS lost is never more than possible", "[whole]") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    Settings settings;
    Judgement judgement{settings, {}};
    Wire wire{judgement};
    std::mt19937 random{seed};
    for (std::uint16_t i = 0; i < 300; ++i) {
      const auto port = static_cast<std::uint16_t>(40000 + i);
      Octets query = dns_query(port, static_cast<std::uint16_t>(100 + 7 * i));
      query[8 + 12 + 1] = static_cast<std::uint8_t>('a' + i % 20);  // "aww", "bww" for "www"
      Octets answer = slice(query, 8, 1000);
      answer[2] = 0x81;
      answer[3] = 0x80;
      if (random() % 2 == 0) wire.send(i * 0.1, ethernet(ip_datagram({}, query)));
      if (random() % 2 == 0) {
        wire.send(i * 0.1 + 0.01,
                  ethernet(ip_datagram({.source = "198.51.100.1", .destination = "192.0.2.1"},
                                       udp(53, port, answer))));
      }
    }
    wire.wait(60);
    wire.finish();
    for (const Finding& finding : judgement.result({}).findings) {
      INFO("seed " << seed << ": " << finding.title);
      CHECK(finding.confidence == Confidence::possible);
    }
  }
}

TEST_CASE("acknowledgments tell how much the capture lost", "[whole][samples]") {
  for (const char* file : {"samples/healthy/bulk.pcap", "samples/healthy/web.pcap"}) {
    const Capture whole = read(in_source(file));
    for (const unsigned longest_run : {1u, 20u}) {
      const Capture half = halved(whole, longest_run, 5);
      const auto lost = static_cast<double>(whole.records.size() - half.records.size()) * 1000 /
                        static_cast<double>(whole.records.size());
      const auto told = static_cast<double>(analyze(half).quality.numbers.at("lost_per_mille"));
      INFO(file << ", runs of " << longest_run << ": " << told << " of " << lost);
      CHECK(told > 0.8 * lost);
      CHECK(told < 1.2 * lost);
    }
    CHECK(analyze(whole).quality.numbers.at("lost_per_mille") == 0);
  }
}

}  // namespace
}  // namespace wirefault::test
