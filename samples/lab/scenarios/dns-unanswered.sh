# dns-unanswered: queries that nobody answers, and captures that only look like it.

. "$here/resolver.sh"

# One name server whose process hangs: glibc asks at 0 and 5 s and gives up at 10 s. The ping at the
# end shows that the host lives and lets the packet clock pass the last deadline.
record_fires() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  kill -STOP $served
  capture "$C" c0
  on_client getent ahosts www.example.com
  sleep 2.5
  echo_from "$C" $server4
  captured
}

# The same with three names: a server that answers nobody.
record_fires-server-down() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  capture "$C" c0
  on_client getent ahosts api.example.com
  kill -STOP $served
  local name
  for name in www mail shop; do on_client getent ahosts $name.example.com & done
  sleep 12.5
  echo_from "$C" $server4
  captured
}

# Two servers, the first silent: glibc gets its answers from the second, five seconds later.
record_fires-failover() {
  dns_server "$S" $other4
  filter "$S" "input ip daddr $server4 udp dport 53 drop"
  resolver_of "$C" $server4 $other4
  capture "$C" c0
  on_client getent ahosts www.example.com
  on_client getent ahosts mail.example.com
  sleep 2.5
  echo_from "$C" $server4
  captured
}

# One name only: too little to judge the server, but the user lost five seconds.
record_fires-failover-once() {
  dns_server "$S" $other4
  filter "$S" "input ip daddr $server4 udp dport 53 drop"
  resolver_of "$C" $server4 $other4
  capture "$C" c0
  on_client getent ahosts www.example.com
  sleep 2.5
  echo_from "$C" $server4
  captured
}

# One query in 31 is lost (3 %); the repeat five seconds later is answered at once.
record_fires-loss() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  filter "$R" "forward udp dport 53 numgen inc mod 31 == 17 drop"
  capture "$C" c0
  local i
  for i in $(seq 0 31); do on_client getent ahosts host$i.example.com; done
  sleep 6
  echo_from "$C" $server4
  captured
}

# A forwarding resolver with two upstream servers, one of them silent: its clients are answered.
record_fires-upstream() {
  dns_server "$S" $other4
  filter "$S" "input ip daddr $server4 udp dport 53 drop"
  resolver_at "$R" 192.0.2.1 <<-END
	forward-zone:
	  name: "."
	  forward-addr: $server4
	  forward-addr: $other4
	END
  resolver_of "$C" 192.0.2.1
  capture "$R" any
  local name
  for name in www mail api shop; do
    on_client getent ahosts $name.example.com
    sleep 0.5
  done
  sleep 8
  echo_from "$C" 192.0.2.1
  captured
}

# A server with two addresses that answers from the wrong one: the client's kernel drops the answers.
record_fires-wrong-source() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  filter "$S" "output udp sport 53 ip saddr set $other4"
  capture "$C" c0
  on_client getent ahosts www.example.com
  sleep 2.5
  echo_from "$C" $server4
  captured
}

# The capture ends two seconds after the query: nobody can know what became of it.
record_cut() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  capture "$C" c0
  on_client getent ahosts www.example.com
  kill -STOP $served
  on_client getent ahosts mail.example.com &
  sleep 1.8
  echo_from "$C" $server4
  captured
}

# The answer takes six seconds, and the client waits for it: slow, not unanswered.
record_quiet-late() {
  dns_server "$S" $server4
  capture "$C" c0
  (sleep 0.3; kill -STOP $served; sleep 6; kill -CONT $served) &
  sleep 0.5
  on_client dig +time=9 +tries=1 @$server4 www.example.com
  sleep 12
  echo_from "$C" $server4
  captured
}

# The server hangs for 5.2 s, then answers the queries and their repeats: each has its answer.
record_quiet-late-repeat() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  capture "$C" c0
  kill -STOP $served
  (sleep 5.2; kill -CONT $served) &
  on_client getent ahosts www.example.com
  sleep 12
  echo_from "$C" $server4
  captured
}

# Asks two servers at once, as musl does, and takes the first answer; the other server is silent.
record_quiet-parallel() {
  dns_server "$S" $other4
  filter "$S" "input ip daddr $server4 udp dport 53 drop"
  capture "$C" c0
  on_client python3 "$here/stub.py" --parallel www.example.com $server4 $other4
  sleep 17
  echo_from "$C" $other4
  captured
}

# Multicast DNS and LLMNR questions for a name that nobody has: silence is the answer.
record_quiet-multicast() {
  capture "$C" c0
  on_client python3 "$here/stub.py" --multicast printer.local
  sleep 8
  on_client python3 "$here/stub.py" --multicast printer.local
  sleep 8
  on_client python3 "$here/stub.py" --multicast scanner.local
  captured
}

# Only what the client sends was captured: no answer in sight, yet the client uses the names.
record_quiet-one-sided() {
  dns_server "$S" $server4
  web_server
  resolver_of "$C" $server4
  capture "$C" c0 "src host $client4 or src host $client6"
  local name
  for name in www mail api; do on_client curl -s -o /dev/null http://$name.example.com/1; done
  sleep 16
  echo_from "$C" $server4
  captured
}

# Ordinary lookups, all answered: edit.py makes copies of each packet from it.
record_quiet-answered() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  capture "$C" c0
  local name
  for name in www mail api shop; do on_client getent ahosts $name.example.com; done
  on_client getent ahosts nothing.example.com
  sleep 16
  echo_from "$C" $server4
  captured
}

