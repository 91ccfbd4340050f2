#include "dissectors/tracking.h"

#include <algorithm>

#include "dissectors/tunnel/tunnel.h"
#include "dissectors/udp/datagram.h"

namespace wirefault {
namespace {

using std::chrono::seconds;

// After a silence as long as this, nothing waits any more that must be told second by second.
constexpr std::int64_t most_seconds_told = 60;

// Files of a rotating capture follow each other at once. As long as anything is waited for here
// (half-open connections: 63 s).
constexpr Duration capture_pause = seconds{60};

constexpr std::uint16_t dns_port = 53;

// Tunnels over UDP that are not opened, by their registered ports.
struct ClosedTunnel {
  std::uint16_t port;
  const char* name;
};
constexpr std::array closed_tunnels{ClosedTunnel{2152, "GTP-U"}, ClosedTunnel{3544, "Teredo"},
                                    ClosedTunnel{1701, "L2TP"}, ClosedTunnel{4790, "VXLAN-GPE"}};

// Shares of --max-mem, in percent; design.md, section 2.
constexpr std::size_t half_open_share = 15;
constexpr std::size_t connections_share = 30;
constexpr std::size_t loans_share = 10;
constexpr std::size_t dns_pending_share = 10;
constexpr std::size_t dns_stream_share = 4;
constexpr std::size_t fragments_share = 6;

std::size_t share_of(const TrackingOptions& options, std::size_t percent) {
  return options.memory / 100 * percent;
}

}  // namespace

Tracking::Tracking(Settings& settings, const TrackingOptions& options, FactListener& listener)
    : key_{options.hash_key},
      listener_{listener},
      reassembly_{settings, share_of(options, fragments_share), options.hash_key, listener},
      dns_{settings, share_of(options, dns_pending_share), options.hash_key, listener},
      dns_streams_{options.memory / 100 * dns_stream_share, options.hash_key},
      tcp_{settings,
           {share_of(options, half_open_share), share_of(options, connections_share),
            share_of(options, loans_share)},
           options.hash_key,
           listener} {}

void Tracking::add(std::span<const Packet> packets) {
  constexpr std::size_t halfway = look_ahead / 2;
  const std::size_t read_before = std::min(look_ahead, packets.size());
  for (std::size_t i = 0; i < read_before; ++i) read_ahead(packets[i], window_[i]);
  for (std::size_t i = 0; i < packets.size(); ++i) {
    std::optional<Ahead>& place = window_[i % look_ahead];
    if (i + 2 * look_ahead < packets.size()) {
      fetch_soon(packets[i + 2 * look_ahead].bytes.data());
      fetch_soon(packets[i + 2 * look_ahead].bytes.data() + 64);
    }
    if (i + halfway < packets.size()) prefetch_entries(*window_[(i + halfway) % look_ahead]);
    add(packets[i], *place);
    if (i + look_ahead < packets.size()) read_ahead(packets[i + look_ahead], place);
  }
}

Tracking::Ahead::Ahead(const Packet& packet)
    : frame{link::dissect(packet)},
      datagram{
          frame && (frame->network == link::Network::ipv4 || frame->network == link::Network::ipv6)
              ? ip::parse(frame->payload)
              : Parsed<ip::Datagram>{}} {}

void Tracking::read_ahead(const Packet& packet, std::optional<Ahead>& place) {
  Ahead& ahead = place.emplace(packet);
  const ip::Datagram& datagram = *ahead.datagram;
  if (!ahead.datagram || datagram.is_fragment()) return;
  const Bytes bytes = datagram.payload.bytes;
  const bool is_tcp = datagram.protocol == ip::protocol::tcp;
  if (bytes.size() < 20 || (!is_tcp && datagram.protocol != ip::protocol::udp)) return;
  const Endpoint source{datagram.source, be16(&bytes[0])};
  const Endpoint destination{datagram.destination, be16(&bytes[2])};
  if (!is_tcp && source.port != dns_port && destination.port != dns_port) return;

  ahead.hash = ahead.conversation.emplace(source, destination, 0u).hash(key_);
  if (is_tcp) {
    tcp_.prefetch(ahead.hash);
    if ((bytes[13] & (tcp::syn | tcp::ack)) == tcp::syn) {
      tcp_.prefetch_syn(source, destination, 0, be32(&bytes[4]));
    }
  } else {
    ahead.is_dns = true;
    ahead.dns_id = be16(&bytes[8]);
    dns_.prefetch(ahead.hash, ahead.dns_id);
  }
}

void Tracking::prefetch_entries(const Ahead& ahead) const {
  if (!ahead.conversation) return;
  if (ahead.is_dns) {
    dns_.prefetch_entry(ahead.hash, ahead.dns_id);
  } else {
    tcp_.prefetch_entry(ahead.hash);
  }
}

void Tracking::add(const Packet& packet, const Ahead& ahead) {
  ++summary_.packets;
  summary_.bytes += packet.original_length;
  const Sighting seen{packet.ref, true_time(packet)};
  quality_.see(packet, seen.time);
  note_source(seen);

  if (!ahead.frame) {
    meet(seen);
    return note_flaw(ahead.frame.flaw());
  }
  const link::Frame& frame = *ahead.frame;
  if (frame.network != link::Network::ipv4 && frame.network != link::Network::ipv6) {
    meet(seen);
    return add_frame(frame, seen, {});
  }
  if (!ahead.datagram) {
    meet(seen);
    return note_flaw(ahead.datagram.flaw());
  }
  own_addresses_.see(*ahead.datagram, frame.direction);
  if (!frame.is_cooked) {
    summary_.most_vlan_tags = std::max(summary_.most_vlan_tags, frame.vlan_count);
    summary_.shims |= frame.shims;
  }
  add_datagram(*ahead.datagram, seen, CapturePlace::of(packet, frame), &ahead);
}

Timestamp Tracking::true_time(const Packet& packet) const {
  if (!duplicates_.clocks().corrects()) return packet.time;
  const std::uint16_t clock = clock_of(packet.ref.source(), packet.interface);
  return packet.time - duplicates_.clocks().correction(clock);
}

// To be called before anything is tracked of a packet, but not before it is known whether its clock
// is to be believed.
void Tracking::meet(const Sighting& seen) {
  if (met_ == seen.packet) return;
  met_ = seen.packet;
  summary_.first = std::min(summary_.first, seen.time);
  tell_time(seen.time);
}

// Of a copy whose time tells nothing, but for how far its clock is off.
void Tracking::put_aside(const Sighting& seen, const CapturePlace& place) {
  met_ = seen.packet;
  ClockOffsets& clocks = duplicates_.clocks();
  if (!clocks.correct(quality_.longest_step_back())) return;
  quality_.forgive_steps(place.stamp - clocks.correction(place.clock()));
}

void Tracking::pass(Timestamp now) {
  if (summary_.packets != 0 && now > clock_.now()) tell_time(now);
}

void Tracking::tell_time(Timestamp time) {
  const Timestamp before = clock_.now();
  const Timestamp due = clock_.see(time);
  if (clock_.has_restarted()) restart(before, due);
  advance(due);
}

void Tracking::add_frame(const link::Frame& frame, const Sighting& seen, CapturePlace place) {
  switch (frame.network) {
    case link::Network::ipv4:
    case link::Network::ipv6: {
      const Parsed<ip::Datagram> datagram = ip::parse(frame.payload);
      if (!datagram) return note_flaw(datagram.flaw());
      return add_datagram(*datagram, seen, place);
    }
    case link::Network::arp:
      ++summary_.arp_packets;
      return add_arp(frame.payload, seen, place.tunnel);
    default:
      ++networks_[{frame.network, frame.code}];
  }
}

void Tracking::add_arp(const Payload& payload, const Sighting& seen, std::uint64_t tunnel) {
  const Parsed<link::Arp> arp = link::Arp::parse(payload);
  if (!arp) return note_flaw(arp.flaw());
  if (!arp->is_announcement()) listener_.on_arp({seen, *arp, tunnel});
}

// Where a pause leads from one file to another, the capture most probably stood still meanwhile:
// what was open then was not heard of because nobody listened.
void Tracking::note_source(const Sighting& seen) {
  const std::uint16_t source = seen.packet.source();
  if (source_ && source != *source_ && seen.time - clock_.now() > capture_pause) {
    settle_open(clock_.now());
  }
  source_ = source;
}

// What is open was begun by a clock that is no more: whether its deadlines have passed cannot be
// known.
void Tracking::restart(Timestamp before, Timestamp now) {
  latest_ = std::max(latest_.value_or(before), before);
  settle_open(now);
  next_second_ = std::chrono::floor<seconds>(now) + seconds{1};
}

void Tracking::settle_open(Timestamp end) {
  reassembly_.finish(end);
  icmp_.finish(end);
  dns_.finish(end);
  tcp_.finish(end);
}

// Fires every deadline up to `to`, before the packet that took the clock there is looked at.
// Seconds and deadlines are told in the order in which they came to be due.
void Tracking::advance(Timestamp to) {
  if (next_second_ == Timestamp::max()) {
    summary_.first = to;
    next_second_ = std::chrono::floor<seconds>(to) + seconds{1};
    return;
  }
  if (to >= next_second_) pass_seconds(to);
  expire(to);
}

void Tracking::expire(Timestamp to) {
  reassembly_.expire(to);
  icmp_.expire(to);
  dns_.expire(to);
  tcp_.expire(to);
}

void Tracking::pass_seconds(Timestamp to) {
  for (std::int64_t told = 0; next_second_ <= to; ++told) {
    std::int64_t passed = 1;
    if (told == most_seconds_told) passed += (to - next_second_) / seconds{1};
    next_second_ += seconds{passed - 1};
    expire(next_second_);
    listener_.on_second(
        {next_second_, static_cast<std::uint64_t>(passed), quality_.quality().last_break});
    next_second_ += seconds{1};
  }
}

void Tracking::add_datagram(const ip::Datagram& datagram, const Sighting& seen,
                            const CapturePlace& place, const Ahead* ahead) {
  if (datagram.is_fragment()) return add_fragment(datagram, seen, place);
  // What a tunnel carries is a packet of its own; the tunnel's own packets are not tracked.
  if (tunnel::may_be_tunnel(datagram) && place.depth < tunnel::max_depth &&
      add_carried(datagram, seen, place)) {
    return;
  }
  const Duplicates::Verdict verdict = duplicates_.look(datagram, place, place.stamp);
  if (verdict.is_off_the_clock) return put_aside(seen, place);
  meet(seen);
  if (verdict.is_copy) return;
  add_transport(datagram, seen, verdict.tunnel, verdict.tunnel == 0 ? ahead : nullptr);
}

// The whole goes on at the time of the fragment that completed it.
void Tracking::add_fragment(const ip::Datagram& fragment, const Sighting& seen,
                            const CapturePlace& place) {
  const Duplicates::Verdict verdict = duplicates_.look(fragment, place, place.stamp);
  if (verdict.is_off_the_clock) return put_aside(seen, place);
  meet(seen);
  if (verdict.is_copy) return;
  if (fragment.fragment_offset != 0) quality_.see_later_fragment();
  icmp_.watch(fragment, seen, verdict.tunnel);
  const auto whole = reassembly_.add(fragment, seen, verdict.tunnel);
  if (!whole) return note_flaw(whole.flaw());
  if (!whole->has_value()) return note_dns_fragment(fragment, seen, verdict.tunnel);
  if (place.depth < tunnel::max_depth && add_carried(**whole, seen, place)) return;
  add_transport(**whole, seen, verdict.tunnel);
}

void Tracking::note_dns_fragment(const ip::Datagram& fragment, const Sighting& seen,
                                 std::uint64_t tunnel) {
  if (fragment.fragment_offset != 0 || fragment.protocol != ip::protocol::udp) return;
  const auto udp = udp::Datagram::parse_first_fragment(fragment.payload);
  if (!udp || udp->source_port != dns_port || udp->payload.bytes.size() < 2) return;
  dns_.note_response_fragment({seen,
                               {fragment.source, udp->source_port},
                               {fragment.destination, udp->destination_port},
                               tunnel,
                               Transport::udp,
                               true},
                              be16(udp->payload.bytes.data()));
}

void Tracking::note_tunnel(const tunnel::Context& context, std::uint64_t id,
                           const ip::Datagram& outer) {
  constexpr std::size_t most = 64;
  auto& tunnels = summary_.tunnels;
  auto seen = tunnels.find(id);
  if (seen == tunnels.end()) {
    if (tunnels.size() == most) return;
    const bool is_udp = outer.protocol == ip::protocol::udp;
    const std::uint16_t port = is_udp ? be16(&outer.payload.bytes[2]) : std::uint16_t{0};
    seen = tunnels.emplace(id, tunnel::Seen{context, port}).first;
  }
  constexpr std::uint32_t ip6_header = 40;
  const bool is_extended = outer.is_v6() && outer.header_length != ip6_header;
  if (outer.was_fragmented || is_extended) seen->second.is_plain = false;
}

// False when `datagram` is no tunnel's.
bool Tracking::add_carried(const ip::Datagram& datagram, const Sighting& seen,
                           const CapturePlace& place) {
  const Parsed<std::optional<tunnel::Carried>> opened = tunnel::open(datagram, place.tunnel);
  if (!opened) {
    meet(seen);
    note_flaw(opened.flaw());
    return true;
  }
  if (!opened->has_value()) return false;
  meet(seen);
  icmp_.remember(datagram, seen, place.tunnel);
  icmp_.watch(datagram, seen, place.tunnel);
  const tunnel::Carried& carried = **opened;
  CapturePlace inside = place;
  inside.tunnel = carried.context.id();
  note_tunnel(carried.context, inside.tunnel, datagram);
  ++inside.depth;
  if (carried.is_frame) {
    const Parsed<link::Frame> frame = link::dissect_ethernet(carried.payload);
    if (frame) {
      add_frame(*frame, seen, inside);
    } else {
      note_flaw(frame.flaw());
    }
    return true;
  }
  const Parsed<ip::Datagram> inner = ip::parse(carried.payload);
  if (inner) {
    add_datagram(*inner, seen, inside);
  } else {
    note_flaw(inner.flaw());
  }
  return true;
}

void Tracking::add_transport(const ip::Datagram& datagram, const Sighting& seen,
                             std::uint64_t tunnel, const Ahead* ahead) {
  icmp_.watch(datagram, seen, tunnel);
  switch (datagram.protocol) {
    case ip::protocol::udp:
      return add_udp(datagram, seen, tunnel, ahead);
    case ip::protocol::tcp:
      return add_tcp(datagram, seen, tunnel, ahead);
    case ip::protocol::icmp:
    case ip::protocol::icmpv6:
      return add_icmp(datagram, seen, tunnel);
    default:
      ++protocols_[datagram.protocol];
      icmp_.remember(datagram, seen, tunnel);
  }
}

void Tracking::add_udp(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel,
                       const Ahead* ahead) {
  const Parsed<udp::Datagram> udp = udp::Datagram::parse(datagram.payload);
  if (!udp) return note_flaw(udp.flaw());
  const Endpoint source{datagram.source, udp->source_port};
  const Endpoint destination{datagram.destination, udp->destination_port};
  quality_.see_ports(source, destination);
  if (source.port == dns_port || destination.port == dns_port) {
    const Parsed<dns::Message> message = dns::Message::parse(udp->payload);
    if (!message) return note_flaw(message.flaw());
    count_dns(*message);
    const dns::Carriage carriage{seen,   source,         destination,
                                 tunnel, Transport::udp, datagram.was_fragmented};
    if (ahead != nullptr && ahead->conversation) {
      dns_.add(*message, carriage, ahead->hash);
    } else {
      dns_.add(*message, carriage);
    }
  } else {
    for (std::size_t i = 0; i < closed_tunnels.size(); ++i) {
      const std::uint16_t port = closed_tunnels[i].port;
      if (source.port == port || destination.port == port) ++closed_tunnels_[i];
    }
    icmp_.remember(datagram, seen, tunnel);
  }
}

void Tracking::add_icmp(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel) {
  ++summary_.icmp_packets;
  const auto message = icmp::Message::parse(datagram.payload, datagram.is_v6());
  if (!message) return note_flaw(message.flaw());
  if (!message->is_error()) {
    if (message->is_echo_reply()) icmp_.note_reply(datagram, seen, tunnel);
    return icmp_.remember(datagram, seen, tunnel);
  }
  const Flaw flaw = icmp_.add(*message, datagram, seen, tunnel);
  if (flaw != Flaw::none) note_flaw(flaw);
}

void Tracking::count_dns(const dns::Message& message) {
  if (message.is_response()) {
    ++summary_.dns_responses;
    ++summary_.dns_rcodes[static_cast<std::uint16_t>(message.rcode())];
  } else {
    ++summary_.dns_queries;
  }
}

void Tracking::add_tcp(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel,
                       const Ahead* ahead) {
  const Parsed<tcp::Segment> segment = tcp::Segment::parse(datagram.payload);
  if (!segment) return note_flaw(segment.flaw());
  const auto carriage = tcp::Carriage::of(datagram, *segment, seen, tunnel);
  quality_.see_ports(carriage.source, carriage.destination);
  if (ahead != nullptr && ahead->conversation) {
    tcp_.add(*segment, carriage, *ahead->conversation, ahead->hash);
  } else {
    tcp_.add(*segment, carriage);
  }
  if (segment->source_port == dns_port || segment->destination_port == dns_port) {
    const dns::LostQueries lost = dns_streams_.add(
        *segment, carriage, [this](const dns::Message& message, const dns::Carriage& came) {
          count_dns(message);
          dns_.add(message, came);
        });
    for (const std::uint16_t id : lost.kept()) {
      dns_.lose(carriage.destination, carriage.source, tunnel, id, lost.how, seen);
    }
  }
}

bool Tracking::tables_balance() const {
  return reassembly_.counters().balance(reassembly_.resident()) &&
         dns_.counters().balance(dns_.resident()) && tcp_.tables_balance();
}

void Tracking::name_the_rest(CaptureSummary& summary) const {
  for (const auto& [network, count] : networks_) {
    summary.not_dissected[link::network_name(network.first, network.second)] += count;
    if (network.first == link::Network::link_type) summary.unknown_links[network.second] += count;
  }
  for (std::size_t i = 0; i < closed_tunnels.size(); ++i) {
    if (closed_tunnels_[i] == 0) continue;
    summary.not_dissected[closed_tunnels[i].name] += closed_tunnels_[i];
  }
  for (std::size_t protocol = 0; protocol < protocols_.size(); ++protocol) {
    if (protocols_[protocol] == 0) continue;
    summary.not_dissected[ip::protocol_name(static_cast<std::uint8_t>(protocol))] +=
        protocols_[protocol];
  }
}

CaptureSummary Tracking::summary() const {
  CaptureSummary summary = summary_;
  summary.last = std::max(latest_.value_or(clock_.now()), clock_.now());
  const tcp::HandshakeTotals& handshakes = tcp_.handshakes();
  summary.tcp_connections = handshakes.begun;
  summary.tcp_opened = handshakes.opened;
  summary.tcp_refused = handshakes.refused;
  summary.tcp_refused_unseen = handshakes.refused_unseen;
  summary.tcp_half_open = handshakes.half_open;
  summary.tcp_only_syns = handshakes.only_syns;
  summary.fragmented_datagrams = reassembly_.datagrams();
  summary.incomplete_datagrams = reassembly_.incomplete();
  name_the_rest(summary);
  summary.icmp_errors = icmp_.errors();
  summary.icmp_kinds = icmp_.kinds();
  summary.icmp_unmatched = icmp_.unmatched();
  summary.quality = quality_.quality();
  summary.own_addresses = own_addresses_.found();
  summary.duplicates = duplicates_.counts();
  summary.clock_offsets = duplicates_.clocks().found();
  summary.evicted = dns_.counters().evicted + dns_.counters().refused + tcp_.evicted() +
                    reassembly_.counters().evicted;
  const tcp::TransferCounters& transfers = tcp_.connections().transfers();
  summary.tcp_data_segments = transfers.data_segments;
  summary.tcp_repeats = transfers.repeats + tcp_.handshakes().repeats;
  summary.tcp_data_repeats = transfers.data_repeats;
  summary.tcp_out_of_order = transfers.out_of_order;
  summary.tcp_joined_midway = tcp_.connections().joined_midway();
  summary.tcp_one_sided = tcp_.connections().one_sided();
  summary.tcp_acks = transfers.acks;
  summary.tcp_acked_unseen = transfers.unseen;
  summary.tcp_acked_bytes = transfers.acked_bytes;
  summary.tcp_unseen_bytes = transfers.unseen_bytes;
  summary.tcp_late_in_capture = transfers.late_in_capture;
  return summary;
}

std::uint64_t Tracking::resident() const {
  return dns_.resident() + tcp_.resident();
}

void Tracking::finish() {
  settle_open(clock_.due());
  listener_.on_capture_ended(summary());
}

}  // namespace wirefault
