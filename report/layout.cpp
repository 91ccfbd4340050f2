#include "report/layout.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/words.h"

namespace wirefault {
namespace {

constexpr std::size_t page_indent = 2;

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// "| a | b |". A bar inside `code` is written "\|".
std::vector<std::string> cells(std::string_view line) {
  std::vector<std::string> found;
  std::string cell;
  line.remove_prefix(1);
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\\' && at + 1 < line.size() && line[at + 1] == '|') {
      cell += line[++at];
    } else if (line[at] == '|') {
      found.emplace_back(trimmed(cell));
      cell.clear();
    } else {
      cell += line[at];
    }
  }
  return found;
}

bool is_rule(std::string_view line) {
  return line.find_first_not_of("|-: ") == line.npos;
}

class Page {
 public:
  explicit Page(std::size_t width) : width_{width} {}

  std::string render(std::string_view markdown) {
    while (!markdown.empty()) line(take_line(markdown));
    flush();
    return std::move(out_);
  }

 private:
  void line(std::string_view text) {
    if (text.starts_with("```")) {
      flush();
      in_drawing_ = !in_drawing_;
    } else if (in_drawing_) {
      out_ += fmt::format("{:{}}{}\n", "", page_indent, text);
    } else if (text.starts_with('#')) {
      flush();
      out_ += fmt::format("{}\n", trimmed(text.substr(text.find_first_not_of('#'))));
      after_heading_ = true;
      return;
    } else if (text.starts_with('|')) {
      if (table_.empty()) flush();
      if (!is_rule(text)) table_.push_back(cells(text));
    } else if (text.empty()) {
      flush();
      if (!after_heading_) out_ += '\n';
    } else {
      if (text.starts_with("- ") || !table_.empty()) flush();
      paragraph_ += fmt::format("{}{}", paragraph_.empty() ? "" : " ", trimmed(text));
    }
    after_heading_ = false;
  }

  void flush() {
    if (!table_.empty()) {
      for (auto& row : table_) row.resize(table_.front().size());
      out_ += in_columns(table_, width_, page_indent);
      table_.clear();
    }
    if (paragraph_.empty()) return;
    const bool is_item = paragraph_.starts_with("- ");
    std::string start(page_indent, ' ');
    if (is_item) start += "- ";
    const std::string_view text = std::string_view{paragraph_}.substr(is_item ? 2 : 0);
    for (const std::string& folded : fold(text, width_ - start.size())) {
      out_ += fmt::format("{}{}\n", start, folded);
      start.assign(start.size(), ' ');
    }
    paragraph_.clear();
  }

  std::size_t width_;
  bool in_drawing_ = false;
  bool after_heading_ = false;
  std::string paragraph_;
  std::vector<std::vector<std::string>> table_;
  std::string out_;
};

}  // namespace

std::string in_columns(const std::vector<std::vector<std::string>>& rows, std::size_t width,
                       std::size_t indent) {
  const std::size_t columns = rows.front().size();
  std::vector<std::size_t> widths(columns);
  for (const auto& row : rows) {
    for (std::size_t column = 0; column + 1 < columns; ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  // The last column gets what the others leave, and that is a third of the line at least.
  const auto used = [&] {
    std::size_t sum = indent + 2 * (columns - 1);
    for (std::size_t column = 0; column + 1 < columns; ++column) sum += widths[column];
    return sum;
  };
  while (columns > 1 && used() > width * 2 / 3) --*std::max_element(widths.begin(), widths.end());
  widths.back() = width - used();
  std::string text;
  for (const auto& row : rows) {
    std::vector<std::vector<std::string>> folded;
    std::size_t height = 0;
    for (std::size_t column = 0; column < columns; ++column) {
      folded.push_back(fold(row[column], widths[column]));
      height = std::max(height, folded.back().size());
    }
    for (std::size_t at = 0; at < height; ++at) {
      std::string line(indent, ' ');
      for (std::size_t column = 0; column < columns; ++column) {
        line += fmt::format("{:<{}}  ", at < folded[column].size() ? folded[column][at] : "",
                            widths[column]);
      }
      text += fmt::format("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
    }
  }
  return text;
}

std::string page_text(std::string_view markdown, std::size_t width) {
  return Page{width}.render(markdown);
}

}  // namespace wirefault
