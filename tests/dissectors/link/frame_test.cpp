#include "dissectors/link/frame.h"

#include "dissectors/link/arp.h"
#include "tests/support/catch.h"
#include "tests/support/octets.h"

using namespace wirefault;
using link::Network;
using test::hex;
using test::Octets;
using test::packet;

namespace {

const Octets addresses = hex("02005e005302 02005e005301");
// Looks like the start of an IPv4 datagram: all that the link layer looks at.
const Octets ip = hex("4500001c 00000000");

Parsed<link::Frame> dissect(const Octets& bytes, LinkType type = LinkType::ethernet) {
  return link::dissect(packet(bytes, type));
}

}  // namespace

TEST_CASE("every link type leads to the network layer", "[dissectors]") {
  struct Row {
    const char* what;
    LinkType type;
    Octets header;
  };
  const std::vector<Row> rows{
      {"Ethernet II", LinkType::ethernet, addresses + hex("0800")},
      {"LLC and SNAP", LinkType::ethernet, addresses + hex("0010 aaaa03 000000 0800")},
      {"LLC without SNAP", LinkType::ethernet, addresses + hex("000b 060603")},
      {"one tag", LinkType::ethernet, addresses + hex("8100 e007 0800")},
      {"QinQ", LinkType::ethernet, addresses + hex("88a8 0064 8100 0007 0800")},
      {"old QinQ", LinkType::ethernet, addresses + hex("9100 0064 8100 0007 0800")},
      {"MPLS", LinkType::ethernet, addresses + hex("8847 00010040 00011140")},
      {"MPLS, IP by its first nibble", LinkType::ethernet, addresses + hex("8847 00010140")},
      {"PPPoE", LinkType::ethernet, addresses + hex("8864 1100 0001 000a 0021")},
      {"cooked", LinkType::linux_sll, hex("0000 0001 0006 02005e0053010000 0800")},
      {"cooked, VLAN left in place", LinkType::linux_sll,
       hex("0000 0001 0006 02005e0053010000 8100 0007 0800")},
      {"cooked 2", LinkType::linux_sll2, hex("0800 0000 00000002 0001 00 06 02005e0053010000")},
      {"raw", LinkType::raw, {}},
      {"raw of the BSDs", LinkType::raw_bsd, {}},
      {"raw of OpenBSD", LinkType::raw_openbsd, {}},
      {"null, little-endian", LinkType::null, hex("02000000")},
      {"null, big-endian", LinkType::null, hex("00000002")},
      {"loopback", LinkType::loop, hex("00000002")},
      {"PPP", LinkType::ppp, hex("0021")},
      {"PPP, protocol compressed", LinkType::ppp, hex("21")},
      {"PPP in HDLC framing", LinkType::ppp_hdlc, hex("ff030021")},
      {"Cisco HDLC by the link type of PPP", LinkType::ppp_hdlc, hex("0f000800")},
      {"Cisco HDLC", LinkType::c_hdlc, hex("0f000800")},
      {"MPLS in PPP", LinkType::ppp, hex("0281 00010140")},
      {"PPP with a direction", LinkType::ppp_with_direction, hex("01 ff030021")},
      {"NFLOG", LinkType::nflog, hex("02000001 0500 0a00 41000000 0c00 0900")},
      {"802.11", LinkType::ieee802_11,
       hex("0802 2c00 02005e005302 02005e0053ff 02005e005301 1000 aaaa030000000800")},
      {"802.11 with QoS, to the access point", LinkType::ieee802_11,
       hex("8801 2c00 02005e0053ff 02005e005301 02005e005302 1000 0000 aaaa030000000800")},
      {"radiotap", LinkType::ieee802_11_radiotap,
       hex("0000 0800 00000000") +
           hex("0802 2c00 02005e005302 02005e0053ff 02005e005301 1000 aaaa030000000800")},
      {"PPI before 802.11", LinkType::ppi,
       hex("0000 0c00 69000000 02000000") +
           hex("0802 2c00 02005e005302 02005e0053ff 02005e005301 1000 aaaa030000000800")},
      {"PPI before Ethernet", LinkType::ppi, hex("0000 0800 01000000") + addresses + hex("0800")},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const Octets bytes = row.header + ip;
    const auto frame = dissect(bytes, row.type);
    REQUIRE(frame);
    CHECK(frame->network == Network::ipv4);
    CHECK(frame->payload.length == ip.size());
    CHECK(Octets(frame->payload.bytes.begin(), frame->payload.bytes.end()) == ip);

    // One byte less of the header: ours to lose, or theirs to get wrong.
    if (row.header.empty()) continue;
    const test::Exact start{Bytes{bytes}.first(row.header.size() - 1)};
    const Packet cut = packet(start, row.type, static_cast<std::uint32_t>(bytes.size()));
    CHECK(link::dissect(cut).flaw() == Flaw::cut_short);
    CHECK(link::dissect(packet(start, row.type)).flaw() == Flaw::eth_short);
  }
}

