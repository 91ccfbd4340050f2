#include "tests/bench/tcp_segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>

namespace wirefault::bench {

namespace {

constexpr std::size_t noise_size = std::size_t{1} << 20;
constexpr std::size_t checksum_offset = 16;

std::size_t index(End end) {
  return static_cast<std::size_t>(end);
}

End other(End end) {
  return end == End::client ? End::server : End::client;
}

void write_timestamps(ByteWriter& out, std::uint32_t now_ms, std::uint32_t echo) {
  for (const std::uint32_t byte : {1u, 1u, 8u, 10u}) out.u8(byte);
  out.u32(now_ms);
  out.u32(echo);
}

void write_syn_options(ByteWriter& out, const Connection& connection, std::uint32_t now_ms) {
  out.u16(0x0204);  // maximum segment size
  out.u16(connection.segment_size);
  out.u16(0x0402);                                                 // SACK permitted
  for (const std::uint32_t byte : {1u, 3u, 3u, 7u}) out.u8(byte);  // window scale
  if (connection.has_timestamps) write_timestamps(out, now_ms, 0);
  out.u16(0);  // end of options
}

// What an HTTP peer would begin `segment` with; empty for data in the middle of a message.
std::string http_start(const Connection& connection, const Segment& segment) {
  if (segment.from == End::server) {
    if (segment.sequence != 1) return {};
    return "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
           "Connection: close\r\n\r\n";
  }
  if (segment.length == connection.segment_size) {
    return fmt::format(
        "POST /item/{} HTTP/1.1\r\nHost: h{}.example\r\nContent-Length: 1000000\r\n\r\n",
        connection.client_port, connection.server.number);
  }
  return "GET /item HTTP/1.1\r\nHost: h.example\r\nX-Padding: ";
}

}  // namespace

SegmentWriter::SegmentWriter(std::uint64_t seed, FrameBuilder& frames, CaptureFile& capture,
                             Truth& truth)
    : frames_(frames), capture_(capture), truth_(truth), noise_(noise_size) {
  Random random{seed};
  for (std::uint8_t& byte : noise_) byte = static_cast<std::uint8_t>(random.below(256));
}

void SegmentWriter::write(Nanoseconds time, const Connection& connection, const Segment& segment) {
  segment_.clear();
  write_header(time, connection, segment);
  if (segment.length > 0) write_data(connection, segment);
  const bool from_client = segment.from == End::client;
  capture_.write(time, frames_.frame(from_client ? connection.client : connection.server,
                                     from_client ? connection.server : connection.client,
                                     tcp_protocol, segment_, checksum_offset));
  count(segment);
}

void SegmentWriter::write_header(Nanoseconds time, const Connection& connection,
                                 const Segment& segment) {
  const bool from_client = segment.from == End::client;
  const auto& initial = connection.initial_sequence;
  const auto now_ms = static_cast<std::uint32_t>(time / millisecond);

  segment_.u16(from_client ? connection.client_port : connection.server_port);
  segment_.u16(from_client ? connection.server_port : connection.client_port);
  segment_.u32(initial[index(segment.from)] + segment.sequence);
  segment_.u32((segment.flags & ack) != 0
                   ? initial[index(other(segment.from))] + segment.acknowledgment
                   : 0);
  segment_.u8(0);
  segment_.u8(segment.flags);
  segment_.u16(segment.window);
  segment_.u32(0);  // checksum and urgent pointer
  if ((segment.flags & syn) != 0) {
    write_syn_options(segment_, connection, now_ms);
  } else if (connection.has_timestamps) {
    write_timestamps(segment_, now_ms, now_ms - 3);
  }
  const auto words = static_cast<std::uint32_t>(segment_.size() / 4);
  segment_.set16(12, words << 12 | segment.flags);
}

void SegmentWriter::write_data(const Connection& connection, const Segment& segment) {
  const std::size_t end = segment_.size() + segment.length;
  if (connection.server_port == 443 && segment.length > 5) {  // a TLS record of application data
    for (const std::uint32_t byte : {23u, 3u, 3u}) segment_.u8(byte);
    segment_.u16(segment.length - 5u);
  }
  const bool is_http = connection.server_port == 80;
  const bool is_request = is_http && segment.from == End::client;
  if (is_http) {
    const std::string start = http_start(connection, segment);
    segment_.text(std::string_view{start}.substr(0, segment.length));
  }
  if (is_request) {
    while (segment_.size() < end) segment_.u8('x');
    if (segment.length < connection.segment_size && segment.length > 60) {
      segment_.set16(end - 4, 0x0d0a);
      segment_.set16(end - 2, 0x0d0a);
    }
    return;
  }
  // The same bytes whenever the same sequence numbers are sent again, as TCP demands.
  const std::uint32_t sequence =
      connection.initial_sequence[index(segment.from)] + segment.sequence;
  const std::size_t start = sequence % (noise_size - 2048);
  segment_.bytes(std::span{noise_}.subspan(start, end - segment_.size()));
}

void SegmentWriter::count(const Segment& segment) {
  ++truth_.tcp_packets;
  if ((segment.flags & syn) != 0) {
    ++((segment.flags & ack) != 0 ? truth_.tcp_syn_ack : truth_.tcp_syn);
  }
  if ((segment.flags & fin) != 0) ++truth_.tcp_fin;
  if ((segment.flags & rst) != 0) ++truth_.tcp_rst;
  switch (segment.purpose) {
    case Purpose::ordinary:
      break;
    case Purpose::syn_retransmission:
      ++truth_.tcp_syn_retransmissions;
      break;
    case Purpose::fast_retransmission:
      ++truth_.tcp_fast_retransmissions;
      break;
    case Purpose::rto_retransmission:
      ++truth_.tcp_rto_retransmissions;
      break;
    case Purpose::gap_fill:
      ++truth_.tcp_gaps_filled;
      break;
    case Purpose::duplicate_ack:
      ++truth_.tcp_duplicate_acks;
      break;
    case Purpose::zero_window:
      ++truth_.tcp_zero_windows;
      break;
    case Purpose::keep_alive:
      ++truth_.tcp_keep_alives;
      break;
  }
}

}  // namespace wirefault::bench
