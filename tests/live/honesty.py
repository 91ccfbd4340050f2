#!/usr/bin/env python3
"""Whether `wirefault live` blames the network for what only the capture lost: half of the packets of
healthy traffic, first because it is stopped again and again and its ring is small, which the kernel
counts; then by a mirror port that loses every other packet, which nobody counts. Makes its own
namespaces; needs root.

usage: honesty.py PROGRAM FLOOD [SECONDS]

FLOOD is not used. Each takes SECONDS (20). Ends with 1 when a finding that rests on what did not
come is more than possible, at any moment, or the loss is not told within a fifth.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

PROGRAM = sys.argv[1]
SECONDS = int(sys.argv[3]) if len(sys.argv) > 3 else 20
sys.argv[1:] = [PROGRAM]

from live import CLIENT, SERVER, THERE, Live, inside, run_parts, sh  # noqa: E402

# Detectors whose findings rest on a packet that did not come.
OF_ABSENCE = {"dns-unanswered", "dns-fragmented-response-loss", "ip-fragment-loss", "pmtu-blackhole",
              "tcp-syn-timeout"}

SERVE = """
import socket, threading
def dns():
    s = socket.socket(type=socket.SOCK_DGRAM); s.bind(('', 53))
    while True:
        query, client = s.recvfrom(512)
        s.sendto(query[:2] + b'\\x85\\x80' + query[4:], client)
def serve(connection):
    with connection:
        connection.recv(100)
        connection.sendall(b'x' * 60000)
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('', 80)); s.listen(100)
threading.Thread(target=dns, daemon=True).start()
print('ready', flush=True)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
"""

# Fifty names and ten pages a second, each asked for once.
ASK = """
import socket, struct, sys, time
server = sys.argv[1]
number = 0
while True:
    for _ in range(5):
        number += 1
        name = b'\\x09host%05d' % number + b'\\x07example\\x03com\\x00'
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.sendto(struct.pack('>6H', number & 0xffff, 0x100, 1, 0, 0, 0) + name
                     + b'\\x00\\x01\\x00\\x01', (server, 53))
            s.recv(512)
    with socket.create_connection((server, 80), 5) as s:
        s.sendall(b'GET')
        while s.recv(65536): pass
    time.sleep(0.1)
"""

# A mirror port: what one interface sends and receives goes to another, every other packet by chance.
MIRROR = """
import random, signal, socket, sys
taken, given = 0, 0
def end(*_):
    print(taken, given, flush=True)
    sys.exit()
signal.signal(signal.SIGTERM, end)
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
tap.bind((sys.argv[1], 3))
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((sys.argv[2], 0))
while True:
    frame = tap.recv(70000)
    taken += 1
    if random.random() < 0.5:
        out.send(frame)
        given += 1
"""

problems = []


def packets_of(interface):
    read = f"cat /sys/class/net/{interface}/statistics/[rt]x_packets"
    told = subprocess.run(["ip", "netns", "exec", SERVER, "sh", "-c", read], capture_output=True,
                          text=True, check=True)
    return sum(map(int, told.stdout.split()))


def check(what, true_loss, live):
    """`true_loss` of 1, and what was said while it ran and at its end."""
    lines = live.stdout().splitlines()
    events = [json.loads(line) for line in lines if line.startswith('{"schema":"wirefault-event')]
    blamed = {(event["finding"]["detector"], event["finding"]["confidence"]) for event in events
              if event["finding"]["detector"] in OF_ABSENCE}
    report = json.loads(pathlib.Path(f"{live.folder}/report").read_text())
    told = report["quality"]["numbers"]["lost_per_mille"] / 1000
    print(f"{what}: {true_loss:.1%} lost, {told:.1%} told; of absence: "
          f"{', '.join(' '.join(each) for each in sorted(blamed)) or 'nothing'}", flush=True)
    for detector, confidence in blamed:
        if confidence != "possible":
            problems.append(f"{what}: {detector} is {confidence}")
    if not 0.8 * true_loss <= told <= 1.2 * true_loss:
        problems.append(f"{what}: told {told:.3f} of {true_loss:.3f}")


def stopped():
    with Live("-v", "-o", "jsonl", "-o", f"json:{REPORT}", "-B", "128", namespace=SERVER,
              interface="s0") as live:
        before = packets_of("s0")
        end = time.time() + SECONDS
        while time.time() < end:
            live.process.send_signal(signal.SIGSTOP)
            time.sleep(0.8)
            live.process.send_signal(signal.SIGCONT)
            time.sleep(0.5)
        passed = packets_of("s0") - before
        live.end()
        analysed = live.accounts()[2]
        pathlib.Path(REPORT).rename(f"{live.folder}/report")
        check("stopped again and again", 1 - analysed / passed, live)


def mirrored():
    sh(f"ip -n {SERVER} link add m0 mtu 65535 type veth peer name m1 mtu 65535")
    for name in ("m0", "m1"):
        sh(f"ip netns exec {SERVER} sh -c 'echo 1 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6'")
        sh(f"ip -n {SERVER} link set {name} up")
    mirror = inside(SERVER, sys.executable, "-c", MIRROR, "s0", "m0", stdout=subprocess.PIPE,
                    text=True)
    try:
        with Live("-v", "-o", "jsonl", "-o", f"json:{REPORT}", namespace=SERVER,
                  interface="m1") as live:
            time.sleep(SECONDS)
            live.end()
            mirror.terminate()
            taken, given = map(int, mirror.communicate()[0].split())
            pathlib.Path(REPORT).rename(f"{live.folder}/report")
            check("a mirror port that loses packets", 1 - given / taken, live)
    finally:
        mirror.kill()


REPORT = f"/tmp/wf-{os.getpid()}.json"

def in_healthy_traffic():
    server = inside(SERVER, sys.executable, "-c", SERVE, stdout=subprocess.PIPE, text=True)
    server.stdout.readline()
    client = inside(CLIENT, sys.executable, "-c", ASK, THERE)
    stopped()
    mirrored()
    if client.poll() is not None:
        problems.append("the traffic was not healthy")
    client.kill()
    server.kill()


if __name__ == "__main__":
    run_parts(in_healthy_traffic, problems=problems)