TEST_CASE("Ethernet in MPLS is told by an EtherType behind the control word", "[dissectors]") {
  const Octets labels = addresses + hex("8847 00010140 00000000");
  const auto frame = dissect(labels + hex("02005e005304 02005e005303 0800") + ip);
  REQUIRE(frame);
  CHECK(frame->network == Network::ipv4);
  CHECK(frame->source.to_string() == "02:00:5e:00:53:03");
  CHECK(dissect(labels + hex("02005e005304 02005e005303 1234") + ip)->network == Network::mpls);
}

TEST_CASE("a frame says who sent it and in which VLANs", "[dissectors]") {
  const auto frame = dissect(addresses + hex("88a8 0064 8100 e007 86dd 60"));
  REQUIRE(frame);
  CHECK(frame->network == Network::ipv6);
  CHECK(frame->destination.to_string() == "02:00:5e:00:53:02");
  CHECK(frame->source.to_string() == "02:00:5e:00:53:01");
  REQUIRE(frame->vlan_count == 2);
  CHECK(frame->vlans[0] == 100);
  CHECK(frame->vlans[1] == 7);  // without the priority bits
}

TEST_CASE("four VLAN tags are read, a fifth is too many", "[dissectors]") {
  const Octets tag = hex("8100 0001");
  CHECK(dissect(addresses + tag + tag + tag + tag + hex("0800") + ip));
  CHECK(dissect(addresses + tag + tag + tag + tag + tag + hex("0800") + ip).flaw() ==
        Flaw::vlan_depth);
}

TEST_CASE("cooked captures say the direction", "[dissectors]") {
  const auto out = dissect(hex("0004 0001 0006 02005e0053010000 0800") + ip, LinkType::linux_sll);
  REQUIRE(out);
  CHECK(out->is_cooked);
  CHECK(out->cooked_packet_type == 4);
  CHECK(out->direction == Direction::outbound);
  CHECK(out->has_source);
  CHECK_FALSE(out->has_destination);
  const auto in =
      dissect(hex("86dd 0000 00000002 0001 00 06 02005e0053010000 60"), LinkType::linux_sll2);
  REQUIRE(in);
  CHECK(in->direction == Direction::inbound);
  CHECK(in->cooked_interface == 2);
  CHECK(in->network == Network::ipv6);
}

TEST_CASE("PPP frames may say their direction", "[dissectors]") {
  const auto type = LinkType::ppp_with_direction;
  CHECK(dissect(hex("00 ff030021") + ip, type)->direction == Direction::inbound);
  CHECK(dissect(hex("01 ff030021") + ip, type)->direction == Direction::outbound);
}

TEST_CASE("a PPI header around another, or around nothing known, is named", "[dissectors]") {
  for (const char* inside : {"c0000000", "01000100"}) {
    const auto frame = dissect(hex("0000 0800") + hex(inside) + ip, LinkType::ppi);
    REQUIRE(frame);
    CHECK(frame->network == Network::link_type);
    CHECK(frame->code == 192);
  }
}

