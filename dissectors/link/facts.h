// What the link layer says. Facts are plain values in the protocol's own terms.
#pragma once

#include "dissectors/link/arp.h"
#include "dissectors/sighting.h"

namespace wirefault::link {

// A request or a reply; those that announce an address are left out.
struct ArpSeen {
  Sighting seen;
  Arp message;
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel
};

}  // namespace wirefault::link
