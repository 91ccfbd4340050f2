#include "capture/byte_stream.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "capture/error.h"

namespace wirefault {
namespace {

class FileStream final : public ByteStream {
 public:
  FileStream(int descriptor, std::string name) : descriptor_{descriptor}, name_{std::move(name)} {
    struct stat status {};
    if (fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode)) {
      size_ = static_cast<std::uint64_t>(status.st_size);
      posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
    }
  }
  ~FileStream() override {
    if (descriptor_ != STDIN_FILENO) close(descriptor_);
  }
  FileStream(const FileStream&) = delete;
  FileStream& operator=(const FileStream&) = delete;

  std::size_t read(std::span<std::uint8_t> into) override {
    ssize_t count = ::read(descriptor_, into.data(), into.size());
    // Somebody does not want to wait for a silent pipe: what has come is all there is.
    if (count < 0 && errno == EINTR) count = 0;
    if (count < 0) throw Error{fmt::format("cannot read {}: {}", name_, std::strerror(errno))};
    position_ += static_cast<std::uint64_t>(count);
    return static_cast<std::size_t>(count);
  }

  const std::string& damage() const override { return no_damage_; }
  std::uint64_t stored_position() const override { return position_; }
  std::uint64_t stored_size() const override { return size_; }

 private:
  int descriptor_;
  std::string name_;
  std::string no_damage_;
  std::uint64_t position_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace

std::unique_ptr<ByteStream> open_byte_stream(const std::string& name) {
  if (name == "-") return std::make_unique<FileStream>(STDIN_FILENO, "standard input");
  const int descriptor = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw Error{fmt::format("cannot open {}: {}", name, std::strerror(errno))};
  return std::make_unique<FileStream>(descriptor, name);
}

Window::Window(std::unique_ptr<ByteStream> stream)
    : stream_{std::move(stream)},
      buffer_{std::make_unique_for_overwrite<std::uint8_t[]>(usual_capacity)} {}

bool Window::ensure(std::size_t count) {
  if (end_ - begin_ >= count) return true;
  const bool is_oversized = capacity_ > usual_capacity && count <= usual_capacity;
  move_to(is_oversized ? usual_capacity : capacity_);
  while (end_ < count) {
    if (end_ == capacity_) move_to(2 * capacity_);
    const std::size_t arrived = stream_->read({buffer_.get() + end_, capacity_ - end_});
    if (arrived == 0) return false;
    end_ += arrived;
  }
  return true;
}

// Moves what is unread to the front of a buffer of this capacity, which is large enough for it.
void Window::move_to(std::size_t capacity) {
  const std::size_t unread = end_ - begin_;
  if (capacity == capacity_) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, unread);
  } else {
    auto buffer = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
    std::memcpy(buffer.get(), buffer_.get() + begin_, unread);
    buffer_ = std::move(buffer);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = unread;
}

}  // namespace wirefault
