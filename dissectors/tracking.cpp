#include "dissectors/tracking.h"

#include <algorithm>

#include "dissectors/udp/datagram.h"

namespace wirefault {
namespace {

using std::chrono::seconds;

// After a silence as long as this, every window that a detector keeps is empty.
constexpr std::int64_t most_seconds_told = 600;

constexpr std::uint16_t dns_port = 53;

// Shares of --max-mem, in percent; design.md, section 2.
constexpr std::size_t half_open_share = 15;
constexpr std::size_t connections_share = 30;
constexpr std::size_t dns_pending_share = 10;
constexpr std::size_t dns_stream_share = 4;

std::size_t share_of(const TrackingOptions& options, std::size_t percent) {
  return options.memory / 100 * percent;
}

}  // namespace

Tracking::Tracking(Settings& settings, const TrackingOptions& options, FactListener& listener)
    : listener_{listener},
      dns_{settings, share_of(options, dns_pending_share), options.hash_key, listener},
      dns_streams_{options.memory / 100 * dns_stream_share, options.hash_key},
      tcp_{settings,
           {share_of(options, half_open_share), share_of(options, connections_share)},
           options.hash_key,
           listener} {}

void Tracking::add(std::span<const Packet> packets) {
  for (const Packet& packet : packets) add(packet);
}

void Tracking::add(const Packet& packet) {
  ++summary_.packets;
  summary_.bytes += packet.original_length;
  advance(clock_.see(packet.time));

  const Parsed<link::Frame> frame = link::dissect(packet);
  if (!frame) return note_flaw(frame.flaw());
  if (frame->network != link::Network::ipv4 && frame->network != link::Network::ipv6) {
    if (frame->network != link::Network::arp) {
      ++summary_.not_dissected[link::network_name(frame->network, frame->code)];
    }
    return;
  }
  const Parsed<ip::Datagram> datagram = ip::parse(frame->payload);
  if (!datagram) return note_flaw(datagram.flaw());
  add_datagram(*datagram, {packet.ref, packet.time}, 0);
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
  dns_.expire(to);
  tcp_.expire(to);
}

void Tracking::pass_seconds(Timestamp to) {
  for (std::int64_t told = 0; next_second_ <= to; ++told) {
    std::int64_t passed = 1;
    if (told == most_seconds_told) passed += (to - next_second_) / seconds{1};
    next_second_ += seconds{passed - 1};
    expire(next_second_);
    listener_.on_second({next_second_, static_cast<std::uint64_t>(passed)});
    next_second_ += seconds{1};
  }
}

void Tracking::add_datagram(const ip::Datagram& datagram, const Sighting& seen,
                            std::uint64_t tunnel) {
  if (datagram.is_fragment()) return;
  switch (datagram.protocol) {
    case ip::protocol::udp:
      return add_udp(datagram, seen, tunnel);
    case ip::protocol::tcp:
      return add_tcp(datagram, seen, tunnel);
    default:
      return;
  }
}

void Tracking::add_udp(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel) {
  const Parsed<udp::Datagram> udp = udp::Datagram::parse(datagram.payload);
  if (!udp) return note_flaw(udp.flaw());
  if (udp->source_port == dns_port || udp->destination_port == dns_port) {
    const Parsed<dns::Message> message = dns::Message::parse(udp->payload);
    if (!message) return note_flaw(message.flaw());
    add_dns(*message, {seen,
                       {datagram.source, udp->source_port},
                       {datagram.destination, udp->destination_port},
                       tunnel,
                       Transport::udp});
  }
}

void Tracking::add_dns(const dns::Message& message, const dns::Carriage& carriage) {
  if (message.is_response()) {
    ++summary_.dns_responses;
    ++summary_.dns_rcodes[static_cast<std::uint16_t>(message.rcode())];
  } else {
    ++summary_.dns_queries;
  }
  dns_.add(message, carriage);
}

void Tracking::add_tcp(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel) {
  const Parsed<tcp::Segment> segment = tcp::Segment::parse(datagram.payload);
  if (!segment) return note_flaw(segment.flaw());
  const auto carriage = tcp::Carriage::of(datagram, *segment, seen, tunnel);
  tcp_.add(*segment, carriage);
  if (segment->source_port == dns_port || segment->destination_port == dns_port) {
    dns_streams_.add(
        *segment, carriage,
        [this](const dns::Message& message, const dns::Carriage& came) { add_dns(message, came); });
  }
}

void Tracking::finish() {
  dns_.finish(clock_.now());
  tcp_.finish(clock_.now());
  summary_.last = clock_.now();
  summary_.clock_steps_back = clock_.steps_back();
  summary_.clock_steps_forward = clock_.steps_forward();
  summary_.evicted = dns_.counters().evicted + tcp_.evicted();
  listener_.on_capture_ended(summary_);
}

}  // namespace wirefault
