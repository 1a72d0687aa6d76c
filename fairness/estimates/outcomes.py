"""What the true answer of each task is likely to be, from its label and how sure the crowd was of it: for tasks that
nobody checked, and without a task's own check.

The chance that the label is right is a logistic function of the log odds of the confidence, fitted on the checks; if
it is wrong, the other labels are as likely as among the wrong ones of the checks. Both are fitted in folds: a task's
own check never enters what is expected of it, so that the estimates of `doubly_robust` stay unbiased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.intervals import Floats

FOLDS = 5
RIDGE = 2.0
"""Pseudo-checks that pull the fitted line towards "confidence means what it says"."""
START = np.array([1.0, 0.0])
STRENGTH = 2.0
"""Pseudo-checks of a wrong label's row, spread over the other labels as all wrong ones are."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known before any check: `label`, (N,) in [0, K), and `confidence`, (N,) in [0, 1], that it is right."""

    label: NDArray[Any]
    confidence: Floats
    n_labels: int


def expected(told: Told, gold: NDArray[Any], weight: Floats | None = None, seed: int = 0) -> Floats:
    """The chance of each true label, (N, K), rows summing to 1.

    `gold`: (N,) the true label, -1 where it was not checked. `weight`: (N,) inverse inclusion probabilities. Tasks
    without a check get the mean over the folds.
    """
    checked = np.flatnonzero(gold >= 0)
    heft = np.ones(len(gold)) if weight is None else weight
    fold = np.full(len(gold), -1)
    fold[checked] = np.random.default_rng(seed).permutation(len(checked)) % FOLDS
    total, found = np.zeros((len(gold), told.n_labels)), np.zeros((len(gold), told.n_labels))
    for one in range(FOLDS):
        rows = _chances(told, gold, heft, checked[fold[checked] != one])
        total += rows
        found[fold == one] = rows[fold == one]
    found[fold < 0] = total[fold < 0] / FOLDS
    return found


def _chances(told: Told, gold: NDArray[Any], weight: Floats, fit: NDArray[np.intp]) -> Floats:
    odds = log_odds(told.confidence)
    right = (gold[fit] == told.label[fit]).astype(np.float64)
    slope, shift = _line(odds[fit], right, weight[fit])
    sure = 1 / (1 + np.exp(-(slope * odds + shift)))
    wrong = _wrong(told, gold, weight, fit)[told.label]
    rows = wrong * (1 - sure)[:, None]
    rows[np.arange(len(rows)), told.label] = sure if told.n_labels > 1 else 1.0
    return np.asarray(rows)


def log_odds(confidence: Floats) -> Floats:
    """ln(p / (1 - p)) of confidences that may be 0 or 1."""
    p = np.clip(confidence, 1e-3, 1 - 1e-3)
    return np.asarray(np.log(p / (1 - p)))


def _line(odds: Floats, right: Floats, weight: Floats) -> tuple[float, float]:
    """Slope and shift of the log odds, by weighted logistic regression pulled to slope 1, shift 0 (Newton's method)."""
    at = START
    if not len(odds):
        return 1.0, 0.0
    x, w = np.stack([odds, np.ones(len(odds))], axis=1), weight / weight.mean()
    loss = _loss(x, right, w, at)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ at, -500, 500)))
        slope = x.T @ (w * (right - p)) - RIDGE * (at - START)
        bend = (x * (w * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(2)
        step = np.linalg.solve(bend, slope)
        while (ahead := _loss(x, right, w, at + step)) > loss + 1e-12 and np.abs(step).max() > 1e-9:
            step = step / 2
        at, loss = at + step, ahead
        if np.abs(step).max() < 1e-8:
            break
    return float(at[0]), float(at[1])


def _loss(x: Floats, right: Floats, weight: Floats, at: Floats) -> float:
    """The negative log likelihood with its ridge."""
    z = x @ at
    return float((weight * (np.logaddexp(0, z) - right * z)).sum() + RIDGE / 2 * ((at - START) ** 2).sum())


def _wrong(told: Told, gold: NDArray[Any], weight: Floats, fit: NDArray[np.intp]) -> Floats:
    """Of wrong labels, the share of each true one, (K label given, K true), the diagonal 0."""
    k = told.n_labels
    counts = np.zeros((k, k))
    np.add.at(counts, (told.label[fit], gold[fit]), weight[fit] / (weight[fit].mean() if len(fit) else 1.0))
    np.fill_diagonal(counts, 0.0)
    base = np.repeat((counts.sum(axis=0) + 1)[None, :], k, axis=0)
    np.fill_diagonal(base, 0.0)
    base /= np.maximum(base.sum(axis=1, keepdims=True), 1e-12)
    rows = counts + STRENGTH * base
    return np.asarray(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-12))
