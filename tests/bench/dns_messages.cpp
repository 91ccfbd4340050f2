#include "tests/bench/dns_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace wirefault::bench {

namespace {

constexpr std::uint32_t dns_port = 53;
constexpr std::uint32_t internet_class = 1;
constexpr std::uint32_t pointer_to_question = 0xc00c;  // RFC 1035, section 4.1.4

// Spreads a number over all 32 bits, so that its bit fields look independent.
std::uint32_t spread(std::uint32_t number) {
  return number * 2654435761u;
}

// A registered domain below the names RFC 2606 and RFC 6761 keep for examples.
std::string domain_name(std::uint32_t domain) {
  static constexpr std::array<std::string_view, 32> syllables = {
      "ba",  "ke",  "li",  "mo",  "nu",  "ra",  "se",  "ti",  "vo",  "zu",  "cor",
      "den", "fal", "gim", "hax", "jot", "lum", "mir", "nex", "pol", "qua", "rin",
      "sol", "tor", "ula", "ver", "wex", "yol", "app", "net", "cdn", "api"};
  static constexpr std::array<std::string_view, 4> suffixes = {"example", "example", "test",
                                                               "co.example"};
  const std::uint32_t bits = spread(domain);
  std::string name;
  for (std::uint32_t i = 0; i < 2 + bits % 4; ++i) name += syllables[(bits >> (5 * i)) & 31];
  return fmt::format("{}{}.{}", name, domain % 997, suffixes[(bits >> 27) % 4]);
}

void write_name(ByteWriter& out, std::string_view name) {
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    out.u8(static_cast<std::uint32_t>(label.size()));
    out.text(label);
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out.u8(0);
}

// Starts a resource record; returns where its data length has to go once it is known.
std::size_t start_record(ByteWriter& out, DnsType type, std::uint32_t ttl) {
  out.u16(pointer_to_question);
  out.u16(static_cast<std::uint32_t>(type));
  out.u16(internet_class);
  out.u32(ttl);
  out.u16(0);
  return out.size() - 2;
}

void finish_record(ByteWriter& out, std::size_t length_at) {
  out.set16(length_at, static_cast<std::uint32_t>(out.size() - length_at - 2));
}

void write_record_data(ByteWriter& out, DnsType type, std::uint32_t bits, std::uint32_t index) {
  const Host server{.is_server = true, .number = 0x1000 + bits % 0xe000 + index};
  switch (type) {
    case DnsType::a:
      out.u32(ipv4_address(server));
      break;
    case DnsType::aaaa:
      write_ipv6_address(out, server);
      break;
    case DnsType::mx:
      out.u16(10 * index);
      out.u8(3);
      out.text(fmt::format("mx{}", index % 10));
      out.u16(pointer_to_question);
      break;
    default: {
      const std::string text = fmt::format("v=example{:08x}{:08x}", bits, spread(bits + index));
      out.u8(static_cast<std::uint32_t>(text.size()));
      out.text(text);
    }
  }
}

// Answers that depend on the domain alone: every resolver gives every client the same ones.
std::uint32_t write_answers(ByteWriter& out, const DnsLookup& lookup) {
  const std::uint32_t bits = spread(lookup.domain);
  std::uint32_t count = 0;
  if (bits % 4 == 0) {
    const std::size_t length_at = start_record(out, DnsType::cname, 300);
    write_name(out, fmt::format("edge{}.cdn.{}", bits % 100, domain_name(bits % 1000)));
    finish_record(out, length_at);
    ++count;
  }
  const bool known =
      lookup.type == DnsType::aaaa || lookup.type == DnsType::mx || lookup.type == DnsType::txt;
  const DnsType type = known ? lookup.type : DnsType::a;
  const std::uint32_t records = 1 + (bits >> 4) % 4 + (lookup.has_many_answers ? 12 : 0);
  for (std::uint32_t i = 0; i < records; ++i) {
    const std::size_t length_at = start_record(out, type, 60 + bits % 3600);
    write_record_data(out, type, bits, i);
    finish_record(out, length_at);
    ++count;
  }
  return count;
}

// The SOA of a negative answer (RFC 2308).
void write_authority(ByteWriter& out) {
  const std::size_t length_at = start_record(out, DnsType::soa, 900);
  write_name(out, "ns1.dns.example");
  write_name(out, "hostmaster.dns.example");
  for (const std::uint32_t value : {2026010101u, 7200u, 900u, 1209600u, 300u}) out.u32(value);
  finish_record(out, length_at);
}

void write_opt(ByteWriter& out) {
  out.u8(0);
  out.u16(static_cast<std::uint32_t>(DnsType::opt));
  out.u16(1232);
  out.u32(0);
  out.u16(0);
}

void write_message(ByteWriter& out, const DnsLookup& lookup, bool is_response) {
  const std::size_t start = out.size();
  out.u16(is_response ? dns_port : lookup.client_port);
  out.u16(is_response ? lookup.client_port : dns_port);
  out.u32(0);

  const DnsRcode rcode = lookup.rcode.value_or(DnsRcode::noerror);
  out.u16(lookup.id);
  out.u16(is_response ? 0x8180 | static_cast<std::uint32_t>(rcode) : 0x0100);
  out.u16(1);
  const std::size_t answer_count_at = out.size();
  out.u16(0);
  out.u16(is_response && rcode == DnsRcode::nxdomain ? 1 : 0);
  out.u16(lookup.has_edns ? 1 : 0);

  write_name(out, lookup.name);
  out.u16(static_cast<std::uint32_t>(lookup.type));
  out.u16(internet_class);
  if (is_response && rcode == DnsRcode::noerror) {
    out.set16(answer_count_at, write_answers(out, lookup));
  }
  if (is_response && rcode == DnsRcode::nxdomain) write_authority(out);
  if (lookup.has_edns) write_opt(out);
  out.set16(start + 4, static_cast<std::uint32_t>(out.size() - start));
}

}  // namespace

std::string make_name(Random& random, std::uint32_t domain) {
  static constexpr std::array<std::string_view, 8> hosts = {"www",    "mail", "api",   "cdn",
                                                            "static", "img",  "login", "edge"};
  const std::string parent = domain_name(domain);
  switch (random.below(8)) {
    case 0:
      return parent;
    case 1:
      return fmt::format("{:08x}-{:04x}.{}", random.next32(), random.below(65536), parent);
    case 2: {
      const std::string_view host = hosts[random.below(8)];
      return fmt::format("{}{}.eu-west.{}", host, random.below(64), parent);
    }
    default:
      return fmt::format("{}.{}", hosts[domain % 8], parent);
  }
}

void write_query(ByteWriter& out, const DnsLookup& lookup) {
  write_message(out, lookup, false);
}

void write_response(ByteWriter& out, const DnsLookup& lookup) {
  write_message(out, lookup, true);
}

}  // namespace wirefault::bench
