#!/usr/bin/env bash
# bratutils 0.2.2: after make_gold(), used as its page shows, what stands in the gold document alone is not counted.
# Date: 2026-11-30
# Guess before the run: one of two gold annotations found: precision 1, recall 1/2, F1 2/3.
# What came: precision 1, recall 1, F1 1: the annotation that was missed is in none of the counts.
# By hand: gold has A and B, the other document has A. One agrees, one is in the gold only: whatever it is called, the
# two documents are not the same, and F1 = 2*1/(2 + 1) = 2/3. Without make_gold() that is the answer. The call sets a
# status on each gold annotation, and the count of what is left over takes those that have no status.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check bratutils==0.2.2
cd "$work"
printf 'T1\tPER 0 3\tAnn\nT2\tLOC 13 17\tYork\n' > both.ann
printf 'T1\tPER 0 3\tAnn\n' > one.ann
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

from bratutils.agreement import Document

logging.disable(logging.CRITICAL)


def measured(marked):
    gold, other = Document("both.ann"), Document("one.ann")
    if marked:
        gold.make_gold()
    table = other.compare_to_gold(gold)
    return table.cor, table.mis + table.spu, round(table.fsc, 3)


print("bratutils", version("bratutils"))
print("expected (correct, missing or spurious, F1): (1, 1, 0.667)")
print("seen, after make_gold():", measured(marked=True))
print("seen, without it:", measured(marked=False))
as_found = measured(marked=True) == (1, 0, 1.0) and measured(marked=False) == (1, 1, 0.667)
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
