#!/usr/bin/env bash
# pycm 4.6: weighted_alpha (Krippendorff's, with a distance) squares a mixed share where the definition multiplies two.
# Date: 2026-11-30
# Guess before the run: 0.72065, as the krippendorff package says for the same votes and the distance |a - b|.
# What came: 0.71779. With the distance 0 or 1 the two agree (0.63874), so the unweighted case hides it.
# By hand: 3 of 12 items differ, each by one: observed 3/12. Pooled, the 24 values are 7, 9 and 8 of the three labels:
# expected 2*(7*9*1 + 9*8*1 + 7*8*2)/(24*23) = 494/552. Alpha = 1 - (3/12)/(494/552) = 0.720648. The chance of a pair
# (a, b) is p_a * p_b with p from the pooled values; half the sum of a's share of the first coder and b's share of the
# second, squared, is that only for a = b. Summed below, it gives 0.717791.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pycm==4.6 krippendorff==0.9.0 numpy==2.2.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import krippendorff
from pycm import ConfusionMatrix

first = [int(label) for label in "111122223333"]
second = [int(label) for label in "111222233332"]
labels, size = (1, 2, 3), len(first)
pooled = first + second


def distance(a, b):
    return abs(a - b)


observed = sum(map(distance, first, second)) / size
expected = sum(distance(a, b) for a in pooled for b in pooled) / (len(pooled) * (len(pooled) - 1))
by_hand = 1 - observed / expected


def mixed():
    alike = {(a, b): 1 - distance(a, b) / 2 for a in labels for b in labels}
    agreed = sum(map(lambda a, b: alike[a, b], first, second)) / size
    agreed = (1 - 1 / (2 * size)) * agreed + 1 / (2 * size)
    chance = sum(((first.count(a) + second.count(b)) / (2 * size)) ** 2 * alike[a, b] for a in labels for b in labels)
    return (agreed - chance) / (1 - chance)


def seen(of):
    return ConfusionMatrix(first, second).weighted_alpha({a: {b: of(a, b) for b in labels} for a in labels})


def same_or_not(a, b):
    return int(a != b)


def far(v1, v2, i1, i2, n_v, dtype=float):
    return abs(v1 - v2).astype(dtype)


other = krippendorff.alpha([first, second], level_of_measurement=far)
nominal = krippendorff.alpha([first, second], level_of_measurement="nominal")
print("pycm", version("pycm"), "krippendorff", version("krippendorff"))
print(f"expected: {by_hand:.5f} (krippendorff: {other:.5f})")
print(f"seen, weighted_alpha with |a - b|: {seen(distance):.5f} (mixed marginals squared: {mixed():.5f})")
print(f"seen, weighted_alpha with 0 or 1: {seen(same_or_not):.5f} (krippendorff, nominal: {nominal:.5f})")
as_found = abs(other - by_hand) < 1e-9 and abs(seen(distance) - mixed()) < 1e-9 < abs(mixed() - by_hand)
sys.exit(0 if as_found and abs(seen(same_or_not) - nominal) < 1e-9 else "The behaviour has changed.")
PYTHON
