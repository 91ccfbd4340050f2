// pcapng: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html. Blocks, each with its
// length before and after its body. A section header may come at any point and changes the byte
// order and the interfaces; interfaces differ in link type, snap length and clock. The first block
// that cannot be right ends the file: what follows would be a guess.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "capture/error.h"
#include "capture/records.h"

namespace wirefault {
namespace {

enum class BlockType : std::uint32_t {
  interface_description = 1,
  packet = 2,  // obsolete
  simple_packet = 3,
  interface_statistics = 5,
  enhanced_packet = 6,
  journal_export = 9,
  custom = 0x00000bad,
  sysdig_event = 0x00000204,
  sysdig_event_v2 = 0x00000216,
  sysdig_event_v2_large = 0x00000221,
  section_header = 0x0a0d0d0a,
  custom_not_copied = 0x40000bad,
};

constexpr std::size_t block_overhead = 12;  // type, length, and the length again
constexpr std::size_t section_header_smallest = 28;
constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
// As in libpcap and Wireshark.
constexpr std::uint32_t longest_block = std::uint32_t{16} << 20;
// Interfaces of all sections together. Real files have a handful; 8,192 of them with the texts cut
// to these lengths take 9 MiB.
constexpr std::size_t most_interfaces = 8192;
constexpr std::size_t longest_name = 256;
constexpr std::size_t longest_filter = 512;

constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;
constexpr std::int64_t latest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t earliest = std::numeric_limits<std::int64_t>::min();

// No packet was captured before 1970 or will soon be after 2116. Within these, nobody need fear
// that a deadline or a difference of two times does not fit its type.
constexpr Timestamp first_possible{};
constexpr Timestamp last_possible{Duration{std::int64_t{1} << 62}};

// Both in nanoseconds. Saturates: a time far out stays far out, and never turns round.
std::int64_t saturating_add(std::int64_t a, std::int64_t b) {
  std::int64_t sum;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? earliest : latest;
}

// How the ticks of an interface become time (if_tsresol, if_tsoffset).
class TickClock {
 public:
  TickClock() = default;  // microseconds, as the standard has it for interfaces that do not say

  // The highest bit of `resolution` tells a negative power of 2 from one of 10. A second of more
  // than 2^64 ticks is nonsense, and the time then unknown.
  void set_resolution(std::uint8_t resolution) {
    const unsigned exponent = resolution & 0x7fu;
    const bool is_power_of_two = (resolution & 0x80) != 0;
    ticks_per_second_ = 0;
    if (exponent > (is_power_of_two ? 63 : 19)) return;
    ticks_per_second_ = 1;
    for (unsigned i = 0; i < exponent; ++i) ticks_per_second_ *= is_power_of_two ? 2 : 10;
  }
  void set_offset(std::int64_t seconds) {
    if (__builtin_mul_overflow(seconds, nanoseconds_per_second, &offset_)) {
      offset_ = seconds < 0 ? earliest : latest;
    }
  }

  bool is_known() const { return ticks_per_second_ != 0; }

  Timestamp at(std::uint64_t ticks) const {
    return Timestamp{Duration{saturating_add(since_offset(ticks), offset_)}};
  }

 private:
  std::int64_t since_offset(std::uint64_t ticks) const {
    std::int64_t time;
    // Nearly all files: no division by a number the compiler does not know.
    if (ticks_per_second_ == 1'000'000) {
      return __builtin_mul_overflow(ticks, std::uint64_t{1000}, &time) ? latest : time;
    }
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t fraction = static_cast<std::uint64_t>(
        Wide{ticks % ticks_per_second_} * nanoseconds_per_second / ticks_per_second_);
    if (__builtin_mul_overflow(ticks / ticks_per_second_, std::uint64_t{nanoseconds_per_second},
                               &time)) {
      return latest;
    }
    return saturating_add(time, static_cast<std::int64_t>(fraction));
  }

  std::uint64_t ticks_per_second_ = 1'000'000;
  std::int64_t offset_ = 0;
};

struct Option {
  std::uint16_t code;
  Bytes value;
};

// The options at the end of a block. A damaged list ends early: options are not worth a packet.
class Options {
 public:
  Options(ByteOrder order, Bytes bytes) : order_{order}, bytes_{bytes} {}

