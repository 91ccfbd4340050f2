// DNS facts for the tests of detectors and knowledge, as the trackers would make them.
#pragma once

#include <string>
#include <vector>

#include "detectors/catalogue.h"
#include "dissectors/dns/name_hash.h"

namespace wirefault::test {

inline Timestamp at(double seconds) {
  return Timestamp{std::chrono::round<Duration>(std::chrono::duration<double>{1.7e9 + seconds})};
}

inline Endpoint endpoint(const std::string& address, std::uint16_t port) {
  return {*IpAddress::parse(address), port};
}

// Gives every packet of a test its own frame number.
class Frames {
 public:
  Sighting at(double seconds) { return {PacketRef{0, ++last_}, test::at(seconds)}; }

 private:
  std::uint64_t last_ = 0;
};

struct Asked {
  std::string client = "192.0.2.10";
  std::string server = "198.51.100.53";
  std::string name = "www.example.com.";
  dns::Type type = dns::Type::a;
};

inline dns::Transaction asked(Frames& frames, const Asked& what, std::vector<double> times) {
  dns::Transaction made;
  made.client = endpoint(what.client, 40000);
  made.server = endpoint(what.server, 53);
  made.recursion_desired = true;
  made.question = {*dns::Name::parse(what.name), what.type};
  made.question_hash = hash_of(made.question);
  for (const double time : times) made.queries.add(frames.at(time));
  made.deadline = made.queries.last().time + std::chrono::milliseconds{5500};
  return made;
}

inline dns::Transaction unanswered(Frames& frames, const Asked& what, std::vector<double> times) {
  dns::Transaction made = asked(frames, what, times);
  made.outcome = dns::Outcome::unanswered;
  made.settled = made.deadline;
  return made;
}

inline dns::Transaction answered(Frames& frames, const Asked& what, double asked_at,
                                 double answered_at, dns::Rcode rcode = dns::Rcode::noerror) {
  dns::Transaction made = asked(frames, what, {asked_at});
  made.outcome = dns::Outcome::answered;
  made.has_response = true;
  made.response.seen = frames.at(answered_at);
  made.response.rcode = rcode;
  made.responses = 1;
  made.settled = made.response.seen.time;
  return made;
}

// What a detector has to say when the capture has ended, `now` seconds after the start.
inline std::vector<Finding> judged(Detector& detector, double now, bool fragments_hidden = false) {
  std::vector<Finding> found;
  Scene scene{at(now), true};
  scene.fragments_hidden = fragments_hidden;
  detector.judge(scene, found);
  return found;
}

// Runs one detector over facts, with the knowledge it hears of.
class DetectorBench final : public KnowledgeListener {
 public:
  explicit DetectorBench(const DetectorEntry& entry, const std::vector<std::string>& overrides = {})
      : settings_{overrides}, lookups_{settings_, std::size_t{1} << 20}, actions_{settings_} {
    Setup setup{settings_, entry.id};
    detector_ = entry.make(setup);
  }

  void hear(const dns::Transaction& transaction) {
    if (transaction.outcome == dns::Outcome::unanswered && !transaction.amends) {
      dns::Transaction waiting = transaction;
      waiting.outcome = dns::Outcome::waiting;
      lookups_.add(waiting, *this);
      dns::Transaction settled = transaction;
      settled.noticed = true;
      lookups_.add(settled, *this);
    } else {
      lookups_.add(transaction, *this);
    }
    detector_->on_dns_transaction(transaction);
  }
  // Knowledge only.
  void lookups_hear(const dns::Transaction& transaction) { lookups_.add(transaction, *this); }
  void on_dns_lookup(const dns::Lookup& lookup) override {
    detector_->on_dns_lookup(lookup);
    actions_.add(lookup, *this);
  }
  void on_dns_action(const dns::Action& action) override { detector_->on_dns_action(action); }

  Detector& detector() { return *detector_; }

  std::vector<Finding> findings(double now, bool fragments_hidden = false) {
    lookups_.finish(*this);
    actions_.finish(*this);
    return judged(*detector_, now, fragments_hidden);
  }

 private:
  Settings settings_;
  dns::Lookups lookups_;
  dns::Actions actions_;
  std::unique_ptr<Detector> detector_;
};

inline const DetectorEntry& entry_of(std::string_view id) {
  for (const DetectorEntry& entry : catalogue()) {
    if (entry.id == id) return entry;
  }
  throw std::runtime_error{"no such detector"};
}

}  // namespace wirefault::test
