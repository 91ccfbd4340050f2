// DNS messages: RFC 1035 section 4, EDNS (RFC 6891). A view: owns nothing, valid while the
// message's bytes are. The header and the first question cost nothing more than themselves; records
// are read one by one, on demand.
#pragma once

#include <array>
#include <optional>

#include "dissectors/address.h"
#include "dissectors/dns/codes.h"
#include "dissectors/dns/name.h"

namespace wirefault::dns {

struct Question {
  Name name;
  Type type{};
  std::uint16_t klass = class_in;
};

// What the OPT record of a query offers.
struct EdnsOffer {
  bool present = false;
  bool dnssec_ok = false;
  std::uint16_t udp_payload_size = 0;  // as of Edns
};

// Of the OPT record. Where the capture cut the options, those before the cut are there.
struct Edns {
  std::uint16_t udp_payload_size = 512;  // below 512 means 512, RFC 6891 section 6.2.3
  std::uint8_t extended_rcode = 0;       // the upper eight bits
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  bool is_malformed = false;  // an option's length leads out of the record
  bool is_cut = false;

  // Each option that we know and that was there. Text and identifiers are hostile bytes.
  std::optional<Bytes> server_id;        // 3, RFC 5001
  std::optional<Bytes> client_subnet;    // 8, RFC 7871
  std::optional<Bytes> cookie;           // 10, RFC 7873: 8 bytes of the client, then the server's
  std::optional<Bytes> tcp_keepalive;    // 11, RFC 7828
  std::optional<std::uint16_t> padding;  // 12, RFC 7830: how much

  // 15, RFC 8914: the first four.
  struct ExtendedError {
    std::uint16_t code = 0;
    Bytes text;
  };
  std::uint8_t extended_error_count = 0;
  std::array<ExtendedError, 4> extended_errors{};
};

class Message {
 public:
  static constexpr std::size_t header_size = 12;

  // `message` starts at the id: a UDP payload, or what the length in front of it says over TCP. It
  // is a message when the header is whole, the opcode at most 6 and the counts possible for the
  // length; anything else on port 53 is not DNS. Records are not looked at.
  static Parsed<Message> parse(const Payload& message);

  std::uint16_t id() const { return be16(at(0)); }
  bool is_response() const { return (bits() & 0x8000) != 0; }
  Opcode opcode() const { return static_cast<Opcode>(bits() >> 11 & 0xf); }
  bool authoritative() const { return (bits() & 0x0400) != 0; }
  bool truncated() const { return (bits() & 0x0200) != 0; }
  bool recursion_desired() const { return (bits() & 0x0100) != 0; }
  bool recursion_available() const { return (bits() & 0x0080) != 0; }
  bool authentic_data() const { return (bits() & 0x0020) != 0; }
  bool checking_disabled() const { return (bits() & 0x0010) != 0; }
  // The header's four bits; full_rcode() adds those of the OPT record.
  Rcode rcode() const { return static_cast<Rcode>(bits() & 0xf); }
  Rcode full_rcode(const std::optional<Edns>& edns) const;

  std::uint16_t question_count() const { return be16(at(4)); }
  std::uint16_t answer_count() const { return be16(at(6)); }
  std::uint16_t authority_count() const { return be16(at(8)); }
  std::uint16_t additional_count() const { return be16(at(10)); }

  // The first question; dns_count when there is none.
  Parsed<Question> question() const;
  // Whether the first question is `other`, octet for octet and uncompressed, as nearly every
  // response has it. False says nothing.
  bool repeats(const Question& other) const;

  // The OPT record, if the message has one and the capture reaches to it. Two of them are malformed
  // (RFC 6891, section 6.1.1).
  Parsed<std::optional<Edns>> edns() const;
  // What of it a query tells a server that only looks at sizes; not present when edns() has a flaw.
  EdnsOffer edns_offer() const;

  const Payload& payload() const { return payload_; }

 private:
  friend class Parsed<Message>;
  Message() = default;

