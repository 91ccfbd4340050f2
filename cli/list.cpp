// `wirefault list`: what the program knows, by name.
#include "cli/output.h"
#include "cli/verbs.h"

namespace wirefault::cli {
namespace {

constexpr std::string_view formats_text =
    R"(Read (recognised by content, never by name):
  pcap         either byte order, microseconds or nanoseconds
  pcapng       several sections and interfaces, mixed link types
  gzip zstd lz4   any of the above, compressed
Link types:
  Ethernet, Linux cooked v1 and v2, raw IP, null/loopback, PPP, 802.11 radiotap
Encapsulations:
  802.1Q, QinQ, MPLS, PPPoE, GRE, VXLAN, Geneve, IP-in-IP
Written (-o):
  text         for people; may change
  json         one object, schema "wirefault/1"
)";

}  // namespace

Verb add_list(CLI::App& program) {
  CLI::App* app = program.add_subcommand("list", "what there is: formats");
  return {app, [] {
            write_stdout(formats_text);
            return ExitStatus::finished;
          }};
}

}  // namespace wirefault::cli
