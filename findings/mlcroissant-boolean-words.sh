#!/usr/bin/env bash
# mlcroissant 1.1.1: a field declared sc:Boolean turns the word "false" into True, sc:Integer turns 1.7 into 1.
# Date: 2026-11-30
# Guess before the run: "true", "false" in JSON lines are True, False; a CSV column True, False, unknown is refused
# at "unknown"; 1.7 in an integer column is refused.
# What came: True, True; True, True, True; 1. Nothing is refused and nothing is said.
# By hand: the word false means false, in JSON as in XML Schema. Python's bool() of a text asks only if it is empty. A
# CSV column of nothing but True and False is read well, since pandas makes it boolean beforehand: one odd value in a
# column turns all of its False into True.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check mlcroissant==1.1.1 pandas==2.3.3 numpy==2.2.6
cd "$work"
printf '{"value": "true"}\n{"value": "false"}\n' > words.jsonl
printf 'value\nTrue\nFalse\nunknown\n' > odd.csv
printf 'value\nTrue\nFalse\n' > plain.csv
printf 'value\n1.7\n2\n' > parts.csv
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import hashlib
import json
import logging
import pathlib
import sys
from importlib.metadata import version

import mlcroissant as mlc

logging.disable(logging.CRITICAL)


def read(name, form, kind):
    path = pathlib.Path(name).resolve()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    file = mlc.FileObject(id=name, name=name, content_url=str(path), encoding_formats=[form], sha256=digest)
    source = mlc.Source(file_object=name, extract=mlc.Extract(column="value"))
    field = mlc.Field(id="rows/value", name="value", data_types=[kind], source=source)
    rows = mlc.RecordSet(id="rows", name="rows", fields=[field])
    about = mlc.Metadata(name="votes", url="https://example.org", distribution=[file], record_sets=[rows])
    pathlib.Path("about.json").write_text(json.dumps(about.to_json(), default=str))
    return [row["rows/value"] for row in mlc.Dataset(jsonld="about.json").records("rows")]


words = read("words.jsonl", "application/jsonlines", mlc.DataType.BOOL)
odd = read("odd.csv", "text/csv", mlc.DataType.BOOL)
plain = read("plain.csv", "text/csv", mlc.DataType.BOOL)
parts = read("parts.csv", "text/csv", mlc.DataType.INTEGER)
print("mlcroissant", version("mlcroissant"))
print('expected: [True, False] for the words "true", "false"; an error for "unknown" and for 1.7')
print("seen, JSON lines with the two words:", words)
print("seen, CSV with True, False, unknown:", odd, "with True, False:", plain)
print("seen, integers 1.7, 2:", parts)
as_found = (words, odd, plain, parts) == ([True, True], [True, True, True], [True, False], [1, 2])
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
