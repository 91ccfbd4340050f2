"""Checks a JSON report against the schema: validate.py SCHEMA REPORT. Exit 77: cannot check here."""
import json
import sys

try:
    import jsonschema
except ImportError:
    print("python3-jsonschema is not installed")
    sys.exit(77)

schema = json.load(open(sys.argv[1], encoding="ascii"))
report = json.load(open(sys.argv[2], encoding="ascii"))
jsonschema.Draft202012Validator.check_schema(schema)
problems = list(jsonschema.Draft202012Validator(schema).iter_errors(report))
for problem in problems[:10]:
    print("/".join(map(str, problem.path)), problem.message[:200])
sys.exit(1 if problems else 0)
