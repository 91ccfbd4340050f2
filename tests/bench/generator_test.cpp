// The benchmark stands on its generated captures: the same arguments must give the same bytes, and
// the counters beside a capture must be what another program counts in it.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace wirefault::tests {
namespace {

std::string generate(const TemporaryDirectory& directory, std::vector<std::string> arguments) {
  const auto capture = directory / "generated.pcap";
  std::vector<std::string> command = {WIREFAULT_GENERATOR, "--out", capture, "--truth",
                                      directory / "truth.json"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const ProcessResult result = run(command);
  REQUIRE(result.err == "");
  REQUIRE(result.status == 0);
  return read_file(capture);
}

// How many frames of the capture generated last match `filter`, according to tshark.
long count(const TemporaryDirectory& directory, const std::string& filter) {
  const ProcessResult result = run({"tshark", "-n", "-r", directory / "generated.pcap", "-Y",
                                    filter, "-T", "fields", "-e", "frame.number"});
  REQUIRE(result.status == 0);
  return std::count(result.out.begin(), result.out.end(), '\n');
}

const char* const scenarios[] = {"mix", "dns", "syn-flood", "many-flows"};

TEST_CASE("the generator gives the same bytes for the same arguments", "[whole]") {
  const TemporaryDirectory directory;
  for (const std::string scenario : scenarios) {
    CAPTURE(scenario);
    const std::vector<std::string> arguments = {"--scenario", scenario,  "--packets",
                                                "5k",         "--flows", "300"};
    std::vector<std::string> reseeded = arguments;
    reseeded.insert(reseeded.end(), {"--seed", "2"});
    const std::string first = generate(directory, arguments);
    CHECK(first == generate(directory, arguments));
    CHECK(first != generate(directory, reseeded));

    std::vector<std::string> piped = {WIREFAULT_GENERATOR, "--out", "-"};
    piped.insert(piped.end(), arguments.begin(), arguments.end());
    CHECK(first == run(piped).out);
  }
}

TEST_CASE("the generator's counters agree with tshark", "[whole]") {
  const TemporaryDirectory directory;
  const std::vector<std::string> format =
      GENERATE(std::vector<std::string>{}, std::vector<std::string>{"--format", "pcapng"});
  for (const std::string scenario : scenarios) {
    CAPTURE(scenario, format);
    std::vector<std::string> arguments = {"--scenario", scenario,  "--packets",
                                          "5k",         "--flows", "300"};
    arguments.insert(arguments.end(), format.begin(), format.end());
    generate(directory, arguments);
    const auto truth = nlohmann::json::parse(read_file(directory / "truth.json"));
    CHECK(truth["packets"] == 5000);
    CHECK(count(directory, "frame") == 5000);
    CHECK(count(directory, "_ws.malformed") == 0);
    CHECK(count(directory, "tcp && !icmp") == truth["tcp_packets"]);
    CHECK(count(directory, "tcp.flags.syn == 1 && tcp.flags.ack == 0") == truth["tcp_syn"]);
    CHECK(count(directory, "tcp.flags.syn == 1 && tcp.flags.ack == 1") == truth["tcp_syn_ack"]);
    CHECK(count(directory, "tcp.flags.reset == 1") == truth["tcp_rst"]);
    CHECK(count(directory, "dns.flags.response == 0 && !icmp") == truth["dns_queries"]);
    CHECK(count(directory, "dns.flags.rcode == 0 && !icmp") == truth["dns_noerror"]);
    CHECK(count(directory, "dns.flags.rcode == 2 && !icmp") == truth["dns_servfail"]);
    CHECK(count(directory, "dns.flags.rcode == 3 && !icmp") == truth["dns_nxdomain"]);
    CHECK(count(directory, "ip.flags.mf == 1 || ip.frag_offset > 0") == truth["fragments"]);
    CHECK(count(directory, "icmp.type == 8 || icmp.type == 0") == truth["icmp_echoes"]);
  }
}

}  // namespace
}  // namespace wirefault::tests
