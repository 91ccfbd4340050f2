// Every view there is, over one packet: what the fuzzer and the tests of cut packets run.
#pragma once

#include "dissectors/dns/message.h"
#include "dissectors/icmp/message.h"
#include "dissectors/ip/datagram.h"
#include "dissectors/link/arp.h"
#include "dissectors/link/frame.h"
#include "dissectors/packet_words.h"
#include "dissectors/tcp/segment.h"
#include "dissectors/tunnel/tunnel.h"
#include "dissectors/udp/datagram.h"

namespace wirefault::test {

// What was found, added up, so that no reading is optimised away.
struct Everything {
  std::size_t datagrams = 0;
  std::size_t names = 0;
  std::size_t octets = 0;
  Flaw flaw = Flaw::none;  // the last

  void read(Bytes bytes) {
    for (const std::uint8_t octet : bytes) octets += octet;
  }
  void read(const dns::Name& name) {
    ++names;
    octets += name.to_string().size() + static_cast<std::size_t>(name.label_count());
    octets += (name == name.parent() ? 1u : 0u) + (name.is_subdomain_of(name.suffix(2)) ? 1u : 0u);
  }
  template <class T>
  bool note(const Parsed<T>& parsed) {
    if (!parsed) flaw = parsed.flaw();
    return static_cast<bool>(parsed);
  }

  void dns_rdata(dns::Records& records) {
    using dns::Type;
    const dns::Record& record = records.record();
    read(record.data);
    switch (record.type) {
      case Type::a:
      case Type::aaaa:
        if (const auto address = records.address()) octets += address->to_string().size();
        break;
      case Type::cname:
      case Type::dname:
      case Type::ns:
      case Type::ptr:
        if (const auto target = records.target(); note(target)) read(*target);
        break;
      case Type::mx:
        if (const auto mx = records.mx(); note(mx)) read(mx->exchange);
        break;
      case Type::srv:
        if (const auto srv = records.srv(); note(srv)) read(srv->target);
        break;
      case Type::soa:
        if (const auto soa = records.soa(); note(soa)) {
          read(soa->primary);
          read(soa->mailbox);
        }
        break;
      case Type::svcb:
      case Type::https:
        if (const auto binding = records.service_binding(); note(binding)) {
          read(binding->target);
          read(binding->ipv4_hints);
          read(binding->ipv6_hints);
        }
        break;
      case Type::rrsig:
        if (const auto rrsig = records.rrsig(); note(rrsig)) read(rrsig->signer);
        break;
      case Type::nsec:
        if (const auto next = records.next_secure(); note(next)) read(*next);
        break;
      case Type::ds:
        if (const auto ds = records.ds(); note(ds)) read(ds->digest);
        break;
      case Type::dnskey:
        if (const auto key = records.dnskey(); note(key)) read(key->key);
        break;
      case Type::caa:
        if (const auto caa = records.caa(); note(caa)) {
          read(caa->tag);
          read(caa->value);
        }
        break;
      default:
        break;
    }
  }

  void dns_message(const Payload& payload) {
    const auto message = dns::Message::parse(payload);
    if (!note(message)) return;
    if (const auto question = message->question(); note(question)) {
      read(question->name);
      octets += dns::type_name(question->type).size();
    }
    octets += dns::rcode_name(message->rcode()).size() + dns::opcode_name(message->opcode()).size();
    if (const auto edns = message->edns(); note(edns) && edns->has_value()) {
      const dns::Edns& options = **edns;
      for (const auto& option :
           {options.server_id, options.client_subnet, options.cookie, options.tcp_keepalive})
        if (option) read(*option);
      for (std::size_t i = 0; i < options.extended_error_count; ++i) {
        octets += dns::extended_error_name(options.extended_errors[i].code).size();
        read(options.extended_errors[i].text);
      }
    }
    dns::Records records{*message};
    while (records.next()) {
      read(records.record().owner);
      dns_rdata(records);
    }
    if (records.flaw() != Flaw::none) flaw = records.flaw();
  }

  void icmp_message(const ip::Datagram& datagram) {
    const auto message = icmp::Message::parse(datagram.payload, datagram.is_v6());
    if (!note(message)) return;
    octets += message->mtu() + message->gateway().bytes().size() + message->echo_id();
    if (!message->is_error()) return;
    const auto quote = message->quote();
    if (!note(quote)) return;
    read(quote->datagram.raw);
    read(quote->udp_payload.bytes);
    dns_message(quote->udp_payload);
  }

  void transport(const ip::Datagram& datagram) {
    switch (datagram.protocol) {
      case ip::protocol::udp:
        if (const auto udp = udp::Datagram::parse(datagram.payload); note(udp)) {
          read(udp->payload.bytes);
          if (udp->source_port == 53 || udp->destination_port == 53) dns_message(udp->payload);
        }
        break;
      case ip::protocol::tcp:
        if (const auto tcp = tcp::Segment::parse(datagram.payload); note(tcp)) {
          read(tcp->payload.bytes);
          octets += tcp->sequence_length() + tcp->options.sack_count;
          if (tcp->payload.bytes.size() > 2) dns_message(tcp->payload.after(2));
        }
        break;
      case ip::protocol::icmp:
      case ip::protocol::icmpv6:
        icmp_message(datagram);
        break;
      default:
        break;
    }
  }

  // Follows tunnels as deep as callers do.
  void network(Payload payload) {
    std::uint64_t tunnel_id = 0;
    for (int depth = 0; depth <= tunnel::max_depth; ++depth) {
      const auto datagram = ip::parse(payload);
      if (!note(datagram)) return;
      ++datagrams;
      read(datagram->raw);
      octets += ip::checksum(datagram->raw);
      if (datagram->is_fragment()) {
        if (datagram->fragment_offset != 0) return;
        const auto first = ip::after_reassembly(*datagram, datagram->payload);
        if (note(first) && first->protocol == ip::protocol::udp)
          (void)note(udp::Datagram::parse_first_fragment(first->payload));
        return;
      }
      transport(*datagram);
      const auto opened = tunnel::open(*datagram, tunnel_id);
      if (!note(opened) || !opened->has_value()) return;
      const tunnel::Carried& carried = **opened;
      tunnel_id = carried.context.id();
      octets += carried.context.to_string().size();
      payload = carried.payload;
      if (carried.is_frame) {
        const auto frame = link::dissect_ethernet(carried.payload);
        if (!note(frame)) return;
        if (frame->network != link::Network::ipv4 && frame->network != link::Network::ipv6) return;
        payload = frame->payload;
      }
    }
  }

  void packet(const Packet& packet) {
    octets += words_of(packet).text.size();
    const auto frame = link::dissect(packet);
    if (!note(frame)) return;
    read(frame->payload.bytes);
    octets += link::network_name(frame->network, frame->code).size();
    switch (frame->network) {
      case link::Network::ipv4:
      case link::Network::ipv6:
        network(frame->payload);
        break;
      case link::Network::arp:
        if (const auto arp = link::Arp::parse(frame->payload); note(arp))
          octets += arp->sender_mac.to_string().size() + arp->target_ip.bytes().size();
        break;
      default:
        break;
    }
  }
};

}  // namespace wirefault::test
