// The live screen on a pseudo terminal: pictures once a second, keys in between.
#include "cli/live_screen.h"

#include <poll.h>

#include <functional>

#include "tests/report/live.h"
#include "tests/support/catch.h"
#include "tests/support/pseudo_terminal.h"

namespace wirefault::cli {
namespace {

struct Session {
  tests::UserEnd user;
  tests::Emulator shown;
  Board board = tests::live_board();
  LiveStatus status = tests::live_status();
  std::vector<LiveScreen::Wish> wishes;
  LiveScreen screen{std::make_unique<Terminal>(user.name()), {}, board};

  // Comes by until `condition` holds; false if it never does.
  bool wait(const std::function<bool()>& condition) {
    for (int tries = 0; tries < 500; ++tries) {
      for (const auto& wish : screen.update()) wishes.push_back(wish);
      shown.take(user.seen());
      if (condition()) return true;
    }
    return false;
  }
  bool wait_for(const std::string& text) {
    return wait([&] { return shown.shows(text); });
  }
};

}  // namespace

TEST_CASE("keys lead through the live screen", "[cli]") {
  Session session;
  session.screen.show(session.status);
  REQUIRE(session.wait_for(">  3m57 critical F2"));
  session.user.type("\x1b[B");
  CHECK(session.wait_for(">  3m54 error    F3"));
  session.user.type("\r");
  CHECK(session.wait_for("esc back to the list"));
  session.user.type("\x1b");  // by itself: known as a key only after a while
  CHECK(session.wait_for("q quit"));
  session.user.type("wq");
  REQUIRE(session.wait([&] { return session.wishes.size() == 3; }));
  CHECK(session.wishes[0].kind == LiveScreen::Wish::Kind::draw_exchange);
  CHECK(session.wishes[0].row == 3);
  CHECK(session.wishes[1].kind == LiveScreen::Wish::Kind::save_evidence);
  CHECK(session.wishes[1].row == 3);
  CHECK(session.wishes[2].kind == LiveScreen::Wish::Kind::quit);
  session.screen.say("kept in f3.pcapng");
  CHECK(session.wait_for("kept in f3.pcapng"));
}

TEST_CASE("a picture held still stays, and what happened meanwhile shows after", "[cli]") {
  Session session;
  session.screen.show(session.status);
  REQUIRE(session.wait_for("up 4m12"));
  session.user.type("p");
  REQUIRE(session.wait_for("PAUSED"));
  session.status.up += std::chrono::seconds{10};
  Result result;
  result.findings = {
      tests::claim(9, "dns-refused", "192.0.2.9", "192.0.2.9 refuses DNS queries", 3, 3, "query")};
  result.findings[0].state = FindingState::ongoing;
  session.board.take(result, tests::at(849));
  session.screen.show(session.status);
  session.shown.take(session.user.seen());
  CHECK(session.shown.shows("up 4m12"));
  CHECK_FALSE(session.shown.shows("192.0.2.9"));
  session.user.type("p");
  CHECK(session.wait_for("192.0.2.9 refuses"));
  CHECK_FALSE(session.shown.shows("PAUSED"));
  session.screen.show(session.status);
  CHECK(session.wait_for("up 4m22"));
}

TEST_CASE("the live screen follows its terminal's size", "[cli]") {
  Session session;
  session.screen.show(session.status);
  REQUIRE(session.wait_for("s sort  c clear"));
  session.user.resize(40, 10);
  CHECK(session.wait_for("enter ladder e explain ? help q quit"));
  CHECK(session.shown.line(9) == "enter ladder e explain ? help q quit");
  CHECK_FALSE(session.shown.shows("s sort"));
}

TEST_CASE("a finding goes to the clipboard and stands on the screen", "[cli]") {
  Session session;
  session.screen.show(session.status);
  REQUIRE(session.wait_for("F2"));
  session.user.type("m");
  CHECK(session.wait_for("**F2 critical**"));
  CHECK(session.shown.clipboard().starts_with("52;c;KipGMiBjcml0aWNhbCoq"));
}

TEST_CASE("the live screen outlives its terminal", "[cli]") {
  Session session;
  session.screen.show(session.status);
  session.shown.take(session.user.seen());
  session.user.hang_up();
  session.screen.show(session.status);
  CHECK(session.wait([&] { return session.screen.is_gone(); }));
  CHECK(session.screen.update().empty());
  session.screen.say("nobody reads this");
}

}  // namespace wirefault::cli
