// IP addresses and endpoints as small plain values: no padding, so that they can be hashed and
// compared as bytes.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "capture/bytes.h"

namespace wirefault {

// Values are the IP protocol numbers.
enum class Transport : std::uint8_t { tcp = 6, udp = 17 };

class IpAddress {
 public:
  constexpr IpAddress() = default;  // 0.0.0.0

  // From the wire; the caller has checked that 4 or 16 bytes are there.
  static IpAddress v4(const std::uint8_t* bytes) {
    // All sixteen bytes in one store: several would stall whoever copies them in one.
    using Words [[gnu::vector_size(16)]] = std::uint32_t;
    Words words{};
    std::memcpy(&words, bytes, 4);
    IpAddress address;
    std::memcpy(address.bytes_.data(), &words, 16);
    return address;
  }
  static IpAddress v6(const std::uint8_t* bytes) {
    IpAddress address;
    address.version_ = 6;
    std::memcpy(address.bytes_.data(), bytes, 16);
    return address;
  }
  // Text of either family, without brackets, zone or prefix length.
  static std::optional<IpAddress> parse(std::string_view text);

  // An IPv4-mapped IPv6 address is an IPv6 address: that is how it was on the wire.
  constexpr bool is_v6() const { return version_ == 6; }
  Bytes bytes() const { return {bytes_.data(), is_v6() ? std::size_t{16} : std::size_t{4}}; }

  // For hashing and ordering, in the machine's byte order. With is_v6() they tell addresses apart.
  std::array<std::uint64_t, 2> words() const {
    std::array<std::uint64_t, 2> words;
    std::memcpy(words.data(), bytes_.data(), 16);
    return words;
  }

  constexpr bool is_unspecified() const { return bytes_ == std::array<std::uint8_t, 16>{}; }
  constexpr bool is_loopback() const;
  constexpr bool is_multicast() const { return is_v6() ? bytes_[0] == 0xff : bytes_[0] >> 4 == 14; }
  constexpr bool is_broadcast() const;  // 255.255.255.255 only; we know no subnet masks
  constexpr bool is_link_local() const;
  constexpr bool is_private() const;  // RFC 1918, RFC 4193

  // The same with all behind its first octets zero: the network of a /24 is network(3).
  IpAddress network(std::size_t octets) const {
    IpAddress made;
    made.version_ = version_;
    std::memcpy(made.bytes_.data(), bytes_.data(), octets);
    return made;
  }

  std::string to_string() const;  // RFC 5952

  // IPv4 before IPv6, then by value.
  friend std::strong_ordering operator<=>(const IpAddress& a, const IpAddress& b) {
    if (a.version_ != b.version_) return a.version_ <=> b.version_;
    return std::memcmp(a.bytes_.data(), b.bytes_.data(), 16) <=> 0;
  }
  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return std::memcmp(a.bytes_.data(), b.bytes_.data(), 16) == 0 && a.version_ == b.version_;
  }

 private:
  friend struct Endpoint;
  std::array<std::uint8_t, 16> bytes_{};  // IPv4 in the first four, the rest zero
  std::uint16_t version_ = 4;             // 16 bits, so that an Endpoint has no padding
};

struct Endpoint {
  constexpr Endpoint() = default;
  constexpr Endpoint(const IpAddress& of, std::uint16_t at) : address{of}, port{at} {
    if (std::is_constant_evaluated()) return;
    // Version and port in one store, for the same reason.
    const auto tail = std::bit_cast<std::uint32_t>(std::array{of.version_, at});
    std::memcpy(reinterpret_cast<std::uint8_t*>(this) + 16, &tail, sizeof tail);
  }

  IpAddress address;
  std::uint16_t port = 0;

  std::string to_string() const;  // 192.0.2.1:53, [2001:db8::1]:53

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};
static_assert(sizeof(Endpoint) == 20);

constexpr bool IpAddress::is_loopback() const {
  if (!is_v6()) return bytes_[0] == 127;
  std::array<std::uint8_t, 16> loopback{};
  loopback[15] = 1;
  return bytes_ == loopback;
}
constexpr bool IpAddress::is_broadcast() const {
  return !is_v6() && (bytes_[0] & bytes_[1] & bytes_[2] & bytes_[3]) == 0xff;
}
constexpr bool IpAddress::is_link_local() const {
  return is_v6() ? bytes_[0] == 0xfe && bytes_[1] >> 6 == 2 : bytes_[0] == 169 && bytes_[1] == 254;
}
constexpr bool IpAddress::is_private() const {
  if (is_v6()) return (bytes_[0] & 0xfe) == 0xfc;
  return bytes_[0] == 10 || (bytes_[0] == 172 && bytes_[1] >> 4 == 1) ||
         (bytes_[0] == 192 && bytes_[1] == 168);
}

}  // namespace wirefault