  // The OPT record from its type on, and its options; null when there is none.
  struct Opt {
    const std::uint8_t* tail = nullptr;
    Payload options;
  };
  Flaw find_opt(Opt& opt) const;
  Flaw fill(Question& question) const;
  const std::uint8_t* at(std::size_t offset) const { return payload_.bytes.data() + offset; }
  std::uint16_t bits() const { return be16(at(2)); }

  Payload payload_;
};

enum class Section : std::uint8_t { answer, authority, additional };

struct Record {
  Section section = Section::answer;
  Name owner;
  Type type{};
  std::uint16_t klass = class_in;
  std::uint32_t ttl = 0;    // seconds; 0 where the top bit was set, RFC 2181 section 8
  Bytes data;               // RDATA, whole
  std::size_t data_at = 0;  // where it starts in the message
};

// What the RDATA of the types we read holds.
struct Mx {
  std::uint16_t preference = 0;
  Name exchange;
};
struct Srv {
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
  std::uint16_t port = 0;
  Name target;
};
struct Soa {
  Name primary;
  Name mailbox;
  std::uint32_t serial = 0;
  std::uint32_t refresh = 0;
  std::uint32_t retry = 0;
  std::uint32_t expire = 0;
  std::uint32_t minimum = 0;  // the TTL of negative answers, RFC 2308
};
// SVCB and HTTPS, RFC 9460. Priority 0 is an alias.
struct ServiceBinding {
  std::uint16_t priority = 0;
  Name target;
  std::optional<std::uint16_t> port;
  Bytes ipv4_hints;  // 4 bytes each
  Bytes ipv6_hints;  // 16 bytes each
};
struct Ds {  // RFC 4034, section 5
  std::uint16_t key_tag = 0;
  std::uint8_t algorithm = 0;
  std::uint8_t digest_type = 0;
  Bytes digest;
};
struct Dnskey {  // RFC 4034, section 2
  std::uint16_t flags = 0;
  std::uint8_t protocol = 0;
  std::uint8_t algorithm = 0;
  Bytes key;
};
struct Rrsig {  // RFC 4034, section 3; times are seconds since 1970, modulo 2^32
  Type covered{};
  std::uint8_t algorithm = 0;
  std::uint8_t labels = 0;
  std::uint32_t original_ttl = 0;
  std::uint32_t expiration = 0;
  std::uint32_t inception = 0;
  std::uint16_t key_tag = 0;
  Name signer;
};
struct Caa {  // RFC 8659
  std::uint8_t flags = 0;
  Bytes tag;
  Bytes value;
};

// Reads the records of a message in order:
//
//   Records records{message};
//   while (records.next()) use(records.record());
//   if (records.flaw() != Flaw::none) the rest was not read
//
// The typed readers below belong to the current record, whose type the caller has looked at. All
// names of the message are paid for out of one budget.
class Records {
 public:
  explicit Records(const Message& message);

  bool next() { return next(true); }
  // The same without its owner's name, which is not to be used then: costs a tenth.
  bool next_unnamed() { return next(false); }
  const Record& record() const { return record_; }
  // Why next() returned false before the counts said so.
  Flaw flaw() const { return flaw_; }

  std::optional<IpAddress> address() const;  // A, AAAA of class IN and of the right length
  Parsed<Name> target();                     // CNAME, DNAME, NS, PTR
  Parsed<Mx> mx();
  Parsed<Srv> srv();
  Parsed<Soa> soa();
  Parsed<ServiceBinding> service_binding();
  Parsed<Rrsig> rrsig();
  Parsed<Name> next_secure();  // NSEC: the next owner name, RFC 4034 section 4
  Parsed<Ds> ds() const;
  Parsed<Dnskey> dnskey() const;
  Parsed<Caa> caa() const;

 private:
  bool next(bool is_named);
  // A name that starts `offset` into RDATA and must end within it; moves `offset` behind it.
  Flaw read_name(std::size_t& offset, Name& name);
  bool fail(Flaw flaw) {
    flaw_ = flaw;
    return false;
  }

  Payload message_;
  Budget budget_;
  Record record_;
  std::size_t position_ = Message::header_size;
  std::array<std::uint16_t, 3> left_;  // per section
  Flaw flaw_ = Flaw::none;
};

}  // namespace wirefault::dns
