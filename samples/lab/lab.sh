# The three-node lab that the samples are recorded in. Sourced by record.sh.
#
#   client  c0 ---- r0  router  r1 ---- s0  server
#   192.0.2.10      192.0.2.1   198.51.100.1   198.51.100.53 (.54 too)
#   2001:db8:1::10  2001:db8:1::1  2001:db8:2::1  2001:db8:2::53 (::54 too)
#
# Every lab is a set of namespaces of its own (wf-<tag>-c, -r, -s), so that scenarios that take a
# minute can run side by side and nothing is ever sent on the machine's own network. Addresses are
# those of RFC 5737, RFC 3849 and RFC 2544. lab_down, called by a trap, ends what runs in the
# namespaces and deletes them.

client4=192.0.2.10 server4=198.51.100.53 other4=198.51.100.54
client6=2001:db8:1::10 server6=2001:db8:2::53 other6=2001:db8:2::54
web4=203.0.113.80 web6=2001:db8:80::80

lab_up() {
  lab=wf-$BASHPID
  C=$lab-c R=$lab-r S=$lab-s
  work=$(mktemp -d)
  local n
  for n in "$C" "$R" "$S"; do
    ip netns add "$n"
    # No router solicitations, no duplicate address detection: only the scenario's own packets.
    ip netns exec "$n" sysctl -qw net.ipv6.conf.default.router_solicitations=0 \
      net.ipv6.conf.default.accept_ra=0 net.ipv6.conf.default.accept_dad=0
    ip -n "$n" link set lo up
    mkdir -p "/etc/netns/$n"
    : > "/etc/netns/$n/resolv.conf"
  done
  ip link add c0 netns "$C" address 00:00:5e:00:53:10 type veth peer name r0 address 00:00:5e:00:53:01 netns "$R"
  ip link add s0 netns "$S" address 00:00:5e:00:53:53 type veth peer name r1 address 00:00:5e:00:53:02 netns "$R"
  # Offload would put half-made checksums and giant frames into the files.
  for n in "$C c0" "$R r0" "$R r1" "$S s0"; do
    set -- $n
    ip netns exec "$1" ethtool -K "$2" tx off tso off gso off gro off > /dev/null 2>&1
  done
  ip -n "$C" addr add $client4/24 dev c0
  ip -n "$R" addr add 192.0.2.1/24 dev r0
  ip -n "$R" addr add 198.51.100.1/24 dev r1
  ip -n "$S" addr add $server4/24 dev s0
  ip -n "$S" addr add $other4/24 dev s0
  ip -n "$C" addr add $client6/64 dev c0 nodad
  ip -n "$R" addr add 2001:db8:1::1/64 dev r0 nodad
  ip -n "$R" addr add 2001:db8:2::1/64 dev r1 nodad
  ip -n "$S" addr add $server6/64 dev s0 nodad
  ip -n "$S" addr add $other6/64 dev s0 nodad preferred_lft 0  # never a source by choice
  ip -n "$C" link set c0 up
  ip -n "$R" link set r0 up
  ip -n "$R" link set r1 up
  ip -n "$S" link set s0 up
  ip -n "$C" route add default via 192.0.2.1
  ip -n "$S" route add default via 198.51.100.1
  ip -n "$C" -6 route add default via 2001:db8:1::1
  ip -n "$S" -6 route add default via 2001:db8:2::1
  # The address that the names of example.com have.
  ip -n "$S" addr add $web4/32 dev lo
  ip -n "$S" addr add $web6/128 dev lo nodad
  route_to_web
  on_router sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  sleep 1  # multicast listener reports go out before any capture starts
}

route_to_web() {
  ip -n "$R" route add $web4 via $server4
  ip -n "$R" -6 route add $web6 via $server6
}

# relay KEY=VALUE... : puts relay.cpp between the router and the server, in a namespace of its own.
# The router's end is always side a.
relay() {
  W=$lab-w
  ip netns add "$W"
  ip netns exec "$W" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
  ip -n "$R" link set r1 netns "$W" name w1
  ip link add r1 netns "$R" address 00:00:5e:00:53:02 type veth peer name w0 netns "$W"
  ip netns exec "$R" ethtool -K r1 tx off tso off gso off gro off > /dev/null 2>&1
  ip netns exec "$W" ethtool -K w0 tx off tso off gso off gro off > /dev/null 2>&1
  ip -n "$R" addr add 198.51.100.1/24 dev r1
  ip -n "$R" addr add 2001:db8:2::1/64 dev r1 nodad
  ip -n "$W" link set w0 up
  ip -n "$W" link set w1 up
  ip -n "$R" link set r1 up
  route_to_web
  ip netns exec "$W" "$tools/relay" w0 w1 "$@" &
  relay=$!
  sleep 1.5
}

