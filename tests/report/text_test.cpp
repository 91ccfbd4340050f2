// The screens a person sees, whole: what changes here changes what an engineer reads at 3 a.m.
#include "report/text.h"

#include <algorithm>

#include "tests/report/results.h"
#include "tests/support/catch.h"

namespace wirefault {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t start = 0;
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', start)) {
    lines.push_back(text.substr(start, at - start));
    start = at + 1;
  }
  return lines;
}

std::size_t longest_line(const std::string& text) {
  std::size_t longest = 0;
  for (const std::string& line : lines_of(text)) longest = std::max(longest, line.size());
  return longest;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

// Every control byte, an escape sequence, a bidirectional override, and no space to break at.
Result hostile() {
  Result result = tests::outage();
  std::string evil = "\x1b[2J\x1b]0;owned\x07\xe2\x80\xae";
  for (int byte = 1; byte < 256; ++byte) evil += static_cast<char>(byte);
  std::string long_name;
  while (long_name.size() < 1000) long_name += "\\000\\255label";
  result.sources[0].name = evil + ".pcap";
  result.sources[0].interfaces[0].name = evil;
  result.overrides = {evil};
  result.not_looked_at = {evil};
  result.quality.notes[0].text = evil;
  Finding& finding = result.findings[0];
  finding.title = "DNS server " + long_name + " stopped answering" + evil;
  finding.before = evil;
  finding.who[2].top[0].text = long_name;
  finding.display_filter = "dns.qry.name == \"" + long_name + "\"";
  finding.causes[0].text = evil;
  finding.causes[0].why = long_name;
  finding.causes[0].check = "dig " + evil;
  finding.next = {"dig " + long_name};
  finding.caveats[0].text = evil;
  return result;
}

}  // namespace

TEST_CASE("the table names the detectors beside a date too", "[report]") {
  Result result = tests::outage();
  result.last += std::chrono::days{400};
  const std::string text = text_report(result);
  CHECK(has(text, "DETECTOR  "));
  CHECK(has(text, "  2024-05-01 10:10:10Z\n"));
  CHECK(longest_line(text) <= 80);
}

TEST_CASE("an outage on one screen: the answer first, the worst root in full", "[report]") {
  CHECK(text_report(tests::outage()) ==
        R"(edge-7.pcapng  1,204,113 packets  29m59s from 2024-05-01 10:00:00Z  eth0, wg0
capture: usable. 212 packets dropped by the kernel (0.02%); 4% of TCP flows were
         seen in one direction only.
set: dns.answer-timeout=3s

1 critical, 1 error, 1 warning, 1 note. F2 probably follows from F1.

ID  SEV       DETECTOR            WHAT                          COUNT  FIRST
F1  critical  dns-unanswered      DNS server 192.0.2.53         1,843  10:10:10Z
                                  stopped answering
F2  error     tcp-syn-timeout     [2001:db8:1234:5678:9abc:def   311+  10:10:14Z
                                  0:1234:5678]:8443 is silent
F3  warning   dns-fragmented-     large answers of 192.0.2.54      14  10:00:30Z
              response-loss       lose their second fragment

Also worth knowing
F4  packets from 192.0.2.1 arrive out of order (14 of 3,200 segments),
    tcp-out-of-order, from 10:00:30Z

Looked at 412 DNS exchanges (all answered, p95 11 ms) and 96 TCP connections (96
opened, 0 refused, 0.10% of data retransmitted).
Not looked at: 3 DNS-over-TLS flows to 192.0.2.53:853 (encrypted).

F1  DNS server 192.0.2.53 stopped answering                   critical, probable
    what      1,843 of 1,851 queries, 10:10:10Z to 10:18:20Z (8m09s)
    detector  dns-unanswered
    before    answered 99.98%, median 2 ms
    clients   37: 198.51.100.23 (402), 198.51.100.24 (377), 198.51.100.25 (151),
              34 more
    server    192.0.2.53:53
    names     90: api.shop.example. (611), auth.shop.example. (240), 88 more
    measured  waited 5.0 s
    evidence  #81204 #81377 #402113 of 5,530 frames
    filter    dns.flags.response == 0 && ip.dst == 192.0.2.53 &&
              !dns.response_in
    bpf       host 192.0.2.53 and port 53
    likely    1. the server or its host is down: it sent no packet at all after
                 10:10:09.812, on any port
              2. the path is down: less likely, 192.0.2.54 on the same net
                 answered throughout
                 check: mtr -n -r -c 10 192.0.2.53
    caveat    the 212 drops could hide at most 212 of the missing answers
    explains  F2: the names did not resolve
    next      dig @192.0.2.53 api.shop.example +time=2 +tries=1

3 more in full: add --all.  What a detector means: wirefault explain NAME
)");
}

