// Whoever sends a query chooses the name in it, and we print commands with that name, to be pasted
// into a shell as root. Nothing in it may run.
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/process.h"
#include "tests/support/samples.h"

namespace wirefault::tests {
namespace {

// The sample with names of its own length that make a file where a shell expands them.
std::string with_hostile_names(std::string capture) {
  const std::vector<std::pair<std::string, std::string>> labels{{"\007example", "\007$(>own)"},
                                                                {"\003www", "\003;>o"}};
  for (const auto& [label, hostile] : labels) {
    for (std::size_t at = capture.find(label); at != capture.npos; at = capture.find(label, at)) {
      capture.replace(at, label.size(), hostile);
    }
  }
  return capture;
}

TEST_CASE("a name on the wire runs nothing in the shell that our commands are pasted into",
          "[whole]") {
  std::size_t commands_with_names = 0;
  for (const std::filesystem::path& sample : sample_captures()) {
    if (!sample_name(sample).starts_with("dns-") || sample.extension() != ".pcap") continue;
    TemporaryDirectory directory;
    write_file(directory / "hostile.pcap", with_hostile_names(read_file(sample)));
    const ProcessResult result =
        run({WIREFAULT_PROGRAM, "analyze", "-o", "json", directory / "hostile.pcap"});
    REQUIRE(result.status == 0);
    // What is looked up for a command is found nowhere; what is expanded before that, happens.
    std::string script = "cd " + (directory / "").string() + "\nPATH=/nonexistent\n";
    const auto report = nlohmann::json::parse(result.out);
    for (const auto& finding : report["findings"]) {
      std::vector<std::string> commands = finding["next"];
      for (const auto& cause : finding["causes"]) {
        if (cause["check"].is_string()) commands.push_back(cause["check"]);
      }
      for (const std::string& command : commands) {
        script += command + "\n";
        if (command.find("own") != command.npos) ++commands_with_names;
      }
    }
    write_file(directory / "commands.sh", script);
    INFO(sample_name(sample) << "\n" << script);
    CHECK(run({"sh", directory / "commands.sh"}).err.find("Syntax") == std::string::npos);
    CHECK_FALSE(std::filesystem::exists(directory / "own"));
    CHECK_FALSE(std::filesystem::exists(directory / "o"));
  }
  CHECK(commands_with_names > 50);
}

}  // namespace
}  // namespace wirefault::tests
