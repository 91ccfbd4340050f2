// A conversation of two hosts, made of chunks of eleven bytes: which way, flags, how much later,
// the sequence number and the acknowledgment as steps from the last, length, window, options.
// Whatever they say, the accounts of the tracker must balance.
#include <cstdlib>

#include "dissectors/tcp/tracker.h"
#include "tests/support/octets.h"

namespace {

using namespace wirefault;

// Adds up what the facts say.
struct Accounts final : FactListener {
  std::uint64_t repeats = 0;
  std::uint64_t spurious = 0;
  std::uint64_t late = 0;
  std::uint64_t ended = 0;

  void on_tcp_retransmission(const tcp::Retransmission& fact) override {
    ++repeats;
    require(fact.repetition.exists() && fact.gap >= Duration{} && fact.totals.repeats != 0);
  }
  void on_tcp_spurious_retransmission(const tcp::SpuriousRetransmission&) override { ++spurious; }
  void on_tcp_out_of_order(const tcp::OutOfOrder&) override { ++late; }
  void on_tcp_connection_ended(const tcp::ConnectionEnded&) override { ++ended; }

  static void require(bool holds) {
    if (!holds) std::abort();
  }
};

struct Host {
  Endpoint endpoint;
  std::uint32_t next = 0;
};

tcp::Options read_options(ByteReader& reader, std::uint8_t which, std::uint32_t acknowledgment) {
  tcp::Options options;
  if ((which & 1) != 0) {
    options.has_timestamps = true;
    options.timestamp = reader.u8();
    options.timestamp_echo = reader.u8();
  }
  if ((which & 2) != 0) {
    options.sack_count = static_cast<std::uint8_t>(1 + which % 4);
    for (std::size_t i = 0; i < options.sack_count; ++i) {
      options.sack[i].begin = wrapping_add(acknowledgment, std::uint32_t{reader.u16()});
      options.sack[i].end = wrapping_add(options.sack[i].begin, std::uint32_t{reader.u8()} * 16);
    }
  }
  if ((which & 4) != 0) {
    options.has_mss = true;
    options.mss = reader.u16();
    options.sack_permitted = true;
  }
  return options;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader reader{Bytes{data, size}};
  Settings settings;
  Accounts accounts;
  tcp::Tracker tracker{settings, {1 << 14, 1 << 14, 1 << 13}, HashKey{1, 2}, accounts};
  Host hosts[2] = {{{IpAddress::parse("192.0.2.1").value(), 40000}, 1000},
                   {{IpAddress::parse("198.51.100.1").value(), 80}, 0xfffffff0}};
  Timestamp now{std::chrono::seconds{1700000000}};
  std::uint64_t number = 0;
  while (!reader.at_end()) {
    const std::uint8_t way = reader.u8();
    Host& from = hosts[way & 1];
    Host& to = hosts[~way & 1];
    tcp::Segment segment;
    segment.flags = reader.u8();
    now += std::chrono::microseconds{1} * (std::int64_t{reader.u16()} << (way >> 4));
    segment.sequence = wrapping_add(
        from.next, static_cast<std::uint32_t>(static_cast<std::int16_t>(reader.u16())));
    segment.acknowledgment =
        wrapping_add(to.next, static_cast<std::uint32_t>(static_cast<std::int16_t>(reader.u16())));
    segment.payload.length = reader.u16();
    segment.window = reader.u8();
    segment.source_port = from.endpoint.port;
    segment.destination_port = to.endpoint.port;
    segment.header_length = 20;
    segment.options =
        read_options(reader, static_cast<std::uint8_t>(way >> 1), segment.acknowledgment);
    if ((way & 0x0e) != 0x0e) {
      from.next = wrapping_add(segment.sequence, segment.sequence_length());
    }
    tcp::Carriage carriage;
    carriage.seen = {PacketRef{0, ++number}, now};
    carriage.source = from.endpoint;
    carriage.destination = to.endpoint;
    carriage.identification = static_cast<std::uint16_t>(number);
    carriage.has_identification = true;
    carriage.total_length = 40 + segment.payload.length;
    tracker.expire(now);
    tracker.add(segment, carriage);
  }
  tracker.finish(now);

  const tcp::Connections& connections = tracker.connections();
  const TableCounters& table = connections.counters();
  const tcp::TransferCounters& transfers = connections.transfers();
  Accounts::require(connections.resident() == 0 && connections.lent() == 0);
  Accounts::require(table.inserted == table.evicted + table.expired + table.closed);
  Accounts::require(accounts.ended == table.inserted);
  Accounts::require(accounts.spurious <= accounts.repeats);
  Accounts::require(accounts.late == transfers.out_of_order);
  Accounts::require(accounts.repeats <= transfers.repeats);
  return 0;
}
