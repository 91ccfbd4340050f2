// What a view says of bytes it cannot read. "Cut by our capture" and "malformed by them" are
// different values: mixing the two is the classic false alarm.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "capture/bytes.h"

namespace wirefault {

// One counter each in the quality report; flaw_code() gives the printed code.
enum class Flaw : std::uint8_t {
  none,
  cut_short,  // the snap length ended the bytes; the only one that is not the sender's doing
  eth_short,
  vlan_depth,
  ip_version,
  ip_header_length,
  ip_total_length,
  ip_checksum,
  ip6_extension_loop,
  fragment_unaligned,
  fragment_oversize,
  udp_length,
  udp_checksum,
  tcp_offset,
  tcp_option,
  tcp_flags_illegal,
  icmp_short,
  icmp_quote,
  arp_size,
  dhcp_cookie,
  dhcp_option,
  dns_short,
  dns_count,
  dns_label,
  dns_pointer_forward,
  dns_pointer_loop,
  dns_name_long,
  dns_rdlength,
  dns_opt_multiple,
  dns_tcp_length,
  dns_budget,  // names so entangled that reading them was given up
  tunnel_header,
  count_,
};

constexpr std::size_t flaw_count = static_cast<std::size_t>(Flaw::count_);

// "snaplen", "ip-totlen", "dns-pointer-loop", ...; empty for none.
std::string_view flaw_code(Flaw flaw);

// What a layer carries: the bytes captured, and how many there were according to the layer's own
// header. `length` is at least bytes.size(); where it is more, our capture cut the rest.
struct Payload {
  Bytes bytes;
  std::uint32_t length = 0;

  bool is_cut() const { return bytes.size() < length; }

  // Without the first `count`: of those that are not captured, none is left.
  Payload after(std::size_t count) const {
    return {bytes.subspan(count < bytes.size() ? count : bytes.size()),
            count < length ? length - static_cast<std::uint32_t>(count) : 0};
  }
  // No more than the first `count`.
  Payload first(std::size_t count) const {
    return {bytes.first(count < bytes.size() ? count : bytes.size()),
            count < length ? static_cast<std::uint32_t>(count) : length};
  }
  // Why there are fewer than `needed` bytes: we cut them, or the sender's lengths allow no more.
  Flaw lack(std::size_t needed, Flaw malformed) const {
    return needed <= length ? Flaw::cut_short : malformed;
  }
};

// A value, or the flaw that stood in its way.
template <class T>
class Parsed {
 public:
  Parsed() = default;
  Parsed(const T& value) : value_{value} {}
  Parsed(Flaw flaw) : flaw_{flaw} {}

  explicit operator bool() const { return flaw_ == Flaw::none; }
  Flaw flaw() const { return flaw_; }

  // Parsers on the hot path fill the result in place and settle it at the end:
  //   Parsed<T> parsed;
  //   parsed.settle(fill(*parsed, bytes));
  //   return parsed;
  // With one object and one return, it is built where the caller wants it and never copied.
  void settle(Flaw flaw) { flaw_ = flaw; }

  // Only where there is a value.
  const T& operator*() const { return value_; }
  const T* operator->() const { return &value_; }
  T& operator*() { return value_; }
  T* operator->() { return &value_; }

 private:
  T value_{};
  Flaw flaw_ = Flaw::none;
};

}  // namespace wirefault
