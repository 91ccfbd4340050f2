#include "dissectors/own_addresses.h"

#include <algorithm>

namespace wirefault {
namespace {

std::uint32_t add_words(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += be16(&bytes[i]);
  return sum;
}

enum class Checksum : std::uint8_t { none, unfinished, finished };

// RFC 768; RFC 9293, section 3.1; RFC 8200, section 8.1.
Checksum checksum_of(const ip::Datagram& datagram) {
  const bool is_tcp = datagram.protocol == ip::protocol::tcp;
  if (!is_tcp && datagram.protocol != ip::protocol::udp) return Checksum::none;
  const std::size_t offset = is_tcp ? 16 : 6;
  const Bytes bytes = datagram.payload.bytes;
  if (datagram.is_fragment() || bytes.size() < offset + 2) return Checksum::none;
  const std::uint16_t said = be16(&bytes[offset]);
  if (said == 0) return Checksum::none;
  std::uint32_t sum = add_words(datagram.source.bytes()) + add_words(datagram.destination.bytes()) +
                      datagram.protocol + datagram.payload.length;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum == said ? Checksum::unfinished : Checksum::finished;
}

}  // namespace

void OwnAddresses::look(const ip::Datagram& datagram, Direction direction) {
  if (looks_ < each_of_the_first) ++looks_;
  until_look_ = looks_ < each_of_the_first ? 1 : one_in;
  if (!is_unrouted(datagram.hop_limit) || datagram.source.is_loopback()) return;
  const bool outbound = direction == Direction::outbound;
  const Checksum checksum = checksum_of(datagram);
  auto sender = std::find_if(senders_.begin(), senders_.end(),
                             [&](const Sender& each) { return each.address == datagram.source; });
  if (sender == senders_.end()) {
    const bool is_news = outbound || checksum == Checksum::unfinished;
    if (!is_news || senders_.size() == most) return;
    sender = senders_.insert(senders_.end(), Sender{datagram.source});
  }
  if (outbound) ++sender->outbound;
  if (checksum == Checksum::unfinished) ++sender->unfinished;
  if (checksum == Checksum::finished) ++sender->finished;
}

// One sound checksum in 65,536 looks unfinished.
std::vector<IpAddress> OwnAddresses::found() const {
  std::vector<IpAddress> found;
  for (const Sender& sender : senders_) {
    const bool is_unfinished = sender.unfinished >= 2 && sender.unfinished >= sender.finished;
    if (sender.outbound > 0 || is_unfinished) found.push_back(sender.address);
  }
  return found;
}

}  // namespace wirefault
