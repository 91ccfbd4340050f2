#!/usr/bin/env python3
"""Makes one sample out of another: what a capture looks like when the capturing went wrong.

edit.py IN OUT EDIT...   edits are made in the order given; frame numbers are those before the edit

  keep=3-9,12   only these frames         drop=7,9-11   all but these
  snaplen=60    cut each packet           tear=20       cut so many bytes off the end of the file
  copy-us=15    a second copy of each packet, so many microseconds later (a mirror port set twice)
  set-back=9    the clock is set back by an hour before that frame; 9:4900 by so many milliseconds
  nat=A>B       all interfaces of a router that masquerades A as B: each IPv4 packet of A twice
  merge=3       as pcapng from two interfaces that take turns; what the second one saw comes that many
                places late in the file, with the right time
  clocks=400    as pcapng from two interfaces that see everything; the second one's clock is so many
                milliseconds ahead
"""
import os
import sys

import pcap
from packets import address, checksum


def numbers(text):
    chosen = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        chosen.update(range(int(first), int(last or first) + 1))
    return chosen


def masqueraded(packets, inside, outside):
    """What the far side of the router sees: later on the way out, earlier on the way in."""
    copies = []
    for packet in packets:
        data = bytearray(packet.data)
        for at, delay in ((26, 30), (30, -30)):
            if data[12:14] == b"\x08\x00" and data[at : at + 4] == address(inside):
                data[at : at + 4] = address(outside)
                data[22] += -1 if delay > 0 else 1
                data[24:26] = bytes(2)
                data[24:26] = checksum(data[14:34]).to_bytes(2, "big")
                if data[23] == 17:
                    data[40:42] = bytes(2)  # no checksum
                copies.append(pcap.Packet(packet.time + delay, bytes(data), packet.length))
                break
    return copies


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
        elif name == "set-back":
            frame, _, millis = value.partition(":")
            for packet in packets[int(frame) - 1 :]:
                packet.time -= int(millis or 3600000) * 1000
        elif name == "nat":
            packets = sorted(packets + masqueraded(packets, *value.split(">")), key=lambda p: p.time)
        elif name == "merge":
            late = sorted(enumerate(packets), key=lambda pair: pair[0] + int(value) * (pair[0] % 2) + pair[0] % 2 / 2)
            pcap.write_pcapng(target, [(number % 2, packet) for number, packet in late], ["eth0", "eth1"], link)
            return
        elif name == "clocks":
            ahead = int(value) * 1000
            seen = [(i, pcap.Packet(p.time + i * ahead, p.data, p.length)) for p in packets for i in (0, 1)]
            pcap.write_pcapng(target, seen, ["eth0", "eth1"], link)
            return
        else:
            raise SystemExit(f"edit.py: no such edit: {edit}")
    pcap.write(target, packets, link, snaplen)
    if torn:
        os.truncate(target, os.path.getsize(target) - torn)


main()
