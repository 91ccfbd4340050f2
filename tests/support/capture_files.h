// Builds capture files byte by byte, right ones and wrong ones, and reads them from memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "capture/byte_stream.h"
#include "capture/source.h"

namespace wirefault::tests {

// Bytes in the byte order of the file under construction.
class FileWriter {
 public:
  explicit FileWriter(bool is_big_endian = false) : is_big_endian_{is_big_endian} {}

  FileWriter& u8(unsigned value) { return number(value, 1); }
  FileWriter& u16(unsigned value) { return number(value, 2); }
  FileWriter& u32(std::uint64_t value) { return number(value, 4); }
  FileWriter& u64(std::uint64_t value) { return number(value, 8); }
  FileWriter& raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  FileWriter& pad() {
    bytes_.resize((bytes_.size() + 3) / 4 * 4);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }
  bool is_big_endian() const { return is_big_endian_; }

 private:
  FileWriter& number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int place = is_big_endian_ ? size - 1 - i : i;
      bytes_ += static_cast<char>((value >> (8 * place)) & 0xff);
    }
    return *this;
  }

  bool is_big_endian_;
  std::string bytes_;
};

struct PcapOptions {
  bool is_big_endian = false;
  std::uint32_t magic = 0xa1b2c3d4;
  std::uint32_t snap_length = 262144;
  std::uint32_t link_type = 1;  // the whole word, upper bits included
  unsigned major = 2;
  unsigned minor = 4;
};

class PcapFile {
 public:
  explicit PcapFile(const PcapOptions& options = {}) : writer_{options.is_big_endian} {
    writer_.u32(options.magic).u16(options.major).u16(options.minor).u32(0).u32(0);
    writer_.u32(options.snap_length).u32(options.link_type);
    is_kuznetzov_ = options.magic == 0xa1b2cd34;
  }

  // `fraction` in the file's unit.
  PcapFile& packet(std::uint32_t seconds, std::uint32_t fraction, const std::string& bytes) {
    return record(seconds, fraction, bytes.size(), bytes.size(), bytes);
  }
  // Lengths may be lies.
  PcapFile& record(std::uint32_t seconds, std::uint32_t fraction, std::uint64_t captured,
                   std::uint64_t original, const std::string& bytes) {
    writer_.u32(seconds).u32(fraction).u32(captured).u32(original);
    if (is_kuznetzov_) writer_.u32(1).u16(0x0800).u8(0).u8(0);
    writer_.raw(bytes);
    return *this;
  }
  PcapFile& raw(const std::string& bytes) {
    writer_.raw(bytes);
    return *this;
  }
  const std::string& bytes() const { return writer_.bytes(); }

 private:
  FileWriter writer_;
  bool is_kuznetzov_ = false;
};

// Begins without a section: call section() first.
class PcapngFile {
 public:
  // A list of options, to be handed to the blocks below.
  class Options {
   public:
    explicit Options(bool is_big_endian = false) : writer_{is_big_endian} {}
    Options& add(unsigned code, const std::string& value) {
      writer_.u16(code).u16(static_cast<unsigned>(value.size())).raw(value).pad();
      return *this;
    }
    Options& u8(unsigned code, unsigned value) { return add(code, order().u8(value).bytes()); }
    Options& u32(unsigned code, std::uint32_t value) {
      return add(code, order().u32(value).bytes());
    }
    Options& u64(unsigned code, std::uint64_t value) {
      return add(code, order().u64(value).bytes());
    }
    std::string end() const { return FileWriter{writer_}.u32(0).bytes(); }

   private:
    FileWriter order() const { return FileWriter{writer_.is_big_endian()}; }
    FileWriter writer_;
  };

