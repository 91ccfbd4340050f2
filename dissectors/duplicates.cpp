#include "dissectors/duplicates.h"

#include <algorithm>
#include <bit>

#include "dissectors/hash.h"

namespace wirefault {
namespace {

using std::chrono::milliseconds;

constexpr Duration window = milliseconds{10};
constexpr Duration window_without_id = milliseconds{2};

// A way or a queue between two places of one capture takes no longer: as long as TCP waits for an
// answer before it knows the way (RFC 6298, section 2).
constexpr Duration longest_way = std::chrono::seconds{1};

// As much of a payload as tells two apart; of TCP, the header alone does.
constexpr std::size_t hashed_payload = 64;

constexpr std::uint16_t dns_port = 53;

std::uint64_t load(const std::uint8_t* bytes) {
  return hash_detail::word(bytes, 8);
}

// Little-endian masks over the words of the IP header that follow.
constexpr std::uint64_t without_ttl = 0xff00ffffffffffff;         // IPv4, bytes 2 to 9
constexpr std::uint64_t without_class_hops = 0x00ffffffffff0f00;  // IPv6, bytes 0 to 7
constexpr std::uint64_t without_udp_checksum = 0x0000ffffffffffff;

void add_ip_header(QuickHash& hash, const ip::Datagram& datagram) {
  const std::uint8_t* header = datagram.raw.data();
  if (datagram.is_v6()) {
    hash.add(load(header) & without_class_hops, load(header + 8));
    hash.add(load(header + 16), load(header + 24));
    // Of a fragment header, which need not follow at once: what tells one piece from another.
    const std::uint64_t place = std::uint64_t{datagram.fragment_offset} << 1 |
                                static_cast<std::uint64_t>(datagram.more_fragments);
    hash.add(load(header + 32), place << 32 | datagram.identification);
  } else {
    hash.add(load(header + 2) & without_ttl, load(header + 12));
  }
}

// Checksums are left out: a sending host computes them only after its own capture.
void add_payload(QuickHash& hash, const ip::Datagram& datagram) {
  Bytes bytes = datagram.payload.bytes;
  bytes = bytes.first(std::min(bytes.size(), hashed_payload));
  if (datagram.fragment_offset == 0 && datagram.protocol == ip::protocol::tcp &&
      bytes.size() >= 20) {
    hash.add(load(&bytes[0]), load(&bytes[8]));
    const std::size_t header = std::max<std::size_t>(bytes[12] >> 4, 5) * 4;
    bytes = bytes.first(std::min(bytes.size(), header)).subspan(20);
  } else if (datagram.fragment_offset == 0 && datagram.protocol == ip::protocol::udp &&
             bytes.size() >= 8) {
    hash.add(load(&bytes[0]) & without_udp_checksum, 0);
    bytes = bytes.subspan(8);
  }
  hash.add(bytes);
}

}  // namespace

// What a packet's nature says of its copies.
struct Duplicates::Traits {
  bool is_numbered = false;  // by an IP identification
  bool is_syn = false;
  bool is_tcp = false;
  bool is_pure_ack = false;
  bool is_dns = false;

  explicit Traits(const ip::Datagram& datagram)
      : is_numbered{datagram.has_identification && datagram.identification != 0} {
    const Bytes bytes = datagram.payload.bytes;
    if (datagram.is_fragment() || bytes.size() < 8) return;
    if (datagram.protocol == ip::protocol::udp) {
      is_dns = be16(&bytes[0]) == dns_port || be16(&bytes[2]) == dns_port;
    } else if (datagram.protocol == ip::protocol::tcp && bytes.size() >= 20) {
      constexpr std::uint8_t fin_syn_rst = 0x07;
      is_tcp = true;
      is_syn = (bytes[13] & 0x02) != 0;
      is_pure_ack = (bytes[13] & fin_syn_rst) == 0 &&
                    datagram.payload.length <= (bytes[12] >> 4) * std::uint32_t{4};
    }
  }

