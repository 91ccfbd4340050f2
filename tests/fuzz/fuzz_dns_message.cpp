// A DNS message; the first byte is how much of its end was not captured.
#include "tests/support/dissect_everything.h"
#include "tests/support/octets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wirefault;
  if (size < 1) return 0;
  const test::Exact message{Bytes{data + 1, size - 1}};
  const Bytes bytes = message;
  test::Everything everything;
  everything.dns_message({bytes, static_cast<std::uint32_t>(bytes.size() + data[0])});
  return 0;
}
