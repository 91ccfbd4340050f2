#include "report/screen.h"

#include <fmt/format.h>

#include <algorithm>

#include "detectors/pages.h"
#include "report/layout.h"
#include "report/markdown.h"
#include "report/text.h"

namespace wirefault {
namespace {

constexpr Duration between_sorts = std::chrono::seconds{5};

std::string lower(std::string_view text) {
  std::string result{text};
  for (char& character : result) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + 32);
  }
  return result;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const std::string& word : fold(text, 1000)) {
    std::string_view rest = word;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (end != 0) words.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return words;
}

bool matches(const Finding& finding, const std::vector<std::string>& wanted) {
  if (wanted.empty()) return true;
  std::string text = fmt::format("{} {} {} {} {} {}", finding.id, word(finding.severity),
                                 finding.detector, finding.variant, finding.title, finding.entity);
  for (const Who& who : finding.who) {
    for (const Who::Member& member : who.top) text += " " + member.text;
  }
  text = lower(text);
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const std::string& part) { return text.find(part) != text.npos; });
}

void sort_rows(std::vector<std::size_t>& order, Sort sort, const Board& board) {
  const auto comes_first = [&](std::size_t a, std::size_t b) {
    const BoardRow& left = board.rows().at(a);
    const BoardRow& right = board.rows().at(b);
    if (left.is_open != right.is_open) return left.is_open;
    if (sort == Sort::newest) return a > b;
    if (sort == Sort::most && left.finding.count != right.finding.count) {
      return left.finding.count > right.finding.count;
    }
    if (left.finding.severity != right.finding.severity) {
      return left.finding.severity > right.finding.severity;
    }
    return a < b;
  };
  std::sort(order.begin(), order.end(), comes_first);
}

// Cut to `width` columns, whatever the bytes are that take none.
std::string cut(std::string_view line, std::size_t width) {
  std::string result;
  std::size_t columns = 0;
  bool has_color = false;
  for (std::size_t at = 0; at < line.size();) {
    std::size_t length = 1;
    if (line[at] == '\x1b') {
      length = std::min(line.find('m', at), line.size() - 1) - at + 1;
      has_color = true;
    } else {
      if (columns == width) break;
      ++columns;
      while (at + length < line.size() &&
             (static_cast<unsigned char>(line[at + length]) >> 6) == 2) {
        ++length;
      }
    }
    result += line.substr(at, length);
    at += length;
  }
  if (has_color && result.size() < line.size()) result += "\x1b[0m";
  return result;
}

// "10.1.0.53 stopped ans..": what is left out shows.
std::string with_dots(const std::string& text, std::size_t width) {
  if (text.size() <= width) return text;
  return width < 4 ? text.substr(0, width) : text.substr(0, width - 2) + "..";
}

// A title in `width` columns: an address loses its middle before the words around it are cut.
std::string fitted(std::string title, std::size_t width) {
  constexpr std::size_t least_address = 14;
  if (title.size() > width) {
    const std::size_t over = title.size() - width;
    for (std::size_t start = 0; start < title.size();) {
      const std::size_t end = std::min(title.find(' ', start), title.size());
      const std::string_view part = std::string_view{title}.substr(start, end - start);
      if (part.find(':') != part.npos && part.size() > least_address) {
        const std::size_t room = std::max(part.size() - std::min(part.size(), over), least_address);
        title.replace(start, end - start, shorten_middle(part, room));
        break;
      }
      start = end + 1;
    }
  }
  return with_dots(title, width);
}

// At most five columns: "999", "18.2k", "312M".
std::string compact(std::uint64_t number) {
  if (number < 1000) return fmt::format("{}", number);
  std::uint64_t unit = 1000;
  for (const char letter : std::string_view{"kMGTPE"}) {
    const std::uint64_t whole = number / unit;
    if (whole < 100) return fmt::format("{}.{}{}", whole, number / (unit / 10) % 10, letter);
    if (whole < 1000 || letter == 'E') return fmt::format("{}{}", whole, letter);
    unit *= 1000;
  }
  return {};
}

