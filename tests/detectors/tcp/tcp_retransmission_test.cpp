#include "tests/support/catch.h"
#include "tests/support/tcp_facts.h"

namespace wirefault::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tcp::RepeatKind;

class Bench {
 public:
  Bench() : detector_{make(entry_of("tcp-retransmission"))} {}

  tcp::Retransmission& repeat(RepeatKind kind, std::uint32_t data, std::uint8_t chain = 0,
                              std::uint16_t port = 8080) {
    last_ = repetition(frames_, kind, data, chain, port);
    return last_;
  }
  void hear(const tcp::Retransmission& fact) { detector_->on_tcp_retransmission(fact); }
  Detector& detector() { return *detector_; }

  // The connection has ended with so many data segments of the server.
  tcp::ConnectionEnded ended(std::uint32_t data, bool outstanding = false) const {
    tcp::ConnectionEnded made;
    made.from_initiator = upload_of(last_.flow);
    made.responder = last_.totals;
    made.responder.data_segments = data;
    made.responder.was_acknowledged = true;
    made.responder.outstanding = outstanding;
    return made;
  }
  std::vector<Finding> findings(const tcp::ConnectionEnded& ended, double now) {
    detector_->on_tcp_connection_ended(ended);
    return judged(*detector_, now);
  }
  std::vector<Finding> findings(std::uint32_t data, bool outstanding = false) {
    return findings(ended(data, outstanding), 100);
  }

 private:
  Frames frames_;
  std::unique_ptr<Detector> detector_;
  tcp::Retransmission last_;
};

TEST_CASE("loss is measured against all segments of the flow", "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 4; ++i) bench.hear(bench.repeat(RepeatKind::fast, 100 + i));
  SECTION("two percent is a warning") {
    const auto found = bench.findings(200);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::warning);
    CHECK(found[0].confidence == Confidence::certain);
    CHECK(found[0].count == 4);
    CHECK(found[0].of == 200);
    CHECK(found[0].frames.size() == 7);  // the first three with what they repeat
    CHECK(found[0].title == "2.0% of data from 198.51.100.53 to 192.0.2.10 is lost");
  }
  SECTION("five percent is an error") {
    CHECK(bench.findings(80).at(0).severity == Severity::error);
  }
  SECTION("less than one percent is nothing") {
    CHECK(bench.findings(401).empty());
  }
}

TEST_CASE("few segments need three lost", "[detectors][tcp-retransmission]") {
  Bench bench;
  bench.hear(bench.repeat(RepeatKind::fast, 30));
  bench.hear(bench.repeat(RepeatKind::tlp, 31));
  SECTION("two of forty") {
    CHECK(bench.findings(40).empty());
  }
  SECTION("three of forty") {
    bench.hear(bench.repeat(RepeatKind::fast, 32));
    CHECK(bench.findings(40).size() == 1);
  }
  SECTION("three of twenty-nine say nothing") {
    bench.hear(bench.repeat(RepeatKind::fast, 29));
    CHECK(bench.findings(29).empty());
  }
}

// The last of eight is the 107th segment; the capture ends less than a minute later.
TEST_CASE("loss is over when all has arrived, or much has without",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 8; ++i) bench.hear(bench.repeat(RepeatKind::fast, 100 + i));
  const auto state = [&](std::uint32_t data, bool outstanding, tcp::Ending ending) {
    tcp::ConnectionEnded ended = bench.ended(data, outstanding);
    ended.ending = ending;
    return bench.findings(ended, 40).at(0).state;
  };
  SECTION("the capture ends, and nothing is missing") {
    CHECK(state(110, false, tcp::Ending::capture_ended) == FindingState::ended);
  }
  SECTION("it ends in the middle") {
    CHECK(state(110, true, tcp::Ending::capture_ended) == FindingState::ongoing);
  }
  SECTION("in the middle, as much later as three losses were apart") {
    CHECK(state(171, true, tcp::Ending::capture_ended) == FindingState::ongoing);
  }
  SECTION("or more") {
    CHECK(state(172, true, tcp::Ending::capture_ended) == FindingState::ended);
  }
  SECTION("the connection was closed") {
    CHECK(state(110, true, tcp::Ending::closed) == FindingState::ended);
  }
}

