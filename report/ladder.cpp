#include "report/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "detectors/wording.h"
#include "report/words.h"

namespace wirefault {
namespace {

using Kind = PacketWords::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Longer than any resolver library goes on asking: glibc gives up after 30 s (three servers, two
// rounds of 5 s).
constexpr Duration around_a_question = seconds{60};
// Fragments are waited for no longer than that: RFC 8200, section 4.5.
constexpr Duration around_fragments = seconds{60};
// What a reader takes for a pause; round trips are shorter.
constexpr Duration pause_worth_a_line = milliseconds{500};

// After that a question that is asked again is a new one: dns.lookup-gap.
constexpr Duration pause_between_lookups = seconds{15};
// Copies of a mirror or of a routed packet come within that; what a host sends again does not.
constexpr Duration copy_delay = milliseconds{1};
constexpr Duration copy_delay_with_id = milliseconds{50};
// Acknowledgments that are not here by then do not come: RFC 9293, section 3.8.6.3 allows 0.5 s.
constexpr Duration acknowledgment_time = seconds{1};

constexpr std::size_t most_drawn = 40;
constexpr std::size_t drawn_around = 2;  // packets before and after one that the finding rests on
constexpr std::size_t drawn_first = 3;   // a handshake

bool same_place(const Endpoint& a, const Endpoint& b) {
  return a.address == b.address && (a.port == b.port || a.port == 0 || b.port == 0);
}

bool is_data(const PacketWords& words) {
  return words.kind == Kind::tcp && words.size > 0;
}
bool is_syn(const PacketWords& words) {
  return words.is_syn && !words.is_ack;
}
bool is_syn_ack(const PacketWords& words) {
  return words.is_syn && words.is_ack;
}

bool is_alike(const PacketWords& a, const PacketWords& b) {
  return a.kind == b.kind && a.from == b.from && a.to == b.to && a.text == b.text &&
         b.time - a.time < pause_worth_a_line;
}

std::string name_of(const Endpoint& party) {
  return party.port == 0 ? party.address.to_string() : party.to_string();
}

// Since the first packet drawn: +6.811904
std::string offset_text(Duration since) {
  const std::int64_t us = since / std::chrono::microseconds{1};
  return fmt::format("{}{}.{:06}", us < 0 ? "-" : "+", std::abs(us) / 1'000'000,
                     std::abs(us) % 1'000'000);
}

std::string cut_to(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  if (width < 2) return text.substr(0, width);
  text.resize(width - 2);
  return text + "..";
}

// Where each side's sequence numbers begin: they are told from there on, as Wireshark has them.
class Numbers {
 public:
  explicit Numbers(std::span<const PacketWords> rungs) {
    for (const PacketWords& words : rungs) {
      if (words.kind != Kind::tcp) continue;
      begin_.try_emplace({words.from, words.to}, words.sequence);
      if (!words.is_ack) continue;
      begin_.try_emplace({words.to, words.from}, words.acknowledgment);
    }
  }

  std::string said(const PacketWords& words) const {
    if (words.kind != Kind::tcp) return words.text;
    std::string text = words.text;
    const auto add = [&text](const std::string& part) {
      text += text.empty() ? "" : ", ";
      text += part;
    };
    const bool is_plain = !words.is_syn && !words.is_fin && !words.is_reset;
    if (words.size > 0 && words.question.empty()) {
      add(fmt::format("{} octets from {}", grouped(words.size),
                      since_begin({words.from, words.to}, words.sequence)));
    } else if (is_plain && words.size == 0) {
      text.insert(0,
                  fmt::format("ACK {}{}", since_begin({words.to, words.from}, words.acknowledgment),
                              text.empty() ? "" : ", "));
    }
    return text;
  }

 private:
  using Way = std::pair<Endpoint, Endpoint>;

  std::string since_begin(const Way& way, std::uint32_t number) const {
    const auto begin = begin_.find(way);
    if (begin == begin_.end()) return fmt::format("{}", number);
    const std::int32_t since = octets_between(begin->second, number);
    return since < 0 ? fmt::format("-{}", grouped(static_cast<std::uint64_t>(-std::int64_t{since})))
                     : grouped(static_cast<std::uint64_t>(since));
  }

  std::map<Way, std::uint32_t> begin_;
};

// What is drawn, and where in it something is left out.
struct Drawn {
  const PacketWords* words = nullptr;
  std::uint64_t left_out = 0;  // before it
};

// Two bars and what goes from one to the other.
class Canvas {
 public:
  Canvas(std::size_t width, Endpoint left, Endpoint right, Timestamp begin, bool has_files)
      : inner_{std::max<std::size_t>(width, 60) - 2 - time_width - 2 - 2 - frame_width},
        left_{left},
        right_{right},
        begin_{begin},
        has_files_{has_files} {}

  std::string header(std::string left, std::string right) const {
    const std::size_t room = inner_ + 2;
    left = shorten_middle(left, room / 2 - 1);
    right = shorten_middle(right, room / 2 - 1);
    return fmt::format("  {:<{}}{}{:>{}}{:>{}}", "time", time_width, left, right,
                       room - left.size(), "frame", frame_width + 2);
  }

  // `stops`: it is not known to have arrived.
  std::string arrow(const PacketWords& words, const std::string& text, bool stops) const {
    const bool from_left = same_place(words.from, left_);
    const bool from_right = !from_left && same_place(words.from, right_);
    const bool to_left = !from_left && same_place(words.to, left_);
    const bool to_right = !from_right && same_place(words.to, right_);
    std::string inside;
    if (from_left && to_right) {
      inside = rightwards(text, stops);
    } else if (from_right && to_left) {
      inside = leftwards(text, stops);
    } else if (from_left) {
      inside = with_tail("---- " + cut(text, words.to, 10) + " --> " + name_of(words.to));
    } else if (to_left) {
      inside = with_tail("<--- " + cut(text, words.from, 10) + " --- " + name_of(words.from));
    } else if (to_right) {
      inside = fmt::format(
          "{:>{}}", name_of(words.from) + " --- " + cut(text, words.from, 9) + " -->", inner_);
    } else if (from_right) {
      inside = fmt::format("{:>{}}",
                           name_of(words.to) + " <-- " + cut(text, words.to, 10) + " ----", inner_);
    } else {
      inside = with_tail(name_of(words.from) + " to " + name_of(words.to) + ": " + text);
    }
    const std::string file =
        has_files_ ? fmt::format("{}", words.packet.source() + 1) : std::string{};
    return line(offset_text(words.time - begin_), inside,
                fmt::format("{}#{}", file, words.packet.number()));
  }

  std::string remark(std::string text) const {
    text = cut_to(std::move(text), inner_);
    const std::size_t before = (inner_ - text.size()) / 2;
    return line({}, fmt::format("{:{}}{:<{}}", "", before, text, inner_ - before), {});
  }

 private:
  static constexpr std::size_t time_width = 12;
  static constexpr std::size_t frame_width = 8;

  // To what is left by the party's name and the arrow's `drawn` columns.
  std::string cut(std::string text, const Endpoint& party, std::size_t drawn) const {
    const std::size_t taken = name_of(party).size() + drawn;
    return cut_to(std::move(text), inner_ > taken + 4 ? inner_ - taken : 4);
  }
  std::string with_tail(std::string text) const {
    return fmt::format("{:<{}}", cut_to(std::move(text), inner_), inner_);
  }
  std::string rightwards(std::string text, bool stops) const {
    text = cut_to(std::move(text), inner_ - 10);
    const std::size_t rest = inner_ - 6 - text.size();
    if (!stops) return fmt::format("---- {} {:->{}}", text, ">", rest);
    const std::size_t end = rest / 2 + 1;
    return fmt::format("---- {} {:->{}}{:{}}", text, "x", end, "", rest - end);
  }
  std::string leftwards(std::string text, bool stops) const {
    text = cut_to(std::move(text), inner_ - 10);
    const std::size_t rest = inner_ - 6 - text.size();
    if (!stops) return fmt::format("<--- {} {:->{}}", text, "", rest);
    return fmt::format("  x- {} {:->{}}", text, "", rest);
  }
  std::string line(std::string_view time, std::string_view inside, std::string_view frame) const {
    std::string text =
        fmt::format("  {:<{}}|{}|  {:>{}}", time, time_width, inside, frame, frame_width);
    while (text.ends_with(' ')) text.pop_back();
    return text;
  }

  std::size_t inner_;
  Endpoint left_;
  Endpoint right_;
  Timestamp begin_;
  bool has_files_;  // frames of several files
};

// The first few, the last, and what surrounds the packets that the finding rests on.
std::vector<Drawn> choose(std::span<const PacketWords> rungs, const std::set<PacketRef>& frames,
                          PacketRef worst) {
  std::vector<bool> wanted(rungs.size(), rungs.size() <= most_drawn);
  const auto want = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < std::min(to, rungs.size()); ++i) wanted[i] = true;
  };
  if (rungs.size() > most_drawn) {
    want(0, drawn_first);
    want(rungs.size() - 1, rungs.size());
    std::size_t room = most_drawn - drawn_first - 1;
    const auto want_around = [&](std::size_t at) {
      if (room < 2 * drawn_around + 1) return;
      want(at - std::min(at, drawn_around), at + drawn_around + 1);
      room -= 2 * drawn_around + 1;
    };
    for (std::size_t i = 0; i < rungs.size(); ++i) {
      if (rungs[i].packet == worst) want_around(i);
    }
    for (std::size_t i = 0; i < rungs.size(); ++i) {
      if (!wanted[i] && frames.contains(rungs[i].packet)) want_around(i);
    }
  }
  std::vector<Drawn> drawn;
  std::uint64_t left_out = 0;
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    if (!wanted[i]) {
      ++left_out;
      continue;
    }
    drawn.push_back({&rungs[i], left_out});
    left_out = 0;
  }
  return drawn;
}

