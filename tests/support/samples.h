// The captures under samples/, for tests that say something about every one of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace wirefault::tests {

// Sorted by path.
std::vector<std::filesystem::path> sample_captures();

// "dns-unanswered/fires": the path below samples/, without the extension.
std::string sample_name(const std::filesystem::path& capture);

}  // namespace wirefault::tests