// At most five columns.
std::string compact(Duration duration) {
  using namespace std::chrono;
  if (duration <= Duration::zero()) return "-";
  if (duration < milliseconds{1}) return fmt::format("{}us", duration / microseconds{1});
  if (duration < seconds{1}) return fmt::format("{}ms", duration / milliseconds{1});
  const std::int64_t tenths = duration / milliseconds{100};
  if (tenths < 1000) return fmt::format("{}.{}s", tenths / 10, tenths % 10);
  return fmt::format("{}s", tenths / 10);
}

// At most five columns: "58s", "3m58", "11h20", "2d03h".
std::string age_text(Duration age) {
  using namespace std::chrono;
  age = std::max(age, Duration::zero());
  if (age < minutes{1}) return fmt::format("{}s", age / seconds{1});
  if (age < hours{1})
    return fmt::format("{}m{:02}", age / minutes{1}, age % minutes{1} / seconds{1});
  if (age < days{1}) return fmt::format("{}h{:02}", age / hours{1}, age % hours{1} / minutes{1});
  if (age < days{10}) return fmt::format("{}d{:02}h", age / days{1}, age % days{1} / hours{1});
  return fmt::format("{}d", age / days{1});
}

// At most five columns; never "0.0%" of something nor "100%" of less than all.
std::string percent(const Share& share) {
  if (share.whole == 0) return "-";
  if (share.part == 0) return "0%";
  if (share.part >= share.whole) return "100%";
  std::uint64_t part = share.part;
  std::uint64_t whole = share.whole;
  for (; whole > (std::uint64_t{1} << 50); whole /= 2) part /= 2;
  const std::uint64_t tenths = part * 1000 / whole;
  return tenths == 0 ? "<0.1%" : fmt::format("{}.{}%", tenths / 10, tenths % 10);
}

std::string bits_text(std::uint64_t bits) {
  if (bits < 1000) return fmt::format("{} b/s", bits);
  const std::string number = compact(bits);
  return fmt::format("{} {}b/s", number.substr(0, number.size() - 1), number.back());
}

std::string spark(const std::vector<Share>& history, std::size_t width, bool utf8) {
  static constexpr std::string_view blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr std::string_view ascii[] = {"_", ".", "-", "-", "=", "=", "#", "#"};
  const std::size_t shown = std::min(width, history.size());
  std::string text(width - shown, ' ');
  for (std::size_t at = history.size() - shown; at < history.size(); ++at) {
    const Share& bin = history[at];
    if (bin.whole == 0) {
      text += ' ';
      continue;
    }
    // The lowest is for none, the highest for all.
    const auto level = static_cast<std::size_t>(
        bin.part == 0 ? 0 : 1 + std::min(bin.part, bin.whole) * 6 / bin.whole);
    text += utf8 ? blocks[level] : ascii[level];
  }
  return text;
}

struct Piece {
  std::size_t rank;  // the lowest are shown where there is no room for all
  std::string text;
};

// Two spaces apart, in the order given.
std::string pieces(std::vector<Piece> all, std::size_t width) {
  std::erase_if(all, [](const Piece& piece) { return piece.text.empty(); });
  std::vector<bool> fits(all.size());
  std::vector<std::size_t> by_rank(all.size());
  for (std::size_t at = 0; at < all.size(); ++at) by_rank[at] = at;
  std::sort(by_rank.begin(), by_rank.end(), [&](std::size_t a, std::size_t b) {
    return all[a].rank != all[b].rank ? all[a].rank < all[b].rank : a < b;
  });
  std::size_t used = 0;
  for (const std::size_t at : by_rank) {
    const std::size_t more = all[at].text.size() + (used == 0 ? 0 : 2);
    if (used != 0 && used + more > width) continue;
    used += more;
    fits[at] = true;
  }
  std::string line;
  for (std::size_t at = 0; at < all.size(); ++at) {
    if (fits[at]) line += fmt::format("{}{}", line.empty() ? "" : "  ", all[at].text);
  }
  return line;
}

