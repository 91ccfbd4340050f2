#!/usr/bin/env python3
"""What is left of the packets `wirefault live -w` keeps when the worst happens: it is killed at
random moments, or the disk refuses one of its first writes. Makes its own namespaces; needs root,
tshark, capinfos and strace.

usage: evidence.py PROGRAM FLOOD [KILLS [WRITES]]

FLOOD is the program of flood.cpp; `./dev live evidence` builds it. KILLS (100) are so many runs that
are killed; of the writes to the file the first WRITES (50) are refused, one in each run. Ends with 1
when a file is unusable.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, FLOOD = sys.argv[1:3]
KILLS = int(sys.argv[3]) if len(sys.argv) > 3 else 100
WRITES = int(sys.argv[4]) if len(sys.argv) > 4 else 50
sys.argv[1:] = [PROGRAM]

from live import CLIENT, SERVER, Live, inside, run_parts  # noqa: E402

# Each with what tcpdump would do.
ROTATIONS = ([], ["-C", "1"], ["-C", "1", "-W", "3"], ["-G", "1"], ["-G", "1", "-C", "1", "-W", "4"])
MOST_MISSING = 1.0  # seconds

problems = []


def file_of(folder, rotation):
    return f"{folder}/{'e-%H%M%S.pcapng' if '-G' in rotation else 'e.pcapng'}"


def flood(count, rate):
    return inside(CLIENT, FLOOD, "c0", str(count), str(rate), stdout=subprocess.DEVNULL)


def children(pid):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in listed.stdout.split()]


def open_cleanly(path):
    """What tshark and capinfos have to say against a file, and when its last packet came."""
    info = subprocess.run(["capinfos", "-M", "-c", path], capture_output=True, text=True)
    if info.returncode or info.stderr:
        problems.append(f"capinfos of {path.name}: {info.stderr.strip()}")
    told = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.time_epoch"],
                          capture_output=True, text=True, env={**os.environ, "HOME": "/nonexistent"})
    against = [line for line in told.stderr.splitlines() if "Running as user" not in line]
    if told.returncode or against:
        problems.append(f"tshark of {path.name}: {told.returncode} {' '.join(against)}")
    times = [float(line) for line in told.stdout.split()]
    return times[-1] if times else 0


def kill(attempt):
    rotation = ROTATIONS[attempt % len(ROTATIONS)]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wf-kill-"))
    sender = flood(10_000_000, random.choice([500, 5_000, 20_000]))
    try:
        with Live("-w", file_of(folder, rotation), *rotation, namespace=SERVER,
                  interface="s0") as live:
            started = time.time()
            time.sleep(random.uniform(0.2, 2.5))
            helpers = children(live.process.pid)
            live.process.kill()
            killed = time.time()
            live.process.wait()
            live.until(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in helpers))
    finally:
        sender.kill()
        sender.wait()
    last = max(open_cleanly(file) for file in folder.iterdir())
    missing = killed - max(last, started)
    if missing > MOST_MISSING:
        problems.append(f"run {attempt}, {' '.join(rotation) or 'one file'}: {missing:.2f} s are missing")
    files = len(list(folder.iterdir()))
    shutil.rmtree(folder)
    return missing, files


def kills():
    runs = [kill(attempt) for attempt in range(KILLS)]
    print(f"{KILLS} kills: {sum(files for _, files in runs)} files, at most "
          f"{max(missing for missing, _ in runs):.2f} s missing", flush=True)


def refuse_write(number, error):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="wf-full-"))
    file = folder / "e.pcapng"
    inject = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-P", str(file), "-e", "trace=write",
              "-e", f"inject=write:error={error}:when={number}"]
    # strace refuses a call by making another one of it, for which the sandbox would kill.
    with Live("-o", "json", "-w", str(file), "--sandbox", "off", namespace=SERVER, interface="s0",
              under=inject) as live:
        if live.process.poll() is None:
            # A write is due for every 128 KiB: more than 50 of them.
            sender = flood(80_000, 40_000)
            sender.wait(60)
            live.until(lambda: "e.pcapng" in live.stderr())
        status = live.end()
        name = f"{error} at write {number}"
        if number == 1:
            # Before there is anything to analyse.
            if status != 4 and status != 2 or file.exists():
                problems.append(f"{name}: exit status {status}, {sorted(os.listdir(folder))}")
        elif status != 4:
            problems.append(f"{name}: exit status {status}: {live.stderr()}")
        elif json.loads(live.stdout())["counts"]["packets"] < 80_000:
            problems.append(f"{name}: not all packets are in the report")
        if os.strerror(getattr(__import__("errno"), error)) not in live.stderr():
            problems.append(f"{name}: nobody is told: {live.stderr()}")
    if file.exists():
        open_cleanly(file)
        ran = subprocess.run([PROGRAM, "analyze", "--strict", "-o", "json", file],
                             capture_output=True, text=True)
        if ran.returncode:
            problems.append(f"{name}: analyze --strict ends with {ran.returncode}: {ran.stderr}")
    shutil.rmtree(folder)


def full_disks():
    before = len(problems)
    for number in range(1, WRITES + 1):
        refuse_write(number, "ENOSPC")
    print(f"ENOSPC at each of the first {WRITES} writes: {len(problems) - before} problems",
          flush=True)


if __name__ == "__main__":
    run_parts(kills, full_disks, problems=problems, tools=("tshark", "capinfos", "strace"))
