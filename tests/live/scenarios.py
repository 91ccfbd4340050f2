#!/usr/bin/env python3
"""Faults of real kernels and servers while `wirefault live` watches: each is told soon, is over when
it was repaired, and is told alike by `analyze` of the packets that were kept. Needs root; says so
and is skipped (exit 77) otherwise.

usage: scenarios.py PROGRAM [TEST...]
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import live
from live import CLIENT, HERE, PROGRAM, SERVER, THERE, inside, sh

# Answers each query with one address.
RESOLVER = """
import socket
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind(('', 53))
while True:
    query, client = here.recvfrom(512)
    here.sendto(query[:2] + bytes.fromhex('81800001000100000000') + query[12:]
                + bytes.fromhex('c00c00010001000000010004c0000207'), client)
"""

# Looks up one name after the other as a stub resolver does: twice, two seconds apart.
LOOK_UP = """
import socket, struct, sys, time
for i in range(1000):
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.settimeout(2)
    out.connect((sys.argv[1], 53))
    name = b''.join(bytes([len(l)]) + l for l in (b'www%d' % i, b'example', b'com')) + b'\\0'
    query = struct.pack('>HHHHHH', 7919 * i & 0xffff, 0x0100, 1, 0, 0, 0) + name
    for attempt in range(2):
        try:
            out.send(query + struct.pack('>HH', 1, 1))
            out.recv(512)
            break
        except OSError:
            pass
    time.sleep(0.5)
"""

SERVE = """
import socket, sys
here = socket.create_server(('', int(sys.argv[1])), backlog=50)
while True: here.accept()[0].close()
"""

# Opens a connection every now and then, and waits for none longer than 2.5 s.
CONNECT = """
import socket, sys, time
while True:
    try: socket.create_connection((sys.argv[1], int(sys.argv[2])), 2.5).close()
    except OSError: pass
    time.sleep(0.5)
"""

# A few words, and when these have arrived as much as there is room for.
SEND = """
import socket, sys, time
out = socket.create_connection((sys.argv[1], 82))
out.sendall(b'hello')
time.sleep(0.5)
end = time.time() + float(sys.argv[2])
while time.time() < end:
    out.sendall(b'x' * 100000)
    time.sleep(0.02)
"""

TAKE = """
import socket
here = socket.create_server(('', 82))
while True:
    taken = here.accept()[0]
    while taken.recv(1 << 20): pass
