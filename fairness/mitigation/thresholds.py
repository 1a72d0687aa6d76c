"""From which chance on a label is given, by group: a policy that somebody must approve, and that changes no label.

In some uses such a policy is lawful and wanted, in others forbidden, so it is off unless a manager turns it on with a
reason. What it gives stands beside the label, never in its place. The thresholds are fitted on one half of the checks
so that true cases are found alike in every group, and told on the other (methods 4.6, last).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.intervals import Floats
from fairness.rates import Bools, Rates, group_rates

LEAST = 10
"""Checked tasks of a group that truly bear the label, in the half that fits."""


@dataclass(frozen=True, slots=True)
class Policy:
    """`threshold`: (G,) chance from which on the label is given. Rates of finding it, and of giving it falsely, on the
    held-out half: `before` with the labels as they are, `after` with the policy. `changed`: (N,) where both differ."""

    threshold: Floats
    before: Rates
    after: Rates
    false_before: Rates
    false_after: Rates
    changed: Bools


def equal_opportunity(
    chance: Floats,
    given: Bools,
    true: NDArray[Any],
    group: NDArray[Any],
    n_groups: int,
    weight: Floats,
    seed: int = 0,
) -> Policy | None:
    """Thresholds that find true cases as often as over all groups now; None where a group has too few of them.

    `chance`: (N,) that the label is true. `given`: (N,) as it stands. `true`: (N,) 1, 0, or -1 where unchecked.
    """
    checked = np.flatnonzero(true >= 0)
    half = np.zeros(len(true), dtype=bool)
    half[np.random.default_rng(seed).permutation(checked)[: len(checked) // 2]] = True
    fits = half & (true == 1)
    if (np.bincount(group[fits], minlength=n_groups) < LEAST).any():
        return None
    target = float(np.average(given[fits], weights=weight[fits]))
    threshold = np.array([_quantile(chance, weight, fits & (group == g), target) for g in range(n_groups)])
    policy = chance >= threshold[group]
    held = (true >= 0) & ~half
    found = [
        _rates(one, held & (true == value), group, n_groups, weight) for value in (1, 0) for one in (given, policy)
    ]
    return Policy(threshold, found[0], found[1], found[2], found[3], policy != given)


def _quantile(chance: Floats, weight: Floats, where: Bools, target: float) -> float:
    """The threshold at or above which a weighted share `target` of these chances lies."""
    order = np.argsort(-chance[where], kind="stable")
    values, w = chance[where][order], weight[where][order]
    at = int(np.searchsorted(np.cumsum(w) / w.sum(), target - 1e-12))
    return float(values[min(at, len(values) - 1)])


def _rates(said: Bools, where: Bools, group: NDArray[Any], n_groups: int, weight: Floats) -> Rates:
    return group_rates(said[where], group[where], n_groups, weight[where])
