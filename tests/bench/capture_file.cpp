#include "tests/bench/capture_file.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

namespace wirefault::bench {

static_assert(std::endian::native == std::endian::little, "records are written as they lie here");

namespace {
constexpr std::uint32_t ethernet = 1;
constexpr std::size_t flush_size = std::size_t{1} << 20;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}
}  // namespace

CaptureFile::CaptureFile(const std::string& path, CaptureFormat format, std::uint32_t snap_length,
                         Truth& truth)
    : file_(path == "-" ? stdout : std::fopen(path.c_str(), "wb")),
      format_(format),
      snap_length_(snap_length),
      truth_(truth) {
  if (file_ == nullptr) fail(path.c_str());
  buffer_.reserve(flush_size + 4096);
  if (format_ == CaptureFormat::pcap) {
    u32(0xa1b2c3d4);
    u16(2);
    u16(4);
    u32(0);
    u32(0);
    u32(snap_length_);
    u32(ethernet);
    return;
  }
  // Section Header Block of unknown length, then one Interface Description Block without options.
  for (const std::uint32_t word : {0x0a0d0d0au, 28u, 0x1a2b3c4du}) u32(word);
  u16(1);
  u16(0);
  for (const std::uint32_t word : {0xffffffffu, 0xffffffffu, 28u}) u32(word);
  for (const std::uint32_t word : {1u, 20u, ethernet, snap_length_, 20u}) u32(word);
}

void CaptureFile::write(Nanoseconds time, std::span<const std::uint8_t> frame) {
  const auto length = static_cast<std::uint32_t>(frame.size());
  const std::uint32_t captured = std::min(length, snap_length_);
  const std::uint64_t micros = time / microsecond;
  if (format_ == CaptureFormat::pcap) {
    u32(static_cast<std::uint32_t>(micros / 1'000'000));
    u32(static_cast<std::uint32_t>(micros % 1'000'000));
    u32(captured);
    u32(length);
    raw(frame.data(), captured);
  } else {
    const std::uint32_t padding = (4 - captured % 4) % 4;
    const std::uint32_t block_length = 32 + captured + padding;
    u32(6);
    u32(block_length);
    u32(0);
    u32(static_cast<std::uint32_t>(micros >> 32));
    u32(static_cast<std::uint32_t>(micros));
    u32(captured);
    u32(length);
    raw(frame.data(), captured);
    buffer_.resize(buffer_.size() + padding, 0);
    u32(block_length);
  }
  if (buffer_.size() >= flush_size) flush();

  if (truth_.packets == 0) first_ = time;
  ++truth_.packets;
  truth_.bytes += length;
  truth_.captured_bytes += captured;
  truth_.duration_ms = (time - first_) / millisecond;
}

void CaptureFile::close() {
  flush();
  if (std::fclose(file_) != 0) fail("close");
}

void CaptureFile::raw(const void* data, std::size_t size) {
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  buffer_.insert(buffer_.end(), bytes, bytes + size);
}

void CaptureFile::flush() {
  if (std::fwrite(buffer_.data(), 1, buffer_.size(), file_) != buffer_.size()) fail("write");
  buffer_.clear();
}

}  // namespace wirefault::bench
