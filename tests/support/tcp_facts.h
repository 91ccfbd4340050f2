// Facts of open TCP connections for the tests of detectors, as the tracker would make them.
#pragma once

#include "tests/support/dns_facts.h"

namespace wirefault::test {

inline std::unique_ptr<Detector> make(const DetectorEntry& entry) {
  Settings settings;
  Setup setup{settings, entry.id};
  return entry.make(setup);
}

// From the server to the client.
inline tcp::Flow download(std::uint16_t port = 8080) {
  tcp::Flow flow;
  flow.sender = endpoint("198.51.100.53", port);
  flow.receiver = endpoint("192.0.2.10", 40000);
  return flow;
}
inline tcp::Flow upload_of(const tcp::Flow& flow) {
  tcp::Flow turned = flow;
  std::swap(turned.sender, turned.receiver);
  turned.sender_is_initiator = !flow.sender_is_initiator;
  return turned;
}

// The next second's repetition of a full segment, the `data`th segment of its direction.
inline tcp::Retransmission repetition(Frames& frames, tcp::RepeatKind kind, std::uint32_t data,
                                      std::uint8_t chain = 0, std::uint16_t port = 8080) {
  tcp::Retransmission fact;
  fact.flow = download(port);
  fact.kind = kind;
  fact.side = tcp::LossSide::downstream;
  fact.offset = std::uint64_t{data} * 5000;
  fact.length = 1448;
  fact.ip_length = 1500;
  fact.is_full_size = true;
  fact.original = frames.at(1);
  fact.repetition = frames.at(2);
  fact.chain = chain;
  fact.sees_acks = true;
  fact.totals.data_segments = data;
  fact.totals.repeats = 1;
  fact.totals.mss = 1448;
  fact.totals.delivered_size = 1500;
  fact.totals.was_seen = true;
  return fact;
}

}  // namespace wirefault::test
