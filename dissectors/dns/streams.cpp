#include "dissectors/dns/streams.h"

#include <algorithm>

namespace wirefault::dns {
namespace {

constexpr std::size_t prefix_size = 2;
constexpr std::size_t max_partial = 65535 + prefix_size;
constexpr std::size_t max_early = 65536;
// A repetition fills a hole within two round trips; a second is generous.
constexpr Duration patience = std::chrono::seconds{1};

// Signed distance in the circle of sequence numbers, RFC 9293 section 3.4.
std::int32_t distance(std::uint32_t from, std::uint32_t to) {
  return static_cast<std::int32_t>(wrapping_add(to, wrapping_add<std::uint32_t>(~from, 1)));
}

std::size_t message_length(Bytes bytes) {
  return be16(bytes.data());
}

// Whether reading may begin at the start of this segment: nothing tells for sure, but the length in
// front fits and what follows it reads as a message.
bool looks_like_a_start(Bytes bytes) {
  if (bytes.size() < prefix_size + Message::header_size) return false;
  const std::size_t length = message_length(bytes);
  if (length < Message::header_size) return false;
  const std::size_t held = bytes.size() - prefix_size;
  if (length != held && length > 4096) return false;
  const Bytes message = bytes.subspan(prefix_size, std::min(length, held));
  return static_cast<bool>(Message::parse({message, static_cast<std::uint32_t>(length)}));
}

}  // namespace

Streams::Streams(std::size_t budget, const HashKey& key)
    : key_{key}, buffer_budget_{budget / 2}, table_{budget / 2 / Table<Direction>::entry_cost()} {}

void LostQueries::add(std::uint16_t id) {
  if (count == most) remove(ids[0]);
  ids[count++] = id;
}

void LostQueries::remove(std::uint16_t id) {
  const auto end = std::remove(ids.begin(), ids.begin() + count, id);
  count = static_cast<std::uint8_t>(end - ids.begin());
}

Streams::Direction* Streams::find(const Endpoint& source, const Endpoint& destination,
                                  std::uint64_t tunnel) {
  // One hash for both directions.
  const std::uint64_t hash = Conversation{source, destination, tunnel}.hash(key_);
  return table_.find(hash, [&](const Direction& each) {
    return each.source == source && each.destination == destination && each.tunnel == tunnel;
  });
}

Streams::Direction* Streams::opposite(const Direction& direction) {
  return find(direction.destination, direction.source, direction.tunnel);
}

void Streams::note(Direction& direction, const Message& message) {
  if (!message.is_response()) return direction.open.add(message.id());
  if (Direction* asking = opposite(direction)) asking->open.remove(message.id());
}

// Whoever hangs up first decides: when the client's direction has ended already, the server only
// follows.
LostQueries Streams::lost_queries(const Direction& direction, const tcp::Segment& segment) {
  const bool is_missing_bytes = !direction.in_step || direction.gap_since != Timestamp{};
  const bool ends = segment.has(tcp::rst) || segment.has(tcp::fin);
  if (!ends && !is_missing_bytes) return {};
  Direction* asking = opposite(direction);
  if (asking == nullptr || asking->open.count == 0) return {};
  LostQueries lost = asking->open;
  const bool is_whole =
      segment.has(tcp::rst) ||
      distance(direction.next, wrapping_add(segment.sequence, segment.payload.length)) <= 0;
  if (ends && !is_missing_bytes && is_whole) {
    lost.how = segment.has(tcp::rst) ? Rejection::reset : Rejection::closed;
    asking->open = {};
  }
  return lost;
}

Streams::Direction* Streams::direction_of(const tcp::Segment& segment,
                                          const tcp::Carriage& carriage) {
  Direction* direction = find(carriage.source, carriage.destination, carriage.tunnel);
  if (direction != nullptr && segment.has(tcp::syn)) {
    release(*direction);  // the ports are used again
    direction->next = wrapping_add(segment.sequence, 1u);
    direction->in_step = true;
    direction->gap_since = {};
    direction->open = {};
    return direction;
  }
  if (direction != nullptr) return direction;
  if (!segment.has(tcp::syn) && segment.payload.length == 0) return nullptr;
  if (table_.full()) {
    release(*table_.oldest());
    table_.erase(*table_.oldest());
    ++counters_.evicted;
  }
  Direction& made = table_.insert(
      Conversation{carriage.source, carriage.destination, carriage.tunnel}.hash(key_));
  ++counters_.inserted;
  made.source = carriage.source;
  made.destination = carriage.destination;
  made.tunnel = carriage.tunnel;
  made.next = wrapping_add(segment.sequence, segment.has(tcp::syn) ? 1u : 0u);
  made.in_step = segment.has(tcp::syn);
  return &made;
}

Bytes Streams::in_order(Direction& direction, const tcp::Segment& segment, Timestamp now) {
  Bytes bytes = segment.payload.bytes;
  if (segment.payload.length == 0) return {};
  std::uint32_t sequence = segment.sequence;
  if (segment.has(tcp::syn)) sequence = wrapping_add(sequence, 1u);

  const bool waited_enough =
      direction.gap_since != Timestamp{} && now - direction.gap_since > patience;
  if (waited_enough) fall_out_of_step(direction);
  if (!direction.in_step) {
    if (!looks_like_a_start(bytes)) return {};
    direction.in_step = true;
    direction.next = sequence;
  }

  const std::int32_t ahead = distance(direction.next, sequence);
  if (ahead > 0) {
    keep_early(direction, sequence, bytes, now);
    return {};
  }
  if (segment.payload.is_cut()) {
    // What the snap length took cannot be waited for; the message it belongs to is lost.
    release(direction);
    direction.in_step = false;
    return ahead == 0 ? bytes : Bytes{};
  }
  if (ahead == 0 && direction.buffer == 0) {
    direction.next = wrapping_add(sequence, static_cast<std::uint32_t>(bytes.size()));
    return bytes;
  }
  append(direction, sequence, bytes);
  Buffer& buffer = buffer_of(direction);
  for (bool grew = true; grew;) {
    grew = false;
    for (std::size_t i = 0; i < buffer.early.size(); ++i) {
      if (distance(direction.next, buffer.early[i].sequence) > 0) continue;
      const Early early = std::move(buffer.early[i]);
      buffer.early.erase(buffer.early.begin() + static_cast<std::ptrdiff_t>(i));
      buffered_ -= early.bytes.size();
      append(direction, early.sequence, early.bytes);
      grew = true;
      break;
    }
  }
  if (buffer.early.empty()) direction.gap_since = {};
  return buffer.partial;
}

// Adds what is new of bytes that start at or before the expected sequence number.
void Streams::append(Direction& direction, std::uint32_t sequence, Bytes bytes) {
  const auto known = static_cast<std::size_t>(-std::int64_t{distance(direction.next, sequence)});
  if (known >= bytes.size()) return;
  const Bytes fresh = bytes.subspan(known);
  std::vector<std::uint8_t>& partial = buffer_of(direction).partial;
  partial.insert(partial.end(), fresh.begin(), fresh.end());
  buffered_ += fresh.size();
  direction.next = wrapping_add(direction.next, static_cast<std::uint32_t>(fresh.size()));
}

void Streams::keep_early(Direction& direction, std::uint32_t sequence, Bytes bytes, Timestamp now) {
  Buffer& buffer = buffer_of(direction);
  std::size_t held = bytes.size();
  for (const Early& early : buffer.early) held += early.bytes.size();
  if (held > max_early || buffered_ + bytes.size() > buffer_budget_) {
    ++counters_.refused;
    return fall_out_of_step(direction);
  }
  buffer.early.push_back({sequence, {bytes.begin(), bytes.end()}});
  buffered_ += bytes.size();
  if (direction.gap_since == Timestamp{}) direction.gap_since = now;
}

bool Streams::next_message(Direction& direction, Bytes& bytes, Bytes& message) {
  if (bytes.size() < prefix_size) return false;
  const std::size_t length = message_length(bytes);
  if (length < Message::header_size) {
    ++malformed_;
    fall_out_of_step(direction);
    bytes = {};
    return false;
  }
  if (bytes.size() < prefix_size + length) return false;
  message = bytes.subspan(prefix_size, length);
  bytes = bytes.subspan(prefix_size + length);
  return true;
}

void Streams::keep(Direction& direction, Bytes rest) {
  if (!direction.in_step) return;
  if (direction.buffer == 0) {
    if (rest.empty()) return;
    if (buffered_ + rest.size() > buffer_budget_) {
      ++counters_.refused;
      return fall_out_of_step(direction);
    }
    buffer_of(direction).partial.assign(rest.begin(), rest.end());
    buffered_ += rest.size();
    return;
  }
  Buffer& buffer = buffer_of(direction);
  if (rest.data() >= buffer.partial.data() &&
      rest.data() <= buffer.partial.data() + buffer.partial.size()) {
    const std::size_t read = buffer.partial.size() - rest.size();
    buffered_ -= read;
    buffer.partial.erase(buffer.partial.begin(),
                         buffer.partial.begin() + static_cast<std::ptrdiff_t>(read));
  }
  if (buffer.partial.size() > max_partial) return fall_out_of_step(direction);
  if (buffer.partial.empty() && buffer.early.empty()) release(direction);
}

void Streams::fall_out_of_step(Direction& direction) {
  release(direction);
  direction.in_step = false;
  direction.gap_since = {};
}

void Streams::close(Direction& direction, const tcp::Segment& segment) {
  // A FIN that came early still waits for bytes before it.
  if (segment.has(tcp::fin) && direction.gap_since != Timestamp{}) return;
  release(direction);
  ++counters_.closed;
  table_.erase(direction);
}

Streams::Buffer& Streams::buffer_of(Direction& direction) {
  if (direction.buffer == 0) {
    if (free_buffers_.empty()) {
      buffers_.emplace_back();
      direction.buffer = static_cast<std::uint32_t>(buffers_.size());
    } else {
      direction.buffer = free_buffers_.back();
      free_buffers_.pop_back();
    }
  }
  return buffers_[direction.buffer - 1];
}

void Streams::release(Direction& direction) {
  if (direction.buffer == 0) return;
  Buffer& buffer = buffers_[direction.buffer - 1];
  buffered_ -= buffer.partial.size();
  for (const Early& early : buffer.early) buffered_ -= early.bytes.size();
  buffer = {};
  free_buffers_.push_back(direction.buffer);
  direction.buffer = 0;
}

}  // namespace wirefault::dns
