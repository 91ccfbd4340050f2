#include "detectors/wording.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "capture/shell_word.h"

namespace wirefault {
namespace {

constexpr std::string_view frame_filter_start = "frame.number in ";

// Of a title.
constexpr std::size_t columns = 60;

std::string without_middle(std::string_view text, std::size_t room) {
  if (text.size() <= room) return std::string{text};
  const std::size_t kept = room - 2;
  return fmt::format("{}..{}", text.substr(0, kept / 2),
                     text.substr(text.size() - (kept - kept / 2)));
}

std::string encapsulation_filter(const tunnel::Seen& seen) {
  switch (seen.context.kind) {
    case tunnel::Kind::ip_in_ip:
      return "(proto 4 or proto 41)";
    case tunnel::Kind::gre:
    case tunnel::Kind::erspan:
      return "proto 47";
    case tunnel::Kind::vxlan:
    case tunnel::Kind::geneve:
      return fmt::format("udp port {}", seen.udp_port);
  }
  return {};
}

std::string one_tunnel_filter(const tunnel::Seen& seen) {
  const std::string hosts = fmt::format("host {} and host {}", seen.context.outer_low.to_string(),
                                        seen.context.outer_high.to_string());
  // Fragments have no ports, and BPF does not look behind extension headers.
  return seen.is_plain ? fmt::format("{} and {}", encapsulation_filter(seen), hosts) : hosts;
}

}  // namespace

std::string grouped(std::uint64_t number) {
  if (number < 1000) return fmt::format("{}", number);
  return fmt::format("{},{:03}", grouped(number / 1000), number % 1000);
}

std::string rough_duration(Duration duration) {
  using namespace std::chrono;
  if (duration < milliseconds{1}) return fmt::format("{} us", duration / microseconds{1});
  if (duration < seconds{1}) return fmt::format("{} ms", duration / milliseconds{1});
  if (duration < minutes{1}) {
    const std::int64_t tenths = duration / milliseconds{100};
    return fmt::format("{}.{} s", tenths / 10, tenths % 10);
  }
  if (duration < hours{1}) {
    return fmt::format("{}m{:02}s", duration / minutes{1}, duration % minutes{1} / seconds{1});
  }
  if (duration < days{2}) {
    return fmt::format("{}h{:02}m", duration / hours{1}, duration % hours{1} / minutes{1});
  }
  return fmt::format("{}d{:02}h", duration / days{1}, duration % days{1} / hours{1});
}

std::string share_text(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "0%";
  if (part >= whole) return "100%";
  // Truncated, so that less than all never reads as all.
  for (; whole > (std::uint64_t{1} << 50); whole /= 2) part /= 2;  // keeps the product in 64 bits
  const std::uint64_t hundredths = part * 10000 / whole;
  if (hundredths >= 9900 || hundredths < 100) {
    return fmt::format("{}.{:02}%", hundredths / 100, hundredths % 100);
  }
  return fmt::format("{}.{}%", hundredths / 100, hundredths % 100 / 10);
}

std::string plural(std::uint64_t count, std::string_view noun) {
  if (count == 1) return fmt::format("1 {}", noun);
  const bool consonant_y =
      noun.size() > 1 && noun.back() == 'y' &&
      std::string_view{"aeiou"}.find(noun[noun.size() - 2]) == std::string_view::npos;
  if (consonant_y) return fmt::format("{} {}ies", grouped(count), noun.substr(0, noun.size() - 1));
  const bool hissing = noun.ends_with('s') || noun.ends_with('x') || noun.ends_with("ch");
  return fmt::format("{} {}{}", grouped(count), noun, hissing ? "es" : "s");
}

std::string short_title(std::string_view head, std::string_view subject, std::string_view tail) {
  return fmt::format("{}{}{}", head, without_middle(subject, columns - head.size() - tail.size()),
                     tail);
}

std::string short_title(std::string_view head, std::string_view first, std::string_view between,
                        std::string_view second, std::string_view tail) {
  const std::size_t room = columns - head.size() - between.size() - tail.size();
  // What the shorter one leaves is the longer one's.
  const std::size_t of_first = std::max(room / 2, room - std::min(second.size(), room - room / 2));
  const std::string begin = without_middle(first, of_first);
  return fmt::format("{}{}{}{}{}", head, begin, between,
                     without_middle(second, room - begin.size()), tail);
}

void add_vantage(Finding& finding, Vantage vantage, std::string_view what,
                 std::initializer_list<std::string_view> ruled_out) {
  if (vantage == Vantage::near_client) {
    finding.caveats.push_back(
        {"vantage", fmt::format("captured near the client: whether the {} or their answers were "
                                "lost cannot be told",
                                what)});
  }
  if (vantage != Vantage::near_server) return;
  std::erase_if(finding.causes, [&](const Cause& cause) {
    return std::find(ruled_out.begin(), ruled_out.end(), cause.id) != ruled_out.end();
  });
  for (Cause& cause : finding.causes) {
    cause.why = fmt::format("captured near the server: the {} came so far and no answer left; {}",
                            what, cause.why);
  }
}

std::string dig_name(const dns::Name& name) {
  const std::string text = name.to_string();
  // dig would take these for an option or a server.
  const bool is_ambiguous = text.starts_with('-') || text.starts_with('+') || text.starts_with('@');
  return (is_ambiguous ? "-q " : "") + shell_word(text);
}

std::string around_tunnel(const std::string& filter, std::optional<std::uint64_t> tunnel,
                          const CaptureSummary& summary) {
  if (tunnel == std::uint64_t{0} || summary.tunnels.empty()) return filter;
  if (tunnel) {
    auto seen = summary.tunnels.find(*tunnel);
    while (seen != summary.tunnels.end() && seen->second.context.outer_id != 0) {
      seen = summary.tunnels.find(seen->second.context.outer_id);
    }
    if (seen != summary.tunnels.end()) return one_tunnel_filter(seen->second);
  }
  std::set<std::string> all;
  for (const auto& [id, seen] : summary.tunnels) {
    if (seen.context.outer_id != 0) continue;
    all.insert(seen.is_plain ? encapsulation_filter(seen)
                             : fmt::format("({})", one_tunnel_filter(seen)));
  }
  if (!tunnel) all.insert(fmt::format("({})", filter));
  return fmt::format("{}", fmt::join(all, " or "));
}

std::string behind_tags(const std::string& filter, const CaptureSummary& summary) {
  // Each of these words moves what follows it behind one more header (pcap-filter(7)), so the
  // innermost comes last.
  std::vector<std::string_view> words(std::min<std::size_t>(summary.most_vlan_tags, 2), "vlan");
  if ((summary.shims & link::shim::pppoe) != 0) words.emplace_back("pppoes");
  if ((summary.shims & link::shim::mpls) != 0) words.emplace_back("mpls");
  std::string text = filter;
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    text = fmt::format("{} or ({} and ({}))", filter, *word, text);
  }
  return text;
}

std::string printable(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char character : text) {
    if (character >= ' ' && character <= '~') {
      result += character;
    } else {
      result += fmt::format("\\{:03}", static_cast<unsigned char>(character));
    }
  }
  return result;
}

std::string frame_filter(std::span<const PacketRef> frames) {
  std::string numbers;
  for (const PacketRef frame : frames) {
    fmt::format_to(std::back_inserter(numbers), "{}{}", numbers.empty() ? "" : ", ",
                   frame.number());
  }
  return fmt::format("{}{{{}}}", frame_filter_start, numbers);
}

std::vector<FileFilter> filters_by_file(const Finding& finding) {
  std::vector<FileFilter> filters;
  const std::span<const PacketRef> frames = finding.frames;
  if (frames.empty() || frames.front().source() == frames.back().source() ||
      !finding.display_filter.starts_with(frame_filter_start)) {
    return filters;
  }
  for (std::size_t from = 0; from < frames.size();) {
    std::size_t to = from;
    while (to < frames.size() && frames[to].source() == frames[from].source()) ++to;
    filters.push_back({frames[from].source(), frame_filter(frames.subspan(from, to - from))});
    from = to;
  }
  return filters;
}

}  // namespace wirefault
