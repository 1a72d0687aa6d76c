#!/usr/bin/env bash
# iaa-kit 0.1.2: ac2 returns weighted Cohen's kappa, not Gwet's AC2.
# Date: 2026-11-30
# Guess before the run: 0.72057 for linear weights, as irrCAC says for the same votes.
# What came: 0.70968, to the last digit what weighted_kappa returns (ac1 is Gwet's). Where nearly all labels are one,
# the case AC2 is chosen for, the two are far apart: 0.0 against 0.92 below.
# By hand: linear weights over three ranks are 1, 1/2, 0. 9 of 12 items agree, 3 differ by one: pa = 10.5/12 = 0.875.
# Chance in AC2 is T/(q(q-1)) * sum p(1-p) with T the sum of all weights, 5, q = 3 and p = 7/24, 9/24, 8/24 the pooled
# shares: 5/6 * 382/576 = 0.552662. (0.875 - 0.552662)/(1 - 0.552662) = 0.720569.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check iaa-kit==0.1.2 irrCAC==0.4.4
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import pandas as pd
from iaa_kit import ac2, weighted_kappa
from irrCAC.raw import CAC


def by_hand(first, second, ranks=(1, 2, 3)):
    pooled, most = first + second, max(ranks) - min(ranks)
    alike = {(a, b): 1 - abs(a - b) / most for a in ranks for b in ranks}
    agreed = sum(alike[pair] for pair in zip(first, second)) / len(first)
    shares = [pooled.count(rank) / len(pooled) for rank in ranks]
    chance = sum(alike.values()) / (len(ranks) * (len(ranks) - 1)) * sum(p * (1 - p) for p in shares)
    return (agreed - chance) / (1 - chance)


def compared(first, second):
    table = pd.DataFrame({"first": first, "second": second})
    irr = CAC(table, weights="linear", categories=[1, 2, 3]).gwet()["est"]["coefficient_value"]
    return by_hand(first, second), float(irr), ac2(first, second), weighted_kappa(first, second)


even = compared([int(label) for label in "111122223333"], [int(label) for label in "111222233332"])
lopsided = compared([1] * 19 + [2, 3], [1] * 21)
both = (even, lopsided)
print("iaa-kit", version("iaa-kit"), "irrCAC", version("irrCAC"))
for name, (hand, irr, seen, kappa) in (("even", even), ("lopsided", lopsided)):
    print(f"{name}: expected {hand:.5f} (irrCAC {irr:.5f}); seen, ac2: {seen:.5f}; weighted_kappa: {kappa:.5f}")
as_found = all(seen == kappa and abs(hand - irr) < 1e-5 < abs(hand - seen) for hand, irr, seen, kappa in both)
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
