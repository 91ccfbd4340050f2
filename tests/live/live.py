#!/usr/bin/env python3
"""`wirefault live` on real interfaces: namespaces wf-*, made and taken down here. Needs root; says
so and is skipped (exit 77) otherwise.

usage: live.py PROGRAM [TEST...]
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "wirefault"
# Whoever ends it wants the namespaces gone as well.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
CLIENT = f"wf-c{os.getpid()}"
SERVER = f"wf-s{os.getpid()}"
HERE = "198.51.100.1"
THERE = "198.51.100.2"
SKIPPED = 77

# Sends COUNT datagrams of 60 bytes to a MAC address of nobody, as fast as a socket takes them.
BURST = """
import socket, sys
interface, count = sys.argv[1], int(sys.argv[2])
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((interface, 0))
import struct
for i in range(count):
    frame = bytes.fromhex('02005e100001 02005e100002 0800'.replace(' ', ''))
    ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 46, i & 0xffff, 0, 64, 17, 0,
                     socket.inet_aton('198.51.100.1'), socket.inet_aton('198.51.100.9'))
    out.send(frame + ip + struct.pack('>HHHH', 1024 + i % 50000, 9999, 26, 0) + b'x' * 18)
"""

# Asks a server that is not there, as a stub resolver does.
ASK = """
import socket, struct, sys, time
server, name, tries, pause = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
labels = b''.join(bytes([len(l)]) + l.encode() for l in name.split('.')) + b'\\0'
query = struct.pack('>HHHHHH', 0x1a07, 0x0100, 1, 0, 0, 0) + labels + struct.pack('>HH', 1, 1)
for i in range(tries):
    out.sendto(query, (server, 53))
    time.sleep(pause)
