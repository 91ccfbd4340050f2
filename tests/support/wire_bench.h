// From frames to the findings of one detector.
#pragma once

#include "detectors/judgement.h"
#include "tests/support/wire.h"

namespace wirefault::test {

class WireBench {
 public:
  explicit WireBench(const std::string& detector)
      : judgement_{settings_, {std::size_t{64} << 20, {detector}}} {}

  // What is said of what is not over, as `wirefault live` asks for it.
  std::vector<Finding> findings_so_far(double now) {
    wire.pass(now);
    return judgement_.result({}, wire.summary()).findings;
  }

  // A minute later: by then the outcome of whatever was tried is known.
  std::vector<Finding> findings(double wait = 60) {
    if (wait > 0) wire.wait(wait);
    wire.finish();
    return judgement_.result({}).findings;
  }

 private:
  Settings settings_;
  Judgement judgement_;

 public:
  Wire wire{judgement_};
};

inline Octets tcp_syn(std::uint16_t source, std::uint16_t destination, std::uint32_t sequence = 7) {
  return be(source, 2) + be(destination, 2) + be(sequence, 4) + be(0, 4) +
         hex("5002 ffff 0000 0000");
}

// A query for A records of www.example.com.
inline Octets dns_query(std::uint16_t source, std::uint16_t id) {
  return udp(source, 53,
             be(id, 2) + hex("0100 0001 0000 0000 0000 03777777 076578616d706c65 03636f6d 00 0001 "
                             "0001"));
}

}  // namespace wirefault::test
