#include "detectors/incidents.h"

#include "tests/support/catch.h"

namespace wirefault::test {
namespace {

Finding finding(std::string id, std::string_view detector, int first, std::vector<Who> who) {
  Finding made;
  made.id = std::move(id);
  made.detector = detector;
  made.title = std::string{detector};
  made.first = Timestamp{std::chrono::seconds{first}};
  made.last = made.first + std::chrono::seconds{10};
  made.who = std::move(who);
  return made;
}

Who one(std::string_view role, const std::string& text) {
  return {role, {{text, 1}}, 1};
}

TEST_CASE("what follows from a root is one incident with it", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "dns-unanswered", 105,
              {one("client", "192.0.2.1"), one("server", "198.51.100.53:53")}),
      finding("F2", "icmp-unreachable", 100,
              {one("client", "192.0.2.1"), one("server", "198.51.100.53")}),
      finding("F3", "tcp-refused", 100,
              {one("client", "192.0.2.1"), one("service", "203.0.113.1:443")})};
  const auto incidents = group(findings);
  REQUIRE(incidents.size() == 1);
  CHECK(incidents[0].root == "F2");
  CHECK(incidents[0].findings == std::vector<std::string>{"F2", "F1"});
  CHECK(findings[0].incident == "I1");
  CHECK(findings[2].incident.empty());
}

TEST_CASE("what follows names its root as the cause, and nothing that speaks against it",
          "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "tcp-syn-flood", 100, {one("service", "198.51.100.7:443")}),
      finding("F2", "tcp-syn-timeout", 100, {one("service", "198.51.100.7:443")})};
  findings[0].causes = {{"attack", "", "", ""}, {"backlog", "", "", ""}};
  findings[1].causes = {{"host-down", "", "", ""}};
  std::vector<std::string_view> left = {"tcp-syn-flood"};
  SECTION("what both name stays") {
    findings[1].causes.push_back({"backlog", "", "", ""});
    left.push_back("backlog");
  }
  SECTION("and is enough where it is the likeliest") {
    findings[1].causes.insert(findings[1].causes.begin(), {"backlog", "", "", ""});
    left = {"backlog"};
  }
  SECTION("alone") {}
  CHECK(group(findings).size() == 1);
  group(findings);
  CHECK(findings[0].causes.size() == 2);
  std::vector<std::string_view> found;
  for (const Cause& each : findings[1].causes) found.push_back(each.id);
  CHECK(found == left);
}

TEST_CASE("what comes of the same path keeps its own causes", "[detectors][incidents]") {
  const auto path = [](std::string id, std::string_view detector) {
    Finding made = finding(std::move(id), detector, 100,
                           {one("client", "192.0.2.1"), one("server", "198.51.100.7:443")});
    made.entity = "198.51.100.7>192.0.2.1/0";
    made.causes = {{"own", "its own", "", ""}};
    return made;
  };
  std::vector<Finding> findings{path("F1", "tcp-retransmission"), path("F2", "tcp-out-of-order")};
  CHECK(group(findings).size() == 1);
  CHECK(findings[1].causes[0].id == "own");
}

// client --> one server, silence; --> the next, silence
TEST_CASE("one lookup that two servers leave unanswered is one failure", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "dns-unanswered", 100,
              {one("client", "192.0.2.1"), one("server", "198.51.100.54:53"),
               one("name", "www.example.com.")}),
      finding("F2", "dns-unanswered", 95,
              {one("client", "192.0.2.1"), one("server", "198.51.100.53:53"),
               one("name", "www.example.com.")})};
  for (Finding& each : findings) each.measures = {{"lookups_failed", 1}, {"lookups_saved", 0}};
  SECTION("that is so") {
    const auto incidents = group(findings);
    REQUIRE(incidents.size() == 1);
    CHECK(incidents[0].findings == std::vector<std::string>{"F2", "F1"});
  }
  SECTION("one of them fails others too") {
    findings[GENERATE(0u, 1u)].measures[0].value = 2;
    CHECK(group(findings).empty());
  }
  SECTION("it was another name") {
    findings[0].who[2] = one("name", "mail.example.com.");
    CHECK(group(findings).empty());
  }
  SECTION("a third server saved one") {
    findings[0].measures[1].value = 1;
    CHECK(group(findings).empty());
  }
}

