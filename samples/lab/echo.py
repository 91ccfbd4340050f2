#!/usr/bin/env python3
"""echo.py ADDRESS [LENGTH]: one ICMP or ICMPv6 echo of LENGTH payload bytes; waits a second for the reply.

The scenarios send it last: it shows that the path lives, and it moves the packet clock past the
deadlines of what went before.
"""
import os
import select
import socket
import struct
import sys


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


address = sys.argv[1]
payload = bytes(int(sys.argv[2]) if len(sys.argv) > 2 else 16)
if ":" in address:
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    kind = 128
else:
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    kind = 8
message = struct.pack("!2B3H", kind, 0, 0, os.getpid() & 0xFFFF, 1) + payload
if kind == 8:
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
sock.sendto(message, (address, 0))
select.select([sock], [], [], 1)
