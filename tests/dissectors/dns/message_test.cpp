#include "dissectors/dns/message.h"

#include <string>

#include "dissectors/dns/addresses.h"
#include "tests/support/catch.h"
#include "tests/support/dissect_everything.h"
#include "tests/support/octets.h"

using namespace wirefault;
using dns::Type;
using test::hex;
using test::Octets;
using test::whole;

namespace {

const Octets example_com = hex("076578616d706c65 03636f6d 00");

Octets number(std::size_t value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value & 0xff)};
}
// Flags and the four counts.
Octets header(const char* flags, std::size_t questions, std::size_t answers = 0,
              std::size_t authority = 0, std::size_t additional = 0) {
  return hex("4242") + hex(flags) + number(questions) + number(answers) + number(authority) +
         number(additional);
}
Octets question() {
  return example_com + hex("0001 0001");
}
// A record of example.com, by pointer to the question.
Octets record(std::size_t type, const Octets& data, const char* ttl = "0000012c",
              const char* klass = "0001") {
  return hex("c00c") + number(type) + hex(klass) + hex(ttl) + number(data.size()) + data;
}
Octets response(const Octets& records, std::size_t count = 1) {
  return header("8180", 1, count) + question() + records;
}
Octets opt(const Octets& options, const char* size = "04d0", const char* ttl = "00008000") {
  return hex("00 0029") + hex(size) + hex(ttl) + number(options.size()) + options;
}

dns::Records first_record(const dns::Message& message) {
  dns::Records records{message};
  REQUIRE(records.next());
  return records;
}

// Bytes kept beside the view of them.
struct Held {
  explicit Held(Octets octets)
      : bytes{std::move(octets)}, message{dns::Message::parse(whole(bytes))} {
    REQUIRE(message);
  }
  Octets bytes;
  Parsed<dns::Message> message;
};

}  // namespace

TEST_CASE("the header and the question of a message", "[dissectors]") {
  const Held held{header("8583", 1, 0, 0, 0) + question()};
  const dns::Message& message = *held.message;
  CHECK(message.id() == 0x4242);
  CHECK(message.is_response());
  CHECK(message.opcode() == dns::Opcode::query);
  CHECK(message.authoritative());
  CHECK_FALSE(message.truncated());
  CHECK(message.recursion_desired());
  CHECK(message.recursion_available());
  CHECK_FALSE(message.authentic_data());
  CHECK_FALSE(message.checking_disabled());
  CHECK(message.rcode() == dns::Rcode::nxdomain);
  const auto asked = message.question();
  REQUIRE(asked);
  CHECK(asked->name.to_string() == "example.com.");
  CHECK(asked->type == Type::a);
  CHECK(asked->klass == dns::class_in);
  CHECK(Held{header("0230", 0)}.message->truncated());
  CHECK(Held{header("0030", 0)}.message->authentic_data());
  CHECK(Held{header("0030", 0)}.message->checking_disabled());
  CHECK(Held{header("8005", 0)}.message->question().flaw() == Flaw::dns_count);
}

TEST_CASE("what cannot be DNS on port 53 is told by its header", "[dissectors]") {
  const auto flaw = [](const Octets& bytes) { return dns::Message::parse(whole(bytes)).flaw(); };
  CHECK(flaw(test::zeros(11)) == Flaw::dns_short);
  CHECK(flaw(test::zeros(12)) == Flaw::none);
  CHECK(flaw(header("3000", 0)) == Flaw::none);       // opcode 6
  CHECK(flaw(header("3800", 0)) == Flaw::dns_count);  // opcode 7
  CHECK(flaw(header("0100", 8) + test::zeros(40)) == Flaw::none);
  CHECK(flaw(header("0100", 9) + test::zeros(45)) == Flaw::dns_count);
  CHECK(flaw(header("0100", 1) + test::zeros(4)) == Flaw::dns_count);
  CHECK(flaw(header("8180", 0, 1, 1, 1) + test::zeros(33)) == Flaw::none);
  CHECK(flaw(header("8180", 0, 1, 1, 1) + test::zeros(32)) == Flaw::dns_count);
  // Truncated responses may count what they left out.
  CHECK(flaw(header("8380", 1, 40) + question()) == Flaw::none);
  // Our snap length is no reason to doubt the counts.
  const Octets cut = header("8180", 0, 3, 0, 0);
  CHECK(dns::Message::parse({cut, 45}).flaw() == Flaw::none);
  CHECK(dns::Message::parse({Bytes{cut}.first(11), 45}).flaw() == Flaw::cut_short);
}

