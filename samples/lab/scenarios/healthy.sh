# healthy: ordinary traffic in which nothing failed. Whatever is found here is a false alarm.

. "$here/resolver.sh"

# A browser's morning: names over IPv4 and IPv6, pages of 1, 20 and 100 KB, one at a time and together.
record_web() {
  dns_server "$S" $server4
  web_server
  resolver_of "$C" $server4
  relay delay-us=8000 jitter-us=2000
  capture "$C" c0 '' -s 160
  local name size
  for name in www api shop; do
    for size in 1 20 100; do on_client curl -s -o /dev/null http://$name.example.com/$size; done
  done
  for size in 1 20 100; do on_client curl -s -4 -o /dev/null http://mail.example.com/$size & done
  sleep 4
  echo_from "$C" $server4
  captured
}

# Every kind of answer: data, no data, no such name, TXT, too long for UDP and repeated over TCP.
record_dns() {
  . "$here/big_zone.sh"
  big_zone
  resolver_of "$C" $server4
  capture "$C" c0
  on_client dig @$server4 www.example.com A
  on_client dig @$server4 www.example.com MX
  on_client dig @$server4 nothing.example.com A
  on_client dig +noedns @$server4 www.example.com AAAA
  on_client dig @$server4 mail.example.com TXT
  on_client dig @$server4 example.com DNSKEY
  on_client dig +tcp @$server4 example.com SOA
  on_client dig @$server6 ns.example.com A
  on_client getent ahosts www.example.com
  sleep 16
  echo_from "$C" $server4
  captured
}

# A resolver and its clients on all interfaces of the resolver: each question on two legs.
record_resolver() {
  dns_server "$S" $server4
  other_zones
  resolver
  capture "$R" any
  local client
  for client in 11 12 13; do ask 192.0.2.$client {www,mail,api,shop,ftp}.example.com {a,b,c}.example.net x.shop.example; done
  sleep 16
  echo_from "$C" 192.0.2.1
  captured
}

# A router on all its interfaces: each packet comes in and goes out again with one hop less.
record_forwarded() {
  dns_server "$S" $server4
  web_server
  resolver_of "$C" $server4
  capture "$R" any '' -s 160
  on_client curl -s -o /dev/null http://www.example.com/20
  on_client curl -s -4 -o /dev/null http://api.example.com/20
  on_client getent ahosts shop.example.com
  sleep 16
  echo_from "$C" $server4
  captured
}

# The same router with masquerading: each packet comes in and goes out again with another address.
record_masqueraded() {
  dns_server "$S" $server4
  web_server
  resolver_of "$C" $server4
  on_router nft add table ip nat
  on_router nft add chain ip nat out '{ type nat hook postrouting priority 100; }'
  on_router nft add rule ip nat out oifname r1 masquerade
  capture "$R" any '' -s 160
  local i
  for i in 1 2 3; do on_client curl -s -4 -o /dev/null http://host$i.example.com/20; done
  on_client getent ahosts shop.example.com
  sleep 16
  echo_from "$C" $server4
  captured
}

# An upload and a download at once over a path with jitter, then a connection that idles and is reset.
record_bulk() {
  relay delay-us=15000 jitter-us=5000
  listener receive=1 send=500000 receive=300000 wait=1 send=10 wait=12
  capture "$R" r0 '' -s 100
  talker send=300001 receive=500000 receive=10 wait=5 reset=
  sleep 2
  echo_from "$C" $server4
  captured
}
