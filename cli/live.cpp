// `wirefault live`: watches an interface and says what fails, while it fails.
//
// In this order: whatever needs names, files or privileges; then the sandbox; then the first
// packet. After that nothing is opened any more, but by a process that looks at no packet.
#include "capture/live.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <utility>

#include "capture/evidence_files.h"
#include "capture/file_opener.h"
#include "capture/recent_packets.h"
#include "cli/engine.h"
#include "cli/interrupt.h"
#include "cli/live_plan.h"
#include "cli/live_screen.h"
#include "cli/replaced_file.h"
#include "cli/verbs.h"
#include "detectors/board.h"
#include "detectors/quality.h"
#include "detectors/wording.h"
#include "report/event_lines.h"
#include "report/live_status.h"
#include "report/metrics.h"
#include "report/rates.h"

namespace wirefault::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

Timestamp system_time() {
  return Timestamp{
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())};
}

// The files that are made after the sandbox has been entered.
class Files {
 public:
  // `path` is what the user gave, `begins` what the names to be made begin with.
  void need(const std::string& path, FilePath begins) {
    paths_.push_back(path);
    begins_.push_back(std::move(begins));
  }
  // Forks: before anything large is made.
  void open() {
    if (!paths_.empty()) process_.emplace(begins_);
  }
  FileOpener& of(const std::string& path) {
    const auto at = std::find(paths_.begin(), paths_.end(), path);
    return process_->folder(static_cast<std::size_t>(at - paths_.begin()));
  }
  std::vector<int> descriptors() const {
    return process_ ? std::vector<int>{process_->descriptor()} : std::vector<int>{};
  }

 private:
  std::vector<std::string> paths_;
  std::vector<FilePath> begins_;
  std::optional<OpenerProcess> process_;
};

// Where the packets of a finding go when the user asks for them: the folder he is in.
const std::string saved_prefix = "wirefault-";

// "20240501-101010", in UTC.
std::string name_of(Timestamp time) {
  std::string text = rfc3339(time).substr(0, 19);
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  std::ranges::replace(text, 'T', '-');
  return text;
}

// What the process has of the machine's memory, read from a file that stays open.
class OwnMemory {
 public:
  int descriptor() const { return file_.get(); }
  std::uint64_t resident() const {
    std::array<char, 128> text{};
    if (pread(file_.get(), text.data(), text.size() - 1, 0) <= 0) return 0;
    const char* second = std::strchr(text.data(), ' ');
    if (second == nullptr) return 0;
    return std::strtoull(second, nullptr, 10) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  }

 private:
  FileDescriptor file_{open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
};

// A file to which events are appended, as they come.
struct Log {
  explicit Log(const std::string& path)
      : name{path},
        file{open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644)},
        output{file.get()} {
    if (!file.is_open()) cannot_write(path, errno);
  }

  std::string name;
  FileDescriptor file;
  PatientOutput output;
};

class Watch {
 public:
  Watch(const Plan& plan, const LivePlan& live, Files& files)
      : plan_{plan}, live_{live}, files_{files}, capture_{live.capture}, engine_{plan} {
    for (const std::string& log : live.logs) logs_.push_back(std::make_unique<Log>(log));
    for (const Output& output : plan.outputs) {
      if (output.name.empty()) {
        on_stdout_ = output.format;
      } else if (output.format == Format::jsonl) {
        logs_.push_back(std::make_unique<Log>(output.name));
      } else {
        reports_.emplace_back(&output, ReplacedFile{output.name, files.of(output.name)});
      }
    }
    if (!live.metrics.empty()) metrics_.emplace(live.metrics, files.of(live.metrics));
    if (live.evidence) {
      evidence_.emplace(*live.evidence, files.of(live.evidence->file),
                        capture_.sources().front().interfaces, system_time());
    }
  }

