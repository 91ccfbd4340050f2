// The one door for bytes from the wire or from a file. A reader never runs off the end: reading
// past it yields zeros and poisons the reader, so a header needs one check of ok() after its last
// field.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace wirefault {

using Bytes = std::span<const std::uint8_t>;

// Big-endian loads. The caller has checked that the bytes are there.
inline std::uint16_t be16(const std::uint8_t* p) {
  std::uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return __builtin_bswap16(value);
}
inline std::uint32_t be32(const std::uint8_t* p) {
  std::uint32_t value;
  std::memcpy(&value, p, sizeof value);
  return __builtin_bswap32(value);
}
inline std::uint64_t be64(const std::uint8_t* p) {
  std::uint64_t value;
  std::memcpy(&value, p, sizeof value);
  return __builtin_bswap64(value);
}

// The byte order of a capture file: its own writer's, which may not be ours. The caller has checked
// that the bytes are there.
class ByteOrder {
 public:
  explicit ByteOrder(bool is_big_endian = false) : is_big_endian_{is_big_endian} {}

  std::uint16_t u16(const std::uint8_t* p) const {
    const std::uint16_t value = be16(p);
    return is_big_endian_ ? value : __builtin_bswap16(value);
  }
  std::uint32_t u32(const std::uint8_t* p) const {
    const std::uint32_t value = be32(p);
    return is_big_endian_ ? value : __builtin_bswap32(value);
  }
  std::uint64_t u64(const std::uint8_t* p) const {
    const std::uint64_t value = be64(p);
    return is_big_endian_ ? value : __builtin_bswap64(value);
  }

 private:
  bool is_big_endian_;
};

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_{bytes} {}

  bool ok() const { return ok_; }
  bool at_end() const { return position_ == bytes_.size(); }
  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

  std::uint8_t u8() { return has(1) ? bytes_[position_++] : std::uint8_t{0}; }
  std::uint16_t u16() {
    if (!has(2)) return 0;
    position_ += 2;
    return be16(&bytes_[position_ - 2]);
  }
  std::uint32_t u32() {
    if (!has(4)) return 0;
    position_ += 4;
    return be32(&bytes_[position_ - 4]);
  }

  // The next `count` bytes; empty, and the reader poisoned, when there are fewer.
  Bytes take(std::size_t count) {
    if (!has(count)) return {};
    position_ += count;
    return bytes_.subspan(position_ - count, count);
  }
  void skip(std::size_t count) {
    if (has(count)) position_ += count;
  }
  Bytes rest() { return take(left()); }

  // To an absolute position, which may lie before the current one.
  void seek(std::size_t position) {
    if (position > bytes_.size()) {
      fail();
    } else {
      position_ = position;
    }
  }

 private:
  bool has(std::size_t count) {
    if (ok_ && count <= left()) return true;
    fail();
    return false;
  }
  void fail() {
    ok_ = false;
    position_ = bytes_.size();
  }

  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace wirefault
