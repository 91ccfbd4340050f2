// gzip, zstd and lz4, recognised by their magic bytes. Streams of several members or frames read as
// one, as their own tools read them.
#pragma once

#include <memory>
#include <string>

#include "capture/byte_stream.h"

namespace wirefault {

// Nullptr, with `stored` untouched, when its bytes are not compressed in a way we read; else takes
// `stored` over and sets `compression` to its name. `name` is for messages.
//
// Reading throws Error for a zstd window above 8 MiB: one header could demand gigabytes.
std::unique_ptr<ByteStream> decompress(Window& stored, const std::string& name,
                                       std::string& compression);

}  // namespace wirefault
