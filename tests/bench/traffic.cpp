#include "tests/bench/traffic.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace wirefault::bench {

namespace {

constexpr Nanoseconds start_time = 1'700'000'000 * second;
constexpr std::uint32_t first_resolver = 0x100;
constexpr std::uint32_t first_server = 0x1000;
constexpr double ipv6_share = 0.15;
constexpr double loss = 0.01;  // chance that a segment of a response is lost
constexpr double flood_syn_interval_ns = 2'000;
constexpr double flood_answered = 0.02;  // share of the flood's SYNs that get a SYN-ACK
constexpr std::size_t udp_checksum_offset = 6;
constexpr std::size_t icmp_checksum_offset = 2;
constexpr std::uint32_t fragment_payload = 1480;

}  // namespace

Traffic::Traffic(Scenario scenario, std::uint64_t packets, std::uint32_t flows, std::uint64_t seed,
                 CaptureFile& capture, Truth& truth)
    : scenario_(scenario),
      packets_(packets),
      clients_(scenario == Scenario::dns ? 50'000 : 20'000),
      servers_(scenario == Scenario::many_flows ? 60'000 : 3'000),
      domains_(scenario == Scenario::dns ? 400'000 : 50'000),
      resolvers_(scenario == Scenario::dns ? 8 : 4),
      background_(1),
      capture_(capture),
      truth_(truth),
      random_(seed),
      segments_(seed + 1, frames_, capture, truth) {
  if (scenario == Scenario::dns) flows = 0;
  if (scenario == Scenario::syn_flood) flows = std::min(flows, 500u);
  if (scenario == Scenario::mix || scenario == Scenario::syn_flood) background_ = flows / 5000.0;
  flows_.resize(flows);
}

void Traffic::run() {
  if (scenario_ == Scenario::many_flows) {
    run_many_flows();
    return;
  }
  start();
  while (!events_.empty() && !is_full()) {
    const Event event = events_.top();
    events_.pop();
    handle(event);
  }
}

void Traffic::start() {
  for (std::uint32_t i = 0; i < flows_.size(); ++i) {
    start_flow(i, start_time + random_.below(1'000'000) * microsecond);
  }
  schedule(start_time, EventKind::new_lookup);
  if (scenario_ == Scenario::mix) {
    schedule(start_time, EventKind::icmp);
    schedule(start_time, EventKind::fragments);
  }
  if (scenario_ == Scenario::syn_flood) {
    schedule(start_time + 500 * millisecond, EventKind::flood_syn);
  }
}

void Traffic::handle(const Event& event) {
  switch (event.kind) {
    case EventKind::flow_step:
      step_flow(event.index, event.time);
      break;
    case EventKind::segment:
      segments_.write(event.time, flows_[event.index].connection, event.segment);
      break;
    case EventKind::dns_query:
      ask(event.time, event.index);
      break;
    case EventKind::dns_response:
      answer(event.time, event.index);
      break;
    case EventKind::new_lookup:
      start_background_lookup(event.time);
      break;
    case EventKind::icmp:
      write_icmp(event.time);
      break;
    case EventKind::fragments:
      write_fragments(event.time);
      break;
    case EventKind::flood_syn:
      write_flood_syn(event.time);
      break;
  }
}

void Traffic::schedule(Nanoseconds time, EventKind kind, std::uint32_t index) {
  events_.push({time, scheduled_++, kind, index, {}});
}

void Traffic::send(Nanoseconds time, std::uint32_t flow, const Segment& segment) {
  events_.push({time, scheduled_++, EventKind::segment, flow, segment});
}

Host Traffic::random_client() {
  return {.is_ipv6 = random_.chance(ipv6_share), .number = random_.below(clients_)};
}

Host Traffic::random_server() {
  return {.is_server = true, .number = first_server + random_.below(servers_)};
}

