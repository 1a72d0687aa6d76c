#!/usr/bin/env bash
# nervaluate 1.2.1: of two overlapping predictions the first listed takes the gold span, even when the second is exact.
# Date: 2026-11-29
# Guess before the run: the exact prediction is matched first whatever the order: one correct, one spurious, strict F1 2/3.
# What came: listed by position (the partial one first), strict counts one incorrect, one spurious: F1 0. Swapped: 2/3.
# By hand: one gold span, two predictions, one of them equal in type and borders: precision 1/2, recall 1, F1 = 2/3.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check nervaluate==1.2.1 pandas==2.3.3
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from nervaluate import Evaluator


def strict(*predictions):
    gold = [[{"label": "PER", "start": 5, "end": 9}]]
    evaluator = Evaluator(gold, [list(predictions)], tags=["PER"], loader="dict")
    counts = evaluator.evaluate()["overall"]["strict"]
    return counts.correct, counts.incorrect, counts.spurious, round(counts.f1, 3)


partial = {"label": "PER", "start": 4, "end": 5}
exact = {"label": "PER", "start": 5, "end": 9}
by_position, swapped = strict(partial, exact), strict(exact, partial)
print("nervaluate", version("nervaluate"))
print("expected (correct, incorrect, spurious, F1), either order: (1, 0, 1, 0.667)")
print("seen, partial prediction listed first:", by_position)
print("seen, exact prediction listed first:", swapped)
as_found = by_position == (0, 1, 1, 0) and swapped == (1, 0, 1, 0.667)
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
