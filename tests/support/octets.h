// Bytes for tests, written as hexadecimal.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "capture/bytes.h"
#include "capture/packet.h"
#include "dissectors/parsed.h"

namespace wirefault::test {

// A type of our own, so that + is found.
struct Octets : std::vector<std::uint8_t> {
  using vector::vector;
};

// "45 00 0054": spaces are for the reader.
inline Octets hex(std::string_view text) {
  Octets octets;
  int high = -1;
  for (const char c : text) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      octets.push_back(static_cast<std::uint8_t>(high * 16 + digit));
      high = -1;
    }
  }
  return octets;
}

inline Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inline Octets zeros(std::size_t count) {
  return Octets(count, 0);
}

// Wholly captured, and nothing before or behind it that a parser might run into unseen.
class Exact {
 public:
  explicit Exact(Bytes bytes) : size_{bytes.size()}, copy_{new std::uint8_t[bytes.size()]} {
    std::copy(bytes.begin(), bytes.end(), copy_.get());
  }
  operator Bytes() const { return {copy_.get(), size_}; }

 private:
  std::size_t size_;
  std::unique_ptr<std::uint8_t[]> copy_;
};

inline Payload whole(Bytes bytes) {
  return {bytes, static_cast<std::uint32_t>(bytes.size())};
}

inline Packet packet(Bytes bytes, LinkType link_type = LinkType::ethernet,
                     std::uint32_t original_length = 0) {
  Packet packet;
  packet.bytes = bytes;
  packet.original_length =
      original_length != 0 ? original_length : static_cast<std::uint32_t>(bytes.size());
  packet.link_type = link_type;
  return packet;
}

}  // namespace wirefault::test
