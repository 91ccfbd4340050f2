#include "detectors/knowledge/connect_failures.h"

#include "detectors/audience.h"
#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"

namespace wirefault::test {
namespace {

struct Told final : KnowledgeListener {
  std::vector<tcp::ConnectFailure> failures;
  void on_connect_failure(const tcp::ConnectFailure& failure) override {
    failures.push_back(failure);
  }
};

constexpr const char* asking = "192.0.2.10";
constexpr const char* silent = "198.51.100.1";
constexpr const char* second = "198.51.100.2";
constexpr const char* other_site = "203.0.113.7";

class Client {
 public:
  void is_told(std::initializer_list<const char*> addresses) {
    dns::AddressSet set;
    for (const char* text : addresses) {
      set.addresses[set.count++] = *IpAddress::parse(text);
    }
    failures_.add(set);
  }
  void opens(double when, const std::string& server) {
    tcp::Opened opened;
    opened.initiator = endpoint(asking, 40001);
    opened.responder = endpoint(server, 443);
    opened.asked = at(when);
    opened.opened = at(when + 0.01);
    failures_.add(opened);
  }
  // From second 10 on it asks three times in vain. What it got through at then; empty: nowhere.
  std::string alternative() {
    Frames frames;
    tcp::Handshake failed;
    failed.opening.initiator = endpoint(asking, 40000);
    failed.opening.responder = endpoint(silent, 443);
    failed.outcome = tcp::HandshakeOutcome::silent;
    failed.settled = at(76);
    for (const double when : {10.0, 11.0, 13.0}) failed.syns.add(frames.at(when));
    Told told;
    failures_.add(failed, told);
    failures_.finish(told);
    REQUIRE(told.failures.size() == 1);
    return told.failures[0].has_alternative ? told.failures[0].alternative.address.to_string() : "";
  }

 private:
  tcp::ConnectFailures failures_;
};

}  // namespace

TEST_CASE("another address of the name is the alternative", "[detectors][connect-failures]") {
  Client client;
  client.is_told({silent, second});
  SECTION("among several that were opened") {
    client.opens(14, other_site);
    client.opens(15, second);
    CHECK(client.alternative() == second);
  }
  SECTION("though it had been in use before") {
    client.opens(5, second);
    client.opens(15, second);
    CHECK(client.alternative() == second);
  }
  SECTION("and no other site is") {
    client.opens(14, other_site);
    CHECK(client.alternative().empty());
  }
  SECTION("nor is it when it was opened before") {
    client.opens(5, second);
    CHECK(client.alternative().empty());
  }
}

TEST_CASE("without DNS the alternative is guessed", "[detectors][connect-failures]") {
  Client client;
  client.is_told({second, other_site});
  client.opens(14, other_site);
  SECTION("where it is the only one opened") {
    CHECK(client.alternative() == other_site);
  }
  SECTION("and not where it is one of two") {
    client.opens(15, second);
    CHECK(client.alternative().empty());
  }
}

}  // namespace wirefault::test
