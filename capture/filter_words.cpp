#include "capture/filter_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "capture/suggest.h"

namespace wirefault {
namespace {

// pcap-filter(7). The usual ones first: of two equally similar words the earlier is suggested.
constexpr auto keywords = std::to_array<std::string_view>({"host",
                                                           "net",
                                                           "port",
                                                           "portrange",
                                                           "src",
                                                           "dst",
                                                           "and",
                                                           "or",
                                                           "not",
                                                           "tcp",
                                                           "udp",
                                                           "icmp",
                                                           "icmp6",
                                                           "ip",
                                                           "ip6",
                                                           "arp",
                                                           "ether",
                                                           "proto",
                                                           "vlan",
                                                           "mpls",
                                                           "less",
                                                           "greater",
                                                           "len",
                                                           "length",
                                                           "mask",
                                                           "gateway",
                                                           "broadcast",
                                                           "multicast",
                                                           "inbound",
                                                           "outbound",
                                                           "pppoed",
                                                           "pppoes",
                                                           "geneve",
                                                           "rarp",
                                                           "sctp",
                                                           "igmp",
                                                           "igrp",
                                                           "pim",
                                                           "vrrp",
                                                           "carp",
                                                           "ah",
                                                           "esp",
                                                           "protochain",
                                                           "link",
                                                           "ppp",
                                                           "slip",
                                                           "fddi",
                                                           "tr",
                                                           "wlan",
                                                           "radio",
                                                           "byte",
                                                           "llc",
                                                           "ifname",
                                                           "on",
                                                           "rset",
                                                           "ruleset",
                                                           "rnr",
                                                           "rulenum",
                                                           "srnr",
                                                           "subrulenum",
                                                           "reason",
                                                           "action",
                                                           "type",
                                                           "subtype",
                                                           "dir",
                                                           "direction",
                                                           "addr1",
                                                           "addr2",
                                                           "addr3",
                                                           "addr4",
                                                           "address1",
                                                           "address2",
                                                           "address3",
                                                           "address4",
                                                           "ra",
                                                           "ta",
                                                           "atalk",
                                                           "aarp",
                                                           "decnet",
                                                           "lat",
                                                           "sca",
                                                           "moprc",
                                                           "mopdl",
                                                           "iso",
                                                           "clnp",
                                                           "esis",
                                                           "es-is",
                                                           "isis",
                                                           "is-is",
                                                           "l1",
                                                           "l2",
                                                           "iih",
                                                           "lsp",
                                                           "snp",
                                                           "csnp",
                                                           "psnp",
                                                           "stp",
                                                           "ipx",
                                                           "netbeui",
                                                           "lane",
                                                           "metac",
                                                           "bcc",
                                                           "sc",
                                                           "ilmic",
                                                           "vpi",
                                                           "vci",
                                                           "connectmsg",
                                                           "metaconnect",
                                                           "oam",
                                                           "oamf4",
                                                           "oamf4ec",
                                                           "oamf4sc",
                                                           "oam4",
                                                           "oam4ec",
                                                           "oam4sc",
                                                           "fisu",
                                                           "fisu2",
                                                           "lssu",
                                                           "lsu",
                                                           "msu",
                                                           "hfisu",
                                                           "hlssu",
                                                           "hmsu",
                                                           "sio",
                                                           "opc",
                                                           "dpc",
                                                           "sls",
                                                           "hsio",
                                                           "hopc",
                                                           "hdpc",
                                                           "hsls",
                                                           "icmptype",
                                                           "icmpcode",
                                                           "icmp-echoreply",
                                                           "icmp-unreach",
                                                           "icmp-sourcequench",
                                                           "icmp-redirect",
                                                           "icmp-echo",
                                                           "icmp-routeradvert",
                                                           "icmp-routersolicit",
                                                           "icmp-timxceed",
                                                           "icmp-paramprob",
                                                           "icmp-tstamp",
                                                           "icmp-tstampreply",
                                                           "icmp-ireq",
                                                           "icmp-ireqreply",
                                                           "icmp-maskreq",
                                                           "icmp-maskreply",
                                                           "icmp6type",
                                                           "icmp6code",
                                                           "icmp6-destinationrunreach",
                                                           "icmp6-packettoobig",
                                                           "icmp6-timeexceeded",
                                                           "icmp6-parameterproblem",
                                                           "icmp6-echo",
                                                           "icmp6-echoreply",
                                                           "icmp6-multicastlistenerquery",
                                                           "icmp6-multicastlistenerreportv1",
                                                           "icmp6-multicastlistenerdone",
                                                           "icmp6-routersolicit",
                                                           "icmp6-routeradvert",
                                                           "icmp6-neighborsolicit",
                                                           "icmp6-neighboradvert",
                                                           "icmp6-redirect",
                                                           "icmp6-routerrenum",
                                                           "icmp6-nodeinformationquery",
                                                           "icmp6-nodeinformationresponse",
                                                           "icmp6-ineighbordiscoverysolicit",
                                                           "icmp6-ineighbordiscoveryadvert",
                                                           "icmp6-multicastlistenerreportv2",
                                                           "icmp6-homeagentdiscoveryrequest",
                                                           "icmp6-homeagentdiscoveryreply",
                                                           "icmp6-mobileprefixsolicit",
                                                           "icmp6-mobileprefixadvert",
                                                           "icmp6-certpathsolicit",
                                                           "icmp6-certpathadvert",
                                                           "icmp6-multicastrouteradvert",
                                                           "icmp6-multicastroutersolicit",
                                                           "icmp6-multicastroutertermination",
                                                           "tcpflags",
                                                           "tcp-fin",
                                                           "tcp-syn",
                                                           "tcp-rst",
                                                           "tcp-push",
                                                           "tcp-ack",
                                                           "tcp-urg",
                                                           "tcp-ece",
                                                           "tcp-cwr"});

// After these comes a name that libpcap knows by itself or finds in a local file.
constexpr auto take_names = std::to_array<std::string_view>(
    {"port", "portrange", "proto", "protochain", "llc", "ifname", "on", "rset", "ruleset", "reason",
     "action", "type", "subtype", "dir", "direction"});
constexpr auto connectives = std::to_array<std::string_view>({"and", "or", "not"});

template <std::size_t size>
bool is_one_of(std::string_view word, const std::array<std::string_view, size>& words) {
  return std::ranges::find(words, word) != words.end();
}

bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Numbers, IPv4 and IPv6 addresses, and the ways to write a MAC address. Whether they are right is
// for libpcap to say; they only must not look like a name.
bool is_number_or_address(std::string_view word) {
  if (std::ranges::all_of(word, [](char c) { return is_digit(c) || c == '.' || c == '-'; })) {
    return true;
  }
  if (word.starts_with("0x") || word.starts_with("0X")) {
    return std::ranges::all_of(word.substr(2), is_hex);
  }
  const bool is_plain_hex = std::ranges::all_of(
      word, [](char c) { return is_hex(c) || c == ':' || c == '.' || c == '-'; });
  constexpr int digits_of_a_mac = 12;
  return is_plain_hex && (word.find(':') != std::string_view::npos ||
                          std::ranges::count_if(word, is_hex) == digits_of_a_mac);
}

FilterProblem unknown(const FilterWord& word) {
  const std::string_view meant = closest(word.text, keywords);
  if (!meant.empty()) {
    return {word.position, fmt::format("syntax error; did you mean '{}'?", meant)};
  }
  return {word.position, "not a keyword; names are not looked up, give an address"};
}

}  // namespace

std::vector<FilterWord> filter_words(std::string_view expression) {
  std::vector<FilterWord> words;
  bool is_in_brackets = false;  // where a colon parts offset and size
  std::size_t at = 0;
  const auto is_of_word = [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '-' ||
           c == '\\' || (c == ':' && !is_in_brackets);
  };
  while (at < expression.size()) {
    const std::size_t begin = at;
    while (at < expression.size() && is_of_word(expression[at])) ++at;
    if (at > begin) {
      words.push_back({begin, expression.substr(begin, at - begin)});
      continue;
    }
    if (expression[at] == '[') is_in_brackets = true;
    if (expression[at] == ']') is_in_brackets = false;
    const bool is_symbol = std::isspace(static_cast<unsigned char>(expression[at])) == 0;
    if (is_symbol) words.push_back({at, expression.substr(at, 1)});
    ++at;
  }
  return words;
}

std::optional<FilterProblem> find_unknown_word(std::string_view expression) {
  bool names_are_due = false;  // by the last qualifier: "port http or https"
  bool operand_is_due = false;
  for (const FilterWord& word : filter_words(expression)) {
    const bool is_symbol =
        word.text.size() == 1 && std::isalnum(static_cast<unsigned char>(word.text[0])) == 0;
    if (is_symbol) {
      if (word.text != ")" && word.text != "]") operand_is_due = true;
    } else if (is_one_of(word.text, connectives)) {
      operand_is_due = true;
    } else if (is_one_of(word.text, keywords)) {
      names_are_due = operand_is_due = is_one_of(word.text, take_names);
    } else if (is_number_or_address(word.text) || (names_are_due && operand_is_due)) {
      operand_is_due = false;
    } else {
      return unknown(word);
    }
  }
  return std::nullopt;
}

}  // namespace wirefault
