#include "detectors/quality.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <tuple>

#include "detectors/wording.h"

namespace wirefault {
namespace {

// Zeek alarms at a tenth; from a thousandth on, single losses are as likely the capture's.
constexpr std::uint64_t degraded_per_mille = 1;
constexpr std::uint64_t capped_per_mille = 10;
constexpr std::uint64_t withheld_per_mille = 100;
// Fewer of anything make no share.
constexpr std::uint64_t enough_connections = 20;
constexpr std::uint64_t enough_unseen = 3;
constexpr std::uint64_t several_breaks = 3;

std::uint64_t per_mille(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : part * 1000 / whole;
}

Grade grade_of_loss(std::uint64_t share) {
  return share >= withheld_per_mille   ? Grade::unusable
         : share >= degraded_per_mille ? Grade::degraded
                                       : Grade::ok;
}

std::uint64_t drops_of(const std::vector<SourceInfo>& sources) {
  std::uint64_t all = 0;
  for (const SourceInfo& source : sources) all += source.drops();
  return std::min(all, SourceInfo::most_drops);
}

std::uint64_t duplicates_of(const CaptureSummary& summary) {
  return std::accumulate(summary.duplicates.begin(), summary.duplicates.end(), std::uint64_t{0});
}

std::uint64_t malformed_of(const CaptureSummary& summary) {
  std::uint64_t all = 0;
  for (std::size_t i = 0; i < flaw_count; ++i) {
    if (static_cast<Flaw>(i) != Flaw::cut_short) all += summary.flaws[i];
  }
  return all;
}

std::uint64_t unknown_link_of(const CaptureSummary& summary) {
  std::uint64_t all = 0;
  for (const auto& [type, count] : summary.unknown_links) all += count;
  return all;
}

std::uint64_t not_dissected_of(const CaptureSummary& summary) {
  std::uint64_t all = 0;
  for (const auto& [name, count] : summary.not_dissected) all += count;
  return all;
}

std::uint64_t sum_of(const Forgotten& forgotten) {
  std::uint64_t all = 0;
  for (const auto& [keeper, count] : forgotten) all += count;
  return all;
}

bool mostly_one_way(const CaptureSummary& summary) {
  return summary.tcp_connections >= enough_connections &&
         summary.tcp_one_sided * 10 >= summary.tcp_connections * 9;
}

// In a thousand, of the acknowledgments that say something new.
std::uint64_t unseen_per_mille(const CaptureSummary& summary) {
  if (summary.tcp_acked_unseen < enough_unseen) return 0;
  // A share of few is no share, but it is no clean capture either.
  if (summary.tcp_acks < enough_connections) return capped_per_mille;
  return per_mille(summary.tcp_acked_unseen, std::max(summary.tcp_acks, summary.tcp_acked_unseen));
}

std::uint64_t share_of_drops(const CaptureSummary& summary,
                             const std::vector<SourceInfo>& sources) {
  const std::uint64_t drops = drops_of(sources);
  return per_mille(drops, summary.packets + drops);
}

// Of what was on the wire, the larger of what the capture admits and what acknowledgments prove.
std::uint64_t lost_per_mille(const CaptureSummary& summary,
                             const std::vector<SourceInfo>& sources) {
  return std::max(share_of_drops(summary, sources), unseen_per_mille(summary));
}

// Of the data that is known to have passed, in a thousand. What loses packets loses data in
// proportion, in a row or one by one.
std::uint64_t unseen_data_per_mille(const CaptureSummary& summary) {
  if (summary.tcp_acked_unseen < enough_unseen || summary.tcp_acks < enough_connections) return 0;
  return per_mille(std::min(summary.tcp_unseen_bytes, summary.tcp_acked_bytes),
                   summary.tcp_acked_bytes);
}

// How much of what was on the wire this capture lacks: the gates ask how sure it is that it does,
// this is how much.
std::uint64_t estimated_loss(const CaptureSummary& summary,
                             const std::vector<SourceInfo>& sources) {
  return std::max(share_of_drops(summary, sources), unseen_data_per_mille(summary));
}

// A live capture's filter is our own: there is nothing to guess.
bool knows_filter(const std::vector<SourceInfo>& sources) {
  return !sources.empty() && std::ranges::all_of(sources, [](const SourceInfo& source) {
    return source.format == "live";
  });
}

bool lacks_what_has_no_port(const CaptureSummary& summary) {
  return summary.quality.later_fragments == 0 && summary.arp_packets == 0 &&
         summary.icmp_packets == 0;
}

// One port in many conversations, and no ARP, which whoever adds "or icmp" still leaves out.
bool looks_filtered_by_port(const CaptureSummary& summary) {
  return summary.quality.common_port != 0 && summary.quality.has_many_ports &&
         summary.arp_packets == 0;
}

class Notes {
 public:
  explicit Notes(Quality& quality) : quality_{quality} {}

