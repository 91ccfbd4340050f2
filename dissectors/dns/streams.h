// DNS messages out of TCP streams: RFC 1035 section 4.2.2 and RFC 7766 section 8. A message follows
// its length in two octets; the length may sit in a segment of its own, a segment may hold many
// messages, a message may span many segments.
//
// Each direction is put together by sequence number: repetitions are trimmed, what comes early
// waits in a bounded queue. What it cannot see: messages around bytes that the capture lost. Such a
// gap is given up after a second, and reading goes on where a segment starts with a plausible
// message. The last few queries of a connection are remembered, to say what became of them when
// their responses cannot be read, or the server hangs up instead.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dissectors/dns/tracker.h"
#include "dissectors/tcp/opening.h"

namespace wirefault::dns {

// Queries that will get no response that can be read.
struct LostQueries {
  static constexpr std::size_t most = 8;

  Rejection how = Rejection::none;  // none: the response may be in what could not be read
  std::array<std::uint16_t, most> ids{};
  std::uint8_t count = 0;

  std::span<const std::uint16_t> kept() const { return {ids.data(), count}; }
  void add(std::uint16_t id);  // drops the oldest when full
  void remove(std::uint16_t id);
};

class Streams {
 public:
  // `budget` in bytes.
  Streams(std::size_t budget, const HashKey& key);

  // Calls hear(message, carriage) for each message that the segment completes. What it returns
  // concerns the queries of the segment's receiver.
  template <class Hear>
  LostQueries add(const tcp::Segment& segment, const tcp::Carriage& carriage, Hear hear) {
    Direction* direction = direction_of(segment, carriage);
    if (direction == nullptr) return {};
    Bytes bytes = in_order(*direction, segment, carriage.seen.time);
    for (Bytes message; next_message(*direction, bytes, message);) {
      const auto parsed = Message::parse({message, static_cast<std::uint32_t>(message.size())});
      if (!parsed) {
        ++malformed_;
        continue;
      }
      note(*direction, *parsed);
      hear(*parsed, Carriage{carriage.seen, carriage.source, carriage.destination, carriage.tunnel,
                             Transport::tcp});
    }
    keep(*direction, bytes);
    const LostQueries lost = lost_queries(*direction, segment);
    if (segment.has(tcp::rst) || segment.has(tcp::fin)) close(*direction, segment);
    return lost;
  }

  std::uint64_t malformed() const { return malformed_; }
  const TableCounters& counters() const { return counters_; }

 private:
  struct Early {
    std::uint32_t sequence = 0;
    std::vector<std::uint8_t> bytes;
  };
  // What a direction holds only while a message is incomplete or a gap is open.
  struct Buffer {
    std::vector<std::uint8_t> partial;  // in order, from the start of a message
    std::vector<Early> early;
  };
  struct Direction {
    Endpoint source;
    Endpoint destination;
    std::uint64_t tunnel = 0;
    Timestamp gap_since{};     // when bytes came early; zero: nothing is missing
    std::uint32_t next = 0;    // the sequence number expected
    std::uint32_t buffer = 0;  // number + 1 in buffers_; 0: none
    bool in_step = false;      // `next` is the start of a message, or within the one in the buffer
    LostQueries open;          // asked in this direction, not answered yet
  };

  Direction* direction_of(const tcp::Segment& segment, const tcp::Carriage& carriage);
  Direction* find(const Endpoint& source, const Endpoint& destination, std::uint64_t tunnel);
  // The other direction of the same connection, unless it has ended.
  Direction* opposite(const Direction& direction);
  // Keeps account of what is asked and answered.
  void note(Direction& direction, const Message& message);
  LostQueries lost_queries(const Direction& direction, const tcp::Segment& segment);
  // What can be read now, from the start of a message.
  Bytes in_order(Direction& direction, const tcp::Segment& segment, Timestamp now);
  bool next_message(Direction& direction, Bytes& bytes, Bytes& message);
  // Keeps the unread rest for the next segment.
  void keep(Direction& direction, Bytes rest);
  void keep_early(Direction& direction, std::uint32_t sequence, Bytes bytes, Timestamp now);
  void append(Direction& direction, std::uint32_t sequence, Bytes bytes);
  void fall_out_of_step(Direction& direction);
  void close(Direction& direction, const tcp::Segment& segment);
  Buffer& buffer_of(Direction& direction);
  void release(Direction& direction);

  const HashKey key_;
  const std::size_t buffer_budget_;
  std::size_t buffered_ = 0;
  Table<Direction> table_;
  std::vector<Buffer> buffers_;
  std::vector<std::uint32_t> free_buffers_;
  TableCounters counters_;
  std::uint64_t malformed_ = 0;
};

}  // namespace wirefault::dns
