"""Builds packets byte by byte, for the samples that no kernel makes on request."""
import socket
import struct

import pcap

ACK, PSH, RST, SYN, FIN = 16, 8, 4, 2, 1
ICMP, TCP, UDP, FRAGMENT, ICMP6 = 1, 6, 17, 44, 58


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def mac(text):
    """A station's address follows from its last byte, as in the lab."""
    return bytes.fromhex("00005e0053") + address(text)[-1:]


def ip(source, target, protocol, payload, identification=0, offset=0, more=False, hop_limit=64, dont_fragment=False):
    """An IPv4 or IPv6 packet; `offset` (bytes) or `more` make it a fragment (IPv6: also `offset=0`
    with protocol FRAGMENT given by the caller as a ready-made header)."""
    src, dst = address(source), address(target)
    if len(src) == 16:
        return struct.pack("!LH2B", 0x60000000, len(payload), protocol, hop_limit) + src + dst + payload
    flags = offset // 8 | more << 13 | dont_fragment << 14
    header = struct.pack("!2B3H2B", 0x45, 0, 20 + len(payload), identification, flags, hop_limit, protocol)
    return header + struct.pack("!H", checksum(header + b"\0\0" + src + dst)) + src + dst + payload


def fragment_header(protocol, offset, more, identification):
    return struct.pack("!2BHL", protocol, 0, offset | more, identification)


def pseudo(source, target, protocol, length):
    return address(source) + address(target) + struct.pack("!LL", length, protocol)


def udp(source, source_port, target, target_port, payload):
    head = struct.pack("!3H", source_port, target_port, 8 + len(payload))
    total = checksum(pseudo(source, target, UDP, 8 + len(payload)) + head + b"\0\0" + payload)
    return head + struct.pack("!H", total or 0xFFFF) + payload


def tcp(source, source_port, target, target_port, seq, ack, flags, window, options, payload):
    assert len(options) % 4 == 0
    head = struct.pack("!2H2L2BH", source_port, target_port, seq % 2**32, ack % 2**32,
                       (20 + len(options)) << 2, flags, window)
    body = options + payload
    total = checksum(pseudo(source, target, TCP, len(head) + 4 + len(body)) + head + b"\0\0\0\0" + body)
    return head + struct.pack("!2H", total, 0) + body


def icmp(kind, code, rest, quoted):
    message = struct.pack("!2BH", kind, code, 0) + rest + quoted
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def icmp6(source, target, kind, code, rest, quoted):
    message = struct.pack("!2BH", kind, code, 0) + rest + quoted
    total = checksum(pseudo(source, target, ICMP6, len(message)) + message)
    return message[:2] + struct.pack("!H", total) + message[4:]


class Capture:
    """Packets in the order they were recorded; `wait` moves the clock."""

    def __init__(self):
        self.now = 1700000000 * 1000000  # 2023-11-14T22:13:20Z, in microseconds
        self.packets = []

    def wait(self, micros):
        self.now += micros

    def add(self, source, target, packet, at=None):
        kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
        self.packets.append(pcap.Packet(self.now if at is None else at, mac(target) + mac(source) + kind + packet))
        return self.packets[-1]


class Connection:
    """A TCP connection with SACK and timestamps. Side 0 opens it, side 1 sends the data; both keep
    their own sequence number, IP identification and timestamp clock (one tick per millisecond)."""

    MSS = 1448

    def __init__(self, capture, client=("192.0.2.10", 40000), server=("198.51.100.53", 8080), starts=(1000, 5000)):
        self.capture = capture
        self.ends = (client, server)
        self.next = list(starts)
        self.identification = [100, 7000]
        self.echo = [0, 0]

    def ticks(self, side):
        return (self.capture.now // 1000 + 77777 * side) % 2**32

    def build(self, side, flags, length=0, seq=None, ack=None, sack=(), ticks=None):
        (source, source_port), (target, target_port) = self.ends[side], self.ends[1 - side]
        seq = self.next[side] if seq is None else seq
        ack = self.next[1 - side] if ack is None else ack
        ticks = self.ticks(side) if ticks is None else ticks
        options = b"\x01\x01\x08\x0a" + struct.pack("!2L", ticks, self.echo[side])
        if flags & SYN:
            options = bytes.fromhex("020405b40402080a") + options[4:] + bytes.fromhex("01030307")
        for left, right in sack:
            options += b"\x01\x01\x05\x0a" + struct.pack("!2L", left % 2**32, right % 2**32)
        self.identification[side] = (self.identification[side] + 1) % 2**16
        self.echo[1 - side] = ticks
        segment = tcp(source, source_port, target, target_port, seq, ack if flags & ACK else 0, flags, 502, options,
                      bytes(length))
        hop_limit = 64 if side == 0 else 63
        return ip(source, target, TCP, segment, self.identification[side], hop_limit=hop_limit, dont_fragment=True)

    def send(self, side, flags, length=0, **changes):
        packet = self.build(side, flags, length, **changes)
        if "seq" not in changes:
            self.next[side] += length + bool(flags & (SYN | FIN))
        return self.capture.add(self.ends[side][0], self.ends[1 - side][0], packet)

    def open(self, rtt=20000):
        self.send(0, SYN)
        self.capture.wait(rtt)
        self.send(1, SYN | ACK)
        self.capture.wait(30)
        self.send(0, ACK)

    def close(self, rtt=20000):
        self.send(1, FIN | ACK)
        self.capture.wait(50)
        self.send(0, FIN | ACK)
        self.capture.wait(rtt)
        self.send(1, ACK)