  void enter_sandbox() {
    tzset();  // reads a file
    SandboxOptions options;
    options.mode = live_.sandbox;
    options.user = live_.user;
    options.keep = capture_.descriptors();
    // Nothing can be sent by the socket that captures.
    options.mute = {options.keep.back()};
    for (const int file : files_.descriptors()) options.keep.push_back(file);
    for (const auto& log : logs_) options.keep.push_back(log->file.get());
    if (screen_) options.keep.push_back(screen_->descriptor());
    options.keep.push_back(memory_.descriptor());
    if (evidence_) options.keep.push_back(evidence_->descriptor());
    const SandboxStatus status = wirefault::enter_sandbox(options);
    if (live_.sandbox_status) tell_user(status.text());
    sandbox_ = status.summary();
  }

  void open_screen() {
    if (!live_.has_screen) return;
    if (auto terminal = cli::open_screen()) {
      screen_ = std::make_unique<LiveScreen>(
          std::move(terminal), ScreenLook{plan_.text.color, locale_is_utf8(), plan_.text.zone},
          board_);
    }
  }

  ExitStatus run() {
    say_start();
    begun_ = SteadyClock::now();
    next_second_ = begun_ + seconds{1};
    pass_second();
    while (!interrupted() && !is_over()) step();
    if (evidence_ && evidence_->is_complete() && !plan_.quiet) {
      tell_user(fmt::format("wirefault: -W {}: {} of -G {} written, that was all\n",
                            live_.evidence->most_files, plural(live_.evidence->most_files, "file"),
                            live_.evidence->rotate_interval.count()));
    }
    screen_.reset();
    write_stderr(std::exchange(for_later_, {}));
    drain();
    return finish();
  }

 private:
  bool is_over() const {
    return capture_.state() == LiveCapture::State::gone || until_met_ || enough_ || has_quit_ ||
           (evidence_ && evidence_->is_complete()) || is_for_nobody() ||
           (live_.duration && SteadyClock::now() - begun_ >= *live_.duration);
  }

  // As `| head` leaves it: with nobody to read, and nothing that is kept.
  bool is_for_nobody() const {
    return on_stdout_ && stdout_.is_gone() && logs_.empty() && reports_.empty() && !metrics_ &&
           !evidence_;
  }

  void step() {
    // Asked before it is known that the ring is empty: what comes later is stamped no earlier.
    const Timestamp asked = system_time();
    const std::span<const Packet> packets = capture_.read();
    take(packets);
    flush();
    if (packets.empty()) {
      engine_.tracking.pass(asked - 2 * LiveCapture::block_timeout);
      const auto left = std::chrono::ceil<milliseconds>(next_second_ - SteadyClock::now());
      const int terminal = screen_ ? screen_->descriptor() : -1;
      capture_.wait(std::clamp(left, milliseconds{1}, longest_wait), {&terminal, 1});
    }
    if (screen_ && continued()) screen_->resume();
    if (screen_) heed(screen_->update());
    if (SteadyClock::now() >= next_second_) pass_second();
  }

  void take(std::span<const Packet> packets) {
    if (live_.most_packets) {
      packets = packets.first(std::min<std::size_t>(packets.size(), *live_.most_packets - taken_));
      enough_ = taken_ + packets.size() == *live_.most_packets;
    }
    taken_ += packets.size();
    for (const Packet& packet : packets) {
      if (evidence_) evidence_->add(packet);
      if (screen_) recent_.add(packet);
    }
    engine_.tracking.add(packets);
  }

  // What waits to be written, as far as that keeps nobody waiting.
  void flush() {
    if (evidence_) evidence_->flush_if_due(SteadyClock::now() - begun_);
    stdout_.flush();
    for (const auto& log : logs_) log->output.flush();
  }

  void heed(const std::vector<LiveScreen::Wish>& wishes) {
    for (const LiveScreen::Wish& wish : wishes) {
      const BoardRow* const row = board_.find(wish.row);
      switch (wish.kind) {
        case LiveScreen::Wish::Kind::quit:
          has_quit_ = true;
          break;
        case LiveScreen::Wish::Kind::save_evidence:
          screen_->say(row != nullptr ? save(row->finding) : "it is too long ago");
          break;
        case LiveScreen::Wish::Kind::draw_exchange:
          if (row != nullptr) screen_->draw(exchange_of(row->finding));
          break;
      }
    }
    // Nobody looks any more: the analysis goes on, what it says here goes nowhere.
    if (screen_->is_gone()) {
      screen_.reset();
      on_stdout_.reset();
    }
  }

