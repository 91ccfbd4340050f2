"""Reads classic pcap files, writes pcap and pcapng, as little of them as the samples need."""
import struct


class Packet:
    """One record: microseconds since the epoch, the captured bytes, the length on the wire."""

    def __init__(self, time, data, length=None):
        self.time = time
        self.data = data
        self.length = len(data) if length is None else length


def read(path):
    """The link type and the packets of a little-endian microsecond file."""
    blob = open(path, "rb").read()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", blob)
    if magic != 0xA1B2C3D4:
        raise SystemExit(f"{path}: not a little-endian microsecond pcap file")
    packets, at = [], 24
    while at < len(blob):
        seconds, micros, captured, length = struct.unpack_from("<4I", blob, at)
        packets.append(Packet(seconds * 1000000 + micros, blob[at + 16 : at + 16 + captured], length))
        at += 16 + captured
    return link, packets


def write(path, packets, link=1, snaplen=262144):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link))
        for packet in packets:
            data = packet.data[:snaplen]
            out.write(struct.pack("<4I", *divmod(packet.time, 1000000), len(data), packet.length))
            out.write(data)


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<2L", kind, len(body) + 12) + body + struct.pack("<L", len(body) + 12)


def write_pcapng(path, packets, interfaces, link=1):
    """`packets` are pairs of interface number and packet."""
    with open(path, "wb") as out:
        out.write(block(0x0A0D0D0A, struct.pack("<LHHq", 0x1A2B3C4D, 1, 0, -1)))
        for name in interfaces:
            option = struct.pack("<2H", 2, len(name)) + name.encode() + bytes(-len(name) % 4) + bytes(4)
            out.write(block(1, struct.pack("<2HL", link, 0, 262144) + option))
        for interface, packet in packets:
            head = struct.pack("<5L", interface, packet.time >> 32, packet.time & 0xFFFFFFFF, len(packet.data), packet.length)
            out.write(block(6, head + packet.data))
