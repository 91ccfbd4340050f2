// Capture filters in the syntax of tcpdump, pcap-filter(7).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "capture/packet.h"

namespace wirefault {

class Filter {
 public:
  // Throws Error, with a caret under the place, for an expression that no link type understands.
  // Names of hosts and networks are refused: to look them up would make traffic of our own.
  explicit Filter(const std::string& expression);
  ~Filter();

  // Moves the packets that match to the front, in order, and returns how many they are. The first
  // packet of a link type compiles the filter for it. Throws Error for a link type that this filter
  // cannot be applied to.
  std::size_t keep_matching(std::span<Packet> packets);

 private:
  class Programs;
  std::unique_ptr<Programs> programs_;
};

}  // namespace wirefault
