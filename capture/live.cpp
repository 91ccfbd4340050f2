#include "capture/live.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "capture/error.h"
#include "capture/filter.h"

namespace wirefault {
namespace {

// Handed out at once: enough that the analysis can look ahead, little enough that a tick or a key
// is not kept waiting.
constexpr int most_at_once = 512;

constexpr std::size_t usual_batch = std::size_t{1} << 20;  // bytes

// libpcap's own limits on what it is told.
constexpr std::size_t most_buffer = std::size_t{1} << 30;

LinkType link_type_of(int data_link) {
  return data_link == DLT_RAW ? LinkType::raw
                              : static_cast<LinkType>(static_cast<std::uint16_t>(data_link));
}

Error cannot_open(const std::string& interface, int status, const std::string& why) {
  switch (status) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return Error{
          fmt::format("not allowed to capture on {} (needs CAP_NET_RAW)", interface),
          fmt::format("  run:   sudo wirefault live -i {}\n"
                      "  or:    sudo setcap cap_net_raw=p $(command -v wirefault)\n"
                      "  or, with no rights here:  ssh HOST sudo tcpdump -U -w - | wirefault "
                      "analyze -",
                      interface)};
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return Error{fmt::format("there is no interface called {}", interface),
                   "  run:   wirefault list interfaces"};
    case PCAP_ERROR_IFACE_NOT_UP:
      return Error{fmt::format("{} is down, nothing can be captured on it", interface),
                   fmt::format("  see:   ip link show {}", interface)};
    default:
      return Error{fmt::format("cannot capture on {}: {}", interface, why)};
  }
}

// All filters as one expression for libpcap.
std::string joined(const std::string& filter, const std::vector<std::string>& without) {
  std::string all = filter.empty() ? filter : fmt::format("({})", filter);
  for (const std::string& each : without) {
    if (!each.empty()) all += fmt::format("{}not ({})", all.empty() ? "" : " and ", each);
  }
  return all;
}

// On all interfaces at once, what leave_out_sent() leaves out on loopback alone.
std::string sent_to_oneself() {
  const unsigned loopback = if_nametoindex("lo");
  return loopback == 0 ? std::string{} : fmt::format("outbound and ifindex {}", loopback);
}

struct Batch {
  std::vector<std::uint8_t>& bytes;
  std::vector<Packet>& packets;
};

Timestamp time_of(const timeval& time) {
  // At this precision, nanoseconds stand where the type says microseconds.
  return Timestamp{std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_usec}};
}

// What libpcap points to is gone when it returns: the bytes are kept, one behind the other. Where
// they lie is known only when no more are added; until then a packet holds its length alone.
void keep(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
  auto& batch = *reinterpret_cast<Batch*>(user);
  const std::size_t captured = std::min(header->caplen, header->len);
  Packet packet;
  packet.time = time_of(header->ts);
  packet.original_length = header->len;
  packet.bytes = Bytes{bytes, captured};
  batch.packets.push_back(packet);
  batch.bytes.insert(batch.bytes.end(), bytes, bytes + captured);
}

void ignore(u_char* count, const pcap_pkthdr*, const u_char*) {
  ++*reinterpret_cast<std::uint64_t*>(count);
}

