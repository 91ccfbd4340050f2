#include "tests/bench/frames.h"

namespace wirefault::bench {

namespace {

constexpr std::size_t ethernet_size = 14;
constexpr std::size_t smallest_frame = 60;
constexpr std::uint16_t dont_fragment = 0x4000;
constexpr std::uint16_t more_fragments = 0x2000;

// The one's complement sum of RFC 1071, not yet folded.
std::uint64_t sum(std::uint64_t start, std::span<const std::uint8_t> data) {
  std::size_t i = 0;
  for (; i + 1 < data.size(); i += 2)
    start += static_cast<std::uint64_t>(data[i] << 8 | data[i + 1]);
  if (i < data.size()) start += static_cast<std::uint64_t>(data[i] << 8);
  return start;
}

std::uint16_t checksum(std::uint64_t sum) {
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

std::uint32_t ipv4_address(const Host& host) {
  if (host.is_server) return 0xc6120000 | (host.number & 0xffff);
  if (host.number < 0x10000) return 0xc6130000 | host.number;
  return 0xf0000000 | (host.number & 0x0fffffff);
}

void write_ipv6_address(ByteWriter& out, const Host& host) {
  out.u32(0x20010db8);
  out.u32(host.is_server ? 0x00020000 : 0x00010000);
  out.u32(0x02000000);
  out.u32(host.number);
}

std::span<const std::uint8_t> FrameBuilder::frame(const Host& from, const Host& to,
                                                  std::uint8_t protocol, ByteWriter& payload,
                                                  std::optional<std::size_t> checksum_at) {
  const std::size_t address_size = from.is_ipv6 ? 16 : 4;
  if (from.is_ipv6) {
    ipv6(from, to, protocol, payload.size());
  } else {
    ipv4(from, to, protocol, payload.size(), next_identification_++, dont_fragment);
  }
  if (checksum_at) {
    payload.set16(*checksum_at, 0);
    std::uint64_t total = sum(0, payload.view());
    if (protocol != icmp_protocol) {
      total += protocol + payload.size();
      total = sum(total, frame_.view().last(2 * address_size));
    }
    const std::uint16_t value = checksum(total);
    // RFC 768: a UDP checksum of zero means that there is none.
    payload.set16(*checksum_at, value == 0 && protocol == udp_protocol ? 0xffff : value);
  }
  return finish(payload.view());
}

std::span<const std::uint8_t> FrameBuilder::fragment(const Host& from, const Host& to,
                                                     std::uint8_t protocol,
                                                     std::span<const std::uint8_t> payload,
                                                     const Fragment& fragment) {
  const auto offset = static_cast<std::uint16_t>(fragment.offset / 8);
  ipv4(from, to, protocol, payload.size(), fragment.identification,
       static_cast<std::uint16_t>(offset | (fragment.more ? more_fragments : 0)));
  return finish(payload);
}

void FrameBuilder::ethernet(const Host& from, std::uint16_t ethertype) {
  frame_.clear();
  frame_.u16(0x0200);
  frame_.u32(from.is_server ? 2 : 1);
  frame_.u16(0x0200);
  frame_.u32(from.is_server ? 1 : 2);
  frame_.u16(ethertype);
}

void FrameBuilder::ipv4(const Host& from, const Host& to, std::uint8_t protocol,
                        std::size_t payload_size, std::uint16_t identification,
                        std::uint16_t flags_and_offset) {
  ethernet(from, 0x0800);
  frame_.u16(0x4500);
  frame_.u16(static_cast<std::uint32_t>(20 + payload_size));
  frame_.u16(identification);
  frame_.u16(flags_and_offset);
  frame_.u8(64);
  frame_.u8(protocol);
  frame_.u16(0);
  frame_.u32(ipv4_address(from));
  frame_.u32(ipv4_address(to));
  frame_.set16(ethernet_size + 10, checksum(sum(0, frame_.view().subspan(ethernet_size))));
}

void FrameBuilder::ipv6(const Host& from, const Host& to, std::uint8_t protocol,
                        std::size_t payload_size) {
  ethernet(from, 0x86dd);
  const std::uint32_t flow_label = (from.number * 2654435761u + to.number) & 0xfffff;
  frame_.u32(0x60000000 | flow_label);
  frame_.u16(static_cast<std::uint32_t>(payload_size));
  frame_.u8(protocol);
  frame_.u8(64);
  write_ipv6_address(frame_, from);
  write_ipv6_address(frame_, to);
}

std::span<const std::uint8_t> FrameBuilder::finish(std::span<const std::uint8_t> payload) {
  frame_.bytes(payload);
  frame_.pad_to(smallest_frame);
  return frame_.view();
}

}  // namespace wirefault::bench
