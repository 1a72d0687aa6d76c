"""Intervals for rates, for differences and ratios of rates, and for gaps between the best and the worst of many groups.

All functions are vectorised over NumPy arrays of one dimension; `level` is the two-sided confidence level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Pair = tuple[Floats, Floats]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its interval, and whether it may stand for more than the tasks at hand.

    `value` is None where the number is undefined (no task to divide by), never 0. Where `estimable` is
    False, `reason` says why in words fit for a screen ("11 of 30 checked"), and the number is not to be shown
    as a finding, even if the sample has one. An estimable number may carry a remark in `reason` as well.
    """

    value: float | None
    low: float | None
    high: float | None
    estimable: bool = True
    reason: str = ""


def normal_z(level: float) -> float:
    """The two-sided normal quantile: 1.96 for a level of 0.95."""
    return float(-scipy.special.ndtri((1 - level) / 2))


@lru_cache(maxsize=1024)
def simultaneous_z(level: float, groups: int) -> float:
    """The quantile that holds for all pairs of `groups` at once: the studentised range divided by sqrt(2).

    Equal to `normal_z(level)` for two groups. Source: Tukey; for proportions Agresti, Bini, Bertaccini and Ryu,
    Biometrics 64 (2008).
    """
    return float(scipy.stats.studentized_range.ppf(level, groups, np.inf)) / sqrt(2)


def wilson_limits(rate: ArrayLike, n: ArrayLike, z: float) -> Pair:
    """Wilson's score limits of rates, each array of shape (G,); `n` may be an effective, fractional count.

    Where `n` is 0 the limits are 0 and 1. Source: Wilson, JASA 22 (1927).
    """
    p, size = np.asarray(rate, dtype=float), np.asarray(n, dtype=float)
    known = size > 0
    p, size = np.where(known, p, 0.5), np.where(known, size, 1.0)
    centre = (p + z * z / (2 * size)) / (1 + z * z / size)
    half = z * np.sqrt(p * (1 - p) / size + z * z / (4 * size * size)) / (1 + z * z / size)
    low = np.where(p == 0, 0.0, centre - half)
    high = np.where(p == 1, 1.0, centre + half)
    return np.where(known, low, 0.0), np.where(known, high, 1.0)


def wilson(positives: ArrayLike, n: ArrayLike, level: float = 0.95) -> Pair:
    """Wilson's interval for `positives` of `n`; 0 to 1 where `n` is 0."""
    size = np.asarray(n, dtype=float)
    rate = np.asarray(positives, dtype=float) / np.maximum(size, 1)
    return wilson_limits(rate, size, normal_z(level))


