// What users type, read strictly: every refusal says what was wanted.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capture/timestamp.h"
#include "detectors/finding.h"
#include "report/words.h"

namespace wirefault::cli {

// `option` is named in what is thrown: "--min-severity". All throw Error.
Severity parse_severity(std::string_view option, std::string_view text);
Confidence parse_confidence(std::string_view option, std::string_view text);
std::uint64_t parse_number(std::string_view option, std::string_view text, std::uint64_t most);
// "256M", "1G", "512MiB": powers of 1024. "1000000": bytes.
std::size_t parse_size(std::string_view option, std::string_view text);

// "5m30s", "1h", "250ms"
Duration parse_duration(std::string_view option, std::string_view text);

// A moment of the capture: fixed, or known once its first packet is seen.
struct TimeBound {
  enum class From { epoch, start_of_capture, day_of_capture };
  From from = From::epoch;
  Duration offset{};

  Timestamp resolve(Timestamp first_packet, Zone zone) const;
};
// "2024-05-01 10:10:10", "2024-05-01T10:10:10.5Z", "10:10:10", "+5m30s". In `zone` unless the text
// has an offset of its own.
TimeBound parse_time(std::string_view option, std::string_view text, Zone zone);

// `*` stands for any text, also none; `?` for one character.
bool matches_glob(std::string_view pattern, std::string_view text);

// "  did you mean: X", or `otherwise` where nothing is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates,
                         std::string_view otherwise);

// The ids that --only and --skip leave; both may hold globs. Throws Error for one that names
// nothing.
std::vector<std::string> choose_detectors(const std::vector<std::string>& only,
                                          const std::vector<std::string>& skip);

}  // namespace wirefault::cli
