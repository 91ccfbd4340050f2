// The benchmark stands on its generated captures: the same arguments must give the same bytes, and
// the counters beside a capture must be what another program counts in it.
#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
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

// A counter of the generator and the display filter that selects the packets it counts.
struct Counter {
  const char* name;
  const char* filter;
};

constexpr Counter counters[] = {
    {"packets", "frame && !_ws.malformed"},
    {"tcp_packets", "tcp && !icmp"},
    {"tcp_syn", "tcp.flags.syn == 1 && tcp.flags.ack == 0"},
    {"tcp_syn_ack", "tcp.flags.syn == 1 && tcp.flags.ack == 1"},
    {"tcp_fin", "tcp.flags.fin == 1"},
    {"tcp_rst", "tcp.flags.reset == 1"},
    {"dns_queries", "dns.flags.response == 0 && !icmp"},
    {"dns_noerror", "dns.flags.rcode == 0"},
    {"dns_servfail", "dns.flags.rcode == 2"},
    {"dns_nxdomain", "dns.flags.rcode == 3"},
    {"dns_refused", "dns.flags.rcode == 5"},
    {"icmp_echoes", "icmp.type == 8 || icmp.type == 0"},
    {"fragments", "ip.flags.mf == 1 || ip.frag_offset > 0"},
};

// How many frames of `capture` match each counter's filter, according to tshark: the even columns
// of the one row of its table that has a "<>".
std::vector<long> count(const std::filesystem::path& capture) {
  std::string statistics = "io,stat,0";
  for (const Counter& counter : counters) statistics += "," + std::string{counter.filter};
  const ProcessResult result = run({"tshark", "-n", "-q", "-r", capture, "-z", statistics});
  REQUIRE(result.status == 0);
  const auto row = result.out.find("<>");
  REQUIRE(row != std::string::npos);
  std::istringstream columns{result.out.substr(result.out.find('|', row) + 1)};
  std::vector<long> counts;
  std::string frames, bytes;
  while (counts.size() < std::size(counters) && std::getline(columns, frames, '|') &&
         std::getline(columns, bytes, '|')) {
    counts.push_back(std::stol(frames));
  }
  REQUIRE(counts.size() == std::size(counters));
  return counts;
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
    const std::vector<long> counts = count(directory / "generated.pcap");
    for (std::size_t i = 0; i < counts.size(); ++i) {
      CAPTURE(counters[i].name);
      CHECK(counts[i] == truth[counters[i].name]);
    }
  }
}

}  // namespace
}  // namespace wirefault::tests