// Popular servers get most of the flows, and most flows are short: squared and Pareto
// distributions.
void Traffic::start_flow(std::uint32_t index, Nanoseconds time) {
  static constexpr std::array<std::uint16_t, 14> ports = {443, 443, 443,  443,  443, 443, 80,
                                                          80,  22,  3306, 8080, 25,  993, 5432};
  Flow& flow = flows_[index];
  flow = {};
  Connection& connection = flow.connection;
  connection.client = random_client();
  const double popularity = random_.unit();
  connection.server = {
      .is_ipv6 = connection.client.is_ipv6,
      .is_server = true,
      .number = first_server + static_cast<std::uint32_t>(servers_ * popularity * popularity)};
  connection.server_port = ports[(connection.server.number * 7 + random_.below(2)) % 14];
  connection.client_port = random_.port(32768, 28000);
  connection.initial_sequence = {random_.next32(), random_.next32()};
  connection.has_timestamps = random_.chance(0.6);
  connection.segment_size = static_cast<std::uint16_t>((connection.client.is_ipv6 ? 1440 : 1460) -
                                                       (connection.has_timestamps ? 12 : 0));
  flow.round_trip = (300 + random_.exponential(random_.chance(0.5) ? 4000 : 35000)) * microsecond;
  flow.requests_left = 1 + random_.below(3);
  flow.segments_left =
      static_cast<std::uint32_t>(std::min(4000.0, 4.0 * std::pow(1.0 - random_.unit(), -0.75)));

  const double fate = random_.unit();
  flow.fate = fate < 0.025   ? Fate::syn_timeout
              : fate < 0.045 ? Fate::refused
              : fate < 0.075 ? Fate::reset_midway
              : fate < 0.105 ? Fate::reset_at_close
              : fate < 0.135 ? Fate::forgotten
              : fate < 0.145 ? Fate::stalled
                             : Fate::well;
  ++truth_.flows_started;
  if (flow.fate == Fate::syn_timeout) ++truth_.flows_started_syn_timeout;
  if (flow.fate == Fate::refused) ++truth_.flows_started_refused;
  if (flow.fate == Fate::reset_midway) ++truth_.flows_started_reset;
  schedule(time, EventKind::flow_step, index);
}

void Traffic::next_step(std::uint32_t index, Nanoseconds time, Step step) {
  flows_[index].step = step;
  schedule(time, EventKind::flow_step, index);
}

void Traffic::step_flow(std::uint32_t index, Nanoseconds time) {
  const Flow& flow = flows_[index];
  switch (flow.step) {
    case Step::look_up:
      if (scenario_ == Scenario::mix) {
        const Host client = flow.connection.client;
        const DnsType wanted = client.is_ipv6 ? DnsType::aaaa : DnsType::a;
        const DnsType other = client.is_ipv6 ? DnsType::a : DnsType::aaaa;
        start_lookup(time, client, wanted, true);
        if (random_.chance(0.5)) start_lookup(time + 20 * microsecond, client, other, true);
      }
      next_step(index, time + (3000 + random_.below(30000)) * microsecond, Step::handshake);
      break;
    case Step::handshake:
      shake_hands(index, time);
      break;
    case Step::request:
      send_request(index, time);
      break;
    case Step::response:
      send_response(index, time);
      break;
    case Step::close:
      close_flow(index, time);
      break;
    case Step::restart:
      start_flow(index, time + random_.exponential(50000) * microsecond);
      break;
  }
}

void Traffic::shake_hands(std::uint32_t index, Nanoseconds time) {
  Flow& flow = flows_[index];
  const Nanoseconds answer_time = time + flow.round_trip;
  send(time, index,
       {.flags = syn,
        .window = 64240,
        .purpose = flow.syns > 0 ? Purpose::syn_retransmission : Purpose::ordinary});
  ++flow.syns;
  if (flow.fate == Fate::syn_timeout) {
    // Linux waits 1, 2, 4 seconds.
    if (flow.syns <= 3) {
      next_step(index, time + (second << (flow.syns - 1)), Step::handshake);
    } else {
      next_step(index, time + millisecond, Step::restart);
    }
    return;
  }
  if (flow.fate == Fate::refused) {
    send(answer_time, index, {.from = End::server, .flags = rst | ack, .acknowledgment = 1});
    next_step(index, answer_time + millisecond, Step::restart);
    return;
  }
  send(answer_time, index,
       {.from = End::server, .flags = syn | ack, .window = 65160, .acknowledgment = 1});
  send(answer_time + 30 * microsecond, index, {.flags = ack, .sequence = 1, .acknowledgment = 1});
  flow.next = {1, 1};
  next_step(index, answer_time + (60 + random_.below(400)) * microsecond, Step::request);
}

