// How findings say numbers, times and names, so that they all say them alike.
#pragma once

#include <string>
#include <string_view>

#include "capture/timestamp.h"
#include "detectors/finding.h"
#include "detectors/tally_map.h"

namespace wirefault {

std::string grouped(std::uint64_t number);                        // 1,843
std::string rough_duration(Duration duration);                    // 2 ms, 5.0 s, 8m10s
std::string share_text(std::uint64_t part, std::uint64_t whole);  // 99.98%; never "100%" of less
std::string plural(std::uint64_t count, std::string_view noun);   // 1 query, 2 queries

// `head` + `subject` + `tail` in at most 60 columns: a long subject loses its middle.
std::string short_title(std::string_view head, std::string_view subject, std::string_view tail);

template <class Key>
Who who(std::string_view role, const TopList<Key>& list) {
  Who said{role, {}, list.distinct()};
  for (const auto& [key, count] : list.top()) said.top.push_back({key.to_string(), count});
  return said;
}
template <class Key>
Who who(std::string_view role, const Key& only) {
  return {role, {{only.to_string(), 0}}, 1};
}

}  // namespace wirefault
