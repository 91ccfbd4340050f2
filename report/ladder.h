// The exchange that a finding's worst packet belongs to, as a ladder: who sent what to whom and
// when, where nothing came, and what the client felt.
//
//   Exchange exchange{finding, words_of(worst)};     // worst: the packet that worst_packet() names
//   for (each packet) exchange.take(words_of(packet));
//   for (line of exchange.draw(80)) ...
#pragma once

#include <set>
#include <string>
#include <vector>

#include "detectors/finding.h"
#include "dissectors/packet_words.h"

namespace wirefault {

// Of the evidence; none where there is none.
PacketRef worst_packet(const Finding& finding);

class Exchange {
 public:
  Exchange(const Finding& finding, const PacketWords& worst);

  // Keeps what belongs to it. In the order of the capture.
  void take(const PacketWords& words);

  // Lines of at most `width` columns, at least 60, all printable ASCII.
  std::vector<std::string> draw(std::size_t width) const;

 private:
  // More than that tell nothing more, wherever the middle is left out.
  static constexpr std::size_t most_kept = 20'000;
  static constexpr std::size_t most_of_many = 12;

  bool belongs(const PacketWords& words) const;
  bool is_copy(const PacketWords& words) const;
  void make_room();
  bool is_between(const Endpoint& a, const Endpoint& b) const;

  PacketWords worst_;
  Endpoint client_;  // DNS: whose question it is. Else one end, the other being server_
  Endpoint server_;
  std::set<PacketRef> frames_;  // that the finding rests on
  std::vector<PacketWords> rungs_;
  std::vector<PacketWords> proof_;  // the first of frames_, whatever exchange they belong to
  std::uint64_t more_proof_ = 0;    // not kept
  bool has_worst_ = false;
  std::uint64_t left_out_ = 0;  // behind the first few: belong to it and are not kept
  std::uint64_t given_up_ = 0;  // behind the last
  Timestamp last_{};            // of all packets
};

}  // namespace wirefault
