#include "detectors/incidents.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "detectors/knowledge/path_sizes.h"

namespace wirefault {
namespace {

// How the hosts of a root and of an effect must agree.
enum class Link : std::uint8_t {
  pair,      // every host of the effect takes part in the root
  target,    // whom the effect's clients could not reach is whom the root is about
  service,   // the same, and the same port where both name one
  source,    // the effect's client is the root's
  zone,      // the effect's name lies in the root's zone, or it names the root's server
  resolver,  // the effect's server is the client that the root left without answers
  lookups,   // the very lookups that failed at the root failed at the effect's server too
};

struct Rule {
  std::string_view root;
  std::string_view effect;
  Link link;
  std::string_view why;
  bool is_cause = true;  // else both may have one in common
  // What comes when the root is over has another cause.
  bool ends_with_root = false;
};

// Causes that say the same as a root which is about size.
constexpr std::array size_causes{std::string_view{"mtu"}, std::string_view{"too-large"}};

// Lower layers first: the first rule that fits gives the root.
constexpr std::array rules{
    Rule{"port-scan", "tcp-refused", Link::source, "they are answers to the scan"},
    Rule{"port-scan", "tcp-syn-timeout", Link::source, "they are probes of the scan"},
    Rule{"port-scan", "icmp-unreachable", Link::source, "they are answers to the scan"},
    Rule{"port-scan", "icmp-admin-prohibited", Link::source, "they are answers to the scan"},
    Rule{"icmp-admin-prohibited", "tcp-syn-timeout", Link::target, "a filter says that it rejects"},
    Rule{"icmp-admin-prohibited", "dns-unanswered", Link::target, "a filter says that it rejects"},
    Rule{"icmp-unreachable", "tcp-syn-timeout", Link::service, "a router says it is unreachable"},
    Rule{"icmp-unreachable", "dns-unanswered", Link::target, "ICMP says it is unreachable"},
    Rule{"ip-fragment-loss", "dns-fragmented-response-loss", Link::pair, "the fragments are lost"},
    Rule{"ip-fragment-loss", "dns-unanswered", Link::pair, "its answers are among the fragments"},
    Rule{"pmtu-blackhole", "dns-fragmented-response-loss", Link::pair, "large packets are dropped"},
    Rule{"pmtu-blackhole", "ip-fragment-loss", Link::pair, "large packets are dropped"},
    Rule{"pmtu-blackhole", "tcp-retransmission", Link::pair, "it repeats what is too large to pass",
         true, true},
    Rule{"icmp-frag-needed", "tcp-retransmission", Link::pair,
         "it repeats what is too large to pass"},
    Rule{"tcp-syn-flood", "tcp-syn-timeout", Link::target, "the flood fills the listener"},
    Rule{"tcp-syn-flood", "tcp-refused", Link::target, "the flood fills the listener"},
    Rule{"tcp-retransmission", "tcp-out-of-order", Link::pair, "the same path loses and reorders",
         false},
    Rule{"dns-fragmented-response-loss", "dns-unanswered", Link::pair,
         "its large answers are lost"},
    Rule{"dns-unanswered", "dns-unanswered", Link::resolver,
         "the forwarder is left without answers"},
    Rule{"dns-unanswered", "dns-unanswered", Link::lookups,
         "the same lookups failed at both, one after the other", false},
    Rule{"dns-unanswered", "dns-servfail-storm", Link::resolver,
         "the resolver is left without answers"},
    Rule{"dns-unanswered", "dns-servfail", Link::resolver, "the resolver is left without answers"},
    Rule{"dns-servfail-storm", "dns-servfail", Link::zone, "the name is part of the storm"},
};

// Findings of these are about packets that are too large for the path.
constexpr std::array mtu_detectors{std::string_view{"ip-fragment-loss"},
                                   std::string_view{"pmtu-blackhole"},
                                   std::string_view{"icmp-frag-needed"}};

// 192.0.2.1 of 192.0.2.1:53, 2001:db8::1 of [2001:db8::1]:53.
std::string host_of(const std::string& text) {
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) return text;
  return text.substr(0, colon);
}

std::set<std::string> members(const Finding& finding,
                              std::initializer_list<std::string_view> roles) {
  std::set<std::string> found;
  for (const Who& who : finding.who) {
    if (std::find(roles.begin(), roles.end(), who.role) == roles.end()) continue;
    for (const Who::Member& member : who.top) found.insert(host_of(member.text));
  }
  return found;
}

bool is_about_size(const Finding& root) {
  return std::find(mtu_detectors.begin(), mtu_detectors.end(), root.detector) !=
         mtu_detectors.end();
}

// The two hosts of a finding about a path, in the path's direction; others have none.
std::vector<std::string> ends_of(const Finding& finding) {
  const std::size_t arrow = finding.entity.find('>');
  const std::size_t end = finding.entity.find('/');
  if (arrow == std::string::npos || end == std::string::npos || end < arrow) return {};
  return {host_of(finding.entity.substr(0, arrow)),
          host_of(finding.entity.substr(arrow + 1, end - arrow - 1))};
}

bool meet(const std::set<std::string>& a, const std::set<std::string>& b) {
  return std::any_of(a.begin(), a.end(), [&](const std::string& each) { return b.contains(each); });
}

bool ends_with_zone(const std::string& name, const std::string& zone) {
  return name == zone || name.ends_with("." + zone);
}

// The same port of the same host; where one of them names no port, the same host.
bool names_the_same_service(const Finding& root, const Finding& effect) {
  const auto services = [](const Finding& finding) {
    std::vector<std::string> found;
    for (const Who& who : finding.who) {
      if (who.role != "server" && who.role != "service") continue;
      for (const Who::Member& member : who.top) found.push_back(member.text);
    }
    return found;
  };
  const std::vector<std::string> wanted = services(effect);
  for (const std::string& each : services(root)) {
    for (const std::string& other : wanted) {
      const bool both_have_ports = host_of(each) != each && host_of(other) != other;
      if (both_have_ports ? each == other : host_of(each) == host_of(other)) return true;
    }
  }
  return false;
}

std::uint32_t measure(const Finding& finding, std::string_view key) {
  for (const Measure& each : finding.measures) {
    if (each.key == key) return static_cast<std::uint32_t>(each.value);
  }
  return 0;
}

// The one member of that role, or nothing.
std::string_view only_member(const Finding& finding, std::string_view role) {
  for (const Who& who : finding.who) {
    if (who.role == role && who.top.size() == 1) return who.top.front().text;
  }
  return {};
}

// As many of that role, and as far as they are named, the same.
bool name_the_same(const Finding& a, const Finding& b, std::string_view role) {
  const auto said = [&](const Finding& finding) {
    std::pair<std::uint64_t, std::set<std::string>> found;
    for (const Who& who : finding.who) {
      if (who.role != role) continue;
      found.first += who.distinct;
      for (const Who::Member& member : who.top) found.second.insert(member.text);
    }
    // Who is most affected differs where only some are named.
    if (found.first > found.second.size()) found.second.clear();
    return found;
  };
  return said(a) == said(b);
}

// A client that is answered by none of its servers suffers once.
bool fail_the_same_lookups(const Finding& first, const Finding& next) {
  return std::tie(first.first, first.entity) < std::tie(next.first, next.entity) &&
         measure(first, "lookups_failed") > 0 &&
         measure(first, "lookups_failed") == measure(next, "lookups_failed") &&
         measure(first, "lookups_saved") + measure(next, "lookups_saved") == 0 &&
         name_the_same(first, next, "client") && name_the_same(first, next, "name");
}

bool concern_the_same(Link link, const Finding& root, const Finding& effect) {
  switch (link) {
    case Link::pair: {
      auto hosts = members(root, {"client", "server", "service", "address"});
      const auto ends = ends_of(root);
      if (is_about_size(effect)) return !ends.empty() && ends == ends_of(effect);
      hosts.insert(ends.begin(), ends.end());
      const auto clients = members(effect, {"client"});
      const auto servers = members(effect, {"server", "service", "address"});
      return meet(hosts, servers) && (clients.empty() || meet(hosts, clients));
    }
    case Link::target:
      return meet(members(root, {"server", "service"}), members(effect, {"server", "service"}));
    case Link::service:
      return names_the_same_service(root, effect);
    case Link::source:
      return meet(members(root, {"client"}), members(effect, {"client"}));
    case Link::zone: {
      if (root.variant == "responder") {
        return meet(members(root, {"server"}), members(effect, {"server"}));
      }
      const auto zones = members(root, {"zone"});
      const auto names = members(effect, {"name"});
      return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
        return std::any_of(zones.begin(), zones.end(),
                           [&](const std::string& zone) { return ends_with_zone(name, zone); });
      });
    }
    case Link::resolver:
      return meet(members(root, {"client"}), members(effect, {"server"}));
    case Link::lookups:
      return fail_the_same_lookups(root, effect);
  }
  return false;
}

