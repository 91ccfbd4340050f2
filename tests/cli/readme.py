"""Holds README.md to the program: readme.py PROGRAM [--write].

What stands below "$ ./dev analyze FILE" is what the program prints, and each row of the table of
detectors is what `list detectors` says. --write makes it so; without it, exit 1 tells that it is not.
A detector that is missing from the table is no error: adding one needs no edit here.
"""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parents[2]
program = pathlib.Path(sys.argv[1]).resolve()
write = "--write" in sys.argv


def output(*arguments):
    done = subprocess.run([program, *arguments], cwd=root, capture_output=True, text=True)
    return done.stdout


def example(match):
    return match[1] + output("analyze", *match[2].split()) + "```"


def table():
    rows = {}
    for line in output("list", "detectors").splitlines()[1:]:
        cells = re.split(r"  +", line, maxsplit=2)
        if cells[0]:
            name = cells[0]
            rows[name] = [cells[1], cells[2]]
        else:  # folded
            rows[name][1] += " " + line.strip()
    return [f"| `{name}` | {severity} | {what} |" for name, (severity, what) in rows.items()]


readme = root / "README.md"
old = readme.read_text(encoding="utf-8")
new = re.sub(r"(\$ ./dev analyze ([^\n]*)\n).*?```", example, old, flags=re.S)
shown = re.findall(r"^\| `[a-z0-9-]+` \|.*$", new, flags=re.M)
known = table()
if write:
    new = new.replace("\n".join(shown), "\n".join(known))
    readme.write_text(new, encoding="utf-8")
elif new != old or not shown or any(row not in known for row in shown):
    print("README.md is not what the program says; run: ./dev readme")
    sys.exit(1)
else:
    missing = [row for row in known if row not in shown]
    if missing:
        print("not in README.md yet; run ./dev readme:", *missing, sep="\n")
