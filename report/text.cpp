#include "report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "capture/shell_word.h"
#include "detectors/wording.h"

namespace wirefault {
namespace {

// The column where the values of a finding's lines start: "    evidence  #1".
constexpr std::size_t label_indent = 4;
constexpr std::size_t value_indent = 14;

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

// "F2", "F2 and F3", "F2, F3 and F4", "F2, F3 and 7 more"
std::string enumerated(const std::vector<std::string>& parts, std::size_t most = 4) {
  if (parts.empty()) return {};
  if (parts.size() == 1) return parts.front();
  std::vector<std::string> head(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                   parts.size() - 1, most - 1)));
  const std::string last = parts.size() <= most
                               ? parts.back()
                               : fmt::format("{} more", grouped(parts.size() - head.size()));
  return fmt::format("{} and {}", joined(head, ", "), last);
}

std::string count_text(const Finding& finding) {
  return fmt::format("{}{}", grouped(finding.count), finding.lower_bound ? "+" : "");
}

class TextReport {
 public:
  TextReport(const Result& result, const TextOptions& options)
      : result_{result},
        options_{options},
        width_{std::max<std::size_t>(options.width, 40)},
        dates_{!same_day(result.first, result.last, options.zone)},
        years_{date_clock_text(result.first, options.zone).substr(0, 4) !=
               date_clock_text(result.last, options.zone).substr(0, 4)} {}

  std::string make() {
    for (const Finding& finding : result_.findings) {
      (finding.severity == Severity::note ? notes_ : failures_).push_back(&finding);
    }
    header();
    quality();
    settings();
    blank();
    summary();
    narrowed();
    if (failures_.empty()) {
      looked_at();
      not_looked_at();
    }
    table();
    notes();
    if (!failures_.empty()) {
      blank();
      looked_at();
      not_looked_at();
    }
    details();
    footer();
    return std::move(out_);
  }

  std::string beginning() {
    header();
    quality();
    return std::move(out_);
  }

  std::string make(const Finding& finding) {
    heading(finding);
    detail(finding);
    return std::move(out_);
  }

 private:
  void blank() { out_ += '\n'; }

  void line(std::string_view text) {
    out_ += text;
    while (out_.ends_with(' ')) out_.pop_back();
    out_ += '\n';
  }

  // `first` stands before the first line; the others are indented by as much.
  void paragraph(std::string_view first, std::string_view text) {
    const std::string indent(first.size(), ' ');
    for (const std::string& folded :
         fold(fitting(printable(text), width_ - first.size()), width_ - first.size())) {
      line(fmt::format("{}{}", first, folded));
      first = indent;
    }
  }

  // As paragraph(), but broken only between the units: an address stays with its count, a date with
  // its time. What is too long by itself is broken all the same.
  void paragraph_of(std::string first, const std::vector<std::string>& units) {
    const std::size_t room = width_ - first.size();
    std::string row;
    const auto flush = [&] {
      paragraph(first, row);
      first.assign(first.size(), ' ');
      row.clear();
    };
    for (const std::string& unit : units) {
      const std::string text = fitting(printable(unit), room);
      if (!row.empty() && row.size() + 1 + text.size() > room) flush();
      row += fmt::format("{}{}", row.empty() ? "" : " ", text);
    }
    if (!row.empty()) flush();
  }

  // Pieces two spaces apart, as many to a line as fit.
  void pieces(const std::vector<std::string>& parts) {
    std::string row;
    const auto flush = [&] {
      if (row.size() > width_) {
        paragraph("", row);
      } else if (!row.empty()) {
        line(row);
      }
      row.clear();
    };
    for (const std::string& part : parts) {
      if (part.empty()) continue;
      if (!row.empty() && row.size() + 2 + part.size() > width_) flush();
      row += fmt::format("{}{}", row.empty() ? "" : "  ", part);
    }
    flush();
  }

  // On a terminal an address that is wider than its place is cut in the middle; the JSON report has
  // it whole. Elsewhere nothing is ever cut.
  std::string fitting(std::string text, std::size_t width) const {
    if (!options_.terminal) return text;
    std::vector<std::string> words;
    std::string_view rest = text;
    while (true) {
      const std::size_t space = rest.find(' ');
      const std::string_view part = rest.substr(0, space);
      const bool address = part.find(':') != part.npos;
      words.push_back(address ? shorten_middle(part, width) : std::string{part});
      if (space == rest.npos) break;
      rest.remove_prefix(space + 1);
    }
    return joined(words, " ");
  }

