#include "capture/capture_file.h"

#include <fmt/format.h>

#include "capture/decompress.h"
#include "capture/error.h"
#include "capture/recognise.h"

namespace wirefault {
namespace {

std::string for_people(const std::string& name) {
  return name == "-" ? "standard input" : name;
}

// Below the file's own bytes lies at most one compression.
Window open_window(std::unique_ptr<ByteStream> stream, const std::string& name, SourceInfo& info) {
  Window stored{std::move(stream)};
  info.file_size = stored.stream().stored_size();
  if (!stored.ensure(1)) throw Error{fmt::format("{} is empty", for_people(name))};
  stored.ensure(4);
  auto decompressed = decompress(stored, for_people(name), info.compression);
  return decompressed ? Window{std::move(decompressed)} : std::move(stored);
}

}  // namespace

CaptureFile::CaptureFile(std::unique_ptr<ByteStream> stream, const std::string& name,
                         std::uint16_t source, Filter* filter, SourceInfo& info)
    : info_{info}, filter_{filter}, window_{open_window(std::move(stream), name, info)} {
  info_.name = name;
  records_ = open_pcap_records(window_, for_people(name), source, info_);
  if (!records_) records_ = open_pcapng_records(window_, for_people(name), source, info_);
  if (records_) return;
  window_.ensure(longest_magic);
  throw not_a_capture(window_.available(), name, window_.stream().damage());
}

std::span<const Packet> CaptureFile::next() {
  while (true) {
    const std::span<Packet> packets = read();
    if (packets.empty() || filter_ == nullptr) return packets;
    const std::size_t kept = filter_->keep_matching(packets);
    if (kept > 0) return packets.first(kept);
  }
}

std::span<Packet> CaptureFile::read() {
  batch_.clear();
  while (batch_.is_empty() && !at_end_) {
    const std::size_t needed = records_->read(window_, batch_);
    if (!batch_.is_empty()) break;
    if (info_.cut_short) {
      at_end_ = true;
    } else if (!window_.ensure(needed)) {
      end_early_if_cut(needed);
      at_end_ = true;
    }
  }
  info_.bytes = window_.offset();
  info_.file_position = window_.stream().stored_position();
  return batch_.packets();
}

// The stream ends before the `needed` bytes of the next record.
void CaptureFile::end_early_if_cut(std::size_t needed) {
  const std::string& damage = window_.stream().damage();
  const std::size_t left = window_.available().size();
  if (!damage.empty()) {
    info_.cut_short = {window_.offset(), damage};
  } else if (left > 0) {
    info_.cut_short = {
        window_.offset(),
        fmt::format("the last record is incomplete ({} of at least {} bytes)", left, needed)};
  }
}

}  // namespace wirefault
