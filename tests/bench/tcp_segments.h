#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "tests/bench/byte_writer.h"
#include "tests/bench/capture_file.h"
#include "tests/bench/frames.h"
#include "tests/bench/random.h"
#include "tests/bench/truth.h"

namespace wirefault::bench {

constexpr std::uint8_t fin = 1;
constexpr std::uint8_t syn = 2;
constexpr std::uint8_t rst = 4;
constexpr std::uint8_t psh = 8;
constexpr std::uint8_t ack = 16;

// Which end of a connection sends; also the index of what each end has its own of.
enum class End : std::uint8_t { client = 0, server = 1 };

// Why a segment is sent, where its own fields do not say: for the truth counters.
enum class Purpose : std::uint8_t {
  ordinary,
  syn_retransmission,
  fast_retransmission,
  rto_retransmission,
  gap_fill,
  duplicate_ack,
  zero_window,
  keep_alive,
};

struct Connection {
  Host client;
  Host server;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;
  std::array<std::uint32_t, 2> initial_sequence{};
  std::uint16_t segment_size = 1460;
  bool has_timestamps = false;
};

// Sequence and acknowledgment numbers count from the initial ones.
struct Segment {
  End from = End::client;
  std::uint8_t flags = 0;
  std::uint16_t window = 502;
  std::uint32_t sequence = 0;
  std::uint32_t acknowledgment = 0;
  std::uint16_t length = 0;
  Purpose purpose = Purpose::ordinary;
};

// Puts segments on the wire and counts them.
class SegmentWriter {
 public:
  SegmentWriter(std::uint64_t seed, FrameBuilder& frames, CaptureFile& capture, Truth& truth);

  void write(Nanoseconds time, const Connection& connection, const Segment& segment);

 private:
  void write_header(Nanoseconds time, const Connection& connection, const Segment& segment);
  void write_data(const Connection& connection, const Segment& segment);
  void count(const Segment& segment);

  FrameBuilder& frames_;
  CaptureFile& capture_;
  Truth& truth_;
  ByteWriter segment_;
  std::vector<std::uint8_t> noise_;  // what application data is cut from
};

}  // namespace wirefault::bench
