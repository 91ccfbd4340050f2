#include "dissectors/ip/reassembly.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace wirefault::ip {
namespace {

using std::chrono::seconds;

// Upper bounds, whatever the budget; Suricata's default is 65,535 in all.
constexpr std::size_t max_datagrams = 16384;
constexpr std::uint32_t max_per_source = 1024;
constexpr std::uint32_t max_fragments = 256;

// Linux complains 31.4 s after the first fragment over IPv4 (ipfrag_time is 30 s) and after 60 s
// over IPv6, and an incomplete datagram becomes a ghost after 30 s.
constexpr Duration remember = seconds{40};
// A copy that took another way comes this late at most; identifications come round later.
constexpr Duration late_copy = seconds{1};

constexpr std::size_t port_bytes = 4;
constexpr std::uint16_t dns_port = 53;
constexpr std::size_t udp_header = 8;

// What tells one datagram from another that was given the same identification.
std::uint64_t content_of(const Datagram& first) {
  const std::uint64_t hash =
      stable_hash(first.payload.bytes.first(std::min<std::size_t>(64, first.payload.bytes.size())));
  return hash == 0 ? 1 : hash;
}

// Zero is what a sender's own capture shows when its network card computes the checksum.
bool has_wrong_checksum(const Datagram& fragment) {
  if (fragment.is_v6() || be16(&fragment.raw[10]) == 0) return false;
  const std::size_t header_length = (fragment.raw[0] & 0x0fu) * std::size_t{4};
  return fragment.raw.size() >= header_length && checksum(fragment.raw.first(header_length)) != 0;
}

}  // namespace

Reassembly::Reassembly(Settings& settings, std::size_t budget, const HashKey& key,
                       FactListener& listener)
    // Linux's; RFC 791 suggests 15 s, RFC 1122 section 3.3.2 60 to 120 s, RFC 8200 60 s.
    : timeout_{settings.duration("frag", "timeout", seconds{30},
                                 "time after which a datagram in fragments is incomplete")},
      // Reordering takes milliseconds: what is missing after this has little hope.
      decide_after_{settings.duration("frag", "decide-after", seconds{5},
                                      "the same, for datagrams still open when the capture ends")},
      key_{key},
      listener_{listener},
      table_{std::min(max_datagrams, budget / 3 / decltype(table_)::entry_cost())},
      piece_count_{static_cast<std::uint32_t>(std::max<std::size_t>(
          64, (budget - std::min(budget, table_.capacity() * decltype(table_)::entry_cost())) /
                  sizeof(Piece)))},
      pieces_{std::make_unique_for_overwrite<Piece[]>(piece_count_)},
      whole_{std::make_unique_for_overwrite<std::array<std::uint8_t, 65536>>()} {}

std::uint64_t Reassembly::hash_of(const Datagram& fragment, std::uint64_t tunnel) const {
  const auto source = fragment.source.words();
  const auto destination = fragment.destination.words();
  // RFC 8200 section 4.5: fragments of one IPv6 datagram may differ in what they name next.
  const std::uint64_t kind = fragment.is_v6() ? 256u : fragment.protocol;
  return keyed_hash(key_, std::array{source[0], source[1], destination[0], destination[1], tunnel,
                                     kind << 32 | fragment.identification});
}

Reassembly::Entry* Reassembly::find(std::uint64_t hash, const Datagram& fragment,
                                    std::uint64_t tunnel) {
  return table_.find(hash, [&](const Entry& entry) {
    const FragmentedDatagram& fact = entry.fact;
    return entry.hash == hash && fact.identification == fragment.identification &&
           fact.tunnel == tunnel && fact.source == fragment.source &&
           fact.destination == fragment.destination &&
           (fragment.is_v6() || fact.protocol == fragment.protocol);
  });
}

Reassembly::Entry& Reassembly::open(std::uint64_t hash, const Datagram& fragment,
                                    const Sighting& seen, std::uint64_t tunnel) {
  const auto list = static_cast<std::uint8_t>(stable_hash(fragment.source.bytes()) % source_lists);
  if (held_[list] >= max_per_source) {
    settle(*table_.oldest(list), FragmentOutcome::evicted, seen.time);
    ++counters_.evicted;
    erase(*table_.oldest(list));
  }
  if (table_.full()) evict(nullptr, seen.time);
  Entry& entry = table_.insert(hash, list);
  ++counters_.inserted;
  ++held_[list];
  entry.hash = hash;
  entry.list = list;
  entry.header = fragment;
  entry.fact.source = fragment.source;
  entry.fact.destination = fragment.destination;
  entry.fact.tunnel = tunnel;
  entry.fact.identification = fragment.identification;
  entry.fact.protocol = entry.fact.upper_protocol = fragment.protocol;
  entry.fact.first = seen;
  next_deadline_ = std::min(next_deadline_, seen.time + timeout_);
  return entry;
}

