"""Checks a JSON report, or a stream of JSON lines, against the schema: validate.py SCHEMA FILE.
Exit 77: cannot check here."""
import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

path = pathlib.Path(sys.argv[1])
text = path.read_text(encoding="ascii")
schema = json.loads(text)
# What one schema takes from another is put in its place: how to look it up differs by version.
for other in path.parent.glob("*.schema.json"):
    if f'"{other.name}#/' in text:
        schema = json.loads(text.replace(f'"{other.name}#/', '"#/'))
        schema["$defs"] = json.loads(other.read_text(encoding="ascii"))["$defs"]
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

content = pathlib.Path(sys.argv[2]).read_text(encoding="ascii")
try:
    documents = [json.loads(content)]
except json.JSONDecodeError:
    documents = [json.loads(line) for line in content.splitlines()]
problems = [problem for document in documents for problem in validator.iter_errors(document)]
for problem in problems[:10]:
    print("/".join(map(str, problem.path)), problem.message[:200])
sys.exit(1 if problems else 0)