def clopper_pearson(positives: ArrayLike, n: ArrayLike, level: float = 0.95) -> Pair:
    """The exact interval for `positives` of `n`: never covers less than `level`, and is wider than Wilson's.

    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    s, size = np.asarray(positives, dtype=float), np.asarray(n, dtype=float)
    tail = (1 - level) / 2
    low = np.where(s > 0, scipy.special.betaincinv(np.maximum(s, 1), size - s + 1, tail), 0.0)
    high = np.where(s < size, scipy.special.betainccinv(s + 1, np.maximum(size - s, 1), tail), 1.0)
    return low, high


def paired_limits(up: ArrayLike, down: ArrayLike, n: ArrayLike, z: float) -> Pair:
    """Limits of mean(d) where each of `n` tasks has d = +1 (share `up`), -1 (share `down`) or 0.

    An adjusted Wald interval, for example for labels given too often less labels missed.
    Source: Bonett and Price, Journal of Educational and Behavioral Statistics 37 (2012).
    """
    size = np.asarray(n, dtype=float)
    p_up = (np.asarray(up, dtype=float) * size + 1) / (size + 2)
    p_down = (np.asarray(down, dtype=float) * size + 1) / (size + 2)
    half = z * np.sqrt((p_up + p_down - (p_up - p_down) ** 2) / (size + 2))
    return np.maximum(p_up - p_down - half, -1.0), np.minimum(p_up - p_down + half, 1.0)


def newcombe(positives: tuple[float, float], n: tuple[float, float], level: float = 0.95) -> tuple[float, float]:
    """Newcombe's interval for the first rate less the second, built from their Wilson limits.

    Raises ValueError where a group is empty. Source: Newcombe, Statistics in Medicine 17 (1998), method 10.
    """
    if min(n) <= 0:
        raise ValueError("`n` must be positive in both groups")
    rate = np.asarray(positives, dtype=float) / np.asarray(n, dtype=float)
    low, high = _pairwise_difference(rate, *wilson_limits(rate, n, normal_z(level)))
    return float(low[0, 1]), float(high[0, 1])


def _pairwise_difference(value: Floats, low: Floats, high: Floats) -> Pair:
    """Limits of value[g] - value[h], each (G, G), from the limits of the single values (Newcombe's square-and-add)."""
    below, above = (value - low) ** 2, (high - value) ** 2
    difference = value[:, None] - value[None, :]
    return difference - np.sqrt(below[:, None] + above), difference + np.sqrt(above[:, None] + below)


def widest_gap(value: Floats, narrow: Pair, wide: Pair) -> tuple[float, float]:
    """An interval for max(value) - min(value) over G >= 2 groups that pays for having picked best and worst.

    `narrow`: limits of each value at `normal_z(level)`; `wide`: limits at `simultaneous_z(level, G)`.
    The low end is the largest low end among all pairs, held simultaneously: with no true gap it is above 0 with
    probability 1 - level. The high end is the largest high end among all pairs and needs no correction: it is at
    least the one of the truly extreme pair. Coverage is therefore `level` or a little more. For two groups
    this is Newcombe's interval for the absolute difference.
    """
    low = float(_pairwise_difference(value, *wide)[0].max())
    high = _pairwise_difference(value, *narrow)[1]
    np.fill_diagonal(high, -np.inf)
    return max(0.0, low), float(high.max())


def log_ratio_limits(rate: Floats, n: Floats, z: float) -> Pair:
    """Limits of rate[g] / rate[h], each (G, G): exp(ln ratio +- z se), 1/2 added to the counts of a pair with a 0.

    se^2 adds (1 - rate) / (n rate) of both groups. Where a rate is 1 that is 0, which claims too much; its part is then
    the log distance to Wilson's limit. Source: Katz, Baptista, Azen and Pike, Biometrics 34 (1978).
    """
    zero = rate <= 0
    low, high = _log_ratio(np.where(zero, 0.5, rate), n, z)
    eased_low, eased_high = _log_ratio((rate * n + 0.5) / (n + 1), n + 1, z)
    either = zero[:, None] | zero[None, :]
    return np.where(either, eased_low, low), np.where(either, eased_high, high)


def _log_ratio(rate: Floats, n: Floats, z: float) -> Pair:
    variance = np.where(rate >= 1, (np.log1p(z * z / n) / z) ** 2, (1 - rate) / (n * rate))
    middle = np.log(rate)[:, None] - np.log(rate)[None, :]
    half = z * np.sqrt(variance[:, None] + variance[None, :])
    return np.exp(middle - half), np.exp(middle + half)


def ratio_interval(positives: tuple[float, float], n: tuple[float, float], level: float = 0.95) -> tuple[float, float]:
    """The log interval of the first rate divided by the second; ValueError where a group is empty."""
    if min(n) <= 0:
        raise ValueError("`n` must be positive in both groups")
    size = np.asarray(n, dtype=float)
    low, high = log_ratio_limits(np.asarray(positives, dtype=float) / size, size, normal_z(level))
    return float(low[0, 1]), float(high[0, 1])


def smallest_ratio(rate: Floats, narrow: Pair, wide: Pair, reference: int | None = None) -> tuple[float, float]:
    """An interval for the smallest rate[g] / rate[h] over pairs of groups, within 0 and 1.

    `narrow` and `wide` are `log_ratio_limits` at the single and at the simultaneous quantile; the reasoning is that of
    `widest_gap`. With `reference`, only the ratios to that group count.
    """
    columns = slice(None) if reference is None else slice(reference, reference + 1)
    other = ~np.eye(len(rate), dtype=bool)[:, columns]
    low, high = narrow[0][:, columns][other].min(), wide[1][:, columns][other].min()
    return float(min(low, 1.0)), float(min(high, 1.0))


def null_gaps(n: ArrayLike, positives: ArrayLike, draws: int, rng: np.random.Generator) -> Floats:
    """max - min of group rates, shape (draws,), when tasks are dealt to the groups at random: the permutation null.

    `n`, `positives`: (G,) counts, n >= 1. The draws follow the exact permutation distribution of the counts, the
    multivariate hypergeometric one, so no task is shuffled.
    """
    size = np.asarray(n, dtype=np.int64)
    total = int(np.asarray(positives, dtype=np.int64).sum())
    counts = rng.multivariate_hypergeometric(size, total, size=draws, method="marginals")
    gaps: Floats = np.ptp(counts / size, axis=1)
    return gaps


def permutation_p(observed: float, null: Floats) -> float:
    """The share of the null at or above `observed`, the observation counted among them, so never 0."""
    return float((1 + np.count_nonzero(null >= observed - 1e-12)) / (1 + len(null)))


def fisher_p(positives: tuple[float, float], n: tuple[float, float]) -> float:
    """Fisher's exact two-sided p-value of no difference between two groups of whole counts.

    The same number as `scipy.stats.fisher_exact`, several times faster where a table has hundreds of tests.
    """
    total, size, inside = int(sum(positives)), int(sum(n)), int(n[0])
    mean = total * inside / size
    reach = 1000 + 40 * sqrt(mean)  # what lies farther out has no probability worth adding
    k = np.arange(max(0, total - int(n[1]), int(mean - reach)), min(total, inside, int(mean + reach)) + 1)
    falling = (
        scipy.special.gammaln(k + 1)
        + scipy.special.gammaln(total - k + 1)
        + scipy.special.gammaln(inside - k + 1)
        + scipy.special.gammaln(size - total - inside + k + 1)
    )
    probability = np.exp(falling.min() - falling)
    observed = probability[k == int(positives[0])].sum()
    return float(probability[probability <= observed * (1 + 1e-7)].sum() / probability.sum())


def holm(p_values: ArrayLike) -> Floats:
    """P-values adjusted for looking at all of them, shape as given. Source: Holm, Scand. J. Statistics 6 (1979)."""
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    steps = p[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


@dataclass(frozen=True, slots=True)
class Interaction:
    """How far a gap in one row differs from the gap in the other, with its standard error and two-sided p-value.

    `p_value` is None where the standard error is 0 (every rate 0 or 1), for then the normal approximation says nothing.
    """

    value: float
    low: float
    high: float
    se: float
    p_value: float | None

    @property
    def estimable(self) -> bool:
        """Always: an empty cell is refused before."""
        return True


def difference_in_differences(positives: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interaction:
    """(rate[1,1] - rate[1,0]) - (rate[0,1] - rate[0,0]) with a Wald interval.

    `positives`, `n`: (2, 2) counts, row = annotator group, column = task group. Raises ValueError where a cell is
    empty.
    """
    s, size = _two_by_two(positives, n)
    rate = s / size
    value = float(rate[1, 1] - rate[1, 0] - rate[0, 1] + rate[0, 0])
    return _interaction(value, sqrt(float((rate * (1 - rate) / size).sum())), level)


def log_odds_interaction(positives: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interaction:
    """The same contrast on the scale of log odds; 1/2 is added to every count where one is 0 (Haldane, Anscombe)."""
    s, size = _two_by_two(positives, n)
    misses = size - s
    if min(float(s.min()), float(misses.min())) == 0:
        s, misses = s + 0.5, misses + 0.5
    odds = np.log(s / misses)
    value = float(odds[1, 1] - odds[1, 0] - odds[0, 1] + odds[0, 0])
    return _interaction(value, sqrt(float((1 / s + 1 / misses).sum())), level)


def _two_by_two(positives: ArrayLike, n: ArrayLike) -> Pair:
    s, size = np.asarray(positives, dtype=float), np.asarray(n, dtype=float)
    if s.shape != (2, 2) or size.shape != (2, 2) or size.min() < 1:
        raise ValueError("`positives` and `n` must be 2 x 2 counts with at least one task in each cell")
    return s, size


def _interaction(value: float, se: float, level: float) -> Interaction:
    half = normal_z(level) * se
    p_value = float(2 * scipy.special.ndtr(-abs(value) / se)) if se > 0 else None
    return Interaction(value, value - half, value + half, se, p_value)
