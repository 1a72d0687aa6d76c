"""Confidence by group with partial pooling: each group's own calibration, pulled towards that of all groups.

The chance that a label is right is a logistic function of the log odds of the confidence. A group may shift and tilt
it; a ridge holds small groups near the rest. Whether that is better is told by checks that were held out, and it is
used only where their log loss falls by more than its standard error (methods 4.6, second).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.estimates.outcomes import log_odds
from fairness.intervals import Floats

FOLDS = 5
POOL = 8.0
"""How strongly a group is pulled to the rest, in pseudo-checks."""
RIDGE = 1.0


@dataclass(frozen=True, slots=True)
class Pooled:
    """Held-out log loss of a check with the calibration of all groups (`before`) and by group (`after`), their
    difference `gain` with its standard error, whether it is `used`, and the chances by group that would be, (N,).

    `gap_before`, `gap_after`: widest difference between groups in how far confidence lies above the share right, held
    out.
    """

    before: float
    after: float
    gain: float
    error: float
    used: bool
    sure: Floats
    gap_before: float
    gap_after: float


def pooled(
    confidence: Floats, group: NDArray[Any], right: Floats, checked: NDArray[np.bool_], weight: Floats, seed: int = 0
) -> Pooled | None:
    """Fit both ways on four fifths of the checks and compare them on the last, five times. None below 30 checks.

    `confidence`, `group`: (N,) of all tasks. `right`: (N,) 1 where the check confirms the label. `weight`: (N,) inverse
    inclusion probabilities.
    """
    at = np.flatnonzero(checked)
    if len(at) < 30:
        return None
    fold = np.random.default_rng(seed).permutation(len(at)) % FOLDS
    plain, own = np.empty(len(at)), np.empty(len(at))
    for one in range(FOLDS):
        fit, held = at[fold != one], at[fold == one]
        shared = _fit(confidence[fit], right[fit], weight[fit])
        plain[fold == one] = _chance(confidence[held], *shared)
        own[fold == one] = _by_group(confidence, group, right, weight, fit, shared)[held]
    loss = [_loss(chance, right[at]) for chance in (plain, own)]
    w = weight[at] / weight[at].sum()
    apart = loss[0] - loss[1]
    gain = float((w * apart).sum())
    error = float(np.sqrt((w**2 * (apart - gain) ** 2).sum()))
    shared = _fit(confidence[at], right[at], weight[at])
    used = gain > error and len(np.unique(group[at])) > 1
    sure = _by_group(confidence, group, right, weight, at, shared) if used else _chance(confidence, *shared)
    gaps = [_gap(chance, right[at], group[at], weight[at]) for chance in (plain, own)]
    return Pooled(
        float((w * loss[0]).sum()), float((w * loss[1]).sum()), gain, error, bool(used), sure, gaps[0], gaps[1]
    )


def _by_group(
    confidence: Floats,
    group: NDArray[Any],
    right: Floats,
    weight: Floats,
    fit: NDArray[np.intp],
    shared: tuple[float, float],
) -> Floats:
    """The chance of each task by its own group's line, pulled to the `shared` one."""
    found = np.empty(len(confidence))
    for one in np.unique(group):
        mine, inside = fit[group[fit] == one], group == one
        line = _fit(confidence[mine], right[mine], weight[mine], shared, POOL) if len(mine) else shared
        found[inside] = _chance(confidence[inside], *line)
    return found


def _fit(
    confidence: Floats,
    right: Floats,
    weight: Floats,
    start: tuple[float, float] = (1.0, 0.0),
    ridge: float = RIDGE,
) -> tuple[float, float]:
    """Slope and shift of the log odds by weighted logistic regression with a ridge towards `start`; Newton's method."""
    x = np.stack([log_odds(confidence), np.ones(len(confidence))], axis=1)
    w = weight / weight.mean() if len(weight) else weight
    centre = np.array(start)
    line = centre.copy()
    loss = _ridged(x, right, w, line, centre, ridge)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ line, -500, 500)))
        slope = x.T @ (w * (right - p)) - ridge * (line - centre)
        bend = (x * (w * p * (1 - p))[:, None]).T @ x + ridge * np.eye(2)
        step = np.linalg.solve(bend, slope)
        while (ahead := _ridged(x, right, w, line + step, centre, ridge)) > loss + 1e-12 and np.abs(step).max() > 1e-9:
            step = step / 2
        line, loss = line + step, ahead
        if np.abs(step).max() < 1e-8:
            break
    return float(line[0]), float(line[1])


def _ridged(x: Floats, right: Floats, weight: Floats, line: Floats, centre: Floats, ridge: float) -> float:
    z = x @ line
    return float((weight * (np.logaddexp(0, z) - right * z)).sum() + ridge / 2 * ((line - centre) ** 2).sum())


def _chance(confidence: Floats, slope: float, shift: float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(slope * log_odds(confidence) + shift, -500, 500))), dtype=np.float64)


def _loss(chance: Floats, right: Floats) -> Floats:
    p = np.clip(chance, 1e-6, 1 - 1e-6)
    return np.asarray(-(right * np.log(p) + (1 - right) * np.log(1 - p)), dtype=np.float64)


def _gap(chance: Floats, right: Floats, group: NDArray[Any], weight: Floats) -> float:
    """Widest difference between groups in mean confidence less share right."""
    over = [float(np.average((chance - right)[group == one], weights=weight[group == one])) for one in np.unique(group)]
    return max(over) - min(over)
