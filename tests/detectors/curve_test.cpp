#include "detectors/curve.h"

#include "tests/support/catch.h"

namespace wirefault::test {

TEST_CASE("a curve has sixteen steps at most", "[detectors][curve]") {
  Curve curve;
  for (int second = 100; second < 116; ++second) curve.add(second, 1000);
  const std::string_view each =
      "x in each second: 1,000 1,000 1,000 1,000 1,000 1,000 1,000 1,000 1,000 1,000 1,000 1,000 "
      "1,000 1,000 1,000 1,000";
  CHECK(curve.to_string("x") == each);
  SECTION("and wider ones when it goes on") {
    curve.add(119, 5);
    CHECK(curve.to_string("x") ==
          "x in steps of 2 s: 2,000 2,000 2,000 2,000 2,000 2,000 2,000 2,000 0 5");
  }
  SECTION("and none of nothing at its end") {
    curve.add(117, 0);
    CHECK(curve.to_string("x").ends_with("2,000 2,000"));
  }
  SECTION("nor before its beginning") {
    curve.add(99, 7);
    CHECK(curve.to_string("x") == each);
  }
}

}  // namespace wirefault::test
