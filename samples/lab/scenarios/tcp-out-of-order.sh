# tcp-out-of-order: segments that overtake each other, and files whose order lies. Seen by the
# receiver. 100 bytes of each packet are kept.

# Three segments in a hundred are overtaken by others; a sender told to expect it repeats nothing.
record_fires() {
  on_server sysctl -qw net.ipv4.tcp_reordering=200 net.ipv4.tcp_max_reordering=300 net.ipv4.tcp_recovery=0
  relay delay-us=10000 reorder-ppm=30000 reorder-us=1000 from=b seed=3
  transfer 800000 "$C" c0
}

# The same path under a sender with default settings: it takes the overtaken for lost.
record_fires-costly() {
  relay delay-us=10000 reorder-ppm=30000 reorder-us=9000 from=b seed=3
  transfer 800000 "$C" c0
}

# Nothing is out of order, something is lost: holes that repeats fill a round trip later.
record_quiet-loss() {
  relay delay-us=20000
  lose_segments 20
  transfer 362000 "$C" c0
}