Reassembly::Entry* Reassembly::place(const Datagram& fragment, const Sighting& seen,
                                     std::uint64_t tunnel) {
  const std::uint64_t hash = hash_of(fragment, tunnel);
  Entry* entry = find(hash, fragment, tunnel);
  if (entry == nullptr) return &open(hash, fragment, seen, tunnel);
  const bool other_content = fragment.fragment_offset == 0 && entry->first_content != 0 &&
                             entry->first_content != content_of(fragment);
  if (entry->list == ghosts) {
    if (seen.time <= entry->ignore_until && !other_content) return nullptr;
    ++counters_.expired;
  } else {
    if (!other_content) return entry;
    settle(*entry, FragmentOutcome::id_reused, seen.time);
    ++counters_.closed;
  }
  erase(*entry);
  return &open(hash, fragment, seen, tunnel);
}

Parsed<std::optional<Datagram>> Reassembly::add(const Datagram& fragment, const Sighting& seen,
                                                std::uint64_t tunnel) {
  Parsed<std::optional<Datagram>> nothing;
  Entry* entry = place(fragment, seen, tunnel);
  if (entry == nullptr) return nothing;
  FragmentedDatagram& fact = entry->fact;
  note(*entry, fragment, seen);
  if (fact.fragment_count > max_fragments) {
    settle(*entry, FragmentOutcome::evicted, seen.time);
    bury(*entry, seen.time, timeout_);
    return nothing;
  }
  const Stored stored = store(*entry, fragment);
  if (stored != Stored::yes) {
    settle(*entry,
           stored == Stored::conflict ? FragmentOutcome::inconsistent : FragmentOutcome::evicted,
           seen.time);
    bury(*entry, seen.time, timeout_);
    return nothing;
  }
  if (fact.total_length == 0 || entry->covered < fact.total_length) return nothing;

  const Payload payload = assemble(*entry);
  const Parsed<Datagram> whole = after_reassembly(entry->header, payload);
  ++complete_;
  settle(*entry,
         seen.time - fact.first.time > decide_after_ ? FragmentOutcome::delayed
                                                     : FragmentOutcome::complete,
         seen.time);
  bury(*entry, seen.time, late_copy);
  if (!whole) return whole.flaw();
  nothing->emplace(*whole);
  return nothing;
}

void Reassembly::note(Entry& entry, const Datagram& fragment, const Sighting& seen) {
  FragmentedDatagram& fact = entry.fact;
  if (fact.fragment_count < FragmentedDatagram::max_fragments) {
    fact.fragments[fact.fragment_count] = {seen, fragment.fragment_offset, fragment.payload.length,
                                           fragment.hop_limit, fragment.more_fragments};
  }
  ++fact.fragment_count;
  fact.last = seen;
  fact.corrupt = fact.corrupt || has_wrong_checksum(fragment);
  fact.largest_packet = std::max(fact.largest_packet, fragment.total_length);
  if (fragment.fragment_offset != 0 || entry.first_content != 0) return;
  entry.first_content = content_of(fragment);
  entry.header = fragment;
  entry.header.raw = {};
  entry.header.payload = {};
  const Parsed<Datagram> upper = after_reassembly(fragment, fragment.payload);
  if (upper) read_ports(fact, *upper);
}

void Reassembly::read_ports(FragmentedDatagram& fact, const Datagram& first) {
  const Bytes bytes = first.payload.bytes;
  fact.upper_protocol = first.protocol;
  const bool is_udp = first.protocol == protocol::udp;
  if ((!is_udp && first.protocol != protocol::tcp) || bytes.size() < port_bytes) return;
  fact.has_ports = true;
  fact.source_port = be16(&bytes[0]);
  fact.destination_port = be16(&bytes[2]);
  if (!is_udp || bytes.size() < udp_header + 2) return;
  if (fact.source_port != dns_port && fact.destination_port != dns_port) return;
  fact.has_dns_id = true;
  fact.dns_id = be16(&bytes[udp_header]);
}

// First come, first kept: RFC 791 leaves it open, and the first copy is the one that a reader who
// was not in time to forge saw. RFC 5722: an IPv6 datagram whose fragments overlap is void.
Reassembly::Stored Reassembly::store(Entry& entry, const Datagram& fragment) {
  FragmentedDatagram& fact = entry.fact;
  const std::uint32_t end = fragment.fragment_offset + fragment.payload.length;
  if (!fragment.more_fragments) {
    if (fact.total_length != 0 && fact.total_length != end) return Stored::conflict;
    fact.total_length = end;
  }
  if (fact.total_length != 0 && end > fact.total_length) return Stored::conflict;
  const bool overlapped_before = fact.overlapped;
  const Stored stored = fill_gaps(entry, fragment.payload, fragment.fragment_offset);
  if (stored == Stored::yes && fact.overlapped && !overlapped_before && fragment.is_v6()) {
    return Stored::conflict;
  }
  return stored;
}

