#!/usr/bin/env bash
# mlcroissant 1.1.1: a field declared sc:Text loses its zeros where the text looks like a number, even quoted in JSON.
# Date: 2026-11-30
# Guess before the run: JSON strings "007", "010" come back as b"007", b"010"; a CSV column 1.10, 1.9 as b"1.10",
# b"1.9"; an sc:Integer column 9007199254740993, (empty), 5 exactly.
# What came: b"7", b"10"; b"1.1", b"1.9"; 9007199254740992. No error, no warning.
# By hand: sc:Text is a string of characters, and "007" is one of three. The file is read with pandas guessing the types
# first and the declared type is put on what is left: labels, versions and identifiers have changed by then, and a large
# identifier in a column with a gap has gone through a floating-point number (2**53 + 1 becomes 2**53).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check mlcroissant==1.1.1 pandas==2.3.3 numpy==2.2.6
cd "$work"
printf '{"value": "007"}\n{"value": "010"}\n' > codes.jsonl
printf 'value\n1.10\n1.9\n' > versions.csv
printf 'value\n9007199254740993\n""\n5\n' > numbers.csv
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


codes = read("codes.jsonl", "application/jsonlines", mlc.DataType.TEXT)
versions = read("versions.csv", "text/csv", mlc.DataType.TEXT)
numbers = read("numbers.csv", "text/csv", mlc.DataType.INTEGER)
print("mlcroissant", version("mlcroissant"))
print("expected: [b'007', b'010'] [b'1.10', b'1.9'] [9007199254740993, None, 5]")
print("seen:    ", codes, versions, numbers)
as_found = (codes, versions, numbers) == ([b"7", b"10"], [b"1.1", b"1.9"], [2**53, None, 5])
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
