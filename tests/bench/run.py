#!/usr/bin/env python3
"""Measures wirefault against the bare libpcap loop and tshark, and holds it to its goals.

  run.py [--quick] [--build DIR] [--data DIR] [--rounds N] [--only WORD] [--without-tshark]
         [--processor-time] [--stages]

Makes the captures on first use (8 GB; 2 GB with --quick, which takes captures of 1 M packets where
the goals speak of 5 M). Programs take turns on each capture, so that a drifting machine moves all of
them; a ratio is the median of the rounds' ratios. Times are of the whole process, page cache warm;
memory is the peak resident size. tshark is slow, so its rows are measured on the captures of 1 M
packets, wirefault and tshark on the same one. The two growth rows read from a pipe out of the
generator and compare processor time, since the generator may be the slower end. --processor-time
compares nothing else, for a machine that is busy with other things. --stages prints, instead of all
that, what each stage of the work costs on the captures that have a goal for time.

Exits 1 when a "must" is missed.
"""
import argparse
import dataclasses
import json
import operator
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

MIB = 1024 * 1024
HERE = pathlib.Path(__file__).resolve().parent

# Name of a capture and how the generator makes it.
CAPTURES = {
    "mix": "--scenario mix --packets 5M --seed 1",
    "dns": "--scenario dns --packets 5M --seed 2",
    "syn-flood": "--scenario syn-flood --packets 6200k --seed 3",
    "many-flows": "--scenario many-flows --packets 7200k --flows 1200k --seed 4",
    "mix1m": "--scenario mix --packets 1M --seed 1",
    "mix1m-pcapng": "--scenario mix --packets 1M --seed 1 --format pcapng",
    "mix1m-cut96": "--scenario mix --packets 1M --seed 1 --snap-length 96",
    "dns1m": "--scenario dns --packets 1M --seed 2",
    "syn-flood1m": "--scenario syn-flood --packets 1M --seed 3",
    "many-flows1m": "--scenario many-flows --packets 1M --flows 166k --seed 4",
    "tiny": "--scenario mix --packets 10 --flows 5 --seed 1",
}


@dataclasses.dataclass
class Goal:
    must: float
    aim: float | None
    unit: str
    at_least: bool = False

    def judge(self, value):
        holds = operator.ge if self.at_least else operator.le
        if not holds(value, self.must):
            return "MISSED"
        if self.aim is None:
            return "pass"
        return "pass, aim reached" if holds(value, self.aim) else "pass"


TIME_GOALS = {  # times the bare libpcap loop
    "mix": Goal(1.6, 1.0, "x"),
    "dns": Goal(3.0, 2.0, "x"),
    "syn-flood": Goal(3.0, 1.5, "x"),
    "many-flows": Goal(3.0, 2.0, "x"),
    "mix1m-pcapng": Goal(1.6, 1.0, "x"),
    "mix1m-cut96": Goal(3.0, 1.5, "x"),
}
TSHARK_GOALS = {  # times faster than tshark
    "mix1m": Goal(30, 47, "x", at_least=True),
    "dns1m": Goal(30, 45, "x", at_least=True),
    "syn-flood1m": Goal(25, None, "x", at_least=True),
}
MEMORY_GOALS = {
    "mix": Goal(160, 96, "MiB"),
    "dns": Goal(256, 96, "MiB"),
    "syn-flood": Goal(256, 96, "MiB"),
    "many-flows": Goal(256, 96, "MiB"),
}
SMALL_MEMORY_GOAL = Goal(64, None, "MiB")
FLOW_GOAL = Goal(400, 288, "B")
SYN_GROWTH_GOAL = Goal(5, None, "%")
FLOOD = "host 198.18.16.1 and tcp port 80"  # whom the generator floods
TIME_GROWTH_GOAL = Goal(15, 5, "%")
START_GOAL = Goal(50, 10, "ms")

QUICK_CAPTURES = {
    "mix": "mix1m",
    "dns": "dns1m",
    "syn-flood": "syn-flood1m",
    "many-flows": "many-flows1m",
}


@dataclasses.dataclass
class Run:
    wall: float  # seconds
    cpu: float
    peak: float  # MiB


