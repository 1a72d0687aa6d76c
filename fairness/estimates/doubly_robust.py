"""Rates of groups from checks that were drawn with a known probability, sharpened by what was expected of every task.

Each rate is a mean or a ratio of means over all tasks of a group, of which only some are checked. Weighting the checks
by one over the probability to be drawn (Hajek) undoes the selection. The expected answer carries the rest: the mean
over all tasks of what was expected, plus the weighted mean over the checks of how far the truth was from it. If the
probabilities are right, what was expected may be wrong without any bias; it only narrows the interval. Sources:
Robins, Rotnitzky and Zhao, JASA 89 (1994); Cassel, Sarndal and Wretman, Biometrika 63 (1976); the factor `trust` is
that of PPI++ (Angelopoulos, Duchi and Zrnic 2023).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.intervals import Floats
from fairness.rates import Bools, Rates

LEAST = 5
"""Checks of a group below which what was expected is not trusted."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Labeled tasks, arrays of shape (N,), of which some were checked.

    `label`: index in [0, K). `gold`: the true label's index, -1 where it was not checked. `weight`: inverse probability
    to be checked, counted where gold is. `group`: in [0, G). `expected`: (N, K) the chance of each true label as it was
    before the task's own check; None trusts weighting alone.
    """

    label: NDArray[Any]
    gold: NDArray[Any]
    weight: Floats
    group: NDArray[Any]
    n_groups: int
    expected: Floats | None = None

    @property
    def checked(self) -> Bools:
        known: Bools = self.gold >= 0
        return known


@dataclass(frozen=True, slots=True)
class _Ratio:
    """sum(top * z) / sum(bottom) over tasks: `z`, (N,), needs a check, `likely` is what was expected of it.

    `top`, (N,): known of every task. `bottom`: None where it is z itself, else one for each task.
    """

    z: Floats
    likely: Floats
    top: Floats
    of_all: bool


def true_positive_rates(tasks: Sampled, label: int) -> Rates:
    """P(label given | label true) by group. `n` counts checked tasks that truly bear it."""
    z, likely = _truth(tasks, label)
    return _rates(tasks, _Ratio(z, likely, _given(tasks, label), of_all=False), z)


def false_positive_rates(tasks: Sampled, label: int) -> Rates:
    """P(label given | another is true) by group. `n` counts checked tasks that truly bear another."""
    z, likely = _truth(tasks, label)
    return _rates(tasks, _Ratio(1 - z, 1 - likely, _given(tasks, label), of_all=False), 1 - z)


def accuracies(tasks: Sampled) -> Rates:
    """P(label is right) by group. `n` counts checked tasks."""
    z = (tasks.gold == tasks.label).astype(np.float64)
    likely = _expected(tasks)[np.arange(len(z)), tasks.label]
    return _rates(tasks, _Ratio(z, likely, np.ones(len(z)), of_all=True), np.ones(len(z)))


def prevalences(tasks: Sampled, label: int) -> Rates:
    """P(label is true) by group, the share of the label among all tasks. `n` counts checked tasks."""
    z, likely = _truth(tasks, label)
    return _rates(tasks, _Ratio(z, likely, np.ones(len(z)), of_all=True), np.ones(len(z)))


def distortions(tasks: Sampled, label: int) -> Rates:
    """Share of tasks given the label less its true share, by group: D = E[1(given) - 1(true) | g], methods 4.1.

    The share given is known of every task, so that only the true share is estimated; `up` and `down` split the share of
    tasks where both differ.
    """
    z, likely = _truth(tasks, label)
    given = _given(tasks, label)
    wrong, unlikely = np.abs(given - z), np.abs(given - likely)
    true = _rates(tasks, _Ratio(given - z, given - likely, np.ones(len(z)), of_all=True), np.ones(len(z)))
    apart = _rates(tasks, _Ratio(wrong, unlikely, np.ones(len(z)), of_all=True), np.ones(len(z)))
    both = np.maximum(apart.value, np.abs(true.value))
    up, down = (both + true.value) / 2, (both - true.value) / 2
    return Rates(true.n, true.positives, true.value, true.n_effective, up, down)


def _given(tasks: Sampled, label: int) -> Floats:
    return np.asarray(tasks.label == label, dtype=np.float64)


def _expected(tasks: Sampled) -> Floats:
    if tasks.expected is not None:
        return tasks.expected
    width = int(max(tasks.label.max(initial=0), tasks.gold.max(initial=0))) + 1
    return np.zeros((len(tasks.label), width))


def _truth(tasks: Sampled, label: int) -> tuple[Floats, Floats]:
    return (tasks.gold == label).astype(np.float64), _expected(tasks)[:, label]


def _rates(tasks: Sampled, of: _Ratio, counts: Floats) -> Rates:
    """One rate for each group; `counts` says which of the checked tasks `n` counts."""
    found = [_rate(tasks, of, counts, tasks.group == g) for g in range(tasks.n_groups)]
    n, positives, value, effective = (np.array(column) for column in zip(*found, strict=True))
    return Rates(n.astype(np.int64), positives.astype(np.int64), value.astype(float), effective.astype(float))


def _rate(tasks: Sampled, of: _Ratio, counts: Floats, here: Bools) -> tuple[int, int, float, float]:
    """(checked tasks that count, those of them where it holds, the rate, its effective number of tasks)."""
    at = np.flatnonzero(here)
    checked = tasks.checked[at]
    used = checked & (counts[at] > 0)
    n, positives = int(used.sum()), int(((of.top * of.z)[at][used] > 0).sum())
    if not n:
        return 0, 0, np.nan, 0.0
    side = _Side(of.z[at], of.likely[at], of.top[at], np.where(checked, tasks.weight[at], 0.0), of.of_all)
    trust = side.trust() if tasks.expected is not None and n >= LEAST else 0.0
    value = side.value(trust)
    variance = side.variance(value, trust)
    plain = float(np.clip(side.value(0.0), -1, 1))
    kish = float(side.weight[used].sum() ** 2 / (side.weight[used] ** 2).sum())
    spread = _spread(plain if trust == 0 else value, side)
    effective = spread / variance if variance > 1e-12 and spread > 0 else kish
    most = n if trust == 0 else len(at)
    return n, positives, float(np.clip(value, -1 if of.z.min() < 0 else 0, 1)), float(min(effective, most))


def _spread(value: float, side: _Side) -> float:
    """The variance of one task's fact: that of a yes or no, or of a signed difference."""
    if side.z.min() >= 0:
        return float(np.clip(value, 0, 1) * (1 - np.clip(value, 0, 1)))
    total = side.weight.sum()
    both = float((side.weight * np.abs(side.z)).sum() / total) if total else 0.0
    return max(both - value**2, 0.0)


