// Classic capture files: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html. A file
// header, then records of a 16-byte header and the captured bytes. No record can be found without
// the one before it, so the first impossible length ends the file: what follows would be a guess.
#include <fmt/format.h>

#include <algorithm>

#include "capture/error.h"
#include "capture/records.h"

namespace wirefault {
namespace {

constexpr std::size_t file_header_size = 24;

struct Magic {
  std::uint32_t value;
  std::uint32_t fractions_per_second;
  std::size_t record_header_size;
};
constexpr Magic known_magics[] = {
    {0xa1b2c3d4, 1'000'000, 16},
    {0xa1b23c4d, 1'000'000'000, 16},
    // Alexey Kuznetzov's patched libpcap of Linux 2.0 times: eight more bytes per record.
    {0xa1b2cd34, 1'000'000, 24},
};

// Version 2.3 put the captured length before the original one, as it is since; some wrote 2.3 and
// kept the old order (libpcap, sf-pcap.c).
enum class LengthOrder : std::uint8_t { captured_first, original_first, smaller_is_captured };

class PcapRecords final : public RecordReader {
 public:
  PcapRecords(ByteOrder order, const Magic& magic, LengthOrder lengths, LinkType link_type,
              std::uint16_t source, SourceInfo& info)
      : order_{order},
        lengths_{lengths},
        fractions_per_second_{magic.fractions_per_second},
        nanoseconds_per_fraction_{1'000'000'000 / magic.fractions_per_second},
        header_size_{magic.record_header_size},
        info_{info} {
    packet_.link_type = link_type;
    source_ = source;
  }

  std::size_t read(Window& window, Batch& batch) override {
    while (!batch.is_full()) {
      const Bytes ahead = window.available();
      if (ahead.size() < header_size_) return header_size_;
      const std::uint8_t* header = ahead.data();
      const auto [captured, original] = lengths(header);
      if (captured > longest_packet) {
        info_.cut_short = {window.offset(),
                           fmt::format("captured length {} is impossible", captured)};
        return 0;
      }
      const std::size_t record_size = header_size_ + captured;
      if (ahead.size() < record_size) return record_size;
      batch.add(packet(header, original, ahead.subspan(header_size_, captured)));
      window.consume(record_size);
    }
    return 0;
  }

 private:
  // Captured and original.
  std::pair<std::uint32_t, std::uint32_t> lengths(const std::uint8_t* header) const {
    const std::uint32_t first = order_.u32(header + 8);
    const std::uint32_t second = order_.u32(header + 12);
    if (lengths_ == LengthOrder::captured_first) return {first, second};
    return lengths_ == LengthOrder::original_first ? std::pair{second, first}
                                                   : std::minmax({first, second});
  }

  const Packet& packet(const std::uint8_t* header, std::uint32_t original, Bytes bytes) {
    packet_.ref = PacketRef{source_, ++info_.packets};
    packet_.time = time(order_.u32(header), order_.u32(header + 4));
    packet_.bytes = bytes;
    packet_.original_length = original;
    if (packet_.original_length < bytes.size()) {
      packet_.original_length = static_cast<std::uint32_t>(bytes.size());
      ++info_.corrected_lengths;
    }
    return packet_;
  }

  // A fraction of a second or more is garbage. Kept within its second it cannot push the packet
  // clock ahead, as carrying it over would.
  Timestamp time(std::uint32_t seconds, std::uint32_t fraction) {
    if (fraction >= fractions_per_second_) {
      fraction = fractions_per_second_ - 1;
      ++info_.corrected_times;
    }
    return Timestamp{Duration{std::int64_t{seconds} * 1'000'000'000 +
                              std::int64_t{fraction} * nanoseconds_per_fraction_}};
  }

  ByteOrder order_;
  LengthOrder lengths_;
  std::uint32_t fractions_per_second_;
  std::uint32_t nanoseconds_per_fraction_;
  std::size_t header_size_;
  std::uint16_t source_;
  Packet packet_;  // what all packets of the file share is set once
  SourceInfo& info_;
};

const Magic* find_magic(std::uint32_t value) {
  const auto* found = std::ranges::find(known_magics, value, &Magic::value);
  return found == std::end(known_magics) ? nullptr : found;
}

}  // namespace

std::unique_ptr<RecordReader> open_pcap_records(Window& window, const std::string& name,
                                                std::uint16_t source, SourceInfo& info) {
  if (!window.ensure(4)) return nullptr;
  const std::uint32_t first_word = be32(window.available().data());
  const bool is_big_endian = find_magic(first_word) != nullptr;
  const Magic* magic = find_magic(is_big_endian ? first_word : __builtin_bswap32(first_word));
  if (magic == nullptr) return nullptr;

  if (!window.ensure(file_header_size)) {
    throw Error{fmt::format("{} is cut inside its file header", name)};
  }
  const ByteOrder order{is_big_endian};
  const std::uint8_t* header = window.available().data();
  const std::uint16_t major = order.u16(header + 4);
  const std::uint16_t minor = order.u16(header + 6);
  if (major != 2) {
    throw Error{fmt::format("{} is a pcap file of version {}.{}; only version 2 is known", name,
                            major, minor)};
  }
  const LengthOrder lengths = minor < 3    ? LengthOrder::original_first
                              : minor == 3 ? LengthOrder::smaller_is_captured
                                           : LengthOrder::captured_first;
  // The upper bits of the link type say whether frames end in a check sequence, and how long it is;
  // dissectors find the end of a packet in its own headers. The bits between are reserved.
  const std::uint32_t link_type = order.u32(header + 20);
  constexpr std::uint32_t reserved_bits = 0x03ff0000;
  if ((link_type & reserved_bits) != 0) {
    throw Error{fmt::format("{} has a damaged file header: link type 0x{:08x}", name, link_type)};
  }
  window.consume(file_header_size);

  info.format = "pcap";
  info.interfaces.emplace_back();
  info.interfaces.back().link_type = static_cast<LinkType>(link_type & 0xffff);
  info.interfaces.back().snap_length = order.u32(header + 16);
  return std::make_unique<PcapRecords>(order, *magic, lengths, info.interfaces.back().link_type,
                                       source, info);
}

}  // namespace wirefault