  std::optional<Option> next() {
    if (bytes_.size() < 4) return std::nullopt;
    const std::uint16_t code = order_.u16(bytes_.data());
    const std::size_t length = order_.u16(bytes_.data() + 2);
    bytes_ = bytes_.subspan(4);
    if (code == 0 || length > bytes_.size()) return std::nullopt;
    const Option option{code, bytes_.first(length)};
    bytes_ = bytes_.subspan(std::min(bytes_.size(), (length + 3) / 4 * 4));
    return option;
  }

 private:
  ByteOrder order_;
  Bytes bytes_;
};

class PcapngRecords final : public RecordReader {
 public:
  PcapngRecords(std::uint16_t source, SourceInfo& info) : source_{source}, info_{info} {}

  std::size_t read(Window& window, Batch& batch) override {
    while (!batch.is_full()) {
      const Bytes ahead = window.available();
      if (ahead.size() < block_overhead) return block_overhead;
      if (is_section_header(ahead) && !take_byte_order(ahead)) {
        return damaged(window, "section header without a byte-order magic");
      }
      const std::uint32_t length = order_.u32(&ahead[4]);
      if (length < block_overhead || length % 4 != 0 || length > longest_block) {
        return damaged(window, fmt::format("block length {} is impossible", length));
      }
      if (ahead.size() < length) return length;
      if (order_.u32(&ahead[length - 4]) != length) {
        return damaged(window, "the two lengths of a block differ");
      }
      const auto type = static_cast<BlockType>(order_.u32(&ahead[0]));
      if (const char* reason = take(type, ahead.subspan(8, length - block_overhead), batch)) {
        return damaged(window, reason);
      }
      window.consume(length);
    }
    return 0;
  }

 private:
  struct Interface {
    LinkType link_type;
    std::uint32_t snap_length;
    TickClock clock;
  };

  // What a packet block of any kind says before its bytes.
  struct PacketHeader {
    std::uint32_t interface;
    std::optional<std::uint64_t> ticks;
    std::uint32_t captured;
    std::uint32_t original;
  };

  static bool is_section_header(Bytes block) {
    return be32(block.data()) == static_cast<std::uint32_t>(BlockType::section_header);
  }

  bool take_byte_order(Bytes block) {
    for (const bool is_big_endian : {false, true}) {
      const ByteOrder order{is_big_endian};
      if (order.u32(&block[8]) == byte_order_magic) {
        order_ = order;
        return true;
      }
    }
    return false;
  }

  std::size_t damaged(const Window& window, std::string reason) {
    info_.cut_short = {window.offset(), std::move(reason)};
    return 0;
  }

  // Each returns why the block cannot be right, or nullptr.
  const char* take(BlockType type, Bytes body, Batch& batch) {
    switch (type) {
      case BlockType::enhanced_packet:
        return take_enhanced_packet(body, batch);
      case BlockType::simple_packet:
        return take_simple_packet(body, batch);
      case BlockType::packet:
        return take_obsolete_packet(body, batch);
      case BlockType::section_header:
        return take_section_header(body);
      case BlockType::interface_description:
        return take_interface(body);
      case BlockType::interface_statistics:
        return take_statistics(body);
      case BlockType::journal_export:
      case BlockType::custom:
      case BlockType::custom_not_copied:
      case BlockType::sysdig_event:
      case BlockType::sysdig_event_v2:
      case BlockType::sysdig_event_v2_large:
        ++frame_number_;  // no packets to us, but Wireshark gives each a frame number
        return nullptr;
    }
    return nullptr;  // name resolution, decryption secrets, blocks of the future
  }

  const char* take_enhanced_packet(Bytes body, Batch& batch) {
    constexpr std::size_t header_size = 20;
    if (body.size() < header_size) return "packet block too short for its header";
    const PacketHeader header{order_.u32(&body[0]),
                              std::uint64_t{order_.u32(&body[4])} << 32 | order_.u32(&body[8]),
                              order_.u32(&body[12]), order_.u32(&body[16])};
    return add_packet(header, body.subspan(header_size), batch);
  }

