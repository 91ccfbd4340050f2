#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace wirefault::bench {

// Bytes of a message in the making, in network order. Room for one Ethernet frame and then some;
// the generator knows its sizes, so running over is a bug and stops in the array's own check.
class ByteWriter {
 public:
  void u8(std::uint32_t value) { bytes_[size_++] = static_cast<std::uint8_t>(value); }

  void u16(std::uint32_t value) {
    u8(value >> 8);
    u8(value);
  }

  void u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value);
  }

  void bytes(std::span<const std::uint8_t> source) {
    const auto target = std::span{bytes_}.subspan(size_, source.size());
    if (!source.empty()) std::memcpy(target.data(), source.data(), source.size());
    size_ += source.size();
  }

  void text(std::string_view source) {
    bytes({reinterpret_cast<const std::uint8_t*>(source.data()), source.size()});
  }

  // Appends zeros until `size` bytes are there.
  void pad_to(std::size_t size) {
    while (size_ < size) u8(0);
  }

  void set16(std::size_t offset, std::uint32_t value) {
    bytes_[offset] = static_cast<std::uint8_t>(value >> 8);
    bytes_[offset + 1] = static_cast<std::uint8_t>(value);
  }

  void clear() { size_ = 0; }
  std::size_t size() const { return size_; }
  std::span<const std::uint8_t> view() const { return std::span{bytes_}.first(size_); }

 private:
  std::array<std::uint8_t, 2048> bytes_;
  std::size_t size_ = 0;
};

}  // namespace wirefault::bench