  std::string colored(Severity severity, std::string_view text) const {
    return options_.color ? in_color(severity, text) : std::string{text};
  }

  std::string clock(Timestamp time) const { return clock_text(time, options_.zone); }

  // With the day where the capture spans several.
  std::string moment(Timestamp time) const {
    if (!dates_) return clock(time);
    const std::string text = date_clock_text(time, options_.zone);
    return years_ ? text : text.substr(std::string_view{"2024-"}.size());
  }

  bool has_times() const {
    std::uint64_t packets = 0;
    std::uint64_t timeless = 0;
    for (const SourceInfo& source : result_.sources) {
      packets += source.packets;
      timeless += source.without_time;
    }
    return packets > timeless;
  }

  void header() {
    std::vector<std::string> files;
    std::vector<std::string> interfaces;
    std::uint64_t read = 0;
    for (const SourceInfo& source : result_.sources) {
      files.push_back(source.name == "-" ? "standard input" : printable(source.name));
      read += source.packets;
      for (const InterfaceInfo& interface : source.interfaces) {
        const std::string name = printable(interface.name);
        const bool known =
            std::find(interfaces.begin(), interfaces.end(), name) != interfaces.end();
        if (!name.empty() && !known) interfaces.push_back(name);
      }
    }
    const std::uint64_t packets = result_.counts.packets;
    std::string extent;
    if (packets != 0) {
      extent = has_times() ? fmt::format("{} from {}", rough_duration(result_.last - result_.first),
                                         date_clock_text(result_.first, options_.zone))
                           : "times unknown: the file records none";
    }
    if (interfaces.size() > 4) {
      const std::size_t more = interfaces.size() - 3;
      interfaces.resize(3);
      interfaces.push_back(fmt::format("{} more", more));
    }
    pieces({files.size() <= 3 ? joined(files, ", ") : fmt::format("{} files", files.size()),
            packets == read ? plural(packets, "packet")
                            : fmt::format("{} of {}", grouped(packets), plural(read, "packet")),
            extent, joined(interfaces, ", ")});
  }

  // Looked at, and nothing seen.
  bool is_zero(const std::string& key) const {
    const auto found = result_.quality.numbers.find(key);
    return found != result_.quality.numbers.end() && found->second == 0;
  }

  bool is_counted(const std::string& key) const {
    const auto found = result_.quality.numbers.find(key);
    return found != result_.quality.numbers.end() && found->second > 0;
  }

  bool has_note(std::string_view kind) const {
    return std::ranges::any_of(result_.quality.notes,
                               [&](const auto& note) { return note.kind == kind; });
  }

  // Connections begun before count: those of one direction only are known.
  bool answers_seen() const {
    const Counts& counts = result_.counts;
    return counts.dns_answered + counts.tcp_opened + counts.tcp_refused + counts.tcp_joined_midway >
           0;
  }

  void quality() {
    std::vector<std::string> said;
    for (const SourceInfo& source : result_.sources) {
      if (!source.cut_short) continue;
      said.push_back(fmt::format("{} breaks off at byte {}: {}", printable(source.name),
                                 grouped(source.cut_short->offset), source.cut_short->reason));
    }
    const std::size_t broken = said.size();
    for (const QualityNote& note : result_.quality.notes) {
      if (note.kind != "cut-short") said.push_back(note.text);
    }
    if (said.size() > 6) {
      const std::size_t more = said.size() - 5;
      said.resize(5);
      said.push_back(fmt::format("{} more remarks in -o json", more));
    }
    if (result_.counts.packets == 0 && said.empty()) return;
    if (said.size() == broken) {
      if (is_zero("kernel_drops")) said.push_back("no drops recorded");
      if (is_zero("snap_cut")) said.push_back("no cut packets");
      const bool conversations =
          result_.counts.tcp_connections + result_.counts.dns_transactions > 0;
      if (conversations && is_zero("one_way_flows")) {
        said.push_back(answers_seen() ? "both directions seen" : "nothing answered anything");
      }
    }
    const std::string_view place = result_.quality.vantage.place;
    if (place == "near-client") said.push_back("taken near the clients");
    if (place == "near-server") said.push_back("taken near the servers");
    if (place == "middle") said.push_back("taken between clients and servers");
    const std::vector<std::string>& own = result_.quality.vantage.own_addresses;
    if (place == "unknown" && own.size() == 1) said.push_back("taken on " + own[0]);
    std::string_view grade = "good";
    if (result_.quality.grade == Grade::degraded) grade = "usable";
    if (result_.quality.grade == Grade::unusable) grade = "poor";
    std::string text = joined(said, "; ");
    if (broken == 0 && !text.empty() && text[0] >= 'a' && text[0] <= 'z') {
      text[0] = static_cast<char>(text[0] - 'a' + 'A');
    }
    paragraph("capture: ",
              text.empty() ? fmt::format("{}.", grade) : fmt::format("{}. {}.", grade, text));
  }

