// Puts fragmented datagrams together again (RFC 791 section 3.2, RFC 8200 section 4.5) and says
// which never became whole.
//
//               the last gap closes                          frag.decide-after < age
//   (none) ──▶ open ─────────────────────▶ complete ─▶ ghost    └▶ delayed ─▶ ghost
//               ├─ frag.timeout, or ICMP time exceeded code 1 ──▶ incomplete ─▶ ghost
//               ├─ the identification is used again ────────────▶ id_reused
//               ├─ overlap (IPv6), too long ────────────────────▶ inconsistent ─▶ ghost
//               └─ capture ends, table full ────────────────────▶ capture_ended, evicted
//
// Ghosts are remembered for a while: a late copy of a fragment is no new datagram, and receivers
// say only after 30 s or more that they gave up. What it cannot see: whether a datagram that is
// whole here reached its destination whole, unless the destination complains; and fragments that a
// filter of the capture left out.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "dissectors/facts.h"
#include "dissectors/hash.h"
#include "dissectors/ip/datagram.h"
#include "dissectors/settings.h"
#include "dissectors/table.h"

namespace wirefault::ip {

class Reassembly {
 public:
  // `budget` in bytes. Facts go to `listener`, which must outlive this.
  Reassembly(Settings& settings, std::size_t budget, const HashKey& key, FactListener& listener);

  // The whole datagram when `fragment` completes it; its payload is valid until the next call, and
  // it has no `raw`. A flaw when what came together cannot be read.
  Parsed<std::optional<Datagram>> add(const Datagram& fragment, const Sighting& seen,
                                      std::uint64_t tunnel);

  // An ICMP error "reassembly time exceeded" quoted `fragment`, which had come from its source.
  // False when nothing is known of that datagram.
  bool confirm_loss(const Datagram& fragment, std::uint64_t tunnel, const Sighting& error,
                    const IpAddress& reporter);

  // Settles what was due by `now`. Call it before the packet that carried the clock there.
  void expire(Timestamp now) {
    if (now >= next_deadline_) expire_due(now);
  }
  void finish(Timestamp end);

  const TableCounters& counters() const { return counters_; }
  std::size_t resident() const { return table_.size(); }
  // Every datagram of which a fragment was seen, and those of them that were never whole.
  std::uint64_t datagrams() const { return counters_.inserted; }
  std::uint64_t incomplete() const { return counters_.inserted - complete_; }

 private:
  // Open datagrams are listed by source, hashed into so many lists: that bounds what one source can
  // hold, and finds its oldest. One more list holds the ghosts.
  static constexpr std::uint8_t source_lists = 128;
  static constexpr std::uint8_t ghosts = source_lists;

  // Bytes of a datagram, chained in order of offset, never overlapping. As large as a fragment on
  // Ethernet; longer ones take several.
  static constexpr std::size_t piece_size = 1488;
  static constexpr std::uint32_t no_piece = 0xffffffff;
  struct Piece {
    std::uint32_t next;
    std::uint32_t offset;
    std::uint16_t length;    // claimed
    std::uint16_t captured;  // what is in `bytes`
    std::array<std::uint8_t, piece_size> bytes;

    std::uint32_t end() const { return offset + length; }
  };

  struct Entry {
    FragmentedDatagram fact;
    Datagram header;  // of the first fragment once that is here; its views are void
    std::uint64_t hash = 0;
    std::uint64_t first_content = 0;  // hash of the first fragment's start; 0: it is missing
    Timestamp forget{};               // when a ghost goes
    Timestamp ignore_until{};         // up to here, what comes for a ghost is a late copy
    std::uint32_t pieces = no_piece;
    std::uint32_t covered = 0;
    std::uint8_t list = 0;
  };

  enum class Stored : std::uint8_t { yes, conflict, no_room };

  std::uint64_t hash_of(const Datagram& fragment, std::uint64_t tunnel) const;
  Entry* find(std::uint64_t hash, const Datagram& fragment, std::uint64_t tunnel);
  Entry& open(std::uint64_t hash, const Datagram& fragment, const Sighting& seen,
              std::uint64_t tunnel);
  // The open datagram that `fragment` belongs to; null when it is a late copy.
  Entry* place(const Datagram& fragment, const Sighting& seen, std::uint64_t tunnel);
  static void note(Entry& entry, const Datagram& fragment, const Sighting& seen);
  static void read_ports(FragmentedDatagram& fact, const Datagram& first);
  Stored store(Entry& entry, const Datagram& fragment);
  Stored fill_gaps(Entry& entry, const Payload& payload, std::uint32_t offset);
  bool insert(Entry& entry, const Payload& payload, std::uint32_t offset, std::uint32_t& previous);
  bool differs(const Piece& piece, const Payload& payload, std::uint32_t offset) const;
  Payload assemble(const Entry& entry);
  Missing missing_of(const Entry& entry) const;

  void settle(Entry& entry, FragmentOutcome outcome, Timestamp when);
  void bury(Entry& entry, Timestamp when, Duration ignore);
  void erase(Entry& entry);
  void release_pieces(Entry& entry);
  std::uint32_t take_piece(const Entry& keep);
  bool evict(const Entry* keep, Timestamp now);
  void expire_due(Timestamp now);

  const Duration timeout_;
  const Duration decide_after_;
  const HashKey key_;
  FactListener& listener_;

  Table<Entry, source_lists + 1> table_;
  TableCounters counters_;
  std::uint64_t complete_ = 0;
  std::array<std::uint32_t, source_lists> held_{};  // entries per list
  Timestamp next_deadline_ = Timestamp::max();

  std::uint32_t piece_count_;
  std::unique_ptr<Piece[]> pieces_;  // pages are touched only as they fill
  std::uint32_t fresh_piece_ = 0;
  std::uint32_t free_piece_ = no_piece;
  std::unique_ptr<std::array<std::uint8_t, 65536>> whole_;
};

}  // namespace wirefault::ip
