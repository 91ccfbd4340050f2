// The addresses of the machine that the capture was taken on, told from packets that it has just
// sent. No router has lowered their hop limit, and either the capture says that they were going
// out, or their TCP or UDP checksum is not computed yet: what the network card is to add up begins
// with the sum over the pseudo-header (RFC 9293, section 3.1), and so much stands in the field.
//
// Blind spots: the machine's own packets have sound checksums where the card computes none, or the
// capture was taken beside it. Machines that share a host or a virtual network may pass on
// checksums that nobody computed; both ends look like the capture's own then.
#pragma once

#include <cstdint>
#include <vector>

#include "capture/packet.h"
#include "dissectors/ip/datagram.h"

namespace wirefault {

// The hop limits that stacks begin with.
constexpr bool is_unrouted(std::uint8_t hop_limit) {
  return hop_limit == 64 || hop_limit == 128 || hop_limit == 255;
}

class OwnAddresses {
 public:
  // Of every datagram outside of tunnels.
  void see(const ip::Datagram& datagram, Direction direction) {
    if (--until_look_ == 0) look(datagram, direction);
  }

  // In the order in which they were found.
  std::vector<IpAddress> found() const;

 private:
  // An address of ours sends soon and often. The first packets are looked at one by one, of the
  // later ones few; a prime, so that this keeps no step with what takes turns.
  static constexpr std::uint32_t each_of_the_first = 4096;
  static constexpr std::uint32_t one_in = 61;
  // Of a machine with many containers; one that makes source addresses up fills this, and no more.
  static constexpr std::size_t most = 64;

  struct Sender {
    IpAddress address;
    std::uint64_t outbound = 0;
    std::uint64_t unfinished = 0;  // packets whose checksum was not computed yet
    std::uint64_t finished = 0;    // and the others, from the first unfinished one on
  };

  void look(const ip::Datagram& datagram, Direction direction);

  std::uint32_t until_look_ = 1;
  std::uint32_t looks_ = 0;
  std::vector<Sender> senders_;
};

}  // namespace wirefault
