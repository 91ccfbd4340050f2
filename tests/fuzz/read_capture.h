// Reads a capture from memory as every fuzz target of a file format does.
#pragma once

#include <cstdlib>
#include <string>

#include "capture/error.h"
#include "tests/support/capture_files.h"

namespace wirefault::tests {

// Everything that must hold for any bytes at all.
inline void require(bool holds) {
  if (!holds) std::abort();
}

struct Digest {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t last_frame = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

inline Digest digest_of(const std::string& file, std::size_t chunk) {
  Digest digest;
  const auto source = open_stream(std::make_unique<MemoryStream>(file, chunk), "memory");
  for (auto packets = source->next(); !packets.empty(); packets = source->next()) {
    const SourceInfo& info = source->sources()[0];
    for (const Packet& packet : packets) {
      require(packet.bytes.size() <= packet.original_length);
      require(packet.interface < info.interfaces.size());
      require(packet.ref.number() > digest.last_frame);
      digest.last_frame = packet.ref.number();
      ++digest.packets;
      for (const std::uint8_t byte : packet.bytes) digest.bytes += byte;
    }
  }
  const SourceInfo& info = source->sources()[0];
  require(info.packets == digest.packets);
  require(info.bytes <= file.size());
  require(info.bytes == file.size() || info.cut_short.has_value());
  return digest;
}

// However the bytes arrive, the packets are the same.
inline void read_capture(const std::string& file) {
  try {
    require(digest_of(file, SIZE_MAX) == digest_of(file, 7));
  } catch (const Error&) {
    // Not a capture, and said so.
  }
}

}  // namespace wirefault::tests
