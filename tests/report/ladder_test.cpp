#include "report/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "dissectors/dns/name.h"
#include "dissectors/tcp/segment.h"
#include "tests/support/catch.h"
#include "tests/support/wire.h"

namespace wirefault {
namespace {

using namespace test;

constexpr std::string_view client = "192.0.2.10";
constexpr std::string_view server = "198.51.100.53";

// Packets as a capture has them.
class Capture {
 public:
  PacketRef add(double seconds, const Octets& datagram) {
    kept_.push_back(std::make_unique<Octets>(ethernet(datagram)));
    Packet made = packet(*kept_.back());
    made.ref = PacketRef{0, packets_.size() + 1};
    made.time = Wire::at(seconds);
    packets_.push_back(made);
    return made.ref;
  }

  std::vector<std::string> draw(PacketRef worst, std::size_t width = 80,
                                std::vector<PacketRef> frames = {}) const {
    Finding finding;
    finding.frames = frames.empty() ? std::vector{worst} : std::move(frames);
    finding.evidence = {{finding.frames.front(), {}, "first"}, {worst, {}, "worst"}};
    REQUIRE(worst_packet(finding) == worst);
    Exchange exchange{finding, words_of(packets_.at(worst.number() - 1))};
    for (const Packet& each : packets_) exchange.take(words_of(each));
    return exchange.draw(width);
  }

