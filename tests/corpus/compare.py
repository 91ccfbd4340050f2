#!/usr/bin/env python3
"""Compares wirefault with tshark over a directory of captures.

  compare.py [--findings] [--program FILE] DIRECTORY

DIRECTORY holds captures, `truth.tsv` (what tshark counts in each) and `MANIFEST.tsv` (tags). Every
capture must be analysed within ten seconds, with a result that is JSON, or refused with a message
where tshark refuses it too. The counters must agree, apart from the differences that `allowed.toml`
lists with a reason; an entry there that no longer differs fails as well. Captures tagged `clean` or
named in `healthy.txt` must have no finding above warning.

With --findings nothing is compared: every finding is printed, to be read by people.
"""
import argparse
import csv
import dataclasses
import json
import pathlib
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
TIME_LIMIT = 10  # seconds
RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")


@dataclasses.dataclass
class Analysis:
    status: int | str  # exit status, or what went wrong instead
    message: str  # first line of standard error
    result: dict | None  # what it printed, where that is JSON


def analyze(program, path):
    try:
        done = subprocess.run([program, "analyze", "-o", "json", path], capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        return Analysis(f"still running after {TIME_LIMIT} s", "", None)
    message = done.stderr.decode(errors="replace").partition("\n")[0]
    try:
        return Analysis(done.returncode, message, json.loads(done.stdout))
    except ValueError:
        return Analysis(done.returncode, message, None)


def read_table(path):
    with open(path, newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["file"]: row for row in rows}


def read_names(path):
    lines = (line.strip() for line in path.read_text().splitlines())
    return {line for line in lines if line and not line.startswith("#")}


def read_allowed(path):
    """(file, counter) -> ([tshark's value, ours], reason)."""
    allowed = {}
    for group in tomllib.loads(path.read_text()).get("allowed", []):
        for file, values in group["files"].items():
            allowed[file, group["counter"]] = (values, group["reason"])
    return allowed


def tshark_counters(row):
    """What truth.tsv says, by the names of our counters."""
    def total(*columns):
        return sum(int(row[column]) for column in columns)

    counters = {
        "packets": total("packets"),
        "dns_queries": total("dns_q_udp", "dns_q_tcp"),
        "dns_responses": total("dns_r_udp", "dns_r_tcp"),
        "dns_without_response": total("dns_unans_own", "dns_tcp_noresp"),
        "tcp_half_open": total("tcp_half_open"),
        "ip_fragmented_datagrams": total("ipfrag_dgrams"),
        "ip_incomplete_datagrams": total("ipfrag_dgrams_incomplete"),
    }
    for rcode in RCODES:
        counters[rcode] = total(f"rc_{rcode.lower()}")
    # tshark takes a packet that was recorded twice for a retransmission; we do not.
    if total("ip_dup_frames") == 0:
        counters["tcp_retransmissions"] = total("ta_retrans")
    return counters


def our_counters(result):
    counters = dict(result["counts"])
    # Whether it waited long enough for a response is of no concern to tshark.
    counters["dns_without_response"] = sum(
        counters[name] for name in ("dns_unanswered", "dns_undecided", "dns_rejected"))
    rcodes = counters.pop("dns_rcodes")
    return counters | {rcode: rcodes.get(rcode, 0) for rcode in RCODES}


def wrong_ending(analysis, truth):
    """What is wrong with how the program ended, or None."""
    refused_by_tshark = truth["status"].startswith("error")
    if analysis.status == 2 and refused_by_tshark and analysis.message:
        return None
    if analysis.status != 0:
        return f"ended with {analysis.status}: {analysis.message}"
    if analysis.result is None:
        return "standard output is not JSON"
    if analysis.result.get("schema") != "wirefault/1":
        return "unknown schema"
    return None


def compare(directory, program):
    truths = read_table(directory / "truth.tsv")
    manifest = read_table(directory / "MANIFEST.tsv")
    healthy = read_names(HERE / "healthy.txt")
    healthy |= {name for name, row in manifest.items() if "clean" in row["tags"].split()}
    allowed = read_allowed(HERE / "allowed.toml")
    complaints = []
    compared = 0

    for name, truth in truths.items():
        if not (directory / name).is_file():
            complaints.append(f"{name}: not in the corpus")
            continue
        analysis = analyze(program, directory / name)
        refused = allowed.pop((name, "refused"), None)
        if refused and analysis.status == 2 and analysis.message:
            continue
        if refused:
            complaints.append(f"{name}: listed as refused, yet it is not")
        wrong = wrong_ending(analysis, truth)
        if wrong:
            complaints.append(f"{name}: {wrong}")
            continue
        if analysis.result is None:
            continue
        complaints += loud_findings(name, analysis.result) if name in healthy else []
        if truth["status"].startswith("error"):
            continue
        ours = our_counters(analysis.result)
        for counter, theirs in tshark_counters(truth).items():
            compared += 1
            complaint = judge(name, counter, theirs, ours.get(counter), allowed)
            complaints += [complaint] if complaint else []

    missing = sorted(healthy - truths.keys())
    complaints += [f"{name}: listed as healthy, yet not in the corpus" for name in missing]
    complaints += [f"{name}: {counter}: allowed to differ, yet not compared"
                   for name, counter in allowed]
    for complaint in complaints:
        print(complaint)
    print(f"{len(truths)} captures, {compared} counters compared, {len(complaints)} complaints")
    return 1 if complaints or not truths else 0


def judge(name, counter, theirs, ours, allowed):
    """A complaint about one counter of one capture, or None; uses up what `allowed` says of it."""
    values, reason = allowed.pop((name, counter), (None, None))
    if ours == theirs:
        return f"{name}: {counter}: allowed to differ ({reason}), yet both say {ours}" if values else None
    if values == [theirs, ours]:
        return None
    return f"{name}: {counter}: tshark {theirs}, wirefault {ours}"


def loud_findings(name, result):
    return [f"{name}: healthy, yet {finding['severity']}: {finding['detector']}: {finding['title']}"
            for finding in result["findings"] if finding["severity"] in ("error", "critical")]


def print_findings(directory, program):
    for name in read_table(directory / "truth.tsv"):
        result = analyze(program, directory / name).result
        if not result or not result["findings"]:
            continue
        print(f"\n{name}")
        for finding in result["findings"]:
            detector = "/".join(filter(None, (finding["detector"], finding.get("variant"))))
            share = f"{finding.get('count', '')} of {finding.get('of', '?')}"
            print(f"  {finding['severity']:8} {finding.get('confidence', ''):8} {detector:40}"
                  f" {share:>14}  {finding['title']}")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--findings", action="store_true")
    parser.add_argument("--program", type=pathlib.Path,
                        default=HERE.parent.parent / "build/release/wirefault")
    parser.add_argument("directory", type=pathlib.Path)
    options = parser.parse_args()
    work = print_findings if options.findings else compare
    return work(options.directory, options.program.resolve())


if __name__ == "__main__":
    sys.exit(main())