  void settings() {
    if (!result_.overrides.empty()) paragraph("set: ", joined(result_.overrides, ", "));
  }

  std::string tally() const {
    std::vector<std::string> parts;
    for (const Severity severity :
         {Severity::critical, Severity::error, Severity::warning, Severity::note}) {
      const auto matching = static_cast<std::uint64_t>(
          std::count_if(result_.findings.begin(), result_.findings.end(),
                        [&](const Finding& finding) { return finding.severity == severity; }));
      if (matching == 0) continue;
      parts.push_back(severity == Severity::critical ? fmt::format("{} critical", grouped(matching))
                                                     : plural(matching, word(severity)));
    }
    return joined(parts, ", ");
  }

  // The incidents in a sentence each: what follows from what is the answer.
  void summary() {
    if (result_.counts.packets == 0) {
      line("No packets, so nothing to say.");
      return;
    }
    if (failures_.empty()) {
      // What was given up may have been one.
      const bool lacks_memory = is_counted("evicted");
      const bool gave_up = lacks_memory || is_counted("tallies_evicted");
      std::string found = gave_up                     ? "No failure is among what could be kept"
                          : is_counted("dns_unheard") ? "No failure that this capture could prove"
                                                      : "No failures found";
      if (!options_.narrowed_by.empty()) found += " within what was asked for";
      paragraph("", notes_.empty() ? found + "."
                                   : fmt::format("{}; {}.{}", found, tally(), what_follows()));
      if (gave_up) {
        paragraph("",
                  fmt::format("Not all could: look at less at once, with -f or --from and --to{}.",
                              lacks_memory ? ", or allow for more with --max-mem" : ""));
      }
      return;
    }
    paragraph("", tally() + "." + what_follows());
  }

  std::string what_follows() const {
    std::string text;
    std::size_t grouped_incidents = 0;
    constexpr std::size_t most = 3;
    for (const Incident& incident : result_.incidents) {
      std::vector<std::string> effects;
      for (const std::string& id : incident.findings) {
        if (id != incident.root) effects.push_back(id);
      }
      if (effects.empty() || ++grouped_incidents > most) continue;
      text += fmt::format(" {} probably {} from {}.", enumerated(effects),
                          effects.size() == 1 ? "follows" : "follow", incident.root);
    }
    if (grouped_incidents > most) {
      text += fmt::format(" {} below.", plural(grouped_incidents - most, "more such group"));
    }
    return text;
  }

  void narrowed() {
    if (options_.narrowed_by.empty()) return;
    paragraph("", options_.left_out == 0
                      ? fmt::format("Asked for {} only.", options_.narrowed_by)
                      : fmt::format("Asked for {} only: {} not shown.", options_.narrowed_by,
                                    plural(options_.left_out, "other finding")));
  }

  std::string dns_looked_at() const {
    const Counts& counts = result_.counts;
    std::vector<std::string> parts;
    if (counts.dns_answered == counts.dns_transactions) {
      parts.push_back("all answered");
    } else {
      parts.push_back(fmt::format("{} answered", grouped(counts.dns_answered)));
    }
    for (const auto& [rcode, count] : counts.dns_rcodes) {
      if (rcode == "SERVFAIL" || rcode == "REFUSED") {
        parts.push_back(fmt::format("{} with {}", grouped(count), rcode));
      }
    }
    if (counts.dns_late != 0) parts.push_back(fmt::format("{} late", grouped(counts.dns_late)));
    if (counts.dns_unanswered != 0) {
      parts.push_back(fmt::format("{} unanswered", grouped(counts.dns_unanswered)));
    }
    if (counts.dns_rejected != 0) {
      parts.push_back(fmt::format("{} rejected", grouped(counts.dns_rejected)));
    }
    if (counts.dns_undecided != 0) {
      parts.push_back(fmt::format("{} still waiting at the end", grouped(counts.dns_undecided)));
    }
    if (counts.dns_stray_responses != 0) {
      parts.push_back(
          fmt::format("{} to no open query", plural(counts.dns_stray_responses, "response")));
    }
    if (counts.dns_latency_p95_ns != 0) {
      parts.push_back(fmt::format("p95 {}", rough_duration(Duration{counts.dns_latency_p95_ns})));
    }
    return fmt::format("{} ({})", plural(counts.dns_transactions, "DNS exchange"),
                       joined(parts, ", "));
  }