"""


def sh(command):
    subprocess.run(command, shell=True, check=True, stdout=subprocess.DEVNULL)


def inside(namespace, *command, **options):
    return subprocess.Popen(["ip", "netns", "exec", namespace, *command], **options)


def python(namespace, script, *words):
    inside(namespace, sys.executable, "-c", script, *map(str, words)).wait(60)


class Live:
    """A running `wirefault live` in a namespace."""

    def __init__(self, *options, namespace=CLIENT, interface="c0", environment=None, out=None,
                 under=()):
        self.folder = tempfile.mkdtemp(prefix="wf-live-")
        self.out = open(f"{self.folder}/out", "w+")
        self.err = open(f"{self.folder}/err", "w+")
        words = [PROGRAM, "live", *options]
        if interface:
            words[2:2] = ["-i", interface]
        self.process = inside(namespace, *under, *words, stdout=out or self.out, stderr=self.err,
                              env={**os.environ, **(environment or {})})
        self.until(lambda: "watching" in self.stderr() or self.process.poll() is not None)

    def stdout(self):
        return pathlib.Path(self.out.name).read_text()

    def stderr(self):
        return pathlib.Path(self.err.name).read_text()

    def until(self, condition, seconds=30):
        """Waits for a condition: generous, since machines are slow at times."""
        end = time.time() + seconds
        while time.time() < end:
            if condition():
                return True
            time.sleep(0.05)
        return False

    def end(self, sign=signal.SIGINT, seconds=30):
        if self.process.poll() is None:
            # `ip netns exec` becomes the program.
            self.process.send_signal(sign)
        self.process.wait(seconds)
        return self.process.returncode

    def accounts(self):
        """What -v says: received, dropped, analysed."""
        told = re.search(r"([\d,]+) received by the kernel, ([\d,]+) dropped, ([\d,]+) analysed",
                         self.stderr())
        return tuple(int(number.replace(",", "")) for number in told.groups())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        self.out.close()
        self.err.close()
        shutil.rmtree(self.folder)


def told(report, kind):
    """What a report says of its capture, of one kind."""
    return " ".join(note["text"] for note in report["quality"]["notes"] if note["kind"] == kind)


class Lab(unittest.TestCase):
    """Two namespaces with a cable between them."""

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(cls.take_down)
        for namespace in (CLIENT, SERVER):
            sh(f"ip netns add {namespace} && ip -n {namespace} link set lo up")
        sh(f"ip link add c0 netns {CLIENT} type veth peer name s0 netns {SERVER}")
        for namespace, name, address in ((CLIENT, "c0", HERE), (SERVER, "s0", THERE)):
            sh(f"ip netns exec {namespace} sh -c "
               f"'echo 1 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6'")
            sh(f"ip -n {namespace} addr add {address}/24 dev {name}")
            sh(f"ip -n {namespace} link set {name} up")
        # A server that is down, but whose address is known: no ICMP error from this host.
        sh(f"ip -n {CLIENT} neigh add 198.51.100.53 lladdr 02:00:5e:10:00:53 dev c0")

    @classmethod
    def take_down(cls):
        for namespace in (CLIENT, SERVER):
            with contextlib.suppress(subprocess.CalledProcessError):
                sh(f"ip netns pids {namespace} | xargs -r kill -9; ip netns del {namespace}")


class LiveTest(Lab):
    def test_nothing_of_a_burst_is_lost_by_ctrl_c(self):
        for sign in (signal.SIGINT, signal.SIGTERM):
            with Live("-v", "-o", "json") as live:
                python(CLIENT, BURST, "c0", 3000)
                self.assertEqual(live.end(sign), 0, live.stderr())
                received, dropped, analysed = live.accounts()
                self.assertEqual(analysed + dropped, received)
                self.assertEqual(json.loads(live.stdout())["counts"]["packets"], analysed)
                self.assertGreaterEqual(analysed, 3000)

    def test_what_the_ring_has_no_room_for_is_counted(self):
        with Live("-v", "-o", "json", "-B", "256") as live:
            live.process.send_signal(signal.SIGSTOP)
            python(CLIENT, BURST, "c0", 20000)
            live.process.send_signal(signal.SIGCONT)
            self.assertEqual(live.end(), 0, live.stderr())
            received, dropped, analysed = live.accounts()
            self.assertGreater(dropped, 0)
            self.assertEqual(analysed + dropped, received)
            quality = json.loads(live.stdout())["quality"]
            self.assertEqual(quality["numbers"]["kernel_drops"], dropped)

    def test_an_unanswered_query_is_told_while_nothing_else_comes(self):
        with Live() as live:
            python(CLIENT, ASK, "198.51.100.53", "www.example.com", 3, 1)
            self.assertTrue(live.until(lambda: "dns-unanswered" in live.stdout()), live.stderr())
            line = live.stdout().splitlines()[0]
            self.assertRegex(line, r"^\d\d:\d\d:\d\d\.\d{3}Z open   F1 \w+ dns-unanswered ")
            self.assertIsNone(live.process.poll())
            self.assertEqual(live.end(), 0)
            self.assertIn("198.51.100.53", live.stdout().split("\n\n", 1)[1])  # the summary

    def test_it_stops_when_told(self):
        with Live("--for", "1s") as live:
            self.assertTrue(live.until(lambda: live.process.poll() is not None))
            self.assertEqual(live.process.returncode, 0)
        with Live("-c", "5", "-o", "json") as live:
            python(CLIENT, BURST, "c0", 100)
            self.assertTrue(live.until(lambda: live.process.poll() is not None))
            self.assertEqual(json.loads(live.stdout())["counts"]["packets"], 5)
        with Live("--until", "warning") as live:
            python(CLIENT, ASK, "198.51.100.53", "www.example.com", 3, 1)
            self.assertTrue(live.until(lambda: live.process.poll() is not None))
            self.assertEqual(live.process.returncode, 0)
            self.assertIn("dns-unanswered", live.stdout())

    def test_a_filter_is_the_last_words(self):
        with Live("-o", "json", "udp", "port", "9999") as live:
            python(CLIENT, ASK, "198.51.100.53", "www.example.com", 1, 0)
            python(CLIENT, BURST, "c0", 50)
            live.end()
            self.assertEqual(json.loads(live.stdout())["counts"]["packets"], 50)

    def test_it_ends_when_nobody_reads_any_more(self):
        reading, writing = os.pipe()
        with Live(out=writing) as live:
            os.close(writing)
            os.close(reading)
            python(CLIENT, ASK, "198.51.100.53", "www.example.com", 3, 1)
            self.assertTrue(live.until(lambda: live.process.poll() is not None, 60))
            self.assertEqual(live.process.returncode, 0, live.stderr())

    def test_the_summary_names_findings_as_the_lines_did(self):
        refused = f"""
