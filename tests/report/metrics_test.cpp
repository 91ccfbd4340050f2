// Metrics that Prometheus takes: one line that it does not understand and it takes none of them.
#include "report/metrics.h"

#include <map>
#include <regex>
#include <set>

#include "tests/report/live.h"
#include "tests/support/catch.h"

namespace wirefault {
namespace {

// Reads the text format as strictly as its description has it: HELP and TYPE before the samples of
// a family, families in one piece, no series twice, counters named _total. Returns the samples by
// their series; a complaint goes to Catch.
std::map<std::string, std::string> samples_of(const std::string& text) {
  static const std::regex help{R"(# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\\\n]|\\\\|\\n)+)"};
  static const std::regex type{R"(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge))"};
  static const std::regex label{R"re([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\\\|\\"|\\n)*")re"};
  static const std::regex sample{
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*)\} ([0-9]+(\.[0-9]+)?))re"};
  std::map<std::string, std::string> samples;
  std::set<std::string> families;
  std::string helped;
  std::string family;
  REQUIRE(text.ends_with('\n'));
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string line{rest.substr(0, rest.find('\n'))};
    rest.remove_prefix(line.size() + 1);
    INFO(line);
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      helped = match[1];
      CHECK(families.insert(helped).second);
    } else if (std::regex_match(line, match, type)) {
      family = match[1];
      CHECK(family == helped);
      CHECK((match[2] == "counter") == family.ends_with("_total"));
    } else {
      REQUIRE(std::regex_match(line, match, sample));
      CHECK(match[1] == family);
      std::string labels = match[2];
      std::set<std::string> names;
      while (!labels.empty()) {
        std::smatch one;
        REQUIRE(std::regex_search(labels, one, label, std::regex_constants::match_continuous));
        CHECK(names.insert(one.str().substr(0, one.str().find('='))).second);
        labels = one.suffix();
        if (!labels.empty()) {
          REQUIRE(labels[0] == ',');
          labels.erase(0, 1);
        }
      }
      CHECK(samples.emplace(line.substr(0, line.rfind(' ')), match[3]).second);
    }
  }
  return samples;
}

}  // namespace

TEST_CASE("metrics are as Prometheus reads them", "[report]") {
  LiveStatus status = tests::live_status();
  status.capture.dropped_by_ring = 212;
  status.counts.dns_rcodes["SERVFAIL"] = 7;
  status.up += std::chrono::milliseconds{5};
  const auto samples = samples_of(metrics_text(status, tests::live_board()));
  const auto of = [&](const std::string& series) {
    const auto found = samples.find("wirefault_" + series);
    return found == samples.end() ? std::string{"none"} : found->second;
  };
  CHECK(of(R"(packets_total{interface="eth0"})") == "18220");
  CHECK(of(R"(received_packets_total{interface="eth0"})") == "4586400");
  CHECK(of(R"(dropped_packets_total{interface="eth0",layer="ring"})") == "212");
  CHECK(of(R"(dropped_packets_total{interface="eth0",layer="interface"})") == "0");
  CHECK(of(R"(up_seconds{interface="eth0"})") == "252.005000000");
  CHECK(of(R"(resident_bytes{interface="eth0"})") == "42991616");
  CHECK(of(R"(dns_responses_total{interface="eth0",rcode="SERVFAIL"})") == "7");
  CHECK(of(R"(dns_responses_total{interface="eth0",rcode="REFUSED"})") == "0");
  CHECK(of(R"(tcp_attempts_total{interface="eth0",outcome="opened"})") == "96");
  CHECK(of(R"(findings_open{interface="eth0",severity="critical"})") == "1");
  CHECK(of(R"(findings_open{interface="eth0",severity="note"})") == "0");
  CHECK(of(R"(findings_open_by_detector{interface="eth0",detector="dns-unanswered",)"
           R"(severity="critical"})") == "1");
  CHECK(of(R"(findings_open_by_detector{interface="eth0",detector="tcp-out-of-order",)"
           R"(severity="note"})") == "0");
  CHECK(of(R"(findings_total{interface="eth0",detector="tcp-out-of-order"})") == "1");
}

TEST_CASE("metrics are there before anything happens", "[report]") {
  const auto samples = samples_of(metrics_text({}, {}));
  CHECK(samples.at(R"(wirefault_findings_open{interface="",severity="critical"})") == "0");
  CHECK(samples.at(R"(wirefault_dns_responses_total{interface="",rcode="SERVFAIL"})") == "0");
}

TEST_CASE("an interface's name cannot end its label", "[report]") {
  LiveStatus status;
  status.interface = "a\"b\\c\n\xff} 1";
  const std::string text = metrics_text(status, {});
  samples_of(text);
  CHECK(text.find(R"(wirefault_packets_total{interface="a\"b\\c\\010\\255} 1"} 0)") != text.npos);
}

}  // namespace wirefault