@dataclass(frozen=True, slots=True)
class _Side:
    """One group: arrays of shape (n,); `weight` is 0 where nobody checked."""

    z: Floats
    likely: Floats
    top: Floats
    weight: Floats
    of_all: bool

    def value(self, trust: float) -> float:
        """The rate where what was expected is trusted so far, 0 to 1."""
        top = self._mean(self.top * self.z, self.top * self.likely, trust)
        bottom = 1.0 if self.of_all else self._mean(self.z, self.likely, trust)
        return top / bottom if bottom > 1e-9 else np.nan

    def _mean(self, true: Floats, likely: Floats, trust: float) -> float:
        total = self.weight.sum()
        return float(trust * likely.mean() + (self.weight * (true - trust * likely)).sum() / total)

    def _parts(self, value: float) -> tuple[Floats, Floats]:
        """What one task adds to top - value * bottom: as checked (weight alone), and per unit of trust."""
        n, w = len(self.z), self.weight / self.weight.sum()
        true, likely = self._lead(self.z, value), self._lead(self.likely, value)
        alone = n * w * (true - (w * true).sum())
        return alone, likely - likely.mean() - n * w * (likely - (w * likely).sum())

    def _lead(self, z: Floats, value: float) -> Floats:
        return z - value if self.of_all else (self.top - value) * z

    def trust(self) -> float:
        """How far to trust what was expected: the factor of the narrowest interval, within 0 and 1."""
        value = self.value(0.0)
        if np.isnan(value):
            return 0.0
        alone, more = self._parts(value)
        size = float(more @ more)
        return float(np.clip(-(alone @ more) / size, 0, 1)) if size > 1e-12 else 0.0

    def variance(self, value: float, trust: float) -> float:
        """Of the rate, by linearisation, for tasks that are a sample of their source."""
        alone, more = self._parts(value)
        n = len(self.z)
        bottom = 1.0 if self.of_all else self._mean(self.z, self.likely, trust)
        if bottom <= 1e-9:
            return 0.0
        return float(((alone + trust * more) ** 2).sum() / n**2 / bottom**2)