// How often what is at rungs[at] was sent before it, and whether its receiver said that it had it
// before it was sent again, or at all.
struct Sendings {
  std::size_t before = 0;
  bool is_repeated = false;
  bool is_acknowledged = false;
};
Sendings sendings_of(std::span<const PacketWords> rungs, std::size_t at) {
  const PacketWords& sent = rungs[at];
  Sendings sendings;
  if (!is_data(sent) && !is_syn(sent)) return sendings;
  const auto is_same = [&](const PacketWords& other) {
    return other.kind == Kind::tcp && other.from == sent.from && other.to == sent.to &&
           other.sequence == sent.sequence && is_data(other) == is_data(sent) &&
           is_syn(other) == is_syn(sent);
  };
  for (const PacketWords& other : rungs.first(at)) sendings.before += is_same(other) ? 1u : 0u;
  for (const PacketWords& other : rungs.subspan(at + 1)) {
    if (is_same(other)) {
      sendings.is_repeated = true;
      break;
    }
    if (other.kind == Kind::tcp && other.is_ack && other.from == sent.to && other.to == sent.from &&
        octets_between(sent.end, other.acknowledgment) >= 0) {
      sendings.is_acknowledged = true;
      break;
    }
  }
  return sendings;
}

// What the fragments among `rungs`, all of one datagram, leave open.
std::vector<std::string> holes(std::span<const PacketWords> rungs) {
  std::map<std::uint32_t, std::uint32_t> parts;  // first octet: the one behind the last
  bool has_end = false;
  for (const PacketWords& words : rungs) {
    if (words.kind != Kind::fragment) continue;
    std::uint32_t& end = parts[words.fragment_offset];
    end = std::max(end, words.fragment_offset + words.size);
    has_end = has_end || !words.more_fragments;
  }
  std::vector<std::string> missing;
  std::uint32_t reached = 0;
  for (const auto& [begin, end] : parts) {
    if (begin > reached) {
      missing.push_back(
          fmt::format("octets {} to {} of the datagram did not come", reached, begin));
    }
    reached = std::max(reached, end);
  }
  if (!has_end) {
    missing.push_back(missing.empty() ? fmt::format("what follows octet {} did not come", reached)
                                      : fmt::format("nor what follows octet {}", reached));
  }
  return missing;
}

