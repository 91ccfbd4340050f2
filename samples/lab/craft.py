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


def dns_message(number, name, flags, answer=b""):
    """One question for A; the answer is a record of the same name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    record = b"\xc0\x0c" + struct.pack("!HHLH", 1, 1, 300, len(answer)) + answer if answer else b""
    return struct.pack("!6H", number, flags, 1, bool(answer), 0, 0) + labels + struct.pack("!2H", 1, 1) + record


def changed_on_the_way(right_too):
    """The response comes with one bit of the name changed; with `right_too` the sound one follows."""
    capture = Capture()
    client, server = "192.0.2.10", "198.51.100.53"

    def send(source, source_port, target, target_port, message):
        packet = ip(source, target, UDP, udp(source, source_port, target, target_port, message))
        capture.add(source, target, packet)

    def response(name):
        capture.wait(20000)
        send(server, 53, client, 40000, dns_message(77, name, 0x8180, address("203.0.113.80")))

    for _ in range(2):
        send(client, 40000, server, 53, dns_message(77, "www.example.com", 0x0100))
        response("wwu.example.com")
        if right_too:
            response("www.example.com")
        capture.wait(5000000)
    capture.wait(5000000)
    echo = struct.pack("!2H", 1, 1)
    capture.add(client, server, ip(client, server, ICMP, icmp(8, 0, echo, b""), 3))
    return capture


@sample("dns-unanswered/fires-other-question")
def other_question():
    return changed_on_the_way(right_too=False)


@sample("dns-unanswered/quiet-other-question")
def other_question_beside():
    return changed_on_the_way(right_too=True)


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


def arp(capture, kind, sender, target):
    """A request (kind 1), to everybody, or the reply (kind 2) to one; RFC 826."""
    source = mac(sender)
    receiver = b"\xff" * 6 if kind == 1 else mac(target)
    asked = bytes(6) if kind == 1 else receiver
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, kind) + source + address(sender) + asked + address(target)
    capture.packets.append(pcap.Packet(capture.now, receiver + source + b"\x08\x06" + body + bytes(18)))


@sample("port-scan/fires-arp")
def arp_scan():
    """A host asks for sixty addresses of its network within six seconds; four answer."""
    capture = Capture()
    for host in range(20, 80):
        arp(capture, 1, "192.0.2.10", f"192.0.2.{host}")
        if host % 15 == 5:
            capture.wait(200)
            arp(capture, 2, f"192.0.2.{host}", "192.0.2.10")
        capture.wait(100000)
    return capture


@sample("port-scan/quiet-arp")
def forgotten_neighbours():
    """A router that has restarted asks for thirty hosts within three seconds, and each answers; for one
    that is off it asks again and again."""
    capture = Capture()
    for host in range(20, 50):
        arp(capture, 1, "192.0.2.1", f"192.0.2.{host}")
        capture.wait(200)
        arp(capture, 2, f"192.0.2.{host}", "192.0.2.1")
        capture.wait(100000)
    for _ in range(40):
        arp(capture, 1, "192.0.2.1", "192.0.2.99")
        capture.wait(1000000)
    return capture


def short_flows(late):
    """Six connections of 60 segments, seen by the receiver; of the first `late` one segment comes three
    places late."""
    capture = Capture()
    for number in range(6):
        connection = Connection(capture, client=("192.0.2.10", 40000 + number))
        connection.open()
        connection.send(0, PSH | ACK, 100)
        capture.wait(20000)
        mss = connection.MSS
        for segment in range(57):
            if number < late and segment == 20:
                begin = connection.next[1]
                held = connection.build(1, ACK, mss)
                connection.next[1] += mss
                for overtaking in range(1, 4):
                    connection.send(1, ACK, mss)
                    capture.wait(40)
                    connection.send(0, ACK, ack=begin, sack=[(begin + mss, begin + (1 + overtaking) * mss)])
                    capture.wait(60)
                capture.add("198.51.100.53", "192.0.2.10", held)
            else:
                connection.send(1, ACK, mss)
            capture.wait(100)
            connection.send(0, ACK)
            capture.wait(100)
        connection.close()
        capture.wait(300000)
    return capture


@sample("tcp-out-of-order/fires-path")
def late_on_short_flows():
    """Five of six short connections: too few segments each, 1.4 % of the path."""
    return short_flows(5)


@sample("tcp-out-of-order/quiet-short-flows")
def late_on_two_short_flows():
    """Two of six: neither share nor flows suffice."""
    return short_flows(2)


CLIENT, SERVER, CLIENT6, SERVER6 = "192.0.2.10", "198.51.100.53", "2001:db8:1::10", "2001:db8:2::53"


def fragments(datagram, identification, source=CLIENT, target=SERVER):
    """A UDP datagram cut into IPv4 fragments of 1480 bytes."""
    pieces = [(at, datagram[at : at + 1480]) for at in range(0, len(datagram), 1480)]
    return [ip(source, target, UDP, piece, identification, at, at + len(piece) < len(datagram)) for at, piece in pieces]


def small_datagrams(capture, count, target=SERVER):
    source = CLIENT6 if ":" in target else CLIENT
    for _ in range(count):
        capture.add(source, target, ip(source, target, UDP, udp(source, 40001, target, 9000, bytes(300)), 9))
        capture.wait(1000000)


@sample("ip-fragment-loss/quiet-id-reuse")
def identification_reuse():
    """The sender's 16-bit identification comes round while an older datagram of the same number is
    incomplete (RFC 4963): the new first fragment ends the old context, which was never lost whole."""
    capture = Capture()
    for turn in range(6):
        first, second, third = fragments(udp(CLIENT, 40000 + turn, SERVER, 9000, bytes([turn]) * 3000), 0x1234)
        capture.add(CLIENT, SERVER, first)
        if turn % 2:
            capture.wait(40)
            capture.add(CLIENT, SERVER, second)
            capture.wait(40)
            capture.add(CLIENT, SERVER, third)
        capture.wait(400000)
    small_datagrams(capture, 35)
    return capture


@sample("ip-fragment-loss/quiet-atomic")
def atomic_fragments():
    """IPv6 packets with a fragment header, offset 0 and no more fragments: whole by themselves (RFC 6946)."""
    capture = Capture()
    for number in range(8):
        header = fragment_header(UDP, 0, False, 0xABC00000 + number)
        packet = ip(CLIENT6, SERVER6, FRAGMENT, header + udp(CLIENT6, 40000, SERVER6, 9000, bytes(200)))
        capture.add(CLIENT6, SERVER6, packet)
        capture.wait(200000)
    small_datagrams(capture, 35, SERVER6)
    return capture


def frag_needed(mtu, quoted):
    """What the router says about an IPv4 packet (RFC 1191, section 4)."""
    return ip("198.51.100.1", SERVER, ICMP, icmp(3, 4, struct.pack("!2H", 0, mtu), quoted[:28]), 77)


@sample("pmtu-blackhole/quiet-probe")
def lost_probe():
    """A sender at 1200-byte packets tries 1500 now and then, with new data (RFC 4821, section 7). The
    probe is lost, the same bytes follow in the usual size, and nothing else suffers."""
    capture = Capture()
    connection = Connection(capture)
    usual, probe = 1148, 1448
    connection.open()
    connection.send(0, PSH | ACK, 100)
    capture.wait(20000)
    for _ in range(2):
        for _ in range(40):
            connection.send(1, ACK, usual)
            capture.wait(20000)
            connection.send(0, ACK)
            capture.wait(100)
        hole = connection.next[1]
        connection.send(1, ACK, probe)
        for behind in range(1, 4):
            connection.send(1, ACK, usual)
            capture.wait(50)
        capture.wait(20000)
        for behind in range(1, 4):
            connection.send(0, ACK, ack=hole, sack=[(hole + probe, hole + probe + behind * usual)])
            capture.wait(50)
        connection.send(1, ACK, usual, seq=hole)
        connection.send(1, ACK, probe - usual, seq=hole + usual)
        capture.wait(20000)
        connection.send(0, ACK)
        capture.wait(100)
    connection.close()
    return capture


@sample("icmp-frag-needed/fires-zero")
def zero_mtu():
    """A router of before RFC 1191 says zero; the sender takes the next plateau, 1492, then 1006."""
    capture = Capture()
    connection = Connection(capture)
    connection.open()
    connection.send(0, PSH | ACK, 100)
    capture.wait(20000)
    base = connection.next[1]
    for size in (1448, 1440, 954):
        packet = connection.send(1, ACK, size, seq=base)
        capture.wait(20000)
        if size > 1000:
            capture.add("198.51.100.1", SERVER, frag_needed(0, packet.data[14:]))
            capture.wait(300)
    connection.next[1] = base + 954
    connection.send(0, ACK)
    for _ in range(20):
        connection.send(1, ACK, 954)
        capture.wait(20000)
        connection.send(0, ACK)
        capture.wait(200)
    connection.close()
    return capture


@sample("icmp-frag-needed/quiet-forged")
def forged():
    """Messages with an MTU of 48, below what any IPv4 link may have, quoting a live connection: Linux
    ignores them, and so does the transfer."""
    capture = Capture()
    connection = Connection(capture)
    connection.open()
    connection.send(0, PSH | ACK, 100)
    capture.wait(20000)
    for number in range(60):
        packet = connection.send(1, ACK, connection.MSS)
        capture.wait(10000)
        if number % 20 == 5:
            capture.add("198.51.100.1", SERVER, frag_needed(48, packet.data[14:]))
        capture.wait(10000)
        connection.send(0, ACK)
    connection.close()
    return capture


ECN = 0xC0  # ECE and CWR


class Attempt:
    """One attempt to connect: its SYN and repetitions of that, and what answers."""

    def __init__(self, capture, client, client_port, server, server_port, isn=7000):
        self.capture, self.isn = capture, isn
        self.ends = ((client, client_port), (server, server_port))

    def send(self, after, side, flags, seq=0, ack=0, hop_limits=(64, 57)):
        """`after` in milliseconds from the capture's present moment."""
        (source, source_port), (target, target_port) = self.ends[side], self.ends[1 - side]
        options = bytes.fromhex("020405b40402080a") + struct.pack("!2L", 100000 + after, 0) + bytes.fromhex("01030307")
        segment = tcp(source, source_port, target, target_port, seq, ack, flags, 64240, options if flags & SYN else b"", b"")
        packet = ip(source, target, TCP, segment, (source_port + after) % 2**16, hop_limit=hop_limits[side])
        self.capture.add(source, target, packet, at=self.capture.now + after * 1000)

    def ask(self, *when, flags=SYN):
        for after in when:
            self.send(after, 0, flags, self.isn)

    def refused(self, after):
        self.send(after, 1, RST | ACK, 0, self.isn + 1)

    def opened(self, after):
        """The SYN-ACK comes at `after`; the connection is closed at once."""
        self.send(after, 1, SYN | ACK, 5000, self.isn + 1)
        self.send(after + 1, 0, ACK, self.isn + 1, 5001)
        self.send(after + 2, 0, FIN | ACK, self.isn + 1, 5001)
        self.send(after + 22, 1, FIN | ACK, 5001, self.isn + 2)
        self.send(after + 23, 0, ACK, self.isn + 2, 5002)


