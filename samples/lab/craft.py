#!/usr/bin/env python3
"""Writes the samples that no kernel makes on request: craft.py [ID/NAME...], all without arguments.

The output is the same byte for byte each time.
"""
import pathlib
import struct
import sys

import pcap
from packets import *

samples = pathlib.Path(__file__).resolve().parent.parent
crafted = {}


def sample(name):
    def register(scene):
        crafted[name] = scene
        return scene

    return register


def bulk(capture, connection, count, gap=200):
    """`count` full segments, an ACK for every second one."""
    for number in range(count):
        connection.send(1, ACK, connection.MSS)
        capture.wait(gap)
        if number % 2:
            connection.send(0, ACK)
            capture.wait(10)


@sample("tcp-retransmission/quiet-wrap")
def sequence_wrap():
    """Sequence numbers pass 2^32 in the middle of a transfer, in both directions."""
    capture = Capture()
    connection = Connection(capture, starts=(2**32 - 400, 2**32 - 150 * Connection.MSS))
    connection.open()
    for _ in range(8):
        connection.send(0, PSH | ACK, 100)
        capture.wait(20000)
        bulk(capture, connection, 40)
        capture.wait(20000)
    connection.close()
    return capture


@sample("tcp-retransmission/quiet-reorder")
def reorder_by_three():
    """Seen by the receiver: one segment in forty arrives three places late. The sender repeats
    nothing; identification and timestamps say that the late one was sent first."""
    capture = Capture()
    connection = Connection(capture)
    connection.open()
    connection.send(0, PSH | ACK, 100)
    capture.wait(20000)
    mss = connection.MSS
    for number in range(320):
        if number % 40 == 20:
            late_seq = connection.next[1]
            late = connection.build(1, ACK, mss)
            connection.next[1] += mss
            for overtaking in range(1, 4):
                connection.send(1, ACK, mss)
                capture.wait(30)
                connection.send(0, ACK, ack=late_seq, sack=[(late_seq + mss, late_seq + (1 + overtaking) * mss)])
                capture.wait(100)
            capture.add("198.51.100.53", "192.0.2.10", late)
            capture.wait(30)
            connection.send(0, ACK)
        else:
            connection.send(1, ACK, mss)
            capture.wait(30)
            if number % 2:
                connection.send(0, ACK)
        capture.wait(170)
    capture.wait(20000)
    connection.close()
    return capture


def main():
    for name in sys.argv[1:] or crafted:
        path = samples / f"{name}.pcap"
        path.parent.mkdir(exist_ok=True)
        snaplen = 100 if name.startswith("tcp-") or name.startswith("pmtu-") else 262144
        pcap.write(path, crafted[name]().packets, snaplen=snaplen)


if __name__ == "__main__":
    main()
