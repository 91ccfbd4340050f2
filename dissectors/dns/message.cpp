#include "dissectors/dns/message.h"

#include <algorithm>

namespace wirefault::dns {
namespace {

constexpr std::uint16_t max_questions = 8;  // more is no query that anyone sends
constexpr std::size_t min_question = 5;     // a root name, type and class
constexpr std::size_t min_record = 11;      // a root name, type, class, TTL, length
constexpr std::size_t question_tail = 4;    // type and class
constexpr std::size_t record_tail = 10;     // type, class, TTL and RDATA length
constexpr std::uint8_t max_opcode = 6;

Flaw lack(const Payload& message) {
  return message.is_cut() ? Flaw::cut_short : Flaw::dns_short;
}

bool has(const Payload& message, std::size_t position, std::size_t count) {
  return position <= message.bytes.size() && count <= message.bytes.size() - position;
}

Flaw skip_questions(const Payload& message, std::uint16_t count, std::size_t& position) {
  for (; count > 0; --count) {
    if (const Flaw flaw = Name::skip(message, position); flaw != Flaw::none) return flaw;
    if (!has(message, position, question_tail)) return lack(message);
    position += question_tail;
  }
  return Flaw::none;
}

void read_option(std::uint16_t code, Bytes value, Edns& edns) {
  switch (code) {
    case 3:
      edns.server_id = value;
      break;
    case 8:
      edns.client_subnet = value;
      break;
    case 10:
      edns.cookie = value;
      break;
    case 11:
      edns.tcp_keepalive = value;
      break;
    case 12:
      edns.padding = static_cast<std::uint16_t>(value.size());
      break;
    case 15:
      if (value.size() < 2) {
        edns.is_malformed = true;
      } else if (edns.extended_error_count < edns.extended_errors.size()) {
        edns.extended_errors[edns.extended_error_count++] = {be16(value.data()), value.subspan(2)};
      }
      break;
    default:
      break;
  }
}

EdnsOffer read_offer(const std::uint8_t* tail) {
  return {true, (tail[6] & 0x80) != 0, std::max<std::uint16_t>(be16(tail + 2), 512)};
}

Edns read_edns(const std::uint8_t* tail, const Payload& data) {
  Edns edns;
  const EdnsOffer offer = read_offer(tail);
  edns.udp_payload_size = offer.udp_payload_size;
  edns.dnssec_ok = offer.dnssec_ok;
  edns.extended_rcode = tail[4];
  edns.version = tail[5];
  ByteReader reader{data.bytes};
  while (!reader.at_end()) {
    const std::uint16_t code = reader.u16();
    const Bytes value = reader.take(reader.u16());
    if (!reader.ok()) {
      (data.is_cut() ? edns.is_cut : edns.is_malformed) = true;
      return edns;
    }
    read_option(code, value, edns);
  }
  edns.is_cut = data.is_cut();
  return edns;
}

}  // namespace

Parsed<Message> Message::parse(const Payload& message) {
  if (message.bytes.size() < header_size) return message.lack(header_size, Flaw::dns_short);
  Parsed<Message> parsed;
  parsed->payload_ = message;
  const Message& view = *parsed;
  if (static_cast<std::uint8_t>(view.opcode()) > max_opcode) return Flaw::dns_count;
  if (view.question_count() > max_questions) return Flaw::dns_count;
  const std::size_t questions = view.question_count() * min_question;
  // A truncated response may count the records that it had to leave out.
  const std::size_t records =
      view.truncated()
          ? 0
          : (std::size_t{view.answer_count()} + view.authority_count() + view.additional_count()) *
                min_record;
  if (header_size + questions + records > message.length) return Flaw::dns_count;
  return parsed;
}

Rcode Message::full_rcode(const std::optional<Edns>& edns) const {
  const unsigned high = edns ? edns->extended_rcode : 0u;
  return static_cast<Rcode>(high << 4 | static_cast<unsigned>(rcode()));
}

Parsed<Question> Message::question() const {
  Parsed<Question> parsed;
  parsed.settle(fill(*parsed));
  return parsed;
}

Flaw Message::fill(Question& question) const {
  if (question_count() == 0) return Flaw::dns_count;
  Budget budget;
  std::size_t position = header_size;
  if (const Flaw flaw = Name::read(payload_, position, question.name, budget); flaw != Flaw::none)
    return flaw;
  if (!has(payload_, position, question_tail)) return lack(payload_);
  question.type = static_cast<Type>(be16(at(position)));
  question.klass = be16(at(position + 2));
  return Flaw::none;
}

bool Message::repeats(const Question& other) const {
  const Bytes name = other.name.wire();
  if (question_count() == 0 || !has(payload_, header_size, name.size() + question_tail))
    return false;
  if (std::memcmp(at(header_size), name.data(), name.size()) != 0) return false;
  const std::uint8_t* tail = at(header_size + name.size());
  return be16(tail) == static_cast<std::uint16_t>(other.type) && be16(tail + 2) == other.klass;
}

Flaw Message::find_opt(Opt& opt) const {
  if (additional_count() == 0) return Flaw::none;
  std::size_t position = header_size;
  if (const Flaw flaw = skip_questions(payload_, question_count(), position); flaw != Flaw::none)
    return flaw;
  const std::uint32_t before = std::uint32_t{answer_count()} + authority_count();
  const std::uint32_t total = before + additional_count();
  for (std::uint32_t i = 0; i < total; ++i) {
    const bool is_root = has(payload_, position, 1) && *at(position) == 0;
    if (is_root) {
      ++position;
    } else if (const Flaw flaw = Name::skip(payload_, position); flaw != Flaw::none) {
      return flaw;
    }
    if (!has(payload_, position, record_tail)) return lack(payload_);
    const std::uint8_t* tail = at(position);
    position += record_tail;
    const std::uint16_t length = be16(tail + 8);
    if (position + length > payload_.length) return Flaw::dns_rdlength;
    if (i >= before && is_root && be16(tail) == static_cast<std::uint16_t>(Type::opt)) {
      if (opt.tail != nullptr) return Flaw::dns_opt_multiple;
      opt = {tail, payload_.after(position).first(length)};
    }
    if (!has(payload_, position, length)) return opt.tail != nullptr ? Flaw::none : lack(payload_);
    position += length;
  }
  return Flaw::none;
}

Parsed<std::optional<Edns>> Message::edns() const {
  Opt opt;
  if (const Flaw flaw = find_opt(opt); flaw != Flaw::none) return flaw;
  Parsed<std::optional<Edns>> parsed;
  if (opt.tail != nullptr) *parsed = read_edns(opt.tail, opt.options);
  return parsed;
}

EdnsOffer Message::edns_offer() const {
  Opt opt;
  if (find_opt(opt) != Flaw::none || opt.tail == nullptr) return {};
  return read_offer(opt.tail);
}

Records::Records(const Message& message)
    : message_{message.payload()},
      left_{message.answer_count(), message.authority_count(), message.additional_count()} {
  flaw_ = skip_questions(message_, message.question_count(), position_);
}

bool Records::next(bool is_named) {
  if (flaw_ != Flaw::none) return false;
  std::size_t section = 0;
  while (section < left_.size() && left_[section] == 0) ++section;
  if (section == left_.size()) return false;
  --left_[section];
  record_.section = static_cast<Section>(section);
  const Flaw flaw = is_named ? Name::read(message_, position_, record_.owner, budget_)
                             : Name::skip(message_, position_);
  if (flaw != Flaw::none) return fail(flaw);
  if (!has(message_, position_, record_tail)) return fail(lack(message_));
  const std::uint8_t* tail = &message_.bytes[position_];
  record_.type = static_cast<Type>(be16(tail));
  record_.klass = be16(tail + 2);
  record_.ttl = be32(tail + 4);
  if (record_.ttl > 0x7fffffff) record_.ttl = 0;
  const std::uint16_t length = be16(tail + 8);
  position_ += record_tail;
  if (position_ + length > message_.length) return fail(Flaw::dns_rdlength);
  if (!has(message_, position_, length)) return fail(Flaw::cut_short);
  record_.data_at = position_;
  record_.data = message_.bytes.subspan(position_, length);
  position_ += length;
  return true;
}

Flaw Records::read_name(std::size_t& offset, Name& name) {
  // Read as if the message ended with this record: a name may not run on into the next one.
  const std::size_t end = record_.data_at + record_.data.size();
  const Payload up_to_here{message_.bytes.first(end), static_cast<std::uint32_t>(end)};
  std::size_t position = record_.data_at + offset;
  const Flaw flaw = Name::read(up_to_here, position, name, budget_);
  offset = position - record_.data_at;
  return flaw == Flaw::dns_short ? Flaw::dns_rdlength : flaw;
}

std::optional<IpAddress> Records::address() const {
  if (record_.klass != class_in) return std::nullopt;
  if (record_.type == Type::a && record_.data.size() == 4)
    return IpAddress::v4(record_.data.data());
  if (record_.type == Type::aaaa && record_.data.size() == 16)
    return IpAddress::v6(record_.data.data());
  return std::nullopt;
}

Parsed<Name> Records::target() {
  Parsed<Name> parsed;
  std::size_t offset = 0;
  if (const Flaw flaw = read_name(offset, *parsed); flaw != Flaw::none) return flaw;
  if (offset != record_.data.size()) return Flaw::dns_rdlength;
  return parsed;
}

Parsed<Mx> Records::mx() {
  if (record_.data.size() < 2) return Flaw::dns_rdlength;
  Parsed<Mx> parsed;
  parsed->preference = be16(&record_.data[0]);
  std::size_t offset = 2;
  if (const Flaw flaw = read_name(offset, parsed->exchange); flaw != Flaw::none) return flaw;
  if (offset != record_.data.size()) return Flaw::dns_rdlength;
  return parsed;
}

Parsed<Srv> Records::srv() {
  if (record_.data.size() < 6) return Flaw::dns_rdlength;
  Parsed<Srv> parsed;
  parsed->priority = be16(&record_.data[0]);
  parsed->weight = be16(&record_.data[2]);
  parsed->port = be16(&record_.data[4]);
  std::size_t offset = 6;
  if (const Flaw flaw = read_name(offset, parsed->target); flaw != Flaw::none) return flaw;
  if (offset != record_.data.size()) return Flaw::dns_rdlength;
  return parsed;
}

Parsed<Soa> Records::soa() {
  Parsed<Soa> parsed;
  std::size_t offset = 0;
  if (const Flaw flaw = read_name(offset, parsed->primary); flaw != Flaw::none) return flaw;
  if (const Flaw flaw = read_name(offset, parsed->mailbox); flaw != Flaw::none) return flaw;
  ByteReader reader{record_.data.subspan(offset)};
  parsed->serial = reader.u32();
  parsed->refresh = reader.u32();
  parsed->retry = reader.u32();
  parsed->expire = reader.u32();
  parsed->minimum = reader.u32();
  if (!reader.ok() || !reader.at_end()) return Flaw::dns_rdlength;
  return parsed;
}

Parsed<ServiceBinding> Records::service_binding() {
  if (record_.data.size() < 2) return Flaw::dns_rdlength;
  Parsed<ServiceBinding> parsed;
  parsed->priority = be16(&record_.data[0]);
  std::size_t offset = 2;
  if (const Flaw flaw = read_name(offset, parsed->target); flaw != Flaw::none) return flaw;
  ByteReader reader{record_.data.subspan(offset)};
  while (!reader.at_end()) {
    const std::uint16_t key = reader.u16();
    const Bytes value = reader.take(reader.u16());
    if (!reader.ok()) return Flaw::dns_rdlength;
    // https://www.iana.org/assignments/dns-svcb
    if (key == 3 && value.size() == 2) parsed->port = be16(value.data());
    if (key == 4 && value.size() % 4 == 0) parsed->ipv4_hints = value;
    if (key == 6 && value.size() % 16 == 0) parsed->ipv6_hints = value;
  }
  return parsed;
}

Parsed<Rrsig> Records::rrsig() {
  constexpr std::size_t fixed = 18;
  if (record_.data.size() < fixed) return Flaw::dns_rdlength;
  Parsed<Rrsig> parsed;
  ByteReader reader{record_.data};
  parsed->covered = static_cast<Type>(reader.u16());
  parsed->algorithm = reader.u8();
  parsed->labels = reader.u8();
  parsed->original_ttl = reader.u32();
  parsed->expiration = reader.u32();
  parsed->inception = reader.u32();
  parsed->key_tag = reader.u16();
  std::size_t offset = fixed;
  if (const Flaw flaw = read_name(offset, parsed->signer); flaw != Flaw::none) return flaw;
  return parsed;
}

Parsed<Name> Records::next_secure() {
  Parsed<Name> parsed;
  std::size_t offset = 0;
  if (const Flaw flaw = read_name(offset, *parsed); flaw != Flaw::none) return flaw;
  return parsed;
}

Parsed<Ds> Records::ds() const {
  ByteReader reader{record_.data};
  Parsed<Ds> parsed;
  parsed->key_tag = reader.u16();
  parsed->algorithm = reader.u8();
  parsed->digest_type = reader.u8();
  parsed->digest = reader.rest();
  return reader.ok() ? parsed : Parsed<Ds>{Flaw::dns_rdlength};
}

Parsed<Dnskey> Records::dnskey() const {
  ByteReader reader{record_.data};
  Parsed<Dnskey> parsed;
  parsed->flags = reader.u16();
  parsed->protocol = reader.u8();
  parsed->algorithm = reader.u8();
  parsed->key = reader.rest();
  return reader.ok() ? parsed : Parsed<Dnskey>{Flaw::dns_rdlength};
}

Parsed<Caa> Records::caa() const {
  ByteReader reader{record_.data};
  Parsed<Caa> parsed;
  parsed->flags = reader.u8();
  parsed->tag = reader.take(reader.u8());
  parsed->value = reader.rest();
  return reader.ok() ? parsed : Parsed<Caa>{Flaw::dns_rdlength};
}

}  // namespace wirefault::dns
