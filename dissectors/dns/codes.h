// Numbers of the DNS and their names, as https://www.iana.org/assignments/dns-parameters has them.
#pragma once

#include <cstdint>
#include <string>

namespace wirefault::dns {

// Any 16-bit value may occur.
enum class Type : std::uint16_t {
  a = 1,
  ns = 2,
  cname = 5,
  soa = 6,
  ptr = 12,
  mx = 15,
  txt = 16,
  aaaa = 28,
  srv = 33,
  dname = 39,
  opt = 41,
  ds = 43,
  rrsig = 46,
  nsec = 47,
  dnskey = 48,
  nsec3 = 50,
  svcb = 64,
  https = 65,
  ixfr = 251,
  axfr = 252,
  any = 255,
  caa = 257,
};

// Twelve bits: those above the low four come from the OPT record (RFC 6891, section 6.1.3).
enum class Rcode : std::uint16_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  yxdomain = 6,
  yxrrset = 7,
  nxrrset = 8,
  notauth = 9,
  notzone = 10,
  badvers = 16,
  badcookie = 23,
};

enum class Opcode : std::uint8_t {
  query = 0,
  iquery = 1,
  status = 2,
  notify = 4,
  update = 5,
  dso = 6
};

constexpr std::uint16_t class_in = 1;

std::string type_name(Type type);     // "AAAA", or "TYPE65280" (RFC 3597)
std::string rcode_name(Rcode rcode);  // "SERVFAIL", or "RCODE3841"
std::string opcode_name(Opcode opcode);
// Blocked, Censored, Filtered, Prohibited: whoever says so means it. RFC 8914, sections 4.16
// to 4.19.
constexpr bool is_policy(std::uint16_t extended_error) {
  return extended_error >= 15 && extended_error <= 18;
}
std::string extended_error_name(std::uint16_t code);  // "Stale Answer" (RFC 8914), or "EDE 999"

}  // namespace wirefault::dns
