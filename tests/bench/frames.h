#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tests/bench/byte_writer.h"

namespace wirefault::bench {

constexpr std::uint8_t icmp_protocol = 1;
constexpr std::uint8_t tcp_protocol = 6;
constexpr std::uint8_t udp_protocol = 17;

// One machine, by number. Servers live in 198.18.0.0/16, clients in 198.19.0.0/16 (RFC 2544) and,
// past the 65,536th, in 240.0.0.0/4, which belongs to nobody either and is large enough for a
// flood's invented sources. In IPv6 both are under 2001:db8::/32 (RFC 3849).
struct Host {
  bool is_ipv6 = false;
  bool is_server = false;
  std::uint32_t number = 0;
};

std::uint32_t ipv4_address(const Host& host);
void write_ipv6_address(ByteWriter& out, const Host& host);

struct Fragment {
  std::uint16_t identification;
  std::uint16_t offset;  // bytes
  bool more;
};

// Builds Ethernet frames around one IP payload each.
class FrameBuilder {
 public:
  // `checksum_at` is where in `payload` the TCP, UDP or ICMP checksum belongs; it is filled in.
  // None: the payload stays as it is. The frame is valid until the next call.
  std::span<const std::uint8_t> frame(const Host& from, const Host& to, std::uint8_t protocol,
                                      ByteWriter& payload, std::optional<std::size_t> checksum_at);

  // An IPv4 fragment.
  std::span<const std::uint8_t> fragment(const Host& from, const Host& to, std::uint8_t protocol,
                                         std::span<const std::uint8_t> payload,
                                         const Fragment& fragment);

 private:
  void ethernet(const Host& from, std::uint16_t ethertype);
  void ipv4(const Host& from, const Host& to, std::uint8_t protocol, std::size_t payload_size,
            std::uint16_t identification, std::uint16_t flags_and_offset);
  void ipv6(const Host& from, const Host& to, std::uint8_t protocol, std::size_t payload_size);
  std::span<const std::uint8_t> finish(std::span<const std::uint8_t> payload);

  ByteWriter frame_;
  std::uint16_t next_identification_ = 1;
};

}  // namespace wirefault::bench