  // As far as its packets are still in memory.
  std::shared_ptr<const Exchange> exchange_of(const Finding& finding) const {
    const auto worst = recent_.find(worst_packet(finding));
    if (!worst) return nullptr;
    auto exchange = std::make_shared<Exchange>(finding, words_of(*worst));
    recent_.for_each([&](const Packet& packet) { exchange->take(words_of(packet)); });
    return exchange;
  }

  // What came of it, for the user.
  std::string save(const Finding& finding) {
    std::vector<CommentedPacket> packets;
    for (const PacketRef ref : finding.frames) {
      if (const auto packet = recent_.find(ref)) {
        packets.push_back({*packet, fmt::format("wirefault {} {}", finding.id, finding.detector)});
      }
    }
    if (packets.empty())
      return fmt::format("the packets of {} are no longer in memory", finding.id);
    const std::string name = fmt::format("wirefault-{}-{}.pcapng", started_name_, finding.id);
    const auto problem = save_packets(files_.of(saved_prefix), name, packets, capture_.sources());
    if (problem) return *problem;
    return fmt::format("{} of {} saved to {}", packets.size(),
                       plural(finding.frames_total, "packet"), name);
  }

  void pass_second() {
    capture_.count();
    if (evidence_) evidence_->note(capture_.sources().front().interfaces);
    complain_of_evidence();
    const auto before = SteadyClock::now();
    Result result = engine_.result_so_far(capture_.sources());
    note_gaps(result);
    const std::size_t left_out = keep_only(plan_.selection, result);
    tell(board_.take(result, result.last), result.last);
    if (snapshot_wanted()) snapshot(result, left_out);
    show(result);
    // Judging takes longer the more there is to judge: no more than a tenth of the time.
    const auto taken = SteadyClock::now() - before;
    next_second_ = std::max(next_second_ + seconds{1}, SteadyClock::now() + 9 * taken);
  }

  void note_gaps(Result& result) {
    const LiveCounters& counters = capture_.count();
    note_interface_down(live_.capture.interface, counters.times_down, counters.down, result);
  }

  void show(const Result& result, bool is_last = false) {
    const Duration up = SteadyClock::now() - begun_;
    rates_.take(result.counts, up);
    if (!screen_ && (!metrics_ || (up < next_metrics_ && !is_last))) return;
    LiveStatus status;
    status.interface = live_.capture.interface;
    status.link_type = capture_.link_name();
    status.up = up;
    status.now = result.last;
    const LiveCounters& counters = capture_.count();
    status.capture = {counters.received, taken_, counters.dropped, counters.interface_dropped};
    status.counts = result.counts;
    status.rates = rates_.rates();
    status.flows = engine_.tracking.resident();
    status.resident_bytes = memory_.resident();
    status.filter = live_.capture.filter;
    if (live_.session) status.excluded = fmt::format("own ssh session ({})", live_.session->client);
    if (evidence_) {
      status.evidence = evidence_->failure() ? fmt::format("stopped: {}", *evidence_->failure())
                                             : evidence_->name();
    }
    status.is_down = capture_.state() == LiveCapture::State::down;
    // Tables that had to give something up since the last time are full.
    const auto evicted = result.quality.numbers.find("evicted");
    const std::uint64_t given_up = evicted == result.quality.numbers.end() ? 0 : evicted->second;
    status.is_emergency = given_up > std::exchange(given_up_, given_up);
    if (screen_) screen_->show(status);
    if (!metrics_ || (up < next_metrics_ && !is_last)) return;
    next_metrics_ = up + metrics_interval;
    try {
      metrics_->write(metrics_text(status, board_));
    } catch (const Error& error) {
      output_failed(error);
      metrics_.reset();
    }
  }