def in_order(capture):
    capture.packets.sort(key=lambda packet: packet.time)
    return capture


REPEATED = (0, 1000, 3000, 7000, 15000)  # RFC 6298, section 2: after one second, then doubling
OTHER = "203.0.113.80"


def open_elsewhere(capture):
    """Another host answers all the while: the way out works."""
    for number in range(3):
        other = Attempt(capture, CLIENT, 41000 + number, OTHER, 443)
        other.ask(100 + 15000 * number)
        other.opened(120 + 15000 * number)


RESOLVER = "198.51.100.53"
NOERROR, SERVFAIL = 0, 2
ZONES = ("example.com", "example.net", "example.org")


class Stub:
    """Clients that ask for addresses, each query from a port of its own; answers come after 8 ms."""

    def __init__(self, capture):
        self.capture, self.asked = capture, 0

    def ask(self, at, client, name, rcode=NOERROR, resolver=RESOLVER):
        """`at` in milliseconds from the capture's present moment."""
        self.asked += 1
        port, at = 20000 + self.asked, self.capture.now + at * 1000
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0\0\1\0\1"
        answer = b"\xc0\x0c\0\1\0\1" + struct.pack("!LH", 300, 4) + bytes((203, 0, 113, 80))
        for source, target, flags, body, when in ((client, resolver, 0x0100, b"", at),
                                                  (resolver, client, 0x8180 | rcode, b"" if rcode else answer, at + 8000)):
            message = struct.pack("!6H", self.asked, flags, 1, bool(body), 0, 0) + question + body
            ports = (port, 53) if source == client else (53, port)
            datagram = udp(source, ports[0], target, ports[1], message)
            self.capture.add(source, target, ip(source, target, UDP, datagram, self.asked), at=when)


