#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "tests/bench/capture_file.h"
#include "tests/bench/dns_messages.h"
#include "tests/bench/frames.h"
#include "tests/bench/random.h"
#include "tests/bench/tcp_segments.h"
#include "tests/bench/truth.h"

namespace wirefault::bench {

enum class Scenario {
  mix,         // an office's uplink: TCP with loss, resets and timeouts, 9 % DNS, fragments, ICMP
  dns,         // a busy resolver
  syn_flood,   // SYNs from invented sources to one server, over a tenth of the mix
  many_flows,  // all connections open at once, each with a little data
};

// Simulates the traffic past one tap beside the clients and writes what the tap sees, in order of
// time. Everything follows from the seed: the same arguments give the same bytes.
class Traffic {
 public:
  Traffic(Scenario scenario, std::uint64_t packets, std::uint32_t flows, std::uint64_t seed,
          CaptureFile& capture, Truth& truth);

  void run();

 private:
  // What a flow does next.
  enum class Step : std::uint8_t { look_up, handshake, request, response, close, restart };

  // How a flow ends. `forgotten` leaves without a FIN; `stalled` has one zero window, then goes
  // well.
  enum class Fate : std::uint8_t {
    well,
    syn_timeout,
    refused,
    reset_midway,
    reset_at_close,
    forgotten,
    stalled
  };

  struct Flow {
    Connection connection;
    std::array<std::uint32_t, 2> next{};  // next sequence number to send, by end
    Nanoseconds round_trip = 0;
    std::uint32_t segments_left = 0;  // of the response
    std::uint32_t window = 10;        // segments in flight
    std::uint32_t requests_left = 0;
    std::uint32_t syns = 0;
    Step step = Step::look_up;
    Fate fate = Fate::well;
  };

  enum class EventKind : std::uint8_t {
    flow_step,
    segment,
    dns_query,
    dns_response,
    new_lookup,
    icmp,
    fragments,
    flood_syn
  };

  struct Event {
    Nanoseconds time;
    std::uint64_t order;  // of scheduling: decides between events of the same time
    EventKind kind;
    std::uint32_t index;  // of the flow or lookup
    Segment segment;
  };

  struct Later {
    bool operator()(const Event& a, const Event& b) const {
      return a.time != b.time ? a.time > b.time : a.order > b.order;
    }
  };

  void start();
  void handle(const Event& event);
  void schedule(Nanoseconds time, EventKind kind, std::uint32_t index = 0);
  void send(Nanoseconds time, std::uint32_t flow, const Segment& segment);

  void start_flow(std::uint32_t index, Nanoseconds time);
  void step_flow(std::uint32_t index, Nanoseconds time);
  void shake_hands(std::uint32_t index, Nanoseconds time);
  void send_request(std::uint32_t index, Nanoseconds time);
  void send_response(std::uint32_t index, Nanoseconds time);
  void reset_midway(std::uint32_t index, Nanoseconds time);
  Nanoseconds stall(std::uint32_t index, Nanoseconds time);
  void close_flow(std::uint32_t index, Nanoseconds time);
  void next_step(std::uint32_t index, Nanoseconds time, Step step);

  // A lookup by `client`; those that precede a flow mostly succeed.
  void start_lookup(Nanoseconds time, const Host& client, DnsType type, bool for_flow);
  void ask(Nanoseconds time, std::uint32_t lookup);
  void answer(Nanoseconds time, std::uint32_t lookup);

  void start_background_lookup(Nanoseconds time);
  void write_icmp(Nanoseconds time);
  void write_fragments(Nanoseconds time);
  void write_flood_syn(Nanoseconds time);

  void run_many_flows();
  void open_all(Nanoseconds& time);
  void exchange(Nanoseconds& time, Flow& flow);
  void write_next(Nanoseconds& time, const Flow& flow, const Segment& segment);

  bool is_full() const { return truth_.packets >= packets_; }
  Host random_client();
  Host random_server();

  const Scenario scenario_;
  const std::uint64_t packets_;
  std::uint32_t clients_;
  std::uint32_t servers_;
  std::uint32_t domains_;
  std::uint32_t resolvers_;
  double background_;  // rate of what is not a flow, as a share of the mix's

  CaptureFile& capture_;
  Truth& truth_;
  Random random_;
  FrameBuilder frames_;
  SegmentWriter segments_;
  ByteWriter payload_;

  std::vector<Flow> flows_;
  std::vector<DnsLookup> lookups_;
  std::vector<std::uint32_t> free_lookups_;
  std::priority_queue<Event, std::vector<Event>, Later> events_;
  std::uint64_t scheduled_ = 0;
};

}  // namespace wirefault::bench