TEST_CASE("records of each type we read", "[dissectors]") {
  const auto records_of = [](std::size_t type, const char* data) {
    return Held{response(record(type, hex(data)))};
  };
  SECTION("A") {
    const Held held = records_of(1, "c6336407");
    CHECK(first_record(*held.message).address()->to_string() == "198.51.100.7");
    CHECK(first_record(*held.message).record().ttl == 300);
    CHECK(first_record(*held.message).record().owner.to_string() == "example.com.");
  }
  SECTION("A of the wrong length") {
    CHECK_FALSE(first_record(*records_of(1, "c63364").message).address());
    CHECK_FALSE(first_record(*records_of(28, "c6336407").message).address());
  }
  SECTION("AAAA") {
    const Held held = records_of(28, "20010db8000000000000000000000001");
    CHECK(first_record(*held.message).address()->to_string() == "2001:db8::1");
  }
  SECTION("CNAME, NS, PTR, DNAME") {
    for (const std::size_t type : {5u, 2u, 12u, 39u}) {
      const Held held = records_of(type, "0177 c00c");
      CHECK(first_record(*held.message).target()->to_string() == "w.example.com.");
    }
  }
  SECTION("MX") {
    const Held held = records_of(15, "000a 0177 c00c");
    CHECK(first_record(*held.message).mx()->preference == 10);
    CHECK(first_record(*held.message).mx()->exchange.to_string() == "w.example.com.");
  }
  SECTION("SRV") {
    const Held held = records_of(33, "0001 0002 0050 0177 c00c");
    const auto srv = first_record(*held.message).srv();
    CHECK(srv->priority == 1);
    CHECK(srv->weight == 2);
    CHECK(srv->port == 80);
    CHECK(srv->target.to_string() == "w.example.com.");
  }
  SECTION("SOA") {
    const Held held =
        records_of(6, "026e73 c00c 0561646d696e c00c 00000001 00000002 00000003 00000004 00000384");
    const auto soa = first_record(*held.message).soa();
    REQUIRE(soa);
    CHECK(soa->primary.to_string() == "ns.example.com.");
    CHECK(soa->mailbox.to_string() == "admin.example.com.");
    CHECK(soa->serial == 1);
    CHECK(soa->minimum == 900);
  }
  SECTION("HTTPS") {
    const Held held =
        records_of(65,
                   "0001 03737663 00 0001 0003 026832 0003 0002 01bb 0004 0004 c6336401 "
                   "0006 0010 20010db8000000000000000000000001");
    const auto binding = first_record(*held.message).service_binding();
    REQUIRE(binding);
    CHECK(binding->priority == 1);
    CHECK(binding->target.to_string() == "svc.");
    CHECK(binding->port == std::uint16_t{443});
    CHECK(binding->ipv4_hints.size() == 4);
    CHECK(binding->ipv6_hints.size() == 16);
  }
  SECTION("DS") {
    const Held held = records_of(43, "3039 0d 02 aabb");
    CHECK(first_record(*held.message).ds()->key_tag == 12345);
    CHECK(first_record(*held.message).ds()->digest.size() == 2);
  }
  SECTION("RRSIG") {
    const Held held = records_of(46, "0001 0d 02 0000012c 65000000 64000000 3039 03636f6d00 abcd");
    const auto rrsig = first_record(*held.message).rrsig();
    REQUIRE(rrsig);
    CHECK(rrsig->covered == Type::a);
    CHECK(rrsig->expiration == 0x65000000);
    CHECK(rrsig->inception == 0x64000000);
    CHECK(rrsig->key_tag == 12345);
    CHECK(rrsig->signer.to_string() == "com.");
  }
  SECTION("DNSKEY") {
    const Held held = records_of(48, "0101 03 0d abcdef");
    CHECK(first_record(*held.message).dnskey()->flags == 257);
    CHECK(first_record(*held.message).dnskey()->key.size() == 3);
  }
  SECTION("NSEC") {
    const Held held = records_of(47, "0177 c00c 0001 40");
    CHECK(first_record(*held.message).next_secure()->to_string() == "w.example.com.");
  }
  SECTION("CAA") {
    const Held held = records_of(257, "00 05 6973737565 6361");
    const Bytes tag = first_record(*held.message).caa()->tag;
    CHECK(std::string(tag.begin(), tag.end()) == "issue");
    CHECK(first_record(*held.message).caa()->value.size() == 2);
  }
  SECTION("anything else is bytes") {
    const Held held = records_of(65280, "010203");
    CHECK(first_record(*held.message).record().data.size() == 3);
    CHECK(dns::type_name(first_record(*held.message).record().type) == "TYPE65280");
  }
}

