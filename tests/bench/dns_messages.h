#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/bench/byte_writer.h"
#include "tests/bench/frames.h"
#include "tests/bench/random.h"

namespace wirefault::bench {

enum class DnsType : std::uint16_t {
  a = 1,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  opt = 41,
  https = 65
};

enum class DnsRcode : std::uint8_t { noerror = 0, servfail = 2, nxdomain = 3, refused = 5 };

// One question a client asks one recursive resolver, and what becomes of it.
struct DnsLookup {
  Host client;
  Host resolver;
  std::uint16_t client_port = 0;
  std::uint16_t id = 0;
  DnsType type = DnsType::a;
  std::uint32_t domain = 0;
  std::string name;
  bool has_edns = false;
  bool has_many_answers = false;
  std::uint32_t latency_us = 0;
  std::optional<DnsRcode> rcode;  // none: never answered
  int attempts = 0;
};

// A name in the domain numbered `domain`: an eighth of them unique, the rest repeat.
std::string make_name(Random& random, std::uint32_t domain);

// UDP header and message. The UDP checksum, at offset 6, is left to the caller.
void write_query(ByteWriter& out, const DnsLookup& lookup);
void write_response(ByteWriter& out, const DnsLookup& lookup);

}  // namespace wirefault::bench
