// Packets from a live interface, by libpcap (TPACKET_V3 on Linux), and honest counters of what was
// not seen. Nothing here parses a packet.
//
// All that needs privilege happens in the constructor; afterwards the object works without rights,
// without opening files, and without any call but poll, the socket's options, SIOCGIFFLAGS and
// SIOCGIFNAME.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "capture/source.h"

struct pcap;

namespace wirefault {

struct LiveOptions {
  std::string interface;
  std::string filter;   // BPF in tcpdump's syntax, of the user; empty: all
  std::string without;  // a further filter: what matches is left out, and not spoken of
  std::uint32_t snap_length = 262144;
  std::size_t buffer = std::size_t{16} << 20;  // of the kernel's ring, in bytes
  bool promiscuous = true;
};

// 64 bits each, whatever the kernel's wrap.
struct LiveCounters {
  std::uint64_t received = 0;           // passed the filter in the kernel, dropped ones included
  std::uint64_t dropped = 0;            // of those, for want of room in the ring
  std::uint64_t interface_dropped = 0;  // by the device or its driver before any filter; sysfs
  bool knows_interface = false;         // whether that can be read here
  std::uint64_t times_down = 0;         // that the interface was down, and nothing could come
  Duration down{};                      // altogether, the time now included
};

// A counter of the kernel that may go round, after 32 bits with some drivers, summed up in 64 bits.
class WrappingCounter {
 public:
  // `now` as the kernel says it; what went before the first reading does not count.
  void see(std::uint64_t now);
  std::uint64_t value() const { return sum_; }

 private:
  std::uint64_t before_ = 0;
  std::uint64_t sum_ = 0;
  bool has_begun_ = false;
};

class LiveCapture {
 public:
  // Throws Error: no such interface, no permission, a filter that is not understood.
  explicit LiveCapture(const LiveOptions& options);
  ~LiveCapture();
  LiveCapture(const LiveCapture&) = delete;
  LiveCapture& operator=(const LiveCapture&) = delete;

  enum class State : std::uint8_t {
    running,
    down,  // the interface is; it may come back
    gone,  // it was deleted, or moved to another namespace
  };

  // Whatever waits in the ring, at most a few hundred; empty when there is nothing. Never waits.
  // Valid until the next call. What came before an interface was gone may still be handed out.
  std::span<const Packet> read();

  // Waits until there may be something to read, or for `most`. `others` are further descriptors
  // that end the waiting; which of them are ready is told in the same order.
  std::vector<bool> wait(std::chrono::milliseconds most, std::span<const int> others);

  // Lets nothing more into the ring; what is in it can still be read, and is_drained() says when
  // all of it has been.
  void stop();
  bool is_drained();

  State state() const { return state_; }
  const std::string& problem() const { return problem_; }  // of State::gone, for people

  // Reads the kernel's counters, and whether the interface is up. Once a second is enough.
  const LiveCounters& count();

  // One, with its one interface; counters as of the last count().
  const std::vector<SourceInfo>& sources() const { return sources_; }
  LinkType link_type() const { return sources_.front().interfaces.front().link_type; }
  std::string link_name() const;  // "Ethernet", as libpcap describes it
  // Descriptors that must stay open in a sandbox, the capturing socket last.
  std::vector<int> descriptors() const;

  // A packet that is in the ring when none is handed out is stamped at most this much earlier than
  // the system's clock says.
  static constexpr std::chrono::milliseconds block_timeout{100};

 private:
  struct Closer {
    void operator()(pcap* handle) const;
  };

  void open(const LiveOptions& options);
  void discard_early_packets();
  void set_filter(const LiveOptions& options);
  void open_device_counters();
  void read_socket_counters();
  void look_at_interface();
  void enter(State state);

  std::unique_ptr<pcap, Closer> handle_;
  std::vector<std::uint8_t> bytes_;
  std::vector<Packet> packets_;
  std::vector<SourceInfo> sources_;
  std::vector<int> device_counters_;  // files in sysfs
  std::vector<WrappingCounter> device_sums_;
  LiveCounters counters_;
  std::uint64_t seen_ = 0;
  int index_ = 0;   // of the interface, which keeps it when it is renamed; 0: all of them
  int errors_ = 0;  // of libpcap, since it last was without
  State state_ = State::running;
  Duration down_since_{};  // on the machine's own clock
  Duration was_down_{};    // before that
  std::string problem_;
};

// A network interface of this machine.
struct LiveInterface {
  std::string name;
  bool is_up = false;
  bool is_default = false;  // that of the default route
  std::string link;         // "Ethernet", "loopback", "raw IP"
  std::vector<std::string> addresses;
  std::uint64_t packets = 0;  // received and sent since it exists
};

// In the system's order. Asks the kernel, opens no capture.
std::vector<LiveInterface> live_interfaces();

// Why this process may not capture; empty: it may.
std::string why_capture_is_refused();

// The interface of the default route, IPv4 before IPv6; empty: there is none.
std::string default_interface();

}  // namespace wirefault
