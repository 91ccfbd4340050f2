// How detectors tell flows and paths apart, one direction each, and services; with their tunnel.
#pragma once

#include <compare>

#include "dissectors/tcp/transfer_facts.h"

namespace wirefault {

// A connection that reuses the ports of another counts as the same: the same two applications over
// the same path.
struct FlowKey {
  std::uint64_t tunnel = 0;
  Endpoint sender;
  Endpoint receiver;

  static FlowKey of(const tcp::Flow& flow) { return {flow.tunnel, flow.sender, flow.receiver}; }
  // The other direction's.
  static FlowKey against(const tcp::Flow& flow) {
    return {flow.tunnel, flow.receiver, flow.sender};
  }
  friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

struct PathKey {
  std::uint64_t tunnel = 0;
  IpAddress sender;
  IpAddress receiver;
  std::uint32_t unused = 0;  // no padding: hashed as bytes

  static PathKey of(const tcp::Flow& flow) {
    return {flow.tunnel, flow.sender.address, flow.receiver.address};
  }
  static PathKey of(const FlowKey& flow) {
    return {flow.tunnel, flow.sender.address, flow.receiver.address};
  }
  friend auto operator<=>(const PathKey&, const PathKey&) = default;
};

struct ServiceKey {
  std::uint64_t tunnel = 0;
  Endpoint service;
  std::uint32_t padding = 0;  // none is left: keys are hashed as bytes
  friend auto operator<=>(const ServiceKey&, const ServiceKey&) = default;
};

}  // namespace wirefault
