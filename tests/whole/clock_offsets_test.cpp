// One traffic seen at two places whose clocks are apart: it happened once.
#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "tests/support/analysis.h"
#include "tests/support/capture_files.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace wirefault::tests {
namespace {

using namespace test;

struct Record {
  std::int64_t time = 0;  // microseconds
  std::string bytes;
};

std::vector<Record> read_records(const std::string& file) {
  const std::string all = read_file(file);
  std::vector<Record> records;
  for (std::size_t at = 24; at + 16 <= all.size();) {
    std::array<std::uint32_t, 4> head{};
    std::memcpy(head.data(), &all[at], 16);
    records.push_back({std::int64_t{head[0]} * 1'000'000 + head[1], all.substr(at + 16, head[2])});
    at += 16 + head[2];
  }
  return records;
}

// Both places see a packet at once, and the second stamps it so much later.
std::string in_order_of_arrival(const std::vector<Record>& records, std::int64_t ahead) {
  PcapngFile file;
  file.section();
  for (const char* name : {"eth0", "eth1"}) {
    file.interface(1, 0, PcapngFile::Options{}.add(2, name).end());
  }
  for (const Record& record : records) {
    file.packet(0, static_cast<std::uint64_t>(record.time), record.bytes);
    file.packet(1, static_cast<std::uint64_t>(record.time + ahead), record.bytes);
  }
  return file.bytes();
}

std::string shifted(const std::vector<Record>& records, std::int64_t ahead) {
  PcapFile file;
  for (const Record& record : records) {
    const std::int64_t time = record.time + ahead;
    file.packet(static_cast<std::uint32_t>(time / 1'000'000),
                static_cast<std::uint32_t>(time % 1'000'000), record.bytes);
  }
  return file.bytes();
}

std::multiset<std::string_view> found_in(const Result& result) {
  std::multiset<std::string_view> found;
  for (const Finding& finding : result.findings) {
    if (finding.severity >= Severity::warning) found.insert(finding.detector);
  }
  return found;
}

bool tells_of_offset(const Result& result) {
  return std::ranges::any_of(result.quality.notes, [](const QualityNote& note) {
    return note.kind == "clock-offset" && note.grade == Grade::degraded;
  });
}

}  // namespace

TEST_CASE("two clocks that are apart change nothing in what is found", "[whole]") {
  const std::string sample = GENERATE("healthy/dns", "healthy/web", "dns-unanswered/fires-loss",
                                      "tcp-retransmission/fires", "tcp-syn-timeout/fires");
  const std::int64_t ahead = GENERATE(37'000'000, -37'000'000, 400'000, -400'000, 12'000, -12'000);
  CAPTURE(sample, ahead);
  const TemporaryDirectory directory;
  const std::string original = in_source("samples/" + sample + ".pcap");
  const std::vector<Record> records = read_records(original);
  const Result once = analyze({original});

  write_file(directory / "second.pcap", shifted(records, ahead));
  const Result merged = analyze({original, directory / "second.pcap"});
  CHECK(found_in(merged) == found_in(once));
  CHECK(tells_of_offset(merged));

  write_file(directory / "both.pcapng", in_order_of_arrival(records, ahead));
  const Result both = analyze({directory / "both.pcapng"});
  CHECK(found_in(both) == found_in(once));
  CHECK(tells_of_offset(both));
  CHECK(both.quality.numbers.at("clock_steps") == 0);
  CHECK(both.counts.dns_queries == once.counts.dns_queries);
  CHECK(both.counts.tcp_retransmissions <= once.counts.tcp_retransmissions + 2);
}

TEST_CASE("two places of one clock have no offset", "[whole]") {
  const std::int64_t way = GENERATE(0, 30, 5'000, 25'000);
  const TemporaryDirectory directory;
  std::vector<Record> near = read_records(in_source("samples/tcp-retransmission/fires.pcap"));
  std::vector<Record> far = near;
  const auto is_request = [](const Record& record) { return record.bytes[29] == 10; };
  for (Record& record : far) record.time += is_request(record) ? way : -way;
  std::ranges::sort(far, {}, [](const Record& record) {
    return std::pair{record.time, record.bytes};
  });
  write_file(directory / "near.pcap", shifted(near, 0));
  write_file(directory / "far.pcap", shifted(far, 0));
  const Result merged = analyze({directory / "near.pcap", directory / "far.pcap"});
  CHECK(!tells_of_offset(merged));
  CHECK(merged.quality.numbers.at("clock_offset_ns") == 0);
}

}  // namespace wirefault::tests
