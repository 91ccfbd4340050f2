// The live screen: what an engineer sees in an outage, on any terminal, whatever the names on the
// wire are.
#include "report/screen.h"

#include <algorithm>

#include "report/markdown.h"
#include "tests/report/live.h"
#include "tests/support/catch.h"

namespace wirefault {
namespace {

using std::chrono::seconds;

// The lines as they would be seen, without the spaces at their ends.
std::string picture(const std::vector<std::string>& lines) {
  std::string text;
  for (std::string line : lines) {
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  }
  return text;
}

std::string draw(const LiveStatus& status, const Board& board, const ScreenState& state,
                 ScreenSize size, const ScreenLook& look = {}) {
  return picture(draw_screen(status, board, state, size, look));
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

// Columns a line takes: SGR sequences and the later bytes of a character take none.
std::size_t columns(const std::string& line) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\x1b') {
      at = line.find('m', at);
      REQUIRE(at != line.npos);
      continue;
    }
    if ((static_cast<unsigned char>(line[at]) >> 6) != 2) ++count;
  }
  return count;
}

// Names of every byte, escape sequences and no place to break a line at.
Board hostile_board() {
  std::string evil = "\x1b[2J\x1b]0;owned\x07\xe2\x80\xae\xc2\x9b`|<script>";
  for (int byte = 0; byte < 256; ++byte) evil += static_cast<char>(byte);
  Result result;
  Finding finding = tests::resolver_down();
  finding.title = finding.entity = finding.before = evil;
  finding.unit = "query";
  finding.who[0].top[0].text = evil;
  finding.causes[0].text = finding.causes[0].why = finding.causes[0].check = evil;
  finding.next = {evil};
  finding.caveats[0].text = evil;
  finding.evidence[0].note = evil;
  finding.display_filter = finding.capture_filter = evil;
  result.findings = {finding};
  Board board;
  board.take(result, tests::at(848));
  return board;
}

}  // namespace