TEST_CASE("the addresses that a response gives together", "[dissectors]") {
  const Octets alias = record(5, hex("0177 c00c"));
  const Octets first = record(1, hex("c6336407"));
  const Octets second = record(1, hex("c6336408"));
  const auto addresses = [](const Octets& message) {
    std::vector<std::string> texts;
    const Held held{message};
    const dns::AddressSet set = dns::addresses_of(*held.message);
    for (const IpAddress& address : set.all()) {
      texts.push_back(address.to_string());
    }
    return texts;
  };
  CHECK(addresses(response(alias + first + second, 3)) ==
        std::vector<std::string>{"198.51.100.7", "198.51.100.8"});
  SECTION("are those of the answer section") {
    const Octets glued = header("8180", 1, 1, 0, 1) + question() + first + second;
    CHECK(addresses(glued) == std::vector<std::string>{"198.51.100.7"});
  }
  SECTION("are the first eight of many") {
    Octets many;
    for (int i = 0; i < 12; ++i) many = many + first;
    CHECK(addresses(response(many, 12)).size() == 8);
  }
}

TEST_CASE("records come in order, each in its section", "[dissectors]") {
  const Held held{header("8180", 1, 2, 1, 1) + question() + record(1, hex("c6336401")) +
                  record(1, hex("c6336402")) + record(2, hex("c00c")) + opt({})};
  dns::Records records{*held.message};
  std::string seen;
  while (records.next())
    seen += dns::type_name(records.record().type) +
            std::to_string(static_cast<int>(records.record().section)) + ' ';
  CHECK(seen == "A0 A0 NS1 OPT2 ");
  CHECK(records.flaw() == Flaw::none);
  CHECK_FALSE(records.next());
}

TEST_CASE("a TTL with its top bit set is zero", "[dissectors]") {
  CHECK(
      first_record(*Held{response(record(1, hex("c6336401"), "80000001"))}.message).record().ttl ==
      0);
  CHECK(
      first_record(*Held{response(record(1, hex("c6336401"), "7fffffff"))}.message).record().ttl ==
      0x7fffffff);
}

