// How findings say numbers, times and names, so that they all say them alike.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capture/timestamp.h"
#include "detectors/finding.h"
#include "detectors/knowledge/vantage.h"
#include "detectors/tally_map.h"
#include "dissectors/facts.h"

namespace wirefault {

std::string grouped(std::uint64_t number);                        // 1,843
std::string rough_duration(Duration duration);                    // 2 ms, 5.0 s, 8m10s
std::string share_text(std::uint64_t part, std::uint64_t whole);  // 99.98%; never "100%" of less
std::string plural(std::uint64_t count, std::string_view noun);   // 1 query, 2 queries

// `head` + `subject` + `tail` in at most 60 columns: a long subject loses its middle.
std::string short_title(std::string_view head, std::string_view subject, std::string_view tail);

// The same with two subjects, addresses as a rule: where there is no room for both, each loses of
// its middle.
std::string short_title(std::string_view head, std::string_view first, std::string_view between,
                        std::string_view second, std::string_view tail);

// What it means for packets without an answer where they were captured. Near the client: nothing.
// Near the server: they came that far and no answer left, which rules out some of the causes.
// `what` in the plural: "queries".
void add_vantage(Finding& finding, Vantage vantage, std::string_view what,
                 std::initializer_list<std::string_view> ruled_out);

// A name as an argument of dig, to be pasted into a shell: whoever sends a query chooses the name.
std::string dig_name(const dns::Name& name);

// Everything but printable ASCII becomes \DDD: file and interface names are bytes that somebody
// else chose, and a report must not be able to move a terminal's cursor.
std::string printable(std::string_view text);

// The capture filter of a finding of which all was seen in `tunnel` (as Finding::tunnel has it):
// BPF does not look into tunnels, so it must be all that the outermost one carries. What may come
// from any tunnel needs all of them besides.
std::string around_tunnel(const std::string& filter, std::optional<std::uint64_t> tunnel,
                          const CaptureSummary& summary);

// A capture filter that also finds what it finds behind VLAN tags and the like, as far as this
// capture has such: BPF looks for addresses where they are without.
std::string behind_tags(const std::string& filter, const CaptureSummary& summary);

// frame.number in {3, 7}: what every Wireshark from 4.0 on understands.
std::string frame_filter(std::span<const PacketRef> frames);

// Frame numbers mean something in their own file only: where a finding's display filter lists those
// of several files, this is what to use in each. Empty when the one filter holds in all of them.
struct FileFilter {
  std::uint16_t source = 0;
  std::string text;
};
std::vector<FileFilter> filters_by_file(const Finding& finding);

template <class Key>
Who who(std::string_view role, const TopList<Key>& list) {
  Who said{role, {}, list.distinct(), !list.is_exact()};
  for (const auto& [key, count] : list.top()) said.top.push_back({key.to_string(), count});
  return said;
}
template <class Key>
Who who(std::string_view role, const Key& only) {
  return {role, {{only.to_string(), 0}}, 1};
}

}  // namespace wirefault
