#include "tests/support/process.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace wirefault::tests {

namespace {

void redirect(const std::filesystem::path& path, int flags, int descriptor) {
  const int file = open(path.c_str(), flags, 0600);
  if (file < 0 || dup2(file, descriptor) < 0) _exit(126);
  close(file);
}

[[noreturn]] void become(const std::vector<std::string>& command,
                         const std::filesystem::path& input, const std::filesystem::path& out,
                         const std::filesystem::path& err) {
  redirect(input, O_RDONLY, STDIN_FILENO);
  redirect(out, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
  redirect(err, O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  alarm(60);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

}  // namespace

ProcessResult run(const std::vector<std::string>& command, const std::filesystem::path& input) {
  const TemporaryDirectory directory;
  const auto out = directory / "out";
  const auto err = directory / "err";
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error{"cannot fork"};
  if (child == 0) become(command, input, out, err);
  int status = 0;
  waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out),
          read_file(err)};
}

bool ends(int process) {
  for (int i = 0; i < 1000; ++i) {
    // "1234 (name) S ...". One that nobody waits for is a zombie.
    std::ifstream file{"/proc/" + std::to_string(process) + "/stat"};
    const std::string status{std::istreambuf_iterator<char>{file}, {}};
    if (status.empty() || status.find(") Z ") != status.npos) return true;
    usleep(10'000);
  }
  return false;
}

TemporaryDirectory::TemporaryDirectory() {
  // mkdtemp() replaces six of these.
  const std::string random(6, 'X');
  std::string name = std::filesystem::temp_directory_path() / ("wirefault-test-" + random);
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make a directory"};
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  if (!file) throw std::runtime_error{"cannot read " + path.string()};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream file{path, std::ios::binary};
  file << content;
  if (!file.flush()) throw std::runtime_error{"cannot write " + path.string()};
}

}  // namespace wirefault::tests
