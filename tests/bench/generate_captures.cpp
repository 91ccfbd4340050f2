// Makes the captures the benchmark runs on, with counters of what is in them. See `--help`.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "tests/bench/capture_file.h"
#include "tests/bench/traffic.h"
#include "tests/bench/truth.h"

namespace wirefault::bench {

namespace {

constexpr std::string_view usage =
    R"(usage: generate_captures --scenario mix|dns|syn-flood|many-flows --packets N --out FILE [...]

The same arguments give the same bytes. N may end in k or M. FILE may be - for standard output, so
that a capture larger than the disk can be piped into a program.

  --flows N          concurrent connections (default 5000; syn-flood: at most 500, dns: none)
  --seed N           (default 1)
  --format FORMAT    pcap (default) or pcapng
  --snap-length N    bytes of each packet to keep (default 262144)
  --truth FILE       write the counters there, as JSON
)";

struct Options {
  std::optional<Scenario> scenario;
  std::uint64_t packets = 0;
  std::uint64_t flows = 5000;
  std::uint64_t seed = 1;
  std::uint64_t snap_length = 262144;
  CaptureFormat format = CaptureFormat::pcap;
  std::string out;
  std::string truth;
};

std::optional<Scenario> parse_scenario(std::string_view text) {
  if (text == "mix") return Scenario::mix;
  if (text == "dns") return Scenario::dns;
  if (text == "syn-flood") return Scenario::syn_flood;
  if (text == "many-flows") return Scenario::many_flows;
  return std::nullopt;
}

bool parse_number(std::string_view text, std::uint64_t& value) {
  std::uint64_t unit = 1;
  if (text.ends_with('k')) unit = 1'000;
  if (text.ends_with('M')) unit = 1'000'000;
  if (unit > 1) text.remove_suffix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  value *= unit;
  return error == std::errc{} && end == text.data() + text.size();
}

bool set_option(Options& options, std::string_view name, std::string_view value) {
  if (name == "--packets") return parse_number(value, options.packets);
  if (name == "--flows") return parse_number(value, options.flows);
  if (name == "--seed") return parse_number(value, options.seed);
  if (name == "--snap-length") return parse_number(value, options.snap_length);
  if (name == "--scenario") {
    options.scenario = parse_scenario(value);
    return options.scenario.has_value();
  }
  if (name == "--format") {
    options.format = value == "pcapng" ? CaptureFormat::pcapng : CaptureFormat::pcap;
    return value == "pcapng" || value == "pcap";
  }
  if (name == "--out") {
    options.out = value;
    return true;
  }
  if (name == "--truth") {
    options.truth = value;
    return true;
  }
  return false;
}

std::optional<Options> parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    if (i + 1 >= argc || !set_option(options, argv[i], argv[i + 1])) {
      fmt::print(stderr, "cannot understand {}\n", argv[i]);
      return std::nullopt;
    }
  }
  const bool complete = options.scenario && options.packets > 0 && !options.out.empty();
  if (!complete) fmt::print(stderr, "--scenario, --packets and --out are needed\n");
  return complete ? std::optional{options} : std::nullopt;
}

bool write_text(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  const bool written = std::fputs(text.c_str(), file) >= 0;
  return std::fclose(file) == 0 && written;
}

int generate(const Options& options) {
  Truth truth;
  CaptureFile capture{options.out, options.format, static_cast<std::uint32_t>(options.snap_length),
                      truth};
  Traffic traffic{*options.scenario, options.packets, static_cast<std::uint32_t>(options.flows),
                  options.seed,      capture,         truth};
  traffic.run();
  capture.close();
  if (!options.truth.empty() && !write_text(options.truth, to_json(truth))) {
    std::perror(options.truth.c_str());
    return 1;
  }
  return 0;
}

}  // namespace

}  // namespace wirefault::bench

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view{argv[1]} == "--help") {
    fmt::print("{}", wirefault::bench::usage);
    return 0;
  }
  const auto options = wirefault::bench::parse(argc, argv);
  return options ? wirefault::bench::generate(*options) : 2;
}
