#!/usr/bin/env bash
# crowd-kit 1.4.2: NoisyBradleyTerry stops far from the best fit; scores and skills hang on the order of rows.
# Date: 2026-11-30
# Guess before the run: the same scores, to 0.01, in any row order, and one skill for three workers who vote the same.
# What came: item c scores 0.38 in one order and 0.68 in another; the three twins' skills differ (0.65, 0.67, 0.59).
# By hand: each worker compares each pair eight times, four times either way round, and the better item wins three in
# four. Nothing leans to the left, nothing tells the workers apart. In the model (with skill g a worker compares, else
# takes the left side with probability q) g = q = 1/2 and far apart a > b > c give each vote its share, 3/4 or 1/4: a
# log-likelihood of 54 ln 3/4 + 18 ln 1/4 = -40.49. What is returned reaches -41.48: the gradient handed to the
# optimizer is not that of its function (it writes a worker's bias one place too early, over an item's score).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check crowd-kit==1.4.2 scikit-learn==1.9.1 pandas==2.3.3 \
    numpy==2.2.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import sys
from importlib.metadata import version
from math import exp, log

import pandas as pd
from crowdkit.aggregation import NoisyBradleyTerry

rows = []
for worker in ("w1", "w2", "w3"):
    for better, worse in (("a", "b"), ("b", "c"), ("a", "c")):
        for number in range(8):
            left, right = (better, worse) if number % 2 == 0 else (worse, better)
            rows.append((worker, left, right, better if number < 6 else worse))
votes = pd.DataFrame(rows, columns=["worker", "left", "right", "label"])


def fitted(table):
    model = NoisyBradleyTerry(n_iter=1000, tol=1e-9).fit(table)
    return model.scores_.sort_index(), model.skills_.sort_index(), model.biases_.sort_index()


def likelihood(strength, skill, bias):
    total = 0.0
    for worker, left, right, label in rows:
        better = 1 / (1 + exp(strength[right] - strength[left]))
        first = skill[worker] * better + (1 - skill[worker]) * bias[worker]
        total += log(first if label == left else 1 - first)
    return total


scores, skills, biases = fitted(votes)
turned = fitted(votes[::-1])[0]
returned = likelihood((scores / (1 - scores)).map(log), skills, biases)
half = dict.fromkeys(skills.index, 0.5)
best = likelihood({"a": 60.0, "b": 30.0, "c": 0.0}, half, half)
print("crowd-kit", version("crowd-kit"))
print("expected: one score for each item in any order, one skill, a log-likelihood of", round(best, 2))
print("seen, as given:", scores.round(2).to_dict(), "rows turned round:", turned.round(2).to_dict())
print("seen, skills of three workers with the same votes:", skills.round(2).to_dict())
print("seen, log-likelihood:", round(returned, 2))
as_found = (scores - turned).abs().max() > 0.1 and skills.max() - skills.min() > 0.05 and returned < best - 0.5
sys.exit(0 if as_found else "The behaviour has changed.")
PYTHON