  void add(std::string_view kind, Grade grade, std::uint64_t count, std::string text) {
    quality_.notes.push_back({kind, grade, count, std::move(text)});
    quality_.grade = std::max(quality_.grade, grade);
  }

 private:
  Quality& quality_;
};

// ", 49.8% of all data", where that can be told.
std::string unseen_share_text(const CaptureSummary& summary) {
  if (unseen_data_per_mille(summary) == 0) return {};
  return fmt::format(", {} of all that was acknowledged",
                     share_text(std::min(summary.tcp_unseen_bytes, summary.tcp_acked_bytes),
                                summary.tcp_acked_bytes));
}

void note_losses(Notes& notes, const CaptureSummary& summary,
                 const std::vector<SourceInfo>& sources) {
  if (const std::uint64_t drops = drops_of(sources); drops > 0) {
    const std::uint64_t all = summary.packets + drops;
    notes.add("kernel-drops", grade_of_loss(per_mille(drops, all)), drops,
              fmt::format("{} dropped before they were captured ({})", plural(drops, "packet"),
                          share_text(drops, all)));
  }
  if (summary.tcp_acked_unseen >= enough_unseen) {
    notes.add("acked-unseen", grade_of_loss(unseen_per_mille(summary)), summary.tcp_acked_unseen,
              fmt::format("{} for data missing from the capture{}",
                          plural(summary.tcp_acked_unseen, "TCP acknowledgment"),
                          unseen_share_text(summary)));
  }
  if (summary.tcp_one_sided > 0) {
    const bool few = summary.tcp_one_sided * 100 < summary.tcp_connections;
    notes.add("one-sided",
              mostly_one_way(summary) ? Grade::unusable
              : few                   ? Grade::ok
                                      : Grade::degraded,
              summary.tcp_one_sided,
              fmt::format("{} of {} TCP connections were seen in one direction only",
                          grouped(summary.tcp_one_sided), grouped(summary.tcp_connections)));
  }
}

void note_contents(Notes& notes, const CaptureSummary& summary,
                   const std::vector<SourceInfo>& sources) {
  const CaptureQuality& quality = summary.quality;
  const std::uint64_t duplicates = duplicates_of(summary);
  // A few are a network's own doing; from one in twenty on they are the capture's.
  if (duplicates * 20 >= summary.packets && duplicates > 0) {
    notes.add("duplicates", Grade::ok, duplicates,
              fmt::format("{} of {} packets are copies of others and count once",
                          grouped(duplicates), grouped(summary.packets)));
  }
  const std::uint64_t unreadable = summary.flaws[static_cast<std::size_t>(Flaw::cut_short)];
  if (quality.snap_cut > 0) {
    notes.add("snap-cut", unreadable > 0 ? Grade::degraded : Grade::ok, quality.snap_cut,
              unreadable > 0 ? fmt::format("{} cut by the capture, {} of them too short to read",
                                           plural(quality.snap_cut, "packet"), grouped(unreadable))
                             : fmt::format("{} cut by the capture, none too short to read",
                                           plural(quality.snap_cut, "packet")));
  }
  if (quality.giants > 0) {
    notes.add("offload", Grade::ok, quality.giants,
              fmt::format("{} larger than any link carries: taken inside a host, before it splits "
                          "or after it joins segments",
                          plural(quality.giants, "packet")));
  }
  if (const std::uint64_t malformed = malformed_of(summary); malformed > 0) {
    const auto worst = std::max_element(summary.flaws.begin() + 2, summary.flaws.end());
    const auto code = static_cast<Flaw>(worst - summary.flaws.begin());
    notes.add(
        "malformed", Grade::ok, malformed,
        fmt::format("{} malformed, most often {}", plural(malformed, "packet"), flaw_code(code)));
  }
  if (!knows_filter(sources) && lacks_what_has_no_port(summary) &&
      looks_filtered_by_port(summary)) {
    notes.add(
        "port-filter", Grade::ok, quality.common_port,
        fmt::format("only port {}: a capture filter may have left out fragments, ICMP and ARP",
                    quality.common_port));
  }
  if (lacks_all_but_syns(summary)) {
    notes.add("only-syns", Grade::degraded, summary.tcp_connections,
              fmt::format("only SYNs: a capture filter left out the rest of all {}; whether they "
                          "opened cannot be told",
                          plural(summary.tcp_connections, "TCP connection")));
  }
  if (summary.tcp_joined_midway * 2 > summary.tcp_connections) {
    notes.add("mid-stream", Grade::ok, summary.tcp_joined_midway,
              fmt::format("{} of {} TCP connections had begun before the capture",
                          grouped(summary.tcp_joined_midway), grouped(summary.tcp_connections)));
  }
}

// Spoofed packets of others come back to us like this, and so do errors about what came before.
void note_strange_errors(Notes& notes, const CaptureSummary& summary) {
  constexpr std::uint64_t enough = 10;
  if (summary.icmp_unmatched < enough) return;
  notes.add("icmp-unmatched", Grade::ok, summary.icmp_unmatched,
            fmt::format("{} about packets that are not in this capture",
                        plural(summary.icmp_unmatched, "ICMP error")));
}

// The filters that the capture itself names. They are text that somebody else wrote.
void note_filters(Notes& notes, const std::vector<SourceInfo>& sources) {
  constexpr std::size_t most = 60;
  std::set<std::string> told;
  for (const SourceInfo& source : sources) {
    for (const InterfaceInfo& interface : source.interfaces) {
      if (interface.filter.empty() || !told.insert(interface.filter).second) continue;
      const bool is_cut = interface.filter.size() > most;
      notes.add("capture-filter", Grade::ok, 0,
                fmt::format("captured with the filter '{}{}': what it left out is not judged",
                            printable(interface.filter.substr(0, most)), is_cut ? "..." : ""));
      if (told.size() == 3) return;
    }
  }
}

std::string name_of(const SourceInfo& source, std::size_t interface, bool is_only_source) {
  if (source.interfaces.size() < 2 && !is_only_source) return printable(source.name);
  const std::string& given = source.interfaces[interface].name;
  const std::string name =
      given.empty() ? fmt::format("interface {}", interface) : printable(given);
  return is_only_source ? name : fmt::format("{} of {}", name, printable(source.name));
}

// What ran by `clock`.
std::string name_of_clock(const std::vector<SourceInfo>& sources, std::uint16_t clock) {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    for (std::size_t j = 0; j < sources[i].interfaces.size(); ++j) {
      if (clock_of(static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(j)) == clock) {
        return name_of(sources[i], j, sources.size() == 1);
      }
    }
  }
  return "an interface";
}

std::string offset_text(const ClockOffset& offset, const std::vector<SourceInfo>& sources) {
  return fmt::format("the clock of {} is {} {} that of {}", name_of_clock(sources, offset.clock),
                     rough_duration(std::chrono::abs(offset.ahead)),
                     offset.ahead > Duration{} ? "ahead of" : "behind",
                     name_of_clock(sources, offset.reference));
}

std::uint64_t ns_of(const ClockOffset& offset) {
  return static_cast<std::uint64_t>(std::chrono::abs(offset.ahead).count());
}

void note_clock_offsets(Notes& notes, const CaptureSummary& summary,
                        const std::vector<SourceInfo>& sources) {
  constexpr std::size_t most_told = 3;
  std::size_t told = 0;
  for (const ClockOffset& offset : summary.clock_offsets) {
    if (++told > most_told) return;
    notes.add(
        "clock-offset", Grade::degraded, ns_of(offset),
        fmt::format("{}: {}", offset_text(offset, sources),
                    offset.is_corrected ? "allowed for" : "times between them are off by as much"));
  }
}

std::uint64_t largest_offset_ns(const CaptureSummary& summary) {
  std::uint64_t largest = 0;
  for (const ClockOffset& offset : summary.clock_offsets) {
    largest = std::max(largest, ns_of(offset));
  }
  return largest;
}

// What this many steps have done to the order and the age of packets, timers cannot tell.
bool has_unusable_clock(const CaptureSummary& summary) {
  constexpr std::uint64_t several = 20;
  return summary.quality.clock_steps >= several &&
         summary.quality.clock_steps * 100 >= summary.packets;
}

// A reason not to trust timers: what waits at one clock and is answered at another.
std::string clock_doubt(const CaptureSummary& summary, const std::vector<SourceInfo>& sources) {
  // As for a clock that steps.
  constexpr Duration noticeable = std::chrono::milliseconds{100};
  for (const ClockOffset& offset : summary.clock_offsets) {
    if (!offset.is_corrected && std::chrono::abs(offset.ahead) >= noticeable) {
      return offset_text(offset, sources);
    }
  }
  if (!has_unusable_clock(summary)) return {};
  return fmt::format("the capture's clock stepped {}", plural(summary.quality.clock_steps, "time"));
}

void note_time(Notes& notes, const CaptureSummary& summary) {
  const CaptureQuality& quality = summary.quality;
  if (quality.clock_steps > 0) {
    notes.add("clock-step", Grade::degraded, quality.clock_steps,
              fmt::format("the capture's clock stepped by 100 ms or more, {}",
                          plural(quality.clock_steps, "time")));
  }
  if (quality.silences > 0) {
    notes.add("silence-gap", Grade::degraded, quality.silences,
              fmt::format("no packet at all for {} in the middle of steady traffic{}",
                          rough_duration(quality.longest_silence),
                          quality.silences == 1 ? std::string{}
                                                : fmt::format(", {} such gaps", quality.silences)));
  }
  // Bursts have pauses too: only where most of the time is missing.
  if (quality.breaks >= several_breaks && quality.broken_off * 2 > summary.last - summary.first) {
    notes.add("breaks", Grade::ok, quality.breaks,
              fmt::format("in pieces: nothing at all for {} at the longest, {} such breaks",
                          rough_duration(quality.longest_break), grouped(quality.breaks)));
  }
  if (quality.pauses > 0) {
    // What waited for an answer then is judged as if the capture had gone on.
    notes.add("pause", Grade::ok, quality.pauses,
              fmt::format("no packet for {} before frame {}{}",
                          rough_duration(quality.longest_pause), quality.paused_until.number(),
                          quality.pauses == 1 ? std::string{}
                                              : fmt::format(", {} pauses of an hour or more",
                                                            grouped(quality.pauses))));
  }
  // The rounding of few packets proves nothing.
  if (quality.has_coarse_times && summary.packets >= 100) {
    notes.add("coarse-times", Grade::ok, 0, "times are whole milliseconds");
  }
}

void note_forgotten(Notes& notes, const CaptureSummary& summary, const Forgotten& forgotten) {
  if (summary.evicted > 0) {
    notes.add("evicted", Grade::degraded, summary.evicted,
              fmt::format("{} given up for want of memory: counts are no longer exact",
                          plural(summary.evicted, "record")));
  }
  if (forgotten.empty()) return;
  std::vector<std::string> each;
  for (const auto& [keeper, count] : forgotten) {
    each.push_back(fmt::format("{} {}", keeper, grouped(count)));
  }
  notes.add("tallies-evicted", Grade::degraded, sum_of(forgotten),
            fmt::format("too much to keep count of all that may be wrong: {} given up ({})",
                        plural(sum_of(forgotten), "tally"), fmt::join(each, ", ")));
}

void note_unreadable(Notes& notes, const CaptureSummary& summary,
                     const std::vector<SourceInfo>& sources) {
  const auto broken = static_cast<std::uint64_t>(std::ranges::count_if(
      sources, [](const SourceInfo& source) { return source.cut_short.has_value(); }));
  if (broken > 0) {
    notes.add("cut-short", summary.packets == 0 ? Grade::unusable : Grade::degraded, broken,
              fmt::format("{} cut short", plural(broken, "file")));
  }
  for (const auto& [type, count] : summary.unknown_links) {
    const bool is_most = unknown_link_of(summary) * 2 > summary.packets;
    notes.add("unknown-link", is_most ? Grade::unusable : Grade::degraded, count,
              fmt::format("{} of link type {}, which is not known", plural(count, "packet"), type));
  }
}

void sort_notes(Quality& quality) {
  std::sort(quality.notes.begin(), quality.notes.end(),
            [](const QualityNote& a, const QualityNote& b) {
              return std::tie(b.grade, a.kind, a.text) < std::tie(a.grade, b.kind, b.text);
            });
}

bool rests_on_absence(const Finding& finding, const std::vector<const DetectorEntry*>& entries) {
  // Where a packet proves it all the same, the capture is beside the point.
  if (finding.confidence == Confidence::certain) return false;
  const auto entry = std::find_if(entries.begin(), entries.end(), [&](const DetectorEntry* each) {
    return each->id == finding.detector;
  });
  return entry != entries.end() && (*entry)->basis == Basis::absence;
}

}  // namespace

