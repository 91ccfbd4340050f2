// Writes pcapng (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html): one section, in
// this machine's byte order, times in nanoseconds. Every write is checked, and blocks are in the
// file whole or not at all: whatever stops the writing, what is there can be read.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/file_descriptor.h"
#include "capture/packet.h"
#include "capture/source.h"

namespace wirefault {

class PcapngWriter {
 public:
  // `keep_free`: bytes of the file system that must stay free; by default least_free_space().
  // `whole_size`, may be null: is told how much of the file is whole, after each write.
  explicit PcapngWriter(FileDescriptor file, std::optional<std::uint64_t> keep_free = {},
                        std::atomic<std::uint64_t>* whole_size = nullptr);

  // Interfaces are numbered from 0 in the order added, and added before their packets.
  void add_interface(const InterfaceInfo& interface);
  void add(const Packet& packet, std::uint32_t interface, std::string_view comment = {});
  // The counters that `counts` has, up to `time`.
  void add_statistics(std::uint32_t interface, const InterfaceInfo& counts, Timestamp time);

  // Hands what is still in the buffer to the system.
  void flush();
  // The file, flushed; the writer is then done.
  FileDescriptor release();
  int descriptor() const { return file_.get(); }

  // Of the file, with what is still in the buffer.
  std::uint64_t size() const { return size_; }
  // Why no more is written. What came after is lost, what is in the file is whole.
  const std::optional<std::string>& failure() const { return failure_; }
  // Packets in the file; those still in the buffer count, but not those lost by a failure.
  std::uint64_t packets() const { return packets_; }

 private:
  void begin_block(std::uint32_t type);
  void end_block();
  template <typename Number>
  void put(Number value);
  void put_bytes(const void* bytes, std::size_t count);
  void pad();
  void put_option(std::uint16_t code, std::string_view value);
  void fail(std::string reason);
  void keep_whole_blocks(std::size_t written);

  FileDescriptor file_;
  std::uint64_t keep_free_;
  std::atomic<std::uint64_t>* whole_size_;
  std::vector<std::uint8_t> buffer_;  // whole blocks, but while one is being put together
  std::size_t block_ = 0;             // where in the buffer the last one begins
  std::uint64_t size_ = 0;
  std::uint64_t packets_ = 0;
  std::optional<std::string> failure_;
};

// Of the file system that `file` is on: 5 %, at least 256 MiB, but no more than a quarter of it.
std::uint64_t least_free_space(int file);

}  // namespace wirefault
