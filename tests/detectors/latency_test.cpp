#include "detectors/latency.h"

#include "tests/support/catch.h"

using namespace wirefault;
using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST_CASE("no percentile is above the largest latency", "[detectors][latency]") {
  LatencyHistogram latencies;
  CHECK(latencies.percentile(95) == Duration::zero());
  // Just above the lower edge of its bucket, 8.192 to 10.24 ms.
  for (int i = 0; i < 9; ++i) latencies.add(microseconds{8200});
  CHECK(latencies.percentile(50) == microseconds{8200});
  CHECK(latencies.percentile(95) == microseconds{8200});
  latencies.add(milliseconds{100});
  CHECK(latencies.percentile(50) == microseconds{9216});
  CHECK(latencies.percentile(100) == milliseconds{100});
}

TEST_CASE("what came since knows nothing of what came before", "[detectors][latency]") {
  LatencyHistogram latencies;
  latencies.add(milliseconds{5000});
  const LatencyHistogram before = latencies;
  for (int i = 0; i < 5; ++i) latencies.add(milliseconds{2});
  CHECK(latencies.since(before).count() == 5);
  CHECK(latencies.since(before).percentile(95) < milliseconds{3});
  latencies.add(milliseconds{6000});
  CHECK(latencies.since(before).percentile(95) == milliseconds{6000});
}
