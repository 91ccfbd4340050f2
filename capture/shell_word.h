// Commands that are printed to be run: what comes from the wire or from a file's name is in them.
#pragma once

#include <string>
#include <string_view>

namespace wirefault {

// `text` as one word of a POSIX shell's command line (POSIX.1-2017, XCU 2.2.2): as it is where no
// shell sees anything in it, else in single quotes. Empty text stays a word of its own.
std::string shell_word(std::string_view text);

}  // namespace wirefault
