"""Rates of a yes-or-no fact in each group, counted or weighted by inverse inclusion probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairness.intervals import Estimate, Floats, Pair, normal_z, paired_limits, wilson_limits

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rates:
    """Group means of a fact that is 0 or 1, or of a signed difference that is -1, 0 or 1; arrays of shape (G,).

    `n`: tasks counted (never weighted). `positives`: tasks where the fact holds. `value`: the mean, NaN where `n` is 0.
    `n_effective`: the number of equally weighted tasks that would know the mean as well; `n` without weights.
    `up`, `down`: shares of +1 and -1 for a signed difference, else None.
    """

    n: Ints
    positives: Ints
    value: Floats
    n_effective: Floats
    up: Floats | None = None
    down: Floats | None = None

    def limits(self, z: float) -> Pair:
        """Limits of each mean at the normal quantile `z`: Wilson's, or the paired ones for a signed difference."""
        if self.up is None or self.down is None:
            return wilson_limits(self.value, self.n_effective, z)
        return paired_limits(self.up, self.down, self.n_effective, z)

    def of(self, groups: Bools) -> Rates:
        """The same for some of the groups only."""
        columns = (self.n, self.positives, self.value, self.n_effective, self.up, self.down)
        return Rates(*(None if column is None else column[groups] for column in columns))  # type: ignore[arg-type]


def group_rates(
    fact: NDArray[Any],
    group: NDArray[Any],
    n_groups: int,
    weight: Floats | None = None,
    *,
    signed: bool = False,
    count: Floats | None = None,
) -> Rates:
    """The weighted (Hajek) mean of `fact` in each group.

    `fact`: (N,), values 0 and 1, or -1, 0 and 1 with `signed`. `group`: (N,) in [0, n_groups).
    `weight`: (N,) inverse inclusion probabilities, or None for all ones. `count`: (N,) how many tasks each entry stands
    for, or None for one each. Effective counts come from the linearised
    variance sum w^2 (x - mean)^2 / (sum w)^2, and are never above `n`.
    """
    x = fact.astype(np.float64)
    c = np.ones(len(x)) if count is None else count
    w = c if weight is None else weight * c
    n = np.rint(_sums(c, group, n_groups)).astype(np.int64)
    positives = np.rint(_sums(c[x > 0], group[x > 0], n_groups)).astype(np.int64)
    value = _mean(x, w, group, n_groups)
    n_effective = n.astype(np.float64) if weight is None else _effective(x, (w, c), group, value, n)
    if not signed:
        return Rates(n, positives, value, n_effective)
    up, down = (_mean((x == side).astype(np.float64), w, group, n_groups) for side in (1, -1))
    return Rates(n, positives, value, n_effective, up, down)


def _sums(x: Floats, group: NDArray[Any], n_groups: int) -> Floats:
    return np.bincount(group, weights=x, minlength=n_groups).astype(np.float64)


def _mean(x: Floats, w: Floats, group: NDArray[Any], n_groups: int) -> Floats:
    total = _sums(w, group, n_groups)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(total > 0, _sums(w * x, group, n_groups) / total, np.nan)
    return mean


def _effective(x: Floats, sums: tuple[Floats, Floats], group: NDArray[Any], value: Floats, n: Ints) -> Floats:
    """spread / variance of the mean; Kish's (sum w)^2 / sum w^2 where all tasks of a group agree.

    `sums`: the weight of all tasks of each entry together, and how many they are.
    """
    groups, (w, c) = len(n), sums
    total, squares = _sums(w, group, groups), _sums(w * w / c, group, groups)
    spread = _mean((x - value[group]) ** 2, w, group, groups)
    variance = _sums((w * (x - value[group])) ** 2 / c, group, groups)
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.where(spread > 0, spread * total**2 / variance, total**2 / squares)
    effective: Floats = np.where(n > 0, np.minimum(size, n), 0.0)
    return effective


def rate_estimates(rates: Rates, minimum: int, level: float, counted: str = "checked") -> tuple[Estimate, ...]:
    """Each group's rate with its interval, not estimable below `minimum` tasks.

    `counted` names what is counted: "checked" gives the reason "11 of 30 checked", or "undefined: no task checked".
    """
    low, high = rates.limits(normal_z(level))
    return tuple(
        Estimate(None, None, None, False, f"undefined: no task {counted}")
        if n == 0
        else Estimate(float(value), float(bottom), float(top), bool(n >= minimum), too_few(int(n), minimum, counted))
        for n, value, bottom, top in zip(rates.n, rates.value, low, high, strict=True)
    )


def too_few(n: int, minimum: int, counted: str) -> str:
    """The reason a group cannot be judged, empty where it can."""
    return "" if n >= minimum else f"{n} of {minimum} {counted}"