TEST_CASE("a root that begins after its effect explains nothing", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "tcp-syn-timeout", 100, {one("service", "198.51.100.7:443")}),
      finding("F2", "tcp-syn-flood", 200, {one("service", "198.51.100.7:443")})};
  CHECK(group(findings).empty());
}

TEST_CASE("other hosts are another story", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "tcp-syn-timeout", 100, {one("service", "198.51.100.7:443")}),
      finding("F2", "tcp-syn-flood", 100, {one("service", "198.51.100.8:443")})};
  CHECK(group(findings).empty());
}

TEST_CASE("an effect's own effects go to the first root", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "dns-servfail", 105,
              {one("name", "www.example.com."), one("server", "192.0.2.53:53")}),
      finding("F2", "dns-servfail-storm", 104,
              {one("zone", "example.com."), one("server", "192.0.2.53:53")}),
      finding("F3", "dns-unanswered", 100,
              {one("client", "192.0.2.53"), one("server", "203.0.113.53:53")})};
  findings[1].variant = "zone";
  const auto incidents = group(findings);
  REQUIRE(incidents.size() == 1);
  CHECK(incidents[0].root == "F3");
  CHECK(incidents[0].findings.size() == 3);
}

TEST_CASE("a name in a storm is told with the storm", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "dns-servfail", 105,
              {one("name", "www.example.com."), one("server", "192.0.2.53:53")}),
      finding("F2", "dns-servfail-storm", 104,
              {one("zone", "example.com."), one("server", "192.0.2.53:53")})};
  Finding& name = findings[0];
  Finding& storm = findings[1];
  name.severity = storm.severity = Severity::error;
  storm.variant = "zone";
  bool is_part = true;
  SECTION("of its zone") {}
  SECTION("of all its servers") {
    storm.variant = "responder";
    SECTION("that is so") {}
    SECTION("not the other one") {
      name.who.push_back(one("server", "192.0.2.54:53"));
      is_part = false;
    }
    SECTION("which another server makes good") {
      storm.severity = Severity::warning;
      is_part = false;
    }
  }
  SECTION("of another zone") {
    storm.who[0] = one("zone", "le.com.");
    is_part = false;
  }
  SECTION("an hour before") {
    name.first -= std::chrono::hours{1};
    is_part = false;
  }
  lower_parts_of_storms(findings);
  CHECK((name.severity == Severity::note) == is_part);
  CHECK(storm.severity >= Severity::warning);
}

TEST_CASE("a forwarder is silent because its own server is", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "dns-unanswered", 100,
              {one("client", "192.0.2.10"), one("server", "192.0.2.53:53")}),
      finding("F2", "dns-unanswered", 100,
              {one("client", "192.0.2.53"), one("server", "203.0.113.53:53")})};
  SECTION("one upstream") {
    const auto incidents = group(findings);
    REQUIRE(incidents.size() == 1);
    CHECK(incidents[0].root == "F2");
  }
  SECTION("forwarders that ask each other have no root, and no end either") {
    findings[1].who[1] = one("server", "192.0.2.10:53");
    CHECK(group(findings).empty());
  }
}

TEST_CASE("a root stands before its effects", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "tcp-refused", 100, {one("service", "203.0.113.1:443")}),
      finding("F2", "tcp-syn-timeout", 100, {one("service", "198.51.100.7:443")}),
      finding("F3", "tcp-syn-flood", 100, {one("service", "198.51.100.7:443")})};
  const auto incidents = group(findings);
  CHECK(put_roots_first(findings, incidents));
  CHECK(findings[0].detector == "tcp-syn-flood");
  CHECK(findings[0].id == "F1");
  CHECK(findings[1].detector == "tcp-refused");
  const auto again = group(findings);
  REQUIRE(again.size() == 1);
  CHECK(again[0].findings == std::vector<std::string>{"F1", "F3"});
  CHECK_FALSE(put_roots_first(findings, again));
}

