// The blocks of a pcapng file, behind a section header and an interface that are right.
#include "tests/fuzz/read_capture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  wirefault::tests::PcapngFile file;
  file.section((data[0] & 1) != 0).interface().raw({data + 1, data + size});
  wirefault::tests::read_capture(file.bytes());
  return 0;
}
