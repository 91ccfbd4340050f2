# tcp-retransmission: losses of each kind, seen by the sender and by the receiver, and traffic that
# repeats sequence numbers for other reasons. The server sends; 100 bytes of each packet are kept.

# The last segment of every thirteenth burst is lost; nothing behind it causes a duplicate ACK, so the
# sender probes (RFC 8985, section 7).
record_fires-tail() {
  relay delay-us=20000
  filter "$R" "forward tcp sport 8080 meta length 652 numgen inc mod 13 == 4 drop"
  listener $(for i in $(seq 45); do echo send=2048 wait=0.15; done)
  capture "$S" s0 '' -s 100
  talker receive=92160
  captured
}

# Every fiftieth segment is lost; SACK tells the sender at once.
record_fires() {
  relay delay-us=20000
  lose_segments 30
  transfer 362000 "$S" s0
}

# The same, seen where the segments arrive: holes, filled later.
record_fires-receiver() {
  relay delay-us=20000
  lose_segments 30
  transfer 362000 "$C" c0
}

# Nothing of what the server sends arrives for eight seconds.
record_fires-timeout() {
  relay delay-us=20000
  listener send=20000 wait=1 send=20000 receive=1
  capture "$S" s0 '' -s 100
  talker receive=40000 &
  established
  sleep 0.4
  filter "$R" "forward tcp sport 8080 drop"
  sleep 8
  on_router nft flush table inet lab
  sleep 8
  captured
}

# Two percent of all segments are lost at random.
record_fires-random() {
  relay delay-us=10000 loss-ppm=20000 from=b seed=5
  transfer 800000 "$S" s0
}

# A rate limit that drops what is above it, and queues nothing: 500 KB/s.
record_fires-policer() {
  relay delay-us=20000
  filter "$R" "forward tcp sport 8080 limit rate over 500 kbytes/second burst 30 kbytes drop"
  transfer 4000000 "$S" s0
}

# A slow link with a queue in front: round trips grow until the queue overflows.
record_fires-queue() {
  relay delay-us=20000
  on_server sysctl -qw net.ipv4.tcp_congestion_control=reno
  on_router tc qdisc add dev r0 root tbf rate 8mbit burst 10k latency 60ms
  transfer 2000000 "$S" s0
}

# The path forgets the connection while it is idle for 65 s; what the server sends then gets nowhere,
# while a new connection opens.
record_fires-idle() {
  listener send=20000 wait=66 send=600 wait=600
  capture "$S" s0 '' -s 100
  talker receive=20000 wait=600 &
  established
  sleep 60
  filter "$R" "forward tcp sport 8080 ct state established drop" "forward tcp dport 8080 drop"
  web_server
  sleep 14
  on_client curl -s -o /dev/null http://$server4/1
  sleep 8
  captured
}

# A sender that is never faster than its source, and losses at random: it keeps its rate, and no policer
# is to blame.
record_fires-paced() {
  relay delay-us=20000 loss-ppm=30000 from=b seed=3
  listener $(for i in $(seq 1000); do echo send=1448 wait=0.01; done)
  capture "$S" s0 '' -s 100
  talker receive=1448000
  captured
}

# The receiver reads little by little through a small buffer, and a fortieth of what comes is dropped.
record_fires-overloaded() {
  relay delay-us=20000
  lose_segments 20
  listener send=300000
  capture "$S" s0 '' -s 100
  talker buffer=4096 wait=2 receive=50000 wait=2 receive=250000
  captured
}

# The path stops for 0.6 s and then delivers everything: the repeats were needless.
record_fires-spurious() {
  relay delay-us=20000
  listener send=30000 wait=1 send=30000 wait=1 send=30000 wait=1
  capture "$S" s0 '' -s 100
  talker receive=90000 &
  established
  sleep 0.7
  kill -STOP "$relay"
  sleep 0.9
  kill -CONT "$relay"
  sleep 2.5
  captured
}

# A connection that idles for a minute, with a keep-alive every five seconds.
record_quiet-keepalive() {
  listener keepalive=5 send=1000 receive=10000
  capture "$S" s0 '' -s 100
  talker receive=1000 wait=61 send=10000
  captured
}

# The receiver does not read for twenty seconds; the sender probes the closed window.
record_quiet-zero-window() {
  listener send=200000
  capture "$S" s0 '' -s 100
  talker buffer=4096 wait=20 receive=200000
  captured
}

# A transfer without loss, with offload on: frames of many segments on the sender.
record_quiet-offload() {
  local end
  for end in "$S s0" "$R r1" "$R r0" "$C c0"; do
    set -- $end
    ip netns exec "$1" ethtool -K "$2" tx on tso on gso on gro on > /dev/null 2>&1
  done
  transfer 3000000 "$S" s0
}

# A transfer without loss: the parent of the edited captures.
record_quiet-healthy() {
  relay delay-us=5000
  transfer 400000 "$S" s0
}

# Over IPv6 there is no identification to tell late from repeated. Seen by the receiver.
record_fires-v6-receiver() {
  local service=$server6
  relay delay-us=20000
  lose_segments 30
  transfer 362000 "$C" c0 120
}

# Without SACK and timestamps, as some middleboxes leave it: three duplicate ACKs have to do.
record_fires-plain() {
  on_server sysctl -qw net.ipv4.tcp_sack=0 net.ipv4.tcp_timestamps=0
  relay delay-us=20000
  lose_segments 30
  transfer 362000 "$S" s0
}

# A transfer without loss over IPv6.
record_quiet-v6() {
  local service=$server6
  relay delay-us=5000
  transfer 200000 "$S" s0 120
}

get() { on_client curl -s -m 40 -o /dev/null http://$server4/$1; }
visits() { local i; for i in $(seq $2); do get 1 & sleep $1; done; }

# More than half of what the server sends is lost at random, whatever its size.
record_fires-lossy-path() {
  relay delay-us=10000 loss-ppm=600000 from=b seed=17
  web_server
  capture "$S" s0 '' -s 100
  for i in $(seq 12); do get 20 & visits 0.5 4; done
  sleep 6
  captured
}

# For eight seconds a link of 1400 bytes is in the way, and one transfer hangs; small files arrive.
record_fires-detour() {
  relay delay-us=20000
  web_server
  capture "$S" s0 '' -s 100
  get 20
  ip -n "$R" link set r0 mtu 1400
  filter "$R" "output icmp type destination-unreachable drop"
  get 20 &
  visits 0.9 10
  ip -n "$R" link set r0 mtu 1500
  visits 0.9 9
  captured
}