Quality assess(const CaptureSummary& summary, const std::vector<SourceInfo>& sources,
               const Forgotten& forgotten) {
  Quality quality;
  Notes notes{quality};
  note_unreadable(notes, summary, sources);
  note_losses(notes, summary, sources);
  note_contents(notes, summary, sources);
  note_filters(notes, sources);
  note_strange_errors(notes, summary);
  note_time(notes, summary);
  note_clock_offsets(notes, summary, sources);
  note_forgotten(notes, summary, forgotten);
  sort_notes(quality);
  std::uint64_t encrypted = 0;
  for (const auto& [server, flows] : summary.quality.encrypted_dns) encrypted += flows;
  quality.numbers = {{"kernel_drops", drops_of(sources)},
                     {"acked_unseen", summary.tcp_acked_unseen},
                     {"lost_per_mille", estimated_loss(summary, sources)},
                     {"one_way_flows", summary.tcp_one_sided},
                     {"joined_midway", summary.tcp_joined_midway},
                     {"duplicates", duplicates_of(summary)},
                     {"snap_cut", summary.quality.snap_cut},
                     {"malformed", malformed_of(summary)},
                     {"not_dissected", not_dissected_of(summary)},
                     {"unknown_link", unknown_link_of(summary)},
                     {"icmp_unmatched", summary.icmp_unmatched},
                     {"later_fragments", summary.quality.later_fragments},
                     {"clock_steps", summary.quality.clock_steps},
                     {"clock_offset_ns", largest_offset_ns(summary)},
                     {"silence_gaps", summary.quality.silences},
                     {"encrypted_dns_flows", encrypted},
                     {"evicted", summary.evicted},
                     {"tallies_evicted", sum_of(forgotten)}};
  return quality;
}