TEST_CASE("EDNS", "[dissectors]") {
  const auto edns_of = [](const Octets& options, const char* size, const char* ttl) {
    static Octets bytes;
    bytes = header("8182", 1, 0, 0, 1) + question() + opt(options, size, ttl);
    const auto message = dns::Message::parse(whole(bytes));
    const auto edns = message->edns();
    REQUIRE(edns);
    REQUIRE(edns->has_value());
    return **edns;
  };
  CHECK_FALSE(Held{header("0100", 1) + question()}.message->edns()->has_value());
  const dns::Edns plain = edns_of({}, "04d0", "00008000");
  CHECK(plain.udp_payload_size == 1232);
  CHECK(plain.version == 0);
  CHECK(plain.dnssec_ok);
  CHECK(edns_of({}, "0100", "00000000").udp_payload_size == 512);
  CHECK(edns_of({}, "0200", "00000000").udp_payload_size == 512);
  CHECK(edns_of({}, "0201", "00000000").udp_payload_size == 513);
  CHECK_FALSE(edns_of({}, "0201", "00000000").dnssec_ok);
  CHECK(edns_of({}, "04d0", "00010000").version == 1);

  const Held extended{header("8187", 1, 0, 0, 1) + question() + opt({}, "04d0", "01000000")};
  CHECK(dns::rcode_name(extended.message->full_rcode(*extended.message->edns())) == "BADCOOKIE");

  const dns::Edns all =
      edns_of(hex("0003 0002 6e73  0008 0007 00011800c63364  000a 0008 0102030405060708"
                  " 000b 0002 0064  000c 0003 000000  fde9 0001 00"
                  " 000f 0007 0003 7374616c65  000f 0002 0016"),
              "04d0", "00000000");
  CHECK(all.server_id->size() == 2);
  CHECK(all.client_subnet->size() == 7);
  CHECK(all.cookie->size() == 8);
  CHECK(all.tcp_keepalive->size() == 2);
  CHECK(all.padding == std::uint16_t{3});
  REQUIRE(all.extended_error_count == 2);
  CHECK(dns::extended_error_name(all.extended_errors[0].code) == "Stale Answer");
  CHECK(all.extended_errors[0].text.size() == 5);
  CHECK(dns::extended_error_name(all.extended_errors[1].code) == "No Reachable Authority");
  CHECK_FALSE(all.is_malformed);

  CHECK(edns_of(hex("000a 0008 0102"), "04d0", "00000000").is_malformed);
  CHECK(edns_of(hex("000a 00"), "04d0", "00000000").is_malformed);
  CHECK(edns_of(hex("000f 0001 00"), "04d0", "00000000").is_malformed);
  CHECK(edns_of(hex("0003 0000 000a 00ff"), "04d0", "00000000").server_id);

  const Held twice{header("8180", 1, 0, 0, 2) + question() + opt({}) + opt({})};
  CHECK(twice.message->edns().flaw() == Flaw::dns_opt_multiple);
  // An OPT elsewhere than in the additional section, or of a name, is none.
  CHECK_FALSE(Held{response(opt({}))}.message->edns()->has_value());
  const Held named{header("8180", 1, 0, 0, 1) + question() + record(41, {})};
  CHECK_FALSE(named.message->edns()->has_value());
}

TEST_CASE("EDNS options that our capture cut are not malformed", "[dissectors]") {
  const Octets bytes = header("0100", 1, 0, 0, 1) + question() +
                       opt(hex("0003 0002 6e73 000a 0008 0102030405060708"));
  const auto length = static_cast<std::uint32_t>(bytes.size());
  const auto message = dns::Message::parse({Bytes{bytes}.first(bytes.size() - 4), length});
  const auto edns = message->edns();
  REQUIRE(edns);
  REQUIRE(edns->has_value());
  CHECK((*edns)->is_cut);
  CHECK_FALSE((*edns)->is_malformed);
  CHECK((*edns)->server_id);
  const auto without = dns::Message::parse({Bytes{bytes}.first(39), length});
  CHECK(without->edns().flaw() == Flaw::cut_short);
}

