// Tables and detector pages as plain text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace wirefault {

// Rows of equally many cells, each column as wide as its widest cell, within reason; what does not
// fit goes on below.
std::string in_columns(const std::vector<std::vector<std::string>>& rows, std::size_t width,
                       std::size_t indent = 0);

// A detector's page, written in the Markdown that those pages use: headings, paragraphs, lists,
// tables and fenced drawings. Drawings are kept as they are.
std::string page_text(std::string_view markdown, std::size_t width);

}  // namespace wirefault