  const char* take_obsolete_packet(Bytes body, Batch& batch) {
    constexpr std::size_t header_size = 20;
    constexpr std::uint16_t drops_unknown = 0xffff;
    if (body.size() < header_size) return "packet block too short for its header";
    const std::uint16_t drops = order_.u16(&body[2]);
    if (drops != drops_unknown) info_.packets_dropped += drops;
    const PacketHeader header{order_.u16(&body[0]),
                              std::uint64_t{order_.u32(&body[4])} << 32 | order_.u32(&body[8]),
                              order_.u32(&body[12]), order_.u32(&body[16])};
    return add_packet(header, body.subspan(header_size), batch);
  }

  // Belongs to the section's first interface, whose snap length is the only hint at how much of the
  // packet is there.
  const char* take_simple_packet(Bytes body, Batch& batch) {
    if (body.size() < 4) return "packet block too short for its header";
    const std::uint32_t original = order_.u32(&body[0]);
    std::uint32_t captured = original;
    if (!section_.empty() && section_[0].snap_length != 0) {
      captured = std::min(captured, section_[0].snap_length);
    }
    return add_packet({0, std::nullopt, captured, original}, body.subspan(4), batch);
  }

  // `rest`: the packet's bytes, padded to a multiple of four, then options.
  const char* add_packet(const PacketHeader& header, Bytes rest, Batch& batch) {
    if (header.interface >= section_.size())
      return "packet of an interface that was never declared";
    if (header.captured > longest_packet) return "captured length is impossible";
    if (header.captured > rest.size()) return "captured length exceeds the block";
    const Interface& interface = section_[header.interface];

    Packet packet;
    packet.ref = PacketRef{source_, ++frame_number_};
    ++info_.packets;
    packet.bytes = rest.first(header.captured);
    packet.original_length = header.original;
    if (header.original < header.captured) {
      packet.original_length = header.captured;
      ++info_.corrected_lengths;
    }
    packet.interface = static_cast<std::uint16_t>(first_of_section_ + header.interface);
    packet.link_type = interface.link_type;
    packet.has_time = header.ticks.has_value() && interface.clock.is_known();
    if (packet.has_time) {
      const Timestamp told = interface.clock.at(*header.ticks);
      last_time_ = std::clamp(told, first_possible, last_possible);
      if (last_time_ != told) ++info_.corrected_times;
    } else {
      ++info_.without_time;
    }
    packet.time = last_time_;
    const std::size_t padded = (std::size_t{header.captured} + 3) / 4 * 4;
    if (rest.size() > padded) take_packet_options(rest.subspan(padded), packet);
    batch.add(packet);
    return nullptr;
  }

  void take_packet_options(Bytes bytes, Packet& packet) {
    constexpr std::uint16_t epb_flags = 2;
    constexpr std::uint16_t epb_dropcount = 4;
    Options options{order_, bytes};
    while (const auto option = options.next()) {
      if (option->code == epb_flags && option->value.size() == 4) {
        const std::uint32_t direction = order_.u32(option->value.data()) & 3;
        if (direction == 1) packet.direction = Direction::inbound;
        if (direction == 2) packet.direction = Direction::outbound;
      } else if (option->code == epb_dropcount && option->value.size() == 8) {
        count_drops(order_.u64(option->value.data()));
      }
    }
  }

  void count_drops(std::uint64_t drops) {
    if (__builtin_add_overflow(info_.packets_dropped, drops, &info_.packets_dropped)) {
      info_.packets_dropped = std::numeric_limits<std::uint64_t>::max();
    }
  }

  const char* take_section_header(Bytes body) {
    if (body.size() + block_overhead < section_header_smallest) return "section header too short";
    if (order_.u16(&body[4]) != 1) return "section of an unknown version";
    section_.clear();
    first_of_section_ = info_.interfaces.size();
    return nullptr;
  }

