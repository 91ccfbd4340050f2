#include "dissectors/dns/codes.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace wirefault::dns {
namespace {

using Entry = std::pair<std::uint16_t, std::string_view>;

constexpr auto types = std::to_array<Entry>({
    {1, "A"},           {2, "NS"},      {5, "CNAME"},   {6, "SOA"},       {12, "PTR"},
    {13, "HINFO"},      {15, "MX"},     {16, "TXT"},    {17, "RP"},       {18, "AFSDB"},
    {24, "SIG"},        {25, "KEY"},    {28, "AAAA"},   {29, "LOC"},      {33, "SRV"},
    {35, "NAPTR"},      {36, "KX"},     {37, "CERT"},   {39, "DNAME"},    {41, "OPT"},
    {42, "APL"},        {43, "DS"},     {44, "SSHFP"},  {45, "IPSECKEY"}, {46, "RRSIG"},
    {47, "NSEC"},       {48, "DNSKEY"}, {49, "DHCID"},  {50, "NSEC3"},    {51, "NSEC3PARAM"},
    {52, "TLSA"},       {53, "SMIMEA"}, {55, "HIP"},    {59, "CDS"},      {60, "CDNSKEY"},
    {61, "OPENPGPKEY"}, {62, "CSYNC"},  {63, "ZONEMD"}, {64, "SVCB"},     {65, "HTTPS"},
    {99, "SPF"},        {108, "EUI48"}, {109, "EUI64"}, {249, "TKEY"},    {250, "TSIG"},
    {251, "IXFR"},      {252, "AXFR"},  {253, "MAILB"}, {254, "MAILA"},   {255, "ANY"},
    {256, "URI"},       {257, "CAA"},   {32769, "DLV"},
});

constexpr auto rcodes = std::to_array<Entry>({
    {0, "NOERROR"},  {1, "FORMERR"},    {2, "SERVFAIL"}, {3, "NXDOMAIN"},  {4, "NOTIMP"},
    {5, "REFUSED"},  {6, "YXDOMAIN"},   {7, "YXRRSET"},  {8, "NXRRSET"},   {9, "NOTAUTH"},
    {10, "NOTZONE"}, {11, "DSOTYPENI"}, {16, "BADVERS"}, {17, "BADKEY"},   {18, "BADTIME"},
    {19, "BADMODE"}, {20, "BADNAME"},   {21, "BADALG"},  {22, "BADTRUNC"}, {23, "BADCOOKIE"},
});

constexpr auto opcodes = std::to_array<Entry>({
    {0, "QUERY"},
    {1, "IQUERY"},
    {2, "STATUS"},
    {4, "NOTIFY"},
    {5, "UPDATE"},
    {6, "DSO"},
});

// RFC 8914 section 5.2 and its registry.
constexpr auto extended_errors = std::to_array<Entry>({
    {0, "Other Error"},
    {1, "Unsupported DNSKEY Algorithm"},
    {2, "Unsupported DS Digest Type"},
    {3, "Stale Answer"},
    {4, "Forged Answer"},
    {5, "DNSSEC Indeterminate"},
    {6, "DNSSEC Bogus"},
    {7, "Signature Expired"},
    {8, "Signature Not Yet Valid"},
    {9, "DNSKEY Missing"},
    {10, "RRSIGs Missing"},
    {11, "No Zone Key Bit Set"},
    {12, "NSEC Missing"},
    {13, "Cached Error"},
    {14, "Not Ready"},
    {15, "Blocked"},
    {16, "Censored"},
    {17, "Filtered"},
    {18, "Prohibited"},
    {19, "Stale NXDOMAIN Answer"},
    {20, "Not Authoritative"},
    {21, "Not Supported"},
    {22, "No Reachable Authority"},
    {23, "Network Error"},
    {24, "Invalid Data"},
    {25, "Signature Expired before Valid"},
    {26, "Too Early"},
    {27, "Unsupported NSEC3 Iterations Value"},
    {28, "Unable to conform to policy"},
    {29, "Synthesized"},
    {30, "Invalid Query Type"},
});

template <std::size_t size>
std::string look_up(const std::array<Entry, size>& table, std::uint16_t code,
                    std::string_view prefix) {
  for (const auto& [number, name] : table) {
    if (number == code) return std::string{name};
  }
  return fmt::format("{}{}", prefix, code);
}

}  // namespace

std::string type_name(Type type) {
  return look_up(types, static_cast<std::uint16_t>(type), "TYPE");
}
std::string rcode_name(Rcode rcode) {
  return look_up(rcodes, static_cast<std::uint16_t>(rcode), "RCODE");
}
std::string opcode_name(Opcode opcode) {
  return look_up(opcodes, static_cast<std::uint16_t>(opcode), "OPCODE");
}
std::string extended_error_name(std::uint16_t code) {
  return look_up(extended_errors, code, "EDE ");
}

}  // namespace wirefault::dns