CaptureVantage capture_vantage(const VantageMap& vantages) {
  constexpr std::size_t most_shown = 5;
  CaptureVantage said;
  said.place = name_of(vantages.of_most());
  said.near_client = vantages.pairs_at(Vantage::near_client);
  said.near_server = vantages.pairs_at(Vantage::near_server);
  said.middle = vantages.pairs_at(Vantage::middle);
  said.undecided = vantages.pairs_at(Vantage::unknown);
  for (const IpAddress& own : vantages.own()) said.own_addresses.push_back(own.to_string());
  for (const VantageMap::Pair& pair : vantages.major(most_shown)) {
    const VantageVotes& votes = pair.votes;
    const auto sum = [](const auto& counts) {
      return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
    };
    said.pairs.push_back({pair.key.client.to_string(), pair.key.server.to_string(),
                          name_of(pair.place), sum(votes.by_time), sum(votes.by_hop_limit),
                          votes.to_answer.count(), votes.to_acknowledgment.count()});
  }
  return said;
}

std::vector<std::string> not_looked_at(const CaptureSummary& summary) {
  std::vector<std::string> clauses;
  for (const auto& [server, flows] : summary.quality.encrypted_dns) {
    clauses.push_back(
        fmt::format("{} to {}", plural(flows, "encrypted DNS flow"), server.to_string()));
  }
  if (summary.tcp_refused_unseen > 0) {
    clauses.push_back(fmt::format("{} by RST without a SYN in this capture",
                                  plural(summary.tcp_refused_unseen, "refusal")));
  }
  // Too many kinds to be worth reading are summed up.
  constexpr std::size_t most_kinds = 4;
  std::vector<std::pair<std::uint64_t, std::string>> kinds;
  std::uint64_t rest = 0;
  // The chatter of switches and routers is nowhere near a hundredth.
  const auto is_worth_a_word = [&](std::uint64_t count) { return count * 100 >= summary.packets; };
  for (const auto& [name, count] : summary.not_dissected) {
    if (is_worth_a_word(count)) {
      kinds.emplace_back(count, name);
    } else {
      rest += count;
    }
  }
  if (!is_worth_a_word(rest)) rest = 0;
  std::sort(kinds.begin(), kinds.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (i < most_kinds) {
      clauses.push_back(fmt::format("{} of {}", plural(kinds[i].first, "packet"), kinds[i].second));
    } else {
      rest += kinds[i].first;
    }
  }
  if (rest > 0) clauses.push_back(fmt::format("{} of other kinds", plural(rest, "packet")));
  return clauses;
}