TEST_CASE("802.11 addresses stand where the frame's direction puts them", "[dissectors]") {
  const auto source_of = [](const char* flags) {
    const auto frame = dissect(hex("08") + hex(flags) +
                                   hex("0000 02005e005301 02005e005302 02005e005303 1000 "
                                       "02005e005304 aaaa030000000800") +
                                   ip,
                               LinkType::ieee802_11);
    return frame ? frame->destination.to_string().substr(15) + frame->source.to_string().substr(15)
                 : "";
  };
  CHECK(source_of("01") == "0302");  // to the access point
  CHECK(source_of("02") == "0103");  // from it
  CHECK(source_of("03") == "0304");  // between two
}

TEST_CASE("what we do not read is named, not guessed", "[dissectors]") {
  const auto name = [](const Octets& bytes, LinkType type = LinkType::ethernet) {
    const auto frame = dissect(bytes, type);
    return frame ? link::network_name(frame->network, frame->code) : "flaw";
  };
  CHECK(name(addresses + hex("88cc 0207")) == "LLDP (EtherType 0x88cc)");
  CHECK(name(addresses + hex("9999 0207")) == "EtherType 0x9999");
  CHECK(name(addresses + hex("0026 424203 0000")) == "STP (LLC 0x4242)");
  CHECK(name(addresses + hex("8864 1100 0001 0004 c021 0101")) == "PPP protocol 0xc021");
  CHECK(name(addresses + hex("8847 00010140 00")) == "MPLS payload");
  CHECK(name(hex("1e00 0000"), LinkType{999}) == "link type 999");
  CHECK(name(hex("07000000 00"), LinkType::null) == "address family 7");
  CHECK(name(hex("8000 0000"), LinkType::ieee802_11) == "802.11 management");
  CHECK(name(hex("0842 0000"), LinkType::ieee802_11) == "encrypted 802.11 data");
}

TEST_CASE("nested encapsulations come to an end", "[dissectors]") {
  // Ethernet in MPLS in Ethernet in MPLS ...: the second is named, not entered.
  Octets bytes;
  for (int i = 0; i < 100; ++i) bytes = bytes + addresses + hex("8847 00010140 00000000");
  CHECK(dissect(bytes + ip)->network == Network::mpls);
  bytes = addresses + hex("8847");
  for (int i = 0; i < 5; ++i) bytes = bytes + hex("00010040");
  CHECK(dissect(bytes + ip)->network == Network::ether_type);
}

TEST_CASE("padding of 802.3 frames is not payload", "[dissectors]") {
  const auto frame = dissect(addresses + hex("0010 aaaa03 000000 0800") + ip + test::zeros(30));
  REQUIRE(frame);
  CHECK(frame->payload.length == ip.size());
  CHECK(frame->payload.bytes.size() == ip.size());
}

TEST_CASE("ARP is read whole or not at all", "[dissectors]") {
  const Octets who_has = hex("0001 0800 06 04 0001 02005e005301 c0000201 000000000000 c0000235");
  const auto arp = link::Arp::parse(test::whole(who_has));
  REQUIRE(arp);
  CHECK(arp->operation == link::Arp::request);
  CHECK(arp->sender_mac.to_string() == "02:00:5e:00:53:01");
  CHECK(arp->sender_ip.to_string() == "192.0.2.1");
  CHECK(arp->target_ip.to_string() == "192.0.2.53");
  CHECK_FALSE(arp->is_probe());
  CHECK_FALSE(arp->is_announcement());

  Octets probe = who_has;
  std::fill_n(probe.begin() + 14, 4, std::uint8_t{0});
  CHECK(link::Arp::parse(test::whole(probe))->is_probe());
  Octets announcement = who_has;
  std::copy_n(who_has.begin() + 14, 4, announcement.begin() + 24);
  CHECK(link::Arp::parse(test::whole(announcement))->is_announcement());
  Octets of_infiniband = who_has;
  of_infiniband[4] = 20;
  CHECK(link::Arp::parse(test::whole(of_infiniband)).flaw() == Flaw::arp_size);
  const test::Exact short_one{Bytes{who_has}.first(27)};
  CHECK(link::Arp::parse({short_one, 27}).flaw() == Flaw::arp_size);
  CHECK(link::Arp::parse({short_one, 28}).flaw() == Flaw::cut_short);
}
