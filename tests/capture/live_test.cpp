#include "capture/live.h"

#include "tests/support/catch.h"

namespace wirefault {
namespace {

TEST_CASE("a counter of 32 bits that goes round goes on in 64", "[capture]") {
  WrappingCounter counter;
  counter.see(1000);
  CHECK(counter.value() == 0);  // what was before does not count
  counter.see(1500);
  CHECK(counter.value() == 500);
  counter.see(0xfffffff0);
  counter.see(16);
  CHECK(counter.value() == std::uint64_t{0xfffffff0} - 1000 + 32);
}

TEST_CASE("a counter of a device made anew starts again", "[capture]") {
  WrappingCounter counter;
  counter.see(100);
  counter.see(900);
  counter.see(5);
  CHECK(counter.value() == 800);
  counter.see(25);
  CHECK(counter.value() == 820);
  // One of 64 bits goes past 32 of them without more ado.
  counter.see(std::uint64_t{1} << 40);
  CHECK(counter.value() == 820 + (std::uint64_t{1} << 40) - 25);
}

}  // namespace
}  // namespace wirefault
