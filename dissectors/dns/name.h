// Domain names in wire form (RFC 1035, section 3.1), decompressed. Kept exactly as sent; compared
// and hashed as the DNS does it, without regard to the case of ASCII letters (RFC 4343).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "dissectors/hash.h"
#include "dissectors/parsed.h"

namespace wirefault::dns {

// What reading the names of one message may cost, in labels and jumps. Real messages need a few per
// record; a 64 KiB message of crafted pointers would otherwise need a million.
struct Budget {
  std::uint32_t steps = 1u << 16;
};

class Name {
 public:
  static constexpr std::size_t max_size = 255;  // octets on the wire, RFC 1035 section 2.3.4
  static constexpr std::size_t max_label = 63;

  Name() { octets_[0] = 0; }  // the root
  Name(const Name& other) { copy(other); }
  Name& operator=(const Name& other) {
    if (this != &other) copy(other);
    return *this;
  }

  // Presentation form, with or without the trailing dot; "." and nothing else is the root.
  static std::optional<Name> parse(std::string_view text);

  // The name at `position` of `message`, which is moved behind it. Compression pointers must point
  // strictly backwards, each before the labels read last: real encoders do so, and the walk ends by
  // itself. On a flaw `name` and `position` are not to be used.
  static Flaw read(const Payload& message, std::size_t& position, Name& name, Budget& budget);
  // As read(), without following pointers: `position` is moved behind the name.
  static Flaw skip(const Payload& message, std::size_t& position) {
    // Nearly every record's owner is one pointer, to the question.
    const Bytes bytes = message.bytes;
    if (position + 1 < bytes.size() && is_pointer(bytes[position])) {
      position += 2;
      return Flaw::none;
    }
    return skip_labels(message, position);
  }

  Bytes wire() const { return {octets_.data(), size_}; }  // uncompressed, with the final zero
  std::size_t size() const { return size_; }
  bool is_root() const { return size_ == 1; }
  int label_count() const;  // without the root's

  // Without the leftmost `labels`; the root when there are no more.
  Name parent(int labels = 1) const;
  // The rightmost `labels`, or all of them: suffix(2) of www.example.com. is example.com.
  Name suffix(int labels) const;
  // The same by where a label starts: from(last_labels()[1]) is suffix(2). Of the last label, the
  // one before it and the one before that; 0 where there are fewer.
  std::array<std::uint8_t, 3> last_labels() const;
  Name from(std::size_t label) const {
    Name name;
    name.size_ = static_cast<std::uint8_t>(size_ - label);
    std::memcpy(name.octets_.data(), &octets_[label], name.size_);
    return name;
  }
  bool is_subdomain_of(const Name& zone) const;  // true for the zone itself

  // "www.example.com.", the root "."; \DDD for all but printable ASCII, \. and \\ inside labels, so
  // that different names never print alike.
  std::string to_string() const;

  // Exactly as sent: what a client that randomises case (0x20) expects back.
  bool is_same_case(const Name& other) const {
    return size_ == other.size_ && std::memcmp(octets_.data(), other.octets_.data(), size_) == 0;
  }

  // All of these ignore case. Order is by bytes, not the canonical order of RFC 4034.
  friend bool operator==(const Name& a, const Name& b);
  friend std::weak_ordering operator<=>(const Name& a, const Name& b);
  std::uint64_t stable_hash(std::uint64_t seed = 0) const;

 private:
  // RFC 1035, section 4.1.4.
  static bool is_pointer(std::uint8_t octet) { return octet >= 0xc0; }
  static Flaw skip_labels(const Payload& message, std::size_t& position);
  void copy(const Name& other) {
    size_ = other.size_;
    std::memcpy(octets_.data(), other.octets_.data(), size_);
  }
  bool append_label(Bytes label);
  // Offset of the label after the leftmost `labels`.
  std::size_t offset_of(int labels) const;

  std::uint8_t size_ = 1;
  std::array<std::uint8_t, max_size> octets_;  // beyond size_ undefined
};

}  // namespace wirefault::dns
