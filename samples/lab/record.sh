#!/bin/bash
# Records the samples again: record.sh [-j JOBS] [ID[/NAME]...], all of them without arguments.
#
# scenarios/<id>.sh holds one function per capture, record_<name>; each runs in a lab of its own and
# writes samples/<id>/<name>.pcap. Captures that no kernel makes on request come from craft.py. After
# a recording, look at the capture, correct the frame numbers in its expectation, run rehash.py.
set -u
here=$(cd "$(dirname "$0")" && pwd)
samples=$(dirname "$here")

jobs=9
if [ "${1:-}" = -j ]; then jobs=$2; shift 2; fi

if [ "$(id -u)" != 0 ]; then
  echo "record.sh: skipped: network namespaces need root" >&2
  exit 77
fi
for tool in ip nft tcpdump ethtool dnsmasq unbound nsd dig curl python3 g++; do
  command -v $tool > /dev/null || { echo "record.sh: skipped: $tool is not installed" >&2; exit 77; }
done

. "$here/lab.sh"

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
g++ -std=c++20 -O2 -o "$tools/relay" "$here/relay.cpp" || exit 1

record() {
  local id=$1 name=$2
  (
    lab_up
    trap 'lab_down 2> /dev/null' EXIT
    trap 'exit 1' HUP INT TERM
    . "$here/scenarios/$id.sh"
    mkdir -p "$samples/$id"
    out="$work/$name.pcap"
    "record_$name" > "$work/log" 2>&1 || { echo "FAILED $id/$name"; cat "$work/log"; exit 1; }
    mv "$out" "$samples/$id/$name.pcap"
    echo "recorded $id/$name"
  )
}

scenes() { sed -n 's/^record_\([a-z0-9-]*\)() {$/\1/p' "$here/scenarios/$1.sh"; }

wanted=("$@")
if [ ${#wanted[@]} = 0 ]; then
  for file in "$here"/scenarios/*.sh; do wanted+=("$(basename "$file" .sh)"); done
fi
failed=0
for want in "${wanted[@]}"; do
  id=${want%%/*}
  if [ "$id" = "$want" ]; then names=$(scenes "$id"); else names=${want#*/}; fi
  for name in $names; do
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || failed=1; done
    record "$id" "$name" &
  done
done
while [ -n "$(jobs -rp)" ]; do wait -n || failed=1; done
exit $failed
