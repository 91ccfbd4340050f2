# tcp-refused: connection attempts answered by RST.

attempt() { on_client python3 "$here/peer.py" connect $server4 9001; }

# No listener: the server's kernel refuses.
record_fires() {
  capture "$C" c0
  attempt
  attempt
  sleep 5
  echo_from "$C" $server4
  captured
}

# A router refuses in the name of the server: the hop limit of the RST tells.
record_fires-firewall() {
  on_server python3 -m http.server 9001 --bind :: > /dev/null 2>&1 &
  filter "$R" "forward tcp dport 9001 reject with tcp reset"
  capture "$C" c0
  echo_from "$C" $server4
  attempt
  attempt
  sleep 5
  echo_from "$C" $server4
  captured
}

# No listener over IPv6 either.
record_fires-v6() {
  capture "$C" c0
  on_client python3 "$here/peer.py" connect $server6 9001
  sleep 5
  echo_from "$C" $server6
  captured
}

# Happy Eyeballs: nothing listens on IPv6, curl goes on with IPv4 at once.
record_quiet-happy-eyeballs() {
  dns_server "$S" $server4
  web_server
  resolver_of "$C" $server4
  filter "$S" "input ip6 daddr $web6 tcp dport 80 reject with tcp reset"
  capture "$C" c0
  on_client curl -s -o /dev/null http://www.example.com/1
  sleep 5
  echo_from "$C" $server4
  captured
}

# A balancer's health check: SYN, SYN-ACK, RST. The client ends it, nobody refused.
record_quiet-health-check() {
  web_server
  capture "$S" s0
  on_client python3 "$here/syn.py" --interface c0 --gateway 00:00:5e:00:53:01 --target $server4:80 \
    --count 10 --rate 2 --own $client4
  captured
}

# A connection that its client resets after data.
record_quiet-reset() {
  listener receive=3000
  capture "$C" c0
  talker send=1000 wait=0.3 reset=
  sleep 5
  echo_from "$C" $server4
  captured
}
