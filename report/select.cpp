#include "report/select.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "capture/error.h"
#include "detectors/wording.h"

namespace wirefault {
namespace {

struct Prefix {
  std::array<std::uint8_t, 16> bytes{};
  std::size_t bits = 0;
  bool is_v6 = false;
};

std::optional<Prefix> parse_address(const std::string& text) {
  Prefix address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data()) == 1) {
    address.bits = 32;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) {
    address.bits = 128;
    address.is_v6 = true;
    return address;
  }
  return std::nullopt;
}

std::optional<Prefix> parse_prefix(const std::string& text) {
  const std::size_t slash = text.find('/');
  std::optional<Prefix> prefix = parse_address(text.substr(0, slash));
  if (!prefix || slash == text.npos) return prefix;
  std::size_t bits = 0;
  const char* const last = text.data() + text.size();
  const auto [end, problem] = std::from_chars(text.data() + slash + 1, last, bits);
  if (problem != std::errc{} || end != last || bits > prefix->bits) return std::nullopt;
  prefix->bits = bits;
  return prefix;
}

bool contains(const Prefix& prefix, const Prefix& address) {
  if (prefix.is_v6 != address.is_v6) return false;
  for (std::size_t bit = 0; bit < prefix.bits; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
    if ((prefix.bytes[bit / 8] & mask) != (address.bytes[bit / 8] & mask)) return false;
  }
  return true;
}

struct Party {
  std::string address;
  std::optional<std::uint16_t> port;
};

// The addresses and ports in "192.0.2.1", "192.0.2.1:53", "[2001:db8::1]:53", and in texts that
// hold several with other words between them.
std::vector<Party> parties(std::string_view text) {
  constexpr std::string_view address_characters = "0123456789abcdefABCDEF:.[]";
  std::vector<Party> found;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find_first_not_of(address_characters), text.size());
    std::string part{text.substr(0, length)};
    text.remove_prefix(std::min(length + 1, text.size()));
    if (part.empty()) continue;
    Party party;
    const std::size_t colon = part.rfind(':');
    const bool bracketed = part.front() == '[';
    const bool has_port =
        colon != part.npos && (bracketed ? part[colon - 1] == ']' : part.find(':') == colon);
    if (has_port) {
      std::uint16_t port = 0;
      const auto [end, problem] =
          std::from_chars(part.data() + colon + 1, part.data() + part.size(), port);
      if (problem == std::errc{} && end == part.data() + part.size()) party.port = port;
      part.resize(colon);
    }
    if (bracketed) part = part.substr(1, part.size() < 2 ? 0 : part.size() - 2);
    party.address = part;
    found.push_back(party);
  }
  return found;
}

std::string canonical(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  std::string lower;
  for (const char character : name) {
    const bool upper = character >= 'A' && character <= 'Z';
    lower += upper ? static_cast<char>(character - 'A' + 'a') : character;
  }
  return lower;
}

bool is_below(const std::string& name, const std::string& zone) {
  return name == zone || zone.empty() || name.ends_with("." + zone);
}

enum class Match { no, maybe, yes };

// `about` tells whether one party's text is what was asked for.
template <class About>
Match match(const Finding& finding, bool names, About about) {
  if (about(finding.entity, false)) return Match::yes;
  bool all_named = true;
  for (const Who& who : finding.who) {
    const bool is_name = who.role == "name" || who.role == "zone";
    if (is_name != names) continue;
    for (const Who::Member& member : who.top) {
      if (about(member.text, who.role == "zone")) return Match::yes;
    }
    all_named = all_named && who.distinct <= who.top.size();
  }
  return all_named ? Match::no : Match::maybe;
}

Match match_hosts(const Finding& finding, const std::vector<std::string>& hosts) {
  return match(finding, false, [&](std::string_view text, bool) {
    for (const Party& party : parties(text)) {
      const auto address = parse_address(party.address);
      if (!address) continue;
      for (const std::string& host : hosts) {
        const auto prefix = parse_prefix(host);
        if (prefix && contains(*prefix, *address)) return true;
      }
    }
    return false;
  });
}

Match match_names(const Finding& finding, const std::vector<std::string>& names) {
  return match(finding, true, [&](std::string_view text, bool is_zone) {
    for (const std::string& name : names) {
      if (is_below(canonical(text), canonical(name))) return true;
      if (is_zone && is_below(canonical(name), canonical(text))) return true;
    }
    return false;
  });
}

Match match_ports(const Finding& finding, const std::vector<std::uint16_t>& ports) {
  return match(finding, false, [&](std::string_view text, bool) {
    for (const Party& party : parties(text)) {
      if (party.port && std::find(ports.begin(), ports.end(), *party.port) != ports.end()) {
        return true;
      }
    }
    return false;
  });
}

bool is_wanted(const Selection& selection, Finding& finding) {
  if (finding.severity < selection.min_severity) return false;
  if (finding.confidence < selection.min_confidence) return false;
  std::vector<std::string> maybe;
  const auto keep = [&](Match matched, std::string asked) {
    if (matched == Match::maybe) maybe.push_back(std::move(asked));
    return matched != Match::no;
  };
  if (!selection.hosts.empty() && !keep(match_hosts(finding, selection.hosts),
                                        fmt::format("{}", fmt::join(selection.hosts, ", ")))) {
    return false;
  }
  if (!selection.names.empty() && !keep(match_names(finding, selection.names),
                                        fmt::format("{}", fmt::join(selection.names, ", ")))) {
    return false;
  }
  if (!selection.ports.empty() && !keep(match_ports(finding, selection.ports),
                                        fmt::format("port {}", fmt::join(selection.ports, ", ")))) {
    return false;
  }
  for (const std::string& asked : maybe) {
    finding.caveats.push_back(
        {"may-not-concern",
         fmt::format(
             "only the most affected parties are known by name; {} may not be among the rest",
             asked)});
  }
  return true;
}

}  // namespace

void check(const Selection& selection) {
  for (const std::string& host : selection.hosts) {
    if (parse_prefix(host)) continue;
    throw Error{fmt::format("'{}' is not an address", host),
                "  wanted: an address or a prefix, such as 192.0.2.1, 192.0.2.0/24, 2001:db8::/32\n"
                "  for a DNS name: --name"};
  }
}

std::size_t keep_only(const Selection& selection, Result& result) {
  const std::size_t before = result.findings.size();
  std::erase_if(result.findings, [&](Finding& finding) { return !is_wanted(selection, finding); });
  const auto is_gone = [&](const std::string& id) {
    return std::none_of(result.findings.begin(), result.findings.end(),
                        [&](const Finding& finding) { return finding.id == id; });
  };
  // An incident whose root was not asked for has nothing left to say about the others.
  std::erase_if(result.incidents, [&](Incident& incident) {
    std::erase_if(incident.findings, is_gone);
    return is_gone(incident.root);
  });
  for (Finding& finding : result.findings) {
    const bool known =
        std::any_of(result.incidents.begin(), result.incidents.end(),
                    [&](const Incident& incident) { return incident.id == finding.incident; });
    if (!known) finding.incident.clear();
  }
  return before - result.findings.size();
}

}  // namespace wirefault
