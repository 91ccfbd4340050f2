#include "detectors/knowledge/path_sizes.h"

#include <fmt/format.h>

namespace wirefault {
namespace {

constexpr std::uint32_t udp_header = 8;

// Without options or extensions.
std::uint32_t ip_header(const IpAddress& address) {
  return address.is_v6() ? 40 : 20;
}

// What was seen of it tells how large it was at least.
std::uint32_t least_size(const ip::FragmentedDatagram& datagram) {
  std::uint32_t payload = datagram.total_length;
  if (payload == 0) {
    for (const ip::Fragment& fragment : datagram.kept()) {
      payload = std::max(payload, fragment.offset + fragment.length + 1);
    }
  }
  return ip_header(datagram.source) + payload;
}

}  // namespace

std::string SizeWindow::to_string() const {
  if (lost == 0) return "";
  if (passed == 0) return fmt::format("from {} bytes on they are lost", lost);
  return fmt::format("up to {} bytes pass, from {} on they are lost", passed, lost);
}

void SizeRange::lose(std::uint32_t size, unsigned times) {
  for (unsigned i = 0; i < times && size < smallest_lost_.back(); ++i) {
    smallest_lost_.back() = size;
    std::sort(smallest_lost_.begin(), smallest_lost_.end());
  }
}

// One that the client had to ask for again may have been lost before.
void PathSizes::add_answer(const dns::Transaction& transaction) {
  if (transaction.outcome != dns::Outcome::answered || transaction.transport != Transport::udp ||
      transaction.response.fragmented || transaction.queries.count() != 1) {
    return;
  }
  const IpAddress& server = transaction.server.address;
  pass_packet({transaction.tunnel, server, transaction.client.address},
              ip_header(server) + udp_header + transaction.response.size);
}

void PathSizes::add_delivered(const tcp::ConnectionEnded& ended) {
  const FlowKey there = FlowKey::of(ended.from_initiator);
  const FlowKey back = FlowKey::against(ended.from_initiator);
  const std::uint32_t sent = ended.initiator.delivered_size;
  const std::uint32_t returned = ended.responder.delivered_size;
  if (sent > telling) pass_packet(PathKey::of(there), sent);
  if (returned > telling) pass_packet(PathKey::of(back), returned);
}

void PathSizes::add(const tcp::SizeStall& stall) {
  const PathKey path = PathKey::of(stall.flow);
  if (stall.state == tcp::SizeStallState::disproved) return pass_packet(path, stall.lost_size);
  pass_packet(path, std::max(stall.delivered_size, stall.cured_size));
  // Smaller ones got through in its place: no chance.
  const bool is_proven = stall.state != tcp::SizeStallState::stuck;
  paths_[path].packet.lose(stall.lost_size, is_proven ? 3u : stall.repeats);
}

void PathSizes::add(const ip::FragmentedDatagram& datagram) {
  const PathKey path{datagram.tunnel, datagram.source, datagram.destination};
  if (datagram.is_complete()) {
    pass_packet(path, datagram.largest_packet);
    paths_[path].datagram.pass(ip_header(datagram.source) + datagram.total_length);
    return;
  }
  // A single stray one with a wrong checksum may be no fragment at all.
  if (datagram.outcome != ip::FragmentOutcome::incomplete ||
      (datagram.corrupt && datagram.fragment_count == 1)) {
    return;
  }
  const bool counted = datagram.amends && datagram.amended == ip::FragmentOutcome::incomplete;
  const unsigned times = datagram.is_confirmed() ? 3u : counted ? 0u : 1u;
  paths_[path].datagram.lose(least_size(datagram), times);
}

void PathSizes::add(const icmp::PathMtu& told) {
  std::uint32_t& reported = paths_[{told.tunnel, told.source, told.destination}].reported;
  reported = reported == 0 ? told.mtu : std::min(reported, told.mtu);
}

void PathSizes::pass_packet(const PathKey& path, std::uint32_t size) {
  PathSize& known = paths_[path];
  known.packet.pass(size);
  known.datagram.pass(size);
}

}  // namespace wirefault
