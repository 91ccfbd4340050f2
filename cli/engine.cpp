#include "cli/engine.h"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "report/json.h"

namespace wirefault::cli {
namespace {

// What the program, its libraries and the reader take of --max-mem before any table does (measured
// on a capture of ten packets).
constexpr std::size_t process_memory = std::size_t{14} << 20;

HashKey random_key() {
  std::array<std::uint64_t, 2> seed;
  if (getrandom(seed.data(), sizeof seed, 0) != sizeof seed) {
    throw Error{"the system gives no random bytes"};
  }
  return HashKey{seed[0], seed[1]};
}

}  // namespace

Engine::Engine(const Plan& plan)
    : settings{plan.overrides},
      memory{plan.memory - std::min(plan.memory / 4, process_memory)},
      judgement{settings, {memory, plan.detectors}},
      tracking{settings, {memory, random_key()}, judgement} {
  settings.check_all_known();
}

Result Engine::result(const std::vector<SourceInfo>& sources) const {
  Result result = judgement.result(sources);
  result.overrides = settings.overrides();
  return result;
}

Result Engine::result_so_far(const std::vector<SourceInfo>& sources) const {
  Result result = judgement.result(sources, tracking.summary());
  result.overrides = settings.overrides();
  return result;
}

std::string report(const Plan& plan, const Output& output, const Result& result,
                   std::size_t left_out) {
  if (output.format == Format::json) return json_report(result);
  TextOptions options = plan.text;
  options.left_out = left_out;
  if (!output.name.empty()) {  // no terminal
    options.width = 80;
    options.terminal = options.color = false;
  }
  return text_report(result, options);
}

bool is_incomplete(const Result& result) {
  const auto unknown_link = result.quality.numbers.find("unknown_link");
  if (unknown_link != result.quality.numbers.end() && unknown_link->second > 0) return true;
  return std::any_of(result.sources.begin(), result.sources.end(), [](const SourceInfo& source) {
    const std::uint64_t drops = source.drops();
    return source.cut_short || (drops != 0 && drops >= source.packets / 1000);
  });
}

}  // namespace wirefault::cli
