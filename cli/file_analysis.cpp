#include "cli/file_analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>

#include "cli/engine.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "detectors/wording.h"

namespace wirefault::cli {
namespace {

// Opens what can be opened: one bad file among many must not cost the others.
std::unique_ptr<Source> open_what_can_be(const Plan& plan, const std::vector<std::string>& files,
                                         Trouble& trouble) {
  if (files.size() == 1) return open_files(files, plan.file_options);
  std::vector<std::string> good;
  for (const std::string& file : files) {
    try {
      // A pipe cannot be opened twice, and is believed.
      if (!is_pipe(file)) open_files({file}, plan.file_options);
      good.push_back(file);
    } catch (const Error& error) {
      complain(error);
      trouble.failures.emplace_back(error.what());
    }
  }
  if (good.empty()) throw Error{"none of the files can be read"};
  return open_files(good, plan.file_options);
}

// A FIFO opens only when somebody writes to it, and a pipe may stay silent.
std::unique_ptr<Source> open_unless_interrupted(const Plan& plan,
                                                const std::vector<std::string>& files,
                                                Trouble& trouble) {
  try {
    return open_what_can_be(plan, files, trouble);
  } catch (const Error&) {
    if (!interrupted()) throw;
    throw Error{"interrupted before the first packet", {}, ExitStatus::interface_vanished};
  }
}

// Lets through the packets between --from and --to.
class Window {
 public:
  explicit Window(const Plan& plan) : plan_{plan} {}

  std::span<const Packet> inside(std::span<const Packet> packets) {
    if (!plan_.from && !plan_.to) return packets;
    if (!known_) {
      const Zone zone = plan_.text.zone;
      if (plan_.from) from_ = plan_.from->resolve(packets.front().time, zone);
      if (plan_.to) to_ = plan_.to->resolve(packets.front().time, zone);
      known_ = true;
    }
    kept_.clear();
    std::copy_if(packets.begin(), packets.end(), std::back_inserter(kept_),
                 [&](const Packet& packet) { return from_ <= packet.time && packet.time <= to_; });
    return kept_;
  }

 private:
  const Plan& plan_;
  bool known_ = false;
  Timestamp from_ = Timestamp::min();
  Timestamp to_ = Timestamp::max();
  std::vector<Packet> kept_;
};

void add_note(Quality& quality, std::string_view kind, std::string text) {
  quality.notes.insert(quality.notes.begin(), {kind, Grade::degraded, 0, std::move(text)});
  quality.grade = std::max(quality.grade, Grade::degraded);
}

}  // namespace

bool is_pipe(const std::string& name) {
  using std::filesystem::file_type;
  std::error_code ignored;
  const file_type type = std::filesystem::status(name, ignored).type();
  return name == "-" || type == file_type::fifo || type == file_type::character;
}

Result analyze(const Plan& plan, const std::vector<std::string>& files, Trouble& trouble) {
  Engine engine{plan};
  const std::unique_ptr<Source> source = open_unless_interrupted(plan, files, trouble);
  Window window{plan};
  Progress progress{!plan.quiet};
  std::uint64_t packets = 0;
  try {
    for (auto batch = source->next(); !batch.empty() && !interrupted(); batch = source->next()) {
      engine.tracking.add(window.inside(batch));
      packets += batch.size();
      progress.update(packets, source->sources());
    }
  } catch (const Error& error) {
    progress.clear();
    complain(error);
    trouble.failures.push_back(error.what());
  }
  progress.clear();
  trouble.was_interrupted = interrupted();
  engine.tracking.finish();
  Result result = engine.result(source->sources());
  for (const std::string& failure : trouble.failures)
    add_note(result.quality, "unreadable", failure);
  if (trouble.was_interrupted) {
    add_note(result.quality, "interrupted",
             fmt::format("reading was stopped after {}; the rest was not looked at",
                         plural(packets, "packet")));
  }
  if (plan.verbose) {
    const double seconds = progress.elapsed().count();
    write_stderr(
        fmt::format("wirefault: {} in {:.2f} s, {} packets/s\n", plural(packets, "packet"), seconds,
                    grouped(static_cast<std::uint64_t>(static_cast<double>(packets) / seconds))));
  }
  return result;
}

void read_again(const Plan& plan, const std::function<void(const Packet&)>& take) {
  const std::unique_ptr<Source> source = open_files(plan.files, plan.file_options);
  Window window{plan};
  for (auto batch = source->next(); !batch.empty() && !interrupted(); batch = source->next()) {
    for (const Packet& packet : window.inside(batch)) take(packet);
  }
}

}  // namespace wirefault::cli