TEST_CASE("an outage on 80 by 24", "[report]") {
  const Board board = tests::live_board();
  CHECK(draw(tests::live_status(), board, tests::live_state(board), {80, 24}) ==
        R"(eth0  up 4m12  18.2k pkt/s  96.4 Mb/s  drops 0  flows 3.9k  41M  Ethernet
DNS   412 q/s  no answer 61.3%  servfail  0.2%  p50   2ms  p95  5.0s  ____.-=###
TCP    96 c/s  syn fail  31.0%  reset     1.1%  retx  0.4%  rtt   3ms _____---==
not looked at: own ssh session (198.51.100.9:5..  evidence: e.pcapng 3/20 100 MB
--------------------------------------------------------------------------------
    AGE SEV      ID  WHAT                                           COUNT    NOW
>  3m57 critical F2  DNS server 192.0.2.53 stopped answering        1,843   41/s
   3m54 error    F3  [2001:db8:1234:5678:9abc:..:8443 is silent       311    0/s
   3m56 warning  F4  DNS server 192.0.2.54 answers late             1,955    0/s
  10m14 note     F1  packets from 192.0.2.1 arrive out of order        14  ended
--------------------------------------------------------------------------------
F2 DNS server 192.0.2.53 stopped answering                    critical, probable
   what    1,843 of 1,851 queries since 10:10:10Z
   before  answered 99.98%, median 2 ms
   clients 37: 198.51.100.23 (402), 198.51.100.24 (377), 198.51.100.25 (151), 34
           more
   likely  1. the server or its host is down: it sent no packet at all after
           10:10:09.812, on any port
           2. the path is down: less likely, 192.0.2.54 on the same net answered
           throughout
   next    dig @192.0.2.53 api.shop.example +time=2 +tries=1
--------------------------------------------------------------------------------
up/down select  enter ladder  e explain  w save evidence  p pause  / filter
s sort  c clear  m copy as markdown  ? help  q quit (prints this as a summary)
)");
}

TEST_CASE("an outage on 40 by 10", "[report]") {
  const Board board = tests::live_board();
  CHECK(draw(tests::live_status(), board, tests::live_state(board), {40, 10}) ==
        R"(eth0  18.2k pkt/s  96.4 Mb/s  drops 0
DNS   412 q/s  no answer 61.3% ___.-=###
TCP    96 c/s  syn fail  31.0% ____---==
> critical DNS server 192.0.2.53 stopp..
  error    [2001:db8:12..:8443 is silent
  warning  DNS server 192.0.2.54 answe..
F2 DNS server 192.0.2.53 stopped answe..
 1,843 of 1,851 queries since 10:10:10Z
 likely 1. the server or its host is
enter ladder e explain ? help q quit
)");
}

TEST_CASE("a wide screen has room for the detector, blocks for what failed, colour", "[report]") {
  const Board board = tests::live_board();
  const std::string text = draw(tests::live_status(), board, tests::live_state(board), {120, 30},
                                {true, true, Zone::utc});
  CHECK(has(text, "▁▁▁▁▁▁▂▄▆▇██\n"));
  CHECK(has(text, ">  3m57 \x1b[1;31mcritical\x1b[0m F2  dns-unanswered       DNS server"));
  CHECK(has(text, "\x1b[33mwarning\x1b[0m  F4"));
  CHECK(has(text, "dig @192.0.2.53"));
}

TEST_CASE("the first seconds are never a blank", "[report]") {
  LiveStatus status;
  status.interface = "eth0";
  status.up = seconds{3};
  const Board board;
  const ScreenState state;
  CHECK(has(draw(status, board, state, {80, 24}), "Waiting for packets on eth0: none in 3s."));
  status.counts.packets = 214;
  CHECK(has(draw(status, board, state, {80, 24}),
            "Seen 214 packets, 0 DNS, 0 TCP: check the interface (-i) or the filter."));
  status.counts.dns_queries = 3;
  status.counts.tcp_connections = 1;
  const std::string text = draw(status, board, state, {80, 24});
  CHECK(has(text, "No finding so far. Seen 214 packets, 3 DNS messages and 1 TCP"));
  CHECK(has(text, "What stays unanswered shows once its time is up, after seconds."));
  status.is_down = true;
  CHECK(has(draw(status, board, {}, {80, 24}), "eth0  DOWN"));
  status.counts = {};
  CHECK(has(draw(status, board, state, {80, 24}), "eth0 is down: waiting for it to come back."));
}

TEST_CASE("what was lost is told with who lost it", "[report]") {
  LiveStatus status = tests::live_status();
  status.capture.dropped_by_ring = 2120;
  status.capture.dropped_by_interface = 3;
  status.is_emergency = true;
  status.is_paused = true;
  for (const ScreenSize size : {ScreenSize{80, 24}, ScreenSize{40, 10}}) {
    const std::string text = draw(status, {}, {}, size);
    CHECK(has(text, "drops 2.1k ring 3 interface"));
    CHECK(has(text, "EMERGENCY: tables are full"));
    CHECK(has(text, "PAUSED"));
  }
}

TEST_CASE("every size has as many lines and columns, in every view", "[report]") {
  LiveStatus status = tests::live_status();
  status.interface = status.filter = status.excluded = status.evidence = "\x1b[2J\xff name";
  const Board plain = tests::live_board();
  const Board hostile = hostile_board();
  for (const Board* board : {&plain, &hostile}) {
    ScreenState state = tests::live_state(*board);
    for (const View view : {View::list, View::detail, View::explain, View::copied, View::help}) {
      state.view = view;
      for (std::size_t width : {1U, 2U, 10U, 29U, 40U, 59U, 60U, 79U, 80U, 100U, 200U}) {
        for (std::size_t height : {1U, 2U, 3U, 4U, 5U, 6U, 10U, 13U, 14U, 20U, 24U, 60U}) {
          const bool look = (width + height) % 2 == 0;
          const auto lines =
              draw_screen(status, *board, state, {width, height}, {look, look, Zone::utc});
          INFO(width << " by " << height << " view " << static_cast<int>(view));
          REQUIRE(lines.size() == height);
          for (const std::string& line : lines) REQUIRE(columns(line) <= width);
        }
      }
    }
  }
}

TEST_CASE("no byte from the wire reaches the terminal as it is", "[report]") {
  LiveStatus status = tests::live_status();
  status.interface = status.filter = status.excluded = status.evidence =
      "\x1b[2J\xff\xc2\x9b\n\x7f";
  const Board board = hostile_board();
  ScreenState state = tests::live_state(board);
  state.message = "\x1b]0;owned\x07";
  for (const bool with_message : {true, false}) {
    if (!with_message) state.message.clear();
    for (const View view : {View::list, View::detail, View::explain, View::copied, View::help}) {
      state.view = view;
      for (const auto& line : draw_screen(status, board, state, {100, 200})) {
        for (const char byte : line) REQUIRE((byte >= ' ' && byte <= '~'));
      }
    }
  }
  state.view = View::list;
  CHECK(has(draw(status, board, state, {300, 60}), "\\027[2J\\027]0;owned\\007"));
}

TEST_CASE("rows keep their places until they are sorted, and new ones go to the end", "[report]") {
  Board board;
  Result result;
  result.findings = {tests::slow_note()};
  result.findings[0].state = FindingState::ongoing;
  board.take(result, tests::at(1));
  ScreenState state;
  arrange(state, board, seconds{6});
  CHECK(state.order == std::vector<std::size_t>{1});
  result.findings.push_back(tests::port_refuses_nothing());
  board.take(result, tests::at(2));
  arrange(state, board, seconds{7});
  CHECK(state.order == std::vector<std::size_t>{1, 2});
  arrange(state, board, seconds{10});
  CHECK(state.order == std::vector<std::size_t>{1, 2});
  arrange(state, board, seconds{11});  // five seconds after the last time
  CHECK(state.order == std::vector<std::size_t>{2, 1});
  CHECK(state.selected == 2);
}

TEST_CASE("a list longer than the screen shows where one is in it", "[report]") {
  Board board;
  Result result;
  for (std::uint64_t number = 1; number <= 40; ++number) {
    Finding finding = tests::slow_note();
    finding.fp = number;
    finding.title = "finding number " + std::to_string(number);
    finding.state = FindingState::ongoing;
    result.findings.push_back(finding);
  }
  board.take(result, tests::at(1));
  ScreenState state = tests::live_state(board);
  CHECK(has(draw(tests::live_status(), board, state, {80, 24}), " 1-7 of 40 --"));
  for (const std::size_t row : {std::size_t{20}, std::size_t{39}}) {
    state.selected = row;
    const std::string text = draw(tests::live_status(), board, state, {80, 24});
    CHECK(has(text, "finding number " + std::to_string(row + 1)));
    CHECK(has(text, "\n>"));
  }
  CHECK(has(draw(tests::live_status(), board, state, {80, 24}), " 34-40 of 40 --"));
}

TEST_CASE("what comes less than once a second has not stopped", "[report]") {
  const Timestamp now = tests::live_status().now;
  Board board;
  Result result;
  result.findings = {tests::resolver_down()};
  result.findings[0].state = FindingState::ongoing;
  board.take(result, now - std::chrono::seconds{5});
  board.take(result, now);
  const ScreenState state = tests::live_state(board);
  CHECK(has(draw(tests::live_status(), board, state, {80, 24}), " <1/s\n"));
  Board still;
  still.take(result, now - std::chrono::seconds{11});
  still.take(result, now);
  CHECK(has(draw(tests::live_status(), still, state, {80, 24}), "  0/s\n"));
}

TEST_CASE("the detail tells when each packet came, from the first", "[report]") {
  const Board board = tests::live_board();
  ScreenState state = tests::live_state(board);
  state.view = View::detail;
  const std::string text = draw(tests::live_status(), board, state, {80, 60});
  CHECK(has(text, "not over yet"));
  CHECK(has(text,
            "    packets   times from the first, 2024-05-01T10:10:10.204113000Z\n"
            "    +   0.000000  #81204     first\n"
            "    +   1.795887  #81377     typical\n"
            "    + 489.795887  #402113    last\n"));
  CHECK_FALSE(has(text, "  frame\n"));

  PacketWords words;
  words.packet = PacketRef{0, 81204};
  words.kind = PacketWords::Kind::udp;
  words.text = "UDP, 20 octets";
  auto exchange = std::make_shared<Exchange>(Finding{}, words);
  exchange->take(words);
  state.exchange = exchange;
  const std::string with_ladder = draw(tests::live_status(), board, state, {80, 60});
  CHECK(has(with_ladder, "|---- UDP, 20 octets --------"));
  CHECK(has(with_ladder, "->|    #81204\n"));
}

TEST_CASE("Markdown of a finding holds no markup of others", "[report]") {
  Finding finding = tests::resolver_down();
  finding.title = "a|b`c*d_e[f](g)<script>\x1b&#~\n# x";
  finding.who[2].top[0].text = "na`me.``.example|";
  const std::string text = finding_markdown(finding);
  CHECK(has(text, "a\\|b\\`c\\*d\\_e\\[f\\](g)&lt;script\\>\\\\027&amp;\\#\\~\\\\010\\# x"));
  CHECK(has(text, "- name: ``` na`me.``.example| ``` (611)"));
  CHECK(has(text, "- count: 1,843 of 1,851 queries\n"));
  CHECK(has(text, "- next: `dig @192.0.2.53 api.shop.example +time=2 +tries=1`\n"));
}

}  // namespace wirefault
