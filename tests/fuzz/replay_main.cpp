// Runs a fuzz target over folders of seeds and over mutations of them, the same ones every time;
// after
// --prefixes N instead over N prefixes of each seed, all of them where it has no more octets.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Octets = std::vector<std::uint8_t>;

void run(const Octets& input) {
  // A copy of exactly this size, so that a byte too far is seen by the address sanitizer.
  const Octets exact{input};
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

void mutate(Octets& bytes, std::mt19937& random) {
  if (bytes.empty()) return;
  const std::size_t at = random() % bytes.size();
  const auto here = bytes.begin() + static_cast<std::ptrdiff_t>(at);
  switch (random() % 5) {
    case 0:
      bytes[at] = static_cast<std::uint8_t>(random());
      break;
    case 1:
      bytes[at] ^= static_cast<std::uint8_t>(1u << random() % 8);
      break;
    case 2:
      bytes.resize(at);
      break;
    case 3:
      bytes.erase(here, here + static_cast<std::ptrdiff_t>(
                                   std::min<std::size_t>(random() % 8, bytes.size() - at)));
      break;
    case 4:
      bytes.insert(here, random() % 2 == 0 ? 0x00 : 0xff);
      break;
  }
}

void run_mutations(const Octets& seed) {
  constexpr int mutations_per_seed = 2000;
  run(seed);
  std::mt19937 random{static_cast<std::uint32_t>(seed.size())};
  Octets input = seed;
  for (int mutation = 0; mutation < mutations_per_seed; ++mutation) {
    // Mutations pile up for a while, then start over.
    if (mutation % 6 == 0) input = seed;
    mutate(input, random);
    run(input);
  }
}

// Evenly spread.
void run_prefixes(const Octets& seed, std::size_t most) {
  const std::size_t count = std::min(most, seed.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto length = static_cast<std::ptrdiff_t>(seed.size() * i / count);
    run({seed.begin(), seed.begin() + length});
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> folders{argv + 1, argv + argc};
  std::size_t prefixes = 0;
  if (folders.size() > 2 && folders[0] == "--prefixes") {
    prefixes = std::stoul(folders[1]);
    folders.erase(folders.begin(), folders.begin() + 2);
  }
  std::size_t seeds = 0;
  for (const std::string& folder : folders) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{folder}) {
      if (entry.is_regular_file()) files.push_back(entry.path());
    }
    std::ranges::sort(files);
    for (const auto& file : files) {
      std::ifstream stream{file, std::ios::binary};
      const Octets seed{std::istreambuf_iterator<char>{stream}, {}};
      if (prefixes == 0) {
        run_mutations(seed);
      } else {
        run_prefixes(seed, prefixes);
      }
      ++seeds;
    }
  }
  fmt::print("{} seeds\n", seeds);
  return seeds > 0 ? 0 : 1;
}
