// How far a capture can be trusted, and what follows for findings that rest on packets that never
// came. Blame the capture before the network.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detectors/detector.h"
#include "detectors/result.h"
#include "dissectors/facts.h"

namespace wirefault {

// How many tallies of what may be wrong were given up for want of room, by who kept them.
using Forgotten = std::map<std::string_view, std::uint64_t>;

Quality assess(const CaptureSummary& summary, const std::vector<SourceInfo>& sources,
               const Forgotten& forgotten = {});

// Queries that nobody answered or asked again, in a capture without any DNS response, are no
// failure: those of one direction look the same. But nobody must read that all is well. To be asked
// when `result` has its findings.
void note_unheard_answers(const CaptureSummary& summary, Result& result);

// A live capture's interface was down for so long in all, and nothing could be seen.
void note_interface_down(std::string_view interface, std::uint64_t times, Duration down,
                         Result& result);

// Where the capture was taken, as far as the votes tell.
CaptureVantage capture_vantage(const VantageMap& vantages);

// Traffic that was there and could not be judged, a clause each.
std::vector<std::string> not_looked_at(const CaptureSummary& summary);

// Whether later fragments, which carry no ports, may be missing because a capture filter on ports
// left them out: then their absence says nothing.
bool hides_fragments(const CaptureSummary& summary, const std::vector<SourceInfo>& sources);

// Whether a capture filter left nothing of TCP but SYNs and what answers them: then no connection
// is seen to open, and none to fail for want of an acknowledgment.
bool lacks_all_but_syns(const CaptureSummary& summary);

// Withholds or weakens what the capture itself may have caused, and says by how much it may be off.
// `entries` are the detectors that ran.
void apply_gates(const CaptureSummary& summary, const std::vector<SourceInfo>& sources,
                 const std::vector<const DetectorEntry*>& entries, Result& result);

}  // namespace wirefault
