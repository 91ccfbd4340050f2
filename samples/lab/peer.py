#!/usr/bin/env python3
"""One end of one TCP connection, following a script.

peer.py listen ADDRESS PORT STEP...     waits for one connection, then takes the steps
peer.py connect ADDRESS PORT STEP...    connects, then takes the steps

  send=N[xM]    N zero bytes, M times     receive=N     until N bytes have come
  mark=N[xM]    the same with bytes EE
  wait=SECONDS                            keepalive=S   keep-alives after S idle seconds, each S seconds
  buffer=N      receive buffer of N bytes, before connecting or listening
  give-up=S     connect for at most S seconds           reset         close with RST
"""
import socket
import struct
import sys
import time


def prepare(sock, steps):
    for name, value in steps:
        if name == "buffer":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(value))
        elif name == "give-up":
            sock.settimeout(float(value))


def take(sock, name, value):
    if name in ("send", "mark"):
        size, _, times = value.partition("x")
        for _ in range(int(times or 1)):
            sock.sendall(b"\xee" * int(size) if name == "mark" else bytes(int(size)))
    elif name == "receive":
        missing = int(value)
        while missing > 0:
            got = len(sock.recv(min(missing, 65536)))
            if not got:
                break
            missing -= got
    elif name == "wait":
        time.sleep(float(value))
    elif name == "keepalive":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, int(value))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, int(value))
    elif name == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("2i", 1, 0))


def main():
    side, address, port = sys.argv[1:4]
    steps = [step.partition("=")[::2] for step in sys.argv[4:]]
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    prepare(sock, steps)
    if side == "listen":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((address, int(port)))
        sock.listen(64)
        sock = sock.accept()[0]
    else:
        try:
            sock.connect((address, int(port)))
        except OSError as error:
            sys.exit(f"{address}:{port}: {error}")
        sock.settimeout(None)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for name, value in steps:
        take(sock, name, value)
    sock.close()


main()
