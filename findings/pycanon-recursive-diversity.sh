#!/usr/bin/env bash
# pycanon 1.3.5: the c of recursive (c,l)-diversity is worked out from the rarest value instead of the commonest.
# Date: 2026-11-30
# Guess before the run: c above 3 (4 as a whole number) with l = 2 for the two classes below.
# What came: c = 1, l = 2: the table looks four times as diverse as it is. A class of 99 to 1 is given 1 as well.
# By hand: with counts r1 >= r2 >= ... a class has recursive (c,l)-diversity when r1 < c * (r_l + r_l+1 + ...). The
# second class holds b three times and c once: 3 < c * 1, so c must be above 3. For 99 to 1 it must be above 99. With
# the counts taken in rising order the fraction is 1/3 (or 1/99), below 1 always.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pycanon==1.3.5
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from collections import Counter
from importlib.metadata import version

import pandas as pd
from pycanon.anonymity import recursive_c_l_diversity


def bound(*classes):
    """c must be above this for l = 2."""
    counts = [sorted(Counter(values).values(), reverse=True) for values in classes]
    return max(falling[0] / sum(falling[1:]) for falling in counts)


def seen(*classes):
    rows = [(f"area {number}", value) for number, values in enumerate(classes) for value in values]
    c, l = recursive_c_l_diversity(pd.DataFrame(rows, columns=["area", "answer"]), ["area"], ["answer"])
    return float(c), int(l)


small, lopsided = ("aabc", "bbbc"), ("a" * 99 + "b",)
print("pycanon", version("pycanon"))
for classes in (small, lopsided):
    print(f"expected: c above {bound(*classes):.0f}, l = 2; seen: c = {seen(*classes)[0]:.0f}, l = {seen(*classes)[1]}")
as_found = seen(*small) == seen(*lopsided) == (1, 2) and (bound(*small), bound(*lopsided)) == (3, 99)
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
