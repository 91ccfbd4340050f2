#include "cli/own_session.h"

#include "capture/filter.h"
#include "tests/support/catch.h"

namespace wirefault::cli {
namespace {

TEST_CASE("the own ssh session is left out by a filter that libpcap takes", "[cli]") {
  const auto session = parse_session("192.0.2.9 51022 192.0.2.1 22");
  REQUIRE(session);
  CHECK(session->client == "192.0.2.9:51022");
  CHECK(session->filter == "tcp and host 192.0.2.9 and port 51022 and host 192.0.2.1 and port 22");
  CHECK_NOTHROW(Filter{session->filter});
  const auto local = parse_session("fe80::1%eth0 51022 fe80::2%eth0 22");
  REQUIRE(local);
  CHECK(local->client == "[fe80::1]:51022");
  CHECK_NOTHROW(Filter{local->filter});
}

TEST_CASE("what is no session is not believed", "[cli]") {
  for (const char* text : {"", "192.0.2.9", "192.0.2.9 x 192.0.2.1 22", "192.0.2.9 1 192.0.2.1",
                           "192.0.2.9 70000 192.0.2.1 22", "host 1 or 2", "a b c d"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_session(text));
  }
}

}  // namespace
}  // namespace wirefault::cli
