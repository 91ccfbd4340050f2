#include "capture/filter.h"

#include <fmt/format.h>
#include <pcap/pcap.h>

#include <vector>

#include "capture/error.h"

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
  const Program program{expression, LinkType::ethernet};
  if (!program.error().empty()) throw Error{"capture filter not understood", program.error()};
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
