#!/usr/bin/env python3
"""What `wirefault` takes of memory under a flood of SYNs that are all different, in a control group
that kills it when it takes a quarter more than it may; and whether ten connections that fail
amidst the flood are still reported. As a capture through a pipe, and live. Makes its own
namespaces; needs root.

usage: memory.py PROGRAM FLOOD [MILLIONS [LIVE]]

FLOOD is the program of flood.cpp; `./dev live memory` builds it. MILLIONS (50) of SYNs go through
the pipe, LIVE (10) over an interface. Ends with 1 when a limit is broken or a finding is missing.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

PROGRAM, FLOOD = sys.argv[1:3]
MILLIONS = int(sys.argv[3]) if len(sys.argv) > 3 else 50
LIVE = int(sys.argv[4]) if len(sys.argv) > 4 else 10
sys.argv[1:] = [PROGRAM]

from live import CLIENT, SERVER, Live, inside, run_parts  # noqa: E402

RING = 16  # MiB, the default of -B
RATE = 500_000
LIVE_RATE = 200_000
PLANTED = {f"198.51.100.{last}" for last in range(100, 110)}

problems = []


@contextlib.contextmanager
def control_group(mebibytes):
    """A group of that much memory, and a command's beginning that enters it; none where the system
    lets us make none."""
    for base, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
                        ("/sys/fs/cgroup", "memory.max")):
        group = pathlib.Path(f"{base}/wf-{os.getpid()}")
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            (group / limit).write_text(str(mebibytes << 20))
            yield ["sh", "-c", 'echo $$ > "$0"; exec "$@"', str(group / "cgroup.procs")]
            return
        except OSError:
            continue
        finally:
            group.rmdir()
    print("  (no control group can be made here: the peak alone tells)")
    yield []


def check(what, limit, peak, status, report):
    found = {member for finding in report["findings"]
             if finding["detector"] in ("tcp-syn-timeout", "tcp-refused")
             for who in finding["who"] for member in re.findall(r"198\.51\.100\.1\d\d",
                                                                json.dumps(who))}
    packets = report["counts"]["packets"]
    print(f"{what}: {packets:,} packets, peak {peak} of {limit} MiB, "
          f"{len(found & PLANTED)} of {len(PLANTED)} planted failures reported, "
          f"{report['quality']['numbers']['kernel_drops']:,} dropped", flush=True)
    if peak > limit:
        problems.append(f"{what}: {peak} MiB")
    if status != 0 or not PLANTED <= found:
        problems.append(f"{what}: status {status}, missing {sorted(PLANTED - found)}")


def piped(memory):
    with control_group(memory * 5 // 4) as enter, tempfile.TemporaryFile() as out:
        sender = subprocess.Popen([FLOOD, "-", str(MILLIONS * 1_000_000), str(RATE), "PLANT"],
                                  stdout=subprocess.PIPE)
        reader = subprocess.Popen([*enter, PROGRAM, "analyze", "--all", "-o", "json", "--max-mem",
                                   f"{memory}M", "-"], stdin=sender.stdout, stdout=out)
        sender.stdout.close()
        _, status, usage = os.wait4(reader.pid, 0)
        reader.returncode = os.waitstatus_to_exitcode(status)
        sender.wait()
        out.seek(0)
        text = out.read()
    what = f"analyze of {MILLIONS} M SYNs, --max-mem {memory}M"
    if reader.returncode != 0:
        problems.append(f"{what}: ended with {reader.returncode}")
        return
    check(what, memory, usage.ru_maxrss >> 10, reader.returncode, json.loads(text))


def live(memory):
    what = f"live, {LIVE} M SYNs at {LIVE_RATE:,} a second, --max-mem {memory}M"
    with control_group((memory + RING) * 5 // 4) as enter:
        with Live("-o", "json", "--max-mem", f"{memory}M", namespace=SERVER, interface="s0",
                  under=enter) as running:
            inside(CLIENT, FLOOD, "c0", str(LIVE * 1_000_000), str(LIVE_RATE), "PLANT",
                   stdout=subprocess.DEVNULL).wait(300)
            if running.process.poll() is not None:
                problems.append(f"{what}: ended with {running.process.returncode}")
                return
            status = pathlib.Path(f"/proc/{running.process.pid}/status").read_text()
            peak = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) >> 10
            ended = running.end(seconds=60)
            check(what, memory + RING, peak, ended, json.loads(running.stdout()))


def all_memories():
    for memory in (256, 64):
        piped(memory)
        live(memory)


if __name__ == "__main__":
    run_parts(all_memories, problems=problems)
