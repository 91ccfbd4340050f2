# icmp-frag-needed: a link of 1400 bytes behind the router, which says so. Seen at the sender.

serve() { listener receive=100 send=200 wait=0.2 send=20200 wait=60; }
visit() { talker send=100 receive=200 receive=20200 & }

# The sender adapts within a round trip: worth a note.
record_fires() {
  relay delay-us=20000
  ip -n "$R" link set r0 mtu 1400
  serve
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 5
  captured
}

record_fires-v6() {
  local service=$server6
  relay delay-us=20000
  ip -n "$R" link set r0 mtu 1400
  serve
  capture "$S" s0 '' -s 120
  visit
  established
  sleep 5
  captured
}

# The sender's own firewall drops the message: it goes on with the same size.
record_fires-ignored() {
  relay delay-us=20000
  ip -n "$R" link set r0 mtu 1400
  filter "$S" "input icmp type destination-unreachable drop"
  serve
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 14
  captured
}
