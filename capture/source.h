// Where packets come from: capture files now, a live interface later. Everything behind a Source is
// the same for both.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "capture/packet.h"

namespace wirefault {

struct InterfaceInfo {
  std::string name;    // if_name, or empty; bytes from the file, escape before printing
  std::string filter;  // if_filter, or empty; likewise
  LinkType link_type = LinkType::ethernet;
  std::uint32_t snap_length = 0;  // 0: no limit
  // From interface statistics blocks, where present.
  std::optional<std::uint64_t> received;
  std::optional<std::uint64_t> dropped_by_interface;
  std::optional<std::uint64_t> dropped_by_kernel;
};

// Where reading had to stop before the end of the file. All packets before it are kept.
struct CutShort {
  std::uint64_t offset = 0;  // the byte, of the uncompressed stream, at which the bad record starts
  std::string reason;        // "the last record is incomplete", "block length 13 is impossible"
};

struct SourceInfo {
  std::string name;         // as the user gave it; "-" for standard input
  std::string format;       // "pcap", "pcapng"
  std::string compression;  // "gzip", "zstd", "lz4", or empty
  std::vector<InterfaceInfo> interfaces;
  std::uint64_t packets = 0;          // read so far, before any filter
  std::uint64_t bytes = 0;            // of the uncompressed stream, read so far
  std::uint64_t file_size = 0;        // 0 when it cannot be known (pipes)
  std::uint64_t file_position = 0;    // of the file as stored; for progress
  std::uint64_t packets_dropped = 0;  // sum of epb_dropcount
  std::uint64_t corrected_lengths =
      0;  // records whose captured length exceeded the original length
  // Records with an impossible fraction of a second, or from before 1970 or after 2116.
  std::uint64_t corrected_times = 0;
  std::uint64_t without_time = 0;  // simple packet blocks, unknown resolutions
  std::optional<CutShort> cut_short;

  // Packets that the capture says it lost. Blocks and statistics tell the same ones: the larger
  // counts. Counters from files may be anything.
  std::uint64_t drops() const {
    std::uint64_t told = 0;
    for (const InterfaceInfo& interface : interfaces) {
      told += std::min(interface.dropped_by_interface.value_or(0), most_drops) +
              std::min(interface.dropped_by_kernel.value_or(0), most_drops);
    }
    return std::min(std::max(told, packets_dropped), most_drops);
  }
  // More than any link carried; and sums over all interfaces and files stay within 64 bits.
  static constexpr std::uint64_t most_drops = std::uint64_t{1} << 47;
};

class Source {
 public:
  virtual ~Source() = default;

  // The next few packets in order, empty at the end. They, and what they point to, are valid until
  // the next call. Throws Error when reading fails; a damaged tail is not a failure, it ends the
  // source and is told in SourceInfo::cut_short.
  virtual std::span<const Packet> next() = 0;

  // One per file, in the order given; PacketRef::source() is the index. Counters are current.
  virtual const std::vector<SourceInfo>& sources() const = 0;
};

struct FileOptions {
  std::string filter;  // BPF in tcpdump's syntax, compiled once per link type; empty: all packets
};

// Opens capture files as one timeline, merged by (time, file, frame number). "-" is standard input.
// Formats and compression are recognised by their magic bytes, never by name. Throws Error for what
// cannot be opened or recognised, before any packet is read.
std::unique_ptr<Source> open_files(const std::vector<std::string>& names,
                                   const FileOptions& options = {});

// A capture file from anywhere else, such as memory.
class ByteStream;
std::unique_ptr<Source> open_stream(std::unique_ptr<ByteStream> stream, const std::string& name,
                                    const FileOptions& options = {});

}  // namespace wirefault