// Octets of TCP's payload that the sender of each rung must have sent before it, and that are not
// among them.
std::vector<std::uint64_t> missing_before(std::span<const PacketWords> rungs) {
  std::vector<std::uint64_t> missing;
  std::map<std::pair<Endpoint, Endpoint>, std::uint32_t> reached;
  for (const PacketWords& words : rungs) {
    missing.push_back(0);
    if (words.kind != Kind::tcp) continue;
    std::uint32_t& next = reached.try_emplace({words.from, words.to}, words.sequence).first->second;
    const std::int32_t ahead = octets_between(next, words.sequence);
    if (is_data(words) && ahead > 0) missing.back() = static_cast<std::uint64_t>(ahead);
    if (octets_between(next, words.end) > 0) next = words.end;
  }
  return missing;
}

std::string times(std::uint64_t count) {
  if (count == 1) return "once";
  return count == 2 ? "twice" : fmt::format("{} times", grouped(count));
}

std::string ordinal(std::size_t number) {
  static constexpr std::string_view words[] = {"first", "second", "third", "fourth", "fifth"};
  if (number < std::size(words)) return std::string{words[number]};
  const std::size_t place = number + 1;
  const bool is_teen = place / 10 % 10 == 1;
  const std::string_view end = is_teen           ? "th"
                               : place % 10 == 1 ? "st"
                               : place % 10 == 2 ? "nd"
                               : place % 10 == 3 ? "rd"
                                                 : "th";
  return fmt::format("{}{}", place, end);
}

