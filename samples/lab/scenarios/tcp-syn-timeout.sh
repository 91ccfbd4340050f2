# tcp-syn-timeout: connection attempts that nobody answers.

drop_syn() { filter "$S" "input tcp dport 9001 tcp flags syn / syn,ack drop"; }
attempt() { on_client python3 "$here/peer.py" connect $server4 9001 "$@"; }
serve_9001() {
  on_server python3 -m http.server 9001 --bind :: > /dev/null 2>&1 &
  until on_server ss -lnt | grep -q ':9001 '; do sleep 0.1; done
}

# A firewall drops the SYNs: the schedule of a present kernel, one second four times, then doubling.
record_fires() {
  drop_syn
  capture "$C" c0
  attempt give-up=14
  sleep 3
  echo_from "$C" $server4
  captured
}

# The schedule of older kernels: 1, 3, 7, 15 s.
record_fires-old-schedule() {
  drop_syn
  on_client sysctl -qw net.ipv4.tcp_syn_linear_timeouts=0
  capture "$C" c0
  attempt give-up=20
  sleep 3
  echo_from "$C" $server4
  captured
}

# The first SYN of each attempt is lost; the second, a second later, succeeds.
record_fires-delayed() {
  serve_9001
  filter "$R" "forward tcp dport 9001 tcp flags syn / syn,ack numgen inc mod 2 == 0 drop"
  capture "$C" c0
  local i
  for i in 1 2 3 4; do attempt; done
  echo_from "$C" $server4
  captured
}

# Seen at the server: the SYN-ACKs leave and never arrive.
record_fires-synack-lost() {
  serve_9001
  filter "$R" "forward tcp sport 9001 tcp flags syn,ack / syn,ack drop"
  capture "$S" s0
  attempt give-up=9
  sleep 4
  echo_from "$S" $client4
  captured
}

# Seen at the client: the SYN-ACKs arrive and its own firewall drops them.
record_fires-synack-ignored() {
  serve_9001
  filter "$C" "input tcp sport 9001 drop"
  capture "$C" c0
  attempt give-up=9
  sleep 4
  echo_from "$C" $server4
  captured
}

# The name has two addresses. The first is silent, the second works after 4.5 s.
record_fires-second-address() {
  dns_server "$S" $server4
  web_server
  resolver_of "$C" $server4
  filter "$S" "input ip6 daddr $web6 tcp dport 80 drop"
  capture "$C" c0
  on_client python3 -c 'import socket; socket.create_connection(("www.example.com", 80), timeout=4.5).close()'
  sleep 8
  echo_from "$C" $server4
  captured
}

# two_addresses SCRIPT : the client looks up a name with two addresses, of which the first is silent,
# and does as the Python script says with both, and with the server's own address for another site.
two_addresses() {
  printf '%s shop2.example.com\n' $other4 $web4 > "$work/two"
  dns_server "$S" $server4 --addn-hosts="$work/two"
  web_server
  resolver_of "$C" $server4
  filter "$S" "input ip daddr $other4 tcp dport 80 drop"
  capture "$C" c0
  on_client python3 -c '
import socket, threading, time, sys
silent, second, site = sys.argv[2:]
socket.getaddrinfo("shop2.example.com", 80, socket.AF_INET)
def get(address, timeout=4.5):
    try: socket.create_connection((address, 80), timeout=timeout).close()
    except TimeoutError: pass
exec(sys.argv[1])' "$1" $other4 $web4 $server4
  sleep 8
  echo_from "$C" $server4
  captured
}

# It turns to the other address of the name, with another site opened meanwhile.
record_fires-listed-address() {
  two_addresses '
threading.Timer(2, get, [site]).start()
get(silent)
get(second)'
}

# It opens one other site meanwhile, and nothing else of the name.
record_fires-other-site() {
  two_addresses '
threading.Timer(2, get, [site]).start()
get(silent)'
}

# slow_listener ACCEPTED PAUSE: takes one connection each PAUSE seconds, ACCEPTED of them in all; its
# queue holds two.
slow_listener() {
  on_server python3 -c '
import socket, sys, time
queue = socket.create_server(("", 9001), backlog=1)
kept = []
for _ in range(int(sys.argv[1])):
    kept.append(queue.accept())
    time.sleep(float(sys.argv[2]))
time.sleep(600)' "$@" &
  until on_server ss -lnt | grep -q ':9001 '; do sleep 0.1; done
}

# Seen at the server, which takes a connection every 0.6 s while a client comes every 0.3 s: SYNs are
# dropped while others get through.
record_fires-accept-queue() {
  slow_listener 100 0.6
  capture "$S" s0
  local i
  for i in $(seq 24); do
    attempt give-up=9 wait=1 &
    sleep 0.3
  done
  sleep 9
  echo_from "$S" $client4
  captured
}

# The process takes eight connections and then no more: the queue fills up, and from there on nobody
# gets an answer. Another port of the host answers all the while.
record_fires-stuck() {
  slow_listener 8 0
  web_server
  capture "$C" c0
  local i
  for i in $(seq 14); do
    attempt give-up=6 wait=0.1 &
    on_client curl -s -o /dev/null http://$server4/1
    sleep 1
  done
  sleep 9
  echo_from "$C" $server4
  captured
}

# Happy Eyeballs: IPv6 is silent, curl has its IPv4 connection 0.2 s later and drops the other one.
record_quiet-happy-eyeballs() {
  dns_server "$S" $server4
  web_server
  resolver_of "$C" $server4
  filter "$S" "input ip6 daddr $web6 tcp dport 80 drop"
  capture "$C" c0
  on_client curl -s -o /dev/null http://www.example.com/1
  on_client curl -s -o /dev/null http://api.example.com/1
  sleep 6
  echo_from "$C" $server4
  captured
}

# Only what the client sends was captured: SYN, then an ACK and data. The connection was opened.
record_quiet-one-sided() {
  serve_9001
  capture "$C" c0 "src host $client4"
  attempt send=100 wait=4
  attempt send=100 wait=1
  echo_from "$C" $server4
  captured
}

# A closed port answers at once: refused, not silent.
record_quiet-refused() {
  capture "$C" c0
  attempt
  sleep 6
  echo_from "$C" $server4
  captured
}

# The capture ends two seconds after the SYN.
record_cut() {
  drop_syn
  capture "$C" c0
  attempt give-up=9 &
  sleep 2.3
  captured
}
