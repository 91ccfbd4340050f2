#include "capture/filter.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <cctype>
#include <vector>

#include "capture/error.h"
#include "capture/filter_words.h"

namespace wirefault {
namespace {

// The data link types of libpcap, which differ from the link types of files for a few old ones.
int data_link_type(LinkType link_type) {
  if (link_type == LinkType::raw || link_type == LinkType::raw_openbsd) return DLT_RAW;
  return static_cast<int>(link_type);
}

class Program {
 public:
  Program(const std::string& expression, LinkType link_type) : link_type_{link_type} {
    constexpr int snap_length = 262144;
    pcap_t* dead = pcap_open_dead(data_link_type(link_type), snap_length);
    if (dead == nullptr) {
      error_ = "not enough memory";
      return;
    }
    const int result = pcap_compile(dead, &code_, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN);
    if (result != 0) error_ = pcap_geterr(dead);
    pcap_close(dead);
  }
  ~Program() { pcap_freecode(&code_); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  LinkType link_type() const { return link_type_; }
  const std::string& error() const { return error_; }

  bool matches(const Packet& packet) const {
    pcap_pkthdr header{};
    header.caplen = static_cast<bpf_u_int32>(packet.bytes.size());
    header.len = packet.original_length;
    return pcap_offline_filter(&code_, &header, packet.bytes.data()) != 0;
  }

 private:
  LinkType link_type_;
  bpf_program code_{};
  std::string error_;
};

// libpcap parses with one of these as the link type; a filter that none of them understands is
// wrong.
constexpr LinkType usual_link_types[] = {
    LinkType::ethernet, LinkType::linux_sll,           LinkType::linux_sll2,
    LinkType::raw,      LinkType::ieee802_11_radiotap, LinkType{117},  // OpenBSD's pflog
};

bool is_understood(const std::string& expression) {
  return std::ranges::any_of(usual_link_types, [&](LinkType link_type) {
    return Program{expression, link_type}.error().empty();
  });
}

// Whether some filter begins like this.
bool is_a_beginning(const std::string& expression) {
  static constexpr const char* ways_to_go_on[] = {"",
                                                  " tcp",
                                                  " 1",
                                                  " 192.0.2.1",
                                                  " port 1",
                                                  " host 192.0.2.1",
                                                  " 02:00:5e:10:00:01",
                                                  " mgt",
                                                  " 255.0.0.0",
                                                  "]=0",
                                                  "0]=0",
                                                  "=0",
                                                  " 1=0",
                                                  " beacon"};
  const auto open = std::ranges::count(expression, '(');
  const auto closed = std::ranges::count(expression, ')');
  const std::string closing(static_cast<std::size_t>(std::max<std::ptrdiff_t>(open - closed, 0)),
                            ')');
  return std::ranges::any_of(
      ways_to_go_on, [&](const char* rest) { return is_understood(expression + rest + closing); });
}

// libpcap does not say where a filter goes wrong: it is at the word that turns what could still
// have become a filter into what cannot.
FilterProblem locate(const std::string& expression, std::string text) {
  const std::vector<FilterWord> words = filter_words(expression);
  const auto wrong = std::ranges::partition_point(words, [&](const FilterWord& word) {
    return is_a_beginning(expression.substr(0, word.position + word.text.size()));
  });
  if (wrong == words.end()) return {expression.size(), "the filter ends too early"};
  return {wrong->position, std::move(text)};
}

Error not_understood(const std::string& expression, const FilterProblem& problem) {
  std::string shown = expression;  // on one line, so that the caret stands under its place
  std::ranges::replace_if(
      shown, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }, ' ');
  return Error{"capture filter not understood", fmt::format("    {}\n    {:>{}} {}", shown, '^',
                                                            problem.position + 1, problem.text)};
}

void check(const std::string& expression) {
  // libpcap takes a second for 200 ports, a minute for 600, and then runs out of memory.
  constexpr std::size_t most_bytes = 4096;
  if (expression.size() > most_bytes) {
    throw Error{fmt::format("a capture filter of {} bytes is too long: at most {}",
                            expression.size(), most_bytes),
                "  as a range: portrange 1-1023; as a network: net 192.0.2.0/24"};
  }
  if (expression.find('\0') != expression.npos) {
    throw Error{"a capture filter is text; this one holds a byte of zero"};
  }
  if (const auto unknown = find_unknown_word(expression))
    throw not_understood(expression, *unknown);
  if (is_understood(expression)) return;
  std::string text = Program{expression, LinkType::ethernet}.error();
  constexpr std::string_view prefix = "can't parse filter expression: ";
  if (text.starts_with(prefix)) text.erase(0, prefix.size());
  throw not_understood(expression, locate(expression, std::move(text)));
}

}  // namespace

class Filter::Programs {
 public:
  explicit Programs(std::string expression) : expression_{std::move(expression)} {}

  const Program& of(LinkType link_type) {
    for (const auto& program : programs_) {
      if (program->link_type() == link_type) return *program;
    }
    auto program = std::make_unique<Program>(expression_, link_type);
    if (!program->error().empty()) {
      throw Error{fmt::format("capture filter cannot be applied to link type {}",
                              static_cast<unsigned>(link_type)),
                  fmt::format("    {}\n    {}", expression_, program->error())};
    }
    return *programs_.emplace_back(std::move(program));
  }

 private:
  std::string expression_;
  std::vector<std::unique_ptr<Program>> programs_;
};

Filter::Filter(const std::string& expression) : programs_{std::make_unique<Programs>(expression)} {
  check(expression);
}

Filter::~Filter() = default;

std::size_t Filter::keep_matching(std::span<Packet> packets) {
  std::size_t kept = 0;
  const Program* program = nullptr;
  for (const Packet& packet : packets) {
    if (program == nullptr || program->link_type() != packet.link_type) {
      program = &programs_->of(packet.link_type);
    }
    if (program->matches(packet)) packets[kept++] = packet;
  }
  return kept;
}

}  // namespace wirefault
