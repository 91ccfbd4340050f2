#!/usr/bin/env python3
"""Makes one sample out of another: what a capture looks like when the capturing went wrong.

edit.py IN OUT EDIT...   edits are made in the order given; frame numbers are those before the edit

  keep=3-9,12   only these frames         drop=7,9-11   all but these
  snaplen=60    cut each packet           tear=20       cut so many bytes off the end of the file
  copy-us=15    a second copy of each packet, so many microseconds later (a mirror port set twice)
  merge=3       as pcapng from two interfaces that take turns; what the second one saw comes that many
                places late in the file, with the right time
"""
import os
import sys

import pcap


def numbers(text):
    chosen = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        chosen.update(range(int(first), int(last or first) + 1))
    return chosen


def main():
    source, target, *edits = sys.argv[1:]
    link, packets = pcap.read(source)
    snaplen, torn = 262144, 0
    for edit in edits:
        name, _, value = edit.partition("=")
        if name in ("keep", "drop"):
            chosen = numbers(value)
            packets = [p for i, p in enumerate(packets, 1) if (i in chosen) == (name == "keep")]
        elif name == "snaplen":
            snaplen = int(value)
        elif name == "tear":
            torn = int(value)
        elif name == "copy-us":
            copies = [pcap.Packet(p.time + int(value), p.data, p.length) for p in packets]
            packets = sorted(packets + copies, key=lambda p: p.time)
        elif name == "merge":
            late = sorted(enumerate(packets), key=lambda pair: pair[0] + int(value) * (pair[0] % 2) + pair[0] % 2 / 2)
            pcap.write_pcapng(target, [(number % 2, packet) for number, packet in late], ["eth0", "eth1"], link)
            return
        else:
            raise SystemExit(f"edit.py: no such edit: {edit}")
    pcap.write(target, packets, link, snaplen)
    if torn:
        os.truncate(target, os.path.getsize(target) - torn)


main()
