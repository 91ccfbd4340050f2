// What is typed at the live screen, however a terminal cuts it into pieces, and what it does.
#include "cli/screen_keys.h"

#include "tests/report/live.h"
#include "tests/support/catch.h"

namespace wirefault::cli {
namespace {

using Kind = Key::Kind;

Key character(char value) {
  return {Kind::character, value};
}

const ScreenSize size{80, 24};

// A user in front of the outage.
struct User {
  LiveStatus status = tests::live_status();
  Board board = tests::live_board();
  ScreenState state = tests::live_state(board);

  ScreenAction press(const Key& key) { return cli::press(state, key, status, board, size); }
  ScreenAction type(std::string_view text) {
    ScreenAction last = ScreenAction::none;
    for (const char each : text) last = press(character(each));
    return last;
  }
};

}  // namespace

TEST_CASE("keys are the same however their bytes are cut", "[cli]") {
  const std::string typed =
      "a\x1b[A\x1b[B\x1bOA\x1bOB\x1b[C\x1b[D\x1b[5~\x1b[6~\x1b[1~\x1b[H\x1b[4~\x1bOF\x1b[1;5A"
      "\r\n\x7f\b/\x1b[200~\x1b[15~\x1b[?1;2c\xc3\xa9\x01q";
  const std::vector<Key> expected{
      character('a'), {Kind::up},        {Kind::down},      {Kind::up},        {Kind::down},
      {Kind::right},  {Kind::left},      {Kind::page_up},   {Kind::page_down}, {Kind::home},
      {Kind::home},   {Kind::end},       {Kind::end},       {Kind::up},        {Kind::enter},
      {Kind::enter},  {Kind::backspace}, {Kind::backspace}, character('/'),    character('q')};
  for (std::size_t cut = 0; cut <= typed.size(); ++cut) {
    KeyDecoder decoder;
    std::vector<Key> keys = decoder.take(std::string_view{typed}.substr(0, cut));
    for (const Key& key : decoder.take(std::string_view{typed}.substr(cut))) keys.push_back(key);
    INFO("cut at " << cut);
    CHECK(keys == expected);
    CHECK_FALSE(decoder.is_waiting());
  }
  KeyDecoder bytewise;
  std::vector<Key> keys;
  for (const char byte : typed) {
    for (const Key& key : bytewise.take({&byte, 1})) keys.push_back(key);
  }
  CHECK(keys == expected);
}

TEST_CASE("an ESC is a key when nothing follows it", "[cli]") {
  KeyDecoder decoder;
  CHECK(decoder.take("\x1b").empty());
  CHECK(decoder.is_waiting());
  CHECK(decoder.settle() == std::vector<Key>{{Kind::escape}});
  CHECK_FALSE(decoder.is_waiting());
  CHECK(decoder.take("\x1b\x1b[A") == std::vector<Key>{{Kind::escape}, {Kind::up}});
  CHECK(decoder.take("\x1bq") == std::vector<Key>{{Kind::escape}, character('q')});
  CHECK(decoder.take("\x1b[").empty());
  CHECK(decoder.settle().empty());  // broken off
  CHECK(decoder.take("x") == std::vector<Key>{character('x')});
}

TEST_CASE("bytes without end are no key and no memory", "[cli]") {
  KeyDecoder decoder;
  CHECK(decoder.take("\x1b[" + std::string(30, '1')).empty());
  CHECK_FALSE(decoder.is_waiting());
  for (int byte = 0; byte < 256; ++byte) {
    KeyDecoder fresh;
    const char raw = static_cast<char>(byte);
    for (const Key& key : fresh.take({&raw, 1})) {
      CHECK((key.character == 0 || (key.character >= ' ' && key.character <= '~')));
    }
  }
}

TEST_CASE("the arrows select, and the choice stays with its finding", "[cli]") {
  User user;
  CHECK(user.state.order == std::vector<std::size_t>{2, 3, 4, 1});
  CHECK(user.state.selected == 2);
  user.press({Kind::up});
  CHECK(user.state.selected == 2);
  user.press({Kind::down});
  user.press(character('j'));
  CHECK(user.state.selected == 4);
  user.press(character('k'));
  CHECK(user.state.selected == 3);
  user.press({Kind::end});
  CHECK(user.state.selected == 1);
  user.press({Kind::page_up});
  CHECK(user.state.selected == 2);
  user.press({Kind::down});
  user.type("s");  // newest first: all but the one that is over
  CHECK(user.state.order == std::vector<std::size_t>{4, 3, 2, 1});
  CHECK(user.state.selected == 3);
  CHECK(user.state.message == "the newest first");
  user.type("s");  // most
  CHECK(user.state.order == std::vector<std::size_t>{4, 2, 3, 1});
  user.press({Kind::home});
  CHECK(user.state.message.empty());
  CHECK(user.state.selected == 4);
}

TEST_CASE("a filter lists what holds its words, while it is typed", "[cli]") {
  User user;
  user.type("/DNS 192.0.2.54");
  CHECK(user.state.is_typing);
  CHECK(user.state.order == std::vector<std::size_t>{4});
  CHECK(user.state.selected == 4);
  CHECK(user.state.hidden == 3);
  user.press({Kind::enter});
  CHECK_FALSE(user.state.is_typing);
  CHECK(user.type("q") == ScreenAction::quit);
  user.type("/x");
  CHECK(user.state.order.empty());
  CHECK(user.press({Kind::enter}) == ScreenAction::none);
  CHECK(user.press({Kind::enter}) == ScreenAction::none);  // nothing to look at
  CHECK(user.state.view == View::list);
  user.type("/");
  user.press({Kind::backspace});
  CHECK(user.state.order.size() == 1);
  user.press({Kind::escape});
  CHECK(user.state.filter.empty());
  CHECK(user.state.order.size() == 4);
}

TEST_CASE("clearing hides what is over until it comes back", "[cli]") {
  User user;
  user.type("c");
  CHECK(user.state.order == std::vector<std::size_t>{2, 3, 4});
  CHECK(user.state.message == "1 cleared");
  user.type("c");
  CHECK(user.state.message == "nothing to clear: none is over");
  Result again;
  again.findings = {tests::slow_note()};
  again.findings[0].state = FindingState::ongoing;
  user.board.take(again, tests::at(900));
  arrange(user.state, user.board, std::chrono::seconds{300});
  CHECK(std::count(user.state.order.begin(), user.state.order.end(), 1U) == 1);
}

TEST_CASE("pages scroll to their ends and no further, and lead back", "[cli]") {
  User user;
  CHECK(user.press({Kind::enter}) == ScreenAction::draw_exchange);
  CHECK(user.state.view == View::detail);
  user.press({Kind::up});
  CHECK(user.state.scroll == 0);
  user.press({Kind::end});
  const std::size_t last = user.state.scroll;
  CHECK(last > 0);
  const auto lines = draw_screen(user.status, user.board, user.state, size);
  CHECK(lines[22].find("#402113") != std::string::npos);  // the last line of the page
  user.press({Kind::down});
  user.press({Kind::page_down});
  CHECK(user.state.scroll == last);
  user.press({Kind::up});
  CHECK(user.state.scroll == last - 1);
  user.press({Kind::escape});
  CHECK(user.state.view == View::list);

  user.type("e");
  CHECK(user.state.view == View::explain);
  CHECK(user.state.scroll == 0);
  user.type(" ");
  CHECK(user.state.scroll == 18);
  CHECK(user.type("q") == ScreenAction::none);
  CHECK(user.state.view == View::list);
  user.type("?");
  CHECK(user.state.view == View::help);
  user.press({Kind::enter});
  CHECK(user.state.view == View::list);
}

TEST_CASE("what is not the screen's own is told to the caller", "[cli]") {
  User user;
  CHECK(user.type("q") == ScreenAction::quit);
  CHECK(user.type("p") == ScreenAction::pause);
  CHECK(user.type("w") == ScreenAction::save_evidence);
  CHECK(user.type("m") == ScreenAction::copy);
  CHECK(user.state.view == View::copied);
  CHECK(user.type("z") == ScreenAction::none);
  user.press({Kind::escape});
  user.board = {};
  user.state = {};
  CHECK(user.type("w") == ScreenAction::none);
  CHECK(user.type("m") == ScreenAction::none);
  CHECK(user.press({Kind::down}) == ScreenAction::none);
}

TEST_CASE("text goes to the clipboard in base64", "[cli]") {
  CHECK(clipboard_sequence("") == "\x1b]52;c;\x07");
  CHECK(clipboard_sequence("f") == "\x1b]52;c;Zg==\x07");
  CHECK(clipboard_sequence("fo") == "\x1b]52;c;Zm8=\x07");
  CHECK(clipboard_sequence("foobar") == "\x1b]52;c;Zm9vYmFy\x07");
  CHECK(clipboard_sequence("\xff\x1b") == "\x1b]52;c;/xs=\x07");
}

}  // namespace wirefault::cli