TEST_CASE("nothing found says what was looked at and what was not", "[report]") {
  CHECK(text_report(tests::healthy()) ==
        R"(quiet.pcap  18,220 packets  2m00s from 2024-05-01 10:00:00Z  eth0
capture: good. No drops recorded; no cut packets; both directions seen.

No failures found.
Looked at 412 DNS exchanges (all answered, p95 11 ms) and 96 TCP connections (96
opened, 0 refused, 0.10% of data retransmitted).
Not looked at: 3 DNS-over-TLS flows to 192.0.2.53:853 (encrypted).
)");
}

TEST_CASE("exchanges that failed below any threshold are not called answered", "[report]") {
  Result result = tests::healthy();
  result.counts.dns_answered = 405;
  result.counts.dns_late = 3;
  result.counts.dns_unanswered = 2;
  result.counts.dns_undecided = 2;
  result.counts.tcp_half_open = 1;
  const std::string text = text_report(result, {.width = 200});
  CHECK(has(text,
            "412 DNS exchanges (405 answered, 3 late, 2 unanswered, 2 still waiting at the end, "
            "p95 11 ms)"));
  CHECK(has(text, "1 never completed"));
}

TEST_CASE("answers that are failures are not passed over", "[report]") {
  Result result = tests::healthy();
  result.counts.dns_rcodes = {{"NOERROR", 10}, {"SERVFAIL", 8}};
  CHECK(has(text_report(result, {.width = 200}), "all answered, 8 with SERVFAIL"));
}

TEST_CASE("a file without packets that is damaged is told so", "[report]") {
  Result result = tests::healthy();
  result.counts = {};
  result.quality.notes.clear();
  result.sources[0].cut_short = CutShort{28, "block length 8"};
  CHECK(has(text_report(result, {.width = 200}), "breaks off at byte 28: block length 8"));
}

TEST_CASE("a capture without DNS or TCP is not called healthy", "[report]") {
  Result result = tests::healthy();
  result.counts = {};
  result.counts.packets = 214;
  CHECK(has(text_report(result, {.width = 200}),
            "There was no DNS exchange and no TCP connection to judge in these 214 packets: is it "
            "the right file, "
            "interface or filter?"));
  result.counts.packets = 0;
  CHECK(has(text_report(result), "No packets, so nothing to say.\n"));
}

TEST_CASE("both directions were seen only where something was answered", "[report]") {
  Result result = tests::healthy();
  result.counts.dns_answered = result.counts.tcp_opened = result.counts.tcp_refused = 0;
  CHECK(has(text_report(result, {.width = 200}), "nothing answered anything"));
}

TEST_CASE("ICMP errors alone are told from the wrong file", "[report]") {
  Result result = tests::healthy();
  result.counts = {};
  result.counts.packets = result.counts.icmp_errors = 20;
  const std::string text = text_report(result, {.width = 200});
  CHECK(has(text, "record what the ICMP errors are about as well"));
  CHECK_FALSE(has(text, "ICMP errors: "));
  CHECK(!has(text, "is it the right file"));
}

