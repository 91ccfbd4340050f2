#include "cli/keys.h"

#include <optional>

namespace wirefault::cli {
namespace {

using Kind = Key::Kind;

constexpr char esc = '\x1b';
// Longer than any sequence of a keyboard: then it is none.
constexpr std::size_t longest_sequence = 32;

std::optional<Key> cursor_key(char final) {
  switch (final) {
    case 'A':
      return Key{Kind::up};
    case 'B':
      return Key{Kind::down};
    case 'C':
      return Key{Kind::right};
    case 'D':
      return Key{Kind::left};
    case 'F':
      return Key{Kind::end};
    case 'H':
      return Key{Kind::home};
    case 'M':
      return Key{Kind::enter};  // SS3 M: of the keypad
    default:
      return std::nullopt;
  }
}

// "ESC [ 5 ~", and with a modifier "ESC [ 5 ; 2 ~".
std::optional<Key> editing_key(std::string_view parameters) {
  const std::string_view number = parameters.substr(0, parameters.find(';'));
  if (number == "1" || number == "7") return Key{Kind::home};
  if (number == "4" || number == "8") return Key{Kind::end};
  if (number == "5") return Key{Kind::page_up};
  if (number == "6") return Key{Kind::page_down};
  return std::nullopt;
}

std::optional<Key> plain_key(char byte) {
  if (byte == '\r' || byte == '\n') return Key{Kind::enter};
  if (byte == '\x7f' || byte == '\b') return Key{Kind::backspace};
  if (byte >= ' ' && byte <= '~') return Key{Kind::character, byte};
  return std::nullopt;
}

// What a sequence that is complete stands for; `sequence` begins behind the ESC.
std::optional<Key> sequence_key(std::string_view sequence) {
  const char final = sequence.back();
  if (sequence.front() == 'O') return cursor_key(final);
  if (final == '~') return editing_key(sequence.substr(1, sequence.size() - 2));
  return final == 'M' ? std::nullopt : cursor_key(final);
}

// Whether `sequence`, behind its ESC, is all there.
bool is_complete(std::string_view sequence) {
  if (sequence.empty()) return false;
  if (sequence.front() == 'O') return sequence.size() == 2;
  // The final byte of a control sequence: ECMA-48, 5.4 d.
  return sequence.size() > 1 && sequence.back() >= '@' && sequence.back() <= '~';
}

}  // namespace

std::vector<Key> KeyDecoder::take(std::string_view bytes) {
  std::vector<Key> keys;
  for (const char byte : bytes) {
    if (started_.empty()) {
      if (byte == esc) {
        started_ = byte;
      } else if (const auto key = plain_key(byte)) {
        keys.push_back(*key);
      }
      continue;
    }
    if (byte == esc) {  // the one before was a key, or a sequence that broke off
      if (started_.size() == 1) keys.push_back({Kind::escape});
      started_ = byte;
      continue;
    }
    if (started_.size() == 1 && byte != '[' && byte != 'O') {
      // A letter with the Alt key, or one typed right behind an ESC: both as typed.
      started_.clear();
      keys.push_back({Kind::escape});
      if (const auto key = plain_key(byte)) keys.push_back(*key);
      continue;
    }
    started_ += byte;
    const std::string_view sequence = std::string_view{started_}.substr(1);
    if (is_complete(sequence)) {
      if (const auto key = sequence_key(sequence)) keys.push_back(*key);
      started_.clear();
    } else if (started_.size() == longest_sequence) {
      started_.clear();
    }
  }
  return keys;
}

std::vector<Key> KeyDecoder::settle() {
  const bool is_key = started_.size() == 1;
  started_.clear();
  return is_key ? std::vector<Key>{{Kind::escape}} : std::vector<Key>{};
}

}  // namespace wirefault::cli