bool is_query(const PacketWords& words) {
  return !words.question.empty() && !words.is_response;
}

// Whether rungs[at] helped the client: a response to what it asked before, from where it asked.
bool is_answer(std::span<const PacketWords> rungs, std::size_t at) {
  const PacketWords& response = rungs[at];
  return response.is_response && response.is_usable &&
         std::ranges::any_of(rungs.first(at), [&](const PacketWords& query) {
           return is_query(query) && query.id == response.id && query.from == response.to &&
                  query.to == response.from;
         });
}

// Whether rungs[at] begins another lookup: after an answer, after a long pause, or where all that
// was asked has failed and the client did not go on at once (glibc and musl do, within 100 ms).
bool begins_lookup(std::span<const PacketWords> rungs, std::size_t at) {
  const Duration pause = rungs[at].time - rungs[at - 1].time;
  if (pause > pause_between_lookups || is_answer(rungs, at - 1)) return true;
  if (pause < pause_worth_a_line) return false;
  const std::span<const PacketWords> before = rungs.first(at);
  return std::ranges::all_of(before, [&](const PacketWords& query) {
    if (!is_query(query) || rungs[at].time - query.time > pause_between_lookups) return true;
    return std::ranges::any_of(before, [&](const PacketWords& response) {
      return response.is_response && response.id == query.id && response.to == query.from &&
             response.from == query.to;
    });
  });
}

// Of all that a client asked about one name, the lookup that rungs[worst] belongs to.
std::span<const PacketWords> lookup_of(std::span<const PacketWords> rungs, std::size_t worst) {
  std::size_t begin = worst;
  while (begin > 0 && !begins_lookup(rungs, begin)) --begin;
  std::size_t end = worst + 1;
  while (end < rungs.size() && !begins_lookup(rungs, end)) ++end;
  return rungs.subspan(begin, end - begin);
}

// Of all between two ports, the connection that rungs[worst] belongs to: a SYN with another number
// begins another.
std::span<const PacketWords> connection_of(std::span<const PacketWords> rungs, std::size_t worst) {
  std::size_t begin = 0;
  std::size_t end = rungs.size();
  const PacketWords* syn = nullptr;
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    if (!is_syn(rungs[i])) continue;
    const bool is_new = syn == nullptr || syn->sequence != rungs[i].sequence;
    syn = &rungs[i];
    if (!is_new) continue;
    if (i > worst) {
      end = i;
      break;
    }
    begin = i;
  }
  return rungs.subspan(begin, end - begin);
}

// What the client had of a question, in one sentence.
std::string felt_by_resolver(std::span<const PacketWords> rungs) {
  const auto first = std::ranges::find_if(rungs, is_query);
  if (first == rungs.end()) return {};
  const PacketWords* last_query = nullptr;
  const PacketWords* failure = nullptr;
  std::uint64_t asked = 0;
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const PacketWords& words = rungs[i];
    if (is_query(words)) {
      last_query = &words;
      ++asked;
    } else if (is_answer(rungs, i)) {
      const std::string by = words.from.address == first->to.address
                                 ? std::string{}
                                 : " from " + words.from.address.to_string();
      return fmt::format("an answer{} after {}{}", by, rough_duration(words.time - first->time),
                         asked > 1 ? fmt::format(", having asked {}", times(asked)) : "");
    } else if (!words.is_usable || words.kind == Kind::icmp_error) {
      failure = &words;
    }
  }
  if (failure != nullptr) {
    return fmt::format("no answer: {} after {}, asked {}", failure->text,
                       rough_duration(failure->time - first->time), times(asked));
  }
  if (asked == 1) return "no answer; asked once";
  return fmt::format("no answer; asked {} over {}", times(asked),
                     rough_duration(last_query->time - first->time));
}

