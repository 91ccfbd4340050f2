# dns-refused: servers that will not answer some clients, or for some zones.

. "$here/resolver.sh"

refuse_the_client() { resolver_options="access-control: $client4/32 refuse"; }

# The resolver's access list leaves out 192.0.2.10, a host with glibc; 192.0.2.11 is served.
record_fires() {
  refuse_the_client
  dns_server "$S" $server4
  resolver
  resolver_of "$C" 192.0.2.1
  capture "$C" c0
  ask 192.0.2.11 www.example.com
  on_client getent ahosts www.example.com
  on_client getent ahosts mail.example.com
  ask 192.0.2.11 mail.example.com api.example.com
  sleep 17
  captured
}

# The first of two resolvers refuses the client, the second answers.
record_fires-failover() {
  local second=192.0.2.2
  refuse_the_client
  dns_server "$S" $server4
  resolver
  ip -n "$R" addr add $second/24 dev r0
  resolver_options=
  resolver $second
  resolver_of "$C" 192.0.2.1 $second
  capture "$C" c0
  for host in www mail api; do on_client getent ahosts $host.example.com; done
  sleep 17
  captured
}

# A host uses the server of example.com as its resolver: other names are refused.
record_fires-foreign() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  capture "$C" c0
  on_client getent ahosts www.example.com
  on_client getent ahosts www.example.net
  on_client getent ahosts mail.example.com
  sleep 17
  captured
}

# Somebody looks whether the server would resolve any name for him, once.
record_quiet-probe() {
  dns_server "$S" $server4
  capture "$C" c0
  on_client python3 "$here/stub.py" --from $client4 www.example.com mail.example.com $server4
  on_client python3 "$here/stub.py" --from $client4 probe.example.net $server4
  sleep 17
  captured
}

# Zone transfers are refused, as they should be.
record_quiet-transfer() {
  dns_server "$S" $server4
  capture "$C" c0
  for i in 1 2 3 4; do on_client dig @$server4 example.net axfr > /dev/null; done
  on_client dig @$server4 www.example.com > /dev/null
  sleep 17
  captured
}

# Responses whose queries were not captured.
record_cut() {
  refuse_the_client
  resolver
  capture "$C" c0 "udp src port 53"
  ask $client4 www.example.com mail.example.com api.example.com
  captured
}