// One or two segments, and the server's ACK.
void Traffic::send_request(std::uint32_t index, Nanoseconds time) {
  Flow& flow = flows_[index];
  auto& [client_next, server_next] = flow.next;
  const int segments = random_.chance(0.15) ? 2 : 1;
  for (int i = 0; i < segments; ++i) {
    const std::uint16_t length =
        i + 1 < segments ? flow.connection.segment_size : random_.port(60, 700);
    send(time, index,
         {.flags = psh | ack,
          .sequence = client_next,
          .acknowledgment = server_next,
          .length = length});
    client_next += length;
    time += 15 * microsecond;
  }
  time += flow.round_trip;
  send(time, index,
       {.from = End::server, .flags = ack, .sequence = server_next, .acknowledgment = client_next});
  next_step(index, time + (200 + random_.below(20000)) * microsecond, Step::response);
}

// One window of the response with the client's ACKs. At most one segment of it is lost; in two of
// five cases before our tap, so that the capture has its repetition only.
void Traffic::send_response(std::uint32_t index, Nanoseconds time) {
  Flow& flow = flows_[index];
  if (flow.fate == Fate::reset_midway && flow.segments_left < 6) {
    reset_midway(index, time);
    return;
  }
  const std::uint32_t segments = std::min(flow.window, flow.segments_left);
  const std::uint16_t full = flow.connection.segment_size;
  auto& [client_next, server_next] = flow.next;

  std::uint32_t lost = 0;
  while (lost < segments && !random_.chance(loss)) ++lost;
  const bool lost_after_tap = random_.chance(0.6);
  Segment lost_segment;

  for (std::uint32_t i = 0; i < segments; ++i) {
    const bool is_last = i + 1 == segments;
    const bool ends_response = flow.segments_left == i + 1;
    Segment data{.from = End::server,
                 .flags = static_cast<std::uint8_t>(is_last ? psh | ack : ack),
                 .sequence = server_next,
                 .acknowledgment = client_next,
                 .length = ends_response ? random_.port(40, full - 40u) : full};
    time += (5 + random_.below(120)) * microsecond;
    server_next += data.length;
    if (i != lost || lost_after_tap) send(time, index, data);
    if (i == lost) {
      lost_segment = data;
      continue;
    }
    Segment answer{.flags = ack, .sequence = client_next, .acknowledgment = server_next};
    if (i > lost) {
      answer.acknowledgment = lost_segment.sequence;
      answer.purpose = Purpose::duplicate_ack;
    }
    // Receivers acknowledge every second segment, and at once when one is missing (RFC 5681).
    if (i > lost || i % 2 == 1 || is_last) send(time + 20 * microsecond, index, answer);
  }
  flow.segments_left -= segments;

  Nanoseconds next_time = time + flow.round_trip;
  if (lost < segments) {
    const bool is_fast = segments - 1 - lost >= 3;  // three duplicate ACKs (RFC 5681)
    if (!is_fast) next_time += (200'000 + random_.below(60'000)) * microsecond;
    lost_segment.flags = ack;
    lost_segment.purpose = !lost_after_tap ? Purpose::gap_fill
                           : is_fast       ? Purpose::fast_retransmission
                                           : Purpose::rto_retransmission;
    send(next_time, index, lost_segment);
    send(next_time + 20 * microsecond, index,
         {.flags = ack, .sequence = client_next, .acknowledgment = server_next});
    next_time += flow.round_trip;
    flow.window = std::max(4u, flow.window / 2);
  } else if (flow.window < 60) {
    flow.window += 6;
  }
  if (flow.fate == Fate::stalled && flow.segments_left > 0) next_time = stall(index, time);

  if (flow.segments_left > 0) {
    next_step(index, next_time, Step::response);
  } else if (--flow.requests_left > 0 && flow.fate == Fate::well) {
    flow.segments_left = 1 + random_.below(8);
    next_step(index, next_time + random_.below(500'000) * microsecond, Step::request);
  } else {
    next_step(index, next_time, Step::close);
  }
}

void Traffic::reset_midway(std::uint32_t index, Nanoseconds time) {
  const Flow& flow = flows_[index];
  const auto [client_next, server_next] = flow.next;
  const bool by_server = random_.chance(0.5);
  send(time, index,
       {.from = by_server ? End::server : End::client,
        .flags = rst | ack,
        .sequence = by_server ? server_next : client_next,
        .acknowledgment = by_server ? client_next : server_next});
  next_step(index, time + millisecond, Step::restart);
}

// The client's window closes; the server probes once, and it is open again.
Nanoseconds Traffic::stall(std::uint32_t index, Nanoseconds time) {
  Flow& flow = flows_[index];
  const auto [client_next, server_next] = flow.next;
  Segment answer{.flags = ack,
                 .window = 0,
                 .sequence = client_next,
                 .acknowledgment = server_next,
                 .purpose = Purpose::zero_window};
  send(time + 50 * microsecond, index, answer);
  send(time + 300 * millisecond, index,
       {.from = End::server,
        .flags = ack,
        .sequence = server_next - 1,
        .acknowledgment = client_next,
        .purpose = Purpose::keep_alive});
  answer.window = 502;
  answer.purpose = Purpose::ordinary;
  send(time + 300 * millisecond + 30 * microsecond, index, answer);
  flow.fate = Fate::well;
  return time + 300 * millisecond + flow.round_trip;
}

void Traffic::close_flow(std::uint32_t index, Nanoseconds time) {
  const Flow& flow = flows_[index];
  const auto [client_next, server_next] = flow.next;
  if (flow.fate == Fate::forgotten) {
    next_step(index, time + millisecond, Step::restart);
    return;
  }
  send(time, index, {.flags = fin | ack, .sequence = client_next, .acknowledgment = server_next});
  time += flow.round_trip;
  if (flow.fate == Fate::reset_at_close) {
    send(time, index, {.from = End::server, .flags = rst, .sequence = server_next});
  } else {
    send(time, index,
         {.from = End::server,
          .flags = fin | ack,
          .sequence = server_next,
          .acknowledgment = client_next + 1});
    send(time + 20 * microsecond, index,
         {.flags = ack, .sequence = client_next + 1, .acknowledgment = server_next + 1});
  }
  next_step(index, time + millisecond, Step::restart);
}

void Traffic::start_lookup(Nanoseconds time, const Host& client, DnsType type, bool for_flow) {
  if (free_lookups_.empty()) {
    free_lookups_.push_back(static_cast<std::uint32_t>(lookups_.size()));
    lookups_.emplace_back();
  }
  const std::uint32_t index = free_lookups_.back();
  free_lookups_.pop_back();

  DnsLookup& lookup = lookups_[index];
  lookup.client = client;
  lookup.client_port = random_.port(1024, 64000);
  lookup.id = random_.next16();
  lookup.type = type;
  lookup.has_edns = random_.chance(0.7);
  lookup.has_many_answers = random_.chance(0.03);
  const double popularity = random_.unit();
  lookup.domain = static_cast<std::uint32_t>(domains_ * popularity * popularity * popularity);
  lookup.name = make_name(random_, lookup.domain);
  lookup.resolver = {.is_ipv6 = client.is_ipv6,
                     .is_server = true,
                     .number = first_resolver + lookup.domain % resolvers_};
  lookup.latency_us = 200 + random_.exponential(random_.chance(0.3) ? 40000 : 1500);
  lookup.attempts = 0;

  const double outcome = random_.unit();
  if (outcome < (for_flow ? 0.003 : 0.10)) {
    lookup.rcode = DnsRcode::nxdomain;
  } else if (outcome < (for_flow ? 0.004 : 0.13)) {
    lookup.rcode = DnsRcode::servfail;
  } else if (outcome < (for_flow ? 0.004 : 0.135)) {
    lookup.rcode = DnsRcode::refused;
  } else if (outcome < (for_flow ? 0.010 : 0.155)) {
    lookup.rcode = std::nullopt;
  } else {
    lookup.rcode = DnsRcode::noerror;
  }
  schedule(time, EventKind::dns_query, index);
}

// An unanswered query is repeated after 1 and 3 seconds, then given up.
void Traffic::ask(Nanoseconds time, std::uint32_t index) {
  DnsLookup& lookup = lookups_[index];
  payload_.clear();
  write_query(payload_, lookup);
  capture_.write(time, frames_.frame(lookup.client, lookup.resolver, udp_protocol, payload_,
                                     udp_checksum_offset));
  ++truth_.dns_queries;
  if (lookup.attempts > 0) ++truth_.dns_query_retries;
  ++lookup.attempts;
  if (lookup.rcode) {
    schedule(time + lookup.latency_us * microsecond, EventKind::dns_response, index);
  } else if (lookup.attempts < 3) {
    schedule(time + (lookup.attempts == 1 ? second : 2 * second), EventKind::dns_query, index);
  } else {
    ++truth_.dns_transactions_given_up;
    free_lookups_.push_back(index);
  }
}

void Traffic::answer(Nanoseconds time, std::uint32_t index) {
  const DnsLookup& lookup = lookups_[index];
  payload_.clear();
  write_response(payload_, lookup);
  capture_.write(time, frames_.frame(lookup.resolver, lookup.client, udp_protocol, payload_,
                                     udp_checksum_offset));
  ++truth_.dns_responses;
  switch (*lookup.rcode) {
    case DnsRcode::noerror:
      ++truth_.dns_noerror;
      break;
    case DnsRcode::servfail:
      ++truth_.dns_servfail;
      break;
    case DnsRcode::nxdomain:
      ++truth_.dns_nxdomain;
      break;
    case DnsRcode::refused:
      ++truth_.dns_refused;
      break;
  }
  free_lookups_.push_back(index);
}

void Traffic::start_background_lookup(Nanoseconds time) {
  static constexpr std::array<DnsType, 12> types = {
      DnsType::a,    DnsType::a,    DnsType::a,     DnsType::a,   DnsType::a,  DnsType::aaaa,
      DnsType::aaaa, DnsType::aaaa, DnsType::https, DnsType::txt, DnsType::mx, DnsType::ptr};
  const Host client = random_client();
  start_lookup(time, client, types[random_.below(types.size())], false);
  const Nanoseconds gap = scenario_ == Scenario::dns
                              ? 200 + random_.exponential(20000)
                              : (1 + random_.exponential(1500 / background_)) * microsecond;
  schedule(time + gap, EventKind::new_lookup);
}

// Echoes of both directions, and errors about DNS queries that nobody sent: unreachables, a time
// exceeded and a "fragmentation needed".
void Traffic::write_icmp(Nanoseconds time) {
  static constexpr std::array<std::uint16_t, 4> errors = {0x0301, 0x0303, 0x0b00, 0x0304};
  const Host client{.number = random_.below(clients_)};
  const Host server = random_server();
  const std::uint32_t kind = random_.below(10);
  const bool is_error = kind >= 6;
  const bool from_server = is_error || kind % 2 == 1;
  payload_.clear();
  if (is_error) {
    const std::uint16_t error = errors[kind - 6];
    payload_.u16(error);
    payload_.u16(0);
    payload_.u32(error == 0x0304 ? 1400 : 0);
    payload_.u32(0x4500003c);  // the quoted datagram: 60 bytes from the client's port 40000 to 53
    payload_.u32(0);
    payload_.u32(0x03110000);
    payload_.u32(ipv4_address(client));
    payload_.u32(ipv4_address(server));
    payload_.u16(40000);
    payload_.u16(53);
    payload_.u32(40 << 16);
    ++truth_.icmp_errors;
  } else {
    payload_.u32(from_server ? 0 : 0x08000000);
    payload_.u16(7);
    payload_.u16(static_cast<std::uint32_t>(time / microsecond & 0xffff));
    payload_.pad_to(64);
    ++truth_.icmp_echoes;
  }
  capture_.write(time, frames_.frame(from_server ? server : client, from_server ? client : server,
                                     icmp_protocol, payload_, icmp_checksum_offset));
  schedule(time + (1 + random_.exponential(800 / background_)) * microsecond, EventKind::icmp);
}

// One UDP datagram of 3,000 to 4,400 bytes, without a checksum, in three fragments.
void Traffic::write_fragments(Nanoseconds time) {
  const Host client{.number = random_.below(clients_)};
  const Host server = random_server();
  const std::uint32_t length = 3000 + random_.below(1400);
  const std::uint16_t identification = random_.port(1, 65535);
  ++truth_.fragmented_datagrams;
  for (std::uint32_t offset = 0; offset < length && !is_full(); offset += fragment_payload) {
    payload_.clear();
    if (offset == 0) {
      payload_.u16(2049);
      payload_.u16(40000);
      payload_.u16(length);
      payload_.u16(0);
    }
    payload_.pad_to(std::min(fragment_payload, length - offset));
    const Fragment fragment{.identification = identification,
                            .offset = static_cast<std::uint16_t>(offset),
                            .more = offset + fragment_payload < length};
    capture_.write(time, frames_.fragment(server, client, udp_protocol, payload_.view(), fragment));
    ++truth_.fragments;
  }
  schedule(time + (1 + random_.exponential(4000 / background_)) * microsecond,
           EventKind::fragments);
}

void Traffic::write_flood_syn(Nanoseconds time) {
  Connection connection;
  connection.client = {.number = random_.next32()};
  connection.server = {.is_server = true, .number = first_server + 1};
  connection.client_port = random_.port(1024, 64000);
  connection.server_port = 80;
  connection.initial_sequence = {random_.next32(), random_.next32()};
  segments_.write(time, connection, {.flags = syn, .window = 1024});
  ++truth_.flood_syn;
  if (random_.chance(flood_answered) && !is_full()) {
    segments_.write(
        time, connection,
        {.from = End::server, .flags = syn | ack, .window = 65160, .acknowledgment = 1});
    ++truth_.flood_syn_ack;
  }
  schedule(time + 50 + random_.exponential(flood_syn_interval_ns), EventKind::flood_syn);
}

// All flows shake hands, 64 at a time; then each in turn, in a new order every round, asks and is
// answered.
void Traffic::run_many_flows() {
  Nanoseconds time = start_time;
  open_all(time);
  std::vector<std::uint32_t> order(flows_.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  while (!is_full() && !order.empty()) {
    for (auto i = static_cast<std::uint32_t>(order.size() - 1); i > 0; --i) {
      std::swap(order[i], order[random_.below(i + 1)]);
    }
    for (const std::uint32_t index : order) exchange(time, flows_[index]);
  }
}

void Traffic::open_all(Nanoseconds& time) {
  constexpr std::size_t batch = 64;
  for (std::uint32_t i = 0; i < flows_.size(); ++i) {
    Flow& flow = flows_[i];
    Connection& connection = flow.connection;
    connection.client = {.is_ipv6 = random_.chance(ipv6_share), .number = i / 4};
    connection.server = random_server();
    connection.server.is_ipv6 = connection.client.is_ipv6;
    connection.server_port = random_.below(4) > 0 ? 443 : 80;
    connection.client_port = random_.port(20000 + i % 4 * 8000, 8000);
    connection.initial_sequence = {random_.next32(), random_.next32()};
    connection.segment_size = 1440;
    connection.has_timestamps = true;
    flow.next = {1, 1};
    ++truth_.flows_started;
  }
  for (std::size_t first = 0; first < flows_.size(); first += batch) {
    const auto some = std::span{flows_}.subspan(first, std::min(batch, flows_.size() - first));
    for (const Flow& flow : some) write_next(time, flow, {.flags = syn});
    for (const Flow& flow : some) {
      write_next(time, flow, {.from = End::server, .flags = syn | ack, .acknowledgment = 1});
    }
    for (const Flow& flow : some) {
      write_next(time, flow, {.flags = ack, .sequence = 1, .acknowledgment = 1});
    }
  }
}

void Traffic::exchange(Nanoseconds& time, Flow& flow) {
  auto& [client_next, server_next] = flow.next;
  const std::uint16_t asked = random_.port(80, 300);
  const std::uint16_t answered = random_.below(5) > 0 ? random_.port(60, 400) : 1440;
  write_next(time, flow,
             {.flags = psh | ack,
              .sequence = client_next,
              .acknowledgment = server_next,
              .length = asked});
  client_next += asked;
  write_next(time, flow,
             {.from = End::server,
              .flags = psh | ack,
              .sequence = server_next,
              .acknowledgment = client_next,
              .length = answered});
  server_next += answered;
  write_next(time, flow, {.flags = ack, .sequence = client_next, .acknowledgment = server_next});
}

void Traffic::write_next(Nanoseconds& time, const Flow& flow, const Segment& segment) {
  if (is_full()) return;
  segments_.write(time, flow.connection, segment);
  time += 500 + random_.below(3000);
}

}  // namespace wirefault::bench