std::string felt_by_connection(std::span<const PacketWords> rungs) {
  const auto syn = std::ranges::find_if(rungs, is_syn);
  const PacketWords* answer = nullptr;
  const PacketWords* opened = nullptr;
  const PacketWords* refusal = nullptr;
  for (auto words = syn; words != rungs.end() && opened == nullptr; ++words) {
    const bool is_back = words->from != syn->from;
    if (is_back && is_syn_ack(*words)) {
      answer = &*words;
    } else if (is_back && answer == nullptr && refusal == nullptr &&
               (words->is_reset || words->kind == Kind::icmp_error)) {
      refusal = &*words;
    } else if (!is_back && answer != nullptr && words->is_ack && !words->is_reset) {
      opened = &*words;
    }
  }
  if (syn != rungs.end() && opened == nullptr) {
    if (answer == nullptr && refusal != nullptr) {
      return fmt::format("{} after {}",
                         refusal->is_reset ? "refused" : "no connection: " + refusal->text,
                         rough_duration(refusal->time - syn->time));
    }
    const auto syns = static_cast<std::uint64_t>(std::ranges::count_if(rungs, is_syn));
    // Of one that was never asked again, nobody knows whether it was a client.
    if (syns == 1 && answer != nullptr) return {};
    const auto last = std::find_if(rungs.rbegin(), rungs.rend(), is_syn);
    const std::string over =
        syns == 1 ? std::string{} : " over " + rough_duration(last->time - syn->time);
    return fmt::format("no connection; asked {}{}{}", times(syns), over,
                       answer == nullptr ? "" : ", and no ACK followed the SYN-ACK");
  }
  // What was sent most often.
  struct Sent {
    Timestamp first{};
    Timestamp last{};
    std::size_t times = 0;
  };
  std::map<std::pair<Endpoint, std::uint32_t>, Sent> all;
  Sent most;
  for (const PacketWords& words : rungs) {
    if (!is_data(words)) continue;
    Sent& sent = all.try_emplace({words.from, words.sequence}, Sent{words.time, words.time, 0})
                     .first->second;
    sent.last = words.time;
    ++sent.times;
    const bool is_longer = sent.last - sent.first > most.last - most.first;
    if (sent.times > most.times || (sent.times == most.times && is_longer)) most = sent;
  }
  std::string text;
  if (opened != nullptr && opened->time - syn->time >= pause_worth_a_line) {
    text = fmt::format("connected after {}", rough_duration(opened->time - syn->time));
  }
  if (most.times > 1) {
    text += fmt::format("{}the same data sent {} over {}", text.empty() ? "" : "; ",
                        times(most.times), rough_duration(most.last - most.first));
  }
  const auto reset = std::ranges::find_if(rungs, &PacketWords::is_reset);
  if (reset != rungs.end()) {
    text += fmt::format("{}reset by {}", text.empty() ? "" : "; ", name_of(reset->from));
  }
  return text;
}

}  // namespace

PacketRef worst_packet(const Finding& finding) {
  for (const std::string_view role : {"worst", "typical", "first"}) {
    for (const EvidenceItem& item : finding.evidence) {
      if (item.role == role) return item.packet;
    }
  }
  return finding.frames.empty() ? PacketRef{} : finding.frames.front();
}

Exchange::Exchange(const Finding& finding, const PacketWords& worst)
    : worst_{worst}, frames_{finding.frames.begin(), finding.frames.end()} {
  client_ = worst.from;
  server_ = worst.to;
  if (worst.is_response || is_syn_ack(worst)) std::swap(client_, server_);
  if (worst.kind == Kind::icmp_error && worst.quoted_from) {
    client_ = *worst.quoted_from;
    server_ = *worst.quoted_to;
  }
  // Clients draw their ports from the upper half.
  const bool is_known = !worst.question.empty() || is_syn(worst) || is_syn_ack(worst);
  if (!is_known && client_.port < server_.port) std::swap(client_, server_);
}

bool Exchange::is_between(const Endpoint& a, const Endpoint& b) const {
  return (same_place(a, client_) && same_place(b, server_)) ||
         (same_place(b, client_) && same_place(a, server_));
}

