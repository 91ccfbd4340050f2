#!/usr/bin/env python3
"""Stub resolvers that glibc is not.

stub.py --parallel NAME SERVER...   asks every server at once from one socket, A and AAAA, as musl does
stub.py --multicast NAME            asks over multicast DNS (RFC 6762) and LLMNR (RFC 4795)
stub.py --from ADDRESS [--repeat N] [--gap S] NAME... SERVER
                                    asks for each name once, from that address, each time from a new
                                    port; waits for each answer up to five seconds; never repeats
stub.py --from ADDRESS --rate N NAME... SERVER
                                    asks for N names a second, whatever comes back
"""
import argparse
import socket
import struct
import time

A, AAAA = 1, 28


def query(identifier, name, qtype, flags=0x0100):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    return struct.pack("!6H", identifier, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", qtype, 1)


def ask_all(name, servers):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(2.5)
    waiting = {}
    for identifier, qtype in ((0x3A01, A), (0x3A02, AAAA)):
        waiting[identifier] = qtype
        for server in servers:
            sock.sendto(query(identifier, name, qtype), (server, 53))
    while waiting:
        answer = sock.recv(4096)
        waiting.pop(struct.unpack("!H", answer[:2])[0], None)
    # musl closes its socket now; ours stays open so that a straggler causes no ICMP error.
    time.sleep(0.2)


def ask_multicast(name):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", 5353))
    sock.sendto(query(0, name, A, flags=0), ("224.0.0.251", 5353))
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.sendto(query(0x1CB7, name.split(".")[0], A, flags=0), ("224.0.0.252", 5355))


def ask_each(source, names, server, gap):
    for number, name in enumerate(names):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((source, 0))
        sock.settimeout(5)
        identifier = (int(source.rsplit(".", 1)[1]) * 4111 + number * 7919) % 65536
        sock.sendto(query(identifier, name, A), (server, 53))
        try:
            sock.recv(4096)
        except socket.timeout:
            print("no answer for", name)
        sock.close()
        time.sleep(gap)


def ask_at_rate(source, names, server, rate):
    sockets = []
    for number, name in enumerate(names):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((source, 0))
        sock.sendto(query(number * 7919 % 65536, name, A), (server, 53))
        sockets.append(sock)
        time.sleep(1 / rate)
    time.sleep(5)


parser = argparse.ArgumentParser()
parser.add_argument("--parallel", action="store_true")
parser.add_argument("--multicast", action="store_true")
parser.add_argument("--from", dest="source")
parser.add_argument("--repeat", type=int, default=1)
parser.add_argument("--rate", type=int)
parser.add_argument("--gap", type=float, default=0.02)
parser.add_argument("name")
parser.add_argument("servers", nargs="*")
arguments = parser.parse_args()
if arguments.source:
    names = [arguments.name, *arguments.servers[:-1]]
    if arguments.rate:
        ask_at_rate(arguments.source, names, arguments.servers[-1], arguments.rate)
        raise SystemExit
    ask_each(arguments.source, names * arguments.repeat, arguments.servers[-1], arguments.gap)
elif arguments.parallel:
    ask_all(arguments.name, arguments.servers)
else:
    ask_multicast(arguments.name)