  // "30 ICMP errors (20 host unreachable, 10 packet too big)"
  std::string icmp_looked_at() const {
    const Counts& counts = result_.counts;
    std::vector<std::string> kinds;
    for (const auto& [kind, count] : counts.icmp_kinds) {
      kinds.push_back(fmt::format("{} {}", grouped(count), kind));
    }
    return fmt::format("{} ({})", plural(counts.icmp_errors, "ICMP error"), joined(kinds, ", "));
  }

  // Where ICMP errors are all there is, they are what the capture was made for.
  std::string icmp_senders() const {
    std::vector<std::string> said;
    std::uint64_t shown = 0;
    for (const Counts::IcmpSender& each : result_.counts.icmp_senders) {
      said.push_back(fmt::format("{} by {} about {} ({})", each.kind, each.sender, each.about,
                                 grouped(each.count)));
      shown += each.count;
    }
    const std::uint64_t all = result_.counts.icmp_errors;
    if (shown < all) said.push_back(fmt::format("{} more", grouped(all - shown)));
    return fmt::format("{}.", joined(said, "; "));
  }

  std::string tcp_looked_at() const {
    const Counts& counts = result_.counts;
    std::vector<std::string> parts{fmt::format("{} opened", grouped(counts.tcp_opened)),
                                   fmt::format("{} refused", grouped(counts.tcp_refused))};
    // Of those of which only the SYNs were kept, nobody can tell what became.
    if (counts.tcp_half_open != 0 && !has_note("only-syns")) {
      parts.push_back(fmt::format("{} never completed", grouped(counts.tcp_half_open)));
    }
    if (counts.tcp_joined_midway != 0) {
      parts.push_back(fmt::format("{} begun before the capture{}",
                                  grouped(counts.tcp_joined_midway),
                                  is_counted("evicted") ? " or forgotten since" : ""));
    }
    if (counts.tcp_data_segments != 0) {
      parts.push_back(fmt::format("{} of data retransmitted",
                                  share_text(counts.tcp_repeated_data, counts.tcp_data_segments)));
    }
    return fmt::format("{} ({})", plural(counts.tcp_connections, "TCP connection"),
                       joined(parts, ", "));
  }

  // An empty screen is not an answer: say what was there to be judged.
  void looked_at() {
    const Counts& counts = result_.counts;
    if (counts.packets == 0) return;
    std::vector<std::string> parts;
    if (counts.dns_transactions != 0) parts.push_back(dns_looked_at());
    if (counts.tcp_connections != 0) parts.push_back(tcp_looked_at());
    if (counts.ip_fragmented_datagrams != 0) {
      parts.push_back(
          fmt::format("{} ({})", plural(counts.ip_fragmented_datagrams, "fragmented datagram"),
                      counts.ip_incomplete_datagrams == 0
                          ? std::string{"all complete"}
                          : fmt::format("{} incomplete", grouped(counts.ip_incomplete_datagrams))));
    }
    if (counts.icmp_errors != 0) parts.push_back(icmp_looked_at());
    const bool is_empty = counts.dns_transactions + counts.tcp_connections == 0;
    if (is_empty && counts.dns_responses != 0) {
      paragraph("",
                fmt::format("{} came without a query in the capture: record both directions, and "
                            "from before the query.",
                            plural(counts.dns_responses, "DNS response")));
    } else if (is_empty && result_.findings.empty()) {
      paragraph(
          "", fmt::format("There was no DNS exchange and no TCP connection to judge in {}: {}",
                          counts.packets == 1 ? std::string{"this packet"}
                                              : "these " + plural(counts.packets, "packet"),
                          counts.icmp_errors != 0 ? "record what the ICMP errors are about as well."
                                                  : "is it the right file, interface or filter?"));
    }
    if (!is_empty && counts.dns_transactions == 0 && counts.dns_stray_responses != 0) {
      parts.push_back(
          fmt::format("{} to no open query", plural(counts.dns_stray_responses, "DNS response")));
    }
    if (!parts.empty()) paragraph("", fmt::format("Looked at {}.", enumerated(parts)));
    if (parts.empty() && !result_.findings.empty()) {
      paragraph("", fmt::format("Looked at {}, with no DNS exchange and no TCP connection in them.",
                                plural(counts.packets, "packet")));
    }
    if (is_empty && !counts.icmp_senders.empty()) paragraph("ICMP errors: ", icmp_senders());
  }

