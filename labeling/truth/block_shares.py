"""Majority of yes-or-no variables, made to mean what it says by known ones; and thresholds for F1."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from labeling.truth.blocks import UNSAID, YES, Blocks, Said, clamped, shares
from labeling.truth.votes import Floats

STEPS = 25
RIDGE = np.array([0.05, 0.05])
"""Precision with which the line stays at slope 1 and offset 0."""


def majority(blocks: Blocks) -> Floats:
    """Share of yes among what was said of each variable, known ones certain, (n_tasks, K)."""
    return clamped(shares(blocks), blocks.truth())


def calibrated_majority(blocks: Blocks) -> Floats:
    """The same, its log odds put on the straight line that makes what is known likeliest (Platt's scaling).

    Source: Platt 1999, Probabilistic Outputs for Support Vector Machines.
    """
    given, known = logit(shares(blocks)), blocks.truth()
    slope, offset = line_through(given, known)
    return clamped(expit(slope * given + offset), known)


def thresholds(belief: Floats, *, alike: bool) -> Floats:
    """The beliefs from which on yes is said, (K,), that make the expected F1 of the answers greatest.

    E F1 ~ 2 sum of chosen beliefs / (chosen + sum of all beliefs): chosen are the largest. `alike`: one threshold for
    all variables (micro F1), else each its own (macro F1).
    Source: Ye et al. 2012, Optimizing F-Measure: A Tale of Two Approaches, section 4.
    """
    if alike:
        return np.full(belief.shape[1], _threshold(belief.ravel()))
    return np.array([_threshold(column) for column in belief.T])


def _threshold(chances: Floats) -> float:
    falling = np.sort(chances)[::-1]
    if not falling.sum():
        return 0.5
    value = 2 * np.cumsum(falling) / (np.arange(1, len(falling) + 1) + falling.sum())
    last = int(value.argmax())
    following = falling[last + 1] if last + 1 < len(falling) else 0.0
    return float((falling[last] + following) / 2) if following < falling[last] else float(falling[last])


def line_through(given: Floats, known: Said) -> Floats:
    """Slope and offset that make what is known likeliest, given log odds of the same shape.

    By Newton's method, with a weak pull to 1 and 0.
    """
    at = np.nonzero(known != UNSAID)
    truth, given = (known[at] == YES).astype(np.float64), given[at]
    rows, line, start = np.stack([given, np.ones_like(given)], axis=1), np.array([1.0, 0.0]), np.array([1.0, 0.0])
    for _ in range(STEPS):
        chance = expit(rows @ line)
        slope = rows.T @ (chance - truth) + RIDGE * (line - start)
        curve = (rows * (chance * (1 - chance))[:, None]).T @ rows + np.diag(RIDGE)
        step = np.linalg.solve(curve, slope)
        line = line - np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-6:
            break
    return line