  const char* take_interface(Bytes body) {
    if (body.size() < 8) return "interface description too short";
    if (info_.interfaces.size() == most_interfaces) return "more than 8192 interfaces";
    InterfaceInfo& described = info_.interfaces.emplace_back();
    described.link_type = static_cast<LinkType>(order_.u16(&body[0]));
    described.snap_length = order_.u32(&body[4]);
    Interface interface {
      described.link_type, described.snap_length, {}
    };
    take_interface_options(body.subspan(8), described, interface.clock);
    section_.push_back(interface);
    return nullptr;
  }

  void take_interface_options(Bytes bytes, InterfaceInfo& described, TickClock& clock) {
    constexpr std::uint16_t if_name = 2;
    constexpr std::uint16_t if_tsresol = 9;
    constexpr std::uint16_t if_filter = 11;
    constexpr std::uint16_t if_tsoffset = 14;
    Options options{order_, bytes};
    while (const auto option = options.next()) {
      const Bytes value = option->value;
      if (option->code == if_name) {
        described.name = text(value, longest_name);
      } else if (option->code == if_filter && !value.empty() && value[0] == 0) {
        // Its first byte tells a filter in words (0) from byte code.
        described.filter = text(value.subspan(1), longest_filter);
      } else if (option->code == if_tsresol && value.size() == 1) {
        clock.set_resolution(value[0]);
      } else if (option->code == if_tsoffset && value.size() == 8) {
        clock.set_offset(static_cast<std::int64_t>(order_.u64(value.data())));
      }
    }
  }

  // Up to a terminating zero, which the standard does not want but some writers add.
  static std::string text(Bytes bytes, std::size_t longest) {
    const Bytes kept = bytes.first(std::min(bytes.size(), longest));
    return {kept.begin(), std::ranges::find(kept, 0)};
  }

  // The counters of an interface are running totals: the last ones stand.
  const char* take_statistics(Bytes body) {
    if (body.size() < 12) return "interface statistics too short";
    const std::uint32_t interface = order_.u32(&body[0]);
    if (interface >= section_.size()) return "statistics of an interface that was never declared";
    InterfaceInfo& described = info_.interfaces[first_of_section_ + interface];
    constexpr std::uint16_t isb_ifrecv = 4;
    constexpr std::uint16_t isb_ifdrop = 5;
    constexpr std::uint16_t isb_osdrop = 7;
    Options options{order_, body.subspan(12)};
    while (const auto option = options.next()) {
      if (option->value.size() != 8) continue;
      const std::uint64_t count = order_.u64(option->value.data());
      if (option->code == isb_ifrecv) described.received = count;
      if (option->code == isb_ifdrop) described.dropped_by_interface = count;
      if (option->code == isb_osdrop) described.dropped_by_kernel = count;
    }
    return nullptr;
  }

  ByteOrder order_;
  std::uint16_t source_;
  std::uint64_t frame_number_ = 0;
  Timestamp last_time_{};
  std::vector<Interface> section_;    // the interfaces of this section
  std::size_t first_of_section_ = 0;  // where they begin in SourceInfo::interfaces
  SourceInfo& info_;
};

}  // namespace

std::unique_ptr<RecordReader> open_pcapng_records(Window& window, const std::string& name,
                                                  std::uint16_t source, SourceInfo& info) {
  const bool has_magic =
      window.ensure(4) &&
      be32(window.available().data()) == static_cast<std::uint32_t>(BlockType::section_header);
  if (!has_magic) return nullptr;
  if (!window.ensure(section_header_smallest)) {
    throw Error{fmt::format("{} is cut inside its section header", name)};
  }
  const std::uint8_t* header = window.available().data();
  const bool is_big_endian = be32(header + 8) == byte_order_magic;
  if (!is_big_endian && ByteOrder{}.u32(header + 8) != byte_order_magic) {
    throw Error{fmt::format("{} begins like a pcapng file, but has no byte-order magic", name)};
  }
  const std::uint16_t major = ByteOrder{is_big_endian}.u16(header + 12);
  if (major != 1) {
    throw Error{
        fmt::format("{} is a pcapng file of version {}; only version 1 is known", name, major)};
  }
  info.format = "pcapng";
  return std::make_unique<PcapngRecords>(source, info);
}

}  // namespace wirefault
