#!/usr/bin/env python3
"""Figures of `wirefault live` that take minutes to get: how exact its accounts are when it is
stopped at random moments, and what it drops and takes of memory under a flood of SYNs, next to
tcpdump and dumpcap, which write to /dev/null. Makes its own namespaces; needs root.

usage: figures.py PROGRAM FLOOD [STOPS] [SECONDS]

FLOOD is the program of flood.cpp; `./dev live figures` builds it.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, FLOOD = sys.argv[1:3]
STOPS = int(sys.argv[3]) if len(sys.argv) > 3 else 100
SECONDS = int(sys.argv[4]) if len(sys.argv) > 4 else 60
sys.argv[1:] = [PROGRAM]

from live import CLIENT, SERVER, Live, inside, run_parts  # noqa: E402


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


def usage(process):
    """Processor time in seconds and the peak of memory in MiB, so far."""
    fields = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()
    ticks = int(fields[11]) + int(fields[12])
    peak = re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{process.pid}/status").read())
    return ticks / os.sysconf("SC_CLK_TCK"), int(peak.group(1)) // 1024


@contextlib.contextmanager
def peer(*command):
    """Another program that captures, and all it says until it has ended."""
    with tempfile.TemporaryFile("w+") as said:
        process = inside(SERVER, *command, stderr=said, stdout=said)

        def text():
            said.seek(0)
            return said.read()

        while not re.search("listening on|Capturing on|File:", text()):
            time.sleep(0.1)
        time.sleep(0.5)
        yield process, text
        if process.poll() is None:
            process.kill()
            process.wait()


def row(name, sent, seconds, drops, peak):
    print(f"  {name:14} {drops:>10,} dropped, {seconds:5.2f} s of processor time, {peak:3} MiB: "
          f"{sent}", flush=True)


# All with a ring of 16 MiB.
PEERS = (("tcpdump", "-i", "s0", "-n", "-B", "16384", "-w", "/dev/null"),
         ("dumpcap", "-i", "s0", "-q", "-B", "16", "-w", "/dev/null"))
DROPPED = r"(\d+) packets? dropped by kernel|received/dropped on interface '?s0'?: \d+/(\d+)"


def peers():
    seconds = min(SECONDS, 10)
    for rate in (200_000, 500_000):
        with Live("-v", "-o", "json", namespace=SERVER, interface="s0") as live:
            sent = flood(rate * seconds, rate).communicate()[0].strip()
            took = usage(live.process)
            live.end()
            row("wirefault live", sent, took[0], live.accounts()[1], took[1])
        for command in PEERS:
            if shutil.which(command[0]) is None:
                print(f"  no {command[0]} here")
                continue
            with peer(*command) as (process, text):
                sent = flood(rate * seconds, rate).communicate()[0].strip()
                took = usage(process)
                process.send_signal(signal.SIGINT)
                process.wait(30)
                told = re.search(DROPPED, text())
                row(command[0], sent, took[0], int(told.group(1) or told.group(2)), took[1])


if __name__ == "__main__":
    run_parts(stops, drops, peers)
