"""Upper bounds of an error rate from audited tasks: exact, for finite populations, weighted, valid at every look."""

from __future__ import annotations

from math import log

import numpy as np
import scipy
from numpy.typing import ArrayLike

from labeling.truth.votes import Bools, Floats

PARTS = np.array([0, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.9])
LOG_STAKES = np.log([0.3, *[0.1] * 7])
"""Bets on fewer wrong labels than the budget: on these parts of it, with these shares of the capital."""
FRACTIONS = np.array([0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0])


def clopper_pearson_upper(errors: ArrayLike, n: ArrayLike, delta: float) -> Floats:
    """BetaInv(1 - delta; errors + 1, n - errors), 1 where all were wrong or nothing was checked; any shape.

    The rate is above it with probability delta at most. 0 errors in n give 1 - delta^(1 / n).
    Source: Clopper and Pearson, Biometrika 26 (1934).
    """
    x, size = np.asarray(errors, dtype=float), np.asarray(n, dtype=float)
    upper: Floats = np.where(x < size, scipy.special.betainccinv(x + 1, np.maximum(size - x, 1e-9), delta), 1.0)
    return upper


def hypergeometric_upper(errors: int, n: int, total: int, delta: float) -> int:
    """The largest number of wrong labels among `total` that `errors` wrong ones among n drawn do not speak against.

    The largest W with P(at most `errors` wrong among n drawn without replacement | W) > delta. Exact for a finite
    population, so never above Clopper and Pearson's. Source: Buonaccorsi, The American Statistician 41 (1987).
    """
    low, high = errors, total - (n - errors)
    while low < high:
        middle = (low + high + 1) // 2
        if scipy.stats.hypergeom.cdf(errors, total, middle, n) > delta:
            low = middle
        else:
            high = middle - 1
    return low


def betting_upper(probability: Floats, total: int, least: float, delta: float) -> float:
    """Upper bound of the share of wrong labels among `total` from a sample with unequal probabilities.

    `probability`: with which each wrong task that was found had been drawn, (x,), x >= 0. `least`: the smallest
    probability any of the `total` tasks had. With Z_i = 1 / probability_i for the wrong ones found, 0 for all others,
    whose mean is the share, the bound is the smallest a for which the mean over bets b of prod_i (1 + b (a - Z_i))
    reaches 1 / delta; b is a fraction of the largest that keeps every factor positive. The product is at most 1 on the
    mean where the share is a or more, for independent draws and for draws without replacement within strata.
    Source: Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting, JRSS B (2024).
    """
    if least <= 0:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if _log_bets(middle, 1 / probability, total, 1 / least) >= log(1 / delta):
            high = middle
        else:
            low = middle
    return high


def _log_bets(rate: float, losses: Floats, total: int, largest: float) -> float:
    """The log of the mean capital after bets that the share of wrong labels is below `rate`."""
    bets = FRACTIONS / (largest - rate)
    with np.errstate(divide="ignore"):
        lost = np.log(np.maximum(1 + bets[:, None] * (rate - losses), 0)).sum(axis=1)
    won = (total - len(losses)) * np.log1p(bets * rate)
    return float(scipy.special.logsumexp(won + lost) - log(len(bets)))


def log_capital(errors: ArrayLike, n: ArrayLike, total: ArrayLike, budget: ArrayLike) -> Floats:
    """The log capital of bets against "at least `budget` of the `total` labels are wrong"; arguments of any one shape.

    `errors` wrong ones were seen among n labels taken in random order without replacement. Each bet is the likelihood
    ratio of a wrong labels against `budget` of them, C(a, x) C(total - a, n - x) / (C(budget, x) C(total - budget,
    n - x)), a < `budget`; the capital is their weighted mean, infinite once so few are left that `budget` cannot be
    reached. It starts at 1, cannot grow on the mean where the claim is true, and so ever reaches 1 / delta with
    probability delta at most (Ville). Source: Waudby-Smith and Ramdas, Confidence sequences for sampling without
    replacement, NeurIPS 2020. Counts may be fractions, for what is to be expected.
    """
    x, seen, size, most = (np.asarray(each, dtype=float)[..., None] for each in (errors, n, total, budget))
    null = _log_ways(x, seen, size, most)
    ratio = _log_ways(x, seen, size, np.floor(PARTS * np.maximum(most, 0)))
    with np.errstate(invalid="ignore"):
        capital: Floats = scipy.special.logsumexp(
            np.where(np.isneginf(ratio), -np.inf, ratio - null) + LOG_STAKES, axis=-1
        )
    over, cannot = (x >= most)[..., 0], (most - x > size - seen)[..., 0]
    return np.where(over, -np.inf, np.where(cannot, np.inf, capital))


def _log_ways(x: Floats, n: Floats, total: Floats, wrong: Floats) -> Floats:
    """ln C(wrong, x) + ln C(total - wrong, n - x), -inf where there is no such way; x and n may be fractions."""
    right, seen = total - wrong, n - x
    possible = (x <= wrong) & (seen <= right)
    w, r = np.where(possible, wrong - x, 0), np.where(possible, right - seen, 0)
    ways = (
        scipy.special.gammaln(wrong + 1)
        - scipy.special.gammaln(x + 1)
        - scipy.special.gammaln(w + 1)
        + scipy.special.gammaln(right + 1)
        - scipy.special.gammaln(seen + 1)
        - scipy.special.gammaln(r + 1)
    )
    return np.where(possible, ways, -np.inf)


def best_log_capital(wrong: Bools, total: int, budget: int) -> float:
    """The largest log capital at any time of a sequence of checks, (m,) in the order of their random numbers."""
    errors = np.cumsum(wrong)
    if budget <= (errors[-1] if len(errors) else 0):
        return -np.inf
    return float(log_capital(errors, np.arange(1, len(wrong) + 1), total, budget).max(initial=0.0))


def anytime_upper(wrong: Bools, total: int, delta: float, most: int | None = None) -> int:
    """The largest number of wrong labels among `total` that the checks in turn do not speak against, at every look.

    `most`: a number already known to be an upper bound. The numbers from which on the capital has reached 1 / delta are
    left out; this confidence sequence holds for all sample sizes at once.
    """
    low, high = int(np.count_nonzero(wrong)), total if most is None else most
    while low < high:
        middle = (low + high + 1) // 2
        if best_log_capital(wrong, total, middle) >= log(1 / delta):
            high = middle - 1
        else:
            low = middle
    return max(low, 0)
