#!/usr/bin/env bash
# nltk 3.10.4: weighted_kappa(max_distance=m) scales the expected disagreement by m, not the observed one.
# Date: 2026-11-29
# Guess before the run: 22/31 = 0.70968 for linear weights over three ranks (max_distance=2), as from other packages.
# What came: 13/31 = 0.41935. With max_distance=4 the answer is even negative; with 1 it is 22/31.
# By hand: 3 of 12 items differ, each by one rank: observed 3/12. Label counts are 4 4 4 and 3 5 4: expected
# (4*(5+8) + 4*(3+4) + 4*(6+5)) / 144 = 124/144. Kappa = 1 - (3/12)/(124/144) = 22/31. A common divisor of both
# disagreements cancels, so max_distance must not matter; divided below only, it gives 1 - 2*(9/31) = 13/31.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check nltk==3.10.4
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

from nltk.metrics.agreement import AnnotationTask

first, second = "111122223333", "111222233332"
votes = [
    (coder, item, int(label))
    for coder, labels in (("first", first), ("second", second))
    for item, label in enumerate(labels)
]
task = AnnotationTask(votes, distance=lambda a, b: abs(a - b))
seen = {limit: task.weighted_kappa(max_distance=limit) for limit in (1, 2, 4)}
print("nltk", version("nltk"))
print(f"expected: {22 / 31:.5f} whatever max_distance is")
for limit, kappa in seen.items():
    print(f"seen, max_distance={limit}: {kappa:.5f}")
as_found = all(abs(seen[m] - (1 - m * 9 / 31)) < 1e-9 for m in seen)
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
