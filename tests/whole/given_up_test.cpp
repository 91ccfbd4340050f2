// No limit is silent: where something had to be given up, the report says what and how much, and
// never that nothing failed.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/support/capture_files.h"
#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/wire.h"

namespace wirefault::tests {
namespace {

using namespace test;

class RawCapture {
 public:
  // `milliseconds` after the start.
  void add(std::uint32_t milliseconds, const Octets& datagram) {
    file_.packet(1'000'000'000 + milliseconds / 1000, milliseconds % 1000 * 1000,
                 {datagram.begin(), datagram.end()});
  }
  void write(const std::string& name) const { write_file(name, file_.bytes()); }

 private:
  PcapFile file_{{.link_type = 101}};
};

std::string text_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {WIREFAULT_PROGRAM, "analyze"});
  return run(arguments).out;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

// Of another name each, and nine by each server: one more would be a storm.
constexpr std::uint32_t failures_of_a_server = 9;
void add_servfail(RawCapture& capture, std::uint32_t number) {
  const std::string client = "192.0.2.10";
  const std::uint32_t host = number / failures_of_a_server;
  const std::string server = fmt::format("198.18.{}.{}", host >> 8, host & 0xff);
  const std::string digits = fmt::format("{:06}", number);
  const Octets question =
      hex("06") + Octets(digits.begin(), digits.end()) + hex("07 6578616d706c65 00 0001 0001");
  const Octets id = be(number, 2);
  const Octets counts = hex("0001 0000 0000 0000");
  capture.add(number, ip_datagram({.source = client, .destination = server},
                                  udp(40000, 53, id + hex("0100") + counts + question)));
  capture.add(number, ip_datagram({.source = server, .destination = client},
                                  udp(53, 40000, id + hex("8182") + counts + question)));
}

void add_handshake(RawCapture& capture, std::uint32_t number) {
  const Octets client = be(20000 + number % 40000, 2);
  const Octets server = hex("01bb");
  const std::string host = fmt::format("192.0.2.{}", 1 + number / 40000);
  const std::string peer = "198.51.100.1";
  const Header out{.source = host, .destination = peer, .protocol = ip::protocol::tcp};
  const Header back{.source = peer, .destination = host, .protocol = ip::protocol::tcp};
  capture.add(number,
              ip_datagram(out, client + server + hex("00000001 00000000 5002 ffff 00000000")));
  capture.add(number,
              ip_datagram(back, server + client + hex("00000001 00000002 5012 ffff 00000000")));
  capture.add(number,
              ip_datagram(out, client + server + hex("00000002 00000002 5010 ffff 00000000")));
}

}  // namespace

TEST_CASE("tallies that were given up may have been failures", "[whole]") {
  const TemporaryDirectory directory;
  const std::string file = directory / "servfail.pcap";
  RawCapture capture;
  for (std::uint32_t number = 0; number < 600 * failures_of_a_server; ++number) {
    add_servfail(capture, number);
  }
  capture.write(file);

  const std::string text = text_of({file});
  CHECK_FALSE(has(text, "No failures found"));
  CHECK(has(text, "No failure is among what could be kept"));
  CHECK(has(text, "(dns-servfail-storm 88)"));
  const auto quality = nlohmann::json::parse(text_of({file, "-o", "json"}))["quality"];
  CHECK(quality["grade"] == "degraded");
  CHECK(quality["numbers"]["tallies_evicted"] == 88);

  // Only what has to do with what was looked at counts.
  CHECK(has(text_of({file, "--only", "dns-refused"}),
            "No failures found within what was asked for."));
}

TEST_CASE("with too little memory, no report says that nothing failed", "[whole]") {
  const TemporaryDirectory directory;
  const std::string file = directory / "open.pcap";
  RawCapture capture;
  for (std::uint32_t number = 0; number < 20000; ++number) add_handshake(capture, number);
  capture.write(file);

  CHECK(has(text_of({file}), "No failures found."));
  const std::string text = text_of({file, "--max-mem", "16M"});
  CHECK_FALSE(has(text, "No failures found"));
  CHECK(has(text, "given up for want of memory"));
  CHECK(has(text, "--max-mem"));
}

}  // namespace wirefault::tests
