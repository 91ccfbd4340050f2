# port-scan: one source that tries everything, and one that only visits often.

scan() { on_client python3 "$here/syn.py" --interface c0 --gateway 00:00:5e:00:53:01 --own $client4 "$@"; }

# A hundred ports of one host, half-open: RST from closed ports, one SYN-ACK that the scanner resets.
record_fires() {
  web_server
  capture "$C" c0
  scan --target "$(seq -s, -f "$server4:%g" 20 119)" --count 100 --rate 200
  sleep 5
  echo_from "$C" $server4
  captured
}

# Forty hosts, one port: some refuse, most are silent.
record_fires-hosts() {
  on_router ip route add blackhole 203.0.113.0/24
  local i
  for i in 20 30 40; do on_server ip addr add 203.0.113.$i/32 dev lo; on_router ip route add 203.0.113.$i via $server4; done
  capture "$C" c0
  scan --target "$(seq -s, -f '203.0.113.%g:22' 10 49)" --count 40 --rate 50
  sleep 6
  echo_from "$C" $server4
  captured
}

# One client, forty connections to one port, all of them used.
record_quiet-busy-client() {
  web_server
  capture "$C" c0 '' -s 80
  local i
  for i in $(seq 40); do on_client curl -s -o /dev/null http://$web4/1; done
  captured
}

# A monitor that checks four ports every second, half-open.
record_quiet-monitor() {
  local port
  for port in 22 25 80 443; do
    on_server python3 -m http.server $port --bind $server4 > /dev/null 2>&1 &
  done
  sleep 1
  capture "$C" c0
  scan --target "$server4:22,$server4:25,$server4:80,$server4:443" --count 40 --rate 4
  sleep 4
  captured
}