  void not_looked_at() {
    if (result_.not_looked_at.empty()) return;
    paragraph("", fmt::format("Not looked at: {}.", joined(result_.not_looked_at, "; ")));
  }

  // ID SEV DETECTOR WHAT COUNT FIRST, the title folded into what the other columns leave.
  void table() {
    if (failures_.empty()) return;
    blank();
    std::map<std::string_view, std::size_t> left_out;
    const std::vector<const Finding*> rows = table_rows(left_out);
    std::size_t id = 2, severity = 3, detector = 8, count = 5, first = 5;
    for (const Finding* row : rows) {
      id = std::max(id, row->id.size());
      severity = std::max(severity, word(row->severity).size());
      detector = std::max(detector, row->detector.size());
      count = std::max(count, count_text(*row).size());
      first = std::max(first, moment(row->first).size());
    }
    const std::size_t fixed = id + severity + count + first + 8;
    constexpr std::size_t least_what = 20;
    // Names go on below behind a hyphen; the longest word in them is "retransmission".
    const bool is_wide = width_ >= fixed + 18 + 2 + least_what;
    detector = std::min<std::size_t>(detector, is_wide ? 18 : 14);
    // On a narrow screen what happened matters more than what it is called.
    const bool with_detector = width_ >= fixed + detector + 2 + least_what;
    if (!with_detector) detector = 0;
    const std::size_t used = fixed + (with_detector ? detector + 2 : 0);
    std::size_t what = width_ > used ? width_ - used : 10;
    std::size_t longest = 4;
    for (const Finding* row : rows) longest = std::max(longest, row->title.size());
    what = std::min(what, longest);

    const auto row_text = [&](std::string_view id_cell, std::string_view severity_cell,
                              std::string_view detector_cell, std::string_view what_cell,
                              std::string_view count_cell, std::string_view first_cell) {
      std::string text = fmt::format("{:<{}}  {}  ", id_cell, id, severity_cell);
      if (with_detector) text += fmt::format("{:<{}}  ", detector_cell, detector);
      return text +
             fmt::format("{:<{}}  {:>{}}  {}", what_cell, what, count_cell, count, first_cell);
    };
    line(row_text("ID", fmt::format("{:<{}}", "SEV", severity), "DETECTOR", "WHAT", "COUNT",
                  "FIRST"));
    for (const Finding* row : rows) {
      const std::vector<std::string> titles = fold(fitting(printable(row->title), what), what);
      const std::vector<std::string> names =
          with_detector ? folded_at_hyphens(row->detector, detector) : std::vector<std::string>(1);
      for (std::size_t at = 0; at < std::max(titles.size(), names.size()); ++at) {
        const std::string_view title = at < titles.size() ? titles[at] : std::string_view{};
        const std::string_view name = at < names.size() ? names[at] : std::string_view{};
        const std::string padding(severity - (at == 0 ? word(row->severity).size() : 0), ' ');
        const std::string severity_cell =
            at == 0 ? colored(row->severity, word(row->severity)) + padding : padding;
        line(row_text(at == 0 ? row->id : "", severity_cell, name, title,
                      at == 0 ? count_text(*row) : "", at == 0 ? moment(row->first) : ""));
      }
    }
    if (rows.size() < failures_.size()) {
      std::vector<std::string> kinds;
      for (const auto& [kind, number] : left_out) {
        kinds.push_back(fmt::format("{} more of {}", grouped(number), kind));
      }
      paragraph("", fmt::format("and {}: add --limit {}", joined(kinds, ", "), failures_.size()));
    }
  }

