#include "detectors/quality.h"

#include <algorithm>
#include <limits>

#include "report/text.h"
#include "tests/support/catch.h"
#include "tests/support/wire_bench.h"

namespace wirefault::test {
namespace {

const DetectorEntry of_absence{"silent", "", "", Basis::absence, {}};
const DetectorEntry of_presence{"proven", "", "", Basis::presence, {}};

Finding finding(std::string_view detector, Confidence confidence = Confidence::probable) {
  Finding made;
  made.detector = detector;
  made.severity = Severity::error;
  made.confidence = confidence;
  made.count = 5;
  made.unit = "query";
  return made;
}

std::vector<SourceInfo> source_with(std::uint64_t drops) {
  SourceInfo source;
  source.interfaces.emplace_back();
  source.interfaces[0].dropped_by_kernel = drops;
  source.packets_dropped = drops / 2;  // told twice, counted once
  return {source};
}

Result gated(const CaptureSummary& summary, const std::vector<SourceInfo>& sources,
             std::vector<Finding> findings) {
  Result result;
  result.findings = std::move(findings);
  result.quality = assess(summary, sources);
  apply_gates(summary, sources, {&of_absence, &of_presence}, result);
  return result;
}

bool has_note(const Quality& quality, std::string_view kind) {
  return std::any_of(quality.notes.begin(), quality.notes.end(),
                     [&](const QualityNote& note) { return note.kind == kind; });
}

struct Listener final : FactListener {
  CaptureSummary summary;
  void on_capture_ended(const CaptureSummary& ended) override { summary = ended; }
};

// Each asks for another name, from another port: nobody asks again.
Result asked_once(int queries, bool one_is_answered) {
  Settings settings;
  Judgement judgement{settings, {}};
  Wire wire{judgement};
  for (int i = 0; i < queries; ++i) {
    Octets query =
        dns_query(static_cast<std::uint16_t>(40000 + i), static_cast<std::uint16_t>(100 + 7 * i));
    query[8 + 12 + 1] = static_cast<std::uint8_t>('a' + i);  // "aww", "bww" for "www"
    wire.send(i, ethernet(ip_datagram({}, query)));
  }
  if (one_is_answered) {
    Octets response = slice(dns_query(40001, 107), 8, 1000);
    response[2] = 0x81;
    response[3] = 0x80;
    response[12 + 1] = 'b';
    wire.send(queries, ethernet(ip_datagram({.source = "198.51.100.1", .destination = "192.0.2.1"},
                                            udp(53, 40001, response))));
  }
  wire.wait(60);
  wire.finish();
  return judgement.result({});
}

TEST_CASE("queries without any response are no failure, and nobody reads that all is well",
          "[detectors][quality]") {
  const Result silent = asked_once(5, false);
  CHECK(silent.findings.empty());
  CHECK(silent.quality.numbers.at("dns_unheard") == 5);
  CHECK(silent.quality.grade == Grade::degraded);
  const std::string text = text_report(silent);
  CHECK(text.find("No failures found") == std::string::npos);
  CHECK(text.find("Not one DNS response: 5 queries") != std::string::npos);
}

TEST_CASE("two queries without a response are nothing yet", "[detectors][quality]") {
  CHECK(asked_once(2, false).quality.numbers.at("dns_unheard") == 0);
}

TEST_CASE("where some response was heard, its direction was captured", "[detectors][quality]") {
  CHECK(asked_once(5, true).quality.numbers.at("dns_unheard") == 0);
}

}  // namespace

TEST_CASE("a clean capture has every number and no note", "[detectors][quality]") {
  CaptureSummary summary;
  summary.packets = 1000;
  summary.quality.has_coarse_times = false;
  const Quality quality = assess(summary, {});
  CHECK(quality.grade == Grade::ok);
  CHECK(quality.notes.empty());
  for (const char* key : {"kernel_drops", "snap_cut", "duplicates", "one_way_flows", "acked_unseen",
                          "lost_per_mille", "malformed", "not_dissected", "evicted"}) {
    CHECK(quality.numbers.count(key) == 1);
  }
}

TEST_CASE("what the capture lost it does not blame on the network", "[detectors][quality]") {
  CaptureSummary summary;
  summary.packets = 10000;
  SECTION("a few: said, with the number") {
    const Result result = gated(summary, source_with(3), {finding("silent"), finding("proven")});
    REQUIRE(result.findings.size() == 2);
    CHECK(result.findings[0].severity == Severity::error);
    REQUIRE(result.findings[0].caveats.size() == 1);
    CHECK(result.findings[0].caveats[0].text ==
          "3 dropped packets could hide at most 3 of what is missing here");
    CHECK(result.findings[1].caveats.empty());
    CHECK(result.quality.numbers.at("kernel_drops") == 3);
  }
  SECTION("a hundredth: possible at most") {
    const Result result = gated(summary, source_with(150),
                                {finding("silent"), finding("silent", Confidence::certain)});
    REQUIRE(result.findings.size() == 2);
    CHECK(result.findings[0].confidence == Confidence::possible);
    CHECK(result.findings[0].severity == Severity::warning);
    CHECK(result.findings[1].severity == Severity::error);
    CHECK(result.quality.grade == Grade::degraded);
  }
  SECTION("a tenth: withheld") {
    const Result result = gated(summary, source_with(2000), {finding("silent"), finding("proven")});
    REQUIRE(result.findings.size() == 1);
    CHECK(result.findings[0].detector == "proven");
    CHECK(result.quality.grade == Grade::unusable);
    CHECK(has_note(result.quality, "withheld"));
  }
  SECTION("acknowledgments of what was never seen say the same") {
    summary.tcp_acks = 1000;
    summary.tcp_acked_unseen = 200;
    CHECK(gated(summary, {}, {finding("silent")}).findings.empty());
  }
  SECTION("how much that is, the data tells") {
    summary.tcp_acks = 1000;
    summary.tcp_acked_unseen = 200;
    summary.tcp_acked_bytes = 1'000'000;
    summary.tcp_unseen_bytes = 500'000;
    const Quality quality = assess(summary, source_with(20));
    CHECK(quality.numbers.at("lost_per_mille") == 500);
    CHECK(std::ranges::any_of(quality.notes, [](const QualityNote& note) {
      return note.text ==
             "200 TCP acknowledgments for data missing from the capture, 50.0% of all that was "
             "acknowledged";
    }));
    CHECK(assess(summary, source_with(30'000)).numbers.at("lost_per_mille") == 750);
  }
  SECTION("one direction only") {
    summary.tcp_connections = 100;
    summary.tcp_one_sided = 95;
    CHECK(gated(summary, {}, {finding("silent")}).findings.empty());
  }
}

TEST_CASE("the shape of a port filter shows", "[detectors][quality]") {
  Listener listener;
  Wire wire{listener};
  for (std::uint16_t i = 0; i < 10; ++i) {
    wire.send(i, ethernet(ip_datagram({.identification = i},
                                      dns_query(static_cast<std::uint16_t>(40000 + i), i))));
  }
  SECTION("nothing but port 53") {
    wire.finish();
    CHECK(listener.summary.quality.common_port == 53);
    CHECK(has_note(assess(listener.summary, {}), "port-filter"));
    CHECK(hides_fragments(listener.summary, {}));
  }
  SECTION("an ICMP message that such a filter would drop") {
    wire.send(20, ethernet(ip_datagram({.protocol = ip::protocol::icmp},
                                       hex("0800 0000 0001 0001") + pattern(8))));
    wire.finish();
    CHECK(!has_note(assess(listener.summary, {}), "port-filter"));
  }
}

TEST_CASE("a filter that the capture names is told, whatever bytes it has",
          "[detectors][quality]") {
  CaptureSummary summary;
  summary.arp_packets = 1;
  SourceInfo source;
  source.interfaces.resize(2);
  source.interfaces[0].filter = "udp port 53 \x1b[2J";
  source.interfaces[1].filter = source.interfaces[0].filter;
  const Quality quality = assess(summary, {source});
  REQUIRE(quality.notes.size() == 1);
  CHECK(quality.notes[0].kind == "capture-filter");
  CHECK(quality.notes[0].text ==
        "captured with the filter 'udp port 53 \\027[2J': what it left out is not judged");
  CHECK(hides_fragments(summary, {source}));
  CHECK(!hides_fragments(summary, {}));
}

TEST_CASE("silence, clock steps and encrypted DNS are counted", "[detectors][quality]") {
  Listener listener;
  Wire wire{listener};
  const auto steady = [&](double from, double to) {
    for (double at = from; at < to; at += 0.0201) {
      wire.send(at, ethernet(ip_datagram({.identification = 9}, udp(7, 8, pattern(9)))));
    }
  };
  steady(0, 10);
  steady(20, 30);
  wire.send(25, ethernet(ip_datagram({}, udp(41000, 853, pattern(9)))));
  wire.send(25, ethernet(ip_datagram({}, udp(41001, 853, pattern(9)))));
  wire.finish();
  const CaptureQuality& quality = listener.summary.quality;
  CHECK(quality.silences == 1);
  CHECK(quality.longest_silence > std::chrono::seconds{9});
  CHECK(quality.clock_steps == 1);
  const auto clauses = not_looked_at(listener.summary);
  REQUIRE(clauses.size() == 1);
  CHECK(clauses[0] == "2 encrypted DNS flows to 198.51.100.1:853");
}

TEST_CASE("an hour without a packet is told with the frame that ended it", "[detectors][quality]") {
  Listener listener;
  Wire wire{listener};
  const double pause = GENERATE(3599, 3600, 86400);
  for (const double at : {0.0, 1.0, 1.0 + pause, 2.0 + pause}) {
    wire.send(at, ethernet(ip_datagram({.identification = 9}, udp(7, 8, pattern(9)))));
  }
  wire.finish();
  const Quality quality = assess(listener.summary, {}, {});
  const bool is_told = std::ranges::any_of(quality.notes, [&](const QualityNote& note) {
    return note.kind == "pause" && note.text.ends_with("before frame 3");
  });
  CHECK(is_told == (pause >= 3600));
  CHECK(quality.grade == Grade::ok);
}

TEST_CASE("packets that no link carries were made by offload", "[detectors][quality]") {
  for (const std::size_t size : {std::size_t{9000}, std::size_t{20000}}) {
    Listener listener;
    Wire wire{listener};
    wire.send(0, ethernet(ip_datagram({.identification = 9}, udp(7, 8, pattern(size)))));
    wire.finish();
    CHECK(has_note(assess(listener.summary, {}), "offload") == (size > 9400));
  }
}

TEST_CASE("a file that breaks off is no good capture, without packets none at all",
          "[detectors][quality]") {
  std::vector<SourceInfo> sources(1);
  sources[0].cut_short = CutShort{28, "block length 8"};
  CaptureSummary summary;
  CHECK(assess(summary, sources).grade == Grade::unusable);
  summary.packets = 100;
  const Quality quality = assess(summary, sources);
  CHECK(quality.grade == Grade::degraded);
  CHECK(has_note(quality, "cut-short"));
}

TEST_CASE("packets of unknown links make a capture poor when they are most of it",
          "[detectors][quality]") {
  CaptureSummary summary;
  summary.packets = 100;
  summary.unknown_links[195] = 1;
  CHECK(assess(summary, {}).grade == Grade::degraded);
  summary.unknown_links[147] = 50;
  const Quality quality = assess(summary, {});
  CHECK(quality.grade == Grade::unusable);
  CHECK(quality.numbers.at("unknown_link") == 51);
  CHECK(quality.notes[0].text == "1 packet of link type 195, which is not known");
  CHECK(quality.notes[1].text == "50 packets of link type 147, which is not known");
}

TEST_CASE("refusals whose SYN is missing are told", "[detectors][quality]") {
  CaptureSummary summary;
  summary.tcp_refused_unseen = 3;
  CHECK(not_looked_at(summary) ==
        std::vector<std::string>{"3 refusals by RST without a SYN in this capture"});
}

TEST_CASE("many kinds that are rare each are told as one", "[detectors][quality]") {
  CaptureSummary summary;
  summary.packets = 1000;
  for (int kind = 0; kind < 9; ++kind) summary.not_dissected["kind " + std::to_string(kind)] = 1;
  CHECK(not_looked_at(summary).empty());
  summary.not_dissected["kind 9"] = 1;
  CHECK(not_looked_at(summary) == std::vector<std::string>{"10 packets of other kinds"});
  summary.not_dissected["IPX"] = 20;
  CHECK(not_looked_at(summary) ==
        std::vector<std::string>{"20 packets of IPX", "10 packets of other kinds"});
}

TEST_CASE("counters of drops that are beyond belief do not go round", "[detectors][quality]") {
  std::vector<SourceInfo> sources(2);
  for (SourceInfo& source : sources) {
    source.packets_dropped = std::numeric_limits<std::uint64_t>::max();
    source.interfaces.resize(3);
    for (InterfaceInfo& interface : source.interfaces) {
      interface.dropped_by_kernel = std::numeric_limits<std::uint64_t>::max();
      interface.dropped_by_interface = 2;
    }
  }
  CaptureSummary summary;
  summary.packets = 100;
  const Quality quality = assess(summary, sources);
  CHECK(quality.grade == Grade::unusable);
  CHECK(quality.numbers.at("kernel_drops") == SourceInfo::most_drops);
  CHECK(gated(summary, sources, {finding("silent")}).findings.empty());
}

// A filter on SYN leaves no ARP either; whoever captures a flood alone has that with it.
TEST_CASE("SYNs alone are told from a flood alone", "[detectors]") {
  CaptureSummary summary;
  summary.tcp_only_syns = true;
  summary.tcp_connections = 100;
  CHECK(lacks_all_but_syns(summary));
  summary.arp_packets = 1;
  CHECK_FALSE(lacks_all_but_syns(summary));
  summary.arp_packets = 0;
  summary.tcp_only_syns = false;
  CHECK_FALSE(lacks_all_but_syns(summary));
}

}  // namespace wirefault::test
