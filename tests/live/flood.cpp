// Sends COUNT SYNs, each from another address and port, by INTERFACE to 198.51.100.2:80, at RATE a
// second or as fast as it goes. For namespaces of tests only: the frames go to a MAC address of
// nobody, so nothing answers.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

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

Frame syn() {
  Frame frame{};
  put(frame, 0, 0x02005e100001, 6);
  put(frame, 6, 0x02005e100002, 6);
  put(frame, 12, 0x0800, 2);
  put(frame, 14, 0x45000028, 4);
  put(frame, 22, 64, 1);
  put(frame, 23, 6, 1);
  put(frame, 30, 0xc6336402, 4);  // 198.51.100.2
  put(frame, 36, 80, 2);
  put(frame, 46, 0x5002ffff, 4);
  return frame;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: flood INTERFACE COUNT RATE\n", stderr);
    return 2;
  }
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const double rate = std::strtod(argv[3], nullptr);
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
  std::vector<Frame> frames(batch, syn());
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
  while (sent < count) {
    for (std::size_t i = 0; i < batch; ++i) {
      const std::uint64_t number = sent + i;
      put(frames[i], 18, number & 0xffff, 2);
      put(frames[i], 26, 0xc6120000 | (number & 0x1ffff), 4);  // 198.18.0.0/15
      put(frames[i], 34, 1024 + (number >> 17) % 60000, 2);
      put(frames[i], 38, number * 2654435761 & 0xffffffff, 4);
    }
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
