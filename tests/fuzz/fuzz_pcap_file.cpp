// A classic capture file. Its magic and version are put right, or hardly an input would be read.
#include <array>

#include "tests/fuzz/read_capture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 8) return 0;
  static constexpr std::array<std::uint32_t, 3> magics = {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34};
  wirefault::tests::FileWriter file{(data[0] & 1) != 0};
  file.u32(magics[data[1] % magics.size()]).u16(2).u16(4);
  file.raw({data + 8, data + size});
  wirefault::tests::read_capture(file.bytes());
  return 0;
}
