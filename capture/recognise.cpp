#include "capture/recognise.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "capture/shell_word.h"

namespace wirefault {
namespace {

using namespace std::string_view_literals;

struct Known {
  std::string_view magic;
  std::string_view what;
};

// The run line decompresses to standard output.
struct Compressed {
  Known known;
  std::string_view program;
};
constexpr Compressed compressed[] = {
    {{"\xfd"
      "7zXZ\0"sv,
      "xz"},
     "xz -dc"},
    {{"BZh"sv, "bzip2"}, "bzip2 -dc"},
    {{"\x02\x21\x4c\x18"sv, "legacy-lz4"}, "lz4 -dc"},
    {{"PK\x03\x04"sv, "zip"}, "unzip -p"},
};

// Formats that Wireshark reads and we do not.
constexpr Known convertible[] = {
    {"snoop\0\0\0"sv, "a snoop capture"},
    {"RTSS"sv, "a Network Monitor 1 capture"},
    {"GMBU"sv, "a Network Monitor 2 capture"},
    {"TRSNIFF data    \x1a"sv, "a Sniffer capture"},
    {"XCP\0"sv, "a Sniffer for Windows capture"},
    {"\x05VNF"sv, "a Visual Networks capture"},
    {"iptrace 1.0"sv, "an AIX iptrace capture"},
    {"iptrace 2.0"sv, "an AIX iptrace capture"},
    {"\x7fver"sv, "an OmniPeek capture"},
    {"btsnoop\0"sv, "a btsnoop capture"},
    {"NetS"sv, "a NetScaler trace"},
    {"Daintree"sv, "a Daintree capture"},
    {"\xa1\xb2\x34\xcd"sv, "a pcap file of an unusual kind"},
    {"\xcd\x34\xb2\xa1"sv, "a pcap file of an unusual kind"},
    {"\xa1\xe2\xcb\x12"sv, "a pcap file of an unusual kind"},
    {"\x12\xcb\xe2\xa1"sv, "a pcap file of an unusual kind"},
};

bool begins_with(std::string_view head, const Known& known) {
  return head.starts_with(known.magic);
}

bool is_text(std::string_view head) {
  return !head.empty() && std::ranges::all_of(head, [](char c) {
    return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
  });
}

}  // namespace

Error not_a_capture(Bytes bytes, const std::string& name, const std::string& damage) {
  const std::string_view head{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  const std::string shown = name == "-" ? "standard input" : name;
  if (!damage.empty()) return Error{fmt::format("{} cannot be read: {}", shown, damage)};

  for (const auto& [known, program] : compressed) {
    if (!begins_with(head, known)) continue;
    return Error{fmt::format("{} is {}-compressed, which is not read directly", shown, known.what),
                 fmt::format("  run:   {} {} | wirefault analyze -", program, shell_word(name))};
  }
  const std::string convert =
      fmt::format("  run:   editcap -F pcapng {} - | wirefault analyze -", shell_word(name));
  const auto* found = std::ranges::find_if(
      convertible, [&](const Known& known) { return begins_with(head, known); });
  if (found != std::end(convertible)) {
    return Error{fmt::format("{} is {}, which is not read directly", shown, found->what), convert};
  }
  if (is_text(head)) {
    return Error{
        fmt::format("{} is not a capture file: it begins like a text", shown),
        "  packets printed by tcpdump or tshark do not hold enough; write a capture with:\n"
        "         tcpdump -w capture.pcap"};
  }
  std::string first;
  for (const std::uint8_t byte : bytes.first(std::min<std::size_t>(bytes.size(), 4))) {
    first += fmt::format(" {:02x}", byte);
  }
  return Error{fmt::format("{} is not a capture file: it begins with{}, which is neither pcap nor "
                           "pcapng",
                           shown, first),
               "  if another tool wrote it (ERF, for one), convert it:\n" + convert};
}

}  // namespace wirefault
