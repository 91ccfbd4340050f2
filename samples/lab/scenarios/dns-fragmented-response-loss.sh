# dns-fragmented-response-loss: a DNSKEY answer of three fragments from nsd, of which only the first
# gets through, and answers that are lost for other reasons.

. "$here/big_zone.sh"
. "$here/resolver.sh"
drop_fragments() { filter "$R" "forward ip frag-off & 0x1fff != 0 drop"; }

# The client asks twice with EDNS 4096, then over TCP.
record_fires() {
  big_zone
  drop_fragments
  capture "$C" c0
  on_client dig +bufsize=4096 +tries=2 +time=3 +ignore @$server4 example.com DNSKEY
  on_client dig +tcp @$server4 example.com DNSKEY
  sleep 16
  on_client dig @$server4 www.example.com
  captured
}

# Nobody tries TCP: the name stays unanswered.
record_fires-unanswered() {
  big_zone
  drop_fragments
  capture "$C" c0
  on_client dig @$server4 www.example.com
  on_client dig +bufsize=4096 +tries=3 +time=5 +ignore @$server4 example.com DNSKEY
  sleep 16
  on_client dig @$server4 www.example.com
  captured
}

# Seen at the server: the answer leaves in three fragments, and the client asks again.
record_fires-server() {
  big_zone
  drop_fragments
  capture "$S" s0
  on_client dig @$server4 www.example.com
  on_client dig +bufsize=4096 +tries=3 +time=5 +ignore @$server4 example.com DNSKEY
  sleep 16
  on_client dig @$server4 www.example.com
  captured
}

# A resolver, unbound, that learns to ask for less.
record_fires-resolver() {
  big_zone
  drop_fragments
  resolver_at "$C" 127.0.0.1 <<-END
	server:
	  edns-buffer-size: 4096
	  max-udp-size: 4096
	stub-zone:
	  name: example.com
	  stub-addr: $server4
	END
  capture "$C" c0
  on_client dig +time=30 +tries=1 @127.0.0.1 www.example.com
  on_client dig +time=30 +tries=1 +tcp @127.0.0.1 example.com DNSKEY
  sleep 16
  on_client dig +time=30 +tries=1 @127.0.0.1 ns.example.com
  captured
}

# An answer of about 1100 bytes in one packet is lost once.
record_quiet-small() {
  big_zone
  filter "$R" "forward udp sport 53 meta length > 1000 numgen inc mod 2 == 0 drop"
  capture "$C" c0
  on_client dig +bufsize=4096 +tries=2 +time=5 @$server4 mail.example.com TXT
  sleep 16
  on_client dig @$server4 www.example.com
  captured
}

# The fragmented answer arrives.
record_quiet-complete() {
  big_zone
  capture "$C" c0
  on_client dig +bufsize=4096 +ignore @$server4 example.com DNSKEY
  on_client dig +bufsize=1232 @$server4 example.com DNSKEY
  sleep 32
  on_client dig @$server4 www.example.com
  captured
}

# The capture ends before anyone can know.
record_cut() {
  big_zone
  drop_fragments
  capture "$C" c0
  on_client dig +bufsize=4096 +tries=1 +time=1 +ignore @$server4 example.com DNSKEY
  sleep 1
  captured
}
