// The words of a capture filter, looked at before libpcap sees them. libpcap says "syntax error"
// without a place, and it asks the resolver for every word it does not know: traffic of our own, on
// the very network under suspicion.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace wirefault {

struct FilterProblem {
  std::size_t position = 0;  // in the expression
  std::string text;
};

// The words of the expression, in order, each with where it begins.
struct FilterWord {
  std::size_t position;
  std::string_view text;
};
std::vector<FilterWord> filter_words(std::string_view expression);

// The first word that is no keyword, number, address, or name of a port or protocol in its place.
std::optional<FilterProblem> find_unknown_word(std::string_view expression);

}  // namespace wirefault
