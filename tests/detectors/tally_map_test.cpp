#include "detectors/tally_map.h"

#include <memory>

#include "tests/support/catch.h"

using namespace wirefault;

namespace {

dns::Name name(std::string_view text) {
  return dns::Name::parse(text).value();
}

}  // namespace

TEST_CASE("a tally map forgets what was touched least recently", "[detectors][tally]") {
  TallyMap<std::uint32_t, std::uint64_t> tallies{16};
  for (std::uint32_t key = 0; key < 16; ++key) tallies[key] = key + 100;
  CHECK(tallies.evicted() == 0);
  ++tallies[0];
  tallies[16] = 116;

  CHECK(tallies.evicted() == 1);
  CHECK(tallies.size() == 16);
  CHECK(tallies.find(1) == nullptr);
  REQUIRE(tallies.find(0) != nullptr);
  CHECK(*tallies.find(0) == 101);
  CHECK(tallies[1] == 0);  // begun anew
}

TEST_CASE("a healthy tally that gives way is no loss", "[detectors][tally]") {
  struct Tally {
    int wrong = 0;
    bool is_healthy() const { return wrong == 0; }
  };
  TallyMap<std::uint32_t, Tally> tallies{16};
  for (std::uint32_t key = 0; key < 20; ++key) tallies[key].wrong = key == 2 ? 1 : 0;
  CHECK(tallies.evicted() == 1);
}

TEST_CASE("looking at a tally does not touch it", "[detectors][tally]") {
  TallyMap<std::uint32_t, std::uint64_t> tallies{16};
  for (std::uint32_t key = 0; key < 16; ++key) tallies[key] = key;
  CHECK(tallies.find(0) != nullptr);
  tallies[16] = 16;
  CHECK(tallies.find(0) == nullptr);
}

TEST_CASE("tallies are walked in key order", "[detectors][tally]") {
  TallyMap<std::uint32_t, std::uint64_t> tallies;
  for (const std::uint32_t key : {70000u, 3u, 512u, 4u, 90u}) tallies[key] = key;
  tallies.erase(512);
  std::vector<std::uint32_t> keys;
  for (const auto& [key, tally] : tallies.sorted()) {
    keys.push_back(*key);
    CHECK(*tally == *key);
  }
  CHECK(keys == std::vector<std::uint32_t>{3, 4, 90, 70000});
}

TEST_CASE("tallies are destroyed when they go", "[detectors][tally]") {
  const auto witness = std::make_shared<int>();
  {
    TallyMap<std::uint32_t, std::shared_ptr<int>> tallies{16};
    for (std::uint32_t key = 0; key < 20; ++key) tallies[key] = witness;
    CHECK(witness.use_count() == 1 + 16);
    tallies.erase(19);
    CHECK(witness.use_count() == 1 + 15);
  }
  CHECK(witness.use_count() == 1);
}

TEST_CASE("names that differ in case share a tally", "[detectors][tally]") {
  TallyMap<dns::Name, std::uint64_t> tallies;
  const std::string long_name = "a-rather-long-label.of-some-department.example.com";
  for (const auto* text : {"a.", "WWW.Example.", "www.examplE.", "."}) ++tallies[name(text)];
  ++tallies[name(long_name)];
  ++tallies[name("A-Rather-Long-Label.OF-some-department.example.COM")];
  CHECK(tallies.size() == 4);
  CHECK(*tallies.find(name("www.example.")) == 2);
  CHECK(*tallies.find(name(long_name)) == 2);
}

TEST_CASE("a top list tells the largest first, equal ones in key order", "[detectors][tally]") {
  TopList<std::uint32_t> list;
  for (std::uint32_t key = 100; key > 0; --key) list.add(key, key % 10);
  list.add(42, 1000);
  list.add(7, 3);
  const auto top = list.top(4);
  REQUIRE(top.size() == 4);
  CHECK(top[0] == std::pair<std::uint32_t, std::uint64_t>{42, 1002});
  CHECK(top[1] == std::pair<std::uint32_t, std::uint64_t>{7, 10});
  CHECK(top[2] == std::pair<std::uint32_t, std::uint64_t>{9, 9});
  CHECK(top[3] == std::pair<std::uint32_t, std::uint64_t>{19, 9});
  CHECK(list.count_of(42) == 1002);
  CHECK(list.count_of(101) == 0);
  CHECK(list.distinct() == 100);
  CHECK(list.is_exact());
}

// What an outage left behind must outlive the thousands of healthy servers that come after it.
TEST_CASE("a tally that has come to something is given up last", "[detectors][tally]") {
  TallyMap<std::uint32_t, int> map{16};
  map[7] = 1;
  map.hold(7);
  for (std::uint32_t key = 100; key < 200; ++key) map[key] = 2;
  REQUIRE(map.find(7) != nullptr);
  CHECK(*map.find(7) == 1);
  CHECK(map.evicted() == 85);
  CHECK(map.sorted().front().tally == map.find(7));
  // Where all have, the oldest of them goes.
  for (std::uint32_t key = 300; key < 320; ++key) {
    map[key] = 3;
    map.hold(key);
  }
  CHECK(map.find(7) == nullptr);
  CHECK(map.find(319) != nullptr);
  CHECK(map.size() == 16);
}

TEST_CASE("a full top list still counts its members", "[detectors][tally]") {
  using List = TopList<std::uint32_t>;
  List list;
  for (std::uint32_t key = 0; key < List::capacity; ++key) list.add(key);
  CHECK(list.is_exact());
  list.add(5);
  list.add(1000);
  CHECK_FALSE(list.is_exact());
  CHECK(list.count_of(5) == 2);
  CHECK(list.count_of(1000) == 0);
  CHECK(list.top(1)[0].first == 5);
  // About as many as there are, however often each comes.
  for (int times = 0; times < 3; ++times) {
    for (std::uint32_t key = 0; key < 10000; ++key) list.add(key);
  }
  CHECK(list.distinct() > 8500);
  CHECK(list.distinct() < 11500);
}

TEST_CASE("there are no more members than were named", "[detectors][tally]") {
  // The estimate alone is too high for some of these.
  for (std::uint32_t many = 300; many < 3000; many += 100) {
    TopList<std::uint32_t> list;
    for (std::uint32_t key = 0; key < many; ++key) list.add(key);
    CHECK(list.distinct() <= many);
  }
}