  void tell(const std::vector<BoardEvent>& events, Timestamp now) {
    for (const BoardEvent& event : events) {
      const BoardRow& row = board_.rows().at(event.row);
      if (on_stdout_ == Format::text && !screen_) {
        stdout_.add(event_line(event, board_, now, {plan_.text.zone, plan_.text.color}));
      } else if (on_stdout_ == Format::jsonl) {
        stdout_.add(json_line(event, board_, now));
      }
      for (const auto& log : logs_) log->output.add(json_line(event, board_, now));
      if (live_.until && event.kind != BoardEvent::Kind::close &&
          row.finding.severity >= *live_.until) {
        until_met_ = true;
      }
    }
    flush();
  }

  // Reports in files are replaced; without any, it goes to standard error, which no program reads.
  void snapshot(const Result& result, std::size_t left_out) {
    if (reports_.empty() && screen_) screen_->say("a snapshot needs a file: -o text:FILE");
    if (reports_.empty() && !screen_) write_stderr(text_report(result, plan_.text));
    write_reports(result, left_out);
  }

  void write_reports(const Result& result, std::size_t left_out) {
    for (auto& [output, file] : reports_) {
      try {
        file.write(report(plan_, *output, result, left_out));
      } catch (const Error& error) {
        output_failed(error);
      }
    }
  }

  void output_failed(const Error& error) {
    failed_ = true;
    if (screen_) {
      screen_->say(error.what());
    } else {
      complain(error);
    }
  }

  void complain_of_evidence() {
    if (!evidence_ || !evidence_->failure() || evidence_complained_) return;
    evidence_complained_ = true;
    output_failed(Error{*evidence_->failure(), "  the analysis goes on"});
  }

  // What has come to the ring is looked at, as long as that may take in all.
  void drain() {
    capture_.stop();
    const auto enough = SteadyClock::now() + 2 * LiveCapture::block_timeout;
    while (!capture_.is_drained() && SteadyClock::now() < enough) {
      const std::span<const Packet> packets = capture_.read();
      if (packets.empty()) capture_.wait(milliseconds{10}, {});
      if (!enough_) take(packets);
    }
  }

  ExitStatus finish() {
    const LiveCounters counters = capture_.count();
    if (evidence_) {
      evidence_->note(capture_.sources().front().interfaces);
      evidence_->close();
      complain_of_evidence();
    }
    engine_.tracking.finish();
    Result result = engine_.result(capture_.sources());
    note_gaps(result);
    const std::size_t left_out = keep_only(plan_.selection, result);
    tell(board_.take(result, result.last, true), result.last);
    show(result, true);
    board_.rename(result);
    for (const Output& output : plan_.outputs) {
      if (!output.name.empty() || output.format == Format::jsonl || !on_stdout_) continue;
      stdout_.finish();
      stdout_.add(report(plan_, output, result, left_out));
    }
    stdout_.finish();
    if (stdout_.problem() != 0) {
      output_failed(Error{
          fmt::format("cannot write to standard output: {}", std::strerror(stdout_.problem()))});
    }
    for (const auto& log : logs_) {
      log->output.finish();
      if (log->output.problem() != 0) {
        output_failed(Error{fmt::format("cannot write to {}: {}", log->name,
                                        std::strerror(log->output.problem()))});
      }
    }
    write_reports(result, left_out);
    if (plan_.verbose) {
      write_stderr(fmt::format("wirefault: {} received by the kernel, {} dropped, {} analysed\n",
                               grouped(counters.received), grouped(counters.dropped),
                               grouped(taken_)));
    }
    return status_of(result);
  }

  ExitStatus status_of(const Result& result) const {
    if (capture_.state() == LiveCapture::State::gone) {
      complain(Error{fmt::format("{}: {}", live_.capture.interface, capture_.problem()),
                     "  the report is of what came before"});
      return ExitStatus::interface_vanished;
    }
    if (failed_) return ExitStatus::output_not_written;
    if (plan_.strict && is_incomplete(result)) return ExitStatus::input_incomplete;
    const auto is_bad = [&](const Finding& finding) { return finding.severity >= *plan_.fail_on; };
    if (plan_.fail_on && std::any_of(result.findings.begin(), result.findings.end(), is_bad)) {
      return ExitStatus::finding_at_fail_on;
    }
    return ExitStatus::finished;
  }