void add_lines(std::vector<std::string>& lines, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::vector<std::string> help_lines(std::size_t width) {
  const std::vector<std::vector<std::string>> all{
      {"up down", "select a finding, also k and j; PgUp PgDn Home End by more"},
      {"enter", "all that is known of it, and the packets that prove it"},
      {"e", "what its detector means, and when it is wrong"},
      {"w", "save the packets that prove it"},
      {"m", "copy it as Markdown, for the ticket"},
      {"p", "hold the picture still; the analysis goes on"},
      {"/", "list only what holds these words; / and esc: all"},
      {"s", "sort by the worst, the newest, the most"},
      {"c", "clear what is over"},
      {"q", "quit; the summary stays on the terminal. In a page: back to the list"},
      {"AGE", "how long it has been failing, or failed"},
      {"COUNT", "how often so far; NOW: how often a second"},
      {"top",
       "the last second, shares of the last ten seconds; to the right failures of the last "
       "minute, five seconds each"},
      {"drops",
       "ring: this program was too slow, and findings say what that may hide. interface: "
       "counted by its driver. What a switch or a mirror port drops, nobody here sees"},
  };
  std::vector<std::string> lines;
  add_lines(lines, in_columns(all, width));
  return lines;
}

// When each packet that proves it came, from the first.
void add_evidence(std::vector<std::string>& lines, const Finding& finding, std::size_t width) {
  if (finding.evidence.empty()) return;
  lines.emplace_back();
  lines.push_back(
      fmt::format("    packets   times from the first, {}", rfc3339(finding.evidence[0].time)));
  for (const EvidenceItem& item : finding.evidence) {
    const Duration after = item.time - finding.evidence[0].time;
    const bool is_before = after < Duration::zero();
    const std::int64_t us = (is_before ? -after : after) / std::chrono::microseconds{1};
    std::string start =
        fmt::format("    {}{:>4}.{:06}  #{:<9} {:<8} ", is_before ? '-' : '+', us / 1'000'000,
                    us % 1'000'000, item.packet.number(), item.role);
    const std::size_t room = std::max(width, start.size() + 10) - start.size();
    for (const std::string& part : fold(printable(item.note), room)) {
      lines.push_back(start + part);
      start.assign(start.size(), ' ');
    }
  }
}

std::vector<std::string> view_lines(const Board& board, const ScreenState& state, std::size_t width,
                                    const ScreenLook& look) {
  // Narrower than this, lines are cut: folded further they could not be read either.
  width = std::max<std::size_t>(width, 40);
  std::vector<std::string> lines;
  if (state.view == View::help) return help_lines(width);
  const BoardRow* const selected = board.find(state.selected);
  if (selected == nullptr) return lines;
  const BoardRow& row = *selected;
  switch (state.view) {
    case View::detail: {
      TextOptions options;
      options.width = width;
      options.terminal = true;
      options.color = look.color;
      options.all = true;
      options.live = true;
      options.zone = look.zone;
      add_lines(lines, finding_text(row.finding, options));
      add_evidence(lines, row.finding, width);
      if (state.exchange != nullptr) {
        lines.emplace_back();
        for (std::string& line : state.exchange->draw(width)) lines.push_back(std::move(line));
      }
      break;
    }
    case View::explain:
      for (const DetectorPage& page : detector_pages()) {
        if (page.detector == row.finding.detector) add_lines(lines, page_text(page.text, width));
      }
      if (lines.empty()) lines.emplace_back("There is no page about this detector.");
      break;
    case View::copied: {
      std::vector<std::string> raw;
      add_lines(raw, finding_markdown(row.finding, look.zone));
      for (const std::string& line : raw) {
        for (std::string& part : fold(line, width)) lines.push_back(std::move(part));
      }
      break;
    }
    case View::list:
    case View::help:
      break;
  }
  return lines;
}

class Drawing {
 public:
  Drawing(const LiveStatus& status, const Board& board, const ScreenState& state, ScreenSize size,
          const ScreenLook& look)
      : status_{status},
        board_{board},
        state_{state},
        width_{size.width},
        height_{size.height},
        look_{look} {}

  std::vector<std::string> make() {
    header();
    const std::vector<std::string> bottom = keys();
    const std::size_t used = lines_.size() + bottom.size();
    const std::size_t room = height_ - std::min(used, height_);
    if (state_.view == View::list) {
      list(room);
    } else {
      page(room);
    }
    lines_.resize(height_ - std::min(bottom.size(), height_));
    for (const std::string& line : bottom) lines_.push_back(line);
    lines_.resize(height_);
    for (std::string& line : lines_) line = cut(line, width_);
    return std::move(lines_);
  }

  // Lines that a view other than the list has.
  std::size_t page_room() {
    header();
    const std::size_t used = lines_.size() + keys().size() + (is_low() ? 0 : 1);
    return std::max<std::size_t>(height_, used + 1) - used;
  }

 private:
  static constexpr std::size_t least_spark = 6;

  // Too low for rules and headings, each of which costs a line.
  bool is_low() const { return height_ < 14; }

  std::string drops() const {
    const CaptureTotals& capture = status_.capture;
    if (capture.dropped() == 0) return "drops 0";
    std::string text = "drops";
    if (capture.dropped_by_ring != 0)
      text += fmt::format(" {} ring", compact(capture.dropped_by_ring));
    if (capture.dropped_by_interface != 0) {
      text += fmt::format(" {} interface", compact(capture.dropped_by_interface));
    }
    return text;
  }

  void header() {
    const Rates& rates = status_.rates;
    const std::uint64_t megabytes = status_.resident_bytes >> 20;
    lines_.push_back(pieces({{9, "wirefault live"},
                             {2, with_dots(printable(status_.interface), 16)},
                             {0, status_.is_paused ? "PAUSED" : ""},
                             {0, status_.is_down ? "DOWN" : ""},
                             {5, "up " + age_text(status_.up)},
                             {3, compact(rates.packets) + " pkt/s"},
                             {4, bits_text(rates.bits)},
                             {1, drops()},
                             {6, fmt::format("flows {}", compact(status_.flows))},
                             {7, megabytes == 0 ? "" : fmt::format("{}M", megabytes)},
                             {8, printable(status_.link_type)}},
                            width_));
    if (height_ < 5) return;
    std::string dns = health("DNS", compact(rates.dns_queries) + " q/s",
                             {{"no answer", percent(rates.dns_unanswered)},
                              {"servfail", percent(rates.dns_servfail)},
                              {"p50", compact(rates.dns_p50)},
                              {"p95", compact(rates.dns_p95)}});
    std::string tcp = health("TCP", compact(rates.tcp_connections) + " c/s",
                             {{"syn fail ", percent(rates.tcp_failed)},
                              {"reset   ", percent(rates.tcp_reset)},
                              {"retx", percent(rates.tcp_retransmitted)},
                              {"rtt", compact(rates.tcp_p50)}});
    const std::size_t used = std::max(dns.size(), tcp.size()) + 1;
    if (used + least_spark <= width_) {
      const std::size_t room = std::min(width_ - used, Rates::most_bins);
      dns.resize(width_ - room, ' ');
      tcp.resize(width_ - room, ' ');
      dns += spark(rates.dns_history, room, look_.utf8);
      tcp += spark(rates.tcp_history, room, look_.utf8);
    }
    lines_.push_back(std::move(dns));
    lines_.push_back(std::move(tcp));
    if (status_.is_emergency) {
      lines_.emplace_back("EMERGENCY: tables are full; what is new is sampled, findings say so");
    }
    if (!is_low()) about();
  }

  // "TCP    96 c/s  syn fail  31.0%  reset     1.1%": as many as there is room for, and for the
  // history behind them.
  std::string health(std::string_view name, const std::string& rate,
                     const std::vector<std::pair<std::string_view, std::string>>& values) const {
    std::string line = fmt::format("{} {:>9}", name, rate);
    for (const auto& [label, value] : values) {
      if (value.empty()) continue;
      const std::string more = fmt::format("  {} {:>5}", label, value);
      if (line.size() + more.size() + 1 + least_spark > width_) break;
      line += more;
    }
    return line;
  }

  // What is looked at, and where packets are kept.
  void about() {
    std::string left;
    const auto add = [&](std::string_view label, const std::string& text) {
      if (!text.empty())
        left += fmt::format("{}{}{}", left.empty() ? "" : "; ", label, printable(text));
    };
    add("filter: ", status_.filter);
    add("not looked at: ", status_.excluded);
    if (left.empty()) left = "filter: none";
    const std::string right =
        status_.evidence.empty() ? "" : "evidence: " + printable(status_.evidence);
    const std::size_t room = width_ - std::min(width_, right.empty() ? 0 : right.size() + 2);
    left = with_dots(left, std::max(room, width_ / 3));
    left.resize(std::max(room + (right.empty() ? 0 : 2), left.size() + 2), ' ');
    lines_.push_back(left + right);
  }

  // A rule with something to say at its right end.
  void rule(std::string_view note = {}) {
    if (is_low()) return;
    std::string line(width_, '-');
    if (!note.empty() && note.size() + 6 <= width_) {
      line.replace(width_ - note.size() - 4, note.size() + 2, fmt::format(" {} ", note));
    }
    lines_.push_back(std::move(line));
  }

  std::vector<std::string> keys() const {
    if (height_ < 3) return {};
    if (state_.is_typing) {
      return {fmt::format("/{}_   enter: list these  esc: all", printable(state_.filter))};
    }
    if (!state_.message.empty()) return {with_dots(printable(state_.message), width_)};
    if (state_.view != View::list) {
      return {width_ < 60 ? "up down scroll  esc back"
                          : "up down PgUp PgDn scroll  e explain  m copy  esc back to the list"};
    }
    if (width_ < 78 || height_ < 20) {
      return {width_ < 60 ? "enter ladder e explain ? help q quit"
                          : "enter ladder  e explain  / filter  ? all keys  q quit"};
    }
    std::vector<std::string> lines{
        "up/down select  enter ladder  e explain  w save evidence  p pause  / filter",
        "s sort  c clear  m copy as markdown  ? help  q quit (prints this as a summary)"};
    lines.insert(lines.begin(), std::string(width_, '-'));
    return lines;
  }

  void list(std::size_t room) {
    const std::size_t count = state_.order.size();
    if (count == 0) {
      rule();
      nothing_yet();
      return;
    }
    // Two rules and a heading, where there is room for them.
    const std::size_t frame = is_low() ? 0 : 3;
    room -= std::min(room, frame);
    const std::size_t shown = std::min(count, std::max<std::size_t>(room / 2, 1));
    const auto at = std::find(state_.order.begin(), state_.order.end(), state_.selected);
    const auto selected =
        at == state_.order.end() ? 0 : static_cast<std::size_t>(at - state_.order.begin());
    // The selected one stays in the middle as far as possible.
    const std::size_t start = std::min(selected - std::min(selected, shown / 2), count - shown);
    std::string note;
    if (shown < count) note = fmt::format("{}-{} of {}", start + 1, start + shown, count);
    if (state_.hidden != 0) {
      const std::string why = state_.filter.empty() ? "" : fmt::format("/{}: ", state_.filter);
      note +=
          fmt::format("{}{}{} not listed", note.empty() ? "" : ", ", printable(why), state_.hidden);
    }
    rule(note);
    if (!is_low()) {
      lines_.push_back(row_text(' ', "AGE", fmt::format("{:<8}", "SEV"), "ID", "DETECTOR", "WHAT",
                                "COUNT", "NOW"));
    }
    for (std::size_t i = start; i < start + shown; ++i) row(state_.order[i]);
    rule();
    if (const BoardRow* row = board_.find(state_.selected)) {
      in_full(*row, room - std::min(room, shown));
    }
  }

  std::string row_text(char mark, std::string_view age, std::string_view severity,
                       std::string_view id, std::string_view detector, std::string_view what,
                       std::string_view count, std::string_view now) const {
    // 40 columns: what and how bad; 60: since when, how often; 100: by which detector.
    if (width_ < 60) {
      const std::size_t room = std::max<std::size_t>(width_, 30) - 11;
      return fmt::format("{} {} {}", mark, severity, fitted(std::string{what}, room));
    }
    constexpr std::size_t detector_width = 20;
    const bool has_detector = width_ >= 100;
    const std::size_t fixed = 1 + 6 + 9 + 5 + 10 + 7 + (has_detector ? detector_width + 1 : 0);
    const std::size_t room = width_ - fixed;
    std::string line = fmt::format("{} {:>5} {} {:<4}", mark, age, severity, id);
    if (has_detector) {
      line +=
          fmt::format("{:<{}} ", with_dots(std::string{detector}, detector_width), detector_width);
    }
    return line +
           fmt::format("{:<{}} {:>9} {:>6}", fitted(std::string{what}, room), room, count, now);
  }

  void row(std::size_t number) {
    const BoardRow* const found = board_.find(number);
    if (found == nullptr) return;  // dropped since they were arranged
    const BoardRow& row = *found;
    const Finding& finding = row.finding;
    const std::string_view severity = word(finding.severity);
    const std::string padding(8 - severity.size(), ' ');
    const std::string count =
        finding.count < 10'000'000 ? grouped(finding.count) : compact(finding.count);
    lines_.push_back(row_text(
        number == state_.selected ? '>' : ' ',
        age_text((row.is_open ? status_.now : finding.last) - finding.first),
        (look_.color ? in_color(finding.severity, severity) : std::string{severity}) + padding,
        finding.id, finding.detector, printable(finding.title), finding.count == 0 ? "" : count,
        now_text(row)));
  }

  // What comes less than once a second has not stopped.
  std::string now_text(const BoardRow& row) const {
    if (!row.is_open) return "ended";
    const bool is_rare = row.per_second == 0 && status_.now - row.changed < Board::quiet_time;
    return is_rare ? "<1/s" : compact(row.per_second) + "/s";
  }

  // The first seconds, and quiet hours: never a blank.
  void nothing_yet() {
    const Counts& counts = status_.counts;
    const std::uint64_t dns = counts.dns_queries + counts.dns_responses;
    const std::uint64_t tcp = counts.tcp_connections + counts.tcp_joined_midway;
    std::string text;
    if (!board_.rows().empty()) {
      text = state_.filter.empty()
                 ? fmt::format("{} over and cleared. No other finding so far.",
                               plural(board_.rows().size(), "finding"))
                 : fmt::format("None of {} holds '{}'. To list all: / then esc.",
                               plural(board_.rows().size(), "finding"), state_.filter);
    } else if (status_.is_down) {
      text = fmt::format("{} is down: waiting for it to come back.", status_.interface);
    } else if (counts.packets == 0) {
      text = fmt::format(
          "Waiting for packets on {}: none in {}. If it stays so, check the interface (-i) "
          "or the filter; where traffic is: wirefault list interfaces",
          status_.interface, age_text(status_.up));
    } else if (dns + tcp == 0) {
      text = fmt::format("Seen {}, 0 DNS, 0 TCP: check the interface (-i) or the filter.",
                         plural(counts.packets, "packet"));
    } else {
      text = fmt::format("No finding so far. Seen {}, {} and {}.", plural(counts.packets, "packet"),
                         plural(dns, "DNS message"), plural(tcp, "TCP connection"));
    }
    for (const std::string& line : fold(printable(text), width_)) lines_.push_back(line);
    if (!board_.rows().empty() || dns + tcp == 0) return;
    const std::string_view waits =
        "What stays unanswered shows once its time is up, after seconds.";
    for (const std::string& line : fold(waits, width_)) lines_.push_back(line);
  }

  // Of what is said of a finding, as much as there is room for; the lowest ranks first.
  struct Block {
    std::size_t rank;
    std::vector<std::string> lines;
    std::size_t shown = 0;
  };

  std::string label_text(std::string_view label) const {
    if (width_ >= 60) return fmt::format("   {:<7} ", label);
    return label.empty() || label == "what" ? " " : fmt::format(" {} ", label);
  }

  Block block(std::size_t rank, std::string_view label, std::string_view text) const {
    std::string start = label_text(label);
    const std::size_t room = std::max<std::size_t>(width_, start.size() + 10) - start.size();
    Block result{rank, {}};
    for (const std::string& line : fold(printable(text), room)) {
      result.lines.push_back(start + line);
      start.assign(start.size(), ' ');
    }
    return result;
  }

  // A command that has to be broken stays one command when it is pasted.
  Block command(std::size_t rank, std::string_view label, std::string_view text) const {
    std::string start = label_text(label);
    const std::size_t room = std::max<std::size_t>(width_, start.size() + 12) - start.size() - 2;
    Block result{rank, {}};
    const std::vector<std::string> parts = fold(printable(text), room);
    for (std::size_t at = 0; at < parts.size(); ++at) {
      result.lines.push_back(
          fmt::format("{}{}{}", start, parts[at], at + 1 < parts.size() ? " \\" : ""));
      start.assign(start.size(), ' ');
    }
    return result;
  }

  Block heading(const Finding& finding) const {
    const std::string title = fmt::format("{} {}", finding.id, printable(finding.title));
    const std::string judged =
        fmt::format("{}, {}", word(finding.severity), word(finding.confidence));
    const std::string shown =
        fmt::format("{}, {}",
                    look_.color ? in_color(finding.severity, word(finding.severity))
                                : std::string{word(finding.severity)},
                    word(finding.confidence));
    if (is_low()) return {0, {fitted(title, width_)}};
    if (title.size() + 2 + judged.size() <= width_) {
      const std::string gap(width_ - title.size() - judged.size(), ' ');
      return {0, {title + gap + shown}};
    }
    Block result{0, fold(title, std::max<std::size_t>(width_, 10))};
    result.lines.push_back("   " + shown);
    return result;
  }

  static std::string who_text(const Who& who) {
    std::string text = who.distinct > 1 ? fmt::format("{}{}: ", who.is_approximate ? "about " : "",
                                                      grouped(who.distinct))
                                        : "";
    for (std::size_t at = 0; at < who.top.size(); ++at) {
      text += fmt::format("{}{}", at == 0 ? "" : ", ", who.top[at].text);
      if (who.top[at].count != 0) text += fmt::format(" ({})", grouped(who.top[at].count));
    }
    if (who.distinct > who.top.size())
      text += fmt::format(", {} more", grouped(who.distinct - who.top.size()));
    return text;
  }

  std::vector<Block> blocks(const BoardRow& row) const {
    const Finding& finding = row.finding;
    std::vector<Block> all{heading(finding)};
    const std::string first = clock_text(finding.first, look_.zone);
    const std::string when =
        row.is_open ? fmt::format("since {}", first)
                    : fmt::format("{} to {}", first, clock_text(finding.last, look_.zone));
    const std::string number = how_many(finding);
    all.push_back(block(1, "what", number.empty() ? when : fmt::format("{} {}", number, when)));
    if (!finding.before.empty()) all.push_back(block(7, "before", finding.before));
    std::size_t rank = 3;
    for (const Who& who : finding.who) {
      if (who.top.empty()) continue;
      all.push_back(block(rank,
                          who.distinct > 1 ? plural(2, who.role).substr(2) : std::string{who.role},
                          who_text(who)));
      rank = std::max<std::size_t>(rank + 3, 9);
    }
    for (const EvidenceItem& item : finding.evidence) {
      if (item.note.empty()) continue;
      all.push_back(block(10, "packet", item.note));
      break;
    }
    for (std::size_t at = 0; at < finding.causes.size(); ++at) {
      const Cause& cause = finding.causes[at];
      all.push_back(block(
          at == 0 ? 2 : 5 + at, at == 0 ? "likely" : "",
          fmt::format("{}. {}{}{}", at + 1, cause.text, cause.why.empty() ? "" : ": ", cause.why)));
    }
    for (const Caveat& caveat : finding.caveats) all.push_back(block(8, "caveat", caveat.text));
    rank = 4;
    for (const std::string& step : finding.next) {
      all.push_back(command(rank, rank == 4 ? "next" : "", step));
      rank = 11;
    }
    return all;
  }

  void in_full(const BoardRow& row, std::size_t room) {
    std::vector<Block> all = blocks(row);
    std::vector<Block*> by_rank;
    for (Block& each : all) by_rank.push_back(&each);
    std::sort(by_rank.begin(), by_rank.end(), [](const Block* a, const Block* b) {
      return a->rank != b->rank ? a->rank < b->rank : a < b;
    });
    for (Block* each : by_rank) {
      const bool may_be_cut = each->rank < 3;
      if (each->lines.size() > room && !may_be_cut) continue;
      each->shown = std::min(each->lines.size(), room);
      room -= each->shown;
    }
    for (const Block& each : all) {
      lines_.insert(lines_.end(), each.lines.begin(),
                    each.lines.begin() + static_cast<std::ptrdiff_t>(each.shown));
    }
  }

  void page(std::size_t room) {
    const std::vector<std::string> text = view_lines(board_, state_, width_, look_);
    room -= std::min<std::size_t>(room, is_low() ? 0 : 1);
    const std::size_t start = std::min(state_.scroll, text.size() - std::min(text.size(), room));
    const std::size_t end = std::min(text.size(), start + room);
    rule(text.size() <= room ? std::string{}
                             : fmt::format("{}-{} of {}", start + 1, end, text.size()));
    lines_.insert(lines_.end(), text.begin() + static_cast<std::ptrdiff_t>(start),
                  text.begin() + static_cast<std::ptrdiff_t>(end));
  }

  const LiveStatus& status_;
  const Board& board_;
  const ScreenState& state_;
  const std::size_t width_;
  const std::size_t height_;
  const ScreenLook& look_;
  std::vector<std::string> lines_;
};

}  // namespace

