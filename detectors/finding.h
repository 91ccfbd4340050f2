// What a detector claims, in a form that every report format can print. A finding is one claim
// about one entity, not one packet; an incident is the findings that share one root.
//
// Text in here is printable ASCII: whatever came from the wire was escaped when the text was made
// (names in presentation form, addresses as text).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/packet.h"

namespace wirefault {

enum class Severity : std::uint8_t {
  note,      // worth knowing, risk or context
  warning,   // degraded, or failures absorbed by retries
  error,     // users see failures
  critical,  // an entity is unusable now
};

enum class Confidence : std::uint8_t {
  possible,  // an absence alone, or a doubtful capture; never rises above warning
  probable,  // an absence with corroboration
  certain,   // a packet proves it, or two independent observations agree
};

enum class FindingState : std::uint8_t { ongoing, ended };

// Who is concerned, by role, with the most affected first.
struct Who {
  struct Member {
    std::string text;         // "192.0.2.1", "192.0.2.1:53", "www.example.com."
    std::uint64_t count = 0;  // in the finding's unit; 0: not counted
  };
  std::string_view role;    // client server service address name zone path link mac router tunnel
  std::vector<Member> top;  // at most five
  std::uint64_t distinct = 0;
  bool is_approximate = false;  // too many to be told apart one by one: an estimate
};

struct EvidenceItem {
  PacketRef packet;
  Timestamp time{};
  std::string_view role;  // first typical worst last
  std::string note{};     // what it shows, where that is worth a line; may be empty
};

struct Cause {
  std::string_view id;  // "server-down": what an expectation names
  std::string text;     // "the server or its host is down"
  std::string why;      // what in this capture supports it
  std::string check;    // a read-only command that would confirm it; may be empty
};

struct Caveat {
  std::string_view kind;  // "kernel-drops"
  std::string text;       // with its numbers
};

// A number that belongs to the finding and to no field above: "stall_ms" 3120.
struct Measure {
  std::string_view key;  // unit in the name
  std::int64_t value = 0;
};

struct Finding {
  std::string id;        // F1.. in report order; given when the report is made
  std::uint64_t fp = 0;  // stable hash of detector, variant and entity
  std::string_view detector;
  std::string_view variant;  // empty: the plain case
  std::string entity;        // what fp is made from: the primary entity with its tunnel context
  // The stable id of the tunnel that all of it was seen in; 0: in none; nothing: in any.
  std::optional<std::uint64_t> tunnel = 0;
  Severity severity = Severity::note;
  Confidence confidence = Confidence::possible;
  std::string title;  // subject and verb, at most 60 columns

  std::uint64_t count = 0;
  std::uint64_t of = 0;      // the denominator; 0: there is none
  std::string_view unit;     // singular: "query"
  bool lower_bound = false;  // something was evicted or sampled: there may be more

  std::string before;  // what was normal earlier in this capture: "answered 99.98 %, median 2 ms"
  Timestamp first{};
  Timestamp last{};
  FindingState state = FindingState::ended;

  std::vector<Who> who;
  std::vector<PacketRef> frames;       // all that it rests on, sorted, at most 1,000
  std::uint64_t frames_total = 0;      // kept or not
  std::vector<EvidenceItem> evidence;  // at most 8 of the frames
  std::string display_filter;          // Wireshark's; selects exactly `frames`
  std::string capture_filter;          // BPF; would catch the same traffic next time
  std::vector<Measure> measures;

  std::vector<Cause> causes;      // most likely first
  std::vector<std::string> next;  // read-only commands
  std::vector<Caveat> caveats;
  std::string incident;  // the id of the one it belongs to, or empty
};

struct Incident {
  std::string id;  // I1..
  std::string title;
  std::string root;                   // a finding's id
  std::vector<std::string> findings;  // ids, the root's first
  std::string why;
};

}  // namespace wirefault
