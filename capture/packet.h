// One captured frame and where it came from.
#pragma once

#include <compare>
#include <cstdint>

#include "capture/bytes.h"
#include "capture/timestamp.h"

namespace wirefault {

// Names a frame for good: the source it came from and its number there, counted from 1 as Wireshark
// counts them. One word, so that tables can keep many; ordered by source, then number.
class PacketRef {
 public:
  constexpr PacketRef() = default;  // no packet
  constexpr PacketRef(std::uint16_t source, std::uint64_t number)
      : value_{std::uint64_t{source} << number_bits | (number & number_mask)} {}

  constexpr bool exists() const { return (value_ & number_mask) != 0; }
  constexpr std::uint16_t source() const {
    return static_cast<std::uint16_t>(value_ >> number_bits);
  }
  constexpr std::uint64_t number() const { return value_ & number_mask; }

  friend constexpr auto operator<=>(PacketRef, PacketRef) = default;

 private:
  static constexpr int number_bits = 48;
  static constexpr std::uint64_t number_mask = (std::uint64_t{1} << number_bits) - 1;
  std::uint64_t value_ = 0;
};

// LINKTYPE_ values, https://www.tcpdump.org/linktypes.html. Any 16-bit value may occur in a file;
// those named here are the ones we dissect.
enum class LinkType : std::uint16_t {
  null = 0,
  ethernet = 1,
  ppp = 9,
  ppp_hdlc = 50,
  raw_bsd = 12,
  raw_openbsd = 14,
  raw = 101,
  c_hdlc = 104,
  ieee802_11 = 105,
  loop = 108,
  linux_sll = 113,
  ieee802_11_radiotap = 127,
  ppi = 192,
  ppp_with_direction = 204,
  ipv4 = 228,
  ipv6 = 229,
  nflog = 239,
  linux_sll2 = 276,
};

// What the capture says of a frame's direction at its interface (pcapng epb_flags; cooked headers
// carry their own).
enum class Direction : std::uint8_t { unknown, inbound, outbound };

// Three lengths are kept apart: original_length is what was on the wire, bytes.size() what was
// captured, and what headers claim is for the dissectors to say.
struct Packet {
  PacketRef ref;
  Timestamp time{};
  Bytes bytes;                        // valid until the next Source::next()
  std::uint32_t original_length = 0;  // never below bytes.size()
  std::uint16_t interface = 0;        // index into SourceInfo::interfaces
  LinkType link_type = LinkType::ethernet;
  Direction direction = Direction::unknown;
  bool has_time =
      true;  // false in pcapng simple packet blocks; `time` is then that of the frame before
};

}  // namespace wirefault