lab_down() {
  local n pid
  for n in "$C" "$R" "$S" ${W:-}; do
    for pid in $(ip netns pids "$n" 2> /dev/null); do
      kill -CONT "$pid" 2> /dev/null
      kill -KILL "$pid" 2> /dev/null
    done
    ip netns del "$n" 2> /dev/null
    rm -rf "/etc/netns/$n"
  done
  rm -rf "$work"
}

on_client() { ip netns exec "$C" "$@"; }
on_router() { ip netns exec "$R" "$@"; }
on_server() { ip netns exec "$S" "$@"; }

# capture NAMESPACE INTERFACE [FILTER [tcpdump options]]: record into $out until `captured`.
# Multicast listener reports stay out: the kernel sends them when it likes.
capture() {
  local namespace=$1 interface=$2 only=${3:+($3) and}
  shift $(($# > 3 ? 3 : $#))
  ip netns exec "$namespace" tcpdump -Z root -i "$interface" -n -U -B 8192 --immediate-mode -w "$out" "$@" \
    "$only not (ip6 and ip6[6] == 0)" 2> "$work/tcpdump" &
  dumper=$!
  until grep -q 'listening on' "$work/tcpdump"; do sleep 0.05; done
}

# echo_from NAMESPACE ADDRESS [LENGTH]
echo_from() {
  local namespace=$1
  shift
  ip netns exec "$namespace" python3 "$here/echo.py" "$@"
}

captured() {
  sleep 0.4
  kill -INT "$dumper"
  wait "$dumper" || true
  grep -q '^0 packets dropped by kernel' "$work/tcpdump" || cat "$work/tcpdump" >&2
}

# resolver_of NAMESPACE SERVER... : the resolv.conf that glibc reads there.
resolver_of() {
  local namespace=$1 server
  shift
  for server; do echo "nameserver $server"; done > "/etc/netns/$namespace/resolv.conf"
}

# filter NAMESPACE RULE... : an nftables table with one chain per hook; a rule starts with its hook.
filter() {
  local namespace=$1 hook rule
  shift
  ip netns exec "$namespace" nft add table inet lab
  for hook in input forward output; do
    ip netns exec "$namespace" nft add chain inet lab $hook "{ type filter hook $hook priority -500; }"
  done
  for rule; do ip netns exec "$namespace" nft add rule inet lab $rule; done
}

# dns_server NAMESPACE ADDRESS [dnsmasq options]: answers for example.com; its process id in $served.
dns_server() {
  local namespace=$1 address=$2
  shift 2
  local hosts="$work/hosts" i
  for i in www mail api shop ftp $(seq -f 'host%g' 0 39); do
    echo "$web4 $i.example.com"
    echo "$web6 $i.example.com"
  done > "$hosts"
  ip netns exec "$namespace" dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --addn-hosts="$hosts" \
    --user=root --pid-file= --bind-interfaces --listen-address="$address" --except-interface=lo \
    --local=/example.com/ --local-ttl=300 --log-facility=/dev/null "$@" &
  served=$!
  wait_for_port "$namespace" "$address"
}

# web_server: files of 1, 20 and 100 KB on port 80 of the server's addresses.
web_server() {
  mkdir -p "$work/web"
  local size
  for size in 1 20 100; do head -c ${size}000 /dev/zero | tr '\0' x > "$work/web/$size"; done
  on_server python3 -m http.server 80 --bind :: --directory "$work/web" > /dev/null 2>&1 &
  until on_server ss -lnt | grep -q ':80 '; do sleep 0.1; done
}

wait_for_port() {
  local i
  for i in $(seq 50); do
    ip netns exec "$1" ss -lnu "src $2" | grep -q ':53' && return
    sleep 0.1
  done
  echo "no DNS server came up at $2" >&2
  return 1
}

# listener STEP... and talker STEP... : the two ends of a connection to port 8080 of the server, at
# $service where a scenario sets it.
listener() {
  on_server python3 "$here/peer.py" listen ${service:-$server4} 8080 "$@" &
  until on_server ss -lnt | grep -q ':8080 '; do sleep 0.05; done
}
talker() { on_client python3 "$here/peer.py" connect ${service:-$server4} 8080 "$@"; }

established() { until on_server ss -Hnt state established sport = :8080 | grep -q .; do sleep 0.02; done; }

# transfer BYTES NAMESPACE INTERFACE [SNAPLEN] : the server sends that many to the client, seen there.
transfer() {
  listener send="$1"
  capture "$2" "$3" '' -s "${4:-100}"
  talker receive="$1"
  captured
}

# lose_segments N : the router drops every fiftieth of the server's full segments, first the Nth.
lose_segments() {
  filter "$R" "forward tcp sport 8080 meta length > 1400 numgen inc mod 50 == $1 drop"
}
