// Settings are declared by being read: whoever needs one asks for it once, giving name, default and
// a line of help. Help, reports and pages come from what was recorded; an override that nobody
// asked for is an error.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "capture/timestamp.h"

namespace wirefault {

class Settings {
 public:
  struct Declared {
    std::string name;      // "dns-unanswered.min-lookups"
    std::string value;     // in force, with its unit
    std::string standard;  // the default, likewise
    std::string help;
  };

  // Overrides as the user wrote them: "dns.answer-timeout=3s". Throws Error for one without "=".
  explicit Settings(const std::vector<std::string>& overrides = {});

  // Names are `<owner>.<name>`; the owner is a detector's id or a tracker's protocol. Throw Error
  // when an override cannot be read as the type asked for.
  std::uint64_t count(std::string_view owner, std::string_view name, std::uint64_t standard,
                      std::string_view help);
  // 0 to 100; integers, so that no report depends on floating point.
  std::uint64_t percent(std::string_view owner, std::string_view name, std::uint64_t standard,
                        std::string_view help);
  // Overrides need a unit: ms, s, m or h. A decimal fraction is fine.
  Duration duration(std::string_view owner, std::string_view name, Duration standard,
                    std::string_view help);

  // Throws Error, with a did-you-mean, for the first override that nobody asked for. Call it when
  // everything that reads settings has been made.
  void check_all_known() const;

  const std::vector<Declared>& declared() const { return declared_; }
  // The overrides in force, sorted: every report echoes them.
  std::vector<std::string> overrides() const;

 private:
  const std::string* find(const std::string& name) const;
  void declare(std::string name, std::string value, std::string standard, std::string_view help);

  std::map<std::string, std::string> overrides_;
  std::vector<Declared> declared_;
};

// "5.5s", "250ms", "2m": the shortest exact form.
std::string duration_text(Duration duration);

}  // namespace wirefault
