#!/bin/bash
# Makes the samples that are edits of recorded ones: derive.sh. Run it after record.sh.
set -eu
cd "$(dirname "$0")/.."

edit() { python3 lab/edit.py "$@"; }

edit dns-unanswered/fires.pcap dns-unanswered/cut-start.pcap keep=5-8
edit dns-unanswered/fires.pcap dns-unanswered/cut-torn.pcap keep=1-7 tear=20
edit dns-unanswered/quiet-answered.pcap dns-unanswered/cut-snaplen.pcap snaplen=60
edit dns-unanswered/quiet-answered.pcap dns-unanswered/quiet-copies.pcap copy-us=15
edit dns-unanswered/quiet-answered.pcap dns-unanswered/quiet-set-back.pcap set-back=11
edit dns-unanswered/fires.pcap dns-unanswered/fires-masqueraded.pcap 'nat=192.0.2.10>203.0.113.9'

edit tcp-retransmission/quiet-healthy.pcap tcp-retransmission/quiet-copies.pcap copy-us=20
edit tcp-retransmission/quiet-healthy.pcap tcp-retransmission/cut-start.pcap keep=101-400
edit tcp-retransmission/quiet-healthy.pcap tcp-retransmission/quiet-capture-drops.pcap drop=60,61,150,222,301,344
edit tcp-retransmission/fires.pcap tcp-retransmission/fires-snaplen.pcap snaplen=66
edit tcp-retransmission/fires-timeout.pcap tcp-retransmission/cut.pcap keep=1-49
edit tcp-retransmission/fires-idle.pcap tcp-retransmission/fires-one-sided.pcap keep=4,6,7,8,9,10,16,17,18,19,20,26,27,28,29,36,37,38,39,40,41,44,46,49,50,52,54,56,57
edit tcp-retransmission/fires.pcap tcp-retransmission/fires-two-clocks.pcapng clocks=-37000
edit healthy/dns.pcap healthy/two-clocks.pcapng clocks=400
edit tcp-syn-timeout/fires.pcap tcp-syn-timeout/cut-start.pcap keep=10-12
edit tcp-refused/fires.pcap tcp-refused/cut-start.pcap keep=4,7-10

edit icmp-unreachable/fires.pcap icmp-unreachable/cut-start.pcap keep=10-12
edit icmp-unreachable/fires-network.pcap icmp-unreachable/fires-snaplen.pcap snaplen=70
edit icmp-admin-prohibited/fires.pcap icmp-admin-prohibited/cut-start.pcap keep=10,13-14

edit tcp-out-of-order/fires.pcap tcp-out-of-order/cut.pcap keep=1-250
edit tcp-retransmission/quiet-healthy.pcap tcp-out-of-order/quiet-merged.pcapng merge=3

edit ip-fragment-loss/quiet-complete.pcap ip-fragment-loss/cut-snaplen.pcap snaplen=60
edit pmtu-blackhole/fires.pcap pmtu-blackhole/cut.pcap keep=1-22
edit pmtu-blackhole/quiet-path-dies.pcap pmtu-blackhole/quiet-set-back.pcap set-back=14:4900
edit icmp-frag-needed/fires.pcap icmp-frag-needed/cut-start.pcap keep=21,25-31

edit tcp-syn-flood/fires.pcap tcp-syn-flood/cut.pcap keep=1-150
edit tcp-syn-flood/fires.pcap tcp-syn-flood/fires-snaplen.pcap snaplen=54
edit port-scan/fires.pcap port-scan/cut.pcap keep=1-22
edit tcp-retransmission/quiet-v6.pcap tcp-retransmission/quiet-v6-copies.pcap copy-us=20