// original, +0.25 s, +0.5 s, +1 s, ... without an answer
TEST_CASE("timeouts in a row count however many segments there are",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  bench.hear(bench.repeat(RepeatKind::rto, 1000, 1));
  SECTION("one alone is ordinary") {
    CHECK(bench.findings(1000).empty());
  }
  SECTION("two are a warning") {
    bench.hear(bench.repeat(RepeatKind::rto, 1000, 2));
    const auto found = bench.findings(1000);
    REQUIRE(found.size() == 1);
    CHECK(found[0].severity == Severity::warning);
    CHECK(found[0].causes.at(0).id == "outage");
  }
  SECTION("three seconds are an error") {
    bench.repeat(RepeatKind::rto, 1000, 2).stall = seconds{3};
    auto fact = bench.repeat(RepeatKind::rto, 1000, 2);
    fact.stall = seconds{3};
    bench.hear(fact);
    CHECK(bench.findings(1000).at(0).severity == Severity::error);
  }
  SECTION("a receiver that never answers again is an error") {
    bench.hear(bench.repeat(RepeatKind::rto, 1000, 2));
    bench.hear(bench.repeat(RepeatKind::rto, 1000, 3));
    const auto found = bench.findings(1000, true);
    CHECK(found.at(0).severity == Severity::error);
    CHECK(found.at(0).causes.at(0).id == "peer-silent");
  }
  SECTION("but not when it takes what a later connection sends") {
    bench.hear(bench.repeat(RepeatKind::rto, 1000, 2));
    auto fact = bench.repeat(RepeatKind::rto, 1000, 3);
    bench.hear(fact);
    tcp::ConnectionEnded later;
    later.from_initiator = upload_of(fact.flow);
    later.from_initiator.sender.port = 40001;
    later.responder.data_segments = 1;
    later.responder.delivered_size = 240;
    later.first = fact.repetition.time + seconds{1};
    bench.detector().on_tcp_connection_ended(later);
    CHECK(bench.findings(1000, true).at(0).causes.at(0).id == "connection-lost");
  }
}

TEST_CASE("an RST in answer shows that the receiver lives", "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint8_t chain = 1; chain < 4; ++chain) {
    bench.hear(bench.repeat(RepeatKind::rto, 1000, chain));
  }
  tcp::ConnectionEnded ended = bench.ended(1000, true);
  ended.ending = tcp::Ending::reset;
  ended.last = at(2.5);
  ended.initiator.sent_rst = true;
  SECTION("at once: it does not know the connection") {
    const auto found = bench.findings(ended, 100);
    CHECK(found.at(0).causes.at(0).id == "connection-lost");
    CHECK(found[0].title == "192.0.2.10 forgot its connection with 198.51.100.53");
    CHECK(found[0].state == FindingState::ended);
  }
  SECTION("much later it answers something else") {
    ended.last = at(30);
    CHECK(bench.findings(ended, 100).at(0).causes.at(0).id == "peer-silent");
  }
  SECTION("it had closed the connection: nobody is gone") {
    ended.initiator.sent_fin = true;
    const auto found = bench.findings(ended, 100);
    CHECK(found.at(0).severity == Severity::warning);
    CHECK(found[0].causes.at(0).id == "random-loss");
  }
}

TEST_CASE("timeouts in a row count without acknowledgments, and accuse nobody",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint8_t chain = 1; chain < 8; ++chain) {
    tcp::Retransmission fact = bench.repeat(RepeatKind::rto, 1000, chain);
    fact.sees_acks = false;
    fact.totals.delivered_size = 0;
    bench.hear(fact);
  }
  const auto found = judged(bench.detector(), 100);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::warning);
  CHECK(found[0].confidence == Confidence::possible);
  REQUIRE(found[0].causes.size() == 1);
  CHECK(found[0].causes[0].id == "no-acknowledgment");
}

TEST_CASE("what proves needless is taken back", "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 3; ++i) {
    const tcp::Retransmission fact = bench.repeat(RepeatKind::rto, 100 + i, 2);
    bench.hear(fact);
    tcp::SpuriousRetransmission amends;
    amends.flow = fact.flow;
    amends.kind = fact.kind;
    amends.repetition = fact.repetition.packet;
    bench.detector().on_tcp_spurious_retransmission(amends);
  }
  const auto found = bench.findings(120);
  REQUIRE(found.size() == 1);
  CHECK(found[0].variant == "spurious");
  CHECK(found[0].severity == Severity::note);
  CHECK(found[0].count == 3);
}

// A hundred segments: probes where acknowledgments are delayed, or repeats of another kind.
TEST_CASE("probes of a tail and single repeats that were not needed are nothing",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  const auto kind = GENERATE(RepeatKind::tlp, RepeatKind::fast, RepeatKind::needless);
  const std::uint32_t times = GENERATE(1u, 2u, 3u);
  for (std::uint32_t i = 0; i < times; ++i) {
    const tcp::Retransmission fact = bench.repeat(kind, 98 + i, 2);
    bench.hear(fact);
    if (kind == RepeatKind::needless) continue;
    tcp::SpuriousRetransmission amends;
    amends.flow = fact.flow;
    amends.kind = fact.kind;
    amends.segments = fact.segments;
    amends.repetition = fact.repetition.packet;
    bench.detector().on_tcp_spurious_retransmission(amends);
  }
  CHECK(bench.findings(120).empty() == (kind == RepeatKind::tlp || times < 3));
}