// The root may be seen a little later than its effect: a deadline must pass before it is known.
bool fits_in_time(const Finding& root, const Finding& effect, bool ends_with_root = false) {
  constexpr Duration slack = std::chrono::seconds{1};
  const bool at_once = ends_with_root && root.state == FindingState::ended;
  const Duration later = at_once ? slack : std::chrono::seconds{60};
  return root.first <= effect.first + slack && root.last + later >= effect.first;
}

// What the root says of sizes; from the router's own words, where there are any. ICMPv6 has room
// for sizes that no packet has.
SizeWindow sizes_of(const Finding& root) {
  constexpr std::uint32_t largest_packet = 0xffff;
  const std::uint32_t mtu = std::min(measure(root, "mtu_bytes"), largest_packet);
  if (mtu != 0) return {mtu, mtu + 1};
  const std::uint32_t passed = measure(root, "delivered_up_to_bytes");
  const std::uint32_t lost = measure(root, "lost_from_bytes");
  return {passed, lost > passed ? lost : 0};
}

// Whether what the effect lost is as large as what the root loses.
bool fits_in_size(const Rule& rule, const Finding& root, const Finding& effect) {
  // Tunnels pad, and senders count options one way or the other.
  constexpr std::uint32_t slack = 8;
  // Answers to other queries are small.
  if (rule.link == Link::pair && effect.detector == "dns-unanswered") {
    return measure(effect, "large_offers_unanswered") * std::uint64_t{5} >= effect.count * 4;
  }
  if (!is_about_size(root)) return true;
  // A router named these very segments.
  if (root.detector == "icmp-frag-needed" &&
      measure(effect, "refused_too_large") * std::uint64_t{2} >= effect.count) {
    return true;
  }
  const std::uint32_t lost = measure(effect, "lost_from_bytes");
  return lost == 0 || lost + slack >= sizes_of(root).lost;
}

