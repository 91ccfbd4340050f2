// Sequence numbers go round a circle of 2^32 (RFC 9293, section 3.4). A Position is one unrolled to
// 64 bits, so that ranges compare and subtract like any numbers; its low half is the sequence
// number itself.
#pragma once

#include <cstdint>

namespace wirefault::tcp {

using Position = std::uint64_t;

// Where `sequence` lies within half a turn of `near`.
inline Position unroll(Position near, std::uint32_t sequence) {
  std::uint32_t ahead = 0;
  (void)__builtin_sub_overflow(sequence, static_cast<std::uint32_t>(near), &ahead);
  return static_cast<Position>(static_cast<std::int64_t>(near) + static_cast<std::int32_t>(ahead));
}

// The position of the first sequence number seen. One turn up, so that positions before it exist.
inline Position first_position(std::uint32_t sequence) {
  return (Position{1} << 32) + sequence;
}

// Modulo 2^32 and 2^16: positive when `a` is newer. Timestamps (RFC 7323, section 5.2) and IPv4
// identifications.
inline std::int32_t newer_by(std::uint32_t a, std::uint32_t b) {
  std::uint32_t difference = 0;
  (void)__builtin_sub_overflow(a, b, &difference);
  return static_cast<std::int32_t>(difference);
}
inline std::int16_t newer_by(std::uint16_t a, std::uint16_t b) {
  std::uint16_t difference = 0;
  (void)__builtin_sub_overflow(a, b, &difference);
  return static_cast<std::int16_t>(difference);
}

// Farther than this from everything a side has sent, a number belongs to another connection or to
// nobody: no window reaches so far (RFC 7323, section 2.3).
constexpr Position wild_distance = Position{1} << 30;

// Farther than this in one step, with nothing seen in between, ports in use again are likelier than
// a gap in the capture: the largest windows that systems offer are 6 to 16 MiB (Linux, tcp_rmem).
constexpr Position longest_leap = Position{1} << 24;

inline Position distance(Position a, Position b) {
  return a < b ? b - a : a - b;
}

}  // namespace wirefault::tcp