  PcapngFile& section(bool is_big_endian = false, unsigned major = 1) {
    is_big_endian_ = is_big_endian;
    return block(0x0a0d0d0a,
                 body().u32(0x1a2b3c4d).u16(major).u16(0).u64(0xffffffffffffffff).bytes());
  }
  PcapngFile& interface(unsigned link_type = 1, std::uint32_t snap_length = 262144,
                        const std::string& options = {}) {
    return block(1, body().u16(link_type).u16(0).u32(snap_length).raw(options).bytes());
  }
  PcapngFile& packet(std::uint32_t interface, std::uint64_t ticks, const std::string& bytes,
                     const std::string& options = {}) {
    return packet_of_lengths(interface, ticks, bytes.size(), bytes.size(), bytes, options);
  }
  // Lengths may be lies.
  PcapngFile& packet_of_lengths(std::uint32_t interface, std::uint64_t ticks,
                                std::uint64_t captured, std::uint64_t original,
                                const std::string& bytes, const std::string& options = {}) {
    return block(6, body()
                        .u32(interface)
                        .u32(ticks >> 32)
                        .u32(ticks)
                        .u32(captured)
                        .u32(original)
                        .raw(bytes)
                        .pad()
                        .raw(options)
                        .bytes());
  }
  PcapngFile& obsolete_packet(unsigned interface, unsigned drops, std::uint64_t ticks,
                              const std::string& bytes) {
    return block(2, body()
                        .u16(interface)
                        .u16(drops)
                        .u32(ticks >> 32)
                        .u32(ticks)
                        .u32(bytes.size())
                        .u32(bytes.size())
                        .raw(bytes)
                        .bytes());
  }
  PcapngFile& simple_packet(std::uint64_t original, const std::string& bytes) {
    return block(3, body().u32(original).raw(bytes).bytes());
  }
  PcapngFile& statistics(std::uint32_t interface, const std::string& options) {
    return block(5, body().u32(interface).u64(0).raw(options).bytes());
  }
  PcapngFile& block(std::uint32_t type, const std::string& content) {
    FileWriter padded = body();
    padded.raw(content).pad();
    const std::uint64_t length = padded.bytes().size() + 12;
    return raw(body().u32(type).u32(length).raw(padded.bytes()).u32(length).bytes());
  }
  PcapngFile& raw(const std::string& bytes) {
    bytes_ += bytes;
    return *this;
  }
  // An empty piece of file in the byte order of the section.
  FileWriter body() const { return FileWriter{is_big_endian_}; }
  const std::string& bytes() const { return bytes_; }

 private:
  bool is_big_endian_ = false;
  std::string bytes_;
};

// Reads from memory, at most `chunk` bytes at a time, as a slow pipe would give them.
class MemoryStream final : public ByteStream {
 public:
  explicit MemoryStream(std::string bytes, std::size_t chunk = SIZE_MAX)
      : bytes_{std::move(bytes)}, chunk_{chunk} {}

  std::size_t read(std::span<std::uint8_t> into) override {
    const std::size_t count = std::min({into.size(), chunk_, bytes_.size() - position_});
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(position_), count, into.begin());
    position_ += count;
    return count;
  }
  const std::string& damage() const override { return no_damage_; }
  std::uint64_t stored_position() const override { return position_; }
  std::uint64_t stored_size() const override { return bytes_.size(); }

 private:
  std::string bytes_;
  std::size_t chunk_;
  std::size_t position_ = 0;
  std::string no_damage_;
};

// A packet with bytes of its own.
struct KeptPacket {
  Packet packet;
  std::string bytes;
};

struct WholeCapture {
  std::vector<KeptPacket> packets;
  std::vector<SourceInfo> sources;
};

inline WholeCapture read_all(Source& source) {
  WholeCapture capture;
  for (auto packets = source.next(); !packets.empty(); packets = source.next()) {
    for (const Packet& packet : packets) {
      capture.packets.push_back({packet, {packet.bytes.begin(), packet.bytes.end()}});
    }
  }
  capture.sources = source.sources();
  return capture;
}

inline WholeCapture read_all(const std::string& bytes, std::size_t chunk = SIZE_MAX,
                             const FileOptions& options = {}) {
  return read_all(*open_stream(std::make_unique<MemoryStream>(bytes, chunk), "memory", options));
}

}  // namespace wirefault::tests