  // The worst of each detector, as many as are wanted, and how many others each has.
  std::vector<const Finding*> table_rows(std::map<std::string_view, std::size_t>& left_out) const {
    std::vector<const Finding*> rows;
    std::map<std::string_view, std::size_t> seen;
    for (const Finding* each : failures_) {
      const bool fits = options_.limit == 0 || rows.size() < options_.limit;
      const bool is_news =
          options_.most_of_kind == 0 || ++seen[each->detector] <= options_.most_of_kind;
      if (fits && is_news) {
        rows.push_back(each);
      } else {
        ++left_out[each->detector];
      }
    }
    return rows;
  }

  static std::vector<std::string> folded_at_hyphens(std::string_view name, std::size_t width) {
    std::vector<std::string> lines;
    while (name.size() > width) {
      const std::size_t hyphen = name.rfind('-', width - 1);
      const std::size_t cut = hyphen == name.npos ? width : hyphen + 1;
      lines.emplace_back(name.substr(0, cut));
      name.remove_prefix(cut);
    }
    lines.emplace_back(name);
    return lines;
  }

  // Worth knowing, but not what somebody was woken for: a line each.
  void notes() {
    if (notes_.empty()) return;
    blank();
    constexpr std::size_t most = 5;
    std::span<const Finding* const> shown{notes_};
    if (!options_.all && shown.size() > most) shown = shown.first(most);
    line("Also worth knowing");
    for (const Finding* note : shown) {
      std::vector<std::string> units{note->title};
      if (const std::string number = how_many(*note); !number.empty()) {
        units.push_back(fmt::format("({}),", number));
      } else {
        units.back() += ",";
      }
      units.push_back(fmt::format("{},", note->detector));
      units.push_back("from " + moment(note->first));
      paragraph_of(fmt::format("{:<{}}  ", note->id, 2), units);
    }
    if (shown.size() < notes_.size()) {
      line(fmt::format("and {} more: add --all", plural(notes_.size() - shown.size(), "note")));
    }
  }

  const Incident* incident_of(const Finding& finding) const {
    for (const Incident& incident : result_.incidents) {
      if (incident.id == finding.incident) return &incident;
    }
    return nullptr;
  }

  bool follows(const Finding& finding) const {
    const Incident* incident = incident_of(finding);
    return incident != nullptr && incident->root != finding.id;
  }

  // In full without being asked: the worst root, and up to two more that are as bad as can be.
  std::vector<const Finding*> in_full() const {
    std::vector<const Finding*> chosen;
    if (options_.all) {
      for (const Finding& finding : result_.findings) chosen.push_back(&finding);
      return chosen;
    }
    for (const Finding* finding : failures_) {
      if (follows(*finding)) continue;
      if (!chosen.empty() && finding->severity < Severity::critical) break;
      chosen.push_back(finding);
      if (chosen.size() == 3) break;
    }
    if (chosen.empty() && !failures_.empty()) chosen.push_back(failures_.front());
    return chosen;
  }

  void details() {
    for (const Finding* finding : in_full()) {
      blank();
      heading(*finding);
      detail(*finding);
    }
  }

  void heading(const Finding& finding) {
    const std::string judged =
        fmt::format("{}, {}", word(finding.severity), word(finding.confidence));
    const std::string shown = fmt::format(
        "{}, {}", colored(finding.severity, word(finding.severity)), word(finding.confidence));
    const std::string title = printable(finding.title);
    const std::string start = fmt::format("{}  ", finding.id);
    const std::size_t used = start.size() + title.size();
    if (used + 2 + judged.size() <= width_) {
      line(fmt::format("{}{}{:>{}}{}", start, title, "", width_ - used - judged.size(), shown));
    } else {
      paragraph(start, title);
      line(fmt::format("{:>{}}{}", "", width_ - judged.size(), shown));
    }
  }

  static std::string labelled(std::string_view label) {
    return fmt::format("{:{}}{:<{}}", "", label_indent, label, value_indent - label_indent);
  }

  // "    evidence  #81204 #81377"
  void field(std::string_view label, std::string_view text) {
    if (!text.empty()) paragraph(labelled(label), text);
  }

  // A command that has to be broken stays one command when it is pasted.
  void command(std::string_view label, std::string_view text) {
    std::string first = labelled(label);
    const std::vector<std::string> lines = fold(printable(text), width_ - first.size() - 2);
    for (std::size_t at = 0; at < lines.size(); ++at) {
      line(fmt::format("{}{}{}", first, lines[at], at + 1 < lines.size() ? " \\" : ""));
      first.assign(first.size(), ' ');
    }
  }

