#include <fmt/format.h>

#include "tests/support/catch.h"
#include "tests/support/dns_facts.h"

namespace wirefault::test {
namespace {

struct Case {
  Frames frames;
  DetectorBench bench{entry_of("dns-unanswered")};

  Finding only(double now) {
    const auto found = bench.findings(now);
    REQUIRE(found.size() == 1);
    return found[0];
  }
  // A response that comes when its query is not waited for any more, or never was.
  void answer_late(const dns::Transaction& query, std::uint16_t id, double when) {
    dns::StrayResponse stray;
    stray.client = query.client;
    stray.server = query.server;
    stray.id = id;
    stray.has_question = true;
    stray.question = query.question;
    stray.response.seen = frames.at(when);
    bench.detector().on_dns_stray_response(stray);
  }
};

// client --A?--> silence, +5 s A? --> silence, and nobody else to ask
TEST_CASE("a lookup that nobody answers is an error", "[detectors][dns-unanswered]") {
  Case c;
  c.bench.hear(unanswered(c.frames, {}, {0, 5}));
  const Finding finding = c.only(20);
  CHECK(finding.severity == Severity::error);
  CHECK(finding.confidence == Confidence::probable);
  CHECK(finding.count == 1);
  CHECK(finding.of == 1);
  CHECK(finding.display_filter == "frame.number in {1, 2}");
  CHECK(finding.title.size() <= 60);
}

TEST_CASE("a query never repeated is at most a note", "[detectors][dns-unanswered]") {
  Case c;
  c.bench.hear(unanswered(c.frames, {}, {0}));
  const Finding finding = c.only(20);
  CHECK(finding.severity == Severity::note);
  CHECK(finding.confidence == Confidence::possible);
}

TEST_CASE("notifications that nobody answers go by their own name", "[detectors][dns-unanswered]") {
  Case c;
  for (int i = 0; i < 6; ++i) {
    dns::Transaction notify =
        unanswered(c.frames, {.name = "example.com."}, {10.0 * i, 10.0 * i + 2});
    notify.opcode = dns::Opcode::notify;
    c.bench.hear(notify);
  }
  const Finding finding = c.only(120);
  CHECK(finding.title == "198.51.100.53 answers no DNS NOTIFY");
  CHECK(finding.severity == Severity::warning);
}

TEST_CASE("a tunnel may have a key of its own for each direction", "[detectors][dns-unanswered]") {
  Case c;
  dns::Transaction query = unanswered(c.frames, {}, {0});
  query.tunnel = 5;
  SECTION("nobody asks again") {
    c.bench.hear(query);
    CHECK(c.bench.findings(20).empty());
  }
  SECTION("the answer comes in another tunnel") {
    query.queries.add(c.frames.at(5));
    dns::StrayResponse stray;
    stray.client = query.client;
    stray.server = query.server;
    stray.tunnel = 6;
    stray.id = query.id;
    stray.has_question = true;
    stray.question = query.question;
    stray.response.seen = c.frames.at(5.1);
    c.bench.detector().on_dns_stray_response(stray);
    c.bench.detector().on_dns_transaction(query);
    CHECK(c.bench.findings(20).empty());
  }
  SECTION("a client that asks again got no answer") {
    query.queries.add(c.frames.at(5));
    c.bench.hear(query);
    CHECK(c.only(20).severity == Severity::error);
  }
}

TEST_CASE("a server that ignores a part of what it is asked is judged by its size",
          "[detectors][dns-unanswered]") {
  Case c;
  const int ignored = GENERATE(1, 3, 5);
  for (int i = 1; i <= 10; ++i) {
    const Asked what{.name = fmt::format("host{}.example.com.", i)};
    const bool is_ignored = i % 2 == 0 && i > 10 - 2 * ignored;
    c.bench.hear(is_ignored ? unanswered(c.frames, what, {1.0 * i})
                            : answered(c.frames, what, i, i + 0.01));
  }
  const Finding finding = c.only(60);
  CHECK(finding.severity == (ignored == 1   ? Severity::note
                             : ignored == 3 ? Severity::warning
                                            : Severity::error));
}

TEST_CASE("times before 1970 are times", "[detectors][dns-unanswered]") {
  Case c;
  for (int i = 0; i < 70; ++i) c.bench.hear(unanswered(c.frames, {}, {-1.8e9 + i, -1.8e9 + i + 2}));
  CHECK(c.only(-1.79e9).severity >= Severity::error);
}

TEST_CASE("three lookups and no other server: the server is down", "[detectors][dns-unanswered]") {
  Case c;
  c.bench.hear(answered(c.frames, {}, 0, 0.01));
  for (const char* name : {"www.example.com.", "mail.example.com.", "ftp.example.com."}) {
    c.bench.hear(unanswered(c.frames, {.name = name}, {10, 15}));
  }
  const Finding finding = c.only(60);
  CHECK(finding.severity == Severity::critical);
  CHECK(finding.title == "198.51.100.53 stopped answering DNS queries");
  CHECK(finding.count == 3);
  CHECK(finding.of == 4);
  CHECK(finding.before.starts_with("1 query answered, median 9"));  // within its bucket
}

TEST_CASE("another server that helps out makes it an error", "[detectors][dns-unanswered]") {
  Case c;
  for (const char* name : {"www.example.com.", "mail.example.com.", "ftp.example.com."}) {
    c.bench.hear(unanswered(c.frames, {.name = name}, {0}));
    c.bench.hear(answered(c.frames, {.server = "198.51.100.54", .name = name}, 5, 5.01));
  }
  const Finding finding = c.only(60);
  CHECK(finding.severity == Severity::error);
  CHECK(finding.who[1].top[0].text == "198.51.100.53:53");
}

TEST_CASE("a lookup saved by the next server is a warning", "[detectors][dns-unanswered]") {
  Case c;
  c.bench.hear(unanswered(c.frames, {}, {0}));
  c.bench.hear(answered(c.frames, {.server = "198.51.100.54"}, 5, 5.01));
  CHECK(c.only(60).severity == Severity::warning);
}

TEST_CASE("a race that another server won is no failure", "[detectors][dns-unanswered]") {
  Case c;
  c.bench.hear(answered(c.frames, {.server = "198.51.100.54"}, 0, 0.02));
  c.bench.hear(unanswered(c.frames, {}, {0}));
  CHECK(c.bench.findings(60).empty());
}

TEST_CASE("silence that nobody minds, from a server never seen, is our capture's",
          "[detectors][dns-unanswered]") {
  Case c;
  for (int i = 0; i < 20; ++i) {
    c.bench.hear(
        unanswered(c.frames, {.name = "h" + std::to_string(i) + ".example.com."}, {0.1 * i}));
  }
  CHECK(c.bench.findings(60).empty());
}

TEST_CASE("a late answer takes the accusation back", "[detectors][dns-unanswered]") {
  Case c;
  dns::Transaction transaction = unanswered(c.frames, {}, {0, 5});
  c.bench.hear(transaction);
  transaction.outcome = dns::Outcome::late;
  transaction.amends = true;
  transaction.noticed = true;
  transaction.has_response = true;
  transaction.response.seen = c.frames.at(12);
  transaction.settled = transaction.response.seen.time;
  c.bench.hear(transaction);
  CHECK(c.bench.findings(60).empty());
}

// Of what the server is asked every other query has no answer, and nobody asks again.
void ask_in_vain(Case& c, int queries) {
  for (int i = 0; i < queries; ++i) {
    const std::string name = fmt::format("host{}.example.com.", i);
    c.bench.hear(answered(c.frames, {}, 10.0 * i, 10.0 * i + 0.01));
    c.bench.hear(unanswered(c.frames, {.name = name}, {10.0 * i + 1}));
  }
}

TEST_CASE("a capture that lacks queries may lack answers", "[detectors][dns-unanswered]") {
  Case c;
  ask_in_vain(c, 8);
  SECTION("it has all of both") {
    CHECK(c.only(120).confidence == Confidence::probable);
  }
  SECTION("answers to queries that are missing") {
    for (int i = 0; i < 6; ++i) {
      const dns::Transaction unseen = unanswered(c.frames, {}, {10.0 * i + 3});
      c.answer_late(unseen, static_cast<std::uint16_t>(600 + i), 10.0 * i + 3.01);
    }
    const Finding finding = c.only(120);
    CHECK(finding.confidence == Confidence::possible);
    REQUIRE(!finding.caveats.empty());
    CHECK(finding.caveats[0].kind == "unasked");
  }
  SECTION("answers that come far too late") {
    for (int i = 0; i < 6; ++i) {
      const std::string name = fmt::format("late{}.example.com.", i);
      const dns::Transaction slow = unanswered(c.frames, {.name = name}, {10.0 * i + 3});
      c.bench.hear(slow);
      c.answer_late(slow, slow.id, 10.0 * i + 33);
    }
    CHECK(c.only(120).confidence == Confidence::probable);
  }
}

TEST_CASE("one query without an answer among many proves nothing", "[detectors][dns-unanswered]") {
  Case c;
  for (int i = 0; i < 20; ++i) c.bench.hear(answered(c.frames, {}, i, i + 0.01));
  c.bench.hear(unanswered(c.frames, {.name = "once.example.com."}, {20}));
  const Finding finding = c.only(120);
  CHECK(finding.severity == Severity::note);
  CHECK(finding.confidence == Confidence::possible);
}

TEST_CASE("an answer from another address is its own variant", "[detectors][dns-unanswered]") {
  Case c;
  dns::StrayResponse stray;
  stray.client = endpoint("192.0.2.10", 40000);
  stray.server = endpoint("198.51.100.54", 53);
  stray.has_question = true;
  stray.question = {*dns::Name::parse("WWW.example.com."), dns::Type::a};
  const dns::Transaction silent = unanswered(c.frames, {}, {0, 5});
  stray.response.seen = c.frames.at(0.02);
  c.bench.detector().on_dns_stray_response(stray);
  c.bench.hear(silent);
  const Finding finding = c.only(20);
  CHECK(finding.variant == "answered-from-wrong-address");
  CHECK(finding.causes[0].id == "wrong-source-address");
}

TEST_CASE("an answer about another name is none", "[detectors][dns-unanswered]") {
  Case c;
  const bool also_lost = GENERATE(false, true);
  dns::StrayResponse stray;
  stray.client = endpoint("192.0.2.10", 40000);
  stray.server = endpoint("198.51.100.53", 53);
  stray.has_question = true;
  stray.question = {*dns::Name::parse("wwu.example.com."), dns::Type::a};
  const dns::Transaction silent = unanswered(c.frames, {}, {0, 5});
  stray.response.seen = c.frames.at(0.02);
  c.bench.detector().on_dns_stray_response(stray);
  c.bench.hear(silent);
  if (also_lost) {
    for (const double when : {20, 40}) c.bench.hear(unanswered(c.frames, {}, {when, when + 5}));
  }
  const Finding finding = c.only(60);
  CHECK(finding.variant == (also_lost ? "" : "answered-other-question"));
  CHECK(finding.causes[0].id == (also_lost ? "server-down" : "other-question"));
}

// Answers from the first second to the `from`th, and from the `to`th on; three lookups in between.
void outage(Case& c, int from, int to, const std::vector<std::vector<double>>& attempts) {
  for (int i = 0; i < from; ++i) c.bench.hear(answered(c.frames, {}, i, i + 0.01));
  std::vector<dns::Transaction> waiting;
  int number = 0;
  for (const std::vector<double>& times : attempts) {
    waiting.push_back(
        unanswered(c.frames, {.name = fmt::format("host{}.example.com.", ++number)}, times));
  }
  // Some are known to be in vain only when the server answers again.
  int now = to;
  for (const dns::Transaction& query : waiting) {
    for (; at(now) < query.settled; ++now) c.bench.hear(answered(c.frames, {}, now, now + 0.01));
    c.bench.hear(query);
  }
  c.bench.hear(answered(c.frames, {}, now, now + 0.01));
}

TEST_CASE("a server that was silent and answers again was out of service",
          "[detectors][dns-unanswered]") {
  Case c;
  outage(c, 5, 26, {{6, 11}, {7, 12}, {18, 23}});
  const Finding finding = c.only(60);
  CHECK(finding.title == "198.51.100.53 answered no DNS queries for 17.0 s");
  CHECK(finding.severity == Severity::error);
  CHECK(finding.causes[0].id == "path-interrupted");
}

TEST_CASE("what was lost in one burst, or while others were answered, is no outage",
          "[detectors][dns-unanswered]") {
  Case c;
  SECTION("a burst") {
    outage(c, 5, 15, {{6}, {6.1}, {6.2}});
  }
  SECTION("others were answered") {
    outage(c, 24, 26, {{6, 11}, {7, 12}, {18, 23}});
  }
  CHECK(c.only(60).title == "198.51.100.53 leaves DNS queries unanswered");
}

TEST_CASE("a server that stood still answers too late", "[detectors][dns-unanswered]") {
  Case c;
  std::vector<dns::Transaction> queries;
  for (const char* name : {"www.example.com.", "mail.example.com.", "ftp.example.com."}) {
    queries.push_back(unanswered(c.frames, {.name = name}, {0, 5}));
    c.bench.hear(queries.back());
  }
  for (dns::Transaction& query : queries) {
    query.outcome = dns::Outcome::late;
    query.amends = true;
    query.noticed = true;
    query.has_response = true;
    query.response.seen = c.frames.at(14);
    query.settled = query.response.seen.time;
    c.bench.hear(query);
  }
  const Finding finding = c.only(60);
  CHECK(finding.title == "198.51.100.53 answered no DNS queries for 14.0 s");
  CHECK(finding.last - finding.first == std::chrono::seconds{14});
  CHECK(finding.severity == Severity::error);
  CHECK(finding.count == 3);
  REQUIRE(finding.causes.size() == 1);
  CHECK(finding.causes[0].id == "server-stalled");
}

// The cause that is ranked first, when each tenth of a second has a query and those of which
// `is_silent` are not answered.
template <class Silent, class Change>
std::string_view first_cause(Case& c, Silent is_silent, Change change) {
  for (int i = 0; i < 120; ++i) {
    const Asked what{.name = fmt::format("host{}.example.com.", i)};
    const double when = 0.1 * i;
    dns::Transaction made = is_silent(i) ? unanswered(c.frames, what, {when})
                                         : answered(c.frames, what, when, when + 0.01);
    made.response.size = 100;
    change(i, made);
    c.bench.hear(made);
  }
  return c.only(60).causes.at(0).id;
}

TEST_CASE("empty answers in the seconds of silence come from a rate limit",
          "[detectors][dns-unanswered]") {
  Case c;
  const auto cut = [](dns::Transaction& made) { made.response.truncated = true; };
  SECTION("it limits") {
    CHECK(first_cause(
              c, [](int i) { return i / 10 == 4 && i % 2 == 0; },
              [&](int i, dns::Transaction& made) {
                if (i / 10 == 4 && i % 2 == 1) cut(made);
              }) == "rate-limited");
  }
  SECTION("some answers are simply too long, at any time") {
    CHECK(first_cause(
              c, [](int i) { return i / 10 == 4 && i % 2 == 0; },
              [&](int i, dns::Transaction& made) {
                if (i % 2 == 1) cut(made);
              }) == "path-loss");
  }
}

TEST_CASE("a kind of question is to blame when none of it is answered, and others are",
          "[detectors][dns-unanswered]") {
  Case c;
  const bool one_is_answered = GENERATE(false, true);
  const auto is_silent = [&](int i) { return i % 20 == 0 && !(one_is_answered && i == 40); };
  SECTION("a type") {
    CHECK(first_cause(c, is_silent, [](int i, dns::Transaction& made) {
            if (i % 20 == 0) made.question.type = dns::Type::https;
          }) == (one_is_answered ? "path-loss" : "type-dropped"));
  }
  SECTION("EDNS") {
    CHECK(first_cause(c, is_silent, [](int i, dns::Transaction& made) {
            made.edns.present = i % 20 == 0;
          }) == (one_is_answered ? "path-loss" : "edns-dropped"));
  }
  SECTION("large answers") {
    CHECK(first_cause(c, is_silent, [](int i, dns::Transaction& made) {
            made.edns = {true, true, 4096};
            if (i % 20 == 0) made.response.size = 2500;
          }) == (one_is_answered ? "path-loss" : "large-answers-lost"));
  }
}

TEST_CASE("large answers are to blame when large offers alone stay silent, more than once",
          "[detectors][dns-unanswered]") {
  Case c;
  const bool asks_twice = GENERATE(false, true);
  const bool next_is_smaller = GENERATE(false, true);
  for (int i = 0; i < 10; ++i) c.bench.hear(answered(c.frames, {}, i, i + 0.01));
  const Asked question{.name = "large.example.com.", .type = dns::Type::txt};
  const auto with_offer = [](dns::Transaction made, std::uint16_t id, std::uint16_t offer) {
    made.id = id;
    made.edns = {true, true, offer};
    return made;
  };
  c.bench.hear(with_offer(unanswered(c.frames, question, {60}), 1, 4096));
  if (asks_twice) c.bench.hear(with_offer(unanswered(c.frames, question, {65}), 2, 4096));
  c.bench.hear(with_offer(answered(c.frames, question, 70, 70.01), 3,
                          next_is_smaller ? std::uint16_t{1232} : std::uint16_t{4096}));
  const auto found = c.bench.findings(200);
  REQUIRE(found.size() == 1);
  const bool size_is_to_blame = asks_twice && next_is_smaller;
  CHECK(found[0].causes.front().id == (size_is_to_blame ? "large-answers-lost" : "path-loss"));
}

TEST_CASE("clients that are never answered, while others are, are filtered",
          "[detectors][dns-unanswered]") {
  Case c;
  const bool one_is_answered = GENERATE(false, true);
  for (int i = 0; i < 12; ++i) {
    const bool is_filtered = i % 2 == 0 && !(one_is_answered && i == 6);
    const Asked what{.client = i % 2 == 0 ? "192.0.2.11" : "192.0.2.12",
                     .name = fmt::format("host{}.example.com.", i)};
    c.bench.hear(is_filtered ? unanswered(c.frames, what, {1.0 * i})
                             : answered(c.frames, what, i, i + 0.01));
  }
  CHECK(c.only(60).causes.at(0).id == (one_is_answered ? "path-loss" : "clients-filtered"));
}

TEST_CASE("what stands for many is an estimate", "[detectors][dns-unanswered]") {
  Case c;
  dns::Transaction query = unanswered(c.frames, {}, {0, 5});
  query.weight = 16;
  c.bench.hear(query);
  CHECK(c.only(60).caveats.at(0).kind == "sampled");
}

TEST_CASE("queries lost where there are many, and answers that get slower",
          "[detectors][dns-unanswered]") {
  Case c;
  const bool slower = GENERATE(false, true);
  int number = 0;
  for (int second = 0; second < 12; ++second) {
    const int queries = second == 6 ? 60 : 4;
    for (int i = 0; i < queries; ++i) {
      const Asked what{.name = fmt::format("host{}.example.com.", ++number)};
      const double when = second + static_cast<double>(i) / queries;
      const double latency = slower && second >= 6 ? 0.1 : 0.01;
      c.bench.hear(i >= 20 ? unanswered(c.frames, what, {when})
                           : answered(c.frames, what, when, when + latency));
    }
  }
  CHECK(c.only(60).causes.at(0).id == (slower ? "server-overloaded" : "too-many-queries"));
}

TEST_CASE("a race for the state of a flow takes the second of two queries",
          "[detectors][dns-unanswered]") {
  Case c;
  const int firsts = GENERATE(0, 2);  // of eight
  for (int i = 0; i < 8; ++i) {
    Asked lost{.name = fmt::format("host{}.example.com.", i), .type = dns::Type::aaaa};
    Asked other{.name = lost.name};
    const double when = 10.0 * i;
    const bool is_first = i < firsts;
    c.bench.hear(answered(c.frames, other, when, when + 0.02));
    dns::Transaction query =
        asked(c.frames, lost, {when + (is_first ? -0.0001 : 0.0001), when + 5});
    query.outcome = dns::Outcome::waiting;
    c.bench.lookups_hear(query);
    query.outcome = dns::Outcome::answered;
    query.noticed = true;
    query.has_response = true;
    query.response.seen = c.frames.at(when + 5.01);
    query.settled = query.response.seen.time;
    c.bench.hear(query);
    query.outcome = dns::Outcome::repeat_answered;
    c.bench.hear(query);
  }
  CHECK(c.only(200).causes.at(0).id == (firsts == 0 ? "pair-race" : "path-loss"));
}

// asked at 0 and 5 s, answered at 7 s, where other answers take 10 ms
TEST_CASE("a repetition that is answered late as well was not lost",
          "[detectors][dns-unanswered]") {
  Case c;
  const double latency = GENERATE(0.01, 0.1, 2.0);
  for (int i = 0; i < 20; ++i) {
    c.bench.hear(answered(c.frames, {.name = fmt::format("n{}.example.com.", i)}, i, i + 0.01));
  }
  for (int i = 0; i < 3; ++i) {
    const double when = 30.0 + 20 * i;
    dns::Transaction query =
        asked(c.frames, {.name = fmt::format("slow{}.example.com.", i)}, {when, when + 5});
    query.outcome = dns::Outcome::answered;
    query.has_response = true;
    query.response.seen = c.frames.at(when + 5 + latency);
    query.settled = query.response.seen.time;
    c.bench.hear(query);
    query.outcome = dns::Outcome::repeat_answered;
    c.bench.hear(query);
  }
  CHECK(c.only(200).causes.at(0).id == (latency == 2.0 ? "server-slow" : "path-loss"));
}

TEST_CASE("what was answered before the silence is what was answered before it",
          "[detectors][dns-unanswered]") {
  Case c;
  for (int i = 0; i < 4; ++i) c.bench.hear(answered(c.frames, {}, i, i + 0.01));
  // Asked at 4 s, known to be in vain at 9.5 s: meanwhile others were answered.
  const auto in_vain = unanswered(c.frames, {.name = "mail.example.com."}, {4});
  for (int i = 0; i < 5; ++i) c.bench.hear(answered(c.frames, {}, 4.1 + i, 4.11 + i));
  c.bench.hear(in_vain);
  c.bench.hear(unanswered(c.frames, {.name = "mail.example.com."}, {9}));
  c.bench.hear(answered(c.frames, {}, 10, 10.01));
  SECTION("once") {
    CHECK(c.only(40).before.starts_with("4 queries answered"));
  }
  SECTION("and again when one asked earlier turns out to be in vain as well") {
    c.bench.hear(unanswered(c.frames, {.name = "shop.example.com."}, {2.5}));
    CHECK(c.only(40).before.starts_with("3 queries answered"));
  }
}

// asked at 0, 2 and 4 s, SERVFAIL at 6 s: the resolver has looked for the answer all the while
TEST_CASE("a failure is no answer that a repetition saved", "[detectors][dns-unanswered]") {
  const auto rcode = GENERATE(dns::Rcode::servfail, dns::Rcode::noerror);
  Case c;
  dns::Transaction query = asked(c.frames, {}, {0, 2, 4});
  query.outcome = dns::Outcome::answered;
  query.has_response = true;
  query.response.rcode = rcode;
  query.response.seen = c.frames.at(6);
  query.settled = query.response.seen.time;
  query.responses = 1;
  c.bench.hear(query);
  query.outcome = dns::Outcome::repeat_answered;
  c.bench.hear(query);
  CHECK(c.bench.findings(30).size() == (rcode == dns::Rcode::servfail ? 0 : 1));
}

TEST_CASE("silence about certain names is not put down to the path",
          "[detectors][dns-unanswered]") {
  Case c;
  const bool also_lost = GENERATE(false, true);
  for (int i = 0; i < 20; ++i) {
    c.bench.hear(answered(c.frames, {.name = fmt::format("n{}.example.com.", i)}, i, i + 0.01));
  }
  for (int i = 0; i < 3; ++i) {
    c.bench.hear(unanswered(c.frames, {.name = "dead.example."}, {30.0 + 20 * i, 31.0 + 20 * i}));
  }
  // A question that is answered at another time is not what is wrong with it.
  if (also_lost) c.bench.hear(unanswered(c.frames, {.name = "n1.example.com."}, {95, 97, 99}));
  c.bench.hear(answered(c.frames, {}, 100, 100.01));
  CHECK(c.only(200).causes.at(0).id == (also_lost ? "path-loss" : "names-unresolved"));
}

TEST_CASE("names of addresses that nobody answers are a warning at most",
          "[detectors][dns-unanswered]") {
  Case c;
  const bool also_another = GENERATE(false, true);
  const Asked reverse{.name = "1.2.0.192.in-addr.arpa.", .type = dns::Type::ptr};
  c.bench.hear(unanswered(c.frames, reverse, {0, 5}));
  if (also_another) c.bench.hear(unanswered(c.frames, {}, {1, 6}));
  CHECK(c.only(60).severity == (also_another ? Severity::error : Severity::warning));
}

TEST_CASE("reverse names of private addresses have nobody to answer for them",
          "[detectors][dns-unanswered]") {
  Case c;
  const std::string other = GENERATE("1.1.168.192.in-addr.arpa.", "1.2.0.192.in-addr.arpa.");
  c.bench.hear(answered(c.frames, {}, 0, 0.01));
  c.bench.hear(
      unanswered(c.frames, {.name = "1.16.172.in-addr.arpa.", .type = dns::Type::ptr}, {1, 3}));
  c.bench.hear(unanswered(c.frames, {.name = other, .type = dns::Type::ptr}, {4, 6}));
  c.bench.hear(answered(c.frames, {.name = "mail.example.com."}, 8, 8.01));
  const Finding finding = c.only(60);
  CHECK((finding.causes.at(0).id == "private-reverse-names") ==
        (other == "1.1.168.192.in-addr.arpa."));
}

TEST_CASE("a resolver that is silent and fails waits for others", "[detectors][dns-unanswered]") {
  Case c;
  const auto rcode = GENERATE(dns::Rcode::servfail, dns::Rcode::nxdomain);
  for (int i = 0; i < 4; ++i) {
    const std::string name = fmt::format("n{}.example.com.", i);
    c.bench.hear(unanswered(c.frames, {.name = name}, {i * 0.1, i * 0.1 + 2}));
  }
  for (int i = 0; i < 4; ++i) {
    const std::string name = fmt::format("m{}.example.com.", i);
    c.bench.hear(answered(c.frames, {.name = name}, 3.0 + i, 3.5 + i, rcode));
  }
  const Finding finding = c.only(60);
  CHECK(finding.causes.at(0).id ==
        (rcode == dns::Rcode::servfail ? "resolver-upstream" : "server-started"));
}

// Every query from a port of its own: a client that had answers looks the same from one side.
TEST_CASE("queries that are asked anew are no proof that answers are missing",
          "[detectors][dns-unanswered]") {
  Case c;
  const bool same_id = GENERATE(false, true);
  const bool heard = GENERATE(false, true);
  if (heard) c.bench.hear(answered(c.frames, {.server = "203.0.113.53"}, 0, 0.01));
  for (int i = 0; i < 4; ++i) {
    dns::Transaction query = unanswered(c.frames, {.name = "mail.example.com."}, {1 + 2.0 * i});
    query.client.port = static_cast<std::uint16_t>(41000 + i);
    query.id = static_cast<std::uint16_t>(same_id ? 7 : i);
    c.bench.hear(query);
  }
  const Finding finding = c.only(60);
  CHECK(finding.confidence == (same_id || heard ? Confidence::probable : Confidence::possible));
}

TEST_CASE("an update that nobody answers concerns no lookup", "[detectors][dns-unanswered]") {
  Case c;
  dns::Transaction update = unanswered(c.frames, {}, {0});
  update.opcode = dns::Opcode::update;
  c.bench.hear(update);
  CHECK(c.bench.findings(20).empty());
}

}  // namespace
}  // namespace wirefault::test
