# dns-servfail: one name that cannot be resolved.

. "$here/resolver.sh"

# glibc asks for A and AAAA, gets SERVFAIL, and tries once more.
record_fires() {
  expired_zones $server4 example.com
  resolver
  other_zones
  resolver_of "$C" 192.0.2.1
  capture "$C" c0
  on_client getent ahosts www.example.net
  on_client getent ahosts www.example.com
  sleep 17
  on_client getent ahosts mail.example.net
  captured
}

# One getaddrinfo on a host with two name servers and a search list: sixteen SERVFAIL responses.
record_fires-amplified() {
  expired_zones $server4 example.com
  resolver
  other_zones
  local second=192.0.2.2
  ip -n "$R" addr add $second/24 dev r0
  resolver $second
  resolver_of "$C" 192.0.2.1 $second
  echo "search corp.example.com" >> "/etc/netns/$C/resolv.conf"
  capture "$C" c0
  on_client getent ahosts intranet.example.com
  sleep 17
  on_client getent ahosts www.example.net
  captured
}

# The first query of a name gets SERVFAIL, the repeat an address: the server came up in between.
record_quiet-recovers() {
  expired_zones $server4 example.com
  local broken=$served
  resolver
  other_zones
  capture "$C" c0
  ask 192.0.2.11 www.example.com
  kill $broken
  wait $broken
  dns_server "$S" $server4
  sleep 6
  ask 192.0.2.11 www.example.com
  sleep 17
  ask 192.0.2.11 www.example.net
  captured
}

# A name that does not exist.
record_quiet-nxdomain() {
  dns_server "$S" $server4
  resolver
  resolver_of "$C" 192.0.2.1
  capture "$C" c0
  on_client getent ahosts nothing.example.com
  on_client getent ahosts nothing.example.com
  sleep 2
  on_client getent ahosts www.example.com
  captured
}

# The capture begins after the query: responses whose queries nobody saw.
record_cut() {
  expired_zones $server4 example.com
  resolver
  capture "$C" c0 "udp src port 53"
  ask 192.0.2.11 www.example.com mail.example.com
  captured
}
