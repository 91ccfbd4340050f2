// Flows in trouble: when that is over, and what findings say of all those of one path.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "detectors/detector.h"
#include "detectors/flow_key.h"
#include "detectors/state.h"

namespace wirefault {

// As many flows of one path are one problem of the path.
constexpr std::size_t flows_of_a_path = 3;

// One direction of a connection. Its Tally says whether the `sender_is_initiator`, and whether its
// trouble is `over`.
template <class Tally>
struct TroubledFlow {
  const FlowKey* key;
  const Tally* tally;
};
template <class Tally>
using TroubledFlows = std::vector<TroubledFlow<Tally>>;

// Whether what troubled a direction was over when its connection, or the capture, was. Where it was
// cut off in full flow, it has to have carried three times as much since as it had carried for each
// `trouble`: at the same rate it would have met another in 19 of 20 cases. `before` and `then`: the
// data segments of earlier connections, and of this one when it last had trouble.
inline bool is_over(const tcp::FlowTotals& totals, tcp::Ending ending, std::uint64_t troubles,
                    std::uint64_t before, std::uint64_t then) {
  const bool cut_off = ending == tcp::Ending::capture_ended || ending == tcp::Ending::evicted;
  if (!cut_off) return true;
  if (!totals.was_acknowledged) return false;
  if (!totals.outstanding) return true;
  const std::uint64_t since =
      totals.data_segments - std::min<std::uint64_t>(totals.data_segments, then);
  return since * troubles >= 3 * (before + totals.data_segments);
}

// Fills in who they are, what to capture of them, and whether it goes on. `troubles` counts those
// of a Tally. Of one path, at least one; the finding has its times.
template <class Tally, class Count>
void describe_flows(const TroubledFlows<Tally>& flows, Timestamp now, Count troubles,
                    Finding& finding) {
  TopList<IpAddress> clients;
  TopList<Endpoint> servers;
  for (const TroubledFlow<Tally>& flow : flows) {
    const bool upload = flow.tally->sender_is_initiator;
    clients.add((upload ? flow.key->sender : flow.key->receiver).address, troubles(*flow.tally));
    servers.add(upload ? flow.key->receiver : flow.key->sender, troubles(*flow.tally));
  }
  const bool over =
      std::ranges::all_of(flows, [](const TroubledFlow<Tally>& flow) { return flow.tally->over; });
  finding.state =
      over || now - finding.last > longest_quiet ? FindingState::ended : FindingState::ongoing;
  finding.who = {who("client", clients), who("server", servers)};
  const FlowKey& key = *flows.front().key;
  finding.capture_filter =
      fmt::format("tcp and host {} and host {}", key.sender.address.to_string(),
                  key.receiver.address.to_string());
  if (servers.distinct() == 1) {
    finding.capture_filter += fmt::format(" and port {}", servers.top().front().first.port);
  }
}

}  // namespace wirefault
