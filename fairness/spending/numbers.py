"""Means, medians and shares by group with their intervals, and which groups surely differ from all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from fairness.intervals import Estimate, Floats, holm, normal_z
from fairness.rates import Bools, group_rates, rate_estimates, too_few

MINIMUM, LEVEL = 30, 0.95
Groups = NDArray[np.signedinteger]


def shares(fact: Bools, group: Groups, groups: int, counted: str) -> tuple[Estimate, ...]:
    """How often a fact holds in each group, with Wilson's interval. `fact`, `group`: (n,)."""
    return rate_estimates(group_rates(fact, group, groups), MINIMUM, LEVEL, counted)


def means(value: Floats, group: Groups, groups: int, counted: str) -> tuple[Estimate, ...]:
    """The mean in each group, plus and minus its standard errors; never below 0. `value`: (n,), not negative."""
    return tuple(_mean(value[group == one], counted) for one in range(groups))


def _mean(value: Floats, counted: str) -> Estimate:
    n = len(value)
    if not n:
        return Estimate(None, None, None, False, f"undefined: no task {counted}")
    mean = float(value.mean())
    half = normal_z(LEVEL) * float(value.std(ddof=1)) / np.sqrt(n) if n > 1 else np.inf
    return Estimate(mean, max(mean - half, 0.0), mean + half, n >= MINIMUM, too_few(n, MINIMUM, counted))


def medians(value: Floats, group: Groups, groups: int, counted: str) -> tuple[Estimate, ...]:
    """The median in each group, with the interval between two of its values that holds whatever their law.

    The number of values below the median is binomial (n, 1/2). Source: Conover, Practical Nonparametric Statistics,
    3rd edition (1999), section 3.2.
    """
    return tuple(_median(np.sort(value[group == one]), counted) for one in range(groups))


def _median(value: Floats, counted: str) -> Estimate:
    n = len(value)
    if not n:
        return Estimate(None, None, None, False, f"undefined: no task {counted}")
    first = int(scipy.stats.binom.ppf((1 - LEVEL) / 2, n, 0.5))
    low, high = value[max(first - 1, 0)], value[min(n - first, n - 1)]
    return Estimate(float(np.median(value)), float(low), float(high), n >= MINIMUM, too_few(n, MINIMUM, counted))


def differing(values: Sequence[tuple[Floats, Groups]], groups: int, *, by_rank: Sequence[bool]) -> list[set[int]]:
    """For each measure the groups that differ from all others together, after Holm over all measures and groups.

    `values`: for each measure (n,) numbers and their groups. Means are compared by Welch's t, with `by_rank` whole laws
    by the rank sum. Groups below the minimum, or with nothing to compare, are left out.
    """
    tests = [
        (place, one, p)
        for place, ((value, group), ranks) in enumerate(zip(values, by_rank, strict=True))
        for one in range(groups)
        if (p := _p_value(value[group == one], value[group != one], ranks=ranks)) is not None
    ]
    found: list[set[int]] = [set() for _ in values]
    if tests:
        for (place, one, _), p in zip(tests, holm([p for *_, p in tests]).tolist(), strict=True):
            if p <= 1 - LEVEL:
                found[place].add(one)
    return found


def _p_value(here: Floats, others: Floats, *, ranks: bool) -> float | None:
    if min(len(here), len(others)) < MINIMUM:
        return None
    if ranks:
        return float(scipy.stats.mannwhitneyu(here, others).pvalue)
    if here.std() + others.std() == 0:
        return None if here.mean() == others.mean() else 0.0
    return float(scipy.stats.ttest_ind(here, others, equal_var=False).pvalue)
