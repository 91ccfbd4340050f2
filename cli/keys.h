// What a user types, from the bytes that a terminal sends.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wirefault::cli {

struct Key {
  enum class Kind : std::uint8_t {
    character,
    enter,
    escape,
    backspace,
    up,
    down,
    left,
    right,
    page_up,
    page_down,
    home,
    end,
  };
  Kind kind = Kind::character;
  char character = 0;  // printable ASCII; of Kind::character only

  bool operator==(const Key&) const = default;
};

// Cursor and editing keys come as control sequences (ECMA-48, 5.4), some as SS3 and a letter, and a
// read may end in the midst of one. Sequences nobody asked for, and text beyond ASCII, are dropped.
class KeyDecoder {
 public:
  std::vector<Key> take(std::string_view bytes);

  // Nothing more came for a while: an ESC that begins no sequence was the key. To be called when
  // is_waiting() for a twentieth of a second or more.
  std::vector<Key> settle();
  bool is_waiting() const { return !started_.empty(); }

 private:
  std::string started_;  // the beginning of a sequence, with its ESC
};

}  // namespace wirefault::cli
