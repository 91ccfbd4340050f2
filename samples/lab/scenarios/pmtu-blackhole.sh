# pmtu-blackhole: a link of 1400 bytes behind the router, and nobody says so. The server sends full
# segments of 1500 bytes; 100 bytes of each packet are kept.

narrow() { ip -n "$R" link set r0 mtu 1400; }
mute() { filter "$R" "output icmp type destination-unreachable drop" "output icmpv6 type packet-too-big drop"; }
# A request of 100 bytes, an answer of 200, then a long answer that ends in a small segment. With
# 7440 bytes that segment is in the first flight, with 20200 it waits behind the lost ones.
serve() { listener receive=100 send=200 wait=0.2 send=$1 wait=60; }
visit() { talker send=100 receive=200 receive=20200 & }

# Seen by the sender: full segments are repeated, the small last one is acknowledged by SACK, and an
# echo in the middle of the stall is answered.
record_fires() {
  relay delay-us=20000
  narrow; mute; serve 7440
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 5
  echo_from "$S" $client4
  sleep 9
  captured
}

# The same without the echo: the acknowledged small segment is all that speaks for the path.
record_fires-tail() {
  relay delay-us=20000
  narrow; mute; serve 7440
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 14
  captured
}

# The small segment cannot be sent; an echo of 1000 bytes shows that the path lives.
record_fires-echo() {
  relay delay-us=20000
  narrow; mute; serve 20200
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 3
  echo_from "$S" $client4 1000
  sleep 6
  captured
}

# The sender probes (tcp_mtu_probing=1): smaller segments get through after some seconds.
record_fires-cured() {
  on_server sysctl -qw net.ipv4.tcp_mtu_probing=1
  relay delay-us=20000
  narrow; mute; serve 20200
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 14
  captured
}

# Seen by the receiver: a hole of full segments that never fills, with four small ones behind it.
record_fires-receiver() {
  relay delay-us=20000
  narrow; mute
  listener receive=100 send=200 wait=0.2 send=7440 wait=0.006 send=100 wait=0.006 send=100 wait=0.006 send=100 wait=60
  capture "$C" c0 '' -s 100
  visit
  established
  sleep 14
  echo_from "$C" $server4
  captured
}

record_fires-v6() {
  local service=$server6
  relay delay-us=20000
  narrow; mute; serve 7340
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 5
  echo_from "$S" $client6
  sleep 9
  captured
}

# The router says so, and the sender adapts within a round trip.
record_quiet-discovery() {
  relay delay-us=20000
  narrow; serve 20200
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 5
  captured
}

# The path dies altogether: no size gets through, nothing comes back.
record_quiet-path-dies() {
  relay delay-us=20000
  listener receive=100 send=200 wait=2 send=20200 wait=60
  capture "$S" s0 '' -s 100
  visit
  established
  sleep 1
  filter "$R" "forward tcp sport 8080 drop" "forward tcp dport 8080 drop"
  sleep 22
  captured
}

# One full segment is lost four times in a row while others of its size pass.
record_quiet-unlucky() {
  relay delay-us=20000
  filter "$R" "forward tcp sport 8080 @ih,0,32 0xeeeeeeee numgen inc mod 1000 < 4 drop"
  listener receive=100 send=200 wait=0.2 send=1448x6 mark=1448 send=1448x30 send=300 wait=6
  capture "$S" s0 '' -s 100
  talker send=100 receive=200 receive=53876 &
  established
  sleep 9
  captured
}

# A sender that always probes (tcp_mtu_probing=2): its first flight of full segments is lost, and it
# goes on with 1024 bytes within a tenth of a second.
record_fires-probing() {
  on_server sysctl -qw net.ipv4.tcp_mtu_probing=2
  relay delay-us=20000
  narrow; mute
  listener receive=100 send=200 wait=0.2 send=200000 wait=2
  capture "$S" s0 '' -s 100
  talker send=100 receive=200200 &
  established
  sleep 7
  captured
}

# The user does not wait: after two seconds the connection is closed, and another one, on which only
# small segments go, opens at once.
record_fires-reconnect() {
  relay delay-us=20000
  narrow; mute
  on_server python3 "$here/peer.py" listen $server4 8080 receive=100 send=200 wait=0.2 send=20200 wait=60 &
  until on_server ss -lnt | grep -q ':8080 '; do sleep 0.05; done
  capture "$S" s0 '' -s 100
  talker send=100 receive=200 wait=2.2 reset
  sleep 0.5
  on_server python3 "$here/peer.py" listen $server4 8081 receive=100 send=200 &
  sleep 0.5
  on_client python3 "$here/peer.py" connect $server4 8081 send=100 receive=200
  sleep 2
  captured
}

get() { on_client curl -s -m 40 -o /dev/null http://$server4/$1; }
# A small file every SECONDS, COUNT times, beside whatever goes on.
visits() { local i; for i in $(seq $2); do get 1 & sleep $1; done; }

# Full segments pass, then for eight seconds they do not, then they do: two transfers hang until their
# next timeout, while small files arrive all the time.
record_fires-repaired() {
  relay delay-us=20000
  web_server
  capture "$S" s0 '' -s 100
  get 20
  narrow; mute
  get 20 & get 20 &
  visits 0.9 10
  ip -n "$R" link set r0 mtu 1500
  visits 0.9 9
  get 20
  captured
}

# For three seconds nothing passes, three times: no question of size.
record_quiet-interrupted() {
  relay delay-us=10000
  web_server
  capture "$S" s0 '' -s 100
  visits 0.3 60 &
  for i in 1 2 3; do
    get 100 & get 20 &
    sleep 0.06
    filter "$R" "forward tcp sport 80 drop"
    sleep 3
    on_router nft flush ruleset
    sleep 3
  done
  sleep 5
  captured
}

# A rate limit of 20 KB/s that forgives no more than two full segments: small ones slip through, and
# some full ones are lost again and again.
record_quiet-policed() {
  relay delay-us=10000
  web_server
  capture "$S" s0 '' -s 100
  filter "$R" "forward tcp sport 80 limit rate over 20 kbytes/second burst 3 kbytes drop"
  visits 0.4 40 &
  for i in $(seq 8); do get 100 & get 20 & get 100 & sleep 2; done
  sleep 6
  captured
}