class Bench:
    def __init__(self, options):
        self.options = options
        self.generator = options.build / "tests/bench/generate_captures"
        self.loop = options.build / "tests/bench/pcap_loop"
        self.stages = options.build / "tests/bench/stages"
        self.wirefault = options.build / "wirefault"
        self.rounds = options.rounds or (3 if options.quick else 5)
        self.missed = 0

    def capture(self, name):
        """The path of a capture and its truth, made when it is not there yet."""
        path = self.options.data / f"{name}.pcap"
        truth = path.with_suffix(".json")
        if not truth.exists():
            print(f"making {path}", file=sys.stderr)
            self.options.data.mkdir(parents=True, exist_ok=True)
            command = [self.generator, "--out", path, "--truth", f"{truth}.new"]
            subprocess.run(command + CAPTURES[name].split(), check=True)
            os.rename(f"{truth}.new", truth)
        return path, json.loads(truth.read_text())

    def analyze(self, path, *more):
        return [self.wirefault, "analyze", "-o", "json", *more, path]

    def row(self, name, value, goal):
        verdict = goal.judge(value)
        self.missed += verdict == "MISSED"
        sign = ">=" if goal.at_least else "<="
        aim = "" if goal.aim is None else f"{sign} {goal.aim:g}{goal.unit}"
        print(f"{name:44} {value:8.2f}{goal.unit:4} {f'{sign} {goal.must:g}{goal.unit}':>12}"
              f" {aim:>12}  {verdict}", flush=True)

    def wanted(self, *names):
        return not self.options.only or any(self.options.only in name for name in names)

    def title(self, text):
        print(f"\n{text:44} {'measured':>12} {'must':>12} {'aim':>12}")

    def time_rows(self):
        self.title("time, against the bare libpcap loop")
        for name, goal in TIME_GOALS.items():
            if not self.wanted("time", name):
                continue
            path, truth = self.capture(self.pick(name))
            runs = self.take_turns(path, {"libpcap": [self.loop, path],
                                          "wirefault": self.analyze(path)})
            self.row(self.pick(name), self.ratio(runs["wirefault"], runs["libpcap"]), goal)
            self.print_costs(runs, truth["packets"])

    def stage_rows(self):
        """What the stages cost, each with those before it, as times the bare libpcap loop."""
        stages = ("read", "views", "facts")
        print(f"{'times the bare libpcap loop':28}" + "".join(f"{stage:>9}" for stage in stages)
              + f"{'analyze':>9}{'must':>9}")
        for name, goal in TIME_GOALS.items():
            if not self.wanted(name):
                continue
            path, _ = self.capture(self.pick(name))
            commands = {stage: [self.stages, stage, path] for stage in stages}
            commands |= {"analyze": self.analyze(path), "libpcap": [self.loop, path]}
            runs = self.take_turns(path, commands)
            costs = [self.ratio(runs[stage], runs["libpcap"]) for stage in (*stages, "analyze")]
            print(f"{self.pick(name):28}" + "".join(f"{cost:8.2f}x" for cost in costs)
                  + f"{goal.must:8.1f}x", flush=True)

    def tshark_rows(self):
        if self.options.without_tshark or not shutil.which("tshark"):
            return
        self.title("times faster than tshark -q -z expert")
        for name, goal in TSHARK_GOALS.items():
            if not self.wanted("tshark", name):
                continue
            path, truth = self.capture(name)
            runs = self.take_turns(path, {"wirefault": self.analyze(path),
                                          "tshark": ["tshark", "-r", path, "-q", "-z", "expert"]},
                                   rounds=1 if self.options.quick else 3)
            self.row(name, self.ratio(runs["tshark"], runs["wirefault"]), goal)
            self.print_costs(runs, truth["packets"])

    def memory_rows(self):
        self.title("peak memory")
        for name, goal in MEMORY_GOALS.items():
            if not self.wanted("memory", name):
                continue
            path, _ = self.capture(self.pick(name))
            self.row(f"{self.pick(name)}", run(self.analyze(path)).peak, goal)
            small = run(self.analyze(path, "--max-mem", "64M")).peak
            self.row(f"{self.pick(name)}, --max-mem 64M", small, SMALL_MEMORY_GOAL)
        if self.wanted("memory", "per flow"):
            path, truth = self.capture(self.pick("many-flows"))
            tiny, _ = self.capture("tiny")
            roomy = ("--max-mem", "4G")
            spent = run(self.analyze(path, *roomy)).peak - run(self.analyze(tiny, *roomy)).peak
            self.row("per flow of many-flows, --max-mem 4G",
                     spent * MIB / truth["flows_started"], FLOW_GOAL)

    def growth_rows(self):
        self.title("growth, fed through a pipe")
        few, many = ("1M", "5M") if self.options.quick else ("5M", "50M")
        if self.wanted("growth", "syn-flood"):
            # The flood alone: connections of the traffic around it add up with time.
            flood = ("-f", FLOOD)
            small, _ = self.piped("syn-flood", few, *flood)
            large, _ = self.piped("syn-flood", many, *flood)
            self.row(f"memory, {few} to {many} SYNs", percent(large.peak, small.peak),
                     SYN_GROWTH_GOAL)
            print(f"    {small.peak:.1f} MiB, {large.peak:.1f} MiB")
        few = "1M"
        if self.wanted("growth", "mix"):
            small, small_packets = self.piped("mix", few)
            large, large_packets = self.piped("mix", many)
            costs = small.cpu / small_packets * 1e9, large.cpu / large_packets * 1e9
            self.row(f"processor time per packet, mix {few} to {many}",
                     percent(costs[1], costs[0]), TIME_GROWTH_GOAL)
            print(f"    {costs[0]:.0f} ns, {costs[1]:.0f} ns per packet;"
                  f" {small.peak:.0f} MiB, {large.peak:.0f} MiB")

    def start_row(self):
        self.title("start-up")
        if self.wanted("start"):
            path, _ = self.capture("tiny")
            walls = [run(self.analyze(path)).wall for _ in range(21)]
            self.row("capture of 10 packets", statistics.median(walls) * 1000, START_GOAL)

    def pick(self, name):
        return QUICK_CAPTURES.get(name, name) if self.options.quick else name

    def take_turns(self, path, commands, rounds=None):
        """Runs of each command, round by round, with the file in the page cache."""
        runs = {name: [] for name in commands}
        with open(path, "rb", buffering=0) as file:
            while file.read(MIB // 4):
                pass
        for _ in range(rounds or self.rounds):
            for name, command in commands.items():
                runs[name].append(run(command))
        return runs

    def seconds(self, one):
        return one.cpu if self.options.processor_time else one.wall

    def ratio(self, ours, theirs):
        return statistics.median(self.seconds(a) / self.seconds(b) for a, b in zip(ours, theirs))

    def print_costs(self, runs, packets):
        for name, some in runs.items():
            costs = sorted(self.seconds(one) * 1e9 / packets for one in some)
            print(f"    {name:10} {statistics.median(costs):7.0f} ns/packet"
                  f" [{costs[0]:.0f}-{costs[-1]:.0f}], {max(one.peak for one in some):5.0f} MiB")

    def piped(self, scenario, packets, *options):
        """One run over what the generator writes, and the number of packets."""
        truth = self.options.data / "piped.json"
        self.options.data.mkdir(parents=True, exist_ok=True)
        command = [self.generator, "--scenario", scenario, "--packets", packets, "--out", "-",
                   "--truth", truth]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as generator:
            result = run(self.analyze("-", *options), stdin=generator.stdout)
            generator.stdout.close()
        if generator.returncode != 0:
            sys.exit(f"{scenario}: the generator ended with {generator.returncode}")
        return result, json.loads(truth.read_text())["packets"]


def run(command, stdin=subprocess.DEVNULL):
    """Runs a command to its end. The peak cannot be seen below this process's own (see main)."""
    start = time.monotonic()
    with subprocess.Popen(command, stdin=stdin, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        message = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: status {process.returncode}\n{message.decode()}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def percent(now, before):
    return (now / before - 1) * 100


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    root = HERE.parent.parent
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=root / "build/release")
    parser.add_argument("--data", type=pathlib.Path, default=root / "build/bench-data")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", metavar="WORD",
                        help="rows of one capture (mix, dns, ...) or kind (time, tshark, memory,"
                             " growth, start)")
    parser.add_argument("--without-tshark", action="store_true")
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--stages", action="store_true")
    options = parser.parse_args()

    bench = Bench(options)
    for program in (bench.generator, bench.loop, bench.stages, bench.wirefault):
        if not program.exists():
            sys.exit(f"{program} is missing: run ./dev bench, which builds it")
    own = pathlib.Path("/proc/self/status").read_text()
    own_peak = int(own.split("VmHWM:")[1].split()[0]) / 1024
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {bench.rounds} rounds;"
          f" a peak below {own_peak:.0f} MiB shows as that")
    if options.stages:
        bench.stage_rows()
        return 0
    bench.time_rows()
    bench.tshark_rows()
    bench.memory_rows()
    bench.growth_rows()
    bench.start_row()
    print(f"\n{bench.missed} goals missed" if bench.missed else "\nall goals held")
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