TEST_CASE("ICMP errors are told by kind, and who sent them where there is nothing else",
          "[report]") {
  Result result = tests::healthy();
  result.counts.icmp_errors = 30;
  result.counts.icmp_kinds = {{"host unreachable", 20}, {"packet too big", 10}};
  result.counts.icmp_senders = {{"host unreachable", "192.0.2.254", "198.51.100.1", 19}};
  std::string text = text_report(result, {.width = 200});
  CHECK(has(text, "30 ICMP errors (20 host unreachable, 10 packet too big)"));
  CHECK_FALSE(has(text, "198.51.100.1"));
  result.counts.dns_transactions = result.counts.tcp_connections = 0;
  text = text_report(result, {.width = 200});
  CHECK(has(text,
            "ICMP errors: host unreachable by 192.0.2.254 about 198.51.100.1 (19); 11 more.\n"));
}

TEST_CASE("responses to no open query are told beside what was answered", "[report]") {
  Result result = tests::healthy();
  result.counts.dns_stray_responses = 15;
  CHECK(has(text_report(result, {.width = 200}), "all answered, 15 responses to no open query"));
  result.counts.dns_transactions = 0;
  CHECK(has(text_report(result, {.width = 200}), "15 DNS responses to no open query"));
}

TEST_CASE("segments of no connection were looked at all the same", "[report]") {
  Result result = tests::healthy();
  result.counts = {};
  result.counts.packets = 60;
  result.findings = {tests::claim(1, "port-scan", "192.0.2.10", "it tries", 30, 30, "attempt")};
  CHECK(has(text_report(result, {.width = 200}),
            "Looked at 60 packets, with no DNS exchange and no TCP connection in them."));
}

TEST_CASE("notes that follow from others say so", "[report]") {
  Result result = tests::healthy();
  result.findings = {tests::claim(1, "port-scan", "192.0.2.10", "it tries", 30, 30, "attempt"),
                     tests::claim(2, "icmp-unreachable", "192.0.2.1", "no", 30, 0, "error")};
  for (Finding& finding : result.findings) {
    finding.severity = Severity::note;
    finding.incident = "I1";
  }
  result.incidents = {{"I1", "it tries", "F1", {"F1", "F2"}, "they are answers"}};
  CHECK(has(text_report(result), "No failures found; 2 notes. F2 probably follows from F1.\n"));
}

TEST_CASE("responses alone are told from a capture without DNS", "[report]") {
  Result result = tests::healthy();
  result.counts = {};
  result.counts.packets = 3;
  result.counts.dns_responses = 3;
  const std::string text = text_report(result);
  CHECK(has(text, "3 DNS responses came without a query in the capture"));
  CHECK_FALSE(has(text, "There was no DNS"));
}

TEST_CASE("what was left out on request is said", "[report]") {
  const std::string text =
      text_report(tests::healthy(), {.narrowed_by = "--only dns-*", .left_out = 3});
  CHECK(has(text, "No failures found within what was asked for."));
  CHECK(has(text, "Asked for --only dns-* only: 3 other findings not shown."));
}

TEST_CASE("nothing is said about the capture that was not looked at", "[report]") {
  Result result = tests::healthy();
  result.quality.numbers = {{"kernel_drops", 0}};
  CHECK(has(text_report(result), "\ncapture: good. No drops recorded.\n"));
  result.sources[0].cut_short = CutShort{1504, "the last record is incomplete"};
  result.quality.grade = Grade::degraded;
  result.quality.notes = {{"cut-short", Grade::degraded, 1, "1 file cut short"}};
  CHECK(has(text_report(result, {.width = 120}),
            "\ncapture: usable. quiet.pcap breaks off at byte 1,504: the last record is "
            "incomplete; no drops recorded.\n"));
}

TEST_CASE("a count stays with its name", "[report]") {
  Result result = tests::outage();
  result.findings[0].who[2].top = {{"a-name-that-fills-most-of-the-line.shop.example.", 611},
                                   {"auth.shop.ex.", 240}};
  CHECK(has(text_report(result), " auth.shop.ex. (240), 88 more\n"));
}

