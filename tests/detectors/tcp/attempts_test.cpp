#include "detectors/tcp/attempts.h"

#include "tests/support/catch.h"

using namespace wirefault;

namespace {

tcp::ServiceSecond second(std::uint64_t begun, std::uint64_t completed, std::uint64_t refused) {
  tcp::ServiceSecond fact;
  fact.new_syns = begun;
  fact.completed = completed;
  fact.refused = refused;
  return fact;
}

}  // namespace

TEST_CASE("attempts are counted exactly for thousands of services", "[detectors][attempts]") {
  AttemptCounts<std::uint64_t> counts;
  for (int round = 0; round < 3; ++round) {
    for (std::uint64_t key = 0; key < 5000; ++key) counts.add(key, second(2, 1, key % 2));
  }
  for (std::uint64_t key = 0; key < 5000; ++key) {
    const Attempts* attempts = counts.find(key);
    REQUIRE(attempts != nullptr);
    REQUIRE(attempts->begun == 6);
    REQUIRE(attempts->completed == 3);
  }
  CHECK(counts.find(5000) == nullptr);
}

TEST_CASE("with too many services those that are asked most are kept", "[detectors][attempts]") {
  AttemptCounts<std::uint64_t> counts{64};
  for (std::uint64_t key = 0; key < 8; ++key) counts.add(key, second(1000, 1000, 0));
  for (std::uint64_t key = 100; key < 5000; ++key) counts.add(key, second(1, 0, 0));
  for (std::uint64_t key = 0; key < 8; ++key) {
    REQUIRE(counts.find(key) != nullptr);
    CHECK(counts.find(key)->begun == 1000);
  }
}

TEST_CASE("a count of attempts stops at its largest value", "[detectors][attempts]") {
  AttemptCounts<std::uint64_t> counts;
  for (int i = 0; i < 3; ++i) counts.add(1, second(std::uint64_t{1} << 31, 0, 0));
  CHECK(counts.find(1)->begun == 0xffffffff);
  CHECK_FALSE(counts.find(1)->has_answers());
}

TEST_CASE("a lone SYN that nobody answers is no attempt", "[detectors][attempts]") {
  AttemptCounts<std::uint64_t> counts;
  counts.add(1, second(5, 1, 1));
  tcp::ServiceSecond later;
  later.aged_3s.lone = 2;
  later.aged_3s.repeated = 1;
  counts.add(1, later);
  CHECK(counts.find(1)->begun == 3);
  // Where only a sample is followed, what became of it is an estimate.
  later.aged_3s.lone = 4;
  counts.add(1, later);
  CHECK(counts.find(1)->begun == 0);
}

TEST_CASE("when somebody last answered is known to the second", "[detectors][attempts]") {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  const Timestamp start{seconds{1700000000}};
  AttemptCounts<std::uint64_t> counts;
  tcp::ServiceSecond fact = second(1, 0, 1);
  fact.begin = start;
  counts.add(7, fact);
  fact = second(1, 0, 0);  // nobody answers this one
  fact.begin = start + seconds{9};
  counts.add(7, fact);

  const Attempts& attempts = *counts.find(7);
  CHECK(attempts.has_answers());
  CHECK(attempts.has_answers_after(start - milliseconds{1}));
  CHECK_FALSE(attempts.has_answers_after(start + milliseconds{500}));
  CHECK(attempts.silence_before(start + seconds{9}) == seconds{8});
  CHECK(attempts.silence_before(start + milliseconds{500}) == Duration::zero());
}