std::vector<std::vector<Cause>> causes_of(const std::vector<Finding>& findings) {
  std::vector<std::vector<Cause>> causes;
  for (const Finding& each : findings) causes.push_back(each.causes);
  return causes;
}

// Whether a cause of an effect says the same as its root, or one of the root's own.
bool agrees_with(const Finding& root, const std::vector<Cause>& causes, std::string_view id) {
  return std::ranges::any_of(causes, [id](const Cause& cause) { return cause.id == id; }) ||
         (is_about_size(root) && std::ranges::find(size_causes, id) != size_causes.end());
}

struct Explanation {
  std::size_t root = 0;
  const Rule* rule = nullptr;
};

std::optional<Explanation> explain(const std::vector<Finding>& findings, std::size_t effect) {
  for (const Rule& rule : rules) {
    if (rule.effect != findings[effect].detector) continue;
    for (std::size_t root = 0; root < findings.size(); ++root) {
      if (root != effect && rule.root == findings[root].detector &&
          fits_in_time(findings[root], findings[effect], rule.ends_with_root) &&
          concern_the_same(rule.link, findings[root], findings[effect]) &&
          fits_in_size(rule, findings[root], findings[effect])) {
        return Explanation{root, &rule};
      }
    }
  }
  return std::nullopt;
}

std::string title_of(const Finding& root) {
  if (!is_about_size(root)) return root.title;
  const SizeWindow sizes = sizes_of(root);
  const auto ends = ends_of(root);
  if (sizes.lost == 0 || ends.empty()) return fmt::format("mtu-path-drop: {}", root.title);
  // The limit lies somewhere in the window: where that is wide, only its upper end is known to
  // hurt.
  constexpr std::uint32_t wide = 256;
  const bool is_narrow = sizes.passed != 0 && sizes.lost - sizes.passed <= wide;
  return fmt::format("mtu-path-drop: {} larger than about {} bytes are dropped between {} and {}",
                     root.detector == "ip-fragment-loss" ? "datagrams" : "packets",
                     is_narrow ? sizes.passed : sizes.lost - 1, ends[0], ends[1]);
}

std::string why_of(const Finding& root, std::string_view rule) {
  const std::string sizes = is_about_size(root) ? sizes_of(root).to_string() : "";
  return sizes.empty() ? std::string{rule} : fmt::format("{}; {}", rule, sizes);
}

}  // namespace