// Keeps of `payload` what is not there yet, and marks the datagram when the rest is not an exact
// copy of what is.
Reassembly::Stored Reassembly::fill_gaps(Entry& entry, const Payload& payload,
                                         std::uint32_t offset) {
  const std::uint32_t end = offset + payload.length;
  std::uint32_t previous = no_piece;
  std::uint32_t at = entry.pieces;
  std::uint32_t cursor = offset;
  std::uint32_t added = 0;
  bool overlaps = false;
  bool disagrees = false;
  while (cursor < end) {
    while (at != no_piece && pieces_[at].end() <= cursor) {
      previous = at;
      at = pieces_[at].next;
    }
    const std::uint32_t gap_end =
        at == no_piece ? end : std::min(end, std::max(cursor, pieces_[at].offset));
    if (gap_end > cursor) {
      const Payload gap = payload.after(cursor - offset).first(gap_end - cursor);
      if (!insert(entry, gap, cursor, previous)) return Stored::no_room;
      added += gap_end - cursor;
      cursor = gap_end;
    } else {
      overlaps = true;
      disagrees = disagrees || differs(pieces_[at], payload, offset);
      cursor = std::min(end, pieces_[at].end());
    }
  }
  entry.covered += added;
  if (disagrees || (overlaps && added > 0)) entry.fact.overlapped = true;
  return Stored::yes;
}

// Puts bytes that begin at `offset` behind the piece `previous`, which moves on.
bool Reassembly::insert(Entry& entry, const Payload& payload, std::uint32_t offset,
                        std::uint32_t& previous) {
  for (std::uint32_t done = 0; done < payload.length;) {
    const std::uint32_t number = take_piece(entry);
    if (number == no_piece) return false;
    Piece& piece = pieces_[number];
    const Payload part = payload.after(done).first(piece_size);
    piece.offset = offset + done;
    piece.length = static_cast<std::uint16_t>(part.length);
    piece.captured = static_cast<std::uint16_t>(part.bytes.size());
    if (!part.bytes.empty()) std::memcpy(piece.bytes.data(), part.bytes.data(), part.bytes.size());
    std::uint32_t& link = previous == no_piece ? entry.pieces : pieces_[previous].next;
    piece.next = link;
    link = number;
    previous = number;
    done += part.length;
  }
  return true;
}

bool Reassembly::differs(const Piece& piece, const Payload& payload, std::uint32_t offset) const {
  const std::uint32_t begin = std::max(piece.offset, offset);
  const auto captured = static_cast<std::uint32_t>(payload.bytes.size());
  const std::uint32_t end = std::min(piece.offset + piece.captured, offset + captured);
  return begin < end && std::memcmp(&piece.bytes[begin - piece.offset],
                                    &payload.bytes[begin - offset], end - begin) != 0;
}

// Up to the first byte that our capture cut.
Payload Reassembly::assemble(const Entry& entry) {
  std::size_t size = 0;
  for (std::uint32_t at = entry.pieces; at != no_piece; at = pieces_[at].next) {
    const Piece& piece = pieces_[at];
    std::memcpy(whole_->data() + size, piece.bytes.data(), piece.captured);
    size += piece.captured;
    if (piece.captured < piece.length) break;
  }
  return {{whole_->data(), size}, entry.fact.total_length};
}

Missing Reassembly::missing_of(const Entry& entry) const {
  const bool has_first = entry.first_content != 0;
  const bool has_last = entry.fact.total_length != 0;
  std::uint32_t gaps = 0;  // between what is there
  std::uint32_t end = entry.pieces == no_piece ? 0 : pieces_[entry.pieces].offset;
  for (std::uint32_t at = entry.pieces; at != no_piece; at = pieces_[at].next) {
    if (pieces_[at].offset != end) ++gaps;
    end = pieces_[at].end();
  }
  if (has_first && !has_last && gaps == 0) {
    return entry.fact.fragment_count == 1 ? Missing::all_but_first : Missing::last;
  }
  if (!has_first && has_last && gaps == 0) return Missing::first;
  return has_first && has_last ? Missing::middle : Missing::several;
}

void Reassembly::settle(Entry& entry, FragmentOutcome outcome, Timestamp when) {
  entry.fact.outcome = outcome;
  entry.fact.settled = when;
  entry.fact.missing = entry.fact.is_complete() ? Missing::nothing : missing_of(entry);
  listener_.on_ip_fragmented_datagram(entry.fact);
}