"""

# SYNs of hosts that are not there.
FLOOD = """
import random, socket, struct, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(('c0', 0))
there = bytes.fromhex(sys.argv[1].replace(':', ''))
def sum16(octets):
    total = sum(struct.unpack('>%dH' % (len(octets) // 2), octets))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff
end = time.time() + float(sys.argv[3])
while time.time() < end:
    for i in range(10):
        ends = bytes([198, 18 + random.randrange(2), random.randrange(256), random.randrange(256)])
        ends += socket.inet_aton(sys.argv[2])
        ip = struct.pack('>HHHHBBH', 0x4500, 40, random.randrange(65536), 0, 64, 6, 0) + ends
        ip = ip[:10] + struct.pack('>H', sum16(ip)) + ip[12:]
        tcp = struct.pack('>HHIIHHHH', random.randrange(1024, 65536), 80,
                          random.randrange(1 << 32), 0, 0x5002, 1024, 0, 0)
        tcp = tcp[:16] + struct.pack('>H', sum16(ends + struct.pack('>HH', 6, 20) + tcp)) + tcp[18:]
        out.send(there + bytes.fromhex('02005e100002') + b'\\x08\\0' + ip + tcp)
    time.sleep(0.02)
"""


class Watch(live.Live):
    """`wirefault live` that keeps the packets and tells JSON lines."""

    def __init__(self, *options, **where):
        self.kept = tempfile.mkdtemp(prefix="wf-kept-")
        self.log = pathlib.Path(f"{self.kept}/lines.jsonl")
        super().__init__("--log", f"jsonl:{self.log}", "-w", f"{self.kept}/kept.pcapng",
                         "-o", "json", *options, **where)

    def events(self, kind, detectors):
        lines = self.log.read_text().splitlines(keepends=True)
        return [event for event in (json.loads(line) for line in lines if line.endswith("\n"))
                if event["event"] == kind and event["finding"]["detector"] in detectors]

    def is_open(self, *detectors):
        return len(self.events("open", detectors)) > len(self.events("close", detectors))

    def says(self, what, *detectors, seconds=60):
        """Waits until something of them is open, or nothing is any more, and says how long."""
        begun = time.time()
        said = self.until(lambda: self.is_open(*detectors) == (what == "open"), seconds)
        print(f"{what} after {time.time() - begun:.1f} s ", end="", file=sys.stderr, flush=True)
        return said

    def summaries(self):
        """Of this run, which is ended, and of `analyze` of the packets it kept."""
        self.end()
        ran = subprocess.run([PROGRAM, "analyze", "-o", "json", f"{self.kept}/kept.pcapng"],
                             capture_output=True, text=True)
        return json.loads(self.stdout()), json.loads(ran.stdout)

    def __exit__(self, *error):
        super().__exit__(*error)
        shutil.rmtree(self.kept)


class Scenario(live.Lab):
    def start(self, namespace, script, *words):
        process = inside(namespace, sys.executable, "-c", script, *map(str, words),
                         stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_resolver(self):
        """Until it is there, its host's kernel says that it is not."""
        resolver = self.start(SERVER, RESOLVER)
        for _ in range(100):
            listening = subprocess.check_output(["ip", "netns", "exec", SERVER, "ss", "-Hlun"],
                                                text=True)
            if ":53 " in listening:
                break
            time.sleep(0.05)
        return resolver

    def filter(self, rule):
        """Has the server's kernel drop what comes in and fits the rule."""
        sh(f"ip netns exec {SERVER} nft 'add table wf; add chain wf in "
           f"{{ type filter hook input priority 0; }}; add rule wf in {rule} drop'")

    def unfilter(self):
        sh(f"ip netns exec {SERVER} nft delete table wf")

    def check_kept(self, watch):
        """What was kept says the same."""
        told, again = watch.summaries()
        findings = [{found["fp"]: (found["severity"], found["count"], found["frames_total"])
                     for found in summary["findings"]} for summary in (told, again)]
        self.assertEqual(findings[0], findings[1])
        self.assertEqual(told["counts"]["packets"], again["counts"]["packets"])

    def test_a_resolver_that_is_killed_and_started_again(self):
        with Watch() as watch:
            resolver = self.start_resolver()
            self.start(CLIENT, LOOK_UP, THERE)
            watch.until(lambda: False, 3)
            self.assertFalse(watch.is_open("icmp-unreachable", "dns-unanswered"))
            resolver.kill()
            # The kernel of the host says so.
            self.assertTrue(watch.says("open", "icmp-unreachable"), watch.stderr())
            watch.until(lambda: False, 10)
            self.start(SERVER, RESOLVER)
            self.assertTrue(watch.says("close", "icmp-unreachable"), watch.stderr())
            self.check_kept(watch)

    def test_a_resolver_that_stands_still_and_goes_on(self):
        with Watch() as watch:
            resolver = self.start_resolver()
            self.start(CLIENT, LOOK_UP, THERE)
            watch.until(lambda: False, 3)
            resolver.send_signal(signal.SIGSTOP)
            # Asked twice within 2 s, and the second time may take 5.5 s.
            self.assertTrue(watch.says("open", "dns-unanswered"), watch.stderr())
            resolver.send_signal(signal.SIGCONT)
            self.assertTrue(watch.says("close", "dns-unanswered"), watch.stderr())
            self.check_kept(watch)

    def test_syns_that_a_filter_drops_until_it_is_taken_away(self):
        with Watch() as watch:
            self.start(SERVER, SERVE, 80)
            watch.until(lambda: False, 1)
            self.start(CLIENT, CONNECT, THERE, 80)
            watch.until(lambda: False, 3)
            self.filter("tcp dport 80 tcp flags syn")
            # Two or three SYNs, and 2 s without another.
            self.assertTrue(watch.says("open", "tcp-syn-timeout"), watch.stderr())
            self.unfilter()
            self.assertTrue(watch.says("close", "tcp-syn-timeout"), watch.stderr())
            self.check_kept(watch)

    def test_one_connection_that_opens_after_all(self):
        with Watch() as watch:
            self.start(SERVER, SERVE, 80)
            self.filter("tcp dport 80")
            self.start(CLIENT, f"import socket; socket.create_connection(('{THERE}', 80), 100)")
            self.assertTrue(watch.says("open", "tcp-syn-timeout"), watch.stderr())
            self.unfilter()
            self.assertTrue(watch.says("close", "tcp-syn-timeout"), watch.stderr())
            told, again = watch.summaries()
            self.assertEqual(told["findings"], again["findings"])
            self.assertEqual(told["findings"], [])  # one late connection is none
            self.assertEqual(told["counts"]["tcp_opened"], 1)

    def test_a_path_that_loses_what_is_large(self):
        with Watch() as watch:
            self.start(SERVER, TAKE)
            self.start(SERVER, SERVE, 80)
            self.filter("meta length gt 1300")
            watch.until(lambda: False, 1)
            # Others get through: the path is there.
            self.start(CLIENT, CONNECT, THERE, 80)
            self.start(CLIENT, SEND, THERE, 60)
            # Three repetitions, of which the last comes about 2 s after the first.
            self.assertTrue(watch.says("open", "pmtu-blackhole"), watch.stderr())
            self.unfilter()
            self.assertTrue(watch.says("close", "pmtu-blackhole"), watch.stderr())
            self.check_kept(watch)

    def test_a_cable_that_loses_packets(self):
        with Watch() as watch:
            self.start(SERVER, TAKE)
            watch.until(lambda: False, 1)
            self.start(CLIENT, SEND, THERE, 60)
            watch.until(lambda: False, 2)
            self.filter("meta length gt 100 numgen random mod 20 0")
            self.assertTrue(watch.says("open", "tcp-retransmission"), watch.stderr())
            self.check_kept(watch)

    def test_a_flood_of_syns(self):
        sh(f"ip -n {SERVER} route replace default via {HERE}")
        mac = subprocess.run(["ip", "netns", "exec", SERVER, "cat", "/sys/class/net/s0/address"],
                             capture_output=True, text=True, check=True).stdout.strip()
        with Watch() as watch:
            self.start(SERVER, SERVE, 80)
            watch.until(lambda: False, 1)
            self.start(CLIENT, FLOOD, mac, THERE, 15)
            # Three seconds of it, and three more for what real clients do.
            self.assertTrue(watch.says("open", "tcp-syn-flood"), watch.stderr())
            # Fewer than 20 SYNs in ten seconds, for 30 s.
            self.assertTrue(watch.says("close", "tcp-syn-flood", seconds=90), watch.stderr())
            self.check_kept(watch)

    def test_a_refusal_is_told_at_once(self):
        with Watch() as watch:
            self.start(CLIENT, f"import socket; socket.create_connection(('{THERE}', 81))")
            self.assertTrue(watch.until(lambda: watch.events("open", ["tcp-refused"])))
            self.check_kept(watch)


if __name__ == "__main__":
    live.run_tests()