// Lets nothing into the ring. (Setting a filter by libpcap would also drop what is in it.)
bool refuse_all(int socket) {
  sock_filter reject[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  const sock_fprog program{1, reject};
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

std::uint64_t read_number(int file) {
  std::array<char, 32> text{};
  const ssize_t size = pread(file, text.data(), text.size() - 1, 0);
  return size > 0 ? std::strtoull(text.data(), nullptr, 10) : 0;
}

// What the interface is called now and its flags, if there is one of that index here.
std::optional<ifreq> find_interface(int socket, int index) {
  ifreq request{};
  request.ifr_ifindex = index;
  if (ioctl(socket, SIOCGIFNAME, &request) != 0) return std::nullopt;
  if (ioctl(socket, SIOCGIFFLAGS, &request) != 0) return std::nullopt;
  return request;
}

Duration since_boot() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

// On a loopback interface every packet is sent and received. libpcap hands out one of the two: the
// kernel shall not count the other.
void leave_out_sent(int socket) {
  const int one = 1;
  setsockopt(socket, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
}

}  // namespace

void WrappingCounter::see(std::uint64_t now) {
  constexpr std::uint64_t round = std::uint64_t{1} << 32;
  if (has_begun_) {
    // What went back by most of 32 bits has gone round; by less, the device was made anew.
    if (now >= before_) {
      sum_ += now - before_;
    } else if (before_ < round && before_ - now > round / 2) {
      sum_ += round - before_ + now;
    }
  }
  before_ = now;
  has_begun_ = true;
}

void LiveCapture::Closer::operator()(pcap* handle) const {
  pcap_close(handle);
}

LiveCapture::LiveCapture(const LiveOptions& options) {
  // Names and mistakes first: this needs no right, and says where a filter goes wrong.
  if (!options.filter.empty()) Filter{options.filter};
  open(options);
  discard_early_packets();
  // Before the filter lets anything in: from here on, all that is counted is seen.
  read_socket_counters();
  counters_ = {};
  seen_ = 0;
  set_filter(options);
  SourceInfo source;
  source.name = options.interface;
  source.format = "live";
  InterfaceInfo interface;
  interface.name = options.interface;
  interface.filter = options.filter;
  interface.link_type = link_type_of(pcap_datalink(handle_.get()));
  interface.snap_length = options.snap_length;
  source.interfaces.push_back(interface);
  sources_.push_back(source);
  open_device_counters();
  bytes_.reserve(usual_batch);
  packets_.reserve(most_at_once);
  count();
}

LiveCapture::~LiveCapture() {
  for (const int file : device_counters_) close(file);
}

void LiveCapture::open(const LiveOptions& options) {
  std::array<char, PCAP_ERRBUF_SIZE> why{};
  handle_.reset(pcap_create(options.interface.c_str(), why.data()));
  if (!handle_) throw Error{fmt::format("cannot capture: {}", why.data())};
  pcap_t* handle = handle_.get();
  pcap_set_snaplen(handle, static_cast<int>(options.snap_length));
  pcap_set_promisc(handle, options.promiscuous ? 1 : 0);
  pcap_set_timeout(handle, static_cast<int>(block_timeout.count()));
  pcap_set_buffer_size(handle, static_cast<int>(std::min(options.buffer, most_buffer)));
  pcap_set_tstamp_precision(handle, PCAP_TSTAMP_PRECISION_NANO);
  const int status = pcap_activate(handle);
  if (status < 0) throw cannot_open(options.interface, status, pcap_geterr(handle));
  if (pcap_get_tstamp_precision(handle) != PCAP_TSTAMP_PRECISION_NANO) {
    throw Error{fmt::format("{} gives no nanoseconds", options.interface)};
  }
  // The second version of the cooked header tells which interface a packet is of.
  if (pcap_datalink(handle) == DLT_LINUX_SLL) pcap_set_datalink(handle, DLT_LINUX_SLL2);
  if (pcap_setnonblock(handle, 1, why.data()) != 0) throw Error{why.data()};
  const int socket = pcap_fileno(handle);
  index_ = static_cast<int>(if_nametoindex(options.interface.c_str()));
  const auto found = find_interface(socket, index_);
  if (found && (found->ifr_flags & IFF_LOOPBACK) != 0) leave_out_sent(socket);
}

// What came before the filter was set would be counted by the kernel and sorted out only here:
// then what was received and what was seen would never agree.
void LiveCapture::discard_early_packets() {
  const int socket = pcap_fileno(handle_.get());
  if (!refuse_all(socket)) return;
  read_socket_counters();
  const auto enough = std::chrono::steady_clock::now() + 3 * block_timeout;
  while (!is_drained() && std::chrono::steady_clock::now() < enough) {
    wait(block_timeout, {});
    pcap_dispatch(handle_.get(), -1, ignore, reinterpret_cast<u_char*>(&seen_));
  }
}

void LiveCapture::set_filter(const LiveOptions& options) {
  bpf_program program{};
  const bool is_cooked = pcap_datalink(handle_.get()) == DLT_LINUX_SLL2;
  const std::string filter =
      joined(options.filter, {options.without, is_cooked ? sent_to_oneself() : std::string{}});
  if (pcap_compile(handle_.get(), &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    throw Error{"capture filter cannot be applied to this interface",
                fmt::format("    {}\n    {}", filter, pcap_geterr(handle_.get()))};
  }
  const int status = pcap_setfilter(handle_.get(), &program);
  pcap_freecode(&program);
  if (status != 0) throw Error{fmt::format("no filter: {}", pcap_geterr(handle_.get()))};
}

// Kept open: in a sandbox no file can be opened, and libpcap would say 0.
void LiveCapture::open_device_counters() {
  const std::string& name = sources_.front().interfaces.front().name;
  for (const char* counter : {"rx_missed_errors", "rx_fifo_errors"}) {
    const std::string path = fmt::format("/sys/class/net/{}/statistics/{}", name, counter);
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    device_counters_.push_back(file);
    device_sums_.emplace_back();
  }
  counters_.knows_interface = !device_counters_.empty();
}

std::span<const Packet> LiveCapture::read() {
  bytes_.clear();
  packets_.clear();
  Batch batch{bytes_, packets_};
  const int result =
      pcap_dispatch(handle_.get(), most_at_once, keep, reinterpret_cast<u_char*>(&batch));
  SourceInfo& source = sources_.front();
  const std::uint8_t* at = bytes_.data();
  for (Packet& packet : packets_) {
    packet.ref = PacketRef{0, ++source.packets};
    packet.link_type = source.interfaces.front().link_type;
    packet.bytes = Bytes{at, packet.bytes.size()};
    at += packet.bytes.size();
    source.bytes += packet.bytes.size();
  }
  seen_ += packets_.size();
  // libpcap says the same of an interface that was deleted and of one that was renamed while it
  // was down, and of both while their last packets are still the kernel's.
  constexpr int most_errors = 10;
  errors_ = result < 0 ? errors_ + 1 : 0;
  if (result < 0 && state_ != State::gone) {
    problem_ = pcap_geterr(handle_.get());
    look_at_interface();
    if (errors_ > most_errors && state_ == State::running) enter(State::gone);
  }
  return packets_;
}

std::vector<bool> LiveCapture::wait(std::chrono::milliseconds most, std::span<const int> others) {
  std::vector<pollfd> files;
  const int socket = pcap_get_selectable_fd(handle_.get());
  files.push_back({state_ == State::gone ? -1 : socket, POLLIN, 0});
  for (const int other : others) files.push_back({other, POLLIN, 0});
  if (poll(files.data(), files.size(), static_cast<int>(most.count())) < 0) {
    return std::vector<bool>(others.size(), false);
  }
  if ((files[0].revents & POLLERR) != 0 && state_ == State::running) enter(State::down);
  std::vector<bool> ready;
  for (std::size_t i = 1; i < files.size(); ++i) ready.push_back(files[i].revents != 0);
  return ready;
}

void LiveCapture::stop() {
  refuse_all(pcap_fileno(handle_.get()));
}

bool LiveCapture::is_drained() {
  read_socket_counters();
  return seen_ >= counters_.received - counters_.dropped;
}

void LiveCapture::read_socket_counters() {
  tpacket_stats_v3 told{};
  socklen_t size = sizeof told;
  // Reading sets them to zero.
  if (getsockopt(pcap_fileno(handle_.get()), SOL_PACKET, PACKET_STATISTICS, &told, &size) != 0) {
    return;
  }
  counters_.received += told.tp_packets;
  counters_.dropped += told.tp_drops;
}

const LiveCounters& LiveCapture::count() {
  read_socket_counters();
  std::uint64_t dropped = 0;
  for (std::size_t i = 0; i < device_counters_.size(); ++i) {
    device_sums_[i].see(read_number(device_counters_[i]));
    dropped += device_sums_[i].value();
  }
  counters_.interface_dropped = dropped;
  InterfaceInfo& interface = sources_.front().interfaces.front();
  interface.received = counters_.received;
  interface.dropped_by_kernel = counters_.dropped;
  if (counters_.knows_interface) interface.dropped_by_interface = counters_.interface_dropped;
  look_at_interface();
  counters_.down = was_down_;
  if (state_ == State::down) counters_.down += since_boot() - down_since_;
  return counters_;
}

void LiveCapture::look_at_interface() {
  if (index_ == 0 || state_ == State::gone) return;
  const auto found = find_interface(pcap_fileno(handle_.get()), index_);
  enter(!found ? State::gone : (found->ifr_flags & IFF_UP) != 0 ? State::running : State::down);
}

void LiveCapture::enter(State state) {
  if (state == state_) return;
  const Duration now = since_boot();
  if (state_ == State::down) was_down_ += now - down_since_;
  if (state == State::down) {
    down_since_ = now;
    ++counters_.times_down;
  }
  if (state == State::gone && problem_.empty()) problem_ = "The interface disappeared";
  state_ = state;
}

std::vector<int> LiveCapture::descriptors() const {
  std::vector<int> all = device_counters_;
  all.push_back(pcap_fileno(handle_.get()));
  return all;
}

std::string LiveCapture::link_name() const {
  const char* name = pcap_datalink_val_to_description(pcap_datalink(handle_.get()));
  return name == nullptr ? "unknown" : name;
}

}  // namespace wirefault