@sample("dns-servfail-storm/fires-polled")
def storm_among_pollers():
    """Twelve applications ask for their server every five seconds. From 20 s to 50 s the resolver
    fails all of it, and then it answers again."""
    capture = Capture()
    stub = Stub(capture)
    for second in range(0, 80, 5):
        for number in range(12):
            stub.ask(1000 * second + 20 * number, f"192.0.2.{11 + number}", f"app{number}.{ZONES[number % 3]}",
                     SERVFAIL if 20 <= second < 50 else NOERROR)
    return in_order(capture)


@sample("dns-servfail-storm/fires-saved")
def second_resolver_helps():
    """The first of two resolvers fails whatever it is asked, the second has the answer at once."""
    capture = Capture()
    stub = Stub(capture)
    for number in range(20):
        for resolver, after, rcode in ((RESOLVER, 0, SERVFAIL), ("198.51.100.54", 10, NOERROR)):
            stub.ask(2000 * number + after, CLIENT, f"host{number}.{ZONES[number % 3]}", rcode, resolver)
    return in_order(capture)


@sample("dns-servfail-storm/quiet-search")
def search_list():
    """A search list of a zone that is broken: each name is asked for with its suffix, which fails, and
    then as it was typed, which is answered; or with the one suffix and then with the other."""
    capture = Capture()
    stub = Stub(capture)
    for number in range(40):
        typed = f"host{number}.{ZONES[number % 3]}" if number % 2 else f"host{number}"
        stub.ask(1500 * number, CLIENT, f"{typed}.svc.example" if number % 2 else typed, SERVFAIL)
        stub.ask(1500 * number + 10, CLIENT, typed if number % 2 else f"{typed}.corp.example.com")
    return in_order(capture)