bool hides_fragments(const CaptureSummary& summary, const std::vector<SourceInfo>& sources) {
  if (summary.quality.later_fragments > 0) return false;
  const auto names_a_port = [](const SourceInfo& source) {
    return std::any_of(source.interfaces.begin(), source.interfaces.end(),
                       [](const InterfaceInfo& interface) {
                         return interface.filter.find("port") != std::string::npos;
                       });
  };
  const bool is_likely = lacks_what_has_no_port(summary) || looks_filtered_by_port(summary);
  return (is_likely && !knows_filter(sources)) ||
         std::any_of(sources.begin(), sources.end(), names_a_port);
}

bool lacks_all_but_syns(const CaptureSummary& summary) {
  // Whoever captures a flood without such a filter has ARP, or errors, or something else with it.
  return summary.tcp_only_syns && summary.tcp_connections >= enough_connections &&
         summary.arp_packets == 0 && summary.icmp_packets == 0;
}

void note_unheard_answers(const CaptureSummary& summary, Result& result) {
  // As dns-unanswered has it: from here on it is no chance.
  constexpr std::uint64_t several = 3;
  const std::uint64_t queries = result.counts.dns_unanswered;
  const bool is_told = std::ranges::any_of(
      result.findings, [](const Finding& finding) { return finding.detector == "dns-unanswered"; });
  const bool unheard = summary.dns_responses == 0 && queries >= several && !is_told;
  result.quality.numbers["dns_unheard"] = unheard ? queries : 0;
  if (!unheard) return;
  Notes{result.quality}.add(
      "dns-one-way", Grade::degraded, queries,
      fmt::format("not one DNS response: {} had none, or their direction was not captured",
                  plural(queries, "query")));
  sort_notes(result.quality);
}

