#include "cli/screen_keys.h"

#include <fmt/format.h>

#include <algorithm>

namespace wirefault::cli {
namespace {

using Kind = Key::Kind;

// Longer ones do not fit the line they are typed on.
constexpr std::size_t longest_filter = 40;

class Press {
 public:
  Press(ScreenState& state, const LiveStatus& status, const Board& board, ScreenSize size)
      : state_{state}, status_{status}, board_{board}, size_{size} {}

  ScreenAction handle(const Key& key) {
    state_.message.clear();
    if (state_.is_typing) return type(key);
    return state_.view == View::list ? in_list(key) : in_page(key);
  }

 private:
  void arrange_now() { arrange(state_, board_, status_.up, true); }

  void open(View view) {
    state_.view = view;
    state_.scroll = 0;
  }

  bool has_selected() const { return !state_.order.empty(); }

  ScreenAction type(const Key& key) {
    switch (key.kind) {
      case Kind::character:
        if (state_.filter.size() < longest_filter) state_.filter += key.character;
        break;
      case Kind::backspace:
        if (!state_.filter.empty()) state_.filter.pop_back();
        break;
      case Kind::escape:
        state_.filter.clear();
        state_.is_typing = false;
        break;
      case Kind::enter:
        state_.is_typing = false;
        break;
      default:
        return ScreenAction::none;
    }
    arrange_now();
    return ScreenAction::none;
  }

  // `by` rows down, or up.
  void select(std::ptrdiff_t by) {
    if (!has_selected()) return;
    const auto found = std::find(state_.order.begin(), state_.order.end(), state_.selected);
    const auto at = found == state_.order.end() ? 0 : found - state_.order.begin();
    const auto last = static_cast<std::ptrdiff_t>(state_.order.size()) - 1;
    state_.selected =
        state_.order[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(at + by, 0, last))];
    state_.has_chosen = true;
  }

  ScreenAction in_list(const Key& key) {
    constexpr std::ptrdiff_t all = 1'000'000;
    const auto page = static_cast<std::ptrdiff_t>(std::max<std::size_t>(size_.height / 3, 1));
    switch (key.kind) {
      case Kind::up:
        select(-1);
        break;
      case Kind::down:
        select(1);
        break;
      case Kind::page_up:
        select(-page);
        break;
      case Kind::page_down:
        select(page);
        break;
      case Kind::home:
        select(-all);
        break;
      case Kind::end:
        select(all);
        break;
      case Kind::enter:
      case Kind::right:
        if (!has_selected()) break;
        open(View::detail);
        state_.exchange.reset();
        return ScreenAction::draw_exchange;
      case Kind::character:
        return list_character(key.character);
      default:
        break;
    }
    return ScreenAction::none;
  }

  ScreenAction list_character(char character) {
    switch (character) {
      case 'k':
        select(-1);
        return ScreenAction::none;
      case 'j':
        select(1);
        return ScreenAction::none;
      case 's':
        state_.sort = state_.sort == Sort::worst    ? Sort::newest
                      : state_.sort == Sort::newest ? Sort::most
                                                    : Sort::worst;
        state_.message = state_.sort == Sort::worst    ? "the worst first"
                         : state_.sort == Sort::newest ? "the newest first"
                                                       : "the most frequent first";
        arrange_now();
        return ScreenAction::none;
      case 'c':
        clear_ended();
        return ScreenAction::none;
      case '/':
        state_.is_typing = true;
        return ScreenAction::none;
      case 'q':
        return ScreenAction::quit;
      default:
        return anywhere(character);
    }
  }

  void clear_ended() {
    std::size_t count = 0;
    for (const std::size_t row : state_.order) {
      if (const BoardRow* known = board_.find(row); known != nullptr && known->is_open) continue;
      state_.cleared.insert(row);
      ++count;
    }
    arrange_now();
    state_.message =
        count == 0 ? "nothing to clear: none is over" : fmt::format("{} cleared", count);
  }

  // What works on the selected finding, in the list and in its pages.
  ScreenAction anywhere(char character) {
    switch (character) {
      case '?':
      case 'h':
        open(View::help);
        return ScreenAction::none;
      case 'p':
        return ScreenAction::pause;
      case 'e':
        if (has_selected()) open(View::explain);
        return ScreenAction::none;
      case 'w':
        return has_selected() ? ScreenAction::save_evidence : ScreenAction::none;
      case 'm':
        if (!has_selected()) return ScreenAction::none;
        open(View::copied);
        state_.message = "on the clipboard, where the terminal allows it; else take it from here";
        return ScreenAction::copy;
      default:
        return ScreenAction::none;
    }
  }

  ScreenAction in_page(const Key& key) {
    const ScrollRange range = scroll_range(status_, board_, state_, size_);
    std::size_t& scroll = state_.scroll;
    scroll = std::min(scroll, range.last);
    switch (key.kind) {
      case Kind::up:
        scroll -= std::min<std::size_t>(scroll, 1);
        break;
      case Kind::down:
        scroll = std::min(scroll + 1, range.last);
        break;
      case Kind::page_up:
        scroll -= std::min(scroll, range.page);
        break;
      case Kind::page_down:
        scroll = std::min(scroll + range.page, range.last);
        break;
      case Kind::home:
        scroll = 0;
        break;
      case Kind::end:
        scroll = range.last;
        break;
      case Kind::character:
        return page_character(key.character, range);
      default:
        open(View::list);
    }
    return ScreenAction::none;
  }

  ScreenAction page_character(char character, const ScrollRange& range) {
    std::size_t& scroll = state_.scroll;
    if (character == 'q') open(View::list);
    if (character == 'k') scroll -= std::min<std::size_t>(scroll, 1);
    if (character == 'j') scroll = std::min(scroll + 1, range.last);
    if (character == ' ') scroll = std::min(scroll + range.page, range.last);
    return anywhere(character);
  }

  ScreenState& state_;
  const LiveStatus& status_;
  const Board& board_;
  const ScreenSize size_;
};

}  // namespace

ScreenAction press(ScreenState& state, const Key& key, const LiveStatus& status, const Board& board,
                   ScreenSize size) {
  return Press{state, status, board, size}.handle(key);
}

std::string clipboard_sequence(std::string_view text) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  // Base64: RFC 4648, section 4.
  std::string encoded;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    const std::size_t left = std::min<std::size_t>(text.size() - at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < left ? static_cast<unsigned char>(text[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      encoded += i <= left ? digits[bits >> (18 - 6 * i) & 63] : '=';
    }
  }
  return fmt::format("\x1b]52;c;{}\x07", encoded);
}

}  // namespace wirefault::cli