@sample("dns-servfail-storm/quiet-retried")
def next_attempt_helps():
    """A resolver whose first attempt fails and whose second, which the client asks for at once, does not."""
    capture = Capture()
    stub = Stub(capture)
    for number in range(40):
        for after, rcode in ((0, SERVFAIL), (10, NOERROR)):
            stub.ask(1500 * number + after, CLIENT, f"host{number}.{ZONES[number % 3]}", rcode)
    return in_order(capture)


@sample("tcp-syn-flood/fires-undecided")
def flood_cut_short():
    """Seen on the way in: 150 SYNs from as many sources in half a second, and there the capture ends."""
    capture = Capture()
    for number in range(150):
        Attempt(capture, f"203.0.113.{number}", 40000 + number, SERVER, 443).ask(3 * number)
    return in_order(capture)


def only_syns(capture):
    """What the filter "tcp[tcpflags] & tcp-syn != 0" leaves."""
    capture.packets = [packet for packet in capture.packets if packet.data[14 + 20 + 13] & SYN]
    return in_order(capture)


@sample("tcp-syn-flood/quiet-only-syns")
def busy_service_by_its_syns():
    """Connections of sixty clients, all of which open, thirty a second, through a filter on SYN."""
    capture = Capture()
    for number in range(400):
        attempt = Attempt(capture, f"203.0.113.{1 + number % 60}", 40000 + number, SERVER, 443, isn=77777 * number)
        attempt.ask(33 * number)
        attempt.opened(33 * number + 20)
    return only_syns(capture)


@sample("tcp-syn-flood/fires-only-syns")
def flood_by_its_syns():
    """The same filter, and SYNs that nobody completes: the server sends each SYN-ACK again and again."""
    capture = Capture()
    for number in range(400):
        source = f"198.18.{number % 16}.{1 + number // 2}"
        attempt = Attempt(capture, source, 40000 + number, SERVER, 443, isn=77777 * number)
        attempt.ask(33 * number)
        for after in REPEATED[:4]:
            attempt.send(33 * number + after, 1, SYN | ACK, 5000, attempt.isn + 1)
    return only_syns(capture)


@sample("tcp-syn-timeout/fires-host")
def silent_host():
    """Three services of one host are silent while another host answers: the host, not a service."""
    capture = Capture()
    for number, port in enumerate((22, 443, 5432)):
        Attempt(capture, CLIENT, 40000 + number, SERVER, port).ask(*(200 * number + when for when in REPEATED))
    open_elsewhere(capture)
    return in_order(capture)


@sample("tcp-syn-timeout/fires-network")
def silent_network():
    """Two clients, four hosts of one network, none of which answers any more; another one does."""
    capture = Capture()
    for host in range(1, 5):
        for client in (10, 11):
            Attempt(capture, f"192.0.2.{client}", 40000 + host, f"198.51.100.{host}", 443).ask(
                *(300 * host + 50 * client + when for when in REPEATED))
    open_elsewhere(capture)
    return in_order(capture)


