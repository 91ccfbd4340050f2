# dns-servfail-storm: SERVFAIL for many names, seen between clients and their resolver (unbound),
# because the authoritative server has lost its copy of the zones.

. "$here/resolver.sh"

twelve() { echo {www,mail,api,shop,ftp,ns,img,cdn,auth,blog,news,docs}.$1; }

# One zone broken, twelve names, four clients; 220 lookups in other zones are answered meanwhile.
record_fires() {
  expired_zones $server4 example.com
  resolver
  other_zones
  capture "$C" c0
  local name number=0 client
  for name in $(twelve example.com); do
    for client in 11 12 13 14; do
      ask 192.0.2.$client $name
      ask 192.0.2.$client w$((number += 1)).example.net a$number.shop.example b$number.bank.test \
        c$number.example.org d$number.news.example
    done
  done
  sleep 2
  ask 192.0.2.11 www.example.net
  captured
}

# The resolver has lost every upstream: twelve zones, four clients, nothing else.
record_fires-resolver() {
  expired_zones $server4 example.com
  expired_zones $other4 example.net example.org example test
  resolver
  capture "$C" c0
  local zone client
  for zone in example.com example.net example.org shop.example bank.example mail.example cdn.example \
    news.test auth.test api.test img.test blog.test; do
    for client in 11 12 13 14; do ask 192.0.2.$client www.$zone; done
  done
  sleep 2
  ask 192.0.2.11 www.shop.example
  captured
}

# The zone comes back after the storm; for 100 seconds more its names are answered.
record_fires-recovered() {
  expired_zones $server4 example.com
  local broken=$served
  resolver
  other_zones
  capture "$C" c0
  local name client
  for name in $(twelve example.com); do
    for client in 11 12 13 14; do ask 192.0.2.$client $name; done
  done
  kill $broken
  wait $broken
  sleep 6
  dns_server "$S" $server4
  local i
  for i in $(seq 20); do
    ask 192.0.2.1$((1 + i % 4)) host$i.example.com www.example.com
    sleep 5
  done
  captured
}

# A monitor asks for one broken name 300 times.
record_quiet-one-name() {
  expired_zones $server4 example.com
  resolver
  other_zones
  capture "$C" c0
  on_client python3 "$here/stub.py" --from 192.0.2.11 --repeat 300 --gap 0.1 www.example.com 192.0.2.1
  captured
}

# Many names that do not exist: an answer, not a failure.
record_quiet-nxdomain() {
  dns_server "$S" $server4
  resolver
  capture "$C" c0
  local i client
  for client in 11 12 13 14; do ask 192.0.2.$client $(seq -f 'x%g.example.com' 0 19); done
  captured
}

# SERVFAIL from the authoritative server to the resolver, which asks without recursion. Seen on the
# server's side of the resolver.
record_quiet-authoritative() {
  expired_zones $server4 example.com
  resolver
  capture "$R" r1
  local client
  for client in 11 12; do ask 192.0.2.$client $(twelve example.com); done
  sleep 2
  captured
}

# Eight failed lookups, then the capture ends: too few to speak of a storm.
record_cut() {
  expired_zones $server4 example.com
  resolver
  capture "$C" c0
  ask 192.0.2.11 {www,mail,api,shop}.example.com
  ask 192.0.2.12 {www,mail,api,shop}.example.com
  captured
}