void note_interface_down(std::string_view interface, std::uint64_t times, Duration down,
                         Result& result) {
  if (times == 0) return;
  Notes{result.quality}.add(
      "interface-down", Grade::degraded, times,
      fmt::format("interface {} was down for {}{}: nothing could be captured then",
                  printable(interface), rough_duration(down),
                  times == 1 ? std::string{} : fmt::format(" in all, {} times", grouped(times))));
  sort_notes(result.quality);
}

void apply_gates(const CaptureSummary& summary, const std::vector<SourceInfo>& sources,
                 const std::vector<const DetectorEntry*>& entries, Result& result) {
  const std::uint64_t drops = drops_of(sources);
  const std::uint64_t lost = lost_per_mille(summary, sources);
  const bool blind = lost >= withheld_per_mille || mostly_one_way(summary);
  const std::string doubt = clock_doubt(summary, sources);
  std::uint64_t withheld = 0;
  std::vector<Finding> kept;
  for (Finding& finding : result.findings) {
    if (summary.evicted > 0) finding.lower_bound = true;
    if (!rests_on_absence(finding, entries)) {
      kept.push_back(std::move(finding));
      continue;
    }
    if (blind) {
      ++withheld;
      continue;
    }
    if (!doubt.empty()) finding.caveats.push_back({"clock", doubt});
    if (lost >= capped_per_mille || !doubt.empty()) {
      finding.confidence = Confidence::possible;
      finding.severity = std::min(finding.severity, Severity::warning);
    }
    if (drops > 0) {
      finding.caveats.push_back(
          {"kernel-drops",
           fmt::format("{} could hide at most {} of what is missing here",
                       plural(drops, "dropped packet"), grouped(std::min(drops, finding.count)))});
    } else if (lost >= degraded_per_mille) {
      finding.caveats.push_back(
          {"acked-unseen", fmt::format("{} for data missing from the capture{}",
                                       plural(summary.tcp_acked_unseen, "TCP acknowledgment"),
                                       unseen_share_text(summary))});
    }
    kept.push_back(std::move(finding));
  }
  result.findings = std::move(kept);
  if (withheld == 0) return;
  const Grade grade = Grade::unusable;
  result.quality.notes.insert(
      result.quality.notes.begin(),
      {"withheld", grade, withheld,
       fmt::format("{} about missing packets withheld: the capture lacks too many itself",
                   plural(withheld, "finding"))});
  result.quality.grade = grade;
}

}  // namespace wirefault
