#!/usr/bin/env python3
"""Many clients at once, each with an address of its own out of 198.18.0.0/24.

crowd.py ADDRESS PORT COUNT [give-up=SECONDS]   connect, close; all start within a second
crowd.py --serve PORT                           accepts and closes
"""
import select
import socket
import sys
import time


def serve(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(1024)
    while True:
        connection, _ = listener.accept()
        connection.recv(1)
        connection.close()


def visit(address, port, count, patience):
    poll = select.poll()
    waiting = {}
    end = time.monotonic() + 1 + patience
    for number in range(count):
        sock = socket.socket()
        sock.bind((f"198.18.0.{1 + number % 250}", 0))
        sock.setblocking(False)
        sock.connect_ex((address, port))
        poll.register(sock, select.POLLOUT)
        waiting[sock.fileno()] = sock
        time.sleep(1 / count)
    while waiting and time.monotonic() < end:
        for fd, _ in poll.poll(100):
            poll.unregister(fd)
            waiting.pop(fd).close()


if sys.argv[1] == "--serve":
    serve(int(sys.argv[2]))
else:
    patience = float(sys.argv[4].partition("=")[2]) if len(sys.argv) > 4 else 5
    visit(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), patience)
