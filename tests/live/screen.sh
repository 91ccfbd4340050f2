#!/bin/sh
# The live screen in a real terminal (tmux), on a real interface in a network namespace: a resolver
# that answers nobody shows, keys work, the terminal's size is followed, and after q the summary is
# on the terminal and the shell has its echo back.
# usage: screen.sh PROGRAM      exit 77: cannot be tried here
set -eu
program=$1
[ "$(id -u)" = 0 ] || { echo "skipped: needs root for a network namespace"; exit 77; }
for tool in tmux ip python3; do
  command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done

space=wf-screen-$$
here=$(mktemp -d)
mux() { tmux -S "$here/tmux" -f /dev/null "$@"; }
cleanup() {
  mux kill-server 2>/dev/null || true
  ip netns del "$space" 2>/dev/null || true
  rm -rf "$here"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

picture() { mux capture-pane -p -t live; }
fail() { echo "FAIL: $1"; echo "--- the terminal:"; picture || true; exit 1; }
# Polls: nothing here is a matter of how fast the machine is.
expect() {
  tries=0
  until picture | grep -qF -- "$1"; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail "never showed: $1"
    sleep 0.1
  done
  echo "ok: $1"
}
expect_gone() {
  tries=0
  while picture | grep -qF -- "$1"; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || fail "still shows: $1"
    sleep 0.1
  done
}

ip netns add "$space" 2>/dev/null && ip -n "$space" link add wf8 type veth peer name wf9 2>/dev/null ||
  { echo "skipped: network namespaces cannot be made here"; exit 77; }
ip -n "$space" link set lo up
ip -n "$space" link add wf0 type veth peer name wf1
ip -n "$space" addr add 198.51.100.1/24 dev wf0
ip -n "$space" link set wf0 up
ip -n "$space" link set wf1 up
# A resolver that is there and says nothing: its address is known, so that queries do go out.
ip -n "$space" neigh add 198.51.100.53 lladdr 02:00:00:00:00:53 dev wf0

mux new-session -d -s live -x 80 -y 24 "env -u NO_COLOR TERM=screen ip netns exec $space sh"
mux send-keys -t live "'$program' live -i wf0" Enter
expect "Waiting for packets on wf0"

ip netns exec "$space" python3 - <<'PYTHON' &
import socket, time
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
# As a stub resolver does: each name three times before the next ones.
for turn in range(200):
    for attempt in range(3):
        for number in range(4):
            name = b"\x05w%04d\x07example\x03com\x00" % (turn * 4 + number)
            query = (turn * 4 + number + 1).to_bytes(2, "big") + b"\x01\x00\x00\x01" + bytes(6)
            out.sendto(query + name + b"\x00\x01\x00\x01", ("198.51.100.53", 53))
        time.sleep(1)
PYTHON
traffic=$!

expect "198.51.100.53"
expect "what "
mux send-keys -t live Enter
expect "detector  dns-unanswered"
mux send-keys -t live End
expect "what the client felt: no answer"
expect "esc back to the list"
mux send-keys -t live Escape
expect "up/down select"
mux send-keys -t live e
expect "What it means"
mux send-keys -t live q
mux send-keys -t live p
expect "PAUSED"
mux send-keys -t live p
expect_gone "PAUSED"
mux send-keys -t live m
expect "**F1"
mux send-keys -t live Escape
expect "up/down select"

mux resize-window -t live -x 40 -y 10
expect "enter ladder e explain ? help q quit"
[ "$(picture | wc -l)" = 10 ] || fail "not ten lines"
mux resize-window -t live -x 100 -y 30
expect "dns-unanswered"

mux send-keys -t live q
expect "What it means: wirefault explain"
mux send-keys -t live "echo back-\$((1 + 1))" Enter
expect "back-2"
expect "echo back-"
kill "$traffic" 2>/dev/null || true
echo "the live screen: all as expected"
