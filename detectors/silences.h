// When a server said nothing at all: what tells an outage from queries lost here and there.
//
// Between two of its responses a server is silent, and so it is before the first and after the
// last. A query without an answer belongs to the silence in which it was asked. What is learned
// late (a query counts as unanswered seconds after it was asked) still finds its silence: the last
// few are kept.
//
// Blind spot: a server that answers the capture point's clients over another path is silent here.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "capture/timestamp.h"

namespace wirefault {

struct Silence {
  std::optional<Timestamp> after;  // its last response before; none: nothing came before
  std::optional<Timestamp> until;  // its next response; none: it has not come
  // The attempts in vain.
  Timestamp first{};
  Timestamp last{};
  std::uint64_t unanswered = 0;  // queries, repetitions counted once
  std::uint64_t repeated = 0;    // other queries: answered when repeated after it
  std::uint64_t too_late = 0;    // of the unanswered: answered when it was over
  // The first few different lookups that had no answer, by hash.
  std::array<std::uint64_t, 3> lookups{};
  std::uint8_t lookup_count = 0;

  void add_lookup(std::uint64_t hash);
  // What is certain of it: from the first attempt in vain to the last, or to the answer that some
  // of them got when it was over.
  Duration length() const { return (too_late > 0 && until ? *until : last) - first; }
  // Three different lookups and not one response while their clients waited: the server is out of
  // service, or was. Where it answered again, what was lost within a second may have been one
  // burst.
  bool is_outage() const {
    if (lookup_count < lookups.size()) return false;
    return !until || (*until - first >= patience && length() >= std::chrono::seconds{1});
  }
  // glibc and dig ask again after 5 s: hardly anything is a failure sooner.
  static constexpr Duration patience = std::chrono::seconds{5};
};

class Silences {
 public:
  // The server said something. In the order of time.
  void end(Timestamp response) {
    if (!open_.after || response - *open_.after >= Silence::patience) return close(response);
    const Timestamp latest = std::max(*open_.after, response);
    if (open_.lookup_count > 0) open_ = {};
    open_.after = latest;
  }

  // A query was in vain: the silence in which it was asked. Null: it was not silent long enough, or
  // that is too long ago.
  Silence* of(Timestamp asked);

  // The longest outage; null: none. It may be the present one.
  const Silence* longest() const;
  // It has been silent since, and is out of service.
  bool is_out() const { return open_.is_outage(); }
  std::uint64_t outages() const;
  // Of queries in all outages.
  std::uint64_t too_late() const;

 private:
  void close(Timestamp response);

  Silence open_;
  std::array<Silence, 6> past_{};  // a ring
  std::size_t next_ = 0;
  // Outages that had to make room.
  Silence longest_forgotten_;
  std::uint64_t forgotten_ = 0;
  std::uint64_t forgotten_too_late_ = 0;
};

}  // namespace wirefault
