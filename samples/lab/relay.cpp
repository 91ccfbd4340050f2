// A link with a temper: carries frames between two interfaces, both ways, and delays, drops,
// repeats or reorders them on the way. It stands in for tc netem, which many kernels lack.
//
//   relay IF_A IF_B [delay-us=N] [jitter-us=N] [loss-ppm=N] [duplicate-ppm=N]
//                   [reorder-ppm=N] [reorder-us=N] [from=a|b] [seed=N]
//
// Delay and jitter apply both ways; loss, duplication and reordering only to frames that enter at
// `from`, when given. Jitter never reorders: a frame is due no earlier than the one before it. A
// reordered frame is held back for reorder-us more and overtaken. The choices depend on the seed
// and on the order of arrival alone. Runs until SIGTERM; prints its counters. Offload must be off
// on the four ends of the link, since a relay cannot finish a checksum or split a giant frame.
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <queue>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  std::chrono::microseconds delay{0};
  std::chrono::microseconds jitter{0};
  std::chrono::microseconds reorder_by{0};
  std::uint32_t loss_ppm = 0;
  std::uint32_t duplicate_ppm = 0;
  std::uint32_t reorder_ppm = 0;
  int from = -1;  // -1: both sides, else the side whose frames suffer
  std::uint64_t seed = 1;
};

struct Frame {
  Clock::time_point due;
  std::uint64_t number;  // keeps the order of frames due at the same instant
  int out;
  std::vector<std::uint8_t> bytes;

  bool operator<(const Frame& other) const {
    return due != other.due ? due > other.due : number > other.number;
  }
};

volatile std::sig_atomic_t stopped = 0;

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int open_interface(const char* name) {
  const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
  if (fd < 0) fail("socket");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(if_nametoindex(name));
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0) fail(name);
  const int on = 1;
  const int buffer = 8 << 20;
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = address.sll_ifindex;
  promiscuous.mr_type = PACKET_MR_PROMISC;
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0) fail("outgoing");
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) < 0) {
    fail("promiscuous");
  }
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  return fd;
}

Options parse(int count, char** words) {
  Options options;
  for (int i = 3; i < count; ++i) {
    const std::string_view word = words[i];
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) fail(words[i]);
    const std::string_view key = word.substr(0, equals);
    const std::string value(word.substr(equals + 1));
    const std::uint64_t number = std::strtoull(value.c_str(), nullptr, 10);
    const std::chrono::microseconds time(static_cast<std::int64_t>(number));
    const auto ppm = static_cast<std::uint32_t>(number);
    if (key == "delay-us")
      options.delay = time;
    else if (key == "jitter-us")
      options.jitter = time;
    else if (key == "reorder-us")
      options.reorder_by = time;
    else if (key == "loss-ppm")
      options.loss_ppm = ppm;
    else if (key == "duplicate-ppm")
      options.duplicate_ppm = ppm;
    else if (key == "reorder-ppm")
      options.reorder_ppm = ppm;
    else if (key == "from")
      options.from = value == "a" ? 0 : 1;
    else if (key == "seed")
      options.seed = number;
    else
      fail(words[i]);
  }
  return options;
}

class Relay {
 public:
  Relay(const Options& options, const char* a, const char* b)
      : options_(options), random_(options.seed), sides_{open_interface(a), open_interface(b)} {}

  void run() {
    while (!stopped) {
      std::array<pollfd, 2> waiting{pollfd{sides_[0], POLLIN, 0}, pollfd{sides_[1], POLLIN, 0}};
      const timespec wait = time_to_next();
      ppoll(waiting.data(), waiting.size(), &wait, nullptr);
      for (int side = 0; side < 2; ++side) receive(side);
      send_due();
    }
    std::fprintf(stderr, "received=%lu sent=%lu lost=%lu repeated=%lu reordered=%lu\n", received_,
                 sent_, lost_, repeated_, reordered_);
  }

 private:
  bool chance(std::uint32_t ppm) { return random_() % 1000000 < ppm; }

  void receive(int side) {
    std::array<std::uint8_t, 65536> buffer;
    for (;;) {
      const ssize_t length = recv(sides_[side], buffer.data(), buffer.size(), 0);
      if (length <= 0) return;
      ++received_;
      accept(side, {buffer.data(), buffer.data() + length});
    }
  }

  void accept(int side, std::vector<std::uint8_t> bytes) {
    const bool suffers = options_.from < 0 || options_.from == side;
    if (suffers && chance(options_.loss_ppm)) {
      ++lost_;
      return;
    }
    Clock::time_point due = Clock::now() + options_.delay;
    if (options_.jitter.count() > 0) {
      due += std::chrono::microseconds(random_() %
                                       static_cast<std::uint64_t>(options_.jitter.count()));
    }
    due = std::max(due, latest_due_[side]);
    latest_due_[side] = due;
    if (suffers && chance(options_.reorder_ppm)) {
      ++reordered_;
      due += options_.reorder_by;
    }
    if (suffers && chance(options_.duplicate_ppm)) {
      ++repeated_;
      queue_.push({due, next_number_++, sides_[1 - side], bytes});
    }
    queue_.push({due, next_number_++, sides_[1 - side], std::move(bytes)});
  }

  void send_due() {
    const Clock::time_point now = Clock::now();
    while (!queue_.empty() && queue_.top().due <= now) {
      const Frame& frame = queue_.top();
      if (send(frame.out, frame.bytes.data(), frame.bytes.size(), 0) >= 0) ++sent_;
      queue_.pop();
    }
  }

  timespec time_to_next() const {
    using namespace std::chrono;
    nanoseconds wait = milliseconds(100);
    if (!queue_.empty()) wait = std::clamp<nanoseconds>(queue_.top().due - Clock::now(), 0ns, wait);
    return {wait.count() / 1000000000, wait.count() % 1000000000};
  }

  Options options_;
  std::mt19937_64 random_;
  std::array<int, 2> sides_;
  std::array<Clock::time_point, 2> latest_due_{};
  std::priority_queue<Frame> queue_;
  std::uint64_t next_number_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t repeated_ = 0;
  std::uint64_t reordered_ = 0;
};

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fprintf(stderr, "usage: relay IF_A IF_B [key=value]...\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopped = 1; });
  std::signal(SIGINT, [](int) { stopped = 1; });
  Relay(parse(count, words), words[1], words[2]).run();
}
