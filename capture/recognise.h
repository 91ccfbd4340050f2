// Says what a file is that is not one of ours, and how to make one of ours of it.
#pragma once

#include <string>

#include "capture/bytes.h"
#include "capture/error.h"

namespace wirefault {

// As many bytes of a file's beginning as recognition looks at, at most.
constexpr std::size_t longest_magic = 64;

// `head` holds the first bytes, after decompression; `damage` why there are no more, or nothing.
Error not_a_capture(Bytes head, const std::string& name, const std::string& damage);

}  // namespace wirefault