# three_clients SECONDS : each looks up one name after the other, the first as glibc does it and the
# others as dig does, at most twice five seconds per name.
three_clients() {
  local last
  (for name in www mail api shop ftp $(seq -f 'host%g' 0 39); do
    on_client getent ahosts $name.example.com
    sleep 1
  done) > /dev/null &
  walkers=$!
  for last in 11 12; do
    (for name in www shop mail host$last ftp $(seq -f 'host%g' 20 39); do
      on_client dig -b 192.0.2.$last +time=5 +tries=2 @$server4 $name.example.com
      sleep 1
    done) > /dev/null &
    walkers="$walkers $!"
  done
  sleep $1
}

# For twenty seconds nothing gets through to the server; before and after it answers at once.
record_fires-outage() {
  ip -n "$C" addr add 192.0.2.11/24 dev c0
  ip -n "$C" addr add 192.0.2.12/24 dev c0
  dns_server "$S" $server4
  resolver_of "$C" $server4
  capture "$C" c0
  three_clients 4.5
  filter "$R" "forward udp dport 53 drop"
  sleep 20
  on_router nft flush table inet lab
  sleep 11
  kill $walkers
  echo_from "$C" $server4
  captured
}

# The same with a server that hangs: what it then says to the clients comes too late.
record_fires-hung() {
  ip -n "$C" addr add 192.0.2.11/24 dev c0
  ip -n "$C" addr add 192.0.2.12/24 dev c0
  dns_server "$S" $server4
  resolver_of "$C" $server4
  capture "$C" c0
  three_clients 4.5
  kill -STOP $served
  sleep 20
  kill -CONT $served
  sleep 11
  kill $walkers
  echo_from "$C" $server4
  captured
}

# limited_zone : nsd with ten addresses a second for the same network, of the answers above that every
# second one cut to nothing and the others dropped.
limited_zone() {
  cat > "$work/example.com.zone" <<-END
	\$ORIGIN example.com.
	\$TTL 300
	@ SOA ns hostmaster 1 3600 900 86400 300
	@ NS ns
	ns A $server4
	* A $web4
	END
  cat > "$work/nsd.conf" <<-END
	server:
	  ip-address: $server4
	  username: ""
	  zonesdir: "$work"
	  pidfile: "$work/nsd.pid"
	  database: ""
	  xfrdfile: "$work/xfrd"
	  zonelistfile: "$work/zone.list"
	  xfrdir: "$work"
	  server-count: 1
	  rrl-ratelimit: 10
	  rrl-slip: 2
	  rrl-whitelist-ratelimit: 0
	remote-control:
	  control-enable: no
	zone:
	  name: example.com
	  zonefile: example.com.zone
	END
  on_server nsd -d -c "$work/nsd.conf" &
  wait_for_port "$S" $server4
}

# A resolver asks an authoritative server that limits the rate of its responses.
record_fires-rate-limit() {
  limited_zone
  resolver
  capture "$R" r1
  ask 192.0.2.10 early.example.com
  sleep 2
  on_client python3 "$here/stub.py" --from 192.0.2.10 --rate 40 $(seq -f 'host%g.example.com' 100) 192.0.2.1
  sleep 14
  ask 192.0.2.10 late.example.com
  echo_from "$R" $server4
  captured
}

# A resolver that takes twenty queries a second from a client and drops the others.
record_fires-client-limit() {
  dns_server "$S" $server4
  resolver_options='ip-ratelimit: 20
	  ip-ratelimit-factor: 0'
  resolver
  capture "$C" c0
  on_client python3 "$here/stub.py" --from 192.0.2.10 --rate 4 $(seq -f 'host%g.example.com' 0 19) 192.0.2.1
  on_client python3 "$here/stub.py" --from 192.0.2.10 --rate 60 $(seq -f 'host%g.example.com' 0 39) 192.0.2.1
  sleep 12
  ask 192.0.2.10 www.example.com
  echo_from "$C" 192.0.2.1
  captured
}

# A box on the way drops what has an OPT record: glibc is answered, dig is not.
record_fires-edns-dropped() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  filter "$R" "forward udp dport 53 @th,144,16 != 0 drop"
  capture "$C" c0
  local name
  for name in www mail shop; do
    on_client getent ahosts $name.example.com
    on_client dig +time=2 +tries=2 @$server4 $name.example.com
  done
  on_client getent ahosts ftp.example.com
  sleep 6
  echo_from "$C" $server4
  captured
}

# A box on the way drops questions for HTTPS, which it does not know.
record_fires-type-dropped() {
  dns_server "$S" $server4
  filter "$R" "forward udp dport 53 @th,296,16 65 drop"  # of names of 17 octets
  capture "$C" c0
  local name
  for name in www ftp api; do
    on_client dig @$server4 $name.example.com
    on_client dig +time=2 +tries=2 @$server4 $name.example.com HTTPS
    on_client dig @$server4 $name.example.com AAAA
  done
  sleep 6
  echo_from "$C" $server4
  captured
}

# A router that loses every sixth AAAA query, which glibc sends as the second of two from one port:
# as conntrack does when both race for the entry of their flow.
record_fires-pair-race() {
  relay delay-us=5000
  dns_server "$S" $server4
  resolver_of "$C" $server4
  filter "$R" "forward udp dport 53 @th,320,16 28 numgen inc mod 6 == 3 drop"  # of names of 20 octets
  capture "$C" c0
  local i
  for i in $(seq 10 39); do on_client getent ahosts host$i.example.com; done
  sleep 6
  echo_from "$C" $server4
  captured
}

# A filter at the server drops what one of three clients asks.
record_fires-one-client() {
  ip -n "$C" addr add 192.0.2.11/24 dev c0
  ip -n "$C" addr add 192.0.2.12/24 dev c0
  dns_server "$S" $server4
  resolver_of "$C" $server4
  filter "$S" "input ip saddr 192.0.2.11 udp dport 53 drop"
  capture "$C" c0
  three_clients 34
  kill $walkers
  sleep 8
  echo_from "$C" $server4
  captured
}
