// What happens now, told from totals that grow: an engineer must see at a glance whether it is
// getting worse.
#include "report/rates.h"

#include "tests/support/analysis.h"
#include "tests/support/catch.h"

namespace wirefault {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A second of a healthy office.
void pass_second(Counts& counts) {
  counts.packets += 1000;
  counts.bytes += 100'000;
  counts.dns_queries += 40;
  counts.dns_responses += 40;
  counts.dns_rcodes["NOERROR"] += 40;
  counts.dns_transactions += 40;
  counts.dns_answered += 40;
  counts.dns_latency.add(milliseconds{2}, 40);
  counts.tcp_connections += 10;
  counts.tcp_opened += 10;
  counts.tcp_ended += 10;
  counts.tcp_round_trip.add(milliseconds{12}, 10);
  counts.tcp_data_segments += 500;
}

}  // namespace

TEST_CASE("rates are those of the last second, whatever came before", "[report]") {
  RateMeter meter;
  Counts counts;
  for (int second = 1; second <= 30; ++second) {
    pass_second(counts);
    meter.take(counts, seconds{second});
  }
  Rates rates = meter.rates();
  CHECK(rates.packets == 1000);
  CHECK(rates.bits == 800'000);
  CHECK(rates.dns_queries == 40);
  CHECK(rates.tcp_connections == 10);
  CHECK(rates.tcp_p50 > milliseconds{10});  // within 13 %
  CHECK(rates.tcp_p50 < milliseconds{14});

  counts.packets += 600;
  meter.take(counts, seconds{32});  // two seconds later
  CHECK(meter.rates().packets == 300);
  CHECK(meter.rates().dns_queries == 0);
}

TEST_CASE("the round trip is that of a handshake, from SYN to ACK", "[report]") {
  RateMeter meter;
  const Counts counts = test::analyze({test::in_source("samples/healthy/web.pcap")}).counts;
  meter.take(counts, seconds{10});
  // Of twelve, 17.6 to 62.4 ms, the median 18.6; told within 13 %.
  CHECK(meter.rates().tcp_p50 > milliseconds{16});
  CHECK(meter.rates().tcp_p50 < milliseconds{21});
}

TEST_CASE("the first reading is of the time since the capture began", "[report]") {
  RateMeter meter;
  Counts counts;
  CHECK(meter.rates().packets == 0);
  pass_second(counts);
  meter.take(counts, milliseconds{500});
  CHECK(meter.rates().packets == 2000);
}

TEST_CASE("shares are of the last ten seconds", "[report]") {
  RateMeter meter;
  Counts counts;
  for (int second = 1; second <= 100; ++second) {
    pass_second(counts);
    meter.take(counts, seconds{second});
  }
  CHECK(meter.rates().dns_unanswered.part == 0);
  CHECK(meter.rates().dns_unanswered.whole == 400);
  CHECK(meter.rates().dns_p95 >= milliseconds{1});
  for (int second = 101; second <= 110; ++second) {
    counts.dns_transactions += 4;
    counts.dns_unanswered += 2;
    counts.dns_rejected += 1;
    counts.dns_responses += 4;
    counts.dns_rcodes["SERVFAIL"] += 1;
    counts.dns_latency.add(milliseconds{800});
    counts.tcp_half_open += 3;
    counts.tcp_refused += 1;
    counts.tcp_opened += 1;
    counts.tcp_ended += 5;
    counts.tcp_reset += 2;
    counts.tcp_data_segments += 10;
    counts.tcp_repeated_data += 1;
    meter.take(counts, seconds{second});
  }
  const Rates rates = meter.rates();
  CHECK(rates.dns_unanswered.part == 30);
  CHECK(rates.dns_unanswered.whole == 40);
  CHECK(rates.dns_servfail.part == 10);
  CHECK(rates.dns_servfail.whole == 40);
  CHECK(rates.tcp_failed.part == 40);
  CHECK(rates.tcp_failed.whole == 50);
  CHECK(rates.tcp_reset.part == 20);
  CHECK(rates.tcp_reset.whole == 50);
  CHECK(rates.tcp_retransmitted.part == 10);
  CHECK(rates.tcp_retransmitted.whole == 100);
  CHECK(rates.dns_p50 > milliseconds{700});
}

TEST_CASE("the history has a place for every five seconds of the last minute", "[report]") {
  RateMeter meter;
  Counts counts;
  for (int second = 0; second < 20; ++second) {
    pass_second(counts);
    if (second >= 10 && second < 15) {
      counts.dns_transactions += 60;
      counts.dns_unanswered += 60;
    }
    meter.take(counts, seconds{second});
  }
  REQUIRE(meter.rates().dns_history.size() == 4);
  CHECK(meter.rates().dns_history[1].part == 0);
  CHECK(meter.rates().dns_history[1].whole == 200);
  CHECK(meter.rates().dns_history[2].part == 300);
  CHECK(meter.rates().dns_history[2].whole == 500);
  CHECK(meter.rates().dns_history[3].part == 0);
  CHECK(meter.rates().tcp_history[2].whole == 50);

  // Silence moves the picture too; an hour of it leaves nothing.
  meter.take(counts, seconds{60});
  CHECK(meter.rates().dns_history.size() == 12);
  CHECK(meter.rates().dns_history[1].part == 300);
  meter.take(counts, seconds{3600});
  REQUIRE(meter.rates().dns_history.size() == 12);
  for (const Share& bin : meter.rates().dns_history) CHECK(bin.whole == 0);
}

TEST_CASE("what a late answer takes back makes no rate negative", "[report]") {
  RateMeter meter;
  Counts counts;
  counts.dns_transactions = counts.dns_unanswered = 10;
  meter.take(counts, seconds{1});
  counts.dns_unanswered = 0;
  counts.dns_late = 10;
  for (int second = 2; second < 20; ++second) meter.take(counts, seconds{second});
  CHECK(meter.rates().dns_unanswered.part == 0);
  CHECK(meter.rates().dns_unanswered.whole == 0);
}

}  // namespace wirefault
