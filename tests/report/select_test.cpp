// Asking for less must hide nothing that was asked for, and must never look like "all is well".
#include "report/select.h"

#include "capture/error.h"
#include "tests/report/results.h"
#include "tests/support/catch.h"

namespace wirefault {
namespace {

std::string kept(const Selection& selection) {
  Result result = tests::outage();
  keep_only(selection, result);
  std::string ids;
  for (const Finding& finding : result.findings) ids += finding.id;
  return ids;
}

}  // namespace

TEST_CASE("severity and confidence are floors", "[report]") {
  CHECK(kept({}) == "F1F2F3F4");
  CHECK(kept({.min_severity = Severity::warning}) == "F1F2F3");
  CHECK(kept({.min_severity = Severity::critical}) == "F1");
  CHECK(kept({.min_confidence = Confidence::probable}) == "F1F2");
  CHECK(kept({.min_confidence = Confidence::certain}) == "F2");
}

TEST_CASE("hosts match by address or prefix, whatever surrounds them", "[report]") {
  CHECK(kept({.hosts = {"192.0.2.53"}}) == "F1");
  CHECK(kept({.hosts = {"198.51.100.23"}}) == "F1");
  CHECK(kept({.hosts = {"2001:db8::/32"}}) == "F1F2");  // F1: 34 clients are not named
  CHECK(kept({.hosts = {"2001:DB8:1234:5678:9abc:def0:1234:5678"}}) == "F1F2");
  CHECK(kept({.hosts = {"192.0.2.1"}}) == "F1F3F4");
  CHECK(kept({.hosts = {"192.0.2.0/29"}}) == "F1F3F4");
}

TEST_CASE("a party that may be among those not named keeps the finding, with a caveat",
          "[report]") {
  Result result = tests::outage();
  CHECK(keep_only({.hosts = {"198.51.100.99"}}, result) == 3);
  REQUIRE(result.findings.size() == 1);
  CHECK(
      result.findings[0].caveats.back().text ==
      "only the most affected parties are known by name; 198.51.100.99 may not be among the rest");
  result = tests::outage();
  keep_only({.hosts = {"192.0.2.53"}}, result);
  CHECK(result.findings[0].caveats.size() == 1);
}

TEST_CASE("names match themselves and what is below them, in either case", "[report]") {
  CHECK(kept({.names = {"API.shop.example"}}) == "F1");
  CHECK(kept({.names = {"shop.example."}}) == "F1");
  Result result = tests::outage();
  result.findings[0].who[2] = {"name", {{"www.example.com.", 3}}, 1};
  CHECK(keep_only({.names = {"example.org"}}, result) == 4);
}

TEST_CASE("ports are those of a service, never a part of an address", "[report]") {
  CHECK(kept({.ports = {8443}}) == "F1F2");
  Result result = tests::outage();
  result.findings[0].who.erase(result.findings[0].who.begin());
  CHECK(keep_only({.ports = {5678}}, result) == 4);
}

TEST_CASE("an incident whose root was not asked for goes with it", "[report]") {
  Result result = tests::outage();
  keep_only({.min_confidence = Confidence::certain}, result);
  CHECK(result.incidents.empty());
  CHECK(result.findings[0].incident.empty());
}

TEST_CASE("a host that is no address is refused", "[report]") {
  for (const char* host : {"www.example.com", "192.0.2.1/33", "192.0.2", "2001:db8::/129", ""}) {
    CHECK_THROWS_AS(check({.hosts = {host}}), Error);
  }
  CHECK_NOTHROW(check({.hosts = {"192.0.2.1", "192.0.2.0/24", "2001:db8::/32"}}));
}

}  // namespace wirefault