bool Exchange::belongs(const PacketWords& words) const {
  if (words.packet == worst_.packet) return true;
  if (words.tunnel != worst_.tunnel) return false;
  const Duration apart =
      words.time > worst_.time ? words.time - worst_.time : worst_.time - words.time;
  if (!worst_.question.empty()) {
    if (apart > around_a_question) return false;
    if (words.quoted_from)
      return words.quoted_from->address == client_.address && words.quoted_to->port == server_.port;
    return words.question == worst_.question &&
           (words.is_response ? words.to : words.from).address == client_.address;
  }
  if (words.quoted_from) return is_between(*words.quoted_from, *words.quoted_to);
  if (!is_between(words.from, words.to)) return false;
  if (worst_.kind == Kind::tcp || worst_.kind == Kind::udp) return words.kind == worst_.kind;
  if (worst_.kind == Kind::fragment) {
    if (apart > around_fragments) return false;
    return words.kind == Kind::fragment ? words.identification == worst_.identification
                                        : words.kind == Kind::udp || words.kind == Kind::dns;
  }
  return words.kind != Kind::icmp_error;
}

// Mirrors, bridges and tunnels show one packet several times.
bool Exchange::is_copy(const PacketWords& words) const {
  constexpr std::size_t looked_at = 64;
  const std::span<const PacketWords> recent =
      std::span{rungs_}.last(std::min(rungs_.size(), looked_at));
  const bool has_id = words.identification != 0 && words.kind != Kind::fragment;
  return std::ranges::any_of(recent, [&](const PacketWords& other) {
    const Duration apart =
        words.time > other.time ? words.time - other.time : other.time - words.time;
    return apart <= (has_id ? copy_delay_with_id : copy_delay) && words.kind == other.kind &&
           words.from == other.from && words.to == other.to && words.text == other.text &&
           words.id == other.id && words.identification == other.identification &&
           words.fragment_offset == other.fragment_offset && words.sequence == other.sequence &&
           words.acknowledgment == other.acknowledgment && words.size == other.size &&
           words.kind != Kind::icmp_error;
  });
}

// The beginning stays, and what is near the worst.
void Exchange::make_room() {
  const auto first = rungs_.begin() + static_cast<std::ptrdiff_t>(drawn_first);
  rungs_.erase(first, first + static_cast<std::ptrdiff_t>(most_kept / 2));
  left_out_ += most_kept / 2;
}

void Exchange::take(const PacketWords& words) {
  last_ = std::max(last_, words.time);
  if (frames_.contains(words.packet)) {
    if (proof_.size() < most_of_many) {
      proof_.push_back(words);
    } else {
      ++more_proof_;
    }
  }
  if (!belongs(words)) return;
  const bool is_worst = words.packet == worst_.packet;
  if (!is_worst && is_copy(words)) return;
  if (is_worst && rungs_.size() > most_kept / 2 + drawn_first) make_room();
  if (rungs_.size() == most_kept && !has_worst_) make_room();
  has_worst_ = has_worst_ || is_worst;
  if (rungs_.size() == most_kept) {
    ++given_up_;
    return;
  }
  rungs_.push_back(words);
}