TEST_CASE("packets that were filtered away are not counted as seen", "[report]") {
  Result result = tests::healthy();
  result.counts.packets = 20;
  CHECK(has(text_report(result), "quiet.pcap  20 of 18,220 packets  "));
}

TEST_CASE("times are told with their zone, and with the day where there are several", "[report]") {
  Result result = tests::outage();
  result.last = tests::at(86400);
  CHECK(has(text_report(result), "05-01 10:10:10Z"));
  ::setenv("TZ", "UTC-5:30", 1);
  ::tzset();
  CHECK(
      has(text_report(tests::outage(), {.zone = Zone::local}), "15:40:10+05:30 to 15:48:20+05:30"));
  ::unsetenv("TZ");
  ::tzset();
  result.last = tests::at(86400 * 300);
  CHECK(has(text_report(result), "2024-05-01 10:10:10Z"));
  result.sources[0].without_time = result.sources[0].packets;
  CHECK(has(text_report(result), "times unknown"));
}

TEST_CASE("how long it lasted reads as one would say it", "[report]") {
  Result result = tests::outage();
  Finding& finding = result.findings[0];
  finding.state = FindingState::ended;
  CHECK(has(text_report(result), " queries, 10:10:10Z to 10:18:20Z (8m09s)\n"));
  finding.last = finding.first + std::chrono::milliseconds{300};
  CHECK(has(text_report(result), " queries, at 10:10:10Z (300 ms)\n"));
  finding.last = finding.first;
  CHECK(has(text_report(result), " queries, at 10:10:10Z\n"));
}

TEST_CASE("a long detector's name is broken at its hyphens", "[report]") {
  Result result = tests::outage();
  result.findings[0].detector = "dns-fragmented-response-loss";
  const std::vector<std::string> lines = lines_of(text_report(result));
  const auto row = std::find_if(lines.begin(), lines.end(),
                                [](const std::string& line) { return line.starts_with("F1 "); });
  REQUIRE(row != lines.end());
  const std::size_t column = row->find("dns-fragmented-  ");
  REQUIRE(column != row->npos);
  CHECK(row[1].substr(column).starts_with("response-loss"));
}

TEST_CASE("measures bear their units, and what is zero is not told", "[report]") {
  Result result = tests::outage();
  result.findings[0].measures = {
      {"stall_ms", 3120}, {"round_trip_ns", 5'000'000}, {"size_change_bytes", -20}, {"lost", 0}};
  CHECK(has(text_report(result, {.width = 120}),
            "  measured  stall 3,120 ms, round trip 5 ms, size change -20 bytes\n"));
}

TEST_CASE("no width is exceeded, whatever the names", "[report]") {
  for (const std::size_t width : {40U, 60U, 80U, 81U, 120U}) {
    for (const bool all : {false, true}) {
      for (const bool terminal : {false, true}) {
        const TextOptions options{.width = width, .terminal = terminal, .all = all};
        CHECK(longest_line(text_report(tests::outage(), options)) <= width);
        CHECK(longest_line(text_report(tests::healthy(), options)) <= width);
        CHECK(longest_line(text_report(hostile(), options)) <= width);
      }
    }
  }
}

TEST_CASE("no byte from outside reaches the terminal raw", "[report]") {
  for (const char character : text_report(hostile(), {.all = true})) {
    const bool safe = (character >= ' ' && character <= '~') || character == '\n';
    REQUIRE(safe);
  }
}

TEST_CASE("only severity words are colored, and only on request", "[report]") {
  CHECK_FALSE(has(text_report(tests::outage()), "\x1b"));
  const std::string text = text_report(tests::outage(), {.color = true});
  CHECK(has(text, "\x1b[1;31mcritical\x1b[0m"));
  std::string plain = text;
  for (const std::string_view code : {"\x1b[1;31m", "\x1b[31m", "\x1b[33m", "\x1b[0m"}) {
    for (std::size_t at = plain.find(code); at != plain.npos; at = plain.find(code)) {
      plain.erase(at, code.size());
    }
  }
  CHECK(plain == text_report(tests::outage()));
}

