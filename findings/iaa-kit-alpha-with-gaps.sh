#!/usr/bin/env bash
# iaa-kit 0.1.2: Krippendorff's alpha with gaps counts an item by its pairs of votes, not by its votes.
# Date: 2026-11-30
# Guess before the run: 0.74342 and 0.84911 (nominal, interval) for Krippendorff's four coders with gaps, as from the
# krippendorff package; the project promises the handling of missing data.
# What came: 0.71958 and 0.83190. Without gaps the two packages agree.
# By hand: in alpha each of an item's m votes is compared with the m - 1 others and counts once, so that a pair weighs
# 1/(m - 1). Taken alike, the six pairs of an item with four votes weigh six times the one pair of an item with two
# where they should weigh twice, and the one-vote item is in the expected pairs, which it must not be. Summed below.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check iaa-kit==0.1.2 krippendorff==0.9.0 numpy==2.2.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from itertools import permutations
from statistics import mean

import krippendorff
import numpy as np
from iaa_kit import alpha_value

gap = None
coders = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, gap, gap, gap],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, gap, 3],
    [gap, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, gap],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, gap],
]
items = [list(votes) for votes in zip(*coders)]
far = {"nominal": lambda a, b: float(a != b), "interval": lambda a, b: float((a - b) ** 2)}


def by_votes(distance):
    filled = [[v for v in item if v is not None] for item in items]
    filled = [item for item in filled if len(item) > 1]
    votes = [v for item in filled for v in item]
    observed = sum(distance(a, b) / (len(item) - 1) for item in filled for a, b in permutations(item, 2)) / len(votes)
    return 1 - observed / mean(distance(a, b) for a, b in permutations(votes, 2))


def by_pairs(distance):
    filled = [[v for v in item if v is not None] for item in items]
    votes = [v for item in filled for v in item]
    observed = mean(distance(a, b) for item in filled for a, b in permutations(item, 2))
    return 1 - observed / mean(distance(a, b) for a, b in permutations(votes, 2))


table = np.array([[np.nan if v is None else v for v in row] for row in coders], dtype=float)
print("iaa-kit", version("iaa-kit"), "krippendorff", version("krippendorff"))
as_found = True
for scale, distance in far.items():
    seen, other = alpha_value(items, scale=scale), krippendorff.alpha(table, level_of_measurement=scale)
    print(f"{scale}: expected {by_votes(distance):.5f} (krippendorff {other:.5f}), seen {seen:.5f}")
    print(f"{scale}: each pair of votes alike: {by_pairs(distance):.5f}")
    as_found &= abs(other - by_votes(distance)) < 1e-9 and abs(seen - by_pairs(distance)) < 1e-9
    as_found &= abs(seen - other) > 0.01
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