TEST_CASE("a lone FIN and pieces cut anew are no loss", "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 9; ++i) {
    bench.hear(bench.repeat(RepeatKind::fin, 100));
    bench.hear(bench.repeat(RepeatKind::resegmented, 100));
  }
  CHECK(bench.findings(100).empty());
}

TEST_CASE("without acknowledgments loss is only possible", "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 20; ++i) {
    auto fact = bench.repeat(RepeatKind::unknown, 100 + i);
    fact.sees_acks = false;
    bench.hear(fact);
  }
  const auto found = bench.findings(120);
  REQUIRE(found.size() == 1);
  CHECK(found[0].severity == Severity::warning);
  CHECK(found[0].confidence == Confidence::possible);
}

TEST_CASE("the flows of one path are one finding", "[detectors][tcp-retransmission]") {
  Bench bench;
  const auto lose_on = [&](std::uint16_t port) {
    for (std::uint32_t i = 0; i < 3; ++i) bench.hear(bench.repeat(RepeatKind::fast, 100, 0, port));
  };
  lose_on(8081);
  lose_on(8082);
  const auto found = judged(bench.detector(), 100);
  REQUIRE(found.size() == 1);
  CHECK(found[0].count == 6);
  CHECK(found[0].of == 200);
  SECTION("it stays the same when more join") {
    lose_on(8083);
    const auto more = judged(bench.detector(), 100);
    REQUIRE(more.size() == 1);
    CHECK(more[0].count == 9);
    CHECK(more[0].entity == found[0].entity);
  }
}

// Twenty connections of so many segments each, of which some lose one, or more.
std::vector<Finding> thin_loss(std::uint16_t lossy, std::uint32_t data, int each = 1) {
  Bench bench;
  std::vector<Finding> found;
  for (std::uint16_t i = 0; i < 20; ++i) {
    const auto port = static_cast<std::uint16_t>(i + 1);
    const tcp::Retransmission fact = bench.repeat(RepeatKind::fast, 5, 0, port);
    for (int times = 0; i < lossy && times < each; ++times) bench.hear(fact);
    found = bench.findings(data);
  }
  return found;
}

TEST_CASE("loss that is thin on each of many flows is measured over the path",
          "[detectors][tcp-retransmission]") {
  SECTION("three of three hundred segments") {
    const auto found = thin_loss(3, 15);
    REQUIRE(found.size() == 1);
    CHECK(found[0].count == 3);
    CHECK(found[0].of == 300);
    CHECK(found[0].severity == Severity::warning);
    CHECK(found[0].title == "1.0% of data from 198.51.100.53 to 192.0.2.10 is lost");
  }
  SECTION("of two flows only") {
    CHECK(thin_loss(2, 10).empty());
  }
  SECTION("of too few segments") {
    CHECK(thin_loss(3, 9).empty());
  }
  SECTION("less than one percent") {
    CHECK(thin_loss(3, 16).empty());
  }
  SECTION("ten percent is an error") {
    CHECK(thin_loss(20, 10).at(0).severity == Severity::error);
  }
  SECTION("thirty percent is unusable") {
    CHECK(thin_loss(20, 10, 3).at(0).severity == Severity::critical);
  }
}

TEST_CASE("the first data of new connections, dropped, shows a full accept queue",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  const std::uint64_t offset = GENERATE(0u, 5000u);
  for (const std::uint16_t port : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3}}) {
    for (std::uint8_t chain = 1; chain < 4; ++chain) {
      tcp::Retransmission fact = bench.repeat(RepeatKind::rto, 1, chain, port);
      fact.flow = upload_of(fact.flow);
      fact.offset = offset;
      bench.hear(fact);
    }
  }
  std::vector<Finding> found;
  bench.detector().judge({at(100), true}, found);
  REQUIRE(found.size() == 1);
  CHECK((found[0].causes.at(0).id == "accept-queue") == (offset == 0));
}

bool has_cause(const Finding& finding, std::string_view id) {
  return std::any_of(finding.causes.begin(), finding.causes.end(),
                     [&](const Cause& cause) { return cause.id == id; });
}

// original, +0.25 s as a timeout, +0.25 s again: the first was a probe
TEST_CASE("a timeout that is followed by an equal wait is counted as a probe",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  const bool follows = GENERATE(true, false);
  tcp::Retransmission fact = bench.repeat(RepeatKind::rto, 100, 1);
  bench.hear(fact);
  fact.chain = follows ? 1 : 2;
  fact.follows_probe = follows;
  bench.hear(fact);
  const auto found = bench.findings(100);
  REQUIRE(found.size() == 1);
  for (const Measure& measure : found[0].measures) {
    if (measure.key == "tail_probes") CHECK(measure.value == (follows ? 1 : 0));
    if (measure.key == "timeouts") CHECK(measure.value == (follows ? 1 : 2));
  }
}