void arrange(ScreenState& state, const Board& board, Duration up, bool sort_now) {
  const std::vector<std::string> wanted = words_of(lower(state.filter));
  std::set<std::size_t> listed;
  for (const auto& [number, row] : board.rows()) {
    if (row.is_open) state.cleared.erase(number);  // it is back
    if (!state.cleared.contains(number) && matches(row.finding, wanted)) listed.insert(number);
  }
  std::erase_if(state.cleared, [&](std::size_t row) { return board.find(row) == nullptr; });
  std::erase_if(state.order, [&](std::size_t row) { return listed.erase(row) == 0; });
  state.order.insert(state.order.end(), listed.begin(), listed.end());
  state.hidden = board.rows().size() - state.order.size();
  if (sort_now || up - state.sorted_at >= between_sorts) {
    state.sorted_at = up;
    sort_rows(state.order, state.sort, board);
  }
  if (state.order.empty()) return;
  const bool is_there =
      std::find(state.order.begin(), state.order.end(), state.selected) != state.order.end();
  if (!state.has_chosen || !is_there) state.selected = state.order.front();
}

std::vector<std::string> draw_screen(const LiveStatus& status, const Board& board,
                                     const ScreenState& state, ScreenSize size,
                                     const ScreenLook& look) {
  return Drawing{status, board, state, size, look}.make();
}

ScrollRange scroll_range(const LiveStatus& status, const Board& board, const ScreenState& state,
                         ScreenSize size) {
  const ScreenLook look;
  const std::size_t page = Drawing{status, board, state, size, look}.page_room();
  const std::size_t lines = view_lines(board, state, size.width, look).size();
  return {lines - std::min(lines, page), page};
}

}  // namespace wirefault
