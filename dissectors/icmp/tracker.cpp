#include "dissectors/icmp/tracker.h"

#include <algorithm>

#include "dissectors/hash.h"

namespace wirefault::icmp {
namespace {

using std::chrono::seconds;

constexpr std::uint16_t dns_port = 53;

// A sender that was told has obeyed by now: it takes a round trip, and one repetition.
constexpr Duration time_to_obey = seconds{1};
// As many as RFC 9293 section 3.8.3 (R1) takes for a sign that something is wrong with the path.
constexpr std::uint32_t ignored_packets = 3;
// Healthy hosts answer every echo, and floods are answered as well.
constexpr Duration echo_pause = seconds{1};
// After this the answer is clear, or there is nothing to see.
constexpr Duration watch_time = seconds{30};

// Below these no router may ask for less: RFC 791, RFC 8200 section 5.
constexpr std::uint32_t least_v4 = 68;
constexpr std::uint32_t least_v6 = 1280;

// RFC 1191, section 7.1: the sizes that links have.
std::uint32_t plateau_below(std::uint32_t length) {
  for (const std::uint32_t plateau :
       {32000u, 17914u, 8166u, 4352u, 2002u, 1492u, 1006u, 508u, 296u}) {
    if (plateau < length) return plateau;
  }
  return least_v4;
}

// What a router may ask for, as far as its number goes.
bool is_possible(const Error& error) {
  return error.mtu == 0 || error.mtu >= (error.source.is_v6() ? least_v6 : least_v4);
}

bool is_about_dns_response(const Error& error) {
  return error.kind != ErrorKind::reassembly_time_exceeded && error.has_ports &&
         error.protocol == ip::protocol::udp && error.source_port == dns_port &&
         error.destination_port != dns_port;
}

}  // namespace

Tracker::Flow Tracker::Flow::of(const ip::Datagram& datagram, std::uint64_t tunnel) {
  Flow flow;
  flow.source = datagram.source;
  flow.destination = datagram.destination;
  flow.tunnel = tunnel;
  flow.protocol = datagram.protocol;
  const Bytes bytes = datagram.payload.bytes;
  if (datagram.fragment_offset != 0 || bytes.size() < 8) return flow;
  switch (datagram.protocol) {
    case ip::protocol::tcp:
    case ip::protocol::udp:
      flow.has_ports = true;
      flow.source_port = be16(&bytes[0]);
      flow.destination_port = be16(&bytes[2]);
      break;
    case ip::protocol::icmp:
    case ip::protocol::icmpv6:
      flow.source_port = flow.destination_port = be16(&bytes[4]);
      break;
    default:
      break;
  }
  return flow;
}

std::uint64_t Tracker::Flow::hash() const {
  QuickHash quick;
  quick.add(source.bytes());
  quick.add(destination.bytes());
  quick.add(tunnel, std::uint64_t{protocol} << 32 | std::uint64_t{source_port} << 16 |
                        std::uint64_t{destination_port});
  return quick.value();
}

Tracker::Flow Tracker::Flow::reversed() const {
  Flow back = *this;
  std::swap(back.source, back.destination);
  std::swap(back.source_port, back.destination_port);
  return back;
}

Tracker::Recent* Tracker::find(std::uint64_t hash) {
  Recent& recent = recent_[hash % recent_count];
  return recent.hash == hash && recent.last.exists() ? &recent : nullptr;
}

void Tracker::remember(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel) {
  const std::uint64_t hash = Flow::of(datagram, tunnel).hash();
  Recent& recent = recent_[hash % recent_count];
  if (recent.hash != hash || !recent.last.exists()) recent = {hash, seen.time, {}, {}};
  recent.last = seen;
}

void Tracker::note_reply(const ip::Datagram& reply, const Sighting& seen, std::uint64_t tunnel) {
  Recent* request = find(Flow::of(reply, tunnel).reversed().hash());
  if (request == nullptr) return;
  const bool told_before = request->answer_told != Timestamp{};
  if (told_before && seen.time - request->answer_told < echo_pause) return;
  request->answer_told = seen.time;
  listener_.on_icmp_echo_answered(
      {reply.destination, reply.source, tunnel, request->last, seen, reply.hop_limit});
}

Flaw Tracker::add(const Message& message, const ip::Datagram& datagram, const Sighting& seen,
                  std::uint64_t tunnel) {
  ++errors_;
  ++kinds_[static_cast<std::size_t>(message.error)];
  const Parsed<Quote> quote = message.quote();
  if (!quote) {
    ++unmatched_;
    return quote.flaw();
  }
  Error error;
  error.seen = seen;
  error.reporter = datagram.source;
  error.tunnel = tunnel;
  error.kind = message.error;
  error.hop_limit = datagram.hop_limit;
  if (message.error == ErrorKind::fragmentation_needed) error.mtu = message.mtu();
  error.source = quote->datagram.source;
  error.destination = quote->datagram.destination;
  error.protocol = quote->datagram.protocol;
  error.quoted_hop_limit = quote->datagram.hop_limit;
  error.has_ports = quote->has_ports;
  error.source_port = quote->source_port;
  error.destination_port = quote->destination_port;
  error.quoted_length = quote->datagram.total_length;
  // Its client was gone. That is no failure of the server's, and of the client's only if it asks
  // again, which will be seen.
  if (is_about_dns_response(error)) return Flaw::none;
  if (!join(error, *quote)) {
    ++unmatched_;
    listener_.on_icmp_stray_error({error});
    return Flaw::none;
  }
  if (error.kind == ErrorKind::fragmentation_needed) start_watch(error);
  listener_.on_icmp_error(error);
  return Flaw::none;
}

bool Tracker::join(Error& error, const Quote& quote) {
  if (error.kind == ErrorKind::reassembly_time_exceeded) {
    error.match = Match::fragmented_datagram;
    return keepers_.reassembly.confirm_loss(quote.datagram, error.tunnel, error.seen,
                                            error.reporter);
  }
  if (error.protocol == ip::protocol::tcp) return quote.has_ports && join_tcp(error, quote);
  if (error.protocol == ip::protocol::udp && quote.has_ports &&
      (error.source_port == dns_port || error.destination_port == dns_port)) {
    return join_dns(error, quote);
  }
  return join_recent(error, Flow::of(quote.datagram, error.tunnel));
}

bool Tracker::join_tcp(Error& error, const Quote& quote) {
  tcp::Rejected rejected;
  rejected.seen = error.seen;
  rejected.rejecter = error.reporter;
  rejected.error = error.kind;
  rejected.source = {error.source, error.source_port};
  rejected.destination = {error.destination, error.destination_port};
  rejected.tunnel = error.tunnel;
  rejected.sequence = quote.sequence;
  rejected.is_final = error.is_unreachable() || error.kind == ErrorKind::ttl_exceeded;
  if (error.kind == ErrorKind::fragmentation_needed && is_possible(error)) {
    rejected.too_large = error.quoted_length;
  }
  const tcp::Quoted quoted = keepers_.tcp.reject(rejected);
  const bool is_attempt = quoted.kind == tcp::Quoted::Kind::attempt;
  error.match = is_attempt ? Match::tcp_attempt : Match::tcp_connection;
  error.quoted = quoted.last;
  error.sent_length = quoted.sent_length;
  error.is_reply = !quoted.from_initiator;
  return quoted.kind != tcp::Quoted::Kind::nothing;
}

bool Tracker::join_dns(Error& error, const Quote& quote) {
  error.match = Match::dns_transaction;
  dns::Rejected rejected;
  rejected.seen = error.seen;
  rejected.rejecter = error.reporter;
  rejected.client = {error.source, error.source_port};
  rejected.server = {error.destination, error.destination_port};
  rejected.tunnel = error.tunnel;
  rejected.has_id = quote.udp_payload.bytes.size() >= 2;
  if (rejected.has_id) rejected.id = be16(quote.udp_payload.bytes.data());
  // The query goes on, in smaller pieces or along another way.
  rejected.is_final = error.is_unreachable() || error.kind == ErrorKind::ttl_exceeded;
  error.quoted = keepers_.dns.reject(rejected);
  return error.quoted.exists();
}

bool Tracker::join_recent(Error& error, const Flow& flow) {
  const Recent* there = find(flow.hash());
  if (there == nullptr) return false;
  error.match = Match::datagram;
  error.quoted = there->last;
  const Recent* back = find(flow.reversed().hash());
  error.is_reply = back != nullptr && back->first < there->first;
  if (back != nullptr) error.heard = back->last;
  return true;
}

void Tracker::start_watch(const Error& error) {
  if (!is_possible(error)) return;
  const std::uint32_t mtu = error.mtu != 0 ? error.mtu : plateau_below(error.quoted_length);
  const auto same = [&error](const PathMtu& path) {
    return path.source == error.source && path.destination == error.destination &&
           path.tunnel == error.tunnel && path.protocol == error.protocol &&
           path.source_port == error.source_port && path.destination_port == error.destination_port;
  };
  auto path = std::find_if(watched_.begin(), watched_.end(), same);
  if (path == watched_.end()) {
    if (watched_.size() == max_watched) {
      settle(watched_.front(), error.seen.time);
      watched_.erase(watched_.begin());
    }
    PathMtu made;
    made.router = error.reporter;
    made.source = error.source;
    made.destination = error.destination;
    made.tunnel = error.tunnel;
    made.protocol = error.protocol;
    made.has_ports = error.has_ports;
    made.source_port = error.source_port;
    made.destination_port = error.destination_port;
    made.mtu = mtu;
    made.is_reply = error.is_reply;
    path = watched_.insert(watched_.end(), made);
  }
  path->mtu = std::min(path->mtu, mtu);
  path->refused = std::max(path->refused, error.quoted_length);
  path->sent = std::max(path->sent, error.sent_length);
  path->messages.add(error.seen);
  if (path->adapted.exists() && error.seen.time - path->adapted.time >= time_to_obey) {
    ++path->late_messages;
  }
}

void Tracker::note_size(const ip::Datagram& datagram, const Sighting& seen, std::uint64_t tunnel) {
  for (auto path = watched_.begin(); path != watched_.end(); ++path) {
    if (path->source != datagram.source || path->destination != datagram.destination ||
        path->tunnel != tunnel || path->protocol != datagram.protocol) {
      continue;
    }
    const Flow flow = Flow::of(datagram, tunnel);
    // Fragments beyond the first carry no ports: they stand for any flow of the pair.
    if (flow.has_ports && path->has_ports &&
        (flow.source_port != path->source_port ||
         flow.destination_port != path->destination_port)) {
      continue;
    }
    const std::uint32_t length = datagram.total_length;
    if (length <= path->mtu) {
      if (length > path->mtu / 4 * 3 && !path->adapted.exists()) path->adapted = seen;
      return;
    }
    // What is longer than what the router refused was captured before segmentation offload cut it.
    const bool on_wire = length <= path->refused && datagram.dont_fragment;
    if (!on_wire || seen.time - path->messages.first().time < time_to_obey) return;
    path->oversize.add(seen);
    return;
  }
}

void Tracker::settle(PathMtu& path, Timestamp when) {
  path.settled = when;
  path.reaction = path.oversize.count() >= ignored_packets ? Reaction::ignored
                  : path.adapted.exists()                  ? Reaction::adapted
                                                           : Reaction::unknown;
  listener_.on_icmp_path_mtu(path);
}

void Tracker::expire_due(Timestamp now) {
  while (!watched_.empty() && watched_.front().messages.first().time + watch_time <= now) {
    settle(watched_.front(), watched_.front().messages.first().time + watch_time);
    watched_.erase(watched_.begin());
  }
}

void Tracker::finish(Timestamp end) {
  for (PathMtu& path : watched_) settle(path, end);
  watched_.clear();
}

}  // namespace wirefault::icmp