TEST_CASE("the first pairs are shown with their distance and reason",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 6; ++i) {
    tcp::Retransmission fact = bench.repeat(RepeatKind::fast, 100);
    fact.gap = milliseconds{43};
    fact.duplicate_acks = 3;
    bench.hear(fact);
  }
  const auto found = bench.findings(100);
  REQUIRE(found.size() == 1);
  const auto& shown = found[0].evidence;
  CHECK(std::count_if(shown.begin(), shown.end(),
                      [](const EvidenceItem& each) { return !each.note.empty(); }) == 3);
  CHECK(std::any_of(shown.begin(), shown.end(), [](const EvidenceItem& each) {
    return each.packet.number() == 2 &&
           each.note == "repeats #1 after 43 ms: fast, 3 duplicate ACKs";
  }));
}

TEST_CASE("the DSACK is shown that proves a repetition needless",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  const tcp::Retransmission fact = bench.repeat(RepeatKind::rto, 100);
  bench.hear(fact);
  tcp::SpuriousRetransmission amends;
  amends.flow = fact.flow;
  amends.kind = fact.kind;
  amends.repetition = fact.repetition.packet;
  amends.proven_by = {PacketRef{0, 1000}, at(50)};
  bench.detector().on_tcp_spurious_retransmission(amends);
  const auto found = bench.findings(100);
  REQUIRE(found.size() == 1);
  CHECK(found[0].evidence.back().packet.number() == 1000);
  CHECK(found[0].evidence.back().note == "reports the bytes of #" +
                                             std::to_string(fact.repetition.packet.number()) +
                                             " received twice (DSACK)");
}

TEST_CASE("a connection that dies after a pause was forgotten on the way",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  const bool was_idle = GENERATE(true, false);
  for (std::uint8_t chain = 1; chain < 5; ++chain) {
    tcp::Retransmission fact = bench.repeat(RepeatKind::rto, 100, chain);
    fact.idle_before = was_idle ? seconds{61} : seconds{59};
    bench.hear(fact);
  }
  const auto found = bench.findings(100, true);
  REQUIRE(found.size() == 1);
  CHECK((found[0].causes.at(0).id == "state-lost") == was_idle);
}

TEST_CASE("losses behind a closed window point at the receiver",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  const std::uint32_t held = GENERATE(1u, 2u);
  for (std::uint32_t i = 0; i < 4; ++i) {
    tcp::Retransmission fact = bench.repeat(RepeatKind::fast, 100);
    fact.was_held = i < held;
    bench.hear(fact);
  }
  CHECK(has_cause(bench.findings(100).at(0), "receiver-overload") == (held == 2));
}

TEST_CASE("round trips that grow before losses show a queue", "[detectors][tcp-retransmission]") {
  Bench bench;
  const milliseconds present = GENERATE(milliseconds{79}, milliseconds{80});
  for (std::uint32_t i = 0; i < 4; ++i) {
    tcp::Retransmission fact = bench.repeat(RepeatKind::fast, 100);
    fact.leg_round_trip = milliseconds{40};
    fact.present_leg_round_trip = present;
    bench.hear(fact);
  }
  CHECK(has_cause(bench.findings(100).at(0), "congestion") == (present == milliseconds{80}));
}

TEST_CASE("round trips of the other leg tell nothing of the one that loses",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint32_t i = 0; i < 4; ++i) {
    tcp::Retransmission fact = bench.repeat(RepeatKind::fast, 100);
    fact.round_trip = milliseconds{1};
    fact.present_round_trip = milliseconds{300};
    bench.hear(fact);
  }
  const Finding found = bench.findings(100).at(0);
  CHECK(found.causes.at(0).id == "random-loss");
  CHECK(found.causes.at(1).id == "congestion");
  CHECK(found.causes.at(1).why == "whether round trips had grown on that side cannot be seen here");
}

TEST_CASE("what was kept of flows long forgotten leaves room for those of now",
          "[detectors][tcp-retransmission]") {
  Bench bench;
  for (std::uint16_t port = 1000; port < 60000; ++port) {
    for (int i = 0; i < 3; ++i) bench.hear(bench.repeat(RepeatKind::fast, 1'000'000, 0, port));
  }
  for (std::uint32_t i = 0; i < 4; ++i) bench.hear(bench.repeat(RepeatKind::fast, 100 + i));
  const auto found = bench.findings(200);
  REQUIRE(found.size() == 1);
  CHECK(found[0].frames.size() == 7);
}

}  // namespace
}  // namespace wirefault::test
