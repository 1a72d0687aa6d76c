#!/usr/bin/env bash
# irrCAC 0.4.4: what it names Krippendorff's alpha uses, for ordinal data, other distances than Krippendorff's.
# Date: 2026-11-29
# Guess before the run: 0.81539, Krippendorff's ordinal alpha for his four coders with gaps.
# What came: 0.83364 (the nominal and interval answers, 0.74342 and 0.84911, agree with Krippendorff's).
# By hand: Krippendorff's ordinal distance between ranks is the square of the number of values lying between them, the
# ends counted half; it depends on how often each value occurs. That gives 0.815388. A distance from the ranks alone,
# k(k+1)/2 for ranks k apart, gives 0.833638. The two are summed below, and each library returns one of them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check irrCAC==0.4.4 krippendorff==0.9.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import krippendorff
import numpy as np
import pandas as pd
from irrCAC.raw import CAC

gap = np.nan
coders = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, gap, gap, gap],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, gap, 3],
    [gap, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, gap],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, gap],
])
units = [[int(v) for v in column if v == v] for column in coders.T]
units = [unit for unit in units if len(unit) > 1]
values = [value for unit in units for value in unit]
count = {value: values.count(value) for value in range(1, 6)}


def between(a, b):
    low, high = sorted((a, b))
    return (sum(count[v] for v in range(low, high + 1)) - (count[a] + count[b]) / 2) ** 2


def ranks(a, b):
    return abs(a - b) * (abs(a - b) + 1) / 2


def alpha(distance):
    observed = sum(sum(distance(a, b) for a in unit for b in unit) / (len(unit) - 1) for unit in units)
    expected = sum(distance(a, b) for a in values for b in values) / (len(values) - 1)
    return 1 - observed / expected


irr = CAC(pd.DataFrame(coders.T), weights="ordinal").krippendorff()["est"]
other = krippendorff.alpha(reliability_data=coders, level_of_measurement="ordinal")
print("irrCAC", version("irrCAC"), "krippendorff", version("krippendorff"))
print(f"expected from both: {alpha(between):.5f}")
print(f"seen, irrCAC, {irr['coefficient_name']}: {irr['coefficient_value']:.5f} (ranks alone: {alpha(ranks):.5f})")
print(f"seen, krippendorff: {other:.5f}")
as_found = abs(irr["coefficient_value"] - alpha(ranks)) < 1e-5 and abs(other - alpha(between)) < 1e-9
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
