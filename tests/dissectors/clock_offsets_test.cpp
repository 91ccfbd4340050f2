#include "dissectors/clock_offsets.h"

#include "tests/support/catch.h"
#include "tests/support/wire.h"

namespace wirefault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Two places, 0 and 1: what the second stamp of a packet says, in milliseconds after the first.
struct Bench {
  ClockOffsets clocks;
  double now = 0;

  void see(double apart, bool is_up, std::uint8_t first_hops = 64, std::uint8_t second_hops = 64,
           bool is_sure = true) {
    now += 0.1;
    clocks.learn({0, first_hops, test::Wire::at(now)},
                 {1, second_hops, test::Wire::at(now + apart / 1000)}, is_sure, is_up);
  }
  bool fits(double apart) const {
    return clocks.fit({1, 64, test::Wire::at(now + apart / 1000)}, {0, 64, test::Wire::at(now)});
  }
};

}  // namespace

TEST_CASE("packets seen at two places tell how far their clocks are apart", "[dissectors]") {
  Bench bench;
  for (int i = 0; i < 2; ++i) bench.see(-400, i % 2 == 0);
  CHECK(bench.clocks.found().empty());
  bench.see(-400.5, true);
  REQUIRE(bench.clocks.found().size() == 1);
  const ClockOffset offset = bench.clocks.found()[0];
  CHECK(offset.clock == 1);
  CHECK(offset.reference == 0);
  CHECK(std::chrono::round<milliseconds>(offset.ahead) == milliseconds{-400});
  CHECK(bench.fits(-399));
  CHECK(!bench.fits(-390));

  // Sorted by their stamps, they must stay as they are.
  CHECK(!bench.clocks.correct(milliseconds{20}));
  CHECK(!bench.clocks.corrects());
  CHECK(bench.clocks.correct(milliseconds{390}));
  CHECK(!bench.clocks.correct(milliseconds{390}));
  CHECK(bench.clocks.correction(1) == offset.ahead);
  CHECK(bench.clocks.correction(0) == Duration{});
}

TEST_CASE("the time on the way is no offset", "[dissectors]") {
  Bench bench;
  SECTION("a queue between two ports of a bridge") {
    for (int i = 0; i < 50; ++i) bench.see(i % 2 == 0 ? 30 : -0.1, i % 2 == 0);
  }
  SECTION("the same, one direction only") {
    for (int i = 0; i < 50; ++i) bench.see(30, true);
  }
  SECTION("two ends of a long path") {
    for (int i = 0; i < 50; ++i) {
      bench.see(i % 2 == 0 ? 60 : -20, i % 2 == 0, 64, i % 2 == 0 ? 60 : 68);
    }
  }
  CHECK(bench.clocks.found().empty());
}

TEST_CASE("an offset larger than the way is told in spite of it", "[dissectors]") {
  Bench bench;
  // 100 ms ahead, 20 ms there and back.
  for (int i = 0; i < 4; ++i) bench.see(i % 2 == 0 ? 120 : 80, i % 2 == 0, 64, i % 2 ? 68 : 60);
  REQUIRE(bench.clocks.found().size() == 1);
  CHECK(std::chrono::round<milliseconds>(bench.clocks.found()[0].ahead) == milliseconds{100});
}

TEST_CASE("no way takes as long as a leap second table is wrong", "[dissectors]") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.see(37000, true);
  REQUIRE(bench.clocks.found().size() == 1);
  CHECK(std::chrono::round<seconds>(bench.clocks.found()[0].ahead) == seconds{37});
}

TEST_CASE("packets that are merely equal prove an offset after several", "[dissectors]") {
  Bench bench;
  for (int i = 0; i < 7; ++i) bench.see(400, i % 2 == 0, 64, 64, false);
  CHECK(!bench.fits(400));
  SECTION("in a row") {
    for (int i = 0; i < 4; ++i) bench.see(400, i % 2 == 0, 64, 64, false);
    CHECK(bench.fits(400));
    CHECK(bench.clocks.found().size() == 1);
    // Another packet's repetition later does not change that.
    bench.see(900, true, 64, 64, false);
    CHECK(bench.fits(400));
  }
  SECTION("not when they disagree") {
    bench.see(900, true, 64, 64, false);
    bench.see(400, true, 64, 64, false);
    CHECK(!bench.fits(400));
    CHECK(bench.clocks.found().empty());
  }
}

}  // namespace wirefault
