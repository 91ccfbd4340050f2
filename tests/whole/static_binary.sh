#!/usr/bin/env bash
# static_binary.sh STATIC RELEASE: the one file that is copied to a box needs nothing else there, is
# small, says of every sample what the release build says, and captures where there is no other file.
set -euo pipefail
static=$(realpath "$1") release=$(realpath "$2")
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
space=wf-static-$$
live=
cleanup() {
  [ -z "$live" ] || kill "$live" 2>/dev/null || true
  ip netns del "$space" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
fail() {
  echo "static binary: $*" >&2
  [ ! -f "$work/messages" ] || cat "$work/messages" >&2
  exit 1
}
# The same arguments give the same report.
same() {
  local wanted
  wanted=$("$release" analyze "$@")
  [ "$("$static" analyze "$@")" = "$wanted" ] || fail "another report: analyze $*"
}

size=$(stat -c %s "$static")
[ "$size" -lt 4000000 ] || fail "$size bytes; 4 MB is the most that it may have"
if readelf -lW "$static" | grep -q INTERP; then fail "it needs a loader and libraries"; fi

captures=(samples/*/*.pcap samples/*/*.pcapng)
for capture in "${captures[@]}"; do same -o json "$capture"; done
# Names of ports and rules of time zones are in files of the system, which libc finds by itself.
same -f 'udp port domain' "${captures[0]}"
TZ=Europe/Berlin same --tz local "${captures[0]}"
echo "static binary: $size bytes; ${#captures[@]} samples, the same reports"

skip() {
  echo "skipped: static binary in an empty root directory: $*"
  exit 0
}
[ "$(id -u)" -eq 0 ] || skip "needs root"
command -v ip >/dev/null || skip "needs ip, of iproute2"
root=$work/root
mkdir "$root"
chmod 755 "$work" "$root"
install -m 755 "$static" "$root/wirefault"

wanted=$("$release" analyze -o json - <"${captures[0]}")
[ "$(chroot "$root" /wirefault analyze -o json - <"${captures[0]}")" = "$wanted" ] ||
  fail "another report in an empty root directory"

# What is refused there and then is a finding that needs no server.
ip netns add "$space"
ip -n "$space" link set lo up
ip netns exec "$space" chroot "$root" /wirefault live -i lo --for 5s --plain --sandbox enforce \
  --sandbox-status -w /proof.pcapng >"$work/report" 2>"$work/messages" &
live=$!
for ((tries = 0; tries < 100; ++tries)); do
  grep -q 'watching lo' "$work/messages" && break
  kill -0 "$live" 2>/dev/null || break
  sleep 0.1
done
for _ in 1 2 3 4 5; do
  ip netns exec "$space" bash -c ': <>/dev/tcp/127.0.0.1/81' 2>/dev/null && fail "port 81 is open"
done
wait "$live" || fail "live ended with status $?"
live=
[ "$(grep -c '^  yes ' "$work/messages")" -ge 6 ] || fail "the sandbox does not hold"
if grep '^  NO ' "$work/messages" | grep -v 'no Landlock'; then fail "the sandbox does not hold"; fi
grep -q tcp-refused "$work/report" || fail "live did not report what was refused"
"$release" analyze "$root/proof.pcapng" | grep -q tcp-refused || fail "the evidence lacks it"
[ "$(ls "$root")" = "proof.pcapng
wirefault" ] || fail "it left files: $(ls "$root")"
echo "static binary: captures in an empty root directory, sandboxed"
