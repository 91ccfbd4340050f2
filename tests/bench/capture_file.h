#pragma once

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/truth.h"

namespace wirefault::bench {

using Nanoseconds = std::uint64_t;
constexpr Nanoseconds microsecond = 1'000;
constexpr Nanoseconds millisecond = 1'000 * microsecond;
constexpr Nanoseconds second = 1'000 * millisecond;

enum class CaptureFormat { pcap, pcapng };

// Writes Ethernet frames with microsecond times, little-endian, to a file or, for "-", to standard
// output, and counts them. The program's own writer is not used: the input of a comparison should
// not come from what is compared. A failed write ends the process.
class CaptureFile {
 public:
  CaptureFile(const std::string& path, CaptureFormat format, std::uint32_t snap_length,
              Truth& truth);
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;

  void write(Nanoseconds time, std::span<const std::uint8_t> frame);
  void close();

 private:
  void u16(std::uint16_t value) { raw(&value, sizeof value); }
  void u32(std::uint32_t value) { raw(&value, sizeof value); }
  void raw(const void* data, std::size_t size);
  void flush();

  std::FILE* file_;
  CaptureFormat format_;
  std::uint32_t snap_length_;
  Truth& truth_;
  Nanoseconds first_ = 0;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace wirefault::bench