void lower_parts_of_storms(std::vector<Finding>& findings) {
  std::map<std::string_view, const Finding*> zones;
  std::map<std::string, const Finding*> responders;
  for (const Finding& storm : findings) {
    if (storm.detector != "dns-servfail-storm" || storm.severity < Severity::error) continue;
    if (storm.variant == "zone") zones[only_member(storm, "zone")] = &storm;
    if (storm.variant == "responder") {
      for (const std::string& host : members(storm, {"server"})) responders[host] = &storm;
    }
  }
  if (zones.empty() && responders.empty()) return;
  const auto covers = [](const auto& storms, const auto& key, const Finding& name) {
    const auto storm = storms.find(key);
    return storm != storms.end() && fits_in_time(*storm->second, name);
  };
  for (Finding& finding : findings) {
    if (finding.detector != "dns-servfail") continue;
    bool is_part = false;
    for (std::string_view name = only_member(finding, "name"); !is_part && !name.empty();
         name.remove_prefix(std::min(name.find('.'), name.size() - 1) + 1)) {
      is_part = covers(zones, name, finding);
    }
    const auto servers = members(finding, {"server"});
    is_part = is_part || (!servers.empty() && std::ranges::all_of(servers, [&](const auto& server) {
                return covers(responders, server, finding);
              }));
    if (is_part) finding.severity = Severity::note;
  }
}

std::vector<Incident> group(std::vector<Finding>& findings) {
  std::vector<std::optional<Explanation>> explanations;
  for (std::size_t i = 0; i < findings.size(); ++i) explanations.push_back(explain(findings, i));

  // The rules lead from lower layers to upper ones only, so following them comes to an end.
  const auto root_of = [&](std::size_t finding) {
    for (std::size_t steps = 0; explanations[finding] && steps < rules.size(); ++steps) {
      finding = explanations[finding]->root;
    }
    return finding;
  };

  std::vector<Incident> incidents;
  for (std::size_t root = 0; root < findings.size(); ++root) {
    if (explanations[root]) continue;
    Incident incident;
    for (std::size_t effect = 0; effect < findings.size(); ++effect) {
      if (effect == root || root_of(effect) != root) continue;
      incident.findings.push_back(findings[effect].id);
      if (incident.why.empty())
        incident.why = why_of(findings[root], explanations[effect]->rule->why);
    }
    if (incident.findings.empty()) continue;
    incident.id = fmt::format("I{}", incidents.size() + 1);
    incident.title = title_of(findings[root]);
    incident.root = findings[root].id;
    incident.findings.insert(incident.findings.begin(), findings[root].id);
    for (Finding& finding : findings) {
      const auto& ids = incident.findings;
      if (std::find(ids.begin(), ids.end(), finding.id) != ids.end())
        finding.incident = incident.id;
    }
    incidents.push_back(std::move(incident));
  }
  const std::vector<std::vector<Cause>> causes = causes_of(findings);
  for (std::size_t effect = 0; effect < findings.size(); ++effect) {
    if (!explanations[effect] || !explanations[effect]->rule->is_cause) continue;
    const Rule& rule = *explanations[effect]->rule;
    const std::size_t root = explanations[effect]->root;
    std::vector<Cause>& own = findings[effect].causes;
    const auto agrees = [&](const Cause& cause) {
      return agrees_with(findings[root], causes[root], cause.id);
    };
    // What it took for likely alone, without knowing of the root, would speak against it.
    const bool knows_it = !own.empty() && agrees(own.front());
    std::erase_if(own, [&](const Cause& cause) { return !agrees(cause); });
    if (!knows_it) {
      own.insert(own.begin(), {rule.root, std::string{rule.why}, findings[root].title, ""});
    }
  }
  return incidents;
}

bool put_roots_first(std::vector<Finding>& findings, const std::vector<Incident>& incidents) {
  const auto explained = [&](const Finding& finding) -> std::size_t {
    for (const Incident& incident : incidents) {
      if (incident.root == finding.id) return incident.findings.size() - 1;
    }
    return 0;
  };
  std::vector<std::tuple<int, std::size_t, std::size_t>> order;
  for (const Finding& each : findings) {
    order.emplace_back(-static_cast<int>(each.severity), findings.size() - explained(each),
                       order.size());
  }
  std::sort(order.begin(), order.end());
  std::vector<Finding> ordered;
  for (const auto& [severity, rank, at] : order) ordered.push_back(std::move(findings[at]));
  findings = std::move(ordered);
  for (const Incident& incident : incidents) {
    const auto is_root = [&](const Finding& each) { return each.id == incident.root; };
    const auto is_member = [&](const Finding& each) { return each.incident == incident.id; };
    const auto first = std::find_if(findings.begin(), findings.end(), is_member);
    const auto root = std::find_if(first, findings.end(), is_root);
    std::rotate(first, root, root + 1);
  }
  bool moved = false;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const std::string id = fmt::format("F{}", i + 1);
    moved = moved || findings[i].id != id;
    findings[i].id = id;
  }
  if (moved) {
    for (Finding& finding : findings) finding.incident.clear();
  }
  return moved;
}

}  // namespace wirefault
