# ip-fragment-loss: datagrams of 3000 bytes in three fragments, of which not all arrive.

# A receiver for UDP port 9000.
sink() {
  on_server python3 -c '
import socket, time
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.bind(("::", 9000))
time.sleep(300)' &
  until on_server ss -lnu | grep -q ':9000 '; do sleep 0.05; done
}
# datagrams ADDRESS COUNT LENGTH
datagrams() {
  on_client python3 -c '
import socket, sys, time
sock = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, 10, 0)  # IP_MTU_DISCOVER: no
for _ in range(int(sys.argv[2])):
    sock.sendto(bytes(int(sys.argv[3])), (sys.argv[1], 9000))
    time.sleep(0.3)' "$@"
}

# A stateless filter drops all but the first fragment; the receiver says so after thirty seconds.
record_fires() {
  sink
  filter "$R" "forward ip frag-off & 0x1fff != 0 drop"
  capture "$S" s0
  datagrams $server4 2 500
  datagrams $server4 3 3000
  sleep 33
  echo_from "$S" $client4
  captured
}

# The second of three fragments is lost, over IPv6; the receiver waits a minute.
record_fires-v6-middle() {
  sink
  filter "$R" "forward frag frag-off 181 drop"
  capture "$S" s0
  datagrams $server6 3 3000
  datagrams $server6 1 500
  sleep 64
  echo_from "$S" $client6
  captured
}

# First fragments are lost, so nobody can complain; the capture ends before the receiver gives up.
record_fires-first() {
  sink
  filter "$R" "forward ip frag-off & 0x3fff == 0x2000 drop"
  capture "$S" s0
  datagrams $server4 4 3000
  sleep 8
  echo_from "$S" $client4
  captured
}

# The capture ends a second after the last fragment.
record_cut() {
  sink
  filter "$R" "forward ip frag-off & 0x1fff != 0 drop"
  capture "$S" s0
  datagrams $server4 3 3000
  captured
}

# All fragments arrive.
record_quiet-complete() {
  sink
  capture "$S" s0
  datagrams $server4 4 3000
  datagrams $server6 4 3000
  sleep 32
  echo_from "$S" $client4
  captured
}

# Fragments overtake each other.
record_quiet-reorder() {
  sink
  relay reorder-ppm=300000 reorder-us=3000 from=a seed=4
  capture "$S" s0
  datagrams $server4 6 3000
  sleep 32
  echo_from "$S" $client4
  captured
}

# The answer of a DNS server, whole, through a capture filter on port 53: only first fragments match.
record_quiet-port-filter() {
  . "$here/big_zone.sh"
  big_zone
  capture "$C" c0 "port 53"
  local i
  for i in 1 2 3; do
    on_client dig +bufsize=4096 +ignore @$server4 example.com DNSKEY
    on_client dig @$server4 www.example.com
  done
  sleep 33
  on_client dig @$server4 www.example.com
  captured
}