  // Nobody sends the same once more so soon. A new DNS query has a new ID.
  bool is_certain_copy() const { return is_dns || (is_numbered && !is_pure_ack); }
};

CapturePlace CapturePlace::of(const Packet& packet, const link::Frame& frame) {
  CapturePlace place;
  const std::uint32_t inside =
      frame.cooked_interface << 2 ^ static_cast<std::uint32_t>(frame.direction);
  place.interface =
      std::uint32_t{clock_of(packet.ref.source(), packet.interface)} << 16 | (inside & 0xffff);
  place.stamp = packet.time;
  if (frame.vlan_count > 0) place.vlan = static_cast<std::uint16_t>(frame.vlans[0] + 1);
  return place;
}

CopyKind Duplicates::kind_of(const Entry& entry, const ip::Datagram& datagram,
                             const CapturePlace& place) {
  if (entry.tunnel != place.tunnel) return CopyKind::tunnel;
  if (entry.interface != place.interface) return CopyKind::interface;
  if (entry.vlan != place.vlan) return CopyKind::vlan;
  if (entry.hop_limit != datagram.hop_limit) return CopyKind::routed;
  return CopyKind::mirror;
}

void Duplicates::learn_clocks(const Entry& entry, const ip::Datagram& datagram,
                              const CapturePlace& place, Timestamp time) {
  const Stamp first = entry.stamp();
  const Stamp second{place.clock(), datagram.hop_limit, time};
  if (first.clock == second.clock) return;
  clocks_.learn(first, second, true, datagram.source < datagram.destination);
}

// A packet that equals one of longer ago.
Duplicates::Verdict Duplicates::look_late(Entry& entry, CopyKind kind, const Traits& traits,
                                          const ip::Datagram& datagram, const CapturePlace& place,
                                          Timestamp time) {
  const Stamp first = entry.stamp();
  const Stamp second{place.clock(), datagram.hop_limit, time};
  if (first.clock == second.clock) {
    const bool is_on_its_way = (kind == CopyKind::routed && second.hop_limit < first.hop_limit) ||
                               kind == CopyKind::interface;
    return {.is_copy = traits.is_numbered && is_on_its_way && time > entry.time &&
                       time - entry.time <= longest_way};
  }
  if (kind != CopyKind::interface) return {};
  // Some senders number everything alike: the second of the same place is none.
  const bool is_sure = traits.is_numbered && !entry.has_late_copy;
  const bool is_copy = is_sure || clocks_.fit(first, second);
  if (!traits.is_pure_ack) {
    clocks_.learn(first, second, is_sure, datagram.source < datagram.destination);
  }
  if (is_copy) entry.has_late_copy = true;
  return {.is_copy = is_copy, .is_off_the_clock = is_copy};
}

// Where `hash` is kept, or is to be kept now.
std::size_t Duplicates::find(std::uint64_t hash) const {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t pair = hash % (tag_count / 2) * 2;
  if (tags_[pair] == tag) return pair;
  if (tags_[pair + 1] == tag) return pair + 1;
  return pair + turn_ % 2;
}

Duplicates::Verdict Duplicates::look(const ip::Datagram& datagram, const CapturePlace& place,
                                     Timestamp time) {
  QuickHash quick;
  add_ip_header(quick, datagram);
  add_payload(quick, datagram);
  const std::uint64_t hash = quick.value();
  const Traits traits{datagram};
  Verdict verdict{.tunnel = tracked_as(place.tunnel)};

  const std::size_t at = find(hash);
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  if (tags_[at] == tag && entries_[at].hash == hash) {
    Entry& entry = entries_[at];
    const Duration apart = std::max(time, entry.time) - std::min(time, entry.time);
    const CopyKind kind = kind_of(entry, datagram, place);
    if (apart > (traits.is_numbered ? window : window_without_id)) {
      const Verdict late = look_late(entry, kind, traits, datagram, place, time);
      if (late.is_copy) {
        ++counts_[static_cast<std::size_t>(kind)];
        return late;
      }
    } else {
      if (traits.is_numbered && !traits.is_pure_ack && kind == CopyKind::interface) {
        learn_clocks(entry, datagram, place, time);
      }
      if (kind == CopyKind::mirror) weigh(traits, true);
      if (kind != CopyKind::mirror || traits.is_certain_copy() || is_copied_capture()) {
        ++counts_[static_cast<std::size_t>(kind)];
        verdict.is_copy = kind != CopyKind::tunnel || !learn_twin(entry, place);
        if (!verdict.is_copy) verdict.tunnel = tracked_as(place.tunnel);
        return verdict;
      }
    }
  }
  weigh(traits, false);
  ++turn_;
  tags_[at] = tag;
  entries_[at] = {.hash = hash,
                  .time = time,
                  .tunnel = place.tunnel,
                  .interface = place.interface,
                  .vlan = static_cast<std::uint16_t>(place.vlan & 0x7fff),
                  .depth = place.depth,
                  .hop_limit = datagram.hop_limit};
  return verdict;
}

void Duplicates::weigh(const Traits& traits, bool copied) {
  if (!traits.is_tcp || traits.is_pure_ack) return;
  (copied ? copied_ : original_) += traits.is_syn ? enough : 1;
  // Halved from time to time, so that what the capture does now counts most.
  if (original_ + copied_ < 4096) return;
  original_ /= 2;
  copied_ /= 2;
}

std::uint64_t Duplicates::tracked_as(std::uint64_t tunnel) const {
  if (tunnel == 0) return 0;
  for (const Twin& twin : twins_) {
    if (twin.tunnel == tunnel) return twin.tracked_as;
  }
  return tunnel;
}

// True when this was news and `place` is where such packets are tracked from now on: then its
// packet must not be dropped, for the conversation goes on here.
bool Duplicates::learn_twin(const Entry& entry, const CapturePlace& place) {
  const std::uint64_t there = tracked_as(entry.tunnel);
  const std::uint64_t here = tracked_as(place.tunnel);
  if (there == here || twins_.size() == max_twins) return false;
  // The outermost view is the plainest one; no tunnel at all wins always.
  const bool here_wins =
      there != 0 &&
      (here == 0 || (place.depth != entry.depth ? place.depth < entry.depth : here < there));
  const Twin twin = here_wins ? Twin{there, here} : Twin{here, there};
  for (Twin& other : twins_) {
    if (other.tracked_as == twin.tunnel) other.tracked_as = twin.tracked_as;
  }
  twins_.push_back(twin);
  return here_wins;
}

}  // namespace wirefault
