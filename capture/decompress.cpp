#include "capture/decompress.h"

#include <fmt/format.h>
#include <lz4frame.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <new>

#include "capture/error.h"
#include "capture/shell_word.h"

namespace wirefault {
namespace {

// The frame of all three: feed what is stored until something comes out.
class DecompressedStream : public ByteStream {
 public:
  explicit DecompressedStream(Window stored) : stored_{std::move(stored)} {}

  std::size_t read(std::span<std::uint8_t> into) final {
    while (!at_end_) {
      if (!stored_.ensure(1)) {
        end(is_inside_frame_ ? "the compressed file is incomplete" : stored_.stream().damage());
        break;
      }
      if (const std::size_t produced = step(stored_, into); produced > 0) return produced;
    }
    return 0;
  }

  const std::string& damage() const final { return damage_; }
  std::uint64_t stored_position() const final { return stored_.stream().stored_position(); }
  std::uint64_t stored_size() const final { return stored_.stream().stored_size(); }

 protected:
  // Consumes of what is stored, which is not empty, and returns how many bytes it made of that.
  virtual std::size_t step(Window& stored, std::span<std::uint8_t> into) = 0;

  void end(std::string damage) {
    at_end_ = true;
    damage_ = std::move(damage);
  }
  void set_inside_frame(bool is_inside) { is_inside_frame_ = is_inside; }

 private:
  Window stored_;
  std::string damage_;
  bool at_end_ = false;
  bool is_inside_frame_ = true;
};

class GzipStream final : public DecompressedStream {
 public:
  explicit GzipStream(Window stored) : DecompressedStream{std::move(stored)} {
    constexpr int gzip_header_expected = 16;
    if (inflateInit2(&inflater_, MAX_WBITS + gzip_header_expected) != Z_OK) throw std::bad_alloc{};
  }
  ~GzipStream() override { inflateEnd(&inflater_); }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

 private:
  std::size_t step(Window& stored, std::span<std::uint8_t> into) override {
    const Bytes input = stored.available();
    if (is_between_members_ && !begin_member(input[0])) return 0;
    inflater_.next_in = const_cast<Bytef*>(input.data());  // zlib only reads it
    inflater_.avail_in = static_cast<uInt>(input.size());
    inflater_.next_out = into.data();
    inflater_.avail_out = static_cast<uInt>(into.size());
    const int result = inflate(&inflater_, Z_NO_FLUSH);
    stored.consume(input.size() - inflater_.avail_in);
    if (result == Z_STREAM_END) {
      is_between_members_ = true;
      set_inside_frame(false);
    } else if (result != Z_OK) {
      end("the gzip data is damaged");
    }
    return into.size() - inflater_.avail_out;
  }

  // Another member may follow, or zeros that fill up a block of the medium.
  bool begin_member(std::uint8_t first) {
    if (first != 0x1f) {
      end(first == 0 ? "" : "something that is not gzip data follows the gzip data");
      return false;
    }
    inflateReset(&inflater_);
    is_between_members_ = false;
    set_inside_frame(true);
    return true;
  }

  z_stream inflater_{};
  bool is_between_members_ = false;
};

class ZstdStream final : public DecompressedStream {
 public:
  ZstdStream(Window stored, std::string name)
      : DecompressedStream{std::move(stored)}, name_{std::move(name)} {
    constexpr int largest_window_log = 23;
    if (!context_) throw std::bad_alloc{};
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, largest_window_log);
  }

 private:
  std::size_t step(Window& stored, std::span<std::uint8_t> into) override {
    const Bytes bytes = stored.available();
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    ZSTD_outBuffer output{into.data(), into.size(), 0};
    const std::size_t result = ZSTD_decompressStream(context_.get(), &output, &input);
    stored.consume(input.pos);
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge) {
      throw Error{
          fmt::format("{} needs a zstd window above 8 MiB, which is not allotted", name_),
          fmt::format("  run:   zstd -dc --long=31 {} | wirefault analyze -", shell_word(name_))};
    }
    if (ZSTD_isError(result) != 0) {
      end("the zstd data is damaged");
    } else {
      set_inside_frame(result != 0);
    }
    return output.pos;
  }

  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
  std::string name_;
};

class Lz4Stream final : public DecompressedStream {
 public:
  explicit Lz4Stream(Window stored) : DecompressedStream{std::move(stored)} {
    LZ4F_dctx* context = nullptr;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION)) != 0) {
      throw std::bad_alloc{};
    }
    context_.reset(context);
  }

 private:
  std::size_t step(Window& stored, std::span<std::uint8_t> into) override {
    const Bytes input = stored.available();
    std::size_t consumed = input.size();
    std::size_t produced = into.size();
    const std::size_t result =
        LZ4F_decompress(context_.get(), into.data(), &produced, input.data(), &consumed, nullptr);
    if (LZ4F_isError(result) != 0) {
      end("the lz4 data is damaged");
      return 0;
    }
    stored.consume(consumed);
    set_inside_frame(result != 0);
    return produced;
  }

  struct Free {
    void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
  };
  std::unique_ptr<LZ4F_dctx, Free> context_;
};

}  // namespace

std::unique_ptr<ByteStream> decompress(Window& stored, const std::string& name,
                                       std::string& compression) {
  const Bytes head = stored.available();
  if (head.size() >= 2 && be16(head.data()) == 0x1f8b) {
    compression = "gzip";
    return std::make_unique<GzipStream>(std::move(stored));
  }
  if (head.size() < 4) return nullptr;
  const std::uint32_t magic = be32(head.data());
  // Parallel compressors begin with a skippable frame, 0x184d2a50 to 0x184d2a5f. lz4 has them too,
  // but no tool begins a file with one.
  if (magic == 0x28b52ffd || (magic & 0xf0ffffff) == 0x502a4d18) {
    compression = "zstd";
    return std::make_unique<ZstdStream>(std::move(stored), name);
  }
  if (magic == 0x04224d18) {
    compression = "lz4";
    return std::make_unique<Lz4Stream>(std::move(stored));
  }
  return nullptr;
}

}  // namespace wirefault
