#include "capture/pcapng_writer.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

namespace wirefault {
namespace {

constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t interface_statistics = 5;
constexpr std::uint32_t enhanced_packet = 6;
constexpr std::uint32_t end_of_options = 0;

// Seven or more jumbo frames to a system call, and room for the longest block there can be: a
// packet of 256 KiB with a comment of 64 KiB.
constexpr std::size_t buffer_capacity = std::size_t{512} << 10;

std::uint32_t high_half(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}
std::uint32_t low_half(std::uint64_t value) {
  return static_cast<std::uint32_t>(value & std::numeric_limits<std::uint32_t>::max());
}

std::uint64_t nanoseconds(Timestamp time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.time_since_epoch().count(), 0));
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  return bytes < 1 << 20 ? fmt::format("{} KiB", bytes >> 10) : fmt::format("{} MiB", bytes >> 20);
}

// File systems of a remote kind may say anything.
std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max()
                                                : product;
}

// Returns 0 or an errno. `written` is how many bytes went out in either case.
int write_all(int file, const std::vector<std::uint8_t>& bytes, std::size_t& written) {
  while (written < bytes.size()) {
    const ssize_t count = write(file, &bytes[written], bytes.size() - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
    } else if (count == 0) {
      return EIO;  // no file does this, and it must not keep us here
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

std::uint64_t least_free_space(int file) {
  // A small file system shall not be refused as a whole.
  constexpr std::uint64_t at_least = std::uint64_t{256} << 20;
  struct statfs system {};
  if (fstatfs(file, &system) != 0) return 0;
  const std::uint64_t size =
      saturating_product(system.f_blocks, static_cast<std::uint64_t>(system.f_bsize));
  return std::min(std::max(size / 20, at_least), size / 4);
}

PcapngWriter::PcapngWriter(FileDescriptor file, std::optional<std::uint64_t> keep_free,
                           std::atomic<std::uint64_t>* whole_size)
    : file_{std::move(file)},
      keep_free_{keep_free ? *keep_free : least_free_space(file_.get())},
      whole_size_{whole_size} {
  constexpr std::uint16_t shb_hardware = 2;
  constexpr std::uint16_t shb_os = 3;
  constexpr std::uint16_t shb_userappl = 4;
  buffer_.reserve(buffer_capacity);
  utsname machine{};
  uname(&machine);
  begin_block(section_header);
  put(std::uint32_t{0x1a2b3c4d});  // tells the byte order
  put(std::uint16_t{1});           // version 1.0
  put(std::uint16_t{0});
  put(std::numeric_limits<std::uint64_t>::max());  // length of the section: not known
  put_option(shb_hardware, machine.machine);
  put_option(shb_os, fmt::format("{} {}", machine.sysname, machine.release));
  put_option(shb_userappl, "wirefault " WIREFAULT_VERSION);
  put(end_of_options);
  end_block();
}

void PcapngWriter::add_interface(const InterfaceInfo& interface) {
  constexpr std::uint16_t if_name = 2;
  constexpr std::uint16_t if_tsresol = 9;
  constexpr std::uint16_t if_filter = 11;
  if (failure_) return;
  begin_block(interface_description);
  put(static_cast<std::uint16_t>(interface.link_type));
  put(std::uint16_t{0});
  put(interface.snap_length);
  if (!interface.name.empty()) put_option(if_name, interface.name);
  put_option(if_tsresol, "\x09");  // 10^-9
  // The first byte says that the filter is in words.
  if (!interface.filter.empty()) put_option(if_filter, std::string(1, '\0') + interface.filter);
  put(end_of_options);
  end_block();
}

void PcapngWriter::add(const Packet& packet, std::uint32_t interface, std::string_view comment) {
  constexpr std::uint16_t opt_comment = 1;
  constexpr std::uint16_t epb_flags = 2;
  if (failure_) return;
  begin_block(enhanced_packet);
  put(interface);
  put(high_half(nanoseconds(packet.time)));
  put(low_half(nanoseconds(packet.time)));
  put(static_cast<std::uint32_t>(packet.bytes.size()));
  put(packet.original_length);
  put_bytes(packet.bytes.data(), packet.bytes.size());
  pad();
  if (!comment.empty()) put_option(opt_comment, comment);
  if (packet.direction != Direction::unknown) {
    put(epb_flags);
    put(std::uint16_t{4});
    put(std::uint32_t{packet.direction == Direction::inbound ? 1u : 2u});
  }
  if (!comment.empty() || packet.direction != Direction::unknown) put(end_of_options);
  ++packets_;
  end_block();
}

void PcapngWriter::add_statistics(std::uint32_t interface, const InterfaceInfo& counts,
                                  Timestamp time) {
  constexpr std::uint16_t isb_ifrecv = 4;
  constexpr std::uint16_t isb_ifdrop = 5;
  constexpr std::uint16_t isb_osdrop = 7;
  if (failure_) return;
  const auto put_count = [this](std::uint16_t code, const std::optional<std::uint64_t>& count) {
    if (!count) return;
    put(code);
    put(std::uint16_t{8});
    put(*count);
  };
  begin_block(interface_statistics);
  put(interface);
  put(high_half(nanoseconds(time)));
  put(low_half(nanoseconds(time)));
  put_count(isb_ifrecv, counts.received);
  put_count(isb_ifdrop, counts.dropped_by_interface);
  put_count(isb_osdrop, counts.dropped_by_kernel);
  put(end_of_options);
  end_block();
}

void PcapngWriter::flush() {
  if (failure_ || buffer_.empty()) return;
  struct statfs system {};
  if (keep_free_ > 0 && fstatfs(file_.get(), &system) == 0) {
    const std::uint64_t free =
        saturating_product(system.f_bavail, static_cast<std::uint64_t>(system.f_bsize));
    if (free < buffer_.size() || free - buffer_.size() < keep_free_) {
      keep_whole_blocks(0);
      return fail(fmt::format("{} are left on the file system, and {} are to stay free",
                              size_text(free), size_text(keep_free_)));
    }
  }
  std::size_t written = 0;
  if (const int problem = write_all(file_.get(), buffer_, written)) {
    keep_whole_blocks(written);
    return fail(std::strerror(problem));
  }
  buffer_.clear();
  if (whole_size_ != nullptr) *whole_size_ = size_;
}

FileDescriptor PcapngWriter::release() {
  flush();
  return std::move(file_);
}

void PcapngWriter::fail(std::string reason) {
  failure_ = std::move(reason);
  buffer_.clear();
  if (whole_size_ != nullptr) *whole_size_ = size_;
}

// Cuts off what a write that failed has left behind the last block that is whole.
void PcapngWriter::keep_whole_blocks(std::size_t written) {
  const std::uint64_t before = size_ - buffer_.size();
  std::size_t whole = 0;
  for (std::size_t at = 0; at < buffer_.size();) {
    std::uint32_t type;
    std::uint32_t length;
    std::memcpy(&type, &buffer_[at], sizeof type);
    std::memcpy(&length, &buffer_[at + sizeof type], sizeof length);
    at += length;
    if (at <= written) {
      whole = at;
    } else if (type == enhanced_packet) {
      --packets_;
    }
  }
  size_ = before + whole;
  // Should this fail too, readers find the end cut short, and say so.
  if (written > whole && ftruncate(file_.get(), static_cast<off_t>(size_)) != 0)
    size_ = before + written;
}

void PcapngWriter::begin_block(std::uint32_t type) {
  block_ = buffer_.size();
  put(type);
  put(std::uint32_t{0});  // the length, known at the end
}

void PcapngWriter::end_block() {
  const std::size_t length = buffer_.size() + sizeof(std::uint32_t) - block_;
  put(static_cast<std::uint32_t>(length));
  std::memcpy(&buffer_[block_ + sizeof(std::uint32_t)],
              &buffer_[block_ + length - sizeof(std::uint32_t)], sizeof(std::uint32_t));
  size_ += length;
  // The next block may be as long as any.
  if (buffer_.size() > buffer_capacity / 4) flush();
}

template <typename Number>
void PcapngWriter::put(Number value) {
  put_bytes(&value, sizeof value);
}

void PcapngWriter::put_bytes(const void* bytes, std::size_t count) {
  const auto* const first = static_cast<const std::uint8_t*>(bytes);
  buffer_.insert(buffer_.end(), first, first + count);
}

void PcapngWriter::pad() {
  buffer_.resize((buffer_.size() + 3) / 4 * 4);
}

void PcapngWriter::put_option(std::uint16_t code, std::string_view value) {
  value = value.substr(0, std::numeric_limits<std::uint16_t>::max());
  put(code);
  put(static_cast<std::uint16_t>(value.size()));
  put_bytes(value.data(), value.size());
  pad();
}

}  // namespace wirefault
