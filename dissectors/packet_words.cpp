#include "dissectors/packet_words.h"

#include <fmt/format.h>

#include "dissectors/dns/message.h"
#include "dissectors/icmp/message.h"
#include "dissectors/ip/datagram.h"
#include "dissectors/link/arp.h"
#include "dissectors/link/frame.h"
#include "dissectors/tcp/segment.h"
#include "dissectors/tcp/sequence.h"
#include "dissectors/tunnel/tunnel.h"
#include "dissectors/udp/datagram.h"

namespace wirefault {
namespace {

using Kind = PacketWords::Kind;

constexpr std::uint16_t dns_port = 53;

std::string question_text(const dns::Question& question) {
  return fmt::format("{}? {}", dns::type_name(question.type), question.name.to_string());
}

// Without the case of its letters: RFC 4343.
std::string key_of(const dns::Question& question) {
  std::string key = fmt::format("{} {}", static_cast<int>(question.klass), question_text(question));
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return key;
}

// The first addresses or names that the answer gives.
std::string answers_text(const dns::Message& message) {
  constexpr std::size_t most = 2;
  std::string text;
  std::size_t shown = 0;
  dns::Records records{message};
  while (records.next() && records.record().section == dns::Section::answer) {
    const auto address = records.address();
    const bool is_alias = records.record().type == dns::Type::cname;
    if (!address && !is_alias) continue;
    if (shown++ == most) return fmt::format("{} ...", text);
    if (address) {
      text += fmt::format(" {}", address->to_string());
    } else if (const auto target = records.target()) {
      text += fmt::format(" CNAME {}", target->to_string());
    }
  }
  return text;
}

void put_dns(const Payload& payload, PacketWords& words) {
  const Parsed<dns::Message> message = dns::Message::parse(payload);
  if (!message) return;
  const Parsed<dns::Question> question = message->question();
  words.kind = Kind::dns;
  words.id = message->id();
  words.is_response = message->is_response();
  if (question) words.question = key_of(*question);
  const std::string asked = question ? question_text(*question) : std::string{"no question"};
  if (!words.is_response) {
    const std::string_view opcode = message->opcode() == dns::Opcode::query ? "" : "not a query: ";
    words.text = fmt::format("{}{} id 0x{:04x}", opcode, asked, message->id());
    return;
  }
  const auto edns = message->edns();
  const dns::Rcode rcode = message->full_rcode(edns ? *edns : std::optional<dns::Edns>{});
  words.is_usable =
      (rcode == dns::Rcode::noerror && !message->truncated()) || rcode == dns::Rcode::nxdomain;
  words.text = fmt::format("{}{}{}", dns::rcode_name(rcode),
                           message->truncated() ? ", cut (TC): come back over TCP" : "",
                           rcode == dns::Rcode::noerror ? answers_text(*message) : std::string{});
  if (rcode == dns::Rcode::noerror && message->answer_count() == 0) words.text += ", no answer";
}

std::string flags_text(std::uint8_t flags) {
  std::string text;
  const auto add = [&](std::uint8_t flag, std::string_view name) {
    if ((flags & flag) == 0) return;
    text += text.empty() ? "" : "-";
    text += name;
  };
  add(tcp::syn, "SYN");
  add(tcp::fin, "FIN");
  add(tcp::rst, "RST");
  add(tcp::ack, "ACK");
  return text.empty() ? "no flags" : text;
}

void put_tcp(const Payload& payload, PacketWords& words) {
  const Parsed<tcp::Segment> segment = tcp::Segment::parse(payload);
  if (!segment) return;
  words.kind = Kind::tcp;
  words.from.port = segment->source_port;
  words.to.port = segment->destination_port;
  words.is_syn = segment->has(tcp::syn);
  words.is_fin = segment->has(tcp::fin);
  words.is_reset = segment->has(tcp::rst);
  words.is_ack = segment->has(tcp::ack);
  words.sequence = segment->sequence;
  words.size = segment->payload.length;
  words.end = static_cast<std::uint32_t>(tcp::first_position(segment->sequence) +
                                         segment->sequence_length());
  words.acknowledgment = segment->acknowledgment;
  const bool is_plain = (segment->flags & (tcp::syn | tcp::fin | tcp::rst)) == 0;
  words.text = is_plain ? std::string{} : flags_text(segment->flags);
  const auto add = [&words](std::string_view note) {
    words.text += words.text.empty() ? "" : ", ";
    words.text += note;
  };
  if (segment->window == 0 && !segment->has(tcp::rst)) add("window 0");
  if (segment->options.sack_count > 0) add("SACK");
  if (segment->source_port != dns_port && segment->destination_port != dns_port) return;
  // Of most messages, the length's two octets and all of the rest are in one segment.
  if (segment->payload.bytes.size() <= 2) return;
  PacketWords message = words;
  put_dns(segment->payload.after(2), message);
  if (message.kind != Kind::dns) return;
  words = message;
  words.kind = Kind::tcp;
  words.text.append(" (TCP)");
}

void put_icmp(const Payload& payload, bool is_v6, PacketWords& words) {
  const Parsed<icmp::Message> message = icmp::Message::parse(payload, is_v6);
  if (!message) return;
  if (!message->is_error()) {
    words.text = message->is_echo_request()
                     ? fmt::format("echo request {}", message->echo_sequence())
                 : message->is_echo_reply() ? fmt::format("echo reply {}", message->echo_sequence())
                                            : fmt::format("ICMP type {}", message->type);
    return;
  }
  words.kind = Kind::icmp_error;
  words.text = fmt::format("ICMP {}", icmp::error_name(message->error));
  if (message->error == icmp::ErrorKind::fragmentation_needed) {
    words.text += fmt::format(", MTU {}", message->mtu());
  }
  const Parsed<icmp::Quote> quote = message->quote();
  if (!quote) return;
  words.quoted_from =
      Endpoint{quote->datagram.source, quote->has_ports ? quote->source_port : std::uint16_t{0}};
  words.quoted_to = Endpoint{quote->datagram.destination,
                             quote->has_ports ? quote->destination_port : std::uint16_t{0}};
}

void put_arp(const Payload& payload, PacketWords& words) {
  const Parsed<link::Arp> arp = link::Arp::parse(payload);
  if (!arp) return;
  words.from = {arp->sender_ip, 0};
  words.to = {arp->target_ip, 0};
  words.text =
      arp->operation == link::Arp::request
          ? fmt::format("ARP who has {}", arp->target_ip.to_string())
          : fmt::format("ARP {} is at {}", arp->sender_ip.to_string(), arp->sender_mac.to_string());
}

void put_datagram(const ip::Datagram& datagram, PacketWords& words) {
  words.kind = Kind::ip;
  words.from = {datagram.source, 0};
  words.to = {datagram.destination, 0};
  words.text = ip::protocol_name(datagram.protocol);
  if (datagram.has_identification) words.identification = datagram.identification;
  if (datagram.is_fragment()) {
    words.kind = Kind::fragment;
    words.fragment_offset = datagram.fragment_offset;
    words.more_fragments = datagram.more_fragments;
    words.size = datagram.payload.length;
    words.text =
        fmt::format("{} fragment 0x{:04x}: octets {} to {}{}", words.text, datagram.identification,
                    datagram.fragment_offset, datagram.fragment_offset + datagram.payload.length,
                    datagram.more_fragments ? "" : ", the last");
    return;
  }
  switch (datagram.protocol) {
    case ip::protocol::tcp:
      return put_tcp(datagram.payload, words);
    case ip::protocol::icmp:
    case ip::protocol::icmpv6:
      return put_icmp(datagram.payload, datagram.is_v6(), words);
    case ip::protocol::udp:
      break;
    default:
      return;
  }
  const Parsed<udp::Datagram> udp = udp::Datagram::parse(datagram.payload);
  if (!udp) return;
  words.kind = Kind::udp;
  words.from.port = udp->source_port;
  words.to.port = udp->destination_port;
  words.text = fmt::format("UDP, {} octets", udp->payload.length);
  if (words.from.port == dns_port || words.to.port == dns_port) put_dns(udp->payload, words);
}

}  // namespace

PacketWords words_of(const Packet& packet) {
  PacketWords words;
  words.packet = packet.ref;
  words.time = packet.time;
  Parsed<link::Frame> frame = link::dissect(packet);
  for (int depth = 0; frame; ++depth) {
    if (frame->network != link::Network::ipv4 && frame->network != link::Network::ipv6) {
      if (depth == 0) words.text = link::network_name(frame->network, frame->code);
      if (frame->network == link::Network::arp) put_arp(frame->payload, words);
      break;
    }
    Parsed<ip::Datagram> datagram = ip::parse(frame->payload);
    if (!datagram) break;
    // Through tunnels of IP in IP, down to a frame or to what no tunnel is.
    Parsed<link::Frame> inner{Flaw::tunnel_header};
    for (; depth < tunnel::max_depth && !datagram->is_fragment(); ++depth) {
      if (!tunnel::may_be_tunnel(*datagram)) break;
      const auto opened = tunnel::open(*datagram, words.tunnel);
      if (!opened || !opened->has_value()) break;
      const tunnel::Carried carried = **opened;
      words.tunnel = carried.context.id();
      if (carried.is_frame) {
        inner = link::dissect_ethernet(carried.payload);
        break;
      }
      const Parsed<ip::Datagram> inside = ip::parse(carried.payload);
      if (!inside) break;
      datagram = inside;
    }
    put_datagram(*datagram, words);
    frame = inner;
  }
  if (words.text.empty() && words.kind != Kind::tcp) words.text = "cannot be read";
  return words;
}

std::int32_t octets_between(std::uint32_t from, std::uint32_t to) {
  return tcp::newer_by(to, from);
}

}  // namespace wirefault
