#!/usr/bin/env bash
# crowd-kit 1.4.2: MajorityVote breaks a tie by which label came first in the whole table, other tasks' rows included.
# Date: 2026-11-29
# Guess before the run: a tie goes to the first label in sorted order, so that t1 (b, a) is a and t2 (c, b) is b.
# What came: t1 is b. The same votes in another row order give a; so does one vote on another task put in front.
# By hand: t1 has one vote for a and one for b in every table below; only the order of rows differs, or a row that
# does not concern t1. Nothing about t1 tells its two labels apart.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check crowd-kit==1.4.2 scikit-learn==1.9.1 pandas==3.1.1 numpy==2.4.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import pandas as pd
from crowdkit.aggregation import MajorityVote


def decided(*rows):
    votes = pd.DataFrame(rows, columns=["worker", "task", "label"])
    return MajorityVote().fit_predict(votes)["t1"]


b, a = ("w1", "t1", "b"), ("w2", "t1", "a")
others = ("w1", "t2", "c"), ("w2", "t2", "b")
as_given = decided(b, a, *others)
reordered = decided(a, b, *others)
unrelated = decided(("w3", "t3", "a"), b, a, *others)
print("crowd-kit", version("crowd-kit"))
print("expected: t1 is a in all three (sorted order), or a tie reported as one")
print("seen, votes as given:", as_given)
print("seen, the two votes on t1 swapped:", reordered)
print("seen, as given, after a vote on another task:", unrelated)
as_found = (as_given, reordered, unrelated) == ("b", "a", "a")
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
