#include "dissectors/address.h"

#include "dissectors/hash.h"
#include "tests/support/catch.h"

using namespace wirefault;

TEST_CASE("addresses print as they are read", "[dissectors]") {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "::1",
                           "::ffff:192.0.2.1", "2001:db8:0:1:1:1:1:1"}) {
    const auto address = IpAddress::parse(text);
    REQUIRE(address);
    CHECK(address->to_string() == text);
  }
  for (const char* text :
       {"", "192.0.2", "192.0.2.256", "2001:db8::1%eth0", "example.com", "[::1]"})
    CHECK_FALSE(IpAddress::parse(text));
}

TEST_CASE("an IPv4-mapped IPv6 address is not the IPv4 address", "[dissectors]") {
  const auto v4 = *IpAddress::parse("192.0.2.1");
  const auto mapped = *IpAddress::parse("::ffff:192.0.2.1");
  CHECK(v4 != mapped);
  CHECK(v4 < mapped);
  CHECK(mapped.is_v6());
  CHECK(*IpAddress::parse("0.0.0.0") != *IpAddress::parse("::"));
}

TEST_CASE("addresses know their kind", "[dissectors]") {
  const auto is = [](const char* text) { return *IpAddress::parse(text); };
  CHECK(is("224.0.0.251").is_multicast());
  CHECK(is("239.255.255.255").is_multicast());
  CHECK_FALSE(is("240.0.0.1").is_multicast());
  CHECK(is("ff02::1").is_multicast());
  CHECK_FALSE(is("fe80::1").is_multicast());
  CHECK(is("255.255.255.255").is_broadcast());
  CHECK_FALSE(is("192.0.2.255").is_broadcast());
  CHECK(is("127.0.0.53").is_loopback());
  CHECK(is("::1").is_loopback());
  CHECK_FALSE(is("::2").is_loopback());
  CHECK(is("169.254.1.1").is_link_local());
  CHECK(is("fe80::1").is_link_local());
  CHECK(is("febf::1").is_link_local());
  CHECK_FALSE(is("fec0::1").is_link_local());
  CHECK(is("10.0.0.1").is_private());
  CHECK(is("172.31.255.255").is_private());
  CHECK_FALSE(is("172.32.0.0").is_private());
  CHECK(is("192.168.0.1").is_private());
  CHECK(is("fd00::1").is_private());
  CHECK_FALSE(is("2001:db8::1").is_private());
  CHECK(is("::").is_unspecified());
}

TEST_CASE("endpoints print with their port", "[dissectors]") {
  CHECK(Endpoint{*IpAddress::parse("192.0.2.1"), 53}.to_string() == "192.0.2.1:53");
  CHECK(Endpoint{*IpAddress::parse("2001:db8::1"), 53}.to_string() == "[2001:db8::1]:53");
}
