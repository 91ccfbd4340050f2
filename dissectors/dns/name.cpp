#include "dissectors/dns/name.h"

#include <algorithm>

namespace wirefault::dns {
namespace {

// Length octets are below 64, 'A' is 65: a whole name can be folded byte by byte.
constexpr std::uint8_t fold(std::uint8_t octet) {
  return octet >= 'A' && octet <= 'Z' ? static_cast<std::uint8_t>(octet | 0x20) : octet;
}

// Eight octets at once: adding carries into the top bit of an octet where it is at least 'A', and
// where it is beyond 'Z'.
constexpr std::uint64_t fold(std::uint64_t octets) {
  constexpr std::uint64_t each = 0x0101010101010101;
  const std::uint64_t low = octets & (0x7f * each);
  const std::uint64_t from_a = low + (0x80 - 'A') * each;
  const std::uint64_t beyond_z = low + (0x7f - 'Z') * each;
  const std::uint64_t is_upper = (from_a ^ beyond_z) & ~octets & (0x80 * each);
  return octets | is_upper >> 2;
}

struct Folded {
  explicit Folded(Bytes wire) : size{wire.size()} {
    std::size_t i = 0;
    for (; i + 8 <= size; i += 8) {
      std::uint64_t octets = 0;
      std::memcpy(&octets, &wire[i], 8);
      octets = fold(octets);
      std::memcpy(&bytes[i], &octets, 8);
    }
    for (; i < size; ++i) bytes[i] = fold(wire[i]);
  }
  operator Bytes() const { return {bytes.data(), size}; }

  std::size_t size;
  std::array<std::uint8_t, Name::max_size> bytes;
};

Flaw lack(const Payload& message) {
  return message.is_cut() ? Flaw::cut_short : Flaw::dns_short;
}

// Of the name at `position`; 0 when it is compressed or there is something wrong with it.
std::size_t plain_size(Bytes bytes, std::size_t position) {
  const std::uint8_t* const octets = bytes.data();
  const std::size_t end = std::min(bytes.size(), position + Name::max_size);
  for (std::size_t at = position; at < end; at += octets[at] + std::size_t{1}) {
    if (octets[at] == 0) return at + 1 - position;
    if (octets[at] > Name::max_label) return 0;
  }
  return 0;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// One octet of presentation form, at text[i]; -1 when it is not one. Moves i behind it.
int read_octet(std::string_view text, std::size_t& i) {
  if (text[i] != '\\') return static_cast<unsigned char>(text[i++]);
  if (i + 1 >= text.size()) return -1;
  if (!is_digit(text[i + 1])) {
    i += 2;
    return static_cast<unsigned char>(text[i - 1]);
  }
  if (i + 3 >= text.size() || !is_digit(text[i + 2]) || !is_digit(text[i + 3])) return -1;
  const int value = (text[i + 1] - '0') * 100 + (text[i + 2] - '0') * 10 + (text[i + 3] - '0');
  i += 4;
  return value <= 255 ? value : -1;
}

}  // namespace

bool Name::append_label(Bytes label) {
  if (size_ + 1 + label.size() > max_size) return false;
  octets_[size_ - 1u] = static_cast<std::uint8_t>(label.size());
  if (!label.empty()) std::memcpy(&octets_[size_], label.data(), label.size());
  size_ = static_cast<std::uint8_t>(size_ + 1 + label.size());
  octets_[size_ - 1u] = 0;
  return true;
}

std::optional<Name> Name::parse(std::string_view text) {
  Name name;
  if (text == ".") return name;
  if (text.empty()) return std::nullopt;
  std::array<std::uint8_t, max_label> label{};
  std::size_t length = 0;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '.') {
      if (length == 0 || !name.append_label({label.data(), length})) return std::nullopt;
      length = 0;
      ++i;
      continue;
    }
    const int octet = read_octet(text, i);
    if (octet < 0 || length == max_label) return std::nullopt;
    label[length++] = static_cast<std::uint8_t>(octet);
  }
  if (length != 0 && !name.append_label({label.data(), length})) return std::nullopt;
  return name;
}

