// A terminal as a screen, tried on the two ends of a pseudo terminal: the user's shell gets it back
// as it was, and a slow or broken one holds nothing up.
#include "cli/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include "capture/error.h"
#include "tests/support/catch.h"
#include "tests/support/pseudo_terminal.h"

namespace wirefault::cli {
namespace {

bool is_raw(const termios& modes) {
  return (modes.c_lflag & (ICANON | ECHO)) == 0;
}

// Every line its own, and different in every picture.
std::vector<std::string> full_picture(int number) {
  std::vector<std::string> lines;
  for (int row = 0; row < 24; ++row) {
    std::string line = "picture " + std::to_string(number) + " row " + std::to_string(row);
    line.resize(80, static_cast<char>('a' + number % 26));
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

TEST_CASE("a terminal is given back as it was", "[cli]") {
  tests::UserEnd user;
  const termios before = user.modes();
  tests::Emulator shown;
  {
    Terminal terminal{user.name()};
    CHECK(is_raw(user.modes()));
    CHECK((user.modes().c_lflag & ISIG) != 0);  // Ctrl-C stays a signal
    terminal.draw({"hello"});
    shown.take(user.seen());
    CHECK(shown.is_alternate());
    CHECK(shown.line(0) == "hello");
  }
  shown.take(user.seen());
  CHECK_FALSE(shown.is_alternate());
  const termios after = user.modes();
  CHECK(after.c_lflag == before.c_lflag);
  CHECK(after.c_iflag == before.c_iflag);
  CHECK(after.c_cc[VSUSP] == before.c_cc[VSUSP]);
}

TEST_CASE("a terminal is given back after an exception and after a crash", "[cli]") {
  tests::UserEnd user;
  const termios before = user.modes();
  try {
    const Terminal terminal{user.name()};
    throw std::runtime_error{"something"};
  } catch (const std::runtime_error&) {
  }
  CHECK(user.modes().c_lflag == before.c_lflag);
  user.seen();
  for (const int signal : {SIGABRT, SIGSEGV}) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      std::signal(signal, SIG_DFL);  // a test runner has handlers of its own
      const Terminal terminal{user.name()};
      raise(signal);
      _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK(user.modes().c_lflag == before.c_lflag);
    tests::Emulator shown;
    shown.take(user.seen());
    CHECK_FALSE(shown.is_alternate());
  }
}

TEST_CASE("only lines that changed are sent", "[cli]") {
  tests::UserEnd user;
  Terminal terminal{user.name()};
  tests::Emulator shown;
  terminal.draw({"one", "two", "three"});
  shown.take(user.seen());
  terminal.draw({"one", "2", "three"});
  const std::string sent = user.seen();
  CHECK(sent == "\x1b[2;1H\x1b[K2");
  shown.take(sent);
  CHECK(shown.line(1) == "2");
  CHECK(shown.line(2) == "three");
  terminal.draw({"one", "2", "three"});
  CHECK(user.seen().empty());
}

TEST_CASE("another size is drawn from scratch", "[cli]") {
  tests::UserEnd user{80, 24};
  Terminal terminal{user.name()};
  CHECK(terminal.size().width == 80);
  terminal.draw({"one", "two"});
  user.seen();
  user.resize(40, 10);
  CHECK(terminal.size().width == 40);
  CHECK(terminal.size().height == 10);
  terminal.draw({"one", "two"});
  CHECK(user.seen() == "\x1b[2J\x1b[1;1H\x1b[Kone\x1b[2;1H\x1b[Ktwo");
  user.resize(0, 0);  // serial lines do not know
  CHECK(terminal.size().width == 80);
  CHECK(terminal.size().height == 24);
  user.resize(65535, 65535);
  CHECK(terminal.size().width == 1000);
  CHECK(terminal.size().height == 500);
}

TEST_CASE("keys are read as they come, and nothing typed is no wait", "[cli]") {
  tests::UserEnd user;
  Terminal terminal{user.name()};
  CHECK(terminal.read().empty());
  user.type("j\x1b[A");
  std::string typed;
  for (int tries = 0; tries < 1000 && typed.size() < 4; ++tries) {
    pollfd readable{terminal.descriptor(), POLLIN, 0};
    poll(&readable, 1, 100);
    typed += terminal.read();
  }
  CHECK(typed == "j\x1b[A");
  CHECK_FALSE(terminal.is_gone());
}

TEST_CASE("a terminal that takes nothing holds nothing up, and shows the last picture later",
          "[cli]") {
  tests::UserEnd user;
  Terminal terminal{user.name()};
  int number = 0;
  while (!terminal.is_behind()) {
    REQUIRE(number < 10'000);
    terminal.draw(full_picture(number++));
  }
  for (int more = 0; more < 1000; ++more) terminal.draw(full_picture(number++));  // left out
  terminal.send("\x1b]52;c;\x07");
  CHECK(terminal.is_behind());

  tests::Emulator shown;
  for (int tries = 0; tries < 1000 && terminal.is_behind(); ++tries) {
    shown.take(user.seen());
    terminal.flush();
  }
  CHECK_FALSE(terminal.is_behind());
  shown.take(user.seen());
  const auto last = full_picture(number);
  terminal.draw(last);
  for (int tries = 0; tries < 1000 && terminal.is_behind(); ++tries) {
    shown.take(user.seen());
    terminal.flush();
  }
  shown.take(user.seen());
  for (std::size_t row = 0; row < last.size(); ++row) CHECK(shown.line(row) == last[row]);
}

TEST_CASE("a terminal that takes nothing does not keep the program from its end", "[cli]") {
  tests::UserEnd user;
  const termios before = user.modes();
  {
    Terminal terminal{user.name()};
    for (int number = 0; number < 1000; ++number) terminal.draw(full_picture(number));
    CHECK(terminal.is_behind());
  }
  CHECK(user.modes().c_lflag == before.c_lflag);
}

TEST_CASE("a terminal that hangs up is told of and nothing else happens", "[cli]") {
  tests::UserEnd user;
  Terminal terminal{user.name()};
  terminal.draw({"one"});
  user.hang_up();
  terminal.draw({"two"});
  CHECK(terminal.read().empty());
  CHECK(terminal.is_gone());
  CHECK_FALSE(terminal.is_behind());
  terminal.draw({"three"});
  terminal.send("x");
  terminal.resume();
  CHECK(terminal.size().width > 0);
}

TEST_CASE("after the shell has had the terminal the screen is ours again", "[cli]") {
  tests::UserEnd user;
  Terminal terminal{user.name()};
  terminal.draw({"one"});
  user.seen();
  termios cooked = user.modes();
  cooked.c_lflag |= ICANON | ECHO;
  const int shell = open(user.name().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(tcsetattr(shell, TCSANOW, &cooked) == 0);
  close(shell);
  terminal.resume();
  terminal.draw({"one"});
  CHECK(is_raw(user.modes()));
  tests::Emulator shown;
  std::string sent = user.seen();
  sent.erase(std::remove(sent.begin(), sent.end(), '\x18'), sent.end());
  shown.take(sent);
  CHECK(shown.is_alternate());
  CHECK(shown.line(0) == "one");
}

TEST_CASE("what is no terminal is refused", "[cli]") {
  CHECK_THROWS_AS(Terminal{"/dev/null"}, Error);
  CHECK_THROWS_AS(Terminal{"/nowhere/at/all"}, Error);
}

TEST_CASE("the locale's variables say whether blocks can be shown", "[cli]") {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) unsetenv(name);
  CHECK_FALSE(locale_is_utf8());
  setenv("LANG", "en_US.UTF-8", 1);
  CHECK(locale_is_utf8());
  setenv("LC_ALL", "C", 1);
  CHECK_FALSE(locale_is_utf8());
  setenv("LC_ALL", "C.utf8", 1);
  CHECK(locale_is_utf8());
  for (const char* name : {"LC_ALL", "LANG"}) unsetenv(name);
}

}  // namespace wirefault::cli