import socket
for port in (81, 82):
    try: socket.create_connection(('{THERE}', port), 1)
    except OSError: pass
"""
        log = pathlib.Path(f"{tempfile.gettempdir()}/wf-{os.getpid()}.ids")
        self.addCleanup(log.unlink)
        with Live("-o", "json", "--log", f"jsonl:{log}") as live:
            python(CLIENT, refused)
            self.assertTrue(live.until(lambda: "tcp-refused" in log.read_text()))
            python(CLIENT, ASK, "198.51.100.53", "www.example.com", 3, 1)
            self.assertTrue(live.until(lambda: "dns-unanswered" in log.read_text()))
            live.end()
            named = {event["finding"]["fp"]: event["finding"]["id"] for event in
                     map(json.loads, log.read_text().splitlines())}
            summary = json.loads(live.stdout())
            self.assertEqual({found["fp"]: found["id"] for found in summary["findings"]}, named)

    def test_the_own_ssh_session_is_left_out(self):
        session = {"SSH_CONNECTION": f"{HERE} 40001 {THERE} 22"}
        with Live("-o", "json", environment=session) as live:
            self.assertIn(f"not own ssh session from {HERE}:40001", live.stderr())
            python(CLIENT, f"""
import socket
for port in (40001, 40002):
    s = socket.socket(); s.bind(('{HERE}', port))
    try: s.connect(('{THERE}', 22))
    except OSError: pass