void Reassembly::bury(Entry& entry, Timestamp when, Duration ignore) {
  release_pieces(entry);
  --held_[entry.list];
  entry.list = ghosts;
  entry.forget = when + remember;
  entry.ignore_until = when + ignore;
  table_.move_to(entry, ghosts);
  next_deadline_ = std::min(next_deadline_, entry.forget);
}

void Reassembly::erase(Entry& entry) {
  release_pieces(entry);
  if (entry.list != ghosts) --held_[entry.list];
  table_.erase(entry);
}

void Reassembly::release_pieces(Entry& entry) {
  while (entry.pieces != no_piece) {
    Piece& piece = pieces_[entry.pieces];
    const std::uint32_t next = piece.next;
    piece.next = free_piece_;
    free_piece_ = entry.pieces;
    entry.pieces = next;
  }
}

std::uint32_t Reassembly::take_piece(const Entry& keep) {
  if (free_piece_ == no_piece && fresh_piece_ < piece_count_) return fresh_piece_++;
  while (free_piece_ == no_piece) {
    if (!evict(&keep, keep.fact.last.time)) return no_piece;
  }
  const std::uint32_t taken = free_piece_;
  free_piece_ = pieces_[taken].next;
  return taken;
}

// Pushes out a ghost if only an entry is wanted (`keep` is null), else the oldest datagram of
// the source that holds most, other than `keep`.
bool Reassembly::evict(const Entry* keep, Timestamp now) {
  if (Entry* ghost = table_.oldest(ghosts); keep == nullptr && ghost != nullptr) {
    ++counters_.expired;
    erase(*ghost);
    return true;
  }
  Entry* victim = nullptr;
  std::uint32_t most = 0;
  for (std::uint8_t list = 0; list < source_lists; ++list) {
    if (held_[list] <= most) continue;
    Entry* oldest = table_.oldest(list);
    if (oldest == keep) oldest = table_.after(*oldest);
    if (oldest == nullptr) continue;
    victim = oldest;
    most = held_[list];
  }
  if (victim == nullptr) return false;
  settle(*victim, FragmentOutcome::evicted, now);
  ++counters_.evicted;
  erase(*victim);
  return true;
}

bool Reassembly::confirm_loss(const Datagram& fragment, std::uint64_t tunnel, const Sighting& error,
                              const IpAddress& reporter) {
  Entry* entry = find(hash_of(fragment, tunnel), fragment, tunnel);
  if (entry == nullptr) return false;
  FragmentedDatagram& fact = entry->fact;
  if (fact.is_confirmed()) return true;
  fact.confirmed_by = error;
  fact.confirmer = reporter;
  if (entry->list != ghosts) {
    settle(*entry, FragmentOutcome::incomplete, error.time);
    bury(*entry, error.time, timeout_);
    return true;
  }
  fact.amends = true;
  fact.amended = fact.outcome;
  fact.outcome = FragmentOutcome::incomplete;
  fact.settled = error.time;
  listener_.on_ip_fragmented_datagram(fact);
  return true;
}

void Reassembly::expire_due(Timestamp now) {
  for (;;) {
    Entry* first = nullptr;
    Timestamp due = Timestamp::max();
    for (std::uint8_t list = 0; list <= ghosts; ++list) {
      Entry* oldest = table_.oldest(list);
      if (oldest == nullptr) continue;
      const Timestamp deadline =
          list == ghosts ? oldest->forget : oldest->fact.first.time + timeout_;
      if (deadline < due) {
        due = deadline;
        first = oldest;
      }
    }
    if (first == nullptr || due > now) {
      next_deadline_ = due;
      return;
    }
    if (first->list == ghosts) {
      ++counters_.expired;
      erase(*first);
    } else {
      settle(*first, FragmentOutcome::incomplete, due);
      bury(*first, due, Duration::zero());
    }
  }
}

void Reassembly::finish(Timestamp end) {
  expire(end);
  std::vector<Entry*> open;
  for (std::uint8_t list = 0; list < source_lists; ++list) {
    for (Entry* entry = table_.oldest(list); entry != nullptr; entry = table_.after(*entry)) {
      open.push_back(entry);
    }
  }
  std::sort(open.begin(), open.end(), [](const Entry* a, const Entry* b) {
    return a->fact.first.time != b->fact.first.time ? a->fact.first.time < b->fact.first.time
                                                    : a->fact.first.packet < b->fact.first.packet;
  });
  for (Entry* entry : open) {
    const bool old_enough = end - entry->fact.first.time >= decide_after_;
    entry->fact.waited_briefly = old_enough;
    settle(*entry, old_enough ? FragmentOutcome::incomplete : FragmentOutcome::capture_ended, end);
    ++counters_.closed;
    erase(*entry);
  }
}

}  // namespace wirefault::ip
