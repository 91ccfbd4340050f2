#include "dissectors/dns/name.h"

#include <string>

#include "tests/support/catch.h"
#include "tests/support/octets.h"

using namespace wirefault;
using dns::Name;
using test::hex;
using test::Octets;

namespace {

Name name(std::string_view text) {
  const auto parsed = Name::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

struct Reading {
  Flaw flaw;
  std::string text;
  std::size_t end;
};

// The name at `position` of a message whose first 12 bytes are a header.
Reading read(const Octets& behind_header, std::size_t position, std::size_t not_captured = 0) {
  const test::Exact exact{test::zeros(12) + behind_header};
  const Bytes bytes = exact;
  const Payload message{bytes, static_cast<std::uint32_t>(bytes.size() + not_captured)};
  Name result;
  dns::Budget budget;
  const Flaw flaw = Name::read(message, position, result, budget);
  if (flaw != Flaw::none) return {flaw, "", 0};
  return {flaw, result.to_string(), position};
}

// Labels of 63, 63, 63 and then `last`: 192 octets and the last one's.
std::string long_name(std::size_t last) {
  const std::string label(63, 'a');
  return label + '.' + label + '.' + label + '.' + std::string(last, 'b') + '.';
}

}  // namespace

TEST_CASE("names print so that different ones never print alike", "[dissectors]") {
  struct Row {
    const char* wire;
    const char* text;
  };
  const std::vector<Row> rows{
      {"00", "."},
      {"03777777 00", "www."},
      {"03772e77 00", "w\\.w."},
      {"0177 0177 00", "w.w."},
      {"035c5c2e 00", "\\\\\\\\\\.."},
      {"0320097f 00", "\\032\\009\\127."},
      {"0400ff0a0d 00", "\\000\\255\\010\\013."},
      {"0c 3c7363726970743e2d2d2226 00", "<script>--\"&."},
      {"04c3a9e282 00", "\\195\\169\\226\\130."},
      {"025b1b 00", "[\\027."},
  };
  for (const Row& row : rows) {
    const auto reading = read(hex(row.wire), 12);
    REQUIRE(reading.flaw == Flaw::none);
    CHECK(reading.text == row.text);
    CHECK(name(row.text).to_string() == row.text);
  }
}

TEST_CASE("every octet survives the way to text and back", "[dissectors]") {
  for (int octet = 0; octet < 256; ++octet) {
    const Octets wire{2, static_cast<std::uint8_t>(octet), 'x', 0};
    const auto reading = read(wire, 12);
    REQUIRE(reading.flaw == Flaw::none);
    const Name back = name(reading.text);
    CHECK(Octets(back.wire().begin(), back.wire().end()) == wire);
    for (const char c : reading.text) CHECK((c > 0x20 && c < 0x7f));
  }
}

TEST_CASE("text that is no name is refused", "[dissectors]") {
  for (const std::string& text :
       {std::string{""}, std::string{".."}, std::string{"a..b"}, std::string{".a"},
        std::string{"a\\"}, std::string{"a\\25"}, std::string{"a\\256"}, std::string{"a\\2x5"},
        std::string(64, 'a'), long_name(62)})
    CHECK_FALSE(Name::parse(text));
  CHECK(name("www.example.com") == name("www.example.com."));
  CHECK(name(std::string(63, 'a')).label_count() == 1);
  CHECK(name(long_name(61)).size() == 255);
}

TEST_CASE("case is kept, and ignored when comparing", "[dissectors]") {
  const Name sent = name("wWw.ExAmPlE.cOm");
  const Name plain = name("www.example.com");
  CHECK(sent == plain);
  CHECK(sent.to_string() == "wWw.ExAmPlE.cOm.");
  CHECK_FALSE(sent.is_same_case(plain));
  CHECK(sent.stable_hash() == plain.stable_hash());
  CHECK_FALSE(sent < plain);
  CHECK_FALSE(plain < sent);
  CHECK(plain < name("WWW.EXAMPLF.COM"));
  CHECK(sent != name("www.example.net"));
  CHECK(sent.stable_hash() != name("www.example.net").stable_hash());
  // Only ASCII letters have a case; their neighbours and the upper half of the octets have none.
  CHECK(name("@[`{") != name("`{@["));
  CHECK(name("\\193bcdefghij") != name("\\225bcdefghij"));
  CHECK(name("AZaz09-_\\193") == name("azAZ09-_\\193"));
  // A name that was copied is as long as it was.
  Name copy = name("a.very.long.name.of.some.other.example.com");
  copy = plain;
  CHECK(copy == plain);
  CHECK(copy.to_string() == "www.example.com.");
}

TEST_CASE("names know their zones", "[dissectors]") {
  const Name www = name("www.example.com");
  CHECK(www.label_count() == 3);
  CHECK(www.parent() == name("example.com"));
  CHECK(www.parent(3).is_root());
  CHECK(www.parent(9).is_root());
  CHECK(www.suffix(2) == name("example.com"));
  CHECK(www.suffix(9) == www);
  CHECK(www.suffix(0).is_root());
  CHECK(www.is_subdomain_of(name("EXAMPLE.com")));
  CHECK(www.is_subdomain_of(www));
  CHECK(www.is_subdomain_of(Name{}));
  CHECK_FALSE(www.is_subdomain_of(name("ample.com")));
  CHECK_FALSE(name("com").is_subdomain_of(www));
}

// RFC 9267 lists what went wrong in other implementations; each item below bears its section.
TEST_CASE("compression pointers lead backwards only", "[dissectors]") {
  // "com" at 12, "example" and a pointer to it at 17, "www" and a pointer to that at 27.
  const Octets message = hex("03636f6d00 076578616d706c65c00c 03777777c011 00");
  CHECK(read(message, 27).text == "www.example.com.");
  CHECK(read(message, 27).end == 33);  // behind the pointer, not behind what it points to
  CHECK(read(message, 17).text == "example.com.");
  CHECK(read(message, 12).end == 17);

  // Section 2: a pointer to itself, to another pointer that leads back, into its own labels, ahead.
  CHECK(read(hex("c00c"), 12).flaw == Flaw::dns_pointer_loop);
  CHECK(read(hex("c00e c00c"), 14).flaw == Flaw::dns_pointer_forward);
  CHECK(read(hex("0161 c00c"), 12).flaw == Flaw::dns_pointer_loop);
  CHECK(read(hex("0161 0162 c00e"), 12).flaw == Flaw::dns_pointer_loop);
  CHECK(read(hex("c00e 016100"), 12).flaw == Flaw::dns_pointer_forward);
  CHECK(read(hex("ffff"), 12).flaw == Flaw::dns_pointer_forward);
  // Section 2: a pointer to a pointer is legal as long as both lead back.
  CHECK(read(hex("016100 c00c c00f"), 17).text == "a.");
  // A pointer into the header, which holds no names.
  CHECK(read(hex("c000"), 12).flaw == Flaw::dns_label);
}

TEST_CASE("label types of no use are refused", "[dissectors]") {  // RFC 9267, section 3
  CHECK(read(hex("40 61 00"), 12).flaw == Flaw::dns_label);
  CHECK(read(hex("80 61 00"), 12).flaw == Flaw::dns_label);
  CHECK(read(Octets{63} + Octets(63, 'a') + Octets{0}, 12).text == std::string(63, 'a') + '.');
}

TEST_CASE("names end at 255 octets, pointers followed", "[dissectors]") {  // RFC 9267, section 3
  const auto wire = [](const std::string& text) {
    const Name parsed = name(text);
    return Octets(parsed.wire().begin(), parsed.wire().end());
  };
  const Octets longest = wire(long_name(61));
  CHECK(read(longest, 12).text == long_name(61));
  Octets longer = longest;
  longer.back() = 1;
  CHECK(read(longer + hex("6100"), 12).flaw == Flaw::dns_name_long);
  // 'x' in front of the longest name, by a pointer.
  CHECK(read(longest + hex("0178c00c"), 12 + 255).flaw == Flaw::dns_name_long);
  std::size_t position = 12;
  const Octets skipped = test::zeros(12) + longer + hex("6100");
  CHECK(Name::skip(test::whole(skipped), position) == Flaw::dns_name_long);
}

TEST_CASE("a name must end, and before the message does", "[dissectors]") {  // sections 4 and 5
  const Octets message = hex("03777777 03636f6d 00");
  for (std::size_t size = 0; size < message.size(); ++size) {
    Octets start = message;
    start.resize(size);
    CHECK(read(start, 12).flaw == Flaw::dns_short);
    CHECK(read(start, 12, 1).flaw == Flaw::cut_short);
  }
  CHECK(read(hex("016100 c0"), 15).flaw == Flaw::dns_short);
  CHECK(read(hex("016100 c0"), 15, 1).flaw == Flaw::cut_short);
  CHECK(read(message, 100).flaw == Flaw::dns_short);
}
