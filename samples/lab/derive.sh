#!/bin/bash
# Makes the samples that are edits of recorded ones: derive.sh. Run it after record.sh.
set -eu
cd "$(dirname "$0")/.."

edit() { python3 lab/edit.py "$@"; }

edit dns-unanswered/fires.pcap dns-unanswered/cut-start.pcap keep=5-8
edit dns-unanswered/fires.pcap dns-unanswered/cut-torn.pcap keep=1-7 tear=20
edit dns-unanswered/quiet-answered.pcap dns-unanswered/cut-snaplen.pcap snaplen=60
edit dns-unanswered/quiet-answered.pcap dns-unanswered/quiet-copies.pcap copy-us=15
