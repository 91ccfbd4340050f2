# icmp-admin-prohibited: a filter that says so.

web() {
  on_server python3 -m http.server 9001 --bind :: > /dev/null 2>&1 &
  until on_server ss -lnt | grep -q ':9001 '; do sleep 0.1; done
}
attempt() { on_client python3 "$here/peer.py" connect "$@"; }

# A router on the path prohibits the port: type 3 code 13.
record_fires() {
  web
  filter "$R" "forward tcp dport 9001 reject with icmp type admin-prohibited"
  capture "$C" c0
  attempt $server4 9001
  attempt $server4 9001
  sleep 5
  echo_from "$C" $server4
  captured
}

# The server's own firewall: type 3 code 10, from the address that was asked.
record_fires-host() {
  web
  filter "$S" "input tcp dport 9001 reject with icmp type host-prohibited"
  capture "$C" c0
  attempt $server4 9001
  sleep 5
  echo_from "$C" $server4
  captured
}

# IPv6: type 1 code 1.
record_fires-v6() {
  web
  filter "$R" "forward tcp dport 9001 reject with icmpv6 type admin-prohibited"
  capture "$C" c0
  attempt $server6 9001
  sleep 5
  echo_from "$C" $server6
  captured
}

# DNS prohibited by the router.
record_fires-dns() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  filter "$R" "forward udp dport 53 reject with icmp type admin-prohibited"
  capture "$C" c0
  on_client getent ahosts www.example.com
  sleep 17
  echo_from "$C" $server4
  captured
}

# The firewall rejects what a scanner tries.
record_quiet-scan() {
  filter "$R" "forward tcp dport != 80 reject with icmp type admin-prohibited"
  web_server
  capture "$C" c0
  on_client python3 "$here/syn.py" --interface c0 --gateway 00:00:5e:00:53:01 --own $client4 \
    --target "$(seq -s, -f "$server4:%g" 60 99)" --count 40 --rate 10
  sleep 5
  captured
}
