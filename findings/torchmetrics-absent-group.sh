#!/usr/bin/env bash
# torchmetrics 1.9.0: group fairness over several batches: a group absent from a batch shifts the others' counts.
# Date: 2026-11-30
# Guess before the run: the same as in one batch: selection rates 1/2, 1, 1/2, demographic parity ratio 0.5.
# What came: in two batches the ratio is 0, and BinaryGroupStatRates books the third group's errors on the first.
# By hand: groups 0, 0, 1, 1, 2, 2 with predictions 1, 0, 1, 1, 0, 1: each group's share of ones is 1/2, 1, 1/2. The
# smallest over the largest is 0.5. Targets 1, 0, 1, 0, 1, 1: group 0 has no error at all (tp 1/2, fp 0, tn 1/2, fn 0).
# The second batch holds group 2 only, and no matter how the six votes are cut in two the rates stay these.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torchmetrics==1.9.0 torch==2.14.1 numpy==2.2.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version

import torch
from torchmetrics.classification import BinaryFairness, BinaryGroupStatRates

guessed = torch.tensor([1, 0, 1, 1, 0, 1])
target = torch.tensor([1, 0, 1, 0, 1, 1])
group = torch.tensor([0, 0, 1, 1, 2, 2])


def measured(metric, *cuts):
    for start, end in cuts:
        metric.update(guessed[start:end], target[start:end], group[start:end])
    return metric.compute()


def rates(*cuts):
    return [round(float(rate), 3) for rate in measured(BinaryGroupStatRates(num_groups=3), *cuts)["group_0"]]


def parity(*cuts):
    ratio = measured(BinaryFairness(num_groups=3, task="demographic_parity"), *cuts)
    return [round(float(value), 3) for value in ratio.values()][0]


print("torchmetrics", version("torchmetrics"))
print("expected: ratio 0.5; group 0: [0.5, 0.0, 0.5, 0.0] (tp, fp, tn, fn), whatever the batches")
print("seen, one batch:", parity((0, 6)), rates((0, 6)))
print("seen, two batches, the second with group 2 only:", parity((0, 4), (4, 6)), rates((0, 4), (4, 6)))
whole = parity((0, 6)) == 0.5 and rates((0, 6)) == [0.5, 0, 0.5, 0]
cut = parity((0, 4), (4, 6)) == 0 and rates((0, 4), (4, 6)) == [0.5, 0, 0.25, 0.25]
sys.exit(0 if whole and cut else "The behaviour has changed.")
PYTHON