  void detail(const Finding& finding) {
    paragraph_of(labelled("what"), what_units(finding));
    field("detector", finding.variant.empty()
                          ? std::string{finding.detector}
                          : fmt::format("{} ({})", finding.detector, finding.variant));
    field("before", finding.before);
    for (const Who& who : finding.who) who_line(who);
    field("measured", measures_text(finding));
    paragraph_of(labelled("evidence"), evidence_units(finding));
    for (const EvidenceItem& item : finding.evidence) {
      if (!item.note.empty()) field("", fmt::format("#{} {}", item.packet.number(), item.note));
    }
    display_filter(finding);
    field("bpf", filter_text(finding.capture_filter));
    causes(finding);
    std::string_view label = "caveat";
    for (const Caveat& caveat : finding.caveats) {
      field(label, caveat.text);
      label = "";
    }
    incident_line(finding);
    label = "next";
    for (const std::string& step : finding.next) {
      command(label, step);
      label = "";
    }
  }

  std::vector<std::string> what_units(const Finding& finding) const {
    std::vector<std::string> units;
    if (const std::string number = how_many(finding); !number.empty())
      units.push_back(number + ",");
    const std::string first = moment(finding.first);
    const std::string lasted = fmt::format("({})", rough_duration(finding.last - finding.first));
    if (finding.first == finding.last) {
      units.push_back("at " + first);
    } else if (finding.state == FindingState::ongoing) {
      units.insert(units.end(),
                   {"since " + first, lasted + ",",
                    options_.live ? "not over yet" : "not over when the capture ended"});
    } else if (first == moment(finding.last)) {
      units.insert(units.end(), {"at " + first, lasted});
    } else {
      units.insert(units.end(), {first, "to " + moment(finding.last), lasted});
    }
    return units;
  }

  void who_line(const Who& who) {
    std::vector<std::string> members;
    for (const Who::Member& member : who.top) {
      members.push_back(member.count == 0
                            ? member.text
                            : fmt::format("{} ({})", member.text, grouped(member.count)));
    }
    if (who.distinct > who.top.size()) {
      members.push_back(fmt::format("{} more", grouped(who.distinct - who.top.size())));
    }
    if (members.empty()) return;
    for (std::size_t i = 0; i + 1 < members.size(); ++i) members[i] += ",";
    std::string label{who.role};
    if (who.distinct > 1) {
      label = plural(2, who.role).substr(2);
      members.insert(members.begin(), fmt::format("{}{}:", who.is_approximate ? "about " : "",
                                                  grouped(who.distinct)));
    }
    paragraph_of(labelled(label), members);
  }

  // "stall_ms" 3120 reads "stall 3,120 ms".
  static std::string measures_text(const Finding& finding) {
    std::vector<std::string> parts;
    for (const Measure& measure : finding.measures) {
      if (measure.value == 0) continue;
      std::string name{measure.key};
      std::string value =
          measure.value < 0
              ? fmt::format("-{}", grouped(static_cast<std::uint64_t>(-measure.value)))
              : grouped(static_cast<std::uint64_t>(measure.value));
      for (const std::string_view unit :
           {"_ns", "_us", "_ms", "_s", "_bytes", "_bps", "_ppm", "_percent"}) {
        if (!measure.key.ends_with(unit)) continue;
        name.resize(name.size() - unit.size());
        value = unit == "_ns" ? rough_duration(Duration{measure.value})
                              : fmt::format("{} {}", value, unit.substr(1));
      }
      std::replace(name.begin(), name.end(), '_', ' ');
      parts.push_back(fmt::format("{} {}", name, value));
    }
    return joined(parts, ", ");
  }

  // A source's name where there are several, or nothing.
  std::string file_of(PacketRef packet) const {
    const bool named = result_.sources.size() > 1 && packet.source() < result_.sources.size();
    return named ? printable(result_.sources[packet.source()].name) : std::string{};
  }

  std::vector<std::string> evidence_units(const Finding& finding) const {
    std::vector<std::string> units;
    PacketRef before;
    for (const EvidenceItem& item : finding.evidence) {
      const std::string file = file_of(item.packet);
      const bool same_file = before.exists() && before.source() == item.packet.source();
      units.push_back(file.empty() || same_file
                          ? fmt::format("#{}", item.packet.number())
                          : fmt::format("{} #{}", file, item.packet.number()));
      before = item.packet;
    }
    if (finding.frames_total > finding.evidence.size()) {
      units.push_back(fmt::format("of {}", plural(finding.frames_total, "frame")));
    }
    return units;
  }

