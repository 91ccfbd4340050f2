// What the DNS trackers say. Facts are plain values in the protocol's own terms: no verdict, no
// pointer, no view into a packet.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "dissectors/address.h"
#include "dissectors/dns/message.h"
#include "dissectors/sighting.h"

namespace wirefault::dns {

struct Response {
  Sighting seen;
  Rcode rcode{};  // with the extended bits
  bool authoritative = false;
  bool truncated = false;
  bool recursion_available = false;
  bool fragmented = false;    // it came in IP fragments
  std::uint16_t answers = 0;  // as the header counts them
  std::uint16_t size = 0;     // of the message, in octets
  std::uint8_t extended_error_count = 0;
  std::array<std::uint16_t, 4> extended_errors{};  // RFC 8914 info codes

  std::span<const std::uint16_t> errors() const {
    return {extended_errors.data(), extended_error_count};
  }
};

enum class Rejection : std::uint8_t { none, icmp_error, reset, closed };

enum class Outcome : std::uint8_t {
  waiting,   // not settled: asked `dns.notice-after` ago, no response yet. A settled fact follows
  answered,  // a matching response in time
  late,      // a matching response, but after the answer timeout; amends an `unanswered` fact
  repeat_answered,  // said of an answered one, later: earlier attempts never got a response
  rejected,         // an ICMP error quoting it, or the TCP connection was reset or closed instead
  unanswered,       // the deadline passed
  untrusted,        // the capture lost what would have settled it
  evicted,          // the table was full
  capture_ended,
};

// One question put to one server, with its repetitions: same ports, id and question. RFC 5452,
// section 9.1 says which response belongs to it.
struct Transaction {
  Endpoint client;
  Endpoint server;
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel
  Transport transport = Transport::udp;
  std::uint16_t id = 0;
  Opcode opcode = Opcode::query;
  bool recursion_desired = false;
  bool checking_disabled = false;
  bool odd_question = false;  // QDCOUNT was not 1; tracked by id and ports only
  Question question;
  std::uint64_t question_hash = 0;  // hash_of(question), which several look for
  EdnsOffer edns;

  Sightings<4> queries;  // the attempts
  Timestamp deadline{};  // last attempt + dns.answer-timeout
  Timestamp settled{};   // when the outcome came to be: the response's time, or the deadline

  Outcome outcome = Outcome::waiting;
  bool noticed = false;  // a `waiting` fact was sent before this one
  bool amends = false;   // an `unanswered` fact was sent before this one and no longer holds
  bool has_response = false;
  Response response;  // when answered or late
  // An earlier transaction with the same key was still open to a late answer: this response may
  // have been meant for that one, so its latency says nothing.
  bool latency_ambiguous = false;

  Rejection rejection = Rejection::none;
  Sighting rejected_by;
  IpAddress rejecter;  // who sent the ICMP error or the reset

  std::uint32_t responses = 0;  // that matched; each attempt may get one

  // The first fragment of a response was seen, the whole never.
  Sighting response_fragment;

  std::uint32_t weight = 1;  // above 1 when the table admits only a sample

  bool was_asked() const { return !queries.empty(); }
  Timestamp asked() const { return queries.first().time; }
  // From the first attempt, as the client felt it.
  Duration latency() const { return response.seen.time - asked(); }
};

// A response that matches no query of its own address pair.
struct StrayResponse {
  Endpoint client;
  Endpoint server;           // who sent it
  std::uint64_t tunnel = 0;  // its stable id; 0: not in a tunnel
  Transport transport = Transport::udp;
  std::uint16_t id = 0;
  bool has_question = false;
  Question question;
  Response response;
};

}  // namespace wirefault::dns
