#!/usr/bin/env bash
# conllu 6.0.0: a MISC value that holds an equals sign loses what stands behind it, and the loss is written back.
# Date: 2026-11-30
# Guess before the run: "Link=page?id=7" splits at the first equals sign and comes back as it was.
# What came: the value is "page?id"; serialize() writes "Link=page?id". No error, no warning.
# By hand: MISC is a list of Name=Value parted by bars, open to whatever a treebank adds. A link or a formula as a value
# may hold an equals sign of its own: the name ends at the first one, all behind it up to the bar is the value.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check conllu==6.0.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import conllu

line = "1\tHere\there\tADV\t_\t_\t0\troot\t_\tLink=page?id=7|SpaceAfter=No"
sentence = conllu.parse(f"# sent_id = 1\n{line}\n\n")[0]
misc, written = sentence[0]["misc"], sentence.serialize().splitlines()[1].split("\t")[-1]
print("conllu", version("conllu"))
print("expected: {'Link': 'page?id=7', 'SpaceAfter': 'No'}, written back unchanged")
print("seen:", misc, "written back as", written)
as_found = misc == {"Link": "page?id", "SpaceAfter": "No"} and written == "Link=page?id|SpaceAfter=No"
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
