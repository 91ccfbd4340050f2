# icmp-unreachable: errors that quote what could not be delivered.

web() {
  on_server python3 -m http.server 9001 --bind :: > /dev/null 2>&1 &
  until on_server ss -lnt | grep -q ':9001 '; do sleep 0.1; done
}
attempt() { on_client python3 "$here/peer.py" connect "$@"; }

# The router has no route: type 3 code 0.
record_fires-network() {
  capture "$C" c0
  attempt 203.0.113.7 9001
  sleep 5
  echo_from "$C" $server4
  captured
}

# The last router gets no answer to ARP: type 3 code 1 after three seconds, once per waiting packet.
record_fires() {
  capture "$C" c0
  attempt 198.51.100.99 9001 give-up=8
  sleep 4
  echo_from "$C" $server4
  captured
}

# The same over IPv6: type 1 code 3.
record_fires-v6() {
  capture "$C" c0
  attempt 2001:db8:2::99 9001 give-up=8
  sleep 4
  echo_from "$C" $server6
  captured
}

# The router has no IPv6 route: type 1 code 0.
record_fires-v6-network() {
  capture "$C" c0
  attempt 2001:db8:99::7 9001
  sleep 5
  echo_from "$C" $server6
  captured
}

# No DNS server on the host: type 3 code 3 for each query, and glibc gives up.
record_fires-dns-port() {
  resolver_of "$C" $server4
  capture "$C" c0
  on_client getent ahosts www.example.com
  sleep 8
  echo_from "$C" $server4
  captured
}

# A firewall that rejects a TCP port with port unreachable.
record_fires-reject() {
  web
  filter "$R" "forward tcp dport 9001 reject with icmp type port-unreachable"
  capture "$C" c0
  attempt $server4 9001
  sleep 5
  echo_from "$C" $server4
  captured
}

# A firewall that says the protocol is not supported: type 3 code 2.
record_fires-protocol() {
  web
  filter "$R" "forward tcp dport 9001 reject with icmp type prot-unreachable"
  capture "$C" c0
  attempt $server4 9001 give-up=8
  sleep 5
  echo_from "$C" $server4
  captured
}

# A traceroute with UDP: port unreachable is how it knows that it arrived.
record_quiet-traceroute() {
  capture "$C" c0
  on_client python3 -c '
import socket, time
for number in range(12):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1 + number // 3)
    sock.sendto(bytes(32), ("198.51.100.53", 33434 + number))
    time.sleep(0.2)
    sock.close()'
  sleep 5
  captured
}

# The route vanishes for a third of a second in the middle of a transfer: a soft error, and TCP goes on.
record_quiet-soft-error() {
  listener receive=3000
  capture "$C" c0
  (established; sleep 0.4; on_router ip route add unreachable $server4/32; sleep 0.3
   on_router ip route del unreachable $server4/32) &
  talker send=1000 wait=0.6 send=1000 wait=1.5 send=1000 wait=0.5
  sleep 3
  captured
}

# The client asks, gives up after a second and closes; the late answer meets a closed port.
record_quiet-late-answer() {
  dns_server "$S" $server4
  resolver_of "$C" $server4
  capture "$C" c0
  kill -STOP $served
  (sleep 1.5; kill -CONT $served) &
  on_client dig +time=1 +tries=1 @$server4 www.example.com
  on_client dig +time=1 +tries=1 @$server4 www.example.com
  sleep 17
  captured
}