@sample("tcp-syn-timeout/fires-outage")
def host_goes_down():
    """Two services of one host answer two clients for twenty seconds, and then nobody; another host
    goes on answering."""
    capture = Capture()
    for second in range(40):
        for number, port in enumerate((443, 5432)):
            attempt = Attempt(capture, f"192.0.2.{10 + second % 2}", 40000 + 2 * second + number, SERVER, port)
            at = 1000 * second + 130 * number
            if second < 20:
                attempt.ask(at)
                attempt.opened(at + 20)
            elif second < 24:
                attempt.ask(*(at + when for when in REPEATED))
        if second % 2:
            alive = Attempt(capture, CLIENT, 50000 + second, OTHER, 443)
            alive.ask(1000 * second + 500)
            alive.opened(1000 * second + 520)
    return in_order(capture)


@sample("tcp-syn-timeout/fires-restart")
def host_restarts():
    """A client opens a connection each three seconds, gets no answer for half a minute, and then does again."""
    capture = Capture()
    for number in range(30):
        attempt = Attempt(capture, CLIENT, 40000 + number, SERVER, 443)
        at = 3000 * number
        if 10 <= number < 20:
            attempt.ask(at, at + 1000)
        else:
            attempt.ask(at)
            attempt.opened(at + 20)
        alive = Attempt(capture, CLIENT, 50000 + number, OTHER, 443)
        alive.ask(at + 500)
        alive.opened(at + 520)
    return in_order(capture)


@sample("tcp-syn-timeout/fires-gave-up")
def clients_give_up_early():
    """Five clients that wait for 0.9 s connect every two seconds: for twenty seconds with success, then none
    gets an answer, while another host answers all of its own."""
    capture = Capture()
    for number in range(30):
        for client in range(5):
            attempt = Attempt(capture, f"192.0.2.{10 + client}", 40000 + number, SERVER, 443)
            at = 2000 * number + 10 * client
            attempt.ask(at)
            if number < 10:
                attempt.opened(at + 20)
        alive = Attempt(capture, CLIENT, 50000 + number, OTHER, 443)
        alive.ask(2000 * number + 500)
        alive.opened(2000 * number + 520)
    return in_order(capture)


@sample("tcp-syn-timeout/quiet-gave-up-few")
def few_give_up_early():
    """A service opens 390 connections within two minutes and misses nine SYNs, each of which comes once."""
    capture = Capture()
    for number in range(399):
        attempt = Attempt(capture, f"192.0.2.{10 + number % 5}", 40000 + number, SERVER, 443)
        attempt.ask(300 * number)
        if number % 44 != 20:
            attempt.opened(300 * number + 20)
    return in_order(capture)


@sample("tcp-syn-timeout/quiet-single-syns")
def strangers_ask_once():
    """What reaches a service from the outside: a scanner, which it had answered, asks sixty other ports, and
    forty strangers, of whom a filter drops all, its own; each once. Its clients are answered all the while."""
    capture = Capture()
    for number in range(60):
        client = Attempt(capture, f"192.0.2.{10 + number % 5}", 40000 + number, SERVER, 443)
        client.ask(1000 * number)
        client.opened(1000 * number + 20)
        scanner = Attempt(capture, "203.0.113.9", 41000 + number, SERVER, 443 if number == 0 else 1000 + number)
        scanner.ask(1000 * number + 300)
        if number == 0:
            scanner.opened(320)
        if number % 3:
            Attempt(capture, f"203.0.113.{100 + number}", 42000, SERVER, 443).ask(1000 * number + 600)
    return in_order(capture)


@sample("tcp-syn-timeout/quiet-traceroute")
def probes_of_the_path():
    """A client whose connections all open runs a traceroute of TCP beside them: SYNs with hop limits from 1
    to 7, one each, of which most are told of by nobody."""
    capture = Capture()
    for number in range(60):
        client = Attempt(capture, CLIENT, 40000 + number, SERVER, 443)
        client.ask(1000 * number)
        client.opened(1000 * number + 20)
        probe = Attempt(capture, CLIENT, 50000 + number, SERVER, 443)
        probe.send(1000 * number + 300, 0, SYN, probe.isn, hop_limits=(1 + number % 7, 57))
    return in_order(capture)


@sample("tcp-syn-timeout/quiet-pieces")
def capture_in_pieces():
    """A capture that runs for three seconds of each minute: what was asked for last is answered when it has
    stopped."""
    capture = Capture()
    for minute in range(6):
        for number in range(60):
            at = 60000 * minute + 50 * number
            client = Attempt(capture, f"192.0.2.{10 + number % 5}", 40000 + 100 * minute + number, SERVER, 443)
            client.ask(at)
            client.opened(at + 250)
    started = min(packet.time for packet in capture.packets)
    capture.packets = [packet for packet in capture.packets if (packet.time - started) % 60000000 < 3000000]
    return in_order(capture)


