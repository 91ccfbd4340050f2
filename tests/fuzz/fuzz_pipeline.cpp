// A capture file of any kind, through the whole program: reader, trackers with hardly any memory,
// detectors, findings. Whatever is in it, the accounts of the tables balance and what a finding
// claims is coherent.
#include "capture/error.h"
#include "detectors/judgement.h"
#include "dissectors/tracking.h"
#include "tests/fuzz/read_capture.h"

namespace {

using namespace wirefault;

constexpr std::size_t memory = std::size_t{1} << 20;

bool is_printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void check(const Finding& finding) {
  tests::require(!finding.detector.empty() && !finding.entity.empty());
  tests::require(!finding.title.empty() && is_printable(finding.title));
  tests::require(finding.of == 0 || finding.count <= finding.of);
  tests::require(finding.confidence != Confidence::possible ||
                 finding.severity <= Severity::warning);
  tests::require(finding.frames.size() <= finding.frames_total);
  tests::require(finding.evidence.size() <= Evidence::most_shown);
  tests::require(std::is_sorted(finding.frames.begin(), finding.frames.end()));
}

void analyze(const std::string& file) {
  Settings settings;
  Judgement judgement{settings, {memory, {}}};
  Tracking tracking{settings, {memory, {1, 2}}, judgement};
  const auto source = open_stream(std::make_unique<tests::MemoryStream>(file), "memory");
  for (auto packets = source->next(); !packets.empty(); packets = source->next()) {
    tracking.add(packets);
  }
  tests::require(tracking.tables_balance());
  tracking.finish();
  tests::require(tracking.tables_balance());
  const Result result = judgement.result(source->sources());
  tests::require(result.counts.packets == source->sources()[0].packets);
  for (const Finding& finding : result.findings) check(finding);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    analyze({data, data + size});
  } catch (const wirefault::Error&) {
    // Not a capture, and said so.
  }
  return 0;
}
