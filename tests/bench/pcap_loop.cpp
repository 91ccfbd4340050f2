// The least a program built on libpcap can do with a capture: read every packet and count. What the
// benchmark divides by.
#include <pcap/pcap.h>

#include <cstdint>
#include <cstdio>

int main(int argc, char** argv) {
  char message[PCAP_ERRBUF_SIZE] = "no file named";
  pcap_t* const capture = argc == 2 ? pcap_open_offline(argv[1], message) : nullptr;
  if (capture == nullptr) {
    std::fprintf(stderr, "pcap_loop: %s\n", message);
    return 1;
  }
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  int result = 0;
  while ((result = pcap_next_ex(capture, &header, &data)) == 1) {
    ++packets;
    bytes += header->len;
  }
  std::printf("%llu packets, %llu bytes\n", static_cast<unsigned long long>(packets),
              static_cast<unsigned long long>(bytes));
  pcap_close(capture);
  return result == PCAP_ERROR ? 1 : 0;
}
