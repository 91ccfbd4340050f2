#!/usr/bin/env bash
# static_binary.sh STATIC RELEASE: the one file that is copied to a box needs nothing else there, is
# small, and says of every sample what the release build says.
set -euo pipefail
static=$(realpath "$1") release=$(realpath "$2")
cd "$(dirname "$0")/../.."

fail() {
  echo "static binary: $*" >&2
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