TEST_CASE("large packets that are dropped are named as such", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "pmtu-blackhole", 100,
              {one("client", "[2001:db8::1]:40000"), one("server", "[2001:db8::2]:443")}),
      finding("F2", "tcp-retransmission", 100,
              {one("client", "[2001:db8::1]:40000"), one("server", "[2001:db8::2]:443")})};
  const auto incidents = group(findings);
  REQUIRE(incidents.size() == 1);
  CHECK(incidents[0].root == "F1");
  CHECK(incidents[0].title.starts_with("mtu-path-drop"));
}

TEST_CASE("size explains what is as large only", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "pmtu-blackhole", 100,
              {one("client", "192.0.2.1"), one("server", "198.51.100.7:443")}),
      finding("F2", "tcp-retransmission", 100,
              {one("client", "192.0.2.1"), one("server", "198.51.100.7:443")})};
  findings[0].entity = "198.51.100.7>192.0.2.1/0";
  findings[0].measures = {{"lost_from_bytes", 1500}, {"delivered_up_to_bytes", 1400}};
  SECTION("four fifths of what is repeated are full segments") {
    findings[1].measures = {{"lost_from_bytes", 1492}};
    const auto incidents = group(findings);
    REQUIRE(incidents.size() == 1);
    CHECK(incidents[0].title ==
          "mtu-path-drop: packets larger than about 1400 bytes are dropped between 198.51.100.7 "
          "and 192.0.2.1");
    CHECK(incidents[0].why ==
          "it repeats what is too large to pass; up to 1400 bytes pass, from 1500 on they are "
          "lost");
  }
  SECTION("small ones are lost for another reason") {
    findings[1].measures = {{"lost_from_bytes", 1491}};
    CHECK(group(findings).empty());
  }
  SECTION("unless a router has refused these very ones, joined with others") {
    findings[0].detector = "icmp-frag-needed";
    findings[1].measures = {{"lost_from_bytes", 185}, {"refused_too_large", 4}};
    findings[1].count = GENERATE(8u, 9u);
    CHECK(group(findings).empty() == (findings[1].count == 9));
  }
  SECTION("a wide window is named by its upper end") {
    findings[0].measures[1].value = 600;
    CHECK(group(findings).at(0).title.find(" 1499 bytes") != std::string::npos);
  }
}

TEST_CASE("a path of fragments lies on one of packets, in its direction",
          "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "pmtu-blackhole", 100,
              {one("client", "192.0.2.1"), one("server", "198.51.100.7:443")}),
      finding("F2", "ip-fragment-loss", 100,
              {one("path", "198.51.100.7 > 192.0.2.1"), one("service", "UDP port 500")})};
  findings[0].entity = "198.51.100.7>192.0.2.1/0";
  const bool same = GENERATE(true, false);
  findings[1].entity = same ? "198.51.100.7>192.0.2.1/0" : "192.0.2.1>198.51.100.7/0";
  CHECK(group(findings).size() == (same ? 1u : 0u));
}

TEST_CASE("only answers that may be large are lost with fragments", "[detectors][incidents]") {
  std::vector<Finding> findings{
      finding("F1", "ip-fragment-loss", 100,
              {one("path", "198.51.100.53 > 192.0.2.1"), one("service", "UDP port 53")}),
      finding("F2", "dns-unanswered", 100,
              {one("client", "192.0.2.1"), one("server", "198.51.100.53:53")})};
  findings[0].entity = "198.51.100.53>192.0.2.1/0";
  findings[1].count = 10;
  const int large = GENERATE(7, 8);
  findings[1].measures = {{"large_offers_unanswered", large}};
  CHECK(group(findings).size() == (large == 8 ? 1u : 0u));
}

}  // namespace
}  // namespace wirefault::test
