#include "dissectors/tcp/segment.h"

#include <algorithm>

namespace wirefault::tcp {
namespace {

// https://www.iana.org/assignments/tcp-parameters
enum Kind : std::uint8_t {
  end_of_list = 0,
  no_operation = 1,
  maximum_segment_size = 2,
  window_scale = 3,
  sack_permitted = 4,
  sack = 5,
  timestamps = 8,
  md5_signature = 19,
  authentication = 29,
  multipath = 30,
  fast_open = 34,
  experiment = 254,
};

constexpr std::uint16_t fast_open_experiment = 0xf989;  // RFC 7413, section 4.1.1

// False when the length is impossible for the kind.
bool read_option(std::uint8_t kind, Bytes value, Options& options) {
  switch (kind) {
    case maximum_segment_size:
      if (value.size() != 2) return false;
      options.has_mss = true;
      options.mss = be16(value.data());
      return true;
    case window_scale:
      if (value.size() != 1) return false;
      options.has_window_scale = true;
      options.window_scale = std::min<std::uint8_t>(value[0], 14);
      return true;
    case sack_permitted:
      options.sack_permitted = value.empty();
      return value.empty();
    case sack: {
      if (value.empty() || value.size() % 8 != 0) return false;
      const std::size_t blocks = std::min<std::size_t>(value.size() / 8, options.sack.size());
      for (std::size_t i = 0; i < blocks; ++i)
        options.sack[i] = {be32(&value[8 * i]), be32(&value[8 * i + 4])};
      options.sack_count = static_cast<std::uint8_t>(blocks);
      return true;
    }
    case timestamps:
      if (value.size() != 8) return false;
      options.has_timestamps = true;
      options.timestamp = be32(&value[0]);
      options.timestamp_echo = be32(&value[4]);
      return true;
    case md5_signature:
    case authentication:
      options.has_authentication = true;
      return true;
    case multipath:
      options.has_multipath = true;
      return true;
    case fast_open:
      options.has_fast_open = true;
      return true;
    case experiment:
      if (value.size() >= 2 && be16(value.data()) == fast_open_experiment)
        options.has_fast_open = true;
      return true;
    default:
      return true;
  }
}

void read_options(Bytes bytes, bool is_cut, Options& options) {
  ByteReader reader{bytes};
  while (!reader.at_end()) {
    const std::uint8_t kind = reader.u8();
    if (kind == end_of_list) return;
    if (kind == no_operation) continue;
    const std::uint8_t length = reader.u8();
    const Bytes value = reader.take(length < 2 ? 0 : length - std::size_t{2});
    if (!reader.ok()) {
      (is_cut ? options.is_cut : options.is_malformed) = true;
      return;
    }
    if (length < 2 || !read_option(kind, value, options)) {
      options.is_malformed = true;
      return;
    }
  }
  options.is_cut = is_cut;
}

// Nearly every segment of an established connection: two NOPs and the timestamps (RFC 7323,
// appendix A).
constexpr std::uint32_t timestamps_alone = 0x0101080a;

Flaw fill(Segment& segment, const Payload& carried) {
  if (carried.bytes.size() < Segment::min_header_size)
    return carried.lack(Segment::min_header_size, Flaw::tcp_offset);
  const std::uint8_t* header = carried.bytes.data();
  const std::size_t header_length = std::size_t{header[12]} >> 4 << 2;
  if (header_length < Segment::min_header_size || header_length > carried.length)
    return Flaw::tcp_offset;

  segment.source_port = be16(header);
  segment.destination_port = be16(header + 2);
  segment.sequence = be32(header + 4);
  segment.acknowledgment = be32(header + 8);
  segment.header_length = static_cast<std::uint8_t>(header_length);
  segment.flags = header[13];
  segment.window = be16(header + 14);
  segment.checksum = be16(header + 16);
  segment.payload = carried.after(header_length);

  const std::size_t captured = std::min(header_length, carried.bytes.size());
  if (header_length == 32 && captured == 32 && be32(header + 20) == timestamps_alone) {
    segment.options.has_timestamps = true;
    segment.options.timestamp = be32(header + 24);
    segment.options.timestamp_echo = be32(header + 28);
  } else if (header_length > Segment::min_header_size) {
    read_options(
        carried.bytes.subspan(Segment::min_header_size, captured - Segment::min_header_size),
        captured < header_length, segment.options);
  }
  return Flaw::none;
}

}  // namespace

bool Segment::has_illegal_flags() const {
  if (has(syn) && (flags & (fin | rst)) != 0) return true;
  return (flags & (syn | ack | rst | fin)) == 0;
}

Parsed<Segment> Segment::parse(const Payload& carried) {
  Parsed<Segment> parsed;
  parsed.settle(fill(*parsed, carried));
  return parsed;
}

}  // namespace wirefault::tcp
