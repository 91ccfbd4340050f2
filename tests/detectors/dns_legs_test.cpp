#include "detectors/knowledge/dns_legs.h"

#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"

namespace wirefault::test {
namespace {

const Asked inside{.client = "10.0.0.7"};
const Asked outside{.client = "192.0.2.1"};

dns::Transaction waiting(dns::Transaction transaction) {
  transaction.outcome = dns::Outcome::waiting;
  return transaction;
}
dns::Transaction noticed(dns::Transaction transaction) {
  transaction.noticed = true;
  return transaction;
}

}  // namespace

TEST_CASE("a query seen before and behind a NAT counts once", "[detectors][dns-legs]") {
  Frames frames;
  dns::Legs legs;
  const dns::Transaction first = unanswered(frames, inside, {1.0});
  dns::Transaction second = unanswered(frames, outside, {1.0001});
  SECTION("all facts about it") {
    CHECK(!legs.is_copy(waiting(first)));
    CHECK(legs.is_copy(waiting(second)));
    CHECK(!legs.is_copy(noticed(first)));
    CHECK(legs.is_copy(noticed(second)));
  }
  SECTION("not another question") {
    second.question.name = *dns::Name::parse("mail.example.com.");
    second.question_hash = hash_of(second.question);
    CHECK(!legs.is_copy(waiting(first)));
    CHECK(!legs.is_copy(waiting(second)));
  }
  SECTION("not the same question with another id") {
    second.id = 4711;
    CHECK(!legs.is_copy(waiting(first)));
    CHECK(!legs.is_copy(waiting(second)));
  }
  SECTION("not a second later") {
    CHECK(!legs.is_copy(waiting(first)));
    CHECK(!legs.is_copy(waiting(unanswered(frames, outside, {2.0}))));
  }
  SECTION("not to another server: some ask all of theirs at once") {
    second.server = endpoint("198.51.100.54", 53);
    CHECK(!legs.is_copy(waiting(first)));
    CHECK(!legs.is_copy(waiting(second)));
  }
}

TEST_CASE("an answer that got lost at the NAT is lost", "[detectors][dns-legs]") {
  Frames frames;
  dns::Legs legs;
  CHECK(!legs.is_copy(answered(frames, outside, 1.0001, 1.02)));
  CHECK(!legs.is_copy(waiting(unanswered(frames, inside, {1.0}))));
  CHECK(!legs.is_copy(noticed(unanswered(frames, inside, {1.0}))));
}

TEST_CASE("answers are seen on both sides of the NAT too", "[detectors][dns-legs]") {
  Frames frames;
  dns::Legs legs;
  CHECK(!legs.is_copy(answered(frames, outside, 1.0001, 1.02)));
  CHECK(legs.is_copy(answered(frames, inside, 1.0, 1.0201)));
}

}  // namespace wirefault::test