""")
            live.end()
            self.assertEqual(json.loads(live.stdout())["counts"]["tcp_connections"], 1)

    def test_an_interface_may_go_down_and_come_back(self):
        with Live("-o", "json", namespace=SERVER, interface="s0") as live:
            python(CLIENT, BURST, "c0", 10)
            sh(f"ip -n {SERVER} link set s0 down")
            time.sleep(1.5)
            sh(f"ip -n {SERVER} link set s0 up")
            time.sleep(0.5)
            python(CLIENT, BURST, "c0", 10)
            self.assertIsNone(live.process.poll(), live.stderr())
            self.assertEqual(live.end(), 0)
            report = json.loads(live.stdout())
            self.assertGreaterEqual(report["counts"]["packets"], 20)
            self.assertRegex(told(report, "interface-down"), r"s0 was down for [12]\.\d s")

    def test_an_interface_may_be_renamed_while_it_is_down(self):
        rename = "ip -n {0} link set {1} down; ip -n {0} link set {1} name {2}; " \
                 "ip -n {0} link set {2} up"
        with Live("-o", "json", namespace=SERVER, interface="s0") as live:
            python(CLIENT, BURST, "c0", 10)
            sh(rename.format(SERVER, "s0", "s7"))
            self.addCleanup(sh, rename.format(SERVER, "s7", "s0"))
            time.sleep(0.5)
            python(CLIENT, BURST, "c0", 10)
            self.assertIsNone(live.process.poll(), live.stderr())
            self.assertEqual(live.end(), 0, live.stderr())
            self.assertGreaterEqual(json.loads(live.stdout())["counts"]["packets"], 20)

    def test_what_the_ring_of_a_deleted_interface_holds_is_looked_at(self):
        sh(f"ip link add y0 netns {CLIENT} type veth peer name y1 netns {SERVER}")
        sh(f"ip -n {CLIENT} link set y0 up && ip -n {SERVER} link set y1 up")
        with Live("-v", "-o", "json", interface="y0") as live:
            # Sooner than the kernel hands a block over that is not full.
            python(CLIENT, BURST + "import os; os.system('ip link del y0')", "y0", 200)
            self.assertTrue(live.until(lambda: live.process.poll() is not None), live.stderr())
            self.assertEqual(live.process.returncode, 5, live.stderr())
            received, dropped, analysed = live.accounts()
            self.assertEqual((dropped, analysed), (0, received), live.stderr())
            self.assertGreaterEqual(json.loads(live.stdout())["counts"]["packets"], 200)

    def test_packets_to_oneself_are_counted_once(self):
        for interface in ("lo", "any"):
            with Live("-v", "-o", "json", interface=interface) as live:
                python(CLIENT, "import socket; s = socket.socket(type=socket.SOCK_DGRAM)\n"
                               "for i in range(12): s.sendto(b'x', ('127.0.0.1', 9))")
                self.assertEqual(live.end(), 0)
                received, _, analysed = live.accounts()
                self.assertGreaterEqual(analysed, 12)
                self.assertEqual(analysed, received, interface)

    def test_an_interface_that_is_deleted_ends_it_with_a_report(self):
        sh(f"ip link add x0 netns {CLIENT} type veth peer name x1 netns {SERVER}")
        sh(f"ip -n {CLIENT} link set x0 up && ip -n {SERVER} link set x1 up")
        with Live("-o", "json", interface="x0") as live:
            python(CLIENT, BURST, "x0", 10)
            sh(f"ip -n {CLIENT} link set x0 down && ip -n {CLIENT} link set x0 name x9")
            sh(f"ip -n {CLIENT} link del x9")
            self.assertTrue(live.until(lambda: live.process.poll() is not None), live.stderr())
            self.assertEqual(live.process.returncode, 5, live.stderr())
            self.assertGreaterEqual(json.loads(live.stdout())["counts"]["packets"], 10)
            self.assertIn("x0", live.stderr())

    def test_a_snapshot_comes_when_asked_for(self):
        with Live() as live:
            python(CLIENT, BURST, "c0", 10)
            live.until(lambda: False, 1.5)
            live.process.send_signal(signal.SIGUSR1)
            self.assertTrue(live.until(lambda: "No failures found" in live.stderr()))
            self.assertIsNone(live.process.poll())

    def test_it_is_shut_in_before_the_first_packet(self):
        with Live("--sandbox-status") as live:
            for task in pathlib.Path(f"/proc/{live.process.pid}/task").iterdir():
                status = dict(line.split(":\t", 1) for line in
                              (task / "status").read_text().splitlines() if ":\t" in line)
                self.assertEqual(status["Uid"].split(), ["65534"] * 4)
                self.assertEqual(status["Gid"].split(), ["65534"] * 4)
                self.assertEqual(status["Groups"].strip(), "")
                for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                    self.assertEqual(int(status[capabilities], 16), 0, capabilities)
                self.assertEqual(status["NoNewPrivs"], "1")
                self.assertEqual(status["Seccomp"], "2")
            self.assertIn("sandbox: enforce", live.stderr())
            self.assertIn("; sandboxed", live.stderr())

    def test_a_reader_that_does_not_read_stops_nothing(self):
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
        with Live("-v", "--log", f"jsonl:{tempfile.gettempdir()}/wf-{os.getpid()}.jsonl",
                  out=writing) as live:
            os.close(writing)
            log = pathlib.Path(f"{tempfile.gettempdir()}/wf-{os.getpid()}.jsonl")
            self.addCleanup(log.unlink)
            python(CLIENT, ASK, "198.51.100.53", "www.example.com", 3, 1)
            self.assertTrue(live.until(lambda: "dns-unanswered" in log.read_text()))
            python(CLIENT, BURST, "c0", 1000)
            live.process.send_signal(signal.SIGINT)
            told = b""
            while piece := os.read(reading, 65536):
                told += piece
            os.close(reading)
            live.process.wait(30)
            self.assertEqual(live.process.returncode, 0, live.stderr())
            self.assertIn(b"dns-unanswered", told)
            received, dropped, analysed = live.accounts()
            self.assertEqual((analysed, dropped), (received, 0))
            for line in log.read_text().splitlines():
                self.assertEqual(json.loads(line)["schema"], "wirefault-event/1")

    def test_packets_are_kept_in_a_ring_of_files(self):
        folder = tempfile.mkdtemp(prefix="wf-ring-")
        self.addCleanup(shutil.rmtree, folder)
        with Live("-w", f"{folder}/ring.pcapng", "-C", "1000KiB", "-W", "3", "-o", "json") as live:
            python(CLIENT, BURST, "c0", 50000)
            live.end()
            self.assertEqual(live.process.returncode, 0, live.stderr())
            self.assertGreaterEqual(json.loads(live.stdout())["counts"]["packets"], 50000)
        files = sorted(os.listdir(folder))
        self.assertEqual(files, ["ring.pcapng0", "ring.pcapng1", "ring.pcapng2"])
        for file in files:
            ran = subprocess.run([PROGRAM, "analyze", "-o", "json", f"{folder}/{file}"],
                                 capture_output=True, text=True)
            self.assertEqual(ran.returncode, 0, ran.stderr)
            self.assertGreater(json.loads(ran.stdout)["counts"]["packets"], 100)
            self.assertEqual(os.stat(f"{folder}/{file}").st_mode & 0o777, 0o600)

    def test_the_last_file_of_so_many_ends_it(self):
        folder = tempfile.mkdtemp(prefix="wf-last-")
        self.addCleanup(shutil.rmtree, folder)
        with Live("-w", f"{folder}/%H%M%S.pcapng", "-G", "1", "-W", "1") as live:
            until = time.time() + 30
            while live.process.poll() is None and time.time() < until:
                python(CLIENT, BURST, "c0", 5)
            self.assertEqual(live.end(), 0, live.stderr())
            self.assertIn("-W 1: 1 file of -G 1 written, that was all", live.stderr())
        self.assertEqual(len(os.listdir(folder)), 1)

    def test_a_full_disk_ends_the_file_and_not_the_analysis(self):
        folder = tempfile.mkdtemp(prefix="wf-full-")
        sh(f"mount -t tmpfs -o size=1m tmpfs {folder}")
        self.addCleanup(lambda: sh(f"umount {folder} && rmdir {folder}"))
        with Live("-w", f"{folder}/e.pcapng", "-o", "json") as live:
            python(CLIENT, BURST, "c0", 30000)
            self.assertTrue(live.until(lambda: "e.pcapng" in live.stderr()))
            python(CLIENT, BURST, "c0", 1000)
            self.assertEqual(live.end(), 4, live.stderr())
            self.assertGreaterEqual(json.loads(live.stdout())["counts"]["packets"], 31000)
        ran = subprocess.run([PROGRAM, "analyze", "--strict", "-o", "json", f"{folder}/e.pcapng"],
                             capture_output=True, text=True)
        self.assertEqual(ran.returncode, 0, ran.stderr)

    def test_metrics_and_reports_are_replaced_whole(self):
        folder = tempfile.mkdtemp(prefix="wf-metrics-")
        self.addCleanup(shutil.rmtree, folder)
        with Live("--metrics", f"{folder}/m.prom", "-o", f"json:{folder}/r.json") as live:
            self.assertTrue(live.until(lambda: os.path.exists(f"{folder}/m.prom")))
            python(CLIENT, BURST, "c0", 100)
            live.process.send_signal(signal.SIGUSR1)
            self.assertTrue(live.until(lambda: os.path.exists(f"{folder}/r.json")))
            json.loads(pathlib.Path(f"{folder}/r.json").read_text())
            self.assertEqual(live.end(), 0, live.stderr())
        packets = re.search(r"^wirefault_packets_total\S* (\d+)",
                            pathlib.Path(f"{folder}/m.prom").read_text(), re.M)
        self.assertIsNotNone(packets)
        self.assertGreaterEqual(int(packets[1]), 100)  # as it was at the end
        self.assertEqual(os.stat(f"{folder}/m.prom").st_mode & 0o777, 0o644)
        report = json.loads(pathlib.Path(f"{folder}/r.json").read_text())
        self.assertGreaterEqual(report["counts"]["packets"], 100)
        self.assertEqual(sorted(os.listdir(folder)), ["m.prom", "r.json"])

    def test_mistakes_are_told_before_anything_is_captured(self):
        for words, message in (
            (["-i", "wf-none"], "there is no interface called wf-none"),
            (["-i", "lo", "--for", "soon"], "--for cannot be 'soon'"),
            (["-i", "lo", "/etc/hostname"], "did you mean: wirefault analyze /etc/hostname"),
            (["-i", "lo", "tcp", "prot", "443"], "capture filter not understood"),
            (["-i", "lo", "-w", "/tmp/wf-x", "-o", "json:/tmp/../tmp/wf-x"],
             "/tmp/wf-x is to be written twice"),
            (["-i", "lo", "-w", "-"], "packets are kept in files"),
            (["-i", "lo", "-W", "3"], "-W needs -w FILE"),
            (["-i", "lo", "-w", "/tmp/wf-x", "-W", "3"], "-W counts the files of -C or -G"),
            (["-i", "lo", "-w", "/tmp/wf-x", "-G", "0"], "-G cannot be 0"),
            (["-i", "lo", "-w", "/tmp/wf-x", "-G", "1"], "each file would replace the one before"),
            (["-i", "lo", "--sandbox", "off", "-Z", "daemon"], "-Z needs the sandbox"),
        ):
            ran = subprocess.run([PROGRAM, "live", *words], capture_output=True, text=True)
            self.assertEqual(ran.returncode, 2, words)
            self.assertIn(message, ran.stderr)
            self.assertEqual(ran.stdout, "")

    def test_without_rights_it_says_which(self):
        ran = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", PROGRAM, "live", "-i",
                              "lo"], capture_output=True, text=True)
        self.assertEqual(ran.returncode, 2)
        self.assertIn("not allowed to capture on lo (needs CAP_NET_RAW)", ran.stderr)
        self.assertIn("sudo wirefault live -i lo", ran.stderr)


def can_make_namespaces():
    name = f"wf-try{os.getpid()}"
    return shutil.which("ip") is not None and subprocess.run(
        f"ip netns add {name} && ip -n {name} link add x type veth peer name y; "
        f"made=$?; ip netns del {name}; exit $made", shell=True,
        stderr=subprocess.DEVNULL).returncode == 0


def skip_without(*tools):
    """Ends the program where it cannot run."""
    if os.geteuid() != 0 or not can_make_namespaces():
        print("skipped: needs root, ip (iproute2) and network namespaces")
        sys.exit(SKIPPED)
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        print(f"skipped: needs {', '.join(missing)}")
        sys.exit(SKIPPED)


def run_tests():
    skip_without()
    unittest.main(module="__main__", verbosity=2)


def run_parts(*parts, problems=(), tools=()):
    """For what measures: calls `parts` one after the other, between the namespaces, and ends the
    program with what `problems`, a list of texts, has come to."""
    skip_without(*tools)
    LiveTest.setUpClass()
    try:
        for part in parts:
            part()
    finally:
        LiveTest.take_down()
    for problem in problems:
        print(f"problem: {problem}")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    run_tests()
