// Sends COUNT SYNs, each from another address and port, by INTERFACE to 198.51.100.2:80, at RATE a
// second or as fast as it goes; with "-" for INTERFACE, writes them to standard output as a capture
// file. For namespaces of tests only: the frames go to a MAC address of nobody, so nothing answers.
//
// With PLANT, ten connections that fail go along: of 192.0.2.10 to .14 to port 443 of
// 198.51.100.100 to .104, which nothing answers, and of 192.0.2.15 to .19 to .105 to .109, which
// are refused.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t frame_size = 60;
using Frame = std::array<std::uint8_t, frame_size>;

void put(Frame& frame, std::size_t at, std::uint64_t value, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    frame[at + i] = static_cast<std::uint8_t>(value >> (8 * (bytes - 1 - i)) & 0xff);
  }
}

struct Segment {
  std::uint32_t source;
  std::uint32_t destination;
  std::uint16_t source_port;
  std::uint16_t destination_port;
  std::uint32_t sequence;
  std::uint32_t acknowledgment;
  std::uint8_t flags;
};

constexpr std::uint8_t syn = 0x02;
constexpr std::uint8_t rst_ack = 0x14;

Frame frame_of(const Segment& segment) {
  Frame frame{};
  put(frame, 0, 0x02005e100001, 6);
  put(frame, 6, 0x02005e100002, 6);
  put(frame, 12, 0x0800, 2);
  put(frame, 14, 0x45000028, 4);
  put(frame, 22, 64, 1);
  put(frame, 23, 6, 1);
  put(frame, 26, segment.source, 4);
  put(frame, 30, segment.destination, 4);
  put(frame, 34, segment.source_port, 2);
  put(frame, 36, segment.destination_port, 2);
  put(frame, 38, segment.sequence, 4);
  put(frame, 42, segment.acknowledgment, 4);
  put(frame, 46, 0x50, 1);
  put(frame, 47, segment.flags, 1);
  put(frame, 48, 0xffff, 2);
  return frame;
}

struct Planted {
  double time;  // in seconds since the start
  Frame frame;
};

// By time. Unanswered SYNs are repeated as Linux does it.
std::vector<Planted> planted() {
  std::vector<Planted> all;
  for (std::uint32_t i = 0; i < 10; ++i) {
    const std::uint32_t client = 0xc000020a + i;
    const std::uint32_t server = 0xc6336464 + i;
    const auto port = static_cast<std::uint16_t>(40000 + i);
    const double begun = 2 + 0.1 * i;
    const Frame attempt = frame_of({client, server, port, 443, 1000 + i, 0, syn});
    if (i < 5) {
      for (const double after : {0., 1., 3., 7., 15.}) all.push_back({begun + after, attempt});
    } else {
      all.push_back({begun, attempt});
      all.push_back({begun + 0.001, frame_of({server, client, 443, port, 0, 1001 + i, rst_ack})});
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Planted& a, const Planted& b) { return a.time < b.time; });
  return all;
}

void number(Frame& frame, std::uint64_t number) {
  put(frame, 18, number & 0xffff, 2);
  put(frame, 26, 0xc6120000 | (number & 0x1ffff), 4);  // 198.18.0.0/15
  put(frame, 34, 1024 + (number >> 17) % 60000, 2);
  put(frame, 38, number * 2654435761 & 0xffffffff, 4);
}

const Frame of_flood = frame_of({0, 0xc6336402, 0, 80, 0, 0, syn});  // to 198.51.100.2

// A record of a classic capture file, in this machine's byte order.
void write_record(double time, const Frame& frame) {
  const auto micros = static_cast<std::uint64_t>(time * 1e6);
  const std::array<std::uint32_t, 4> head{
      static_cast<std::uint32_t>(1'700'000'000 + micros / 1'000'000),
      static_cast<std::uint32_t>(micros % 1'000'000), frame_size, frame_size};
  std::fwrite(head.data(), sizeof head, 1, stdout);
  std::fwrite(frame.data(), frame.size(), 1, stdout);
}

int write_file(std::uint64_t count, double rate, const std::vector<Planted>& plants) {
  const std::array<std::uint32_t, 6> head{0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
  std::fwrite(head.data(), sizeof head, 1, stdout);
  auto plant = plants.begin();
  Frame frame = of_flood;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double now = static_cast<double>(i) / rate;
    for (; plant != plants.end() && plant->time <= now; ++plant) write_record(now, plant->frame);
    number(frame, i);
    write_record(now, frame);
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool plants = argc == 5 && std::strcmp(argv[4], "PLANT") == 0;
  if (argc != 4 && !plants) {
    std::fputs("usage: flood INTERFACE|- COUNT RATE [PLANT]\n", stderr);
    return 2;
  }
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const double rate = std::strtod(argv[3], nullptr);
  const std::vector<Planted> failing = plants ? planted() : std::vector<Planted>{};
  if (std::strcmp(argv[1], "-") == 0) return write_file(count, rate, failing);
  const int file = socket(AF_PACKET, SOCK_RAW, 0);
  const int one = 1;
  setsockopt(file, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(argv[1]));
  if (bind(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::perror(argv[1]);
    return 2;
  }
  std::vector<Frame> frames(batch, of_flood);
  std::vector<iovec> parts(batch);
  std::vector<mmsghdr> messages(batch);
  for (std::size_t i = 0; i < batch; ++i) {
    parts[i] = {frames[i].data(), frame_size};
    messages[i] = {};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  using Clock = std::chrono::steady_clock;
  const auto begun = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - begun).count(); };
  std::uint64_t sent = 0;
  auto plant = failing.begin();
  while (sent < count) {
    for (; plant != failing.end() && plant->time <= elapsed(); ++plant) {
      if (send(file, plant->frame.data(), frame_size, 0) < 0) std::perror("send");
    }
    for (std::size_t i = 0; i < batch; ++i) number(frames[i], sent + i);
    const int done = sendmmsg(file, messages.data(), batch, 0);
    if (done < 0) {
      std::perror("sendmmsg");
      return 1;
    }
    sent += static_cast<std::uint64_t>(done);
    while (static_cast<double>(sent) > elapsed() * rate) {
    }
  }
  std::printf("%llu SYNs at %.0f a second\n", static_cast<unsigned long long>(sent),
              static_cast<double>(sent) / elapsed());
}