  void say_start() {
    if (plan_.quiet) return;
    std::string text = fmt::format("wirefault: watching {}", live_.capture.interface);
    if (!live_.capture.filter.empty()) text += fmt::format(", {}", live_.capture.filter);
    if (live_.session) text += fmt::format("; not own ssh session from {}", live_.session->client);
    tell_user(fmt::format("{}; {}\n", printable(text), sandbox_));
  }

  // On a screen, once that is gone.
  void tell_user(const std::string& text) {
    if (screen_) {
      for_later_ += text;
    } else {
      write_stderr(text);
    }
  }

  // Ticks, keys and lines that wait for their reader are due at least as often.
  static constexpr milliseconds longest_wait{200};
  static constexpr seconds metrics_interval{10};
  // Of --max-mem, for packets that may yet be saved.
  static constexpr std::size_t recent_share = 3;

  const Plan& plan_;
  const LivePlan& live_;
  Files& files_;
  LiveCapture capture_;
  Engine engine_;
  Board board_;
  RateMeter rates_;
  std::uint64_t given_up_ = 0;  // by the tables, when last shown
  RecentPackets recent_{live_.has_screen ? plan_.memory / 100 * recent_share : 0};
  std::unique_ptr<LiveScreen> screen_;
  std::optional<ReplacedFile> metrics_;
  Duration next_metrics_{};
  OwnMemory memory_;
  const std::string started_name_ = name_of(system_time());
  std::optional<Format> on_stdout_;
  PatientOutput stdout_{STDOUT_FILENO};
  std::vector<std::unique_ptr<Log>> logs_;
  std::vector<std::pair<const Output*, ReplacedFile>> reports_;
  std::optional<EvidenceFiles> evidence_;
  std::string sandbox_ = "no sandbox";
  std::string for_later_;
  SteadyClock::time_point begun_;
  SteadyClock::time_point next_second_;
  std::uint64_t taken_ = 0;
  bool enough_ = false;
  bool until_met_ = false;
  bool has_quit_ = false;
  bool failed_ = false;
  bool evidence_complained_ = false;
};

ExitStatus run(LiveArguments& arguments) {
  if (!arguments.words.empty()) {
    if (!arguments.filter.empty()) throw Error{"a filter is given twice: by -f and at the end"};
    arguments.filter = fmt::format("{}", fmt::join(arguments.words, " "));
  }
  const Plan plan = plan_of(arguments);
  const LivePlan live = live_plan_of(arguments, plan);
  catch_interrupts();
  catch_snapshots();
  catch_continuations();
  Files files;
  for (const Output& output : plan.outputs) {
    if (output.name.empty() || output.format == Format::jsonl) continue;
    files.need(output.name, FilePath{output.name});
  }
  if (!live.metrics.empty()) {
    FilePath metrics{live.metrics};
    metrics.is_public = true;  // whoever collects them is no root
    files.need(live.metrics, metrics);
  }
  if (live.has_screen) files.need(saved_prefix, FilePath{saved_prefix});
  if (live.evidence) files.need(live.evidence->file, names_of(*live.evidence));
  files.open();
  raise_capture_capability();
  Watch watch{plan, live, files};
  watch.open_screen();
  watch.enter_sandbox();
  return watch.run();
}

}  // namespace

Verb add_live(CLI::App& program) {
  CLI::App* app = program.add_subcommand("live", "watch an interface and report what fails");
  const auto arguments = std::make_shared<LiveArguments>();
  arguments->is_live = true;
  add_live_arguments(*app, *arguments);
  add_common_arguments(*app, *arguments);
  return {app, [arguments] { return run(*arguments); }};
}

}  // namespace wirefault::cli