std::vector<std::string> Exchange::draw(std::size_t width) const {
  const auto worst = std::ranges::find(rungs_, worst_.packet, &PacketWords::packet);
  if (worst == rungs_.end()) return {};
  const auto at_worst = static_cast<std::size_t>(worst - rungs_.begin());
  const bool is_lookup = !worst_.question.empty();
  std::span<const PacketWords> rungs = rungs_;
  if (is_lookup) {
    rungs = lookup_of(rungs, at_worst);
  } else if (worst_.kind == Kind::tcp || worst_.kind == Kind::icmp_error) {
    rungs = connection_of(rungs, at_worst);
  }
  // One packet of many strangers says little: then some of them are shown together.
  const bool is_crowd = !is_lookup && rungs.size() == 1 && proof_.size() > 3;
  if (is_crowd) rungs = proof_;
  Endpoint left = client_;
  Endpoint right = server_;
  if (const auto syn = std::ranges::find_if(rungs, is_syn); syn != rungs.end()) {
    left = syn->from;
    right = syn->to;
  }
  if (is_lookup) left.port = 0;
  if (is_crowd) left = {};
  const bool is_whole = rungs.data() == rungs_.data();

  const std::vector<Drawn> drawn = choose(rungs, frames_, worst_.packet);
  const bool has_files = std::ranges::any_of(rungs, [&](const PacketWords& words) {
    return words.packet.source() != rungs.front().packet.source();
  });
  const Canvas canvas{width, left, right, rungs.front().time, has_files};
  std::vector<std::string> lines;
  lines.push_back(canvas.header(is_crowd ? "many" : name_of(left), name_of(right)));
  const Numbers numbers{rungs};
  bool any_stops = false;
  const std::vector<std::uint64_t> missing = missing_before(rungs);
  const PacketWords* before = nullptr;
  for (std::size_t place = 0; place < drawn.size(); ++place) {
    const Drawn& each = drawn[place];
    const PacketWords& words = *each.words;
    const auto at = static_cast<std::size_t>(&words - rungs.data());
    const bool is_behind_gap = is_whole && left_out_ > 0 && at >= drawn_first &&
                               (before == nullptr || before < &rungs[drawn_first]);
    const std::uint64_t left_out = each.left_out + (is_behind_gap ? left_out_ : 0);
    if (before != nullptr && before->time - words.time >= pause_worth_a_line) {
      lines.push_back(canvas.remark(
          fmt::format("the clock was set back by {}", rough_duration(before->time - words.time))));
    }
    if (left_out > 0) {
      lines.push_back(
          canvas.remark(fmt::format("... {} left out ...", plural(left_out, "packet"))));
    } else if (before != nullptr && words.time - before->time >= pause_worth_a_line) {
      lines.push_back(
          canvas.remark(fmt::format("nothing for {}", rough_duration(words.time - before->time))));
    }
    const Sendings sendings = is_crowd ? Sendings{} : sendings_of(rungs, at);
    std::string text = numbers.said(words);
    if (sendings.before > 0) {
      text += fmt::format(", {} time", ordinal(sendings.before));
    } else if (missing[at] > 0 && !is_behind_gap) {
      lines.push_back(canvas.remark(fmt::format(
          "{} of {} are missing here", plural(missing[at], "octet"), name_of(words.from))));
    }
    // A router has the same to say of each packet of a burst.
    std::size_t alike = 1;
    while (words.kind == Kind::icmp_error && place + 1 < drawn.size() &&
           drawn[place + 1].left_out == 0 && is_alike(words, *drawn[place + 1].words)) {
      ++place;
      ++alike;
    }
    if (alike > 1) text.insert(0, fmt::format("{}x ", alike));
    const bool is_lost =
        is_data(words) && !is_crowd && !sendings.is_acknowledged &&
        (sendings.is_repeated || (given_up_ == 0 && last_ - words.time >= acknowledgment_time));
    any_stops = any_stops || is_lost;
    lines.push_back(canvas.arrow(words, text, is_lost));
    before = drawn[place].words;
  }
  const std::uint64_t behind = is_crowd ? more_proof_ : is_whole ? given_up_ : 0;
  const bool is_last = &rungs.back() == &rungs_.back();
  if (behind > 0) {
    lines.push_back(canvas.remark(fmt::format("... {} left out ...", plural(behind, "packet"))));
  } else if (is_last && !before->is_reset && !before->is_usable &&
             last_ - before->time >= pause_worth_a_line) {
    lines.push_back(canvas.remark(fmt::format("nothing for the other {} of the capture",
                                              rough_duration(last_ - before->time))));
  }
  if (worst_.kind == Kind::fragment) {
    for (const std::string& hole : holes(rungs)) lines.push_back(canvas.remark(hole));
  }
  if (any_stops) lines.push_back("  x: no acknowledgment before it was sent again, or at all");
  if (has_files) lines.push_back("  2#7: frame 7 of the second file given");
  std::string felt;
  if (is_lookup) {
    felt = felt_by_resolver(rungs);
  } else if (!is_crowd && std::ranges::any_of(rungs, [](const PacketWords& words) {
               return words.kind == Kind::tcp;
             })) {
    felt = felt_by_connection(rungs);
  }
  if (!felt.empty()) {
    lines.emplace_back();
    for (const std::string& line : fold("what the client felt: " + felt, width))
      lines.push_back(line);
  }
  return lines;
}

}  // namespace wirefault
