// What got through between two hosts while a connection of theirs repeated one segment in vain: it
// tells apart what looks alike from within that connection. If nothing got through, the path was
// interrupted; if only smaller packets did, it takes no large ones; if others as large did, it
// loses at random, or something on it forgot the connection.
//
// Learned from repetitions by timeout and from connections that began and ended meanwhile. Only
// where the originals passed the capture point: behind the loss, nobody sees what is in vain.
#pragma once

#include <cstdint>
#include <vector>

#include "detectors/flow_key.h"
#include "detectors/tally_map.h"
#include "dissectors/facts.h"

namespace wirefault {

// What else was sent the same way, and whether it arrived. Sizes are those of IP, header included.
struct Meanwhile {
  std::uint32_t smaller = 0;       // packets that arrived
  std::uint16_t smaller_size = 0;  // at least, of the largest of them
  std::uint32_t smaller_lost = 0;
  bool as_large = false;  // one that large arrived too

  bool has_any() const { return smaller != 0 || as_large; }
  bool only_smaller() const { return smaller > 10 * smaller_lost && !as_large; }
};

struct Stall {
  FlowKey flow;
  bool sender_is_initiator = false;
  bool is_first_large = false;  // of its connection, on which smaller ones had arrived
  bool answered = false;        // meanwhile the receiver answered, on this connection
  bool arrived = false;         // at last
  std::uint16_t size = 0;
  std::uint16_t in_vain = 0;  // how often it was sent in vain, as far as the next repetition proves
  std::uint64_t offset = 0;   // of the segment's first byte
  Timestamp first{};          // when it was sent
  Timestamp last{};           // and when for the last time that is known to be in vain
  Timestamp tried{};          // and for the last time at all
  Duration idle_before{};     // of the connection, when it was sent first
  Meanwhile meanwhile;        // from the first to the last in vain
  std::vector<Sighting> seen;

  // Every link of IPv6 takes more (RFC 8200, section 5).
  static constexpr std::uint16_t large = 1000;
  bool is_large() const { return size >= large; }
  bool covers(Timestamp when) const { return first <= when && when <= last; }

 private:
  friend class PathStalls;
  // Smaller ones, when the last repetition had not been proven vain yet: before it, and after it.
  struct Count {
    std::uint32_t arrived = 0;
    std::uint32_t lost = 0;
  };
  Count before_last_try_;
  Count after_last_try_;
  Timestamp large_arrived_{};  // one as large, first; zero: none
};

// Large packets were lost for a while, and smaller ones were not. Unlike a limit that holds to the
// end it has to be told from chance.
struct SizeHole {
  std::vector<const Stall*> stalls;
  std::uint16_t lost_size = 0;  // the smallest
  std::uint32_t in_vain = 0;
  Meanwhile meanwhile;  // of the stall that says most

  bool exists() const { return !stalls.empty(); }
  bool covers(Timestamp when) const;
};

// Of two hosts, in one direction.
class PathStalls {
 public:
  void add(const tcp::Retransmission& fact);
  void add(const tcp::SizeStall& fact);
  // `size`: of the largest packet that arrived; zero: those of a handshake only.
  void add_passage(const FlowKey& flow, Timestamp first, Timestamp last, std::uint16_t size);

  // The longest of that flow; null: none.
  const Stall* longest_of(const FlowKey& flow) const;
  bool covers(Timestamp when) const;  // one of them does
  SizeHole hole() const;

 private:
  static constexpr std::size_t most_stalls = 64;
  static constexpr std::size_t most_recent = 32;
  static constexpr std::size_t most_seen = 16;

  struct Passage {
    FlowKey flow;
    Timestamp first{};
    Timestamp last{};
    std::uint16_t size = 0;
  };

  Stall& stall_of(const tcp::Retransmission& fact, const FlowKey& flow);
  void end_before(const FlowKey& flow, std::uint64_t offset);
  static void note(const Passage& passage, Stall& stall);

  std::vector<Stall> stalls_;
  std::vector<Passage> recent_;  // until a stall is known as one
};

class Stalls {
 public:
  void add(const tcp::Retransmission& fact);
  void add(const tcp::SizeStall& fact);
  void add(const tcp::ConnectionEnded& ended);

  // Null: no connection stalled.
  const PathStalls* find(const PathKey& path) const { return paths_.find(path); }
  auto sorted() const { return paths_.sorted(); }

 private:
  TallyMap<PathKey, PathStalls> paths_{256};
  Timestamp awaited_{};  // when the last repetition is due for which what arrives may matter
};

}  // namespace wirefault
