// The last packets of a live capture, so that those that prove a finding can still be saved when it
// is made. A ring of bytes of fixed size: the oldest give way.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "capture/packet.h"

namespace wirefault {

class RecentPackets {
 public:
  // In bytes; a packet larger than a quarter of it is not kept.
  explicit RecentPackets(std::size_t size) : bytes_(size) {}

  // Numbers must grow from one packet to the next.
  void add(const Packet& packet);

  // Valid until the next add(); nothing when it has given way, or was never kept.
  std::optional<Packet> find(PacketRef ref) const;

  std::size_t size() const { return kept_.size(); }
  // In the order in which they came.
  template <class Take>
  void for_each(Take take) const {
    for (const Kept& kept : kept_) take(kept.packet);
  }

 private:
  struct Kept {
    Packet packet;          // its bytes are in bytes_
    std::size_t begin = 0;  // where; an empty packet takes one
    std::size_t end = 0;
  };

  void make_room(std::size_t begin, std::size_t end);

  std::vector<std::uint8_t> bytes_;
  std::deque<Kept> kept_;  // by number
  std::size_t next_ = 0;   // where the next one goes
};

}  // namespace wirefault