@sample("tcp-syn-timeout/fires-offloaded")
def rest_is_offloaded():
    """Three of four connections are taken over by hardware after their SYN, which bypasses the capture."""
    capture = Capture()
    for number in range(300):
        client = Attempt(capture, f"192.0.2.{10 + number % 3}", 40000 + number, SERVER, 443)
        client.ask(200 * number)
        if number % 4 == 0:
            client.opened(200 * number + 20)
    return in_order(capture)


@sample("tcp-syn-timeout/fires-ecn")
def ecn_is_dropped():
    """A firewall drops SYNs with ECE and CWR; the repetition comes without and is answered."""
    capture = Capture()
    for number in range(4):
        late = Attempt(capture, CLIENT, 40000 + number, SERVER, 443)
        late.ask(5000 * number, flags=SYN | ECN)
        late.ask(5000 * number + 1000)
        late.opened(5000 * number + 1020)
    return in_order(capture)


@sample("tcp-syn-timeout/cut-end")
def cut_while_asking():
    """SYNs after 0, 1 and 3 s; the capture ends after 3.5 s."""
    capture = Capture()
    Attempt(capture, CLIENT, 40000, SERVER, 443).ask(0, 1000, 3000)
    other = Attempt(capture, CLIENT, 41000, OTHER, 443)
    other.ask(3480)
    other.opened(3500)
    return in_order(capture)


@sample("tcp-syn-timeout/quiet-peers")
def peers_are_gone():
    """A peer-to-peer client tries twelve peers it once knew; one is still there."""
    capture = Capture()
    for peer in range(12):
        attempt = Attempt(capture, CLIENT6, 40000 + peer, f"2001:db8:{100 + peer}::{peer + 3}", 6881 + 371 * peer)
        if peer == 7:
            attempt.ask(500 * peer)
            attempt.opened(500 * peer + 40)
        else:
            attempt.ask(*(500 * peer + when for when in REPEATED))
    return in_order(capture)


@sample("tcp-syn-timeout/quiet-knocking")
def port_knocking():
    """Three SYNs to closed ports that nobody is meant to answer, then the door opens."""
    capture = Capture()
    for number, port in enumerate((7000, 8000, 9000)):
        Attempt(capture, CLIENT, 40000 + number, SERVER, port).ask(200 * number)
    door = Attempt(capture, CLIENT, 40010, SERVER, 22)
    door.ask(800)
    door.opened(820)
    late = Attempt(capture, CLIENT, 40011, SERVER, 22)
    late.ask(9000)
    late.opened(9020)
    return in_order(capture)


def short_transfers(lossy):
    """Twelve connections of 25 segments; each of the `lossy` first loses one behind the capture point."""
    capture = Capture()
    for number in range(12):
        connection = Connection(capture, client=(CLIENT, 40000 + number))
        connection.open()
        connection.send(0, PSH | ACK, 100)
        capture.wait(20000)
        mss = connection.MSS
        for segment in range(25):
            connection.send(1, ACK, mss)
            capture.wait(200)
            lost = number < lossy and segment == 10
            if lost:
                gap = connection.next[1] - mss
            elif number < lossy and 10 < segment <= 13:
                connection.send(0, ACK, ack=gap, sack=[(gap + mss, connection.next[1])])
                if segment == 13:
                    capture.wait(100)
                    connection.send(1, ACK, mss, seq=gap)
                    capture.wait(20000)
                    connection.send(0, ACK)
            elif segment % 2 == 0:
                connection.send(0, ACK)
        capture.wait(20000)
        connection.send(0, ACK)
        connection.close()
        capture.wait(100000)
    return capture


@sample("tcp-retransmission/fires-short-flows")
def thin_loss():
    """Four of twelve short connections lose one segment of 25: 1.3 % of the path."""
    return short_transfers(4)


@sample("tcp-retransmission/quiet-short-flows")
def thinner_loss():
    """Two of twelve lose one."""
    return short_transfers(2)


