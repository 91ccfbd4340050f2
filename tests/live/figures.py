#!/usr/bin/env python3
"""Figures of `wirefault live` that take minutes to get: how exact its accounts are when it is
stopped at random moments, and what it drops and takes of memory under a flood of SYNs. Makes its own
namespaces; needs root.

usage: figures.py PROGRAM FLOOD [STOPS] [SECONDS]

FLOOD is the program of flood.cpp; `./dev live figures` builds it.
"""

import random
import re
import signal
import subprocess
import sys
import time

PROGRAM, FLOOD = sys.argv[1:3]
STOPS = int(sys.argv[3]) if len(sys.argv) > 3 else 100
SECONDS = int(sys.argv[4]) if len(sys.argv) > 4 else 60
sys.argv[1:] = [PROGRAM]

from live import CLIENT, SERVER, Live, LiveTest, inside  # noqa: E402


def flood(count, rate):
    return inside(CLIENT, FLOOD, "c0", str(count), str(rate), stdout=subprocess.PIPE, text=True)


def stops():
    """Stopped at random moments, under a flood, every other time after an overload."""
    exact = 0
    for attempt in range(STOPS):
        sender = flood(10_000_000, 150_000)
        with Live("-v", "-o", "json", namespace=SERVER, interface="s0") as live:
            time.sleep(random.uniform(0.05, 0.6))
            if attempt % 2:
                live.process.send_signal(signal.SIGSTOP)
                time.sleep(0.3)
                live.process.send_signal(signal.SIGCONT)
            live.end(random.choice([signal.SIGINT, signal.SIGTERM]))
            received, dropped, analysed = live.accounts()
            if analysed + dropped == received:
                exact += 1
            else:
                print(f"  off: {received} received, {dropped} dropped, {analysed} analysed")
        sender.kill()
        sender.wait()
    print(f"accounts exact in {exact} of {STOPS} stops")


def drops():
    for rate in (100_000, 200_000, 300_000, 500_000):
        with Live("-v", "-o", "json", namespace=SERVER, interface="s0") as live:
            said = flood(rate * SECONDS, rate).communicate()[0].strip()
            peak = re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{live.process.pid}/status").read())
            live.end()
            received, dropped, _ = live.accounts()
            print(f"{said}: {received} received, {dropped} dropped, "
                  f"peak {int(peak.group(1)) // 1024} MiB")


LiveTest.setUpClass()
try:
    stops()
    drops()
finally:
    LiveTest.take_down()
