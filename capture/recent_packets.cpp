#include "capture/recent_packets.h"

#include <algorithm>

namespace wirefault {

void RecentPackets::add(const Packet& packet) {
  const std::size_t size = std::max<std::size_t>(packet.bytes.size(), 1);
  if (size > bytes_.size() / 4) return;
  if (next_ + size > bytes_.size()) {
    make_room(next_, bytes_.size());
    next_ = 0;
  }
  make_room(next_, next_ + size);
  Kept kept{packet, next_, next_ + size};
  std::copy(packet.bytes.begin(), packet.bytes.end(),
            bytes_.begin() + static_cast<std::ptrdiff_t>(next_));
  kept.packet.bytes = Bytes{bytes_.data() + next_, packet.bytes.size()};
  kept_.push_back(kept);
  next_ += size;
}

// The oldest lie next behind the youngest, in the order in which they came.
void RecentPackets::make_room(std::size_t begin, std::size_t end) {
  while (!kept_.empty() && kept_.front().begin < end && kept_.front().end > begin) {
    kept_.pop_front();
  }
}

std::optional<Packet> RecentPackets::find(PacketRef ref) const {
  const auto found =
      std::lower_bound(kept_.begin(), kept_.end(), ref,
                       [](const Kept& kept, PacketRef wanted) { return kept.packet.ref < wanted; });
  if (found == kept_.end() || found->packet.ref != ref) return std::nullopt;
  return found->packet;
}

}  // namespace wirefault
