// What a stranger has put on the wire, or into a file's name, must not run when a command that we
// print is pasted.
#include "capture/shell_word.h"

#include "tests/support/catch.h"
#include "tests/support/process.h"

namespace wirefault::tests {
namespace {

TEST_CASE("plain words are left as they are", "[capture]") {
  CHECK(shell_word("www.example.com.") == "www.example.com.");
  CHECK(shell_word("/var/cap/edge-7_a.pcapng") == "/var/cap/edge-7_a.pcapng");
  CHECK(shell_word("2001:db8::1") == "2001:db8::1");
}

TEST_CASE("whatever a word holds, a shell takes it for that word", "[capture]") {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& text :
       {all, std::string{}, std::string{"$(id>${HOME}/owned).example."}, std::string{"a b;id.pcap"},
        std::string{"`id`"}, std::string{"it's"}, std::string{"''"}, std::string{"*"},
        std::string{"a\\032b.example."}, std::string{"~"}, std::string{"#x"}}) {
    const ProcessResult result = run({"sh", "-c", "printf %s " + shell_word(text)});
    CHECK(result.status == 0);
    CHECK(result.out == text);
  }
}

}  // namespace
}  // namespace wirefault::tests
