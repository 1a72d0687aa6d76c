#!/usr/bin/env bash
# pycanon 1.3.5: a record with a gap in a quasi-identifier is left out of the classes, so k is that of the others.
# Date: 2026-11-30
# Guess before the run: the gap is a value of its own, so that the one record that has it makes k = 1.
# What came: k = 3 for eight records, one of them with no area. Written as a word, the same gap gives 1.
# By hand: areas 1, 1, 1, none, 2, 2, 2, 2. The fourth record is like no other: its class has one member. Read as
# "could be any area" it would be in doubt; but three and four are the classes of seven records, not of eight.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pycanon==1.3.5
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import pandas as pd
from pycanon.anonymity import k_anonymity, l_diversity

table = pd.DataFrame({"area": ["1", "1", "1", None, "2", "2", "2", "2"], "answer": list("abcdabab")})
in_words = table.fillna({"area": "none"})
classes = table["area"].value_counts(dropna=False)
seen = [int(k_anonymity(t, ["area"])) for t in (table, in_words)]
diversity = [int(l_diversity(t, ["area"], ["answer"])) for t in (table, in_words)]
print("pycanon", version("pycanon"))
print(f"expected: k = {classes.min()}, or a refusal; {len(table)} records in {len(classes)} classes")
print(f"seen, k: {seen[0]} with the gap, {seen[1]} with the gap as a word")
print(f"seen, l: {diversity[0]} with the gap, {diversity[1]} with the gap as a word")
sys.exit(0 if seen == [3, 1] and diversity == [2, 1] else "The behaviour has changed.")
PYTHON