// RFC 9267, sections 4 to 6: lengths and counts that the sender made up.
TEST_CASE("RDATA ends where its length says", "[dissectors]") {
  const auto flaw_of_name = [](const char* data) {
    const Held held{response(record(5, hex(data)) + record(1, hex("c6336401")), 2)};
    return first_record(*held.message).target().flaw();
  };
  CHECK(flaw_of_name("0177 c00c") == Flaw::none);
  CHECK(flaw_of_name("0177 c0") == Flaw::dns_rdlength);  // runs on into the next record
  CHECK(flaw_of_name("0577 77") == Flaw::dns_rdlength);
  CHECK(flaw_of_name("0177 c00c 00") == Flaw::dns_rdlength);  // leaves something over
  CHECK(flaw_of_name("") == Flaw::dns_rdlength);
  // The length of the last record: right, one more than there is, far more.
  for (const std::size_t length : {4u, 5u, 0xffffu}) {
    Octets bytes = response(record(1, hex("c6336401")));
    const Octets claimed = number(length);
    std::copy(claimed.begin(), claimed.end(), bytes.end() - 6);
    const Held held{bytes};
    dns::Records records{*held.message};
    CHECK(records.next() == (length == 4));
    CHECK(records.flaw() == (length == 4 ? Flaw::none : Flaw::dns_rdlength));
  }
  const auto flaw_of = [](std::size_t type, const Octets& data) {
    const Held held{response(record(type, data))};
    test::Everything everything;
    everything.dns_message(whole(held.bytes));
    return everything.flaw;
  };
  for (const std::size_t type : {15u, 33u, 6u, 65u, 46u, 43u, 48u, 257u}) {
    INFO(type);
    CHECK(flaw_of(type, {}) == Flaw::dns_rdlength);
    CHECK(flaw_of(type, hex("00")) == Flaw::dns_rdlength);
  }
  CHECK(flaw_of(257, hex("00 05 69")) == Flaw::dns_rdlength);  // the tag's own length
  CHECK(flaw_of(65, hex("0001 00 0004 0008 c6336401")) == Flaw::dns_rdlength);
  CHECK(flaw_of(6, hex("00 00 00000001")) == Flaw::dns_rdlength);
}

TEST_CASE("counts beyond the records end the reading, with what was there kept", "[dissectors]") {
  const Held held{header("8180", 1, 2) + question() + record(1, hex("c6336401")) +
                  hex("c00c 0001")};
  dns::Records records{*held.message};
  CHECK(records.next());
  CHECK_FALSE(records.next());
  CHECK(records.flaw() == Flaw::dns_short);
  CHECK(held.message->edns().flaw() == Flaw::none);  // none is counted in the additional section
}

TEST_CASE("a record that our capture cut is not malformed", "[dissectors]") {
  const Octets bytes = response(record(1, hex("c6336401")) + record(5, hex("0177 c00c")), 2);
  const auto length = static_cast<std::uint32_t>(bytes.size());
  for (std::size_t size = 12; size < bytes.size(); ++size) {
    const test::Exact exact{Bytes{bytes}.first(size)};
    test::Everything everything;
    everything.dns_message({exact, length});
    CHECK(everything.flaw == Flaw::cut_short);
  }
}

// Every owner name is a pointer to the end of a chain of 127 labels, and there are as many as fit
// in 64 KiB: some 700,000 labels, were it not for the budget.
TEST_CASE("the worst message of 64 KiB stays within the budget of one message", "[dissectors]") {
  Octets bytes = header("8180", 0, 5000);
  Octets chain;
  for (int i = 0; i < 126; ++i) chain = chain + hex("0161");
  const Octets first = chain + hex("00 0001 0001 00000000 0000");
  bytes = bytes + first;
  while (bytes.size() + 12 <= 65535) bytes = bytes + hex("c00c 0001 0001 00000000 0000");
  const Held held{bytes};
  dns::Records records{*held.message};
  std::size_t read = 0;
  while (records.next()) ++read;
  CHECK(records.flaw() == Flaw::dns_budget);
  CHECK(read * 127 <= dns::Budget{}.steps);
  CHECK(read > 500);  // a real zone transfer of short names fits
}

TEST_CASE("codes have names", "[dissectors]") {
  CHECK(dns::type_name(Type::https) == "HTTPS");
  CHECK(dns::type_name(Type{1234}) == "TYPE1234");
  CHECK(dns::rcode_name(dns::Rcode::servfail) == "SERVFAIL");
  CHECK(dns::rcode_name(dns::Rcode{3841}) == "RCODE3841");
  CHECK(dns::opcode_name(dns::Opcode::update) == "UPDATE");
  CHECK(dns::extended_error_name(22) == "No Reachable Authority");
  CHECK(dns::extended_error_name(999) == "EDE 999");
}
