# Resolvers and the servers they ask. Sourced by scenarios.

# resolver_at NAMESPACE ADDRESS : unbound; whom it asks is configured on standard input.
resolver_at() {
  {
    cat <<-END
	server:
	  interface: $2
	  access-control: 192.0.2.0/24 allow
	  username: ""
	  chroot: ""
	  pidfile: ""
	  directory: "$work"
	  use-syslog: no
	  do-ip6: no
	  do-daemonize: no
	  num-threads: 1
	  module-config: "iterator"
	remote-control:
	  control-enable: no
	END
    cat
  } > "$work/unbound.$2.conf"
  ip netns exec "$1" unbound -d -c "$work/unbound.$2.conf" &
  wait_for_port "$1" "$2"
}

# resolver [ADDRESS] : on the router, for the clients 192.0.2.10 to .14. example.com is delegated to
# $server4, every other zone to $other4; what answers there, if anything, is the scenario's business.
# $resolver_options, if set, are lines of unbound's server section.
resolver() {
  local zone last
  for last in 11 12 13 14; do ip -n "$C" addr replace 192.0.2.$last/24 dev c0; done
  {
    cat <<-END
	server:
	  local-zone: "example." nodefault
	  local-zone: "test." nodefault
	  local-zone: "invalid." nodefault
	  ${resolver_options:-}
	stub-zone:
	  name: example.com
	  stub-addr: $server4
	END
    for zone in example.net example.org example test; do
      printf 'stub-zone:\n  name: %s\n  stub-addr: %s\n' $zone $other4
    done
  } | resolver_at "$R" "${1:-192.0.2.1}"
}

# other_zones: every name in the other zones has an address.
other_zones() {
  on_server dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --user=root --pid-file= --bind-interfaces \
    --listen-address=$other4 --except-interface=lo --address=/example.net/example.org/example/test/$web4 \
    --address=/example.net/example.org/example/test/$web6 --local-ttl=300 --log-facility=/dev/null &
  wait_for_port "$S" $other4
}

# expired_zones ADDRESS ZONE... : an authoritative server, nsd, that is configured for zones of which it
# has no copy, as a secondary whose primary is gone: SERVFAIL for every name. Its process id in $served.
expired_zones() {
  local address=$1 zone
  shift
  {
    cat <<-END
	server:
	  ip-address: $address
	  username: ""
	  zonesdir: "$work"
	  pidfile: "$work/nsd.$address.pid"
	  database: ""
	  xfrdfile: "$work/xfrd.$address"
	  zonelistfile: "$work/zone.list.$address"
	  xfrdir: "$work"
	  server-count: 1
	  rrl-ratelimit: 0
	remote-control:
	  control-enable: no
	END
    for zone; do printf 'zone:\n  name: %s\n  zonefile: none\n  request-xfr: 127.0.0.1 NOKEY\n' $zone; done
  } > "$work/nsd.$address.conf"
  ip netns exec "$S" nsd -d -c "$work/nsd.$address.conf" &
  served=$!
  wait_for_port "$S" $address
}

# ask FROM NAME... : one A query for each name, from that address.
ask() { on_client python3 "$here/stub.py" --from "$@" 192.0.2.1; }
