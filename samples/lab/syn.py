#!/usr/bin/env python3
"""A bounded generator of SYNs, for namespaces only.

syn.py --interface c0 --gateway MAC --target ADDRESS:PORT[,ADDRESS:PORT...] --count N --rate PER-SECOND
       [--own ADDRESS]   one source, whose kernel answers a SYN-ACK with RST (a half-open scan);
                         without it each SYN has another source out of 198.18.0.0/15 and other options
       [--seed N]
"""
import argparse
import random
import socket
import struct
import time

LIMIT = 20000


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


OPTIONS = [
    b"",
    bytes.fromhex("020405b4"),
    bytes.fromhex("020405b40101040201030307"),
    bytes.fromhex("0204058c0402010303080101"),
]


def syn(source, source_port, target, target_port, randomness, spoofed):
    options = randomness.choice(OPTIONS) if spoofed else OPTIONS[1]
    hop_limit = randomness.choice((52, 113, 241, 47)) if spoofed else 64
    window = randomness.choice((1024, 8192, 29200, 65535)) if spoofed else 1024
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    header = struct.pack("!2H2L2B3H", source_port, target_port, randomness.getrandbits(32), 0,
                         (20 + len(options)) << 2, 2, window, 0, 0) + options
    pseudo = addresses + struct.pack("!2H", 6, len(header))
    header = header[:16] + struct.pack("!H", checksum(pseudo + header)) + header[18:]
    ip = struct.pack("!2B3H2B", 0x45, 0, 20 + len(header), randomness.getrandbits(16), 0, hop_limit, 6)
    ip += struct.pack("!H", checksum(ip + b"\0\0" + addresses)) + addresses
    return ip + header


parser = argparse.ArgumentParser()
parser.add_argument("--interface", required=True)
parser.add_argument("--gateway", required=True)
parser.add_argument("--target", required=True)
parser.add_argument("--count", type=int, required=True)
parser.add_argument("--rate", type=float, required=True)
parser.add_argument("--own")
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()
if arguments.count > LIMIT:
    raise SystemExit(f"syn.py: at most {LIMIT}")

randomness = random.Random(arguments.seed)
targets = [(address, int(port)) for address, port in
           (target.split(":") for target in arguments.target.split(","))]
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind((arguments.interface, 0))
mac = sock.getsockname()[4]
frame = bytes.fromhex(arguments.gateway.replace(":", "")) + mac + b"\x08\0"
start = time.monotonic()
for number in range(arguments.count):
    address, port = targets[number % len(targets)]
    spoofed = arguments.own is None
    source = arguments.own or socket.inet_ntoa(struct.pack("!L", 0xC6120000 + randomness.randrange(1, 1 << 17)))
    sock.send(frame + syn(source, randomness.randrange(20000, 60000), address, port, randomness, spoofed))
    time.sleep(max(0, start + (number + 1) / arguments.rate - time.monotonic()))
