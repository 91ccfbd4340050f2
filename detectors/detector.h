// What a detector is: it hears facts, keeps tallies, and when asked says what they amount to. It
// never sees a packet, a table, a thread or a clock. One file each; see detectors/README.md.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "detectors/audience.h"
#include "detectors/evidence.h"
#include "detectors/finding.h"
#include "detectors/knowledge/connect_failures.h"
#include "detectors/knowledge/dns_action.h"
#include "detectors/knowledge/dns_lookup.h"
#include "detectors/knowledge/dns_zone.h"
#include "detectors/knowledge/path_sizes.h"
#include "detectors/knowledge/scanners.h"
#include "detectors/knowledge/stalls.h"
#include "detectors/knowledge/vantage.h"
#include "detectors/latency.h"
#include "detectors/tally_map.h"
#include "detectors/wording.h"
#include "dissectors/facts.h"
#include "dissectors/settings.h"

namespace wirefault {

// Declares a detector's settings, each asked for once, in its constructor; and finds the detector
// its place in the audience, if it is to have one.
class Setup {
 public:
  // What is left for traffic of the 256 MiB that the process uses by default.
  static constexpr std::size_t usual_memory = std::size_t{242} << 20;

  // `memory`: what is left of it now, in bytes.
  Setup(Settings& settings, std::string_view detector, Audience* audience = nullptr,
        std::size_t memory = usual_memory)
      : settings_{settings}, detector_{detector}, audience_{audience}, memory_{memory} {}

  std::uint64_t count(std::string_view name, std::uint64_t standard, std::string_view help) {
    return settings_.count(detector_, name, standard, help);
  }
  std::uint64_t percent(std::string_view name, std::uint64_t standard, std::string_view help) {
    return settings_.percent(detector_, name, standard, help);
  }
  Duration duration(std::string_view name, Duration standard, std::string_view help) {
    return settings_.duration(detector_, name, standard, help);
  }

  // How many tallies to keep where `usual` of them are right for the usual memory.
  std::size_t tallies(std::size_t usual) const {
    return std::max<std::size_t>(16, memory_ / (usual_memory / usual));
  }

  template <class D>
  void admit(D& made) const {
    if (audience_ != nullptr) audience_->admit(made);
  }

 private:
  Settings& settings_;
  std::string_view detector_;
  Audience* audience_;
  std::size_t memory_;
};

// What a detector may look at besides its own tallies when it judges.
struct Scene {
  Timestamp now{};                          // the packet clock
  bool capture_ended = false;               // nothing more will come
  const tcp::Scanners* scanners = nullptr;  // none: no source is one
  const PathSizes* sizes = nullptr;         // none: nothing is known of any path
  bool fragments_hidden = false;  // a capture filter may have left out all but first fragments
  const VantageMap* vantages = nullptr;
  const Stalls* stalls = nullptr;  // none: no connection stalled
  bool only_syns = false;          // a capture filter left out the rest of all connections

  // Whose attempts are nobody's failure.
  bool is_scanner(const IpAddress& source, std::uint64_t tunnel) const {
    return scanners != nullptr && scanners->is_scanner(source, tunnel);
  }
  Vantage vantage_of(const IpAddress& client, const IpAddress& server, std::uint64_t tunnel) const {
    return vantages == nullptr ? Vantage::unknown : vantages->of(client, server, tunnel);
  }
  // Of what a server itself sends, as far as it opened connections; 0: unknown.
  std::uint8_t hop_limit_of(const IpAddress& server, std::uint64_t tunnel) const {
    return vantages == nullptr ? std::uint8_t{0} : vantages->hop_limit_of(server, tunnel);
  }
  // Whose attempts are worth a note at most.
  bool misses_peers(const IpAddress& source, std::uint64_t tunnel) const {
    return scanners != nullptr && scanners->misses_peers(source, tunnel);
  }
  // What is known to get through.
  PathSize size_of(const PathKey& path) const {
    const PathSize* known = sizes == nullptr ? nullptr : sizes->find(path);
    return known == nullptr ? PathSize{} : *known;
  }
  // Null: no connection stalled on that path.
  const PathStalls* stalls_of(const PathKey& path) const {
    return stalls == nullptr ? nullptr : stalls->find(path);
  }
};

class Detector : public KnowledgeListener {
 public:
  // Appends a finding for each entity whose tally warrants one. May be called again and again as
  // the tallies grow; each call tells the present state of all. Entities in a stable order.
  virtual void judge(const Scene& scene, std::vector<Finding>& findings) const = 0;

  // Tallies of something that may be wrong, given up for want of room: there may be more findings,
  // and what is counted is a lower bound.
  virtual std::uint64_t evicted() const = 0;
};

// Whether the claim rests on a packet that proves it or on one that never came. Absence passes
// through the capture-quality gates.
enum class Basis : std::uint8_t { presence, absence };

// How to come by a detector of one kind.
struct DetectorMaker {
  std::unique_ptr<Detector> (*make)(Setup& setup);
  // A copy that has heard all that `detector` has, and belongs to `audience`; null where the kind
  // hears nothing of knowledge.
  std::unique_ptr<Detector> (*copy)(const Detector& detector, Audience& audience);

  std::unique_ptr<Detector> operator()(Setup& setup) const { return make(setup); }
};

struct DetectorEntry {
  std::string_view id;
  std::string_view severities;  // "warning to critical"
  std::string_view summary;     // one line, for `list detectors`
  Basis basis;
  DetectorMaker make;
};

template <class D>
constexpr DetectorMaker make_detector{
    [](Setup& setup) -> std::unique_ptr<Detector> {
      auto made = std::make_unique<D>(setup);
      setup.admit(*made);
      return made;
    },
    [](const Detector& detector, Audience& audience) -> std::unique_ptr<Detector> {
      if constexpr (Audience::hears_knowledge<D>) {
        auto copy = std::make_unique<D>(static_cast<const D&>(detector));
        audience.admit(*copy);
        return copy;
      }
      return nullptr;
    }};

}  // namespace wirefault
