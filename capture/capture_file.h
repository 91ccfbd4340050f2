// One capture file, read from front to back.
#pragma once

#include <memory>
#include <string>

#include "capture/byte_stream.h"
#include "capture/filter.h"
#include "capture/records.h"
#include "capture/source.h"

namespace wirefault {

class CaptureFile {
 public:
  // Recognises compression and format, and reads the file header. `filter` may be null; it and
  // `info`, where all counters are kept, must outlive the file. Throws Error for what is no capture
  // file.
  CaptureFile(std::unique_ptr<ByteStream> stream, const std::string& name, std::uint16_t source,
              Filter* filter, SourceInfo& info);

  // The next few packets that pass the filter, empty at the end; valid until the next call.
  std::span<const Packet> next();

 private:
  std::span<Packet> read();
  void end_early_if_cut(std::size_t needed);

  SourceInfo& info_;
  Filter* filter_;
  Window window_;
  std::unique_ptr<RecordReader> records_;
  Batch batch_;
  bool at_end_ = false;
};

}  // namespace wirefault