  void display_filter(const Finding& finding) {
    const std::vector<FileFilter> filters = filters_by_file(finding);
    if (filters.empty()) return field("filter", filter_text(finding.display_filter));
    constexpr std::size_t most = 3;
    const std::size_t shown = options_.all ? filters.size() : std::min(filters.size(), most);
    for (std::size_t i = 0; i < shown; ++i) {
      const std::string file = file_of(PacketRef{filters[i].source, 1});
      field(i == 0 ? "filter" : "", filter_text(fmt::format("{}: {}", file, filters[i].text)));
    }
    if (shown < filters.size()) {
      field("", fmt::format("and {}: add --all", plural(filters.size() - shown, "more file")));
    }
  }

  // A filter that lists hundreds of frames is of use to a program, not on a screen.
  std::string filter_text(const std::string& filter) const {
    constexpr std::size_t most = 200;
    if (options_.all || filter.size() <= most) return filter;
    return fmt::format("{}... (cut here; whole with --all)",
                       std::string_view{filter}.substr(0, filter.rfind(' ', most)));
  }

  void causes(const Finding& finding) {
    std::string_view label = "likely";
    std::size_t rank = 0;
    for (const Cause& cause : finding.causes) {
      const std::string start = fmt::format("{:{}}{:<{}}{}. ", "", label_indent, label,
                                            value_indent - label_indent, ++rank);
      paragraph(start,
                cause.why.empty() ? cause.text : fmt::format("{}: {}", cause.text, cause.why));
      const bool repeated =
          std::find(finding.next.begin(), finding.next.end(), cause.check) != finding.next.end();
      if (!cause.check.empty() && !repeated) {
        command(fmt::format("{:{}}check: ", "", value_indent + 3 - label_indent), cause.check);
      }
      label = "";
    }
  }

  void incident_line(const Finding& finding) {
    const Incident* incident = incident_of(finding);
    if (incident == nullptr || incident->findings.size() < 2) return;
    if (incident->root != finding.id) {
      field("follows", fmt::format("{}: {}", incident->root, incident->why));
      return;
    }
    std::vector<std::string> effects;
    for (const std::string& id : incident->findings) {
      if (id != finding.id) effects.push_back(id);
    }
    field("explains", fmt::format("{}: {}", enumerated(effects, 8), incident->why));
  }

  void footer() {
    if (result_.findings.empty()) return;
    const std::size_t shown = in_full().size();
    std::vector<std::string> parts;
    if (shown < result_.findings.size()) {
      parts.push_back(
          fmt::format("{} more in full: add --all.", grouped(result_.findings.size() - shown)));
    }
    const std::string worst = in_full().empty() ? result_.findings[0].id : in_full()[0]->id;
    if (is_one_file()) {
      parts.push_back(fmt::format("{} drawn: wirefault show {} {}", worst,
                                  shell_word(result_.sources[0].name), worst));
    }
    const bool one_kind = std::all_of(
        result_.findings.begin(), result_.findings.end(),
        [&](const Finding& finding) { return finding.detector == result_.findings[0].detector; });
    parts.push_back(fmt::format("What {} means: wirefault explain {}",
                                one_kind ? "it" : "a detector",
                                one_kind ? result_.findings[0].detector : "NAME"));
    blank();
    pieces(parts);
  }

  // That can be read again, and has the same findings then.
  bool is_one_file() const {
    return !options_.live && options_.narrowed_by.empty() && result_.overrides.empty() &&
           result_.sources.size() == 1 && result_.sources[0].file_size != 0 &&
           result_.sources[0].name == printable(result_.sources[0].name);
  }

  const Result& result_;
  const TextOptions& options_;
  const std::size_t width_;
  const bool dates_;
  const bool years_;
  std::vector<const Finding*> failures_;  // above note
  std::vector<const Finding*> notes_;
  std::string out_;
};

}  // namespace

std::string text_report(const Result& result, const TextOptions& options) {
  return TextReport{result, options}.make();
}

std::string capture_text(const Result& result, const TextOptions& options) {
  return TextReport{result, options}.beginning();
}

std::string finding_text(const Finding& finding, const TextOptions& options) {
  Result result;
  result.first = finding.first;
  result.last = finding.last;
  return TextReport{result, options}.make(finding);
}

}  // namespace wirefault