Flaw Name::read(const Payload& message, std::size_t& position, Name& name, Budget& budget) {
  constexpr std::size_t header_size = 12;
  const Bytes bytes = message.bytes;
  // Most names are whole where they stand.
  if (const std::size_t whole = plain_size(bytes, position); whole != 0) {
    std::memcpy(name.octets_.data(), bytes.data() + position, whole);
    name.size_ = static_cast<std::uint8_t>(whole);
    position += whole;
    return Flaw::none;
  }
  std::size_t at = position;
  std::size_t run = position;  // where the labels being read start; pointers must lead before it
  bool has_jumped = false;
  std::size_t size = 0;  // of the runs before
  const auto take_run = [&] {
    std::memcpy(&name.octets_[size], bytes.data() + run, at - run);
    size += at - run;
  };
  for (;;) {
    if (budget.steps == 0) return Flaw::dns_budget;
    --budget.steps;
    if (at >= bytes.size()) return lack(message);
    const std::uint8_t length = bytes[at];
    if (length == 0) break;
    if (length <= max_label) {
      if (bytes.size() - at < length + std::size_t{1}) return lack(message);
      if (size + (at - run) + length + 2 > max_size) return Flaw::dns_name_long;
      at += length + std::size_t{1};
      continue;
    }
    // RFC 1035 keeps 0x40 and 0x80 for later; RFC 6891 section 5 ended their only use.
    if (!is_pointer(length)) return Flaw::dns_label;
    if (bytes.size() - at < 2) return lack(message);
    const std::size_t target = be16(&bytes[at]) & 0x3fffu;
    if (!has_jumped) position = at + 2;
    has_jumped = true;
    if (target >= run) return target > at ? Flaw::dns_pointer_forward : Flaw::dns_pointer_loop;
    if (target < header_size) return Flaw::dns_label;  // the header holds no names
    take_run();
    at = run = target;
  }
  take_run();
  if (!has_jumped) position = at + 1;
  name.octets_[size] = 0;
  name.size_ = static_cast<std::uint8_t>(size + 1);
  return Flaw::none;
}

Flaw Name::skip_labels(const Payload& message, std::size_t& position) {
  const Bytes bytes = message.bytes;
  if (const std::size_t whole = plain_size(bytes, position); whole != 0) {
    position += whole;
    return Flaw::none;
  }
  std::size_t at = position;
  for (;;) {
    if (at >= bytes.size()) return lack(message);
    const std::uint8_t length = bytes[at];
    if (length > max_label) {
      if (!is_pointer(length)) return Flaw::dns_label;
      if (bytes.size() - at < 2) return lack(message);
      position = at + 2;
      return Flaw::none;
    }
    at += length + std::size_t{1};
    if (at - position > max_size) return Flaw::dns_name_long;
    if (length == 0) break;
  }
  position = at;
  return Flaw::none;
}

int Name::label_count() const {
  int count = 0;
  for (std::size_t at = 0; octets_[at] != 0; at += octets_[at] + std::size_t{1}) ++count;
  return count;
}

std::size_t Name::offset_of(int labels) const {
  std::size_t at = 0;
  for (; labels > 0 && octets_[at] != 0; --labels) at += octets_[at] + std::size_t{1};
  return at;
}

Name Name::parent(int labels) const {
  return from(offset_of(labels));
}

Name Name::suffix(int labels) const {
  return parent(std::max(0, label_count() - labels));
}

std::array<std::uint8_t, 3> Name::last_labels() const {
  std::array<std::uint8_t, 3> starts{};
  for (std::size_t at = 0; octets_[at] != 0; at += octets_[at] + std::size_t{1}) {
    starts = {static_cast<std::uint8_t>(at), starts[0], starts[1]};
  }
  return starts;
}

bool Name::is_subdomain_of(const Name& zone) const {
  return label_count() >= zone.label_count() && suffix(zone.label_count()) == zone;
}

std::string Name::to_string() const {
  if (is_root()) return ".";
  std::string text;
  text.reserve(size_);
  for (std::size_t at = 0; octets_[at] != 0;) {
    const std::size_t end = at + 1 + octets_[at];
    for (++at; at < end; ++at) {
      const std::uint8_t octet = octets_[at];
      if (octet == '.' || octet == '\\') {
        text += '\\';
        text += static_cast<char>(octet);
      } else if (octet > 0x20 && octet < 0x7f) {
        text += static_cast<char>(octet);
      } else {
        text += '\\';
        text += static_cast<char>('0' + octet / 100);
        text += static_cast<char>('0' + octet / 10 % 10);
        text += static_cast<char>('0' + octet % 10);
      }
    }
    text += '.';
  }
  return text;
}

bool operator==(const Name& a, const Name& b) {
  if (a.size_ != b.size_) return false;
  if (a.is_same_case(b)) return true;
  std::size_t i = 0;
  for (; i + 8 <= a.size_; i += 8) {
    std::uint64_t left = 0;
    std::uint64_t right = 0;
    std::memcpy(&left, &a.octets_[i], 8);
    std::memcpy(&right, &b.octets_[i], 8);
    if (left != right && fold(left) != fold(right)) return false;
  }
  for (; i < a.size_; ++i) {
    if (fold(a.octets_[i]) != fold(b.octets_[i])) return false;
  }
  return true;
}

std::weak_ordering operator<=>(const Name& a, const Name& b) {
  const Folded left{a.wire()};
  const Folded right{b.wire()};
  const std::size_t common = std::min(left.size, right.size);
  const int order = std::memcmp(left.bytes.data(), right.bytes.data(), common);
  if (order != 0) return order <=> 0;
  return left.size <=> right.size;
}

std::uint64_t Name::stable_hash(std::uint64_t seed) const {
  return wirefault::stable_hash(Bytes{Folded{wire()}}, seed);
}

}  // namespace wirefault::dns
