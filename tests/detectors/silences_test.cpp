#include "detectors/silences.h"

#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"

namespace wirefault::test {
namespace {

void lose(Silences& silences, double asked, std::uint64_t lookup) {
  Silence* silence = silences.of(at(asked));
  REQUIRE(silence != nullptr);
  if (silence->lookup_count == 0) silence->first = at(asked);
  silence->last = at(asked);
  silence->add_lookup(lookup);
}

TEST_CASE("what is lost finds the silence in which it was asked", "[detectors][silences]") {
  Silences silences;
  silences.end(at(0));
  silences.end(at(20));
  silences.end(at(20.5));
  CHECK(silences.of(at(20.2)) == nullptr);
  for (const std::uint64_t lookup : {1U, 2U, 1U}) lose(silences, 3, lookup);
  CHECK(silences.outages() == 0);
  lose(silences, 9, 3);
  CHECK(silences.outages() == 1);
  CHECK(silences.longest()->length() == std::chrono::seconds{6});
  CHECK_FALSE(silences.is_out());
}

TEST_CASE("a response ends what had begun", "[detectors][silences]") {
  Silences silences;
  silences.end(at(0));
  for (const std::uint64_t lookup : {1U, 2U, 3U}) lose(silences, 1, lookup);
  CHECK(silences.is_out());
  const double answered = GENERATE(2, 12);
  silences.end(at(answered));
  CHECK_FALSE(silences.is_out());
}

TEST_CASE("outages are counted when they are too many to keep", "[detectors][silences]") {
  Silences silences;
  for (int i = 0; i < 20; ++i) {
    silences.end(at(60 * i));
    lose(silences, 60 * i + 5, 1);
    lose(silences, 60 * i + 6, 2);
    lose(silences, 60 * i + (i == 4 ? 35 : 7), 3);
  }
  CHECK(silences.outages() == 20);
  CHECK(silences.longest()->length() == std::chrono::seconds{30});
}

}  // namespace
}  // namespace wirefault::test
