// Runs a capture through the first stages of `analyze` only, so that the benchmark can tell what
// each of them costs: `read` reads the packets, `views` takes them apart as well, `facts` runs the
// trackers too, with nobody who listens. What `analyze` takes above that are detectors and report.
#include <fmt/format.h>

#include <span>
#include <string_view>

#include "capture/error.h"
#include "capture/source.h"
#include "dissectors/dns/message.h"
#include "dissectors/ip/datagram.h"
#include "dissectors/link/frame.h"
#include "dissectors/tcp/segment.h"
#include "dissectors/tracking.h"
#include "dissectors/udp/datagram.h"

namespace wirefault {
namespace {

constexpr std::uint16_t dns_port = 53;

// Something to count, or the work could be left out.
std::size_t view(const Packet& packet) {
  const auto frame = link::dissect(packet);
  if (!frame) return 0;
  const auto datagram = ip::parse(frame->payload);
  if (!datagram) return 1;
  if (datagram->protocol == ip::protocol::tcp) {
    const auto segment = tcp::Segment::parse(datagram->payload);
    return segment ? segment->payload.bytes.size() : 2;
  }
  if (datagram->protocol != ip::protocol::udp) return 2;
  const auto udp = udp::Datagram::parse(datagram->payload);
  if (!udp || (udp->source_port != dns_port && udp->destination_port != dns_port)) return 3;
  const auto message = dns::Message::parse(udp->payload);
  return message && message->question() ? 4 : 5;
}

int run(std::string_view stage, const char* file) {
  Settings settings;
  FactListener nobody;
  Tracking tracking{settings, {}, nobody};
  const auto source = open_files({file}, {});
  std::uint64_t packets = 0;
  std::size_t seen = 0;
  for (auto batch = source->next(); !batch.empty(); batch = source->next()) {
    packets += batch.size();
    if (stage == "views") {
      for (const Packet& packet : batch) seen += view(packet);
    } else if (stage == "facts") {
      tracking.add(batch);
    }
  }
  tracking.finish();
  fmt::print("{} packets, {}\n", packets, seen);
  return 0;
}

}  // namespace
}  // namespace wirefault

int main(int argc, char** argv) {
  const std::string_view stage = argc == 3 ? argv[1] : "";
  if (stage != "read" && stage != "views" && stage != "facts") {
    fmt::print(stderr, "usage: stages read|views|facts FILE\n");
    return 2;
  }
  try {
    return wirefault::run(stage, argv[2]);
  } catch (const wirefault::Error& error) {
    fmt::print(stderr, "stages: {}\n", error.what());
    return 1;
  }
}