TEST_CASE("a terminal gets addresses cut in the middle, a pipe gets them whole", "[report]") {
  const std::string cut = text_report(tests::outage(), {.terminal = true});
  CHECK(has(cut, "..:8443"));
  std::string whole;
  for (const std::string& line : lines_of(text_report(tests::outage()))) {
    if (has(line, "[2001:db8:") || has(line, "0:1234:5678]:8443")) whole += line;
  }
  CHECK_FALSE(has(whole, ".."));
  CHECK(shorten_middle("2001:db8:1:2:3:4:5:53", 16) == "2001:db8:1:..:53");
  CHECK(shorten_middle("192.0.2.1:53", 16) == "192.0.2.1:53");
}

TEST_CASE("a limit shortens the table and says so", "[report]") {
  const std::string text = text_report(tests::outage(), {.limit = 2});
  CHECK(has(text, "\nand 1 more of dns-fragmented-response-loss: add --limit 3\n"));
  CHECK_FALSE(has(text, "\nF3 "));
}

TEST_CASE("many findings of one detector do not push the others off the screen", "[report]") {
  Result result = tests::outage();
  const Finding refused = result.findings[1];
  result.findings.clear();
  for (int number = 1; number <= 8; ++number) {
    result.findings.push_back(refused);
    result.findings.back().id = "F" + std::to_string(number);
  }
  result.findings.push_back(tests::resolver_down());
  result.findings.back().id = "F9";
  const std::string text = text_report(result);
  CHECK(has(text, "\nF5 "));
  CHECK_FALSE(has(text, "\nF6 "));
  CHECK(has(text, "\nF9 "));
  CHECK(has(text, "\nand 3 more of " + std::string{refused.detector} + ": add --limit 9\n"));
  CHECK(has(text_report(result, {.most_of_kind = 0}), "\nF6 "));
}

TEST_CASE("a filter too long for a screen is cut, visibly, unless all was asked for", "[report]") {
  Result result = tests::outage();
  std::string& filter = result.findings[0].display_filter;
  filter = "frame.number in {1";
  for (int number = 2; number < 500; ++number) filter += ", " + std::to_string(number);
  filter += "}";
  CHECK(has(text_report(result), "... (cut here;"));
  CHECK(has(text_report(result, {.all = true}), "499}"));
}

TEST_CASE("frames of several files are told file by file", "[report]") {
  Result result = tests::outage();
  result.sources = {tests::source("a.pcap", 10), tests::source("b.pcap", 10)};
  Finding& finding = result.findings[0];
  finding.frames = {PacketRef{0, 3}, PacketRef{0, 7}, PacketRef{1, 3}};
  finding.frames_total = 3;
  finding.evidence = {{finding.frames[0], tests::at(1), "first"},
                      {finding.frames[1], tests::at(2), "typical"},
                      {finding.frames[2], tests::at(3), "last"}};
  finding.display_filter = "frame.number in {3, 7, 3}";
  const std::string text = text_report(result);
  CHECK(has(text, "evidence  a.pcap #3 #7 b.pcap #3\n"));
  CHECK(has(text,
            "filter    a.pcap: frame.number in {3, 7}\n"
            "              b.pcap: frame.number in {3}\n"));
}

TEST_CASE("a command that has to be broken is still one command", "[report]") {
  Result result = tests::outage();
  result.findings[0].next = {
      "dig @2001:db8:1234:5678:9abc:def0:1234:5678 www.example.com +time=2 +tries=1"};
  CHECK(has(text_report(result),
            "    next      dig @2001:db8:1234:5678:9abc:def0:1234:5678 www.example.com \\\n"
            "              +time=2 +tries=1\n"));
}

}  // namespace wirefault