@sample("tcp-retransmission/fires-needless-v6")
def needless_without_ids():
    """Seen by the receiver, over IPv6: a segment each half millisecond, and one of twenty again 31 ms later."""
    capture = Capture()
    connection = Connection(capture, ("2001:db8::10", 40000), ("2001:db8:1::53", 8080))
    connection.open()
    connection.send(0, PSH | ACK, 100)
    capture.wait(20000)
    length, first = 100, connection.next[1]
    for tick in range(400 + 62):
        if tick < 400:
            connection.send(1, ACK, length)
            capture.wait(20)
            connection.send(0, ACK)
            capture.wait(230)
        else:
            capture.wait(250)
        if tick >= 62 and (tick - 62) % 20 == 11:
            again = first + (tick - 62) * length
            connection.send(1, ACK, length, seq=again)
            capture.wait(20)
            connection.send(0, ACK, sack=[(again, again + length)])
            capture.wait(230)
        else:
            capture.wait(250)
    connection.close()
    return capture


@sample("tcp-retransmission/quiet-probes")
def probed_tails():
    """Three bursts whose last segment is repeated after 60 ms, as its acknowledgment is delayed."""
    capture = Capture()
    connection = Connection(capture)
    connection.open()
    connection.send(0, PSH | ACK, 100)
    capture.wait(20000)
    for _ in range(3):
        for _ in range(30):
            connection.send(1, ACK, connection.MSS)
            capture.wait(50)
        capture.wait(20000)
        connection.send(0, ACK)
        capture.wait(100000)
        tail = connection.next[1]
        connection.send(1, PSH | ACK, connection.MSS)
        capture.wait(60000)
        connection.send(1, PSH | ACK, connection.MSS, seq=tail)
        capture.wait(10000)
        connection.send(0, ACK)
        capture.wait(10000)
        connection.send(0, ACK, sack=[(tail, tail + connection.MSS)])
        capture.wait(500000)
    connection.close()
    return capture


@sample("tcp-retransmission/quiet-fast-open")
def fast_open():
    """The SYN carries data (RFC 7413): once the server takes it, once it does not and it is sent again."""
    capture = Capture()
    for number, taken in enumerate((True, False)):
        connection = Connection(capture, client=(CLIENT, 40000 + number))
        connection.send(0, SYN, 100)
        if not taken:
            connection.next[0] -= 100
        capture.wait(20000)
        connection.send(1, SYN | ACK)
        capture.wait(30)
        connection.send(0, PSH | ACK, 0 if taken else 100)
        capture.wait(20000)
        bulk(capture, connection, 20)
        connection.close()
        capture.wait(100000)
    return capture


@sample("port-scan/fires-null")
def null_scan():
    """Segments without any flag to thirty closed ports."""
    capture = Capture()
    for number in range(30):
        probe = Attempt(capture, CLIENT, 50000, SERVER, 20 + number, isn=0)
        probe.send(100 * number, 0, 0)
        probe.send(100 * number + 20, 1, RST | ACK)
    return in_order(capture)


@sample("port-scan/fires-udp")
def udp_scan():
    """Empty datagrams to thirty closed ports; the host answers one a second, as Linux does."""
    capture = Capture()
    for number in range(30):
        datagram = ip(CLIENT, SERVER, UDP, udp(CLIENT, 50000, SERVER, 2000 + number, b""), number + 1)
        capture.add(CLIENT, SERVER, datagram)
        capture.wait(20000)
        error = icmp(3, 3, bytes(4), datagram)
        capture.add(SERVER, CLIENT, ip(SERVER, CLIENT, ICMP, error, 900 + number, hop_limit=57))
        capture.wait(980000)
    return capture


@sample("port-scan/quiet-late-answers")
def late_answers():
    """A DNS server answers fifty clients' ports that were closed meanwhile: errors, but no scan by the server."""
    capture = Capture()
    for number in range(50):
        message = struct.pack("!6H", number, 0x8183, 1, 0, 0, 0) + b"\3www\7example\3com\0\0\1\0\1"
        answer = ip(SERVER, CLIENT, UDP, udp(SERVER, 53, CLIENT, 40000 + number, message), number + 1, hop_limit=57)
        capture.add(SERVER, CLIENT, answer)
        capture.wait(100)
        capture.add(CLIENT, SERVER, ip(CLIENT, SERVER, ICMP, icmp(3, 3, bytes(4), answer), 900 + number))
        capture.wait(1000000)
    return capture


