// What a live view shows beside the findings: how the capture fares and what the traffic does now.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "detectors/result.h"
#include "report/rates.h"

namespace wirefault {

struct LiveStatus {
  std::string interface;  // as the system names it; escaped where it is printed
  std::string link_type;  // "Ethernet"
  Duration up{};          // since the capture began, by a clock that never jumps
  Timestamp now{};        // of the packets, as the board was asked at

  CaptureTotals capture;
  Counts counts;                     // since the capture began
  Rates rates;                       // of late
  std::uint64_t flows = 0;           // connections and DNS transactions in the tables now
  std::uint64_t resident_bytes = 0;  // of the process; 0: unknown

  std::string filter{};       // what the user gave, or empty
  std::string excluded{};     // "own ssh session (198.51.100.9:51022)", or empty
  std::string evidence{};     // "e.pcapng 3/20 100 MB", "stopped: disk full", or empty
  bool is_down = false;       // the interface is; the capture waits for it to come back
  bool is_emergency = false;  // tables are full: what does not matter yet is let go
  bool is_paused = false;     // the picture stands still, the analysis goes on
};

}  // namespace wirefault
