# tcp-syn-flood: half-open connections by the hundred, and crowds that only look like it. Seen at the
# server. Sources are out of 198.18.0.0/15, which the router throws away on the way back, so that no
# RST ends a half-open connection. 80 bytes of each packet are kept.

foreign_sources() { on_router ip route add blackhole 198.18.0.0/15; }
flood() {
  on_client python3 "$here/syn.py" --interface c0 --gateway 00:00:5e:00:53:01 --target $server4:80 "$@"
}
visit() { on_client python3 "$here/peer.py" connect $server4 80 give-up="$1"; }
# crowd N STEP...: N clients with an address each, all within a second.
crowd() {
  on_client ip route add local 198.18.0.0/24 dev lo
  on_router ip route replace 198.18.0.0/24 via $client4
  on_client python3 "$here/crowd.py" "$@"
}

# 150 SYNs a second for four seconds against SYN cookies: one SYN-ACK each, and visitors get in.
record_fires() {
  foreign_sources
  web_server
  on_server sysctl -qw net.ipv4.tcp_syncookies=2
  capture "$S" s0 '' -s 80
  visit 3
  visit 3
  flood --count 600 --rate 150 &
  sleep 2
  visit 3
  visit 3
  sleep 7
  visit 3
  captured
}

# The same without cookies: SYN-ACKs are repeated, the queue is full, and visitors stay outside.
record_fires-no-cookies() {
  foreign_sources
  web_server
  on_server sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=128
  capture "$S" s0 '' -s 80
  visit 3
  visit 3
  flood --count 600 --rate 150 &
  sleep 2
  local i
  for i in 1 2 3 4; do visit 5 & done
  sleep 10
  captured
}

# 200 SYNs in one second: suspected.
record_fires-short() {
  foreign_sources
  web_server
  on_server sysctl -qw net.ipv4.tcp_syncookies=2
  capture "$S" s0 '' -s 80
  visit 3
  flood --count 200 --rate 200
  sleep 6
  visit 3
  captured
}

# 30 SYNs a second for a minute.
record_fires-slow() {
  foreign_sources
  web_server
  on_server sysctl -qw net.ipv4.tcp_syncookies=2
  capture "$S" s0 '' -s 60
  flood --count 1800 --rate 30
  sleep 4
  captured
}

# 32 addresses of one network, each with few SYNs.
record_fires-carpet() {
  foreign_sources
  on_server ip route add local 203.0.113.0/24 dev lo
  on_router ip route replace 203.0.113.0/24 via $server4
  on_server sysctl -qw net.ipv4.tcp_syncookies=2
  web_server
  capture "$S" s0 '' -s 60
  on_client python3 "$here/syn.py" --interface c0 --gateway 00:00:5e:00:53:01 \
    --target "$(seq -s, -f '203.0.113.%g:80' 100 131)" --count 640 --rate 160
  sleep 7
  captured
}

# The port is dead and 150 clients try and try again.
record_quiet-dead-server() {
  filter "$S" "input tcp dport 80 drop"
  capture "$S" s0 '' -s 80
  crowd $server4 80 150 give-up=6.5
  sleep 5
  echo_from "$S" $client4
  captured
}

# SYN-ACKs are lost on the way back to 110 clients.
record_quiet-synack-lost() {
  web_server
  filter "$R" "forward tcp sport 80 drop"
  capture "$S" s0 '' -s 80
  crowd $server4 80 110 give-up=6.5
  sleep 5
  echo_from "$S" $client4
  captured
}

# 300 connections within a second, each completed and closed.
record_quiet-load-test() {
  on_server python3 "$here/crowd.py" --serve 80 &
  sleep 0.5
  capture "$S" s0 '' -s 80
  crowd $server4 80 300
  sleep 4
  echo_from "$S" $client4
  captured
}

# A health check ten times a second: SYN, SYN-ACK, RST.
record_quiet-health-checks() {
  web_server
  capture "$S" s0 '' -s 80
  flood --own $client4 --count 150 --rate 10
  sleep 2
  captured
}
