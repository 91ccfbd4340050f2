#!/usr/bin/env python3
"""Writes each capture's SHA-256 into the expectation beside it: rehash.py [DIRECTORY...]."""
import hashlib
import pathlib
import re
import sys

samples = pathlib.Path(__file__).resolve().parent.parent
for folder in [pathlib.Path(word) for word in sys.argv[1:]] or [samples]:
    for expectation in sorted(folder.rglob("*.expect.toml")):
        text = expectation.read_text()
        capture = expectation.parent / re.search(r'^capture *= *"(.*)"', text, re.M)[1]
        digest = hashlib.sha256(capture.read_bytes()).hexdigest()
        expectation.write_text(re.sub(r'^(sha256 *= *)".*"', rf'\1"{digest}"', text, flags=re.M))
