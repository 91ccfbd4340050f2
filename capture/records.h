// What the two capture-file formats have in common: records, read in batches from a window.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "capture/byte_stream.h"
#include "capture/packet.h"
#include "capture/source.h"

namespace wirefault {

// No sane packet is longer; libpcap and Wireshark draw the same line (MAXIMUM_SNAPLEN). A longer
// one means that we are reading something else than a record.
constexpr std::uint32_t longest_packet = 262144;

// Enough to keep table look-ups of a whole batch in flight, few enough to stay in the first cache.
class Batch {
 public:
  bool is_full() const { return size_ == packets_.size(); }
  bool is_empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  void add(const Packet& packet) { packets_[size_++] = packet; }
  std::span<Packet> packets() { return {packets_.data(), size_}; }

 private:
  std::array<Packet, 64> packets_;
  std::size_t size_ = 0;
};

// Reads the records of one format. Keeps the counters of its SourceInfo, which outlives it.
class RecordReader {
 public:
  virtual ~RecordReader() = default;

  // Takes records from the window until the batch is full or the window holds no further whole
  // record. Returns how many bytes must be available to go on; 0 when the batch is full or when the
  // records ended early, which SourceInfo::cut_short then tells.
  virtual std::size_t read(Window& window, Batch& batch) = 0;
};

// Nullptr when the window does not begin with the format's magic. Throws Error when it does but the
// file header is unusable. `name` is for messages; `source` becomes PacketRef::source().
std::unique_ptr<RecordReader> open_pcap_records(Window& window, const std::string& name,
                                                std::uint16_t source, SourceInfo& info);
std::unique_ptr<RecordReader> open_pcapng_records(Window& window, const std::string& name,
                                                  std::uint16_t source, SourceInfo& info);

}  // namespace wirefault
