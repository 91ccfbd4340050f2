// Where a capture's bytes come from: a file, a pipe, memory, or another stream decompressed. And
// the window through which the readers look at such a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "capture/bytes.h"

namespace wirefault {

class ByteStream {
 public:
  virtual ~ByteStream() = default;

  // Reads at least one and at most into.size() bytes, and returns how many; 0 at the end, which is
  // also where a signal interrupts the wait for more. Throws Error when the system refuses.
  virtual std::size_t read(std::span<std::uint8_t> into) = 0;

  // Why the stream ended before its proper end (a damaged compressed file), or empty.
  virtual const std::string& damage() const = 0;

  // Bytes taken from the file as it is stored, for progress.
  virtual std::uint64_t stored_position() const = 0;

  // Of the file as it is stored; 0 when it cannot be known.
  virtual std::uint64_t stored_size() const = 0;
};

// Opens a file, a FIFO, or standard input ("-"). Throws Error.
std::unique_ptr<ByteStream> open_byte_stream(const std::string& name);

// The bytes at hand of a stream. Records are parsed in place; only the incomplete one at the end of
// the buffer is moved, to make room for the rest of it.
class Window {
 public:
  // System calls cost nothing against it, and the buffer stays in a level-two cache.
  static constexpr std::size_t usual_capacity = std::size_t{256} << 10;

  explicit Window(std::unique_ptr<ByteStream> stream);

  // Unread bytes; valid until the next call of ensure().
  Bytes available() const { return Bytes{buffer_.get() + begin_, end_ - begin_}; }

  // Makes at least `count` bytes available. False if the stream ends before. The buffer grows only
  // as far as bytes really arrive, whatever a length field claims, and shrinks again afterwards.
  bool ensure(std::size_t count);

  // count <= available().size()
  void consume(std::size_t count) {
    begin_ += count;
    offset_ += count;
  }

  // Position in the stream of the first available byte.
  std::uint64_t offset() const { return offset_; }
  const ByteStream& stream() const { return *stream_; }

 private:
  void move_to(std::size_t capacity);

  std::unique_ptr<ByteStream> stream_;
  std::size_t capacity_ = usual_capacity;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
};

}  // namespace wirefault
