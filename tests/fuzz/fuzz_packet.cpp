// The first two bytes choose the link type, the next one how much of the frame was captured; the
// rest is the frame.
#include "tests/support/dissect_everything.h"
#include "tests/support/octets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirefault;
  if (size < 3) return 0;
  const test::Exact frame{Bytes{data + 3, size - 3}};
  const Bytes bytes = frame;
  Packet packet = test::packet(bytes, static_cast<LinkType>(be16(data)));
  packet.original_length = static_cast<std::uint32_t>(bytes.size() + data[2]);
  test::Everything everything;
  everything.packet(packet);
  return 0;
}