def to_the_dead(repetitions, gap):
    """A TFTP server sends its last block and ends; the client repeats its acknowledgment of that."""
    capture = Capture()
    block = struct.pack("!2H", 3, 9) + bytes(100)
    capture.add(SERVER, CLIENT, ip(SERVER, CLIENT, UDP, udp(SERVER, 52000, CLIENT, 40000, block), 1, hop_limit=57))
    capture.wait(1000000)
    for number in range(repetitions):
        repeated = ip(CLIENT, SERVER, UDP, udp(CLIENT, 40000, SERVER, 52000, struct.pack("!2H", 4, 9)), 10 + number)
        capture.add(CLIENT, SERVER, repeated)
        capture.wait(20000)
        error = icmp(3, 3, bytes(4), repeated)
        capture.add(SERVER, CLIENT, ip(SERVER, CLIENT, ICMP, error, 900 + number, hop_limit=57))
        capture.wait(gap)
    return capture


@sample("icmp-unreachable/fires-late")
def told_in_vain():
    """It was told five times and goes on all the same."""
    return to_the_dead(5, 2000000)


@sample("icmp-unreachable/quiet-late-burst")
def told_at_once():
    """Five datagrams were under way when the other side ended."""
    return to_the_dead(5, 1000)


@sample("icmp-unreachable/fires-at-times")
def refused_at_times():
    """A 6in4 tunnel whose far end refuses it, takes it for a while, and refuses it again."""
    capture = Capture()
    inside = ip(CLIENT6, SERVER6, UDP, udp(CLIENT6, 40000, SERVER6, 9000, bytes(50)))
    back = ip(SERVER6, CLIENT6, UDP, udp(SERVER6, 9000, CLIENT6, 40000, bytes(50)))
    for number in range(18):
        packet = ip(CLIENT, SERVER, 41, inside, 10 + number)
        capture.add(CLIENT, SERVER, packet)
        capture.wait(20000)
        if number // 3 % 2:
            capture.add(SERVER, CLIENT, ip(SERVER, CLIENT, 41, back, 500 + number, hop_limit=57))
        else:
            error = icmp(3, 2, bytes(4), packet)
            capture.add(SERVER, CLIENT, ip(SERVER, CLIENT, ICMP, error, 900 + number, hop_limit=57))
        capture.wait(2000000)
    return capture


def closed_resolver(another_answers):
    """Six names are asked of a host without a DNS server; with `another_answers` of the next one then."""
    capture = Capture()
    other = "198.51.100.54"
    for number in range(6):
        message = dns_message(number + 1, f"host{number}.example.com", 0x0100)
        query = ip(CLIENT, SERVER, UDP, udp(CLIENT, 40000 + number, SERVER, 53, message), 10 + number)
        capture.add(CLIENT, SERVER, query)
        capture.wait(20000)
        error = icmp(3, 3, bytes(4), query)
        capture.add(SERVER, CLIENT, ip(SERVER, CLIENT, ICMP, error, 900 + number, hop_limit=57))
        capture.wait(1000)
        if another_answers:
            again = udp(CLIENT, 41000 + number, other, 53, message)
            capture.add(CLIENT, other, ip(CLIENT, other, UDP, again, 20 + number))
            capture.wait(20000)
            answer = dns_message(number + 1, f"host{number}.example.com", 0x8180, address("203.0.113.80"))
            answer = udp(other, 53, CLIENT, 41000 + number, answer)
            capture.add(other, CLIENT, ip(other, CLIENT, UDP, answer, 950 + number, hop_limit=57))
        capture.wait(4000000)
    return capture


@sample("icmp-unreachable/fires-dns-down")
def no_resolver():
    return closed_resolver(another_answers=False)


@sample("icmp-unreachable/fires-dns-second")
def second_resolver():
    return closed_resolver(another_answers=True)


@sample("icmp-unreachable/fires-stray")
def errors_alone():
    """What `tcpdump icmp` records: a router says host unreachable twelve times, about what is not there."""
    capture = Capture()
    for number in range(12):
        lost = ip(CLIENT, SERVER, UDP, udp(CLIENT, 40000, SERVER, 9000, bytes(50)), 10 + number)
        error = ip("192.0.2.1", CLIENT, ICMP, icmp(3, 1, bytes(4), lost), 900 + number)
        capture.add("192.0.2.1", CLIENT, error)
        capture.wait(3000000)
    return capture


def main():
    for name in sys.argv[1:] or crafted:
        path = samples / f"{name}.pcap"
        path.parent.mkdir(exist_ok=True)
        snaplen = 100 if name.startswith(("tcp-", "icmp-", "pmtu-")) else 262144
        pcap.write(path, crafted[name]().packets, snaplen=snaplen)


if __name__ == "__main__":
    main()