 private:
  std::vector<std::unique_ptr<Octets>> kept_;
  std::vector<Packet> packets_;
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text = "\n";
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

Octets dns_message(std::uint16_t id, std::uint16_t bits, std::string_view name,
                   const Octets& answers = {}, std::uint16_t answer_count = 0) {
  const dns::Name wire = *dns::Name::parse(name);
  return be(id, 2) + be(bits, 2) + be(1, 2) + be(answer_count, 2) + zeros(4) +
         Octets{wire.wire().begin(), wire.wire().end()} + hex("0001 0001") + answers;
}
Octets query(std::uint16_t id, std::uint16_t port, std::string_view to,
             std::string_view name = "www.example.com") {
  return ip_datagram({client, to}, udp(port, 53, dns_message(id, 0x0100, name)));
}
Octets response(std::uint16_t id, std::uint16_t port, std::string_view from, std::uint16_t rcode,
                bool has_answer) {
  const Octets answer =
      has_answer ? hex("c00c 0001 0001 0000003c 0004 cb007107") : Octets{};  // 203.0.113.7
  return ip_datagram({from, client},
                     udp(53, port,
                         dns_message(id, static_cast<std::uint16_t>(0x8180 | rcode),
                                     "www.example.com", answer, has_answer ? 1 : 0)));
}

struct Part {
  bool from_client = true;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint8_t flags = tcp::ack;
  std::size_t size = 0;
  std::uint16_t client_port = 40000;
};
Octets segment(const Part& part) {
  const std::uint16_t from = part.from_client ? part.client_port : std::uint16_t{8080};
  const std::uint16_t to = part.from_client ? std::uint16_t{8080} : part.client_port;
  const Octets header = be(from, 2) + be(to, 2) + be(part.sequence, 4) +
                        be(part.acknowledgment, 4) + hex("50") + be(part.flags, 1) + be(1000, 2) +
                        zeros(4);
  const Header ip{part.from_client ? client : server, part.from_client ? server : client,
                  ip::protocol::tcp};
  return ip_datagram(ip, header + zeros(part.size));
}

TEST_CASE("a ladder shows a question, its repetitions and who answered in the end",
          "[report][ladder]") {
  Capture capture;
  capture.add(0.0, query(0x1a07, 41877, server));
  capture.add(0.1, query(0x0001, 41000, server, "other.example.com"));
  const PacketRef worst = capture.add(2.000113, query(0x1a07, 41877, server));
  capture.add(6.0, query(0x1a07, 50000, "198.51.100.54"));
  capture.add(6.5, response(0x1a07, 50000, "198.51.100.54", 0, true));
  CHECK(joined(capture.draw(worst)) == R"(
  time        192.0.2.10                              198.51.100.53:53     frame
  +0.000000   |---- A? www.example.com. id 0x1a07 ------------------>|        #1
              |                  nothing for 2.0 s                   |
  +2.000113   |---- A? www.example.com. id 0x1a07 ------------------>|        #3
              |                  nothing for 3.9 s                   |
  +6.000000   |---- A? www.example.com. id 0x1.. --> 198.51.100.54:53|        #4
              |                  nothing for 500 ms                  |
  +6.500000   |<--- NOERROR 203.0.113.7 --- 198.51.100.54:53         |        #5

what the client felt: an answer from 198.51.100.54 after 6.5 s, having asked 3
times
)");
}

TEST_CASE("a ladder says when no answer came, and when it was a failure", "[report][ladder]") {
  Capture silent;
  const PacketRef asked = silent.add(0.0, query(7, 41877, server));
  silent.add(5.0, query(7, 41877, server));
  silent.add(20.0, query(8, 41877, server, "other.example.com"));
  const std::string drawn = joined(silent.draw(asked));
  CHECK(drawn.find("nothing for the other 15.0 s of the capture") != drawn.npos);
  CHECK(drawn.find("what the client felt: no answer; asked twice over 5.0 s") != drawn.npos);

  Capture failing;
  failing.add(0.0, query(7, 41877, server));
  const PacketRef failed = failing.add(0.02, response(7, 41877, server, 2, false));
  CHECK(joined(failing.draw(failed)) == R"(
  time        192.0.2.10                              198.51.100.53:53     frame
  +0.000000   |---- A? www.example.com. id 0x0007 ------------------>|        #1
  +0.020000   |<--- SERVFAIL ----------------------------------------|        #2

what the client felt: no answer: SERVFAIL after 20 ms, asked once
)");
}

TEST_CASE("a ladder counts TCP's numbers from where each side began, and shows what was sent again",
          "[report][ladder]") {
  Capture capture;
  capture.add(0.0, segment({true, 0xfffffff0, 0, tcp::syn}));
  capture.add(0.04, segment({false, 5000, 0xfffffff1, tcp::syn | tcp::ack}));
  capture.add(0.041, segment({true, 0xfffffff1, 5001}));
  const PacketRef lost = capture.add(0.05, segment({true, 0xfffffff1, 5001, tcp::ack, 100}));
  capture.add(1.05, segment({true, 0xfffffff1, 5001, tcp::ack, 100}));
  capture.add(1.09, segment({false, 5001, 85}));
  capture.add(1.10, segment({false, 5601, 85, tcp::ack, 300}));
  capture.add(1.11, segment({true, 1, 5001, tcp::ack, 50, 40001}));  // another connection
  CHECK(joined(capture.draw(lost)) == R"(
  time        192.0.2.10:40000                      198.51.100.53:8080     frame
  +0.000000   |---- SYN -------------------------------------------->|        #1
  +0.040000   |<--- SYN-ACK -----------------------------------------|        #2
  +0.041000   |---- ACK 1 ------------------------------------------>|        #3
  +0.050000   |---- 100 octets from 1 ---------------x               |        #4
              |                  nothing for 1.0 s                   |
  +1.050000   |---- 100 octets from 1, second time ----------------->|        #5
  +1.090000   |<--- ACK 101 -----------------------------------------|        #6
              |  600 octets of 198.51.100.53:8080 are missing here   |
  +1.100000   |<--- 300 octets from 601 -----------------------------|        #7
  x: no acknowledgment before it was sent again, or at all

what the client felt: the same data sent twice over 1.0 s
)");
}

TEST_CASE("a ladder of a connection that did not open says how it ended", "[report][ladder]") {
  Capture refused;
  const PacketRef syn = refused.add(0.0, segment({true, 10, 0, tcp::syn}));
  refused.add(0.0004, segment({false, 0, 11, tcp::rst | tcp::ack}));
  CHECK(refused.draw(syn).back() == "what the client felt: refused after 400 us");

  Capture rejected;
  const Octets asked = segment({true, 10, 0, tcp::syn});
  rejected.add(0.0, asked);
  const PacketRef error = rejected.add(
      0.001, ip_datagram({"203.0.113.1", client, ip::protocol::icmp}, icmp_error(3, 13, asked)));
  const std::vector<std::string> lines = rejected.draw(error);
  REQUIRE(lines.size() == 5);
  CHECK(lines[2] ==
        "  +0.001000   |<--- ICMP administratively prohibited --- 203.0.113.1 |        #2");
  CHECK(lines[4] ==
        "what the client felt: no connection: ICMP administratively prohibited after 1 ms");

  Capture silent;
  for (const double when : {0.0, 1.0, 3.0}) silent.add(when, segment({true, 10, 0, tcp::syn}));
  CHECK(silent.draw(PacketRef{0, 2}).back() ==
        "what the client felt: no connection; asked 3 times over 3.0 s");
}

TEST_CASE("a ladder is of one lookup, though the client asks for the name again and again",
          "[report][ladder]") {
  Capture capture;
  capture.add(0.0, query(1, 41877, server));
  capture.add(0.01, response(1, 41877, server, 0, true));  // answered
  capture.add(0.5, query(2, 41878, server));
  const PacketRef lost = capture.add(5.5, query(2, 41878, server));  // never answered
  capture.add(5.51, response(2, 41878, "198.51.100.99", 0, true));   // but by who was not asked
  capture.add(30.0, query(3, 41879, server));
  capture.add(30.01, response(3, 41879, server, 0, true));
  const std::string drawn = joined(capture.draw(lost));
  CHECK(drawn.find(" #1\n") == drawn.npos);
  CHECK(drawn.find(" #3\n") != drawn.npos);
  CHECK(drawn.find(" #5\n") != drawn.npos);
  CHECK(drawn.find(" #6\n") == drawn.npos);
  CHECK(drawn.find("felt: no answer; asked twice over 5.0 s") != drawn.npos);

  Capture polled;
  for (std::uint16_t i = 0; i < 3; ++i) {
    polled.add(5.0 * i, query(i, 41877, server));
    polled.add(5.0 * i + 0.01, response(i, 41877, server, i == 2 ? 0 : 2, i == 2));
  }
  CHECK(polled.draw(PacketRef{0, 4}).back() ==
        "what the client felt: no answer: SERVFAIL after 10 ms, asked once");
}

TEST_CASE("a ladder is of one connection, though its ports are used again", "[report][ladder]") {
  Capture capture;
  capture.add(0.0, segment({true, 10, 0, tcp::syn}));
  capture.add(0.1, segment({false, 20, 11, tcp::syn | tcp::ack}));
  capture.add(0.2, segment({true, 11, 21}));
  capture.add(0.3, segment({true, 11, 21, tcp::rst | tcp::ack}));
  const PacketRef again = capture.add(60.0, segment({true, 7000, 0, tcp::syn}));
  capture.add(60.00002, segment({true, 7000, 0, tcp::syn}));  // a mirror's copy
  capture.add(61.0, segment({true, 7000, 0, tcp::syn}));
  capture.add(120.0, segment({true, 9000, 0, tcp::syn}));
  CHECK(joined(capture.draw(again)) == R"(
  time        192.0.2.10:40000                      198.51.100.53:8080     frame
  +0.000000   |---- SYN -------------------------------------------->|        #5
              |                  nothing for 1.0 s                   |
  +1.000000   |---- SYN, second time ------------------------------->|        #7

what the client felt: no connection; asked twice over 1.0 s
)");
}

TEST_CASE("a connection is open when its initiator has acknowledged the SYN-ACK",
          "[report][ladder]") {
  Capture capture;
  const PacketRef syn = capture.add(0.0, segment({true, 10, 0, tcp::syn}));
  capture.add(1.0, segment({true, 10, 0, tcp::syn}));
  capture.add(1.01, segment({false, 20, 11, tcp::syn | tcp::ack}));
  const std::vector<std::string> open = capture.draw(syn);
  CHECK(open[open.size() - 2] + " " + open.back() ==
        "what the client felt: no connection; asked twice over 1.0 s, and no ACK followed the "
        "SYN-ACK");
  capture.add(1.02, segment({true, 11, 21}));
  CHECK(capture.draw(syn).back() == "what the client felt: connected after 1.0 s");
}

TEST_CASE("who sent the SYN is the client, whatever the ports", "[report][ladder]") {
  Capture capture;
  capture.add(0.0, segment({true, 10, 0, tcp::syn, 0, 1024}));  // to port 8080
  const PacketRef data = capture.add(0.1, segment({false, 21, 11, tcp::ack, 5, 1024}));
  CHECK(capture.draw(data)[0].starts_with("  time        192.0.2.10:1024 "));
}

TEST_CASE("a ladder keeps what is near the worst, however much came before", "[report][ladder]") {
  Capture capture;
  for (std::uint32_t i = 0; i < 30'000; ++i) {
    capture.add(0.0001 * i, segment({true, 1 + i, 1, tcp::ack, 1}));
  }
  const PacketRef worst = capture.add(3.1, segment({true, 30'001, 1, tcp::ack, 100}));
  for (std::uint32_t i = 0; i < 30'000; ++i) {
    capture.add(3.2 + 0.0001 * i, segment({false, 1 + i, 30'101, tcp::ack, 1}));
  }
  const std::string drawn = joined(capture.draw(worst));
  for (const int shown : {1, 3, 29'999, 30'001, 30'003}) {
    CHECK(drawn.find(fmt::format("#{}\n", shown)) != drawn.npos);
  }
}

TEST_CASE("a ladder tells frames of several files apart, and clocks that were set back",
          "[report][ladder]") {
  Finding finding;
  std::vector<PacketWords> rungs(2);
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    rungs[i].packet = PacketRef{static_cast<std::uint16_t>(i), 7};
    rungs[i].kind = PacketWords::Kind::udp;
    rungs[i].text = "UDP";
    rungs[i].time = Wire::at(i == 0 ? 5.0 : 1.5);
  }
  Exchange exchange{finding, rungs[0]};
  for (const PacketWords& words : rungs) exchange.take(words);
  const std::string drawn = joined(exchange.draw(80));
  CHECK(drawn.find(" 1#7\n") != drawn.npos);
  CHECK(drawn.find(" 2#7\n") != drawn.npos);
  CHECK(drawn.find("the clock was set back by 3.5 s") != drawn.npos);
}

TEST_CASE("a ladder of a long connection leaves out what is far from the proof",
          "[report][ladder]") {
  Capture capture;
  std::vector<PacketRef> frames;
  for (std::uint32_t i = 0; i < 500; ++i) {
    const PacketRef added = capture.add(0.001 * i, segment({true, 1 + 10 * i, 1, tcp::ack, 10}));
    if (i == 200 || i == 300) frames.push_back(added);
  }
  const std::string drawn = joined(capture.draw(frames[0], 80, frames));
  for (const int shown : {1, 2, 3, 199, 201, 203, 299, 301, 303, 500}) {
    CHECK(drawn.find(fmt::format(" #{}\n", shown)) != drawn.npos);
  }
  CHECK(drawn.find(" #250\n") == drawn.npos);
  CHECK(drawn.find("... 195 packets left out ...") != drawn.npos);
  CHECK(drawn.find("missing here") == drawn.npos);  // it was left out, and is in the capture
}

TEST_CASE("a ladder of fragments says which did not come", "[report][ladder]") {
  Capture capture;
  Header header{server, client};
  header.identification = 0x214a;
  header.more = true;
  header.offset = 1480;
  const PacketRef second = capture.add(0.0, ip_datagram(header, zeros(1480)));
  header.identification = 0x214b;  // of another datagram
  capture.add(0.1, ip_datagram(header, zeros(1480)));
  CHECK(joined(capture.draw(second)) == R"(
  time        198.51.100.53                                 192.0.2.10     frame
  +0.000000   |---- UDP fragment 0x214a: octets 1480 to 2960 ------->|        #1
              |    octets 0 to 1480 of the datagram did not come     |
              |             nor what follows octet 2960              |
)");
}

TEST_CASE("packets of many strangers are drawn together", "[report][ladder]") {
  Capture capture;
  std::vector<PacketRef> frames;
  for (std::uint16_t i = 0; i < 30; ++i) {
    frames.push_back(capture.add(
        0.001 * i, segment({true, 10, 0, tcp::syn, 0, static_cast<std::uint16_t>(40000 + i)})));
  }
  const std::vector<std::string> lines = capture.draw(frames[5], 80, frames);
  REQUIRE(lines.size() == 14);
  CHECK(lines[13].find("... 18 packets left out ...") != std::string::npos);
  CHECK(lines[0] ==
        "  time        many                                  198.51.100.53:8080     frame");
  CHECK(lines[1] ==
        "  +0.000000   |                          192.0.2.10:40000 --- SYN -->|        #1");
}

TEST_CASE("no ladder is wider than asked or holds what moves a cursor", "[report][ladder]") {
  Capture capture;
  std::string name = "\\027\\[2J|`<b>";
  for (int i = 0; i < 3; ++i) name += "." + std::string(60, 'x');
  const PacketRef asked = capture.add(0.0, query(7, 41877, server, name));
  const PacketRef fragment = capture.add(
      1.0, ip_datagram({"2001:db8:1111:2222:3333:4444:5555:6666",
                        "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 17, 0xffffffff, 8, true},
                       zeros(8)));
  const PacketRef noise = capture.add(2.0, ip_datagram({client, server, 132}, pattern(200)));
  for (const std::size_t width : {60u, 80u, 200u}) {
    for (const PacketRef worst : {asked, fragment, noise}) {
      const std::vector<std::string> lines = capture.draw(worst, width);
      CHECK(lines.size() >= 2);
      for (const std::string& line : lines) {
        CHECK(line.size() <= width);
        CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
      }
    }
  }
}

}  // namespace
}  // namespace wirefault
